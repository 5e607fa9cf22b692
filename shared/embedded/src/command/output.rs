//! What is printed on standard output: tables for people, JSON for programs.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, IsTerminal, Write},
    path::Path,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use forecasting::{Decision, Stamp, Ticker, price};
use indicatif::{ProgressBar, ProgressStyle};
use pipeline::{
    Archive, Audit, Closure, Error, Forecasted, Ledger, ModelSummary, Prediction, Promoted, Receipt, Recovered,
    RunEntry, RunId, RunStatus, Stage, StageKey, TickerStatus, TickerSummary, Tombstone, Trigger, Verified,
    VerifiedReceipt, legible_lines, plain_reason,
};
use serde::Serialize;

use super::arguments::Format;

/// What `run --json` prints.
#[derive(Serialize)]
pub(super) struct RunOutput<'a> {
    run: &'a RunId,
    as_of: Stamp,
    status: String,
    tickers: Vec<TickerOutput>,
}

#[derive(Serialize)]
struct TickerOutput {
    #[serde(flatten)]
    summary: TickerSummary,
    seconds: f64,
}

impl<'a> RunOutput<'a> {
    pub(super) async fn of(
        entry: &'a RunEntry,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
    ) -> Result<RunOutput<'a>, Error> {
        let mut seconds: BTreeMap<Ticker, f64> = BTreeMap::new();
        for attempt in ledger.attempts(&entry.run.id).await? {
            *seconds.entry(attempt.ticker).or_default() += attempt.seconds;
        }
        let outcomes = match &entry.closure {
            Some(closure) => closure.outcomes(archive).await?,
            None => Vec::new(),
        };
        let seconds = |ticker: &Ticker| seconds.get(ticker).copied().unwrap_or_default();
        let tickers = outcomes.into_iter().map(|summary| TickerOutput { seconds: seconds(&summary.ticker), summary });
        Ok(RunOutput { run: &entry.run.id, as_of: entry.run.as_of, status: status(entry), tickers: tickers.collect() })
    }
}

/// What `runs --json` prints for each run.
#[derive(Serialize)]
pub(super) struct RunListing<'a> {
    #[serde(flatten)]
    run: RunOutput<'a>,
    trigger: Trigger,
    opened_at: &'a str,
    closed_at: Option<&'a str>,
}

impl<'a> RunListing<'a> {
    pub(super) async fn of(
        entry: &'a RunEntry,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
    ) -> Result<RunListing<'a>, Error> {
        Ok(RunListing {
            run: RunOutput::of(entry, archive, ledger).await?,
            trigger: entry.run.trigger,
            opened_at: &entry.opened_at,
            closed_at: entry.closed_at.as_deref(),
        })
    }
}

fn status(entry: &RunEntry) -> String {
    entry.closure.as_ref().map_or_else(|| "open".to_owned(), |closure| closure.status.to_string())
}

/// Whether a result could not be written.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);
/// How tables are printed, and whether nothing else is.
static FORMAT: OnceLock<Format> = OnceLock::new();
static QUIET: AtomicBool = AtomicBool::new(false);
/// The bar that is shown.
static PROGRESS: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Decides once how everything is printed.
pub(super) fn print_as(format: Format, quiet: bool) {
    let _ = FORMAT.set(format);
    QUIET.store(quiet, Ordering::Relaxed);
}

fn format() -> Format {
    FORMAT.get().copied().unwrap_or(Format::Table)
}

/// A bar on standard error, which what is written there meanwhile does not break; nothing where that is no terminal, or nobody wants it.
pub(super) fn progress(length: u64, template: &str) -> ProgressBar {
    if QUIET.load(Ordering::Relaxed) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    *PROGRESS.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
    bar
}

