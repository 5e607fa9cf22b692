//! What is printed on standard output: tables for people, JSON for programs.

mod answers;
mod proven;
mod runs;

use std::{
    io::{ErrorKind, IsTerminal, Write},
    path::Path,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use pipeline::legible_lines;
use serde::Serialize;

use super::arguments::Format;
pub(super) use answers::{models, prediction, receipts};
pub(super) use proven::{audit, forgotten, recovered, rolled_back, verified, verified_receipt};
pub(super) use runs::{RunListing, RunOutput, night, runs, troubles};

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

pub(super) fn format() -> Format {
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

/// So many of them: `1 run`, `2 runs`.
pub(super) fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

pub(super) fn checked(file: &Path, watchlist: usize) {
    print(&format!("{} can be used: its watchlist has {}", file.display(), counted(watchlist, "ticker")));
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
