use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use flate2::read::MultiGzDecoder;
use forecasting::{Cadence, Period, Stamp, Ticker};
use jiff::{Timestamp, civil::Date};
use pipeline::{
    Error, History, MarketData,
    price_file::{ColumnNames, Table, last_ended, usual_end},
};

/// Files of one's own: a folder with one a series, `{TICKER}.csv`, or one table of several. Each may end on `.csv`, `.csv.gz` or
/// `.parquet`; [`pipeline::price_file`] says how they are written.
#[derive(Debug)]
pub struct CsvMarket {
    series: BTreeMap<Ticker, Source>,
    names: ColumnNames,
    disk: Disk,
}

#[derive(Debug)]
enum Source {
    /// A file of its own.
    File(PathBuf),
    /// The rows of this name in a table.
    Rows { from: String, table: std::sync::Arc<Table>, name: String },
}

/// The largest file that is read, unpacked.
const MAX_FILE: u64 = 64 << 20;
/// The largest table of several series.
const MAX_TABLE: u64 = 512 << 20;
const ENDINGS: [&str; 3] = [".csv", ".csv.gz", ".parquet"];

impl CsvMarket {
    /// Looks which series a folder or a table has; their columns may be called otherwise than usual. Files of a folder that are no price files are ignored, with a warning.
    ///
    /// # Errors
    /// A message where it cannot be read, or has no series.
    pub fn open(path: &Path, names: &ColumnNames) -> Result<CsvMarket, String> {
        let series = match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => CsvMarket::folder(path)?,
            Ok(_) => CsvMarket::table(path, names)?,
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        Ok(CsvMarket { series, names: names.clone(), disk: Disk::default() })
    }

    fn folder(folder: &Path) -> Result<BTreeMap<Ticker, Source>, String> {
        let failed = |error: io::Error| format!("{} cannot be read: {error}", folder.display());
        let mut series: BTreeMap<Ticker, Source> = BTreeMap::new();
        let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        entries.sort();
        for path in entries {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // Not a folder, nor a pipe that would wait for a writer for ever.
            if !path.is_file() {
                continue;
            }
            let Some(stem) = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)) else { continue };
            match stem.parse::<Ticker>() {
                Err(error) => tracing::warn!("{} is ignored: {error}", path.display()),
                Ok(ticker) => {
                    if let Some(Source::File(other)) = series.insert(ticker, Source::File(path.clone())) {
                        return Err(format!("{} and {} are the same ticker", other.display(), path.display()));
                    }
                }
            }
        }
        if series.is_empty() {
            return Err(format!("{} holds no price file: one is called TICKER.csv or TICKER.csv.gz", folder.display()));
        }
        Ok(series)
    }

    fn table(path: &Path, names: &ColumnNames) -> Result<BTreeMap<Ticker, Source>, String> {
        let from = path.display().to_string();
        let failed = |reason: String| format!("{from}: {reason}");
        let table = read_table(&Disk::default(), path, names, MAX_TABLE).map_err(failed)?;
        let mut series = series_of(table, &from).map_err(failed)?;
        if series.is_empty() {
            // A table of one series is called as its file is.
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
            let ticker = Ticker::of_name(stem).map_err(|error| failed(error.to_string()))?;
            series.insert(ticker, Source::File(path.to_owned()));
        }
        Ok(series)
    }

    /// The series of a table, which came from somewhere else than a file.
    pub(crate) fn of_table(table: Table, from: &str) -> Result<CsvMarket, String> {
        let series = series_of(table, from)?;
        Ok(CsvMarket { series, names: ColumnNames::default(), disk: Disk::default() })
    }

    /// The series it has.
    pub fn tickers(&self) -> impl Iterator<Item = &Ticker> {
        self.series.keys()
    }

    /// What the series end on, up to a moment: see [`usual_end`]. Files and rows that cannot be read do not count.
    ///
    /// # Errors
    /// Why they cannot be read, where none can.
    pub fn newest(&self, cadence: impl Fn(&Ticker) -> Option<Cadence>, now: Timestamp) -> Result<Period, String> {
        let (mut ends, mut why) = (Vec::new(), Vec::new());
        for (ticker, source) in &self.series {
            match source.last_ended(&self.disk, &self.names, cadence(ticker), now) {
                Ok(Some(end)) => ends.push(end),
                // Its rows are none, each for a reason of its own.
                Ok(None) => {
                    let read = source.history(&self.disk, &self.names, Date::MIN, Stamp::Date(Date::MAX));
                    let reason = read.err().unwrap_or_else(|| "it has no value".to_owned());
                    why.push(format!("{}: {reason}", source.name()));
                }
                Err(error) => why.push(format!("{}: {error}", source.name())),
            }
        }
        usual_end(ends).ok_or_else(|| {
            let more = why.len().saturating_sub(NAMED);
            why.truncate(NAMED);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("no file has a value: {}{more}", why.join("; "))
        })
    }
}

/// So many files are named that cannot be read, where none can.
const NAMED: usize = 3;

