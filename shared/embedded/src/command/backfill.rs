//! `backfill`: past nights, one run a session, oldest first.

use std::{fmt, process::ExitCode, thread};

use forecasting::{Cadence, Stamp};
use pipeline::{Assignment, Ledger, RunEntry, RunId, RunStatus, Trigger};
use serde::Serialize;

use super::{
    Failure,
    arguments::NightArguments,
    market::{Chosen, check_past},
    output,
    run::{Prepared, asked, exit_code},
    stores::{Stores, ledger_path},
};

/// What was asked for.
pub(super) struct Range {
    pub(super) from: Option<Stamp>,
    pub(super) to: Option<Stamp>,
    pub(super) limit: Option<u32>,
    pub(super) dry_run: bool,
}

/// What there is to do.
#[derive(Debug, Serialize)]
pub(super) struct Outlook {
    /// First and last session of the range.
    from: Stamp,
    to: Stamp,
    /// Sessions in it.
    sessions: usize,
    /// Runs of it that were closed before, and are not run again.
    done: usize,
    /// Runs to start now.
    runs: usize,
    /// Histories to download.
    downloads: usize,
    /// How long it should take, by the newest runs on record; `None` where there are none.
    seconds: Option<f64>,
    #[serde(skip)]
    to_do: Vec<Stamp>,
}

const NOTHING_TO_GO_ON_FROM: &str = "no run on record to go on from: name the first session with --from";

/// So many of the newest runs tell how long one takes.
const RUNS_TIMED: usize = 50;

impl Outlook {
    async fn new(
        range: &Range,
        chosen: &Chosen,
        assignment: &Assignment,
        ledger: Option<&dyn Ledger>,
    ) -> Result<Outlook, Failure> {
        let newest_runs = match ledger {
            Some(ledger) => ledger.runs(RUNS_TIMED).await?,
            None => Vec::new(),
        };
        let digest = assignment.digest();
        let to = range.to.unwrap_or(chosen.last_session);
        let from = match (range.from, newest_runs.first()) {
            (Some(from), _) => from,
            // From the newest run that was asked to do the same; one that was cut off is not done.
            (None, Some(newest)) => {
                let same = newest_runs.iter().find(|entry| entry.run.assignment == digest);
                same.unwrap_or(newest).run.as_of
            }
            (None, None) => return Err(Failure::Usage(NOTHING_TO_GO_ON_FROM.to_owned())),
        };
        let sessions = match periods(from, to, cadence(chosen, assignment)) {
            // Caught up already.
            Err(_) if range.from.is_none() => Vec::new(),
            sessions => sessions?,
        };
        let mut to_do = Vec::with_capacity(sessions.len());
        for &day in &sessions {
            let entry = match ledger {
                Some(ledger) => ledger.run(&RunId::new(day, &digest)).await?,
                None => None,
            };
            let status = entry.and_then(|entry| entry.closure).map(|closure| closure.status);
            if status.is_none_or(RunStatus::is_incomplete) {
                to_do.push(day);
            }
        }
        let done = sessions.len() - to_do.len();
        to_do.truncate(range.limit.map_or(usize::MAX, |limit| limit as usize));
        let runs = to_do.len();
        let tickers = assignment.tickers.len();
        Ok(Outlook {
            from,
            to,
            sessions: sessions.len(),
            done,
            runs,
            downloads: if chosen.market.is_local() || runs == 0 { 0 } else { tickers },
            seconds: seconds_a_ticker(&newest_runs).map(|seconds| {
                let cores = thread::available_parallelism().map_or(1, usize::from);
                seconds * (runs * tickers) as f64 / cores.min(tickers) as f64
            }),
            to_do,
        })
    }
}

/// Of the tickers that the newest runs completed, on average.
fn seconds_a_ticker(runs: &[RunEntry]) -> Option<f64> {
    let closures = runs.iter().filter_map(|run| run.closure.as_ref());
    let (done, seconds) =
        closures.fold((0, 0.0), |(done, seconds), closure| (done + closure.done, seconds + closure.seconds));
    (done > 0).then(|| seconds / done as f64)
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outlook { from, to, sessions, done, runs, downloads, .. } = self;
        let seconds = match self.seconds {
            Some(seconds) => format!("about {seconds:.0} s, as the newest runs took"),
            None => "how long is not known before the first run".to_owned(),
        };
        write!(
            f,
            "{from} to {to}: {sessions} sessions, {done} done before, {runs} runs now, {downloads} histories to download, {seconds}."
        )
    }
}

