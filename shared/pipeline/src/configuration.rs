//! What a run is asked to do. Its digest is part of the run's id.

use forecasting::{BacktestPlan, Level, Policy, Ticker};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Digest, Key};

/// Everything that decides what a run computes; it is archived with the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The tickers to work on, in order.
    pub tickers: Vec<Ticker>,
    /// Where prices come from: `tiingo`, `recorded`, `csv` or `incoming`.
    pub market: String,
    /// First date of the histories.
    pub start: Date,
    /// Sessions to forecast.
    pub horizon: usize,
    /// Interval levels of the forecast tables, in percent.
    pub levels: Vec<Level>,
    /// Sessions held out to compare models.
    pub holdout: usize,
    /// Train on the last N sessions, or on all.
    pub window: Option<usize>,
    /// When to train.
    pub policy: Policy,
    /// Largest Diebold-Mariano p-value that promotes a challenger.
    pub significance: f64,
    /// The file to work on, where the market is `incoming`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incoming: Option<Incoming>,
}

/// A price file that was put under `incoming/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incoming {
    /// Where it was put; it may be gone from there, or be another by now.
    pub key: Key,
    /// Digest of the content that the run works on.
    pub sha256: Digest,
}

impl Configuration {
    /// Digest of its canonical JSON.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }

    /// Canonical JSON: fields in their order, shortest numbers.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a configuration is plain data")
    }

    pub(crate) fn backtest_plan(&self) -> BacktestPlan {
        BacktestPlan { holdout: self.holdout, horizon: self.horizon, levels: self.levels.clone(), window: self.window }
    }
}
