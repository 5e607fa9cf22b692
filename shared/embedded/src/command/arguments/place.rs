use std::{path::PathBuf, str::FromStr};

use clap::Args;
use forecasting::Ticker;

use super::MarketName;

/// Where results are kept.
#[derive(Debug, Clone, Args)]
pub(in crate::command) struct PlaceArguments {
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "closing-bell-data")]
    pub(in crate::command) data: PathBuf,
    /// The bucket of a deployment on AWS, in place of a directory
    #[arg(long, value_name = "s3://BUCKET", conflicts_with = "data", requires = "ledger")]
    pub(in crate::command) store: Option<Bucket>,
    /// The table of that deployment
    #[arg(long, value_name = "TABLE", requires = "store")]
    pub(in crate::command) ledger: Option<String>,
}

impl PlaceArguments {
    /// Whether it is a deployment on AWS.
    pub(in crate::command) fn in_cloud(&self) -> bool {
        self.store.is_some()
    }
}

/// A bucket as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Bucket(pub(in crate::command) String);

impl FromStr for Bucket {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix("s3://").map(|name| name.trim_end_matches('/'));
        match name.filter(|name| !name.is_empty() && !name.contains('/')) {
            Some(name) => Ok(Bucket(name.to_owned())),
            None => Err("a store is s3://BUCKET".to_owned()),
        }
    }
}

/// Where results are kept, and how they are printed.
#[derive(Debug, Clone, Args)]
pub(in crate::command) struct StoreArguments {
    #[command(flatten)]
    pub(in crate::command) place: PlaceArguments,
    /// Print JSON for programs
    #[arg(long)]
    pub(in crate::command) json: bool,
}

/// What a night works on.
#[derive(Debug, Clone, Args)]
pub(in crate::command) struct NightArguments {
    /// Work on this ticker alone; may be repeated [default: all of the market's, or the watchlist]
    #[arg(long = "ticker", value_name = "T")]
    pub(in crate::command) tickers: Vec<Ticker>,
    /// Where prices come from: tiingo, tiingo-crypto, tiingo-fx, tiingo-iex, recorded, stream (what `ingest` takes in), csv:PATH, a folder or a table, or
    /// postgres://USER@HOST/DATABASE, whose postgres.query the configuration has [default: tiingo with a token, recorded without]
    #[arg(long, value_name = "MARKET")]
    pub(in crate::command) market: Option<MarketName>,
    /// The configuration file [default: closing-bell.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(in crate::command) config: Option<PathBuf>,
    /// Set a key of the configuration otherwise, as in --set horizon=10; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(in crate::command) set: Vec<String>,
    #[command(flatten)]
    pub(in crate::command) store: StoreArguments,
}
