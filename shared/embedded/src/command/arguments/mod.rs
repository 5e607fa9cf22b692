//! The command line.

mod market;
mod place;
mod rows;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use forecasting::{Level, ProgramName, Stamp, Ticker};
use jiff::civil::Date;
use pipeline::{RunId, VersionId};

use crate::stream_demo::MAX_SESSIONS;
pub(super) use market::MarketName;
pub(super) use place::{NightArguments, PlaceArguments, StoreArguments};
pub(super) use rows::{IngestArguments, KafkaArguments, RowFormat};

/// Retrains a forecasting model for every ticker after the close, and lets it serve only where it is better.
#[derive(Debug, Parser)]
#[command(name = "closing-bell", version)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// How a table is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TableFormat {
    Table,
    Csv,
    Json,
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
        #[arg(required_unless_present = "all")]
        ticker: Option<Ticker>,
        /// The version to train again [default: every receipt of the ticker is reached again]
        version: Option<VersionId>,
        /// The run whose verdict to reach again
        #[arg(long, value_name = "RUN", conflicts_with = "version")]
        receipt: Option<RunId>,
        /// Hold everything that is kept against its digests instead: every object, record, pointer, report and row
        #[arg(long, conflicts_with_all = ["ticker", "version", "receipt"])]
        all: bool,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Make a lost ledger anew from the archive, as far as that proves it, and say what it does not
    Recover {
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
        format: TableFormat,
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
        /// Another name by which it is called, such as a proxy's [default: on this machine addresses and localhost alone, beyond it any]
        #[arg(long = "host", value_name = "NAME")]
        hosts: Vec<String>,
        /// Begin no nights by itself
        #[arg(long)]
        no_schedule: bool,
        /// Serve over TLS: the certificate and its chain, PEM; it is read again when it has changed
        #[arg(long, value_name = "FILE", requires = "tls_key")]
        tls_certificate: Option<PathBuf>,
        /// The certificate's key, PEM
        #[arg(long, value_name = "FILE", requires = "tls_certificate")]
        tls_key: Option<PathBuf>,
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
        #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = seconds)]
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

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "a number of seconds, from 0 to 3600".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
