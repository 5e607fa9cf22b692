//! Results that stand: a stage's own from an earlier delivery, and those of the stages before it.

use forecasting::{PriceSeries, Ticker, TradingDay};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Archive, Error, Ledger, Run, Snapshot, Stage, StageKey, StageRecord, error::about};

/// A stage's place: which run, which session, which ticker.
pub(crate) struct Place<'a> {
    pub(crate) run: &'a Run,
    pub(crate) as_of: TradingDay,
    pub(crate) ticker: &'a Ticker,
}

/// What the stages after `fetch` work on: their place, and its prices, which are read once for all of them.
pub(crate) struct Tonight<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) snapshot: Snapshot,
    pub(crate) series: PriceSeries,
}

impl<'a> Tonight<'a> {
    pub(crate) async fn read(
        archive: &dyn Archive,
        ledger: &dyn Ledger,
        place: Place<'a>,
    ) -> Result<Tonight<'a>, Error> {
        let snapshot: Snapshot = place.required(ledger, Stage::Fetch).await?;
        let series = snapshot.series(archive, place.ticker).await?;
        Ok(Tonight { place, snapshot, series })
    }
}

impl<'a> Place<'a> {
    pub(crate) fn new(run: &'a Run, ticker: &'a Ticker) -> Result<Self, Error> {
        Ok(Place { run, as_of: TradingDay::new(run.as_of).map_err(about(ticker))?, ticker })
    }

    pub(crate) fn key(&self, stage: Stage) -> StageKey {
        StageKey { run: self.run.id.clone(), ticker: self.ticker.clone(), stage }
    }

    /// This run's result of a stage, if it is committed.
    pub(crate) async fn result<T: DeserializeOwned>(
        &self,
        ledger: &dyn Ledger,
        stage: Stage,
    ) -> Result<Option<T>, Error> {
        ledger.committed(&self.key(stage)).await?.map(|record| record.parse()).transpose()
    }

    /// This run's result of a stage that must have come before.
    pub(crate) async fn required<T: DeserializeOwned>(&self, ledger: &dyn Ledger, stage: Stage) -> Result<T, Error> {
        self.result(ledger, stage).await?.ok_or_else(|| Error::Missing {
            key: format!("the result of {stage} for {} in run {}", self.ticker, self.run.id),
        })
    }

    /// Commits a result and answers with the one that stands.
    pub(crate) async fn commit<T: Serialize + DeserializeOwned>(
        &self,
        ledger: &dyn Ledger,
        stage: Stage,
        result: &T,
    ) -> Result<T, Error> {
        let result = serde_json::to_string(result).expect("a stage's result is plain data");
        let record = StageRecord { key: self.key(stage), as_of: self.as_of, result };
        // What could not be read back must not stand: it would be this stage's result for ever.
        record.parse::<T>()?;
        ledger.commit(record).await?.parse()
    }
}