/// One night for each session of the range that has not been done, oldest first. Cut off, it goes on where it was when it is
/// called again.
pub(super) async fn backfill(range: &Range, arguments: &NightArguments) -> Result<ExitCode, Failure> {
    if let Some(to) = range.to {
        check_past("--to", to)?;
    }
    let place = &arguments.store.place;
    let begun = place.in_cloud() || ledger_path(&place.data).exists();
    if range.from.is_none() && !begun {
        return Err(Failure::Usage(NOTHING_TO_GO_ON_FROM.to_owned()));
    }
    let asked = Box::pin(asked(arguments)).await?;
    if let (Some(from), Some(to)) = (range.from, range.to) {
        // Before anything is made.
        drop(periods(from, to, cadence(&asked.0, &asked.1))?);
    }
    if range.dry_run {
        let (chosen, assignment, _) = asked;
        let ledger = if begun { Some(Stores::read(place).await?.ledger) } else { None };
        let outlook = Outlook::new(range, &chosen, &assignment, ledger.as_deref()).await?;
        if arguments.store.json {
            output::json(&outlook);
        } else {
            output::print(&outlook.to_string());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut prepared = Box::pin(Prepared::of(asked, arguments)).await?;
    let outlook = Outlook::new(range, &prepared.chosen, &prepared.assignment, Some(&*prepared.stores.ledger)).await?;
    output::remark(&outlook.to_string());
    prepared.download_once(outlook.to);
    prepared.check_recorded("--to", outlook.to)?;
    prepared.check_named(&arguments.tickers, outlook.to).await?;
    let progress = prepared.progress(outlook.runs);
    let mut entries = Vec::with_capacity(outlook.runs);
    for day in outlook.to_do {
        progress.set_prefix(day.to_string());
        entries.push(prepared.night(day, Trigger::Backfill, &progress).await?);
    }
    progress.finish_and_clear();
    prepared.tell_backfilled(&entries).await;
    if arguments.store.json {
        let mut outputs = Vec::with_capacity(entries.len());
        for entry in &entries {
            outputs.push(prepared.output(entry).await?);
        }
        output::json(&outputs);
    } else {
        output::runs(&entries);
        for entry in entries.iter().filter(|entry| entry.closure.as_ref().is_some_and(|c| c.status.is_incomplete())) {
            output::troubles(&prepared.output(entry).await?);
        }
    }
    Ok(exit_code(&entries))
}

/// What was missed between the newest run and this one, which is not among it.
pub(super) async fn missed(prepared: &Prepared, as_of: Stamp) -> Result<Vec<Stamp>, Failure> {
    let ledger = &*prepared.stores.ledger;
    let Some(newest) = ledger.runs(1).await?.pop() else { return Ok(Vec::new()) };
    let range = Range { from: None, to: Some(as_of), limit: None, dry_run: false };
    let outlook = Outlook::new(&range, &prepared.chosen, &prepared.assignment, Some(ledger)).await?;
    Ok(outlook.to_do.into_iter().filter(|day| *day > newest.run.as_of && *day < as_of).collect())
}

/// The cadence that is declared, or the one that most series have.
fn cadence(chosen: &Chosen, assignment: &Assignment) -> Option<Cadence> {
    assignment.configuration.cadence.or(chosen.cadence)
}

/// The periods of a cadence in a range: sessions, where none is known and the range is of dates.
fn periods(from: Stamp, to: Stamp, cadence: Option<Cadence>) -> Result<Vec<Stamp>, Failure> {
    if from > to {
        return Err(Failure::Usage(format!("--from {from} is after --to {to}")));
    }
    let usual = if matches!(from, Stamp::Index(_)) { Cadence::INDEX } else { Cadence::SESSION };
    let cadence = cadence.unwrap_or(usual);
    let wrong = |error: forecasting::Error| Failure::Usage(format!("--from: {error}"));
    let first = match (cadence, from) {
        // The first session in the range may be a later day.
        (Cadence::SESSION, Stamp::Date(date)) => {
            let days = date.series(jiff::Span::new().days(1)).take_while(|date| Stamp::Date(*date) <= to);
            days.map(Stamp::Date).find_map(|day| cadence.period(day).ok())
        }
        _ => Some(cadence.of_dates_like(from).period(from).map_err(wrong)?),
    };
    let mut periods = Vec::new();
    let mut next = first.filter(|period| period.stamp() <= to);
    while let Some(period) = next {
        periods.push(period.stamp());
        next = Some(period.next()).filter(|later| *later != period && later.stamp() <= to);
    }
    if periods.is_empty() {
        return Err(Failure::Usage(format!("there is no {cadence} from {from} to {to}")));
    }
    Ok(periods)
}
