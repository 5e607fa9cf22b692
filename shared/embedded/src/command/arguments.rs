use std::{path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand};
use forecasting::{Level, ProgramName, Stamp, Ticker};
use jiff::civil::Date;
use pipeline::{Market, RunId, VersionId};

use crate::{postgres::Address, stream_demo::MAX_SESSIONS};

/// Retrains a forecasting model for every ticker after the close, and lets it serve only where it is better.
#[derive(Debug, Parser)]
#[command(name = "closing-bell", version)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run one night: fetch, evaluate, train, promote, forecast, report
    Run {
        /// The session whose close is the newest price to know [default: the market's last]
        #[arg(long, value_name = "DATE")]
        as_of: Option<Stamp>,
        /// Train every contender anew, whatever the policy says
        #[arg(long)]
        train: bool,
        #[command(flatten)]
        night: NightArguments,
    },
    /// Run on a folder of files or a table of one's own, as run --market csv:PATH or postgres://... does
    Import {
        /// The folder, the table, or postgres://USER@HOST/DATABASE
        #[arg(value_name = "PATH")]
        place: String,
        /// Only say what is understood of it: cadences, seasons, first and last, what is missing, what is refused
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        night: NightArguments,
    },
    /// Take rows in as they arrive, from Kafka or another program: each is kept once, and takes the model in service a period further
    Ingest(IngestArguments),
    /// Check a configuration file without running anything
    Check {
        /// The configuration file [default: closing-bell.toml]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Replay past nights, one run a session, each knowing only what was known then
    Backfill {
        /// First session [default: the one after the newest run, to catch up]
        #[arg(long, value_name = "DATE")]
        from: Option<Stamp>,
        /// Last session [default: the market's last]
        #[arg(long, value_name = "DATE")]
        to: Option<Stamp>,
        /// At most this many runs now; the next call goes on from there
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
        /// Only say what would be run, downloaded and waited for
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        night: NightArguments,
    },
    /// Forecast a ticker from the model in service, or from a model's file alone
    Predict {
        /// The series
        #[arg(required_unless_present = "model")]
        ticker: Option<Ticker>,
        /// Sessions ahead [default: as in the forecast table]
        #[arg(long, value_name = "N")]
        horizon: Option<usize>,
        /// Level of a prediction interval in percent; may be repeated [default: as in the forecast table]
        #[arg(long, value_name = "PERCENT")]
        level: Vec<Level>,
        /// This version, in service or not [default: the one in service]
        #[arg(long, value_name = "VERSION")]
        version: Option<VersionId>,
        /// Forecast from this file of models/, wherever it lies, and nothing else; `-` is standard input
        #[arg(long, value_name = "FILE", conflicts_with_all = ["ticker", "version"])]
        model: Option<PathBuf>,
        /// Newer prices for it, from the session on that it was fitted up to: a price file
        #[arg(long, value_name = "FILE", requires = "model")]
        values: Option<PathBuf>,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// List the runs, newest first
    Runs {
        #[command(flatten)]
        store: StoreArguments,
    },
    /// List the stored model versions of a ticker, newest first
    Models {
        /// The series
        ticker: Ticker,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// List the verdicts on a ticker, newest first
    Receipts {
        /// The series
        ticker: Ticker,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Show a ticker's track record: what everyone would have forecast from every past session, and what came of it
    Record {
        /// The series
        ticker: Ticker,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// List every past forecast of a ticker beside what happened, newest first
    Scores {
        /// The series
        ticker: Ticker,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Add up all runs on record: verdicts, skill against the random walk, how often intervals held
    Results {
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Say which version answered for a ticker on a day
    Answered {
        /// The series
        ticker: Ticker,
        /// The day
        date: Date,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Put a version that was in service before into service again, and pin it there
    Rollback {
        /// The series
        ticker: Ticker,
        /// The version
        version: VersionId,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Release the version that a rollback put into service: it is judged again like any other
    Release {
        /// The series
        ticker: Ticker,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Remove a series for good: prices, models, record, forecasts, verdicts; a tombstone stays
    Forget {
        /// The series
        ticker: Ticker,
        /// It cannot be undone
        #[arg(long, required = true)]
        yes: bool,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Do a version, or a verdict, again from the stored prices: every byte and every number must be equal
    Verify {
        /// The series
        ticker: Ticker,
        /// The version to train again [default: every receipt of the ticker is reached again]
        version: Option<VersionId>,
        /// The run whose verdict to reach again
        #[arg(long, value_name = "RUN", conflicts_with = "version")]
        receipt: Option<RunId>,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Write a ticker's prices as they were known, as CSV; of several tickers, or to a file, one long table
    Export {
        /// The series [default: all that are watched]
        tickers: Vec<Ticker>,
        /// Write the newest forecasts instead
        #[arg(long)]
        forecasts: bool,
        /// As they were known on this day [default: now]
        #[arg(long, value_name = "DATE")]
        as_of: Option<Stamp>,
        /// The file, by whose ending the format is chosen, .csv or .parquet [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        place: PlaceArguments,
    },
    /// Judge forecasts that someone else made, as the contenders' are: a table with series, origin, date, and mean or quantiles
    Judge {
        /// The table, CSV [default: none, to judge anew what came before]
        #[arg(required_unless_present = "name")]
        forecasts: Option<PathBuf>,
        /// Whose they are [default: the file's name]
        #[arg(long)]
        name: Option<ProgramName>,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Ask a question in SQL of all that is on record: bars, forecasts, scores, verdicts, runs
    Sql {
        /// The question, in SQLite's SQL
        question: String,
        /// How the answer is printed
        #[arg(long, value_enum, default_value = "table")]
        format: super::sql::Format,
        #[command(flatten)]
        place: PlaceArguments,
    },
    /// Rewrite what earlier releases stored, to save its space; cut off, it goes on when it is called again
    Migrate {
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Draw a ticker's forecast into a PNG or SVG file
    Plot {
        /// The series
        ticker: Ticker,
        /// Draw what the model in service leaves unexplained instead
        #[arg(long)]
        residuals: bool,
        /// On a dark ground
        #[arg(long)]
        dark: bool,
        /// The file, by whose ending the format is chosen [default: TICKER.png]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Serve pages and the HTTP interface, and run the nights of the schedule
    Serve {
        /// The port
        #[arg(long, value_name = "N", default_value_t = 8017)]
        port: u16,
        /// The address to listen on; beyond this machine anyone who reaches it can read
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
        address: std::net::IpAddr,
        /// Begin no nights by itself
        #[arg(long)]
        no_schedule: bool,
        #[command(flatten)]
        kafka: KafkaArguments,
        #[command(flatten)]
        night: NightArguments,
    },
    /// Show on a made-up market how Closing Bell behaves
    Demo {
        #[command(subcommand)]
        demo: Demo,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Demo {
    /// The recorded sample as a stream through a broker in this process: what becomes of its rows, and how forecasts compare with those of nights
    Stream {
        /// Sessions that are sent one by one, after an initial batch of 250
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=i64::from(MAX_SESSIONS)))]
        sessions: u32,
        /// Another seed makes other rows come twice, late, or wrong
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// Seconds between sessions, for whoever watches the page
        #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
        pace: f64,
        /// Where the ledgers are written; it must be empty or not exist
        #[arg(long, value_name = "DIR", default_value = "closing-bell-demo-stream")]
        data: PathBuf,
        /// Print JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// A market whose law changes: what is noticed and when, what is retrained, and what it gains
    Drift {
        /// Another seed makes another market
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// Nights under each law
        #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(6..=1000))]
        nights: u32,
        /// Where the market and the three ledgers are written; it must be empty or not exist
        #[arg(long, value_name = "DIR", default_value = "closing-bell-demo")]
        data: PathBuf,
        /// Print JSON for programs
        #[arg(long)]
        json: bool,
    },
}

/// Where results are kept.
#[derive(Debug, Clone, Args)]
pub(super) struct PlaceArguments {
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "closing-bell-data")]
    pub(super) data: PathBuf,
    /// The bucket of a deployment on AWS, in place of a directory
    #[arg(long, value_name = "s3://BUCKET", conflicts_with = "data", requires = "ledger")]
    pub(super) store: Option<Bucket>,
    /// The table of that deployment
    #[arg(long, value_name = "TABLE", requires = "store")]
    pub(super) ledger: Option<String>,
}

impl PlaceArguments {
    /// Whether it is a deployment on AWS.
    pub(super) fn in_cloud(&self) -> bool {
        self.store.is_some()
    }
}

/// A bucket as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bucket(pub(super) String);

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
pub(super) struct StoreArguments {
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    /// Print JSON for programs
    #[arg(long)]
    pub(super) json: bool,
}

/// What a night works on.
#[derive(Debug, Clone, Args)]
pub(super) struct NightArguments {
    /// Work on this ticker alone; may be repeated [default: all of the market's, or the watchlist]
    #[arg(long = "ticker", value_name = "T")]
    pub(super) tickers: Vec<Ticker>,
    /// Where prices come from: tiingo, tiingo-crypto, tiingo-fx, tiingo-iex, recorded, stream (what `ingest` takes in), csv:PATH, a folder or a table, or
    /// postgres://USER@HOST/DATABASE, whose postgres.query the configuration has [default: tiingo with a token, recorded without]
    #[arg(long, value_name = "MARKET")]
    pub(super) market: Option<MarketName>,
    /// The configuration file [default: closing-bell.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Set a key of the configuration otherwise, as in --set horizon=10; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    #[command(flatten)]
    pub(super) store: StoreArguments,
}

/// Where rows come from.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("from_where").required(true).args(["kafka", "stdin"]))]
pub(super) struct IngestArguments {
    #[command(flatten)]
    pub(super) kafka: KafkaArguments,
    /// Stop when everything is taken in that the topic has now
    #[arg(long, requires = "kafka")]
    pub(super) until_end: bool,
    /// Read rows from standard input, one a line
    #[arg(long)]
    pub(super) stdin: bool,
    /// How rows are written
    #[arg(long, value_enum, default_value = "either")]
    pub(super) format: RowFormat,
    /// The configuration file [default: closing-bell.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Set a key of the configuration otherwise; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "closing-bell-data")]
    pub(super) data: PathBuf,
    /// Print JSON for programs
    #[arg(long)]
    pub(super) json: bool,
}

/// A topic of Kafka.
#[derive(Debug, Clone, Args)]
pub(super) struct KafkaArguments {
    /// A Kafka broker; may be repeated
    #[arg(long, value_name = "HOST:PORT", requires = "topic")]
    pub(super) kafka: Vec<String>,
    /// The topic
    #[arg(long, requires = "kafka")]
    pub(super) topic: Option<String>,
    /// Where to begin a partition that was never read: beginning, end, or a time; others go on where they stopped
    #[arg(long, value_name = "WHERE", default_value = "beginning", requires = "kafka")]
    pub(super) from: Beginning,
    /// Encrypt the connection, to a broker whose certificate this machine trusts
    #[arg(long, requires = "kafka")]
    pub(super) tls: bool,
    /// Trust this authority's certificate (PEM) in place of the machine's
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(super) ca: Option<PathBuf>,
    /// Sign in, with KAFKA_USERNAME and KAFKA_PASSWORD
    #[arg(long, value_enum, requires = "kafka")]
    pub(super) sasl: Option<Mechanism>,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    Start,
    End,
    Time(jiff::Timestamp),
}

impl FromStr for Beginning {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "beginning" => Ok(Beginning::Start),
            "end" => Ok(Beginning::End),
            _ => text
                .parse()
                .map(Beginning::Time)
                .map_err(|_| "it is beginning, end, or a time such as 2026-11-20T17:00:00Z".to_owned()),
        }
    }
}

/// How to sign in at a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Mechanism {
    /// A password, which the connection should encrypt.
    Plain,
    /// A challenge.
    #[value(name = "scram-sha-256")]
    ScramSha256,
    /// A challenge.
    #[value(name = "scram-sha-512")]
    ScramSha512,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum RowFormat {
    /// By their first character.
    Either,
    /// {"series": "A", "ds": "2026-11-20", "y": 12.5}
    Json,
    /// A,2026-11-20,12.5
    Csv,
}

/// A market as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MarketName {
    /// Tiingo's interface.
    Tiingo,
    /// Tiingo's interface for crypto currencies, currencies, or shares within the day.
    TiingoBars(Market),
    /// The recorded sample.
    Recorded,
    /// A folder of files, or a table.
    Csv(PathBuf),
    /// A PostgreSQL server.
    Postgres(Address),
    /// What has arrived row by row.
    Stream,
}

/// How the address of a PostgreSQL server begins.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

impl MarketName {
    /// A folder, a table, or a server.
    pub(super) fn of_place(place: &str) -> MarketName {
        if POSTGRES.iter().any(|scheme| place.starts_with(scheme)) {
            // Whatever is wrong with it, clap must not repeat it.
            return MarketName::Postgres(Address(place.to_owned()));
        }
        MarketName::Csv(place.into())
    }
}

impl FromStr for MarketName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tiingo" => Ok(MarketName::Tiingo),
            "tiingo-crypto" => Ok(MarketName::TiingoBars(Market::TiingoCrypto)),
            "tiingo-fx" => Ok(MarketName::TiingoBars(Market::TiingoFx)),
            "tiingo-iex" => Ok(MarketName::TiingoBars(Market::TiingoIex)),
            "recorded" => Ok(MarketName::Recorded),
            "stream" => Ok(MarketName::Stream),
            _ if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) => Ok(MarketName::of_place(text)),
            _ => match text.strip_prefix("csv:") {
                Some(folder) if !folder.is_empty() => Ok(MarketName::Csv(folder.into())),
                _ => Err(
                    "a market is tiingo, tiingo-crypto, tiingo-fx, tiingo-iex, recorded, stream, csv:PATH or postgres://..."
                        .to_owned(),
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
