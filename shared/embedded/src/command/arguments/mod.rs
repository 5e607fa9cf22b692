//! The command line.

mod common;
mod market;
mod place;
mod rows;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use forecasting::{Level, ProgramName, Stamp, Ticker};
use jiff::civil::Date;
use pipeline::{RunId, VersionId};

use crate::stream_demo::MAX_SESSIONS;
pub(super) use common::{CommonArguments, Format, USUAL_FILE};
pub(super) use market::MarketName;
pub(super) use place::{NightArguments, NightOptions, PlaceArguments, StoreArguments};
pub(super) use rows::{IngestArguments, KafkaArguments, RowFormat};

/// Retrains a forecasting model for every ticker after the close, and uses it only where it has proven better.
#[derive(Debug, Parser)]
#[command(
    name = "closing-bell",
    version,
    after_help = "Begin with `closing-bell init`, or run `closing-bell run` for a first look at recorded prices. `closing-bell status` says how things stand."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: CommonArguments,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a commented closing-bell.toml, listing the price files found here
    Init {
        /// A ticker of the watchlist; may be repeated [default: those of the price files found here, or some well-known ones]
        #[arg(long = "ticker", value_name = "T")]
        tickers: Vec<Ticker>,
    },
    /// Show the state: newest night, failures, changes, next night
    Status,
    /// Run one night: fetch, evaluate, train, promote, forecast, report
    Run {
        /// Forecast as of this session's close [default: the market's last]
        #[arg(long, value_name = "DATE")]
        as_of: Option<Stamp>,
        /// Retrain every model, regardless of the policy
        #[arg(long)]
        train: bool,
        #[command(flatten)]
        night: NightOptions,
    },
    /// Run on your own files or table (short for run --market csv:PATH or postgres://...)
    Import {
        /// The folder, the table, or postgres://USER@HOST/DATABASE
        #[arg(value_name = "PATH")]
        place: String,
        /// Only say what is understood of it: cadences, seasons, first and last, what is missing, what is refused
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        night: NightOptions,
    },
    /// Take in rows as they arrive, from Kafka or another program; each is stored once and advances the model in service by one period
    Ingest(IngestArguments),
    /// Check a configuration file without running anything
    Check,
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
        night: NightOptions,
    },
    /// Forecast a ticker from the model in service, or from a model's file alone
    #[command(visible_alias = "forecast")]
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
    },
    /// List the runs, newest first
    Runs {
        /// Go on and print what happens, stage by stage, until interrupted
        #[arg(long)]
        follow: bool,
    },
    /// List the stored model versions of a ticker, newest first
    Models {
        /// The series
        ticker: Ticker,
    },
    /// List the verdicts on a ticker, newest first
    Receipts {
        /// The series
        ticker: Ticker,
    },
    /// Show a ticker's track record: what each model would have forecast from every past session, and how well
    Record {
        /// The series
        ticker: Ticker,
    },
    /// List every past forecast of a ticker beside what happened, newest first
    Scores {
        /// The series
        ticker: Ticker,
    },
    /// Add up all runs on record: verdicts, skill against the random walk, how often intervals held
    Results,
    /// Say which version answered for a ticker on a day
    Answered {
        /// The series
        ticker: Ticker,
        /// The day
        #[arg(value_parser = day)]
        date: Date,
    },
    /// Put a version that was in service before into service again, and pin it there
    Rollback {
        /// The series
        ticker: Ticker,
        /// The version
        version: VersionId,
        /// Why, for whoever reads the history
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Unpin the version that a rollback put into service: it is judged again like any other
    Release {
        /// The series
        ticker: Ticker,
        /// Why, for whoever reads the history
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Remove a series for good: prices, models, record, forecasts, verdicts; a tombstone stays
    Forget {
        /// The series
        ticker: Ticker,
        /// It cannot be undone
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Recompute a version or a verdict from the stored prices, and check that it is identical
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
        /// Demand that runs are signed by the owner of this key, in PEM; may be repeated
        #[arg(long = "public-key", value_name = "FILE", requires = "all")]
        public_keys: Vec<PathBuf>,
    },
    /// Rebuild a lost ledger from the archive, and list what cannot be proven
    Recover,
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
    },
    /// Judge forecasts that someone else made by the same rules as our own models: a table with series, origin, date, and mean or quantiles
    Judge {
        /// The table, CSV [default: none, to judge anew what came before]
        #[arg(required_unless_present = "name")]
        forecasts: Option<PathBuf>,
        /// Whose they are [default: the file's name]
        #[arg(long)]
        name: Option<ProgramName>,
    },
    /// Ask a question in SQL of all that is on record: bars, forecasts, scores, verdicts, runs
    Sql {
        /// The question, in SQLite's SQL
        question: String,
    },
    /// Rewrite what earlier releases stored, to save space; if interrupted, run it again to continue
    Migrate,
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
        night: NightOptions,
    },
    /// Ask whether a service on this machine is running: exit status 0 if it answers
    Health {
        /// Its port
        #[arg(long, value_name = "N", default_value_t = 8017)]
        port: u16,
    },
    /// Show on a made-up market how Closing Bell behaves
    Demo {
        #[command(subcommand)]
        demo: Demo,
    },
    /// Print completions for a shell: closing-bell completions bash > /etc/bash_completion.d/closing-bell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command, into a folder
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
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
    },
    /// A market whose law changes: what is noticed and when, what is retrained, and what it gains
    Drift {
        /// Another seed makes another market
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// Nights under each law
        #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(6..=1000))]
        nights: u32,
    },
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "a number of seconds, from 0 to 3600".to_owned())
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("'{text}' is not a date: one is written as 2020-12-31"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
