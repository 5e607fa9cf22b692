//! `run` and `backfill`.

use std::{fs, io::ErrorKind, path::Path, process::ExitCode, sync::Arc};

use forecasting::TradingDay;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use pipeline::{Archive, Configuration, Ledger, RunEntry, RunStatus, Settings, Trigger};

use super::{
    Failure,
    arguments::NightArguments,
    market::{Chosen, check_past},
    output,
};
use crate::{CachedMarket, DirectoryArchive, Lock, Night, SqliteLedger};

/// A night prepared: everything but the day.
struct Prepared {
    chosen: Chosen,
    configuration: Configuration,
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
    _lock: Lock,
}

impl Prepared {
    fn new(arguments: &NightArguments) -> Result<Prepared, Failure> {
        let settings = read_settings(arguments.config.as_deref())?;
        let chosen = Chosen::new(arguments.market.as_ref(), &settings)?;
        let tickers = if arguments.tickers.is_empty() { chosen.tickers.clone() } else { arguments.tickers.clone() };
        if tickers.is_empty() {
            let what = "no tickers: name them in closing-bell.toml's watchlist, or with --ticker";
            return Err(Failure::Usage(what.to_owned()));
        }
        let configuration = settings.configuration(chosen.name, tickers);
        let data = &arguments.store.data;
        let lock = Lock::take(data).map_err(Failure::Usage)?;
        let archive = DirectoryArchive::open(data).map_err(Failure::Usage)?;
        let ledger = SqliteLedger::open(&ledger_path(data)).map_err(Failure::Usage)?;
        Ok(Prepared { chosen, configuration, archive: Arc::new(archive), ledger: Arc::new(ledger), _lock: lock })
    }

    async fn night(&self, as_of: Date, trigger: Trigger, progress: &ProgressBar) -> Result<RunEntry, Failure> {
        let night = Night {
            market: self.chosen.market.clone(),
            archive: self.archive.clone(),
            ledger: self.ledger.clone(),
            waits: self.chosen.waits_for(as_of),
        };
        // A run that can be neither opened nor closed has no store to work on.
        night
            .run(self.configuration.clone(), as_of, trigger, |ticker| {
                progress.set_message(ticker.to_string());
                progress.inc(1);
            })
            .await
            .map_err(|error| Failure::Usage(error.to_string()))
    }

    /// A bar on standard error; nothing where that is no terminal.
    fn progress(&self, nights: usize) -> ProgressBar {
        let bar = ProgressBar::new((nights * self.configuration.tickers.len()) as u64);
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {elapsed} {prefix} {msg}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}

/// Where a data directory has its ledger.
pub(super) fn ledger_path(data: &Path) -> std::path::PathBuf {
    data.join("ledger.sqlite")
}

const USUAL_FILE: &str = "closing-bell.toml";

/// Reads the file that was named, or the usual one where it exists.
fn read_settings(named: Option<&Path>) -> Result<Settings, Failure> {
    let path = named.unwrap_or(Path::new(USUAL_FILE));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => return Ok(Settings::default()),
        Err(error) => return Err(Failure::Usage(format!("{} cannot be read: {error}", path.display()))),
    };
    Settings::parse(&text).map_err(|message| Failure::Usage(format!("{}: {message}", path.display())))
}

/// Reads the configuration, as a run would, and no more.
pub(super) fn check(named: Option<&Path>) -> Result<ExitCode, Failure> {
    let watchlist = read_settings(named)?.watchlist.len();
    output::checked(named.unwrap_or(Path::new(USUAL_FILE)), watchlist);
    Ok(ExitCode::SUCCESS)
}

/// One night.
pub(super) async fn run(as_of: Option<Date>, arguments: &NightArguments) -> Result<ExitCode, Failure> {
    if let Some(as_of) = as_of {
        check_past("--as-of", as_of)?;
    }
    let prepared = Prepared::new(arguments)?;
    let as_of = as_of.unwrap_or(prepared.chosen.last_session);
    let progress = prepared.progress(1);
    let entry = prepared.night(as_of, Trigger::Manual, &progress).await?;
    progress.finish_and_clear();
    if arguments.store.json {
        output::json(&output::RunOutput::of(&entry));
    } else {
        output::night(&entry, &*prepared.ledger).await?;
    }
    Ok(exit_code(std::slice::from_ref(&entry)))
}

/// One night for each session of a range, oldest first.
pub(super) async fn backfill(from: Date, to: Date, arguments: &NightArguments) -> Result<ExitCode, Failure> {
    check_past("--to", to)?;
    let sessions = sessions(from, to)?;
    let mut prepared = Prepared::new(arguments)?;
    if !prepared.chosen.market.is_local() {
        let start = prepared.configuration.start;
        prepared.chosen.market = Arc::new(CachedMarket::new(prepared.chosen.market.clone(), start, to));
    }
    let progress = prepared.progress(sessions.len());
    let mut entries = Vec::with_capacity(sessions.len());
    for day in sessions {
        progress.set_prefix(day.to_string());
        entries.push(prepared.night(day.date(), Trigger::Backfill, &progress).await?);
    }
    progress.finish_and_clear();
    if arguments.store.json {
        output::json(&entries.iter().map(output::RunOutput::of).collect::<Vec<_>>());
    } else {
        output::backfill(&entries);
    }
    Ok(exit_code(&entries))
}

fn sessions(from: Date, to: Date) -> Result<Vec<TradingDay>, Failure> {
    if from > to {
        return Err(Failure::Usage(format!("--from {from} is after --to {to}")));
    }
    let days = from.series(jiff::Span::new().days(1)).take_while(|date| *date <= to);
    let sessions: Vec<TradingDay> = days.filter_map(|date| TradingDay::new(date).ok()).collect();
    if sessions.is_empty() {
        return Err(Failure::Usage(format!("there is no session from {from} to {to}")));
    }
    Ok(sessions)
}

fn exit_code(entries: &[RunEntry]) -> ExitCode {
    let failed = |entry: &RunEntry| entry.closure.as_ref().is_none_or(|c| c.status == RunStatus::Partial);
    if entries.iter().any(failed) { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
