//! What the rows of a series have come to: how many there are, and the model in service, a few periods further than its run left it.

use std::{cmp::Ordering, collections::BTreeMap};

use forecasting::{Cadence, Calibration, Kind, Period, PriceModel, Sample, Specification, Ticker};
use serde::{Deserialize, Serialize};

use super::{Form, How, Kept, rules::Meaning};
use crate::{
    Archive, BothForecasts, Error, Forecasted, Ledger, ModelVersion, RunId, Snapshot, VersionId, error::about,
    newest_forecast,
};

/// What the rows of a series have come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// How often it was written.
    pub version: u64,
    /// How many rows there are.
    pub sequence: u64,
    /// The latest period of a row.
    pub newest: Option<i64>,
    /// Whether its periods are indices, or dates and times; the first row decides.
    pub indexed: Option<bool>,
    /// The newest run that forecast the series, as far as this knows.
    pub run: Option<RunId>,
    /// The series' cadence, where a run has found it.
    pub cadence: Option<Cadence>,
    /// The model in service, where it can be taken further.
    pub live: Option<Live>,
}

/// A model in service, further than the run that it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Rows up to this place were known before, and count as they did then; later ones count as they came.
    pub since: u64,
    /// Which version.
    pub version: VersionId,
    /// The last period that the run knew.
    pub origin: Period,
    /// The last period that was taken in.
    pub last: Period,
    /// Its value.
    pub value: f64,
    /// Periods since the run.
    pub advanced: u64,
    /// From the model's own basis to the series'.
    pub factor: f64,
    /// Values of periods after the next one, which wait for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<i64, f64>,
    /// As it stands after the last period.
    pub model: PriceModel,
}

/// More values wait for a run.
const MAX_PENDING: usize = 1000;

impl Live {
    /// A run's model in service as it stood there; none where only a program knows its law, or where it regresses on what rows do not tell.
    pub(super) async fn of_run(
        archive: &dyn Archive,
        ledger: &dyn Ledger,
        ticker: &Ticker,
        run: &RunId,
        forecasted: &Forecasted,
    ) -> Result<Option<Live>, Error> {
        let champion = &forecasted.champion;
        if matches!(champion.specification, Specification::Program(_) | Specification::Regression(_)) {
            return Ok(None);
        }
        let series = Snapshot::of_run(ledger, ticker, run).await?.series(archive, ticker).await?;
        let version = ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await?;
        let brought = version.model.brought_up_to(version.last, version.last_price, series.bars());
        let (model, factor) = brought.map_err(about(ticker))?;
        let last = series.last();
        Ok(Some(Live {
            since: 0,
            version: version.version,
            origin: last.day,
            last: last.day,
            value: last.adjusted_close,
            advanced: 0,
            factor,
            pending: BTreeMap::new(),
            model,
        }))
    }

    /// Takes in the next period, and those that wait for it. What had been forecast of it.
    fn take(&mut self, value: f64) -> Result<f64, forecasting::Error> {
        let ahead = self.model.forecast(1, &[])?.central();
        let forecast = ahead.first().map_or(f64::NAN, |mean| mean * self.factor);
        self.advance(value)?;
        while let Some(value) = self.pending.remove(&self.next()) {
            self.advance(value)?;
        }
        Ok(forecast)
    }

    fn advance(&mut self, value: f64) -> Result<(), forecasting::Error> {
        self.model.advance(&Sample::from([value / self.factor].as_slice()))?;
        self.last = self.last.next();
        self.value = value;
        self.advanced += 1;
        Ok(())
    }

    /// The number of the period after the last.
    fn next(&self) -> i64 {
        Form::of(self.last.next().stamp()).0
    }

    /// Forecasts from the last period on, with the model's own intervals, and with those that the run taught.
    ///
    /// # Errors
    /// [`Error::Forecasting`] where the model cannot.
    pub fn forecast(&self, ticker: &Ticker, horizon: usize, calibration: &Calibration) -> Result<BothForecasts, Error> {
        let own = self.model.forecast(horizon, &[]).map_err(about(ticker))?.rebased(self.factor);
        Ok(BothForecasts::of(own, calibration))
    }

    /// Those of the rows that were known when the run's forecast was found count as they did then.
    fn catch_up(&mut self, rows: &[Kept]) -> Result<(), forecasting::Error> {
        let origin = Form::of(self.last.stamp()).0;
        // The last row of a period counts.
        for row in rows.iter().filter(|row| row.at > origin) {
            self.pending.insert(row.at, row.value);
        }
        self.since = rows.last().map_or(0, |row| row.sequence);
        while let Some(value) = self.pending.remove(&self.next()) {
            self.advance(value)?;
        }
        while self.pending.len() > MAX_PENDING {
            self.pending.pop_last();
        }
        Ok(())
    }
}