/// Writes something to standard error while no bar is in its way.
pub(super) fn above_progress<T>(write: impl FnOnce() -> T) -> T {
    let bar = PROGRESS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar.filter(|bar| !bar.is_finished() && !bar.is_hidden()) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// A sentence about a result. Of a table for a spreadsheet it is no part.
/// A reader that has gone away (`| head`) is no failure of ours; a full disk is one.
pub(super) fn print(text: &str) {
    if format() == Format::Csv { remark(text) } else { file(format!("{text}\n").as_bytes()) }
}

/// A table, as it was asked for.
pub(super) fn tabulate(table: &mut Table) {
    let rows = || table.row_iter().map(|row| row.cell_iter().map(comfy_table::Cell::content).collect::<Vec<_>>());
    match format() {
        Format::Csv => {
            let header =
                table.header().map(|header| header.cell_iter().map(comfy_table::Cell::content).collect::<Vec<_>>());
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in header.into_iter().chain(rows()) {
                // Memory can be written.
                let _ = writer.write_record(row);
            }
            return file(&writer.into_inner().unwrap_or_default());
        }
        Format::Markdown => {
            table.load_style(presets::ASCII_MARKDOWN);
        }
        Format::Table | Format::Json => match width() {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
                // Numbers and dates are read whole: only columns of words are broken.
                let widths = table.column_max_content_widths();
                for (column, _) in table.column_iter_mut().zip(widths).filter(|(_, wide)| *wide <= MAX_UNBROKEN) {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
            // Another program reads: columns, and nothing drawn.
            None => {
                table.load_style(presets::NOTHING);
            }
        },
    }
    file(format!("{table}\n").as_bytes());
}

/// A column whose cells are no wider is not broken.
const MAX_UNBROKEN: u16 = 21;

/// How wide the terminal is that results are printed on; `COLUMNS` has the last word.
fn width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    let out = std::io::stdout();
    let terminal = out.is_terminal().then(|| rustix::termios::tcgetwinsize(&out).map_or(80, |size| size.ws_col));
    said.or(terminal.map(|columns| if columns == 0 { 80 } else { columns }))
}

/// Prints a file's content as it is.
pub(super) fn file(bytes: &[u8]) {
    let gone = |error: &std::io::Error| error.kind() == ErrorKind::BrokenPipe;
    let mut out = std::io::stdout();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err_and(|error| !gone(&error)) {
        UNWRITTEN.store(true, Ordering::Relaxed);
    }
}

/// Whether everything that was printed has been written.
pub(super) fn complete() -> bool {
    !UNWRITTEN.load(Ordering::Relaxed)
}

pub(super) fn json<T: Serialize>(value: &T) {
    print(&serde_json::to_string(value).expect("results are plain data"));
}

pub(super) fn table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header.to_vec());
    for &index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

pub(super) fn percent(value: Option<f64>) -> String {
    // + 0.0 turns a rounded -0.0 into 0.0.
    value.map_or_else(|| "-".to_owned(), |value| format!("{:+.1} %", (value * 1_000.0).round() / 10.0 + 0.0))
}

/// The table at the end of a night.
pub(super) async fn night(entry: &RunEntry, output: &RunOutput<'_>, ledger: &dyn Ledger) -> Result<(), Error> {
    let RunOutput { run, as_of, status, tickers } = output;
    if entry.closure.as_ref().is_some_and(|closure| closure.status == RunStatus::NoSession) {
        print(&format!("The exchange was closed on {as_of}: no session, nothing to do."));
        return Ok(());
    }
    let first_level = entry.run.configuration.levels.first().map(|level| format!("{level} % interval"));
    let interval = first_level.unwrap_or_default();
    let values = !entry.run.configuration.kind.is_price();
    let (last, next) = if values { ("Last value", "Next period") } else { ("Last close", "Next session") };
    let header = ["Ticker", last, next, "Forecast", &interval, "Model", "Verdict", "Skill", "Seconds"];
    let mut rows = table(&header, &[1, 3, 4, 7, 8]);
    for TickerOutput { summary, seconds } in tickers {
        let key = StageKey { run: (*run).clone(), ticker: summary.ticker.clone(), stage: Stage::Forecast };
        let Some(record) = ledger.committed(&key).await? else { continue };
        let forecasted: Forecasted = record.parse()?;
        let Some(next) = forecasted.forecast.steps.first().map(|step| &step.served) else { continue };
        let interval =
            next.intervals.first().map(|i| format!("{} - {}", price(i.lower), price(i.upper))).unwrap_or_default();
        rows.add_row([
            summary.ticker.to_string(),
            price(forecasted.forecast.price),
            next.date.to_string(),
            price(next.mean),
            interval,
            forecasted.champion.specification.to_string(),
            summary.verdict.map_or("-", Decision::as_str).to_owned(),
            percent(forecasted.champion.record_skill),
            format!("{seconds:.2}"),
        ]);
    }
    if rows.row_count() > 0 {
        tabulate(&mut rows);
    }
    let done = tickers.iter().filter(|ticker| ticker.summary.status == TickerStatus::Done).count();
    print(&format!("Run {run}, as of {as_of}: {status}, {done} of {} tickers done.", tickers.len()));
    if done > 0 {
        let measure = if values { "the (seasonal) naive forecast" } else { "a random walk" };
        print(&format!("Skill is against {measure}, on the track record. This is no investment advice."));
    }
    for ticker in tickers.iter().filter(|ticker| ticker.summary.status != TickerStatus::Done) {
        print(&failure(&ticker.summary));
    }
    Ok(())
}

/// One line for a ticker that is not done.
fn failure(TickerSummary { ticker, status, reason, .. }: &TickerSummary) -> String {
    let what = if *status == TickerStatus::Failed { "Failed" } else { "Skipped" };
    format!("{what}: {ticker}: {}", plain_reason(ticker, reason))
}

