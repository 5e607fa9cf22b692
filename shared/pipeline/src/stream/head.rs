//! What the rows of a series have come to: how many there are, and the model in service, a few periods further than its run left it.

use std::{cmp::Ordering, collections::BTreeMap};

use forecasting::{Calibration, Kind, MAX_VALUE, Period, PriceModel, Sample, Specification, Ticker};
use serde::{Deserialize, Serialize};

use super::{
    Form, How, Kept,
    rules::{Meaning, meaning},
};
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
    /// The last period that this run knew: it has the series' cadence.
    pub origin: Option<Period>,
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
    /// As it stands after the last period.
    pub model: PriceModel,
}

/// The values that count of the periods from the next one on, as far as rows of them have come.
pub(super) type Later = BTreeMap<i64, f64>;

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
            model,
        }))
    }

    /// What it forecasts of the next period.
    fn next_mean(&self) -> Result<f64, forecasting::Error> {
        let ahead = self.model.forecast(1, &[])?.central();
        Ok(ahead.first().map_or(f64::NAN, |mean| mean * self.factor))
    }

    /// Takes in the next period. A value that the model cannot take leaves it as it was.
    fn advance(&mut self, value: f64) -> Result<(), forecasting::Error> {
        let mut model = self.model.clone();
        model.advance(&Sample::from([value / self.factor].as_slice()))?;
        self.model = model;
        self.last = self.last.next();
        self.value = value;
        self.advanced += 1;
        Ok(())
    }

    /// Takes notice of a row that is kept, and takes in what follows.
    pub(super) fn notice(&mut self, later: &mut Later, (at, value): (i64, f64)) {
        if at >= self.next() {
            later.insert(at, value);
        } else {
            later.remove(&at);
        }
        self.follow(later);
    }

    /// Takes in the periods that follow, up to one that is missing, or that the model cannot take.
    fn follow(&mut self, later: &mut Later) {
        while let Some(value) = later.get(&self.next()).copied()
            && self.advance(value).is_ok()
        {
            later.pop_first();
        }
    }

    /// The number of the period after the last.
    pub(super) fn next(&self) -> i64 {
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

    /// Those of the rows that were known when the run's forecast was found count as they did then. What is left of them.
    fn catch_up(&mut self, rows: &[Kept]) -> Later {
        let mut later = later(self.next(), rows);
        self.since = rows.last().map_or(0, |row| row.sequence);
        self.follow(&mut later);
        later
    }
}

/// The last row of a period counts.
pub(super) fn later<'a>(next: i64, rows: impl IntoIterator<Item = &'a Kept>) -> Later {
    rows.into_iter().filter(|row| row.at >= next).map(|row| (row.at, row.value)).collect()
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
                // What the model has taken in stays taken in: the next run learns of it. What it could not take may be mended by this.
                if let Some(live) = self.live.as_mut().filter(|live| live.next() == at) {
                    let _ = live.advance(value);
                }
                return Ok(Some((How::Revised, None)));
            }
            Some(Meaning::Ambiguous) => {
                return Err("its period has had this value before, and nothing tells whether it is newer than the one that it has now: give rows a revision".to_owned());
            }
        }
        let Some(live) = &mut self.live else { return Ok(Some((How::Waiting, None))) };
        Ok(Some(match at.cmp(&live.next()) {
            Ordering::Equal => {
                let forecast = live.next_mean().map_err(|error| error.to_string())?;
                live.advance(value).map_err(|error| error.to_string())?;
                (How::Advanced, Some(forecast))
            }
            Ordering::Greater => (How::Ahead, None),
            Ordering::Less => (How::Late, None),
        }))
    }

    /// The newest run's model as far as rows have taken it, whether a row has come since that run or not. Where its rows wait for the
    /// next run, none.
    pub(crate) async fn live_since(
        self,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
        ticker: &Ticker,
        (run, forecasted): (&RunId, &Forecasted),
    ) -> Result<Option<Live>, Error> {
        if self.run.as_ref() == Some(run) {
            return Ok(self.live);
        }
        let next = Form::of(forecasted.forecast.origin.next().stamp()).0;
        if self.newest.is_none_or(|newest| newest < next) {
            return Ok(None);
        }
        match Live::of_run(archive, ledger, ticker, run, forecasted).await {
            Ok(Some(mut live)) => {
                live.catch_up(&ledger.arrived(ticker, next).await?);
                Ok(Some(live))
            }
            Err(error) if error.is_unreachable() => Err(error),
            Ok(None) | Err(_) => Ok(None),
        }
    }

    /// The next period of the model in service, where rows of it or of later ones have come: it can be taken further by them.
    pub(super) fn can_follow(&self) -> Option<i64> {
        let next = self.live.as_ref()?.next();
        self.newest.is_some_and(|newest| newest >= next).then_some(next)
    }

    /// Whether a run has forecast the series since this was written; then the model in service is that run's, and takes in what has
    /// arrived since. `rows` are all that there are. Where the run's model cannot be had, rows wait for the next run.
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
        self.live = match Live::of_run(archive, ledger, ticker, &run, &forecasted).await {
            Ok(live) => live,
            Err(error) if error.is_unreachable() => return Err(error),
            Err(error) => {
                tracing::error!(%ticker, %run, %error, "rows wait for the next run");
                None
            }
        };
        self.origin = Some(forecasted.forecast.origin);
        self.run = Some(run);
        if let Some(live) = &mut self.live {
            live.catch_up(&rows().await?);
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
        let mut later = again.catch_up(&rows[..known]);
        again.since = live.since;
        let mut head = Head { live: Some(again), ..self.clone() };
        let mut before: BTreeMap<i64, Vec<Kept>> = BTreeMap::new();
        for row in &rows[..known] {
            before.entry(row.at).or_default().push(row.clone());
        }
        for row in &rows[known..] {
            let of_period = before.entry(row.at).or_default();
            let meaning = meaning(of_period, row.value, &row.mark);
            of_period.push(row.clone());
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
            if let Some(live) = &mut head.live {
                live.notice(&mut later, (row.at, row.value));
            }
        }
        Ok(head.live)
    }
}

/// Whether a value is one of this kind.
pub(super) fn refusal(kind: Kind, value: f64) -> Option<String> {
    if value.is_nan() || value.abs() > MAX_VALUE {
        return Some(format!("its value is {value}, but must be finite, and at most {MAX_VALUE:e}"));
    }
    kind.refusal(value).map(|why| format!("its value is {value}, {why}"))
}
