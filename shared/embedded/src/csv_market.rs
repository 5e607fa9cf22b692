use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use flate2::read::MultiGzDecoder;
use forecasting::{Row, Ticker};
use jiff::civil::Date;
use pipeline::{Error, History, MarketData};

/// A folder of price files, `{TICKER}.csv` or `{TICKER}.csv.gz`.
///
/// The first line names the columns: `date`, and `adjClose` or `value`; `open`, `high`, `low`, `close`, `volume`, `divCash`
/// and `splitFactor` are read too, others ignored, in any order and case. An empty field or `null` is a missing value.
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

    /// The newest date of any file up to a day; files that cannot be read do not count.
    pub fn last_date(&self, up_to: Date) -> Option<Date> {
        self.files
            .values()
            .filter_map(|path| read_file(path).and_then(|text| rows(&text)).ok())
            .flatten()
            .filter(|row| row.adjusted_close.is_some() && row.date <= up_to)
            .map(|row| row.date)
            .max()
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
        Ok(History { rows: within(rows(&text).map_err(refused)?, from, to), read_at: None })
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.files.get(ticker)?).ok()?.take(LARGEST_FILE).read_to_end(&mut bytes).ok()?;
        Some(bytes)
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

/// The rows of a range, without a rule on what lies outside it.
pub(crate) fn within(rows: Vec<Row>, from: Date, to: Date) -> Vec<Row> {
    rows.into_iter().filter(|row| (from..=to).contains(&row.date)).collect()
}

/// Which field of a [`Row`] each column is.
struct Columns {
    date: usize,
    adjusted_close: usize,
    others: [Option<usize>; 7],
}

/// Reads the rows of a price file.
pub(crate) fn rows(text: &str) -> Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    let columns = columns(&header)?;
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let number = index + 1;
        let record = record.map_err(|e| format!("row {number}: {e}"))?;
        if record.len() != header.len() {
            return Err(format!("row {number} has {} fields, the header has {}", record.len(), header.len()));
        }
        let text = &record[columns.date];
        let date = text.get(..10).unwrap_or(text).parse().map_err(|_| format!("row {number}: '{text}' is no date"))?;
        let value = |place: usize| match &record[place] {
            "" | "null" | "NA" | "NaN" | "nan" => Ok(None),
            text => text.parse::<f64>().map(Some).map_err(|_| format!("row {number} ({date}): '{text}' is no number")),
        };
        let other = |i: usize| columns.others[i].map_or(Ok(None), value);
        rows.push(Row {
            adjusted_close: value(columns.adjusted_close)?,
            open: other(0)?,
            high: other(1)?,
            low: other(2)?,
            close: other(3)?,
            volume: other(4)?,
            dividend: other(5)?,
            split_factor: other(6)?,
            ..Row::new(number, date)
        });
    }
    Ok(rows)
}

fn columns(header: &csv::StringRecord) -> Result<Columns, String> {
    let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let names: Vec<String> = header.iter().map(plain).collect();
    let find = |name: &str| names.iter().position(|other| other == name);
    let missing = || {
        let line: String = header.iter().collect::<Vec<_>>().join(",").chars().take(80).collect();
        format!("its first line is '{line}', but must name the columns date and adjClose (or value)")
    };
    Ok(Columns {
        date: find("date").ok_or_else(missing)?,
        adjusted_close: find("adjclose").or_else(|| find("value")).ok_or_else(missing)?,
        others: ["open", "high", "low", "close", "volume", "divcash", "splitfactor"].map(find),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_name() {
        let rows = rows("Date,Adj Close,volume,close\n2020-12-10, 16.5 ,100,17\n2020-12-11,null,,\n").expect("reads");
        assert_eq!((rows[0].adjusted_close, rows[0].close, rows[0].volume), (Some(16.5), Some(17.0), Some(100.0)));
        assert_eq!((rows[1].number, rows[1].adjusted_close), (2, None));
        assert_eq!(super::rows("date,value\n2020-12-10,3\n").expect("reads")[0].adjusted_close, Some(3.0));
    }

    #[test]
    fn refusals_say_where() {
        let check = |text: &str, expected: &str| {
            let error = rows(text).expect_err("refused");
            assert!(error.contains(expected), "{text:?}: {error}");
        };
        check("404 Not Found: symbol may be delisted", "its first line is '404 Not Found");
        check("", "its first line is ''");
        check("date,adjClose\n2020-12-10,1\nsoon,2\n", "row 2: 'soon' is no date");
        check("date,adjClose\n2020-12-10,dear\n", "row 1 (2020-12-10): 'dear' is no number");
        check("date,adjClose\n2020-12-10\n", "row 1 has 1 fields, the header has 2");
        check("date,adjClose\n2020-12-10,1,2\n", "row 1 has 3 fields");
    }
}