/// What failed in one night of a backfill.
pub(super) fn troubles(RunOutput { as_of, tickers, .. }: &RunOutput<'_>) {
    for ticker in tickers.iter().filter(|ticker| ticker.summary.status != TickerStatus::Done) {
        print(&format!("{as_of} {}", failure(&ticker.summary)));
    }
}

pub(super) fn runs(entries: &[RunEntry]) {
    let header = [
        "As of",
        "Run",
        "Trigger",
        "Status",
        "Done",
        "Failed",
        "Promoted",
        "Demoted",
        "Kept",
        "By a person",
        "Closed at",
    ];
    let mut rows = table(&header, &[4, 5, 6, 7, 8, 9]);
    for entry in entries {
        let number = |of: &dyn Fn(&Closure) -> usize| entry.closure.as_ref().map_or(0, of).to_string();
        let verdicts = |decisions: &[Decision]| number(&|closure| closure.verdicts(decisions));
        rows.add_row([
            entry.run.as_of.to_string(),
            entry.run.id.to_string(),
            format!("{:?}", entry.run.trigger).to_lowercase(),
            status(entry),
            number(&|closure| closure.done),
            number(&|closure| closure.failed),
            verdicts(&[Decision::Promote]),
            verdicts(&[Decision::Demote]),
            // A refit was what earlier releases called a keep on newer data.
            verdicts(&[Decision::Keep, Decision::Refit]),
            verdicts(&[Decision::Rollback, Decision::Release]),
            entry.closed_at.clone().unwrap_or_default(),
        ]);
    }
    tabulate(&mut rows);
}

pub(super) fn prediction(prediction: &Prediction) {
    if format() == Format::Csv {
        return numbers(prediction);
    }
    let levels = prediction.horizons.first().map(|step| step.intervals.as_slice()).unwrap_or_default();
    // The usual words where it is about sessions.
    let sessions = prediction.origin.session().is_some();
    let period = prediction.origin.cadence().heading();
    let mut header = vec![format!("{period}s ahead"), period, "Forecast".to_owned()];
    header.extend(levels.iter().map(|interval| format!("{} % interval", interval.level)));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut rows = table(&header, &[0, 2, 3, 4, 5]);
    for step in &prediction.horizons {
        let mut row = vec![step.horizon.to_string(), step.date.to_string(), price(step.mean)];
        row.extend(step.intervals.iter().map(|i| format!("{} - {}", price(i.lower), price(i.upper))));
        rows.add_row(row);
    }
    let Prediction { ticker, origin, version, model, .. } = prediction;
    let bar = if prediction.bar == pipeline::BarStatus::Final { "final" } else { "preliminary" };
    print(&format!(
        "{ticker}: {model}, version {version}, knows {} up to {origin} ({bar})",
        if sessions { "prices" } else { "values" }
    ));
    tabulate(&mut rows);
    let source = |source| if source == pipeline::Source::Live { "live" } else { "record" };
    let skill = &prediction.skill;
    print(&format!(
        "Skill over {}: {} ({} {} forecasts)",
        if sessions { "a random walk" } else { "the naive forecast" },
        percent(skill.value),
        skill.n,
        source(skill.source)
    ));
    // Of other levels than the usual ones nothing is on record.
    let shown = |level| levels.iter().any(|interval| interval.level == level);
    for realised in prediction.coverage.iter().filter(|realised| shown(realised.coverage.level)) {
        let coverage = &realised.coverage;
        print(&format!(
            "The {} % interval held {:.1} % of {} {} forecasts",
            coverage.level,
            coverage.realised * 100.0,
            coverage.n,
            source(realised.source)
        ));
    }
    print(&prediction.notice);
}

/// For programs: every number in full, in a column of its own, as the forecast tables have it.
fn numbers(prediction: &Prediction) {
    let levels: Vec<_> = prediction.horizons.iter().take(1).flat_map(|step| &step.intervals).map(|i| i.level).collect();
    let header = pipeline::forecast_header(&levels);
    let header: Vec<&str> = header.trim_end().split(',').collect();
    let mut rows = table(&header, &[]);
    for step in &prediction.horizons {
        let mut row = vec![prediction.ticker.to_string(), prediction.origin.to_string(), step.date.to_string()];
        row.extend([step.horizon.to_string(), step.mean.to_string()]);
        row.extend(step.intervals.iter().flat_map(|i| [i.lower.to_string(), i.upper.to_string()]));
        row.push(prediction.version.to_string());
        rows.add_row(row);
    }
    tabulate(&mut rows);
}

