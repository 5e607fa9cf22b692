//! Where a stage works, what it works on, and what stands there already.

use forecasting::{PriceSeries, Stamp, Ticker};
use serde::{Serialize, de::DeserializeOwned};

use super::train::newest_trained;
use crate::{
    Appended, Archive, Chained, Champion, Error, Ledger, Pointing, Receipt, Run, RunId, Snapshot, Stage, StageKey,
    StageRecord, Trained, records::champion_on,
};

/// A stage's place: which run, which session, which ticker.
pub(crate) struct Place<'a> {
    pub(crate) run: &'a Run,
    pub(crate) as_of: Stamp,
    pub(crate) ticker: &'a Ticker,
}

/// What the stages after `fetch` work on. It is read once for all of them.
pub(crate) struct Tonight<'a> {
    pub(crate) place: &'a Place<'a>,
    pub(crate) snapshot: Snapshot,
    pub(crate) series: PriceSeries,
    /// The champion pointer, which a verdict must find as it is here.
    pub(crate) pointer: Option<Champion>,
    /// Who was in service before tonight.
    pub(crate) champion: Option<Champion>,
    /// The track record of the night before, and the run that kept it.
    pub(crate) before: Option<(RunId, Trained)>,
}

impl<'a> Tonight<'a> {
    pub(crate) async fn read(
        archive: &dyn Archive,
        ledger: &dyn Ledger,
        place: &'a Place<'a>,
        snapshot: Snapshot,
    ) -> Result<Tonight<'a>, Error> {
        let series = snapshot.series(archive, place.ticker).await?;
        let pointer = ledger.champion(place.ticker).await?;
        let champion = champion_on(ledger, place.ticker, pointer.as_ref(), place.as_of).await?;
        let before = newest_trained(ledger, place, series.cadence()).await?;
        Ok(Tonight { place, snapshot, series, pointer, champion, before })
    }
}

impl<'a> Place<'a> {
    pub(crate) fn new(run: &'a Run, ticker: &'a Ticker) -> Self {
        Place { run, as_of: run.as_of, ticker }
    }

    pub(crate) fn key(&self, stage: Stage) -> StageKey {
        StageKey { run: self.run.id.clone(), ticker: self.ticker.clone(), stage }
    }
}

/// What a run has of a ticker: results that stand, and those that are to be appended together.
pub(crate) struct StageResults<'a> {
    pub(super) place: &'a Place<'a>,
    standing: Vec<StageRecord>,
    added: Vec<Chained>,
}

impl<'a> StageResults<'a> {
    pub(crate) async fn read(ledger: &dyn Ledger, place: &'a Place<'a>) -> Result<StageResults<'a>, Error> {
        Ok(StageResults::standing(place, ledger.results(&place.run.id, place.ticker).await?))
    }

    pub(crate) fn standing(place: &'a Place<'a>, standing: Vec<StageRecord>) -> StageResults<'a> {
        StageResults { place, standing, added: Vec::new() }
    }

    pub(crate) fn has(&self, stage: Stage) -> bool {
        self.standing.iter().any(|record| record.key.stage == stage)
    }

    /// The result of a stage that stands.
    pub(crate) fn of<T: DeserializeOwned>(&self, stage: Stage) -> Result<Option<T>, Error> {
        self.standing.iter().find(|record| record.key.stage == stage).map(StageRecord::parse).transpose()
    }

    /// The result of a stage that must have come before.
    pub(crate) fn required<T: DeserializeOwned>(&self, stage: Stage) -> Result<T, Error> {
        self.of(stage)?.ok_or_else(|| Error::Missing { key: self.place.key(stage).to_string() })
    }

    /// The result of a stage: the one that stands, otherwise what `work` comes to, which is to be appended.
    pub(crate) async fn or<T: Serialize + DeserializeOwned>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if let Some(standing) = self.of(stage)? {
            return Ok(standing);
        }
        let result = work.await?;
        self.add(stage, &result)?;
        Ok(result)
    }

    /// Adds a result, unless one stands.
    pub(crate) fn add<T: Serialize + DeserializeOwned>(&mut self, stage: Stage, result: &T) -> Result<(), Error> {
        if !self.has(stage) {
            let result = serde_json::to_string(result).expect("a stage's result is plain data");
            let record = StageRecord { key: self.place.key(stage), as_of: self.place.as_of, result };
            // What could not be read back must not stand: it would be this stage's result for ever.
            record.parse::<T>()?;
            self.added.push(Chained::Result(record));
        }
        Ok(())
    }

    /// Adds a verdict.
    pub(crate) fn add_receipt(&mut self, receipt: Receipt, pointing: Pointing) {
        self.added.push(Chained::Receipt(Box::new(receipt), pointing));
    }

    /// Appends one result by itself, and answers with the one that stands.
    pub(crate) async fn commit<T: Serialize + DeserializeOwned>(
        &mut self,
        ledger: &dyn Ledger,
        stage: Stage,
        result: T,
    ) -> Result<T, Error> {
        self.add(stage, &result)?;
        match self.append(ledger, None).await? {
            Appended::Wholly => Ok(result),
            Appended::Stood => StageResults::read(ledger, self.place).await?.required(stage),
        }
    }

    /// Appends what was added.
    pub(crate) async fn append(&self, ledger: &dyn Ledger, expected: Option<&Champion>) -> Result<Appended, Error> {
        ledger.append(self.place.ticker, &self.added, expected).await
    }
}
