use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use flate2::read::MultiGzDecoder;
use forecasting::{Ticker, TradingDay};
use jiff::civil::Date;
use pipeline::{
    Error, History, MarketData,
    price_file::{PriceFile, last_session},
};

/// A folder of price files, `{TICKER}.csv` or `{TICKER}.csv.gz`.
/// They are written as [`pipeline::price_file`] says.
#[derive(Debug)]
pub struct CsvMarket {
    files: BTreeMap<Ticker, PathBuf>,
}

/// The largest file that is read, unpacked.
const LARGEST_FILE: u64 = 64 << 20;

impl CsvMarket {
    /// Looks which tickers a folder has. Files that are no price files are ignored, with a warning.
    ///
    /// # Errors
    /// A message where the folder cannot be read or has no price file.
    pub fn open(folder: &Path) -> Result<CsvMarket, String> {
        let failed = |error: io::Error| format!("{} cannot be read: {error}", folder.display());
        let mut files = BTreeMap::new();
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
            let Some(stem) = name.strip_suffix(".csv").or_else(|| name.strip_suffix(".csv.gz")) else { continue };
            match stem.parse::<Ticker>() {
                Err(error) => tracing::warn!("{} is ignored: {error}", path.display()),
                Ok(ticker) => {
                    if let Some(other) = files.insert(ticker, path.clone()) {
                        return Err(format!("{} and {} are the same ticker", other.display(), path.display()));
                    }
                }
            }
        }
        if files.is_empty() {
            return Err(format!("{} holds no price file: one is called TICKER.csv or TICKER.csv.gz", folder.display()));
        }
        Ok(CsvMarket { files })
    }

    /// The tickers it has.
    pub fn tickers(&self) -> impl Iterator<Item = &Ticker> {
        self.files.keys()
    }

    /// The session up to a day that most files end on, the newest of those that are even: one file with a mistyped date
    /// does not decide for all. Files and rows that cannot be read do not count.
    pub fn last_session(&self, up_to: TradingDay) -> Option<TradingDay> {
        let mut ends: BTreeMap<TradingDay, usize> = BTreeMap::new();
        for text in self.files.values().filter_map(|path| read_file(path).ok()) {
            if let Some(end) = last_session(&text, up_to) {
                *ends.entry(end).or_default() += 1;
            }
        }
        ends.into_iter().max_by_key(|(end, files)| (*files, *end)).map(|(end, _)| end)
    }
}

#[async_trait]
impl MarketData for CsvMarket {
    async fn history(&self, ticker: &Ticker, from: Date, to: Date) -> Result<History, Error> {
        let path = self.files.get(ticker).ok_or_else(|| Error::UnknownTicker {
            ticker: ticker.clone(),
            reason: "the folder has no file of that name".to_owned(),
        })?;
        let refused = |reason: String| Error::RefusedData {
            ticker: ticker.clone(),
            reason: format!("{}: {reason}", path.display()),
        };
        let text = read_file(path).map_err(refused)?;
        let file = PriceFile::new(ticker.clone(), path.display().to_string(), text.into_bytes());
        file.history(ticker, from, to).await
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        let path = self.files.get(ticker)?;
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(LARGEST_FILE).read_to_end(&mut bytes).ok()?;
        Some((path.file_name()?.to_string_lossy().into_owned(), bytes))
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let unpacked: Box<dyn Read> =
        if path.extension().is_some_and(|e| e == "gz") { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut bytes = Vec::new();
    unpacked.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(format!("larger than {} MB", LARGEST_FILE >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "not a text file".to_owned())
}