impl Head {
    /// What a row of this period comes to, and what had been forecast of it; nothing where it says what is known. `meaning` is what it
    /// means beside the rows that its period has.
    pub(super) fn take(
        &mut self,
        (at, value): (i64, f64),
        meaning: Option<Meaning>,
    ) -> Result<Option<(How, Option<f64>)>, String> {
        match meaning {
            None => {}
            Some(Meaning::Repeated | Meaning::Outdated) => return Ok(None),
            Some(Meaning::Confirmed) => return Ok(Some((How::Confirmed, None))),
            Some(Meaning::Revised) => {
                // What the model has taken in stays taken in: the next run learns of it.
                if let Some(pending) = self.live.as_mut().and_then(|live| live.pending.get_mut(&at)) {
                    *pending = value;
                }
                return Ok(Some((How::Revised, None)));
            }
            Some(Meaning::Ambiguous) => {
                return Err("its period has had this value before, and nothing tells whether it is newer than the one that it has now: give rows a revision".to_owned());
            }
        }
        let Some(live) = &mut self.live else { return Ok(Some((How::Waiting, None))) };
        let next = live.next();
        Ok(Some(match at.cmp(&next) {
            Ordering::Equal => {
                // A value that the model cannot take, such as one that overflows, leaves it as it was.
                let mut further = live.clone();
                let forecast = further.take(value).map_err(|error| error.to_string())?;
                *live = further;
                (How::Advanced, Some(forecast))
            }
            Ordering::Greater => {
                live.pending.insert(at, value);
                if live.pending.len() > MAX_PENDING {
                    live.pending.pop_last();
                }
                (How::Ahead, None)
            }
            Ordering::Less => (How::Late, None),
        }))
    }

    /// Whether a run has forecast the series since this was written; then the model in service is that run's, and takes in what has
    /// arrived since. `rows` are all that there are.
    pub(super) async fn after_runs(
        &mut self,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
        ticker: &Ticker,
        rows: impl AsyncFnOnce() -> Result<Vec<Kept>, Error>,
    ) -> Result<bool, Error> {
        let (run, forecasted) = match newest_forecast(ledger, ticker).await {
            Ok(newest) => newest,
            Err(Error::NoForecast { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.run.as_ref() == Some(&run) {
            return Ok(false);
        }
        self.live = Live::of_run(archive, ledger, ticker, &run, &forecasted).await?;
        self.cadence = Some(forecasted.forecast.origin.cadence());
        self.run = Some(run);
        if let Some(live) = &mut self.live {
            live.catch_up(&rows().await?).map_err(about(ticker))?;
        }
        Ok(true)
    }

    /// The same from its run on, and the rows that are kept.
    ///
    /// # Errors
    /// As [`Head::after_runs`].
    pub(super) async fn again(
        &self,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
        ticker: &Ticker,
        rows: &[Kept],
    ) -> Result<Option<Live>, Error> {
        let (Some(live), Some(run)) = (&self.live, &self.run) else { return Ok(None) };
        let key = crate::StageKey { run: run.clone(), ticker: ticker.clone(), stage: crate::Stage::Forecast };
        let missing = || Error::Missing { key: key.to_string() };
        let forecasted: Forecasted = ledger.committed(&key).await?.ok_or_else(missing)?.parse()?;
        let Some(mut again) = Live::of_run(archive, ledger, ticker, run, &forecasted).await? else { return Ok(None) };
        let known = rows.partition_point(|row| row.sequence <= live.since);
        again.catch_up(&rows[..known]).map_err(about(ticker))?;
        again.since = live.since;
        let mut head = Head { live: Some(again), ..self.clone() };
        for row in &rows[known..] {
            let meaning = match row.how {
                How::Revised => Some(Meaning::Revised),
                How::Confirmed => Some(Meaning::Confirmed),
                _ => None,
            };
            let differs = |what: &str| Error::Damaged {
                key: format!("row {} of the stream of {ticker}", row.sequence),
                reason: format!("{what} when it is taken in again"),
            };
            let (how, forecast) = match head.take((row.at, row.value), meaning) {
                Ok(Some(taken)) => taken,
                Ok(None) => return Err(differs("it is kept, and would not be")),
                Err(reason) => return Err(differs(&reason)),
            };
            if how != row.how || forecast.map(f64::to_bits) != row.forecast.map(f64::to_bits) {
                return Err(differs(&format!(
                    "it comes to {how:?} and {forecast:?}, not {:?} and {:?}",
                    row.how, row.forecast
                )));
            }
        }
        Ok(head.live)
    }
}

/// Whether a value is one of this kind.
pub(super) fn refusal(kind: Kind, value: f64) -> Option<String> {
    if !value.is_finite() {
        return Some(format!("its value is {value}"));
    }
    kind.refusal(value).map(|why| format!("its value is {value}, {why}"))
}