pub(super) fn forgotten(tombstone: &Tombstone, as_json: bool) {
    if as_json {
        json(tombstone);
    } else {
        let Tombstone { ticker, records, .. } = tombstone;
        print(&format!("{ticker} was forgotten, with {records} results and verdicts: nothing of it is left."));
    }
}

pub(super) fn models(models: &[ModelSummary]) {
    let mut rows = table(&["Version", "In service", "Model", "Fitted on", "AICc", "Coefficients"], &[4]);
    for model in models {
        let coefficients: Vec<String> =
            model.coefficients.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        rows.add_row([
            model.version.to_string(),
            if model.in_service { "yes".to_owned() } else { String::new() },
            model.model.clone(),
            format!("{} to {}", model.first, model.last),
            model.aicc.map_or_else(|| "-".to_owned(), |aicc| format!("{aicc:.2}")),
            coefficients.join(", "),
        ]);
    }
    tabulate(&mut rows);
}

pub(super) fn receipts(receipts: &[Receipt]) {
    if format() != Format::Table {
        let mut rows = table(&["As of", "Verdict", "Version", "Model", "Reason", "Run"], &[]);
        for Receipt { as_of, decision, reason, champion, run, .. } in receipts {
            let (version, model) = (champion.version.to_string(), champion.specification.to_string());
            rows.add_row([&as_of.to_string(), decision.as_str(), &version, &model, reason, run.as_str()]);
        }
        return tabulate(&mut rows);
    }
    for receipt in receipts {
        let Receipt { as_of, decision, reason, champion, run, .. } = receipt;
        print(&format!("{as_of}  {:<8} {}  {}", decision.as_str(), champion.version, champion.specification));
        print(&format!("            {reason} (run {run})"));
        if let Some(training) = &receipt.training {
            print(&format!("            training: {training}"));
        }
    }
}

pub(super) fn checked(file: &Path, watchlist: usize) {
    print(&format!("{} can be used: its watchlist has {watchlist} tickers", file.display()));
}

/// One line on standard error that nobody needs; a reader that has gone away is no failure of ours there either.
pub(super) fn remark(text: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        above_progress(|| drop(writeln!(std::io::stderr(), "{}", legible_lines(text))));
    }
}

/// What went wrong.
pub(super) fn error(text: &str) {
    above_progress(|| drop(writeln!(std::io::stderr(), "closing-bell: {}", legible_lines(text))));
}

/// One line on standard output.
pub(super) fn line(text: &str) {
    print(text);
}

pub(super) fn verified_receipt(verified: &VerifiedReceipt) {
    let VerifiedReceipt { ticker, run, decision, version, scorecards, objects } = verified;
    print(&format!(
        "{ticker} {run} stands: {} {version}, {scorecards} scorecards and {} objects found again as they are recorded",
        decision.as_str(),
        objects.len()
    ));
}

pub(super) fn rolled_back(ticker: &Ticker, promoted: &Promoted) {
    print(&format!("{ticker}: {} is in service. {}.", promoted.champion.version, promoted.reason));
}

pub(super) fn verified(verified: &Verified) {
    let Verified { ticker, version, model, sha256, snapshot } = verified;
    print(&format!("{ticker} {version} stands: {model}, trained again from {snapshot}, SHA-256 {}", sha256.as_str()));
}

/// What was looked at, what nobody knows of, and what is not as it was.
pub(super) fn audit(audit: &Audit) {
    let Audit { runs, tickers, records, rows, objects, signed, unaccounted, findings } = audit;
    line(&format!(
        "{runs} runs, {tickers} series, {records} results and verdicts, {rows} rows, {objects} archived objects were looked at."
    ));
    match signed {
        0 => {}
        1 => line("1 of the runs is signed."),
        n => line(&format!("{n} of the runs are signed.")),
    }
    if !unaccounted.is_empty() {
        line(&format!("{} objects belong to nothing on record, {} among them.", unaccounted.len(), unaccounted[0]));
    }
    for finding in findings {
        error(finding);
    }
    match findings.len() {
        0 => line("All is as it was written."),
        1 => line("One thing is not as it was."),
        n => line(&format!("{n} things are not as they were.")),
    }
}

/// What is on record again, and what is not.
pub(super) fn recovered(recovered: &Recovered) {
    let Recovered { runs, tickers, records, unproven, without_transcript, streamed } = recovered;
    line(&format!("{runs} runs, {tickers} series, {records} results and verdicts are on record again."));
    for what in unproven {
        error(what);
    }
    if !without_transcript.is_empty() {
        let first = &without_transcript[0];
        line(&format!(
            "{} runs are not: they were not closed, or are of days without a session ({first} ...).",
            without_transcript.len()
        ));
    }
    if *streamed {
        line("Rows that arrived since the last run are not in the archive: send them again.");
    }
    line("When runs were held, and how long their stages took, is not in the archive.");
}
