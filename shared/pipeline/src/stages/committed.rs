//! Results that stand: a stage's own from an earlier delivery, and those of the stages and runs before it.

use forecasting::{PriceSeries, Ticker, TradingDay};
use jiff::civil::date;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Archive, Champion, Digest, Error, Ledger, ObjectRef, Run, Stage, StageKey, StageRecord, error::about,
    stored::snapshot,
};

/// A stage's place: which run, which session, which ticker.
pub(crate) struct Place<'a> {
    pub(crate) run: &'a Run,
    pub(crate) as_of: TradingDay,
    pub(crate) ticker: &'a Ticker,
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
        ledger.committed(&self.key(stage)).await?.map(|record| parse(&record)).transpose()
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
        parse::<T>(&record)?;
        parse(&ledger.commit(record).await?)
    }
}

pub(crate) fn parse<T: DeserializeOwned>(record: &StageRecord) -> Result<T, Error> {
    serde_json::from_str(&record.result).map_err(|e| Error::Damaged {
        key: format!("the result of {} for {} in run {}", record.key.stage, record.key.ticker, record.key.run),
        reason: e.to_string(),
    })
}

/// Reads a snapshot whole and checks it against its digest.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Damaged`] where it does not read whole.
pub async fn read_snapshot(
    archive: &dyn Archive,
    ticker: &Ticker,
    reference: &ObjectRef,
) -> Result<PriceSeries, Error> {
    let ObjectRef { key, sha256 } = reference;
    let bytes = archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    if Digest::of(&bytes) != *sha256 {
        return Err(Error::Damaged {
            key: key.to_string(),
            reason: "its bytes do not match their checksum".to_owned(),
        });
    }
    snapshot::read(ticker, key, &bytes)
}

/// The champion as it was known on a session: the pointer's, unless that is from later (a backfill), then the one that
/// the last receipt until then put or left in service.
pub(crate) async fn champion_on(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    day: TradingDay,
) -> Result<Option<Champion>, Error> {
    match ledger.champion(ticker).await? {
        Some(pointer) if pointer.as_of > day => {
            let receipts = ledger.receipts(ticker).await?;
            Ok(receipts.into_iter().find(|receipt| receipt.as_of <= day).map(|receipt| receipt.champion))
        }
        pointer => Ok(pointer),
    }
}

/// Later than any session on record.
pub(crate) fn end_of_time() -> TradingDay {
    TradingDay::new(date(2100, 12, 31)).expect("a Friday that is no holiday")
}