impl Source {
    fn name(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Rows { from, .. } => from.clone(),
        }
    }

    fn history(&self, disk: &Disk, names: &ColumnNames, from: Date, to: Stamp) -> Result<History, String> {
        match self {
            Source::File(path) => {
                read_table(disk, path, names, MAX_FILE).and_then(|table| table.history(None, from, to))
            }
            Source::Rows { table, name, .. } => table.history(Some(name), from, to),
        }
    }

    fn last_ended(
        &self,
        disk: &Disk,
        names: &ColumnNames,
        cadence: Option<Cadence>,
        now: Timestamp,
    ) -> Result<Option<Period>, String> {
        match self {
            Source::File(path) => last_ended(&read_table(disk, path, names, MAX_FILE)?, None, cadence, now),
            Source::Rows { table, name, .. } => last_ended(table, Some(name), cadence, now),
        }
    }
}

#[async_trait]
impl MarketData for CsvMarket {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        let source = self.series.get(ticker).ok_or_else(|| Error::UnknownTicker {
            ticker: ticker.clone(),
            reason: "there is no file or row of that name".to_owned(),
        })?;
        let refused = |reason: String| Error::RefusedData {
            ticker: ticker.clone(),
            reason: format!("{}: {reason}", source.name()),
        };
        source.history(&self.disk, &self.names, from, to).map_err(refused)
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        match self.series.get(ticker)? {
            Source::File(path) => {
                let name = path.file_name()?.to_string_lossy().into_owned();
                // As it is: what is packed is kept packed.
                let bytes = self.disk.read(path, MAX_FILE, false).ok()?;
                Some((name, bytes))
            }
            // Its rows alone, not those of all others again.
            Source::Rows { table, name, .. } => Some((format!("{ticker}.csv"), table.csv_of(name))),
        }
    }
}

fn series_of(table: Table, from: &str) -> Result<BTreeMap<Ticker, Source>, String> {
    let table = std::sync::Arc::new(table);
    let mut series = BTreeMap::new();
    for name in table.series() {
        let ticker = Ticker::of_name(name).map_err(|error| error.to_string())?;
        let source = Source::Rows { from: from.to_owned(), table: table.clone(), name: name.to_owned() };
        if let Some(Source::Rows { name: other, .. }) = series.insert(ticker.clone(), source) {
            return Err(format!("its series '{other}' and '{name}' are both {ticker}"));
        }
    }
    Ok(series)
}

fn read_table(disk: &Disk, path: &Path, names: &ColumnNames, largest: u64) -> Result<Table, String> {
    let bytes = disk.unpacked(path, largest)?;
    if path.extension().is_some_and(|e| e == "parquet") {
        return Table::of_parquet(bytes, names);
    }
    Table::read(std::str::from_utf8(&bytes).map_err(|_| "not a text file".to_owned())?, names)
}

/// How long a file may keep a night waiting.
const READ_TIME: Duration = Duration::from_secs(20);
/// After so many that have, no other is read.
const MAX_HUNG: usize = 3;

/// Reads files on threads of their own: a disk that hangs would hold up everyone else.
#[derive(Debug)]
struct Disk {
    patience: Duration,
    hung: AtomicUsize,
}

impl Default for Disk {
    fn default() -> Self {
        Disk { patience: READ_TIME, hung: AtomicUsize::new(0) }
    }
}

impl Disk {
    /// A file's bytes, unpacked.
    fn unpacked(&self, path: &Path, largest: u64) -> Result<Vec<u8>, String> {
        self.read(path, largest, path.extension().is_some_and(|ending| ending == "gz"))
    }

    fn read(&self, path: &Path, largest: u64, packed: bool) -> Result<Vec<u8>, String> {
        if self.hung.load(Ordering::Relaxed) >= MAX_HUNG {
            return Err("other files could not be read in time: their disk hangs".to_owned());
        }
        let ((done, read), from) = (mpsc::sync_channel(1), path.to_owned());
        let reading = move || {
            let file = File::open(&from)?;
            let unpacked: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
            let mut bytes = Vec::new();
            unpacked.take(largest + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let thread = thread::Builder::new().name("file".to_owned());
        thread.spawn(move || drop(done.send(reading()))).map_err(|error| error.to_string())?;
        let read: io::Result<Vec<u8>> = read.recv_timeout(self.patience).map_err(|_| {
            self.hung.fetch_add(1, Ordering::Relaxed);
            format!("it cannot be read within {:?}", self.patience)
        })?;
        let bytes = read.map_err(|error| error.to_string())?;
        if bytes.len() as u64 > largest {
            return Err(format!("larger than {} MB", largest >> 20));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe that nobody writes to stands for a disk that does not answer.
    #[test]
    fn a_disk_that_hangs_is_waited_for_three_times() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let disk = Disk { patience: Duration::from_millis(20), ..Disk::default() };
        for _ in 0..MAX_HUNG {
            assert!(disk.read(&pipe, 100, false).is_err_and(|why| why.contains("cannot be read within")));
        }
        assert!(disk.read(&pipe, 100, false).is_err_and(|why| why.contains("hangs")));
    }
}
