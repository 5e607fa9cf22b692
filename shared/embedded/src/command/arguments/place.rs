use std::path::PathBuf;

use clap::Args;
use forecasting::Ticker;

use super::{MarketName, common::Bucket};

/// Where results are kept.
#[derive(Debug, Clone)]
pub(in crate::command) struct PlaceArguments {
    /// The data directory.
    pub(in crate::command) data: PathBuf,
    /// The bucket of a deployment on AWS, in place of a directory.
    pub(in crate::command) store: Option<Bucket>,
    /// The table of that deployment.
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "with AWS it is opened"))]
    pub(in crate::command) ledger: Option<String>,
}

impl PlaceArguments {
    /// Whether it is a deployment on AWS.
    pub(in crate::command) fn in_cloud(&self) -> bool {
        self.store.is_some()
    }
}

/// Where results are kept, and how they are printed.
#[derive(Debug, Clone)]
pub(in crate::command) struct StoreArguments {
    pub(in crate::command) place: PlaceArguments,
    /// JSON for programs.
    pub(in crate::command) json: bool,
}

/// What a night works on.
#[derive(Debug, Clone, Args)]
pub(in crate::command) struct NightOptions {
    /// Work on this ticker alone; may be repeated [default: the watchlist on Tiingo, otherwise all of the market's]
    #[arg(long = "ticker", value_name = "T")]
    pub(in crate::command) tickers: Vec<Ticker>,
    /// Where prices come from: tiingo, tiingo-crypto, tiingo-fx, tiingo-iex, recorded, stream (what `ingest` takes in), csv:PATH (a folder or one file), or
    /// postgres://USER@HOST/DATABASE (needs postgres.query in the configuration) [default: tiingo with a token, recorded without]
    #[arg(long, value_name = "MARKET")]
    pub(in crate::command) market: Option<MarketName>,
    /// Override a configuration key, as in --set horizon=10; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(in crate::command) set: Vec<String>,
}

/// The same, with where its results go.
#[derive(Debug, Clone)]
pub(in crate::command) struct NightArguments {
    pub(in crate::command) tickers: Vec<Ticker>,
    pub(in crate::command) market: Option<MarketName>,
    pub(in crate::command) set: Vec<String>,
    /// The configuration file that was named.
    pub(in crate::command) config: Option<PathBuf>,
    pub(in crate::command) store: StoreArguments,
}
