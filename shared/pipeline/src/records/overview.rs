//! `reports/{run}/overview.json.zst`: what a page, a picture or a message tells of a night, ticker by ticker.

use forecasting::{Decision, Period, Stamp, Step, Ticker, price};
use serde::{Deserialize, Serialize};

use super::measured;
use crate::{
    Archive, BarStatus, Closure, Error, Forecasted, RealisedCoverage, Skill, TickerStatus, VersionId,
    packed::{compress, decompress},
};

/// A night, ticker by ticker in the configuration's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    format: u32,
    /// One for each ticker of the run.
    pub tickers: Vec<TickerOverview>,
}

/// One ticker's night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TickerOverview {
    /// Which series.
    pub ticker: Ticker,
    /// How it ended.
    pub status: TickerStatus,
    /// The verdict; `None` where it failed before one.
    pub verdict: Option<Decision>,
    /// The verdict's reason, or the error's text.
    pub reason: String,
    /// What it forecasts; `None` where it failed.
    pub standing: Option<Standing>,
}

/// A forecast on record, and how far it is to be believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The last session it knew.
    pub origin: Period,
    /// Whether that session's bar may still be corrected.
    pub bar: BarStatus,
    /// The last closes that it knew, oldest first; the very last one alone in the first reports.
    pub recent: Vec<f64>,
    /// The model in service, in words, and whether it is pinned or was never asked for evidence.
    pub model: String,
    /// Its version.
    pub version: VersionId,
    /// Since which session its specification has been in service.
    pub since: Stamp,
    /// Whether it claims no skill.
    pub baseline: bool,
    /// The forecast.
    pub steps: Vec<Step>,
    /// Against the random walk.
    pub skill: Skill,
    /// How often its intervals have held.
    pub coverage: Vec<RealisedCoverage>,
}

const FORMAT: u32 = 1;
/// Under which name a report holds it.
pub(crate) const STEM: &str = "overview";

impl Overview {
    pub(crate) fn new(tickers: Vec<TickerOverview>) -> Overview {
        Overview { format: FORMAT, tickers }
    }

    pub(crate) fn packed(&self) -> Vec<u8> {
        compress(&serde_json::to_string(self).expect("an overview is plain data"))
    }

    /// Reads a closed run's overview; `None` of a run whose report has none.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it cannot be read whole.
    pub async fn read(archive: &dyn Archive, closure: &Closure) -> Result<Option<Overview>, Error> {
        let Some(key) = closure.file(STEM) else { return Ok(None) };
        let bytes = archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
        let damaged = |reason: String| Error::Damaged { key: key.to_string(), reason };
        // Earlier releases stored it as it is.
        let json = match key.as_str().strip_suffix(".json") {
            Some(_) => String::from_utf8(bytes).map_err(|error| damaged(error.to_string()))?,
            None => decompress(&bytes).map_err(damaged)?,
        };
        serde_json::from_str(&json).map(Some).map_err(|error| damaged(error.to_string()))
    }
}

impl Standing {
    pub(crate) fn of(forecasted: &Forecasted) -> Standing {
        let Forecasted { champion, bar, live, recent, forecast, .. } = forecasted;
        let nothing = forecasting::LiveRecord::of([]);
        let (skill, coverage) = measured(champion, live.as_ref().unwrap_or(&nothing));
        Standing {
            origin: forecast.origin,
            bar: *bar,
            recent: if recent.is_empty() { vec![forecast.price] } else { recent.clone() },
            model: match (champion.pinned, champion.unproven) {
                (true, _) => format!("{} (pinned)", champion.specification),
                (_, true) => format!("{} (unproven)", champion.specification),
                _ => champion.specification.to_string(),
            },
            version: champion.version.clone(),
            since: champion.since(),
            baseline: champion.specification.is_baseline(),
            steps: forecast.steps.iter().map(|step| step.served.clone()).collect(),
            skill,
            coverage,
        }
    }

    /// The last close, in the forecast's basis.
    pub fn last_close(&self) -> f64 {
        self.recent.last().copied().unwrap_or(f64::NAN)
    }

    /// Its picture's title and prices.
    pub fn fan<'a>(&'a self, ticker: &Ticker) -> pictures::Fan<'a> {
        let first = (1..self.recent.len()).fold(self.origin, |day, _| day.previous());
        let next = self.steps.first().map(|step| format!("next session {}", price(step.mean))).unwrap_or_default();
        pictures::Fan {
            title: format!("{ticker}  {}", price(self.last_close())),
            subtitle: format!("{}, {next}", self.model),
            days: (first.to_string(), self.origin.to_string()),
            past: &self.recent,
            steps: &self.steps,
        }
    }
}
