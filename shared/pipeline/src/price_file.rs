//! Price files: what a folder of one's own or `incoming/` holds.
//!
//! The first line names the columns: `date`, and `adjClose` or `value`; `open`, `high`, `low`, `close`, `volume`, `divCash`
//! and `splitFactor` are read too, others ignored, in any order and case. An empty field or `null` is a missing value.

use async_trait::async_trait;
use csv::StringRecord;
use forecasting::{Row, Ticker, TradingDay};
use jiff::civil::Date;

use crate::{Error, History, MarketData};

/// One price file as the whole market of its series.
#[derive(Debug, Clone)]
pub struct PriceFile {
    ticker: Ticker,
    name: String,
    bytes: Vec<u8>,
}

impl PriceFile {
    /// The file of this series; its name, or key, stands in errors.
    pub fn new(ticker: Ticker, name: impl Into<String>, bytes: Vec<u8>) -> PriceFile {
        PriceFile { ticker, name: name.into(), bytes }
    }

    /// The newest session with a price up to a day; `None` where there is none that can be read.
    pub fn last_session(&self, up_to: TradingDay) -> Option<TradingDay> {
        last_session(std::str::from_utf8(&self.bytes).ok()?, up_to)
    }
}

#[async_trait]
impl MarketData for PriceFile {
    async fn history(&self, ticker: &Ticker, from: Date, to: Date) -> Result<History, Error> {
        if *ticker != self.ticker {
            let reason = format!("{} is of {}", self.name, self.ticker);
            return Err(Error::UnknownTicker { ticker: ticker.clone(), reason });
        }
        let refused =
            |reason: String| Error::RefusedData { ticker: ticker.clone(), reason: format!("{}: {reason}", self.name) };
        let text = std::str::from_utf8(&self.bytes).map_err(|_| refused("not a text file".to_owned()))?;
        Ok(History { rows: rows(text, from, to).map_err(refused)?, read_at: None })
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn rejected(&self, _ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        Some((name.to_owned(), self.bytes.clone()))
    }
}

/// The last session with a price up to a day; rows that cannot be read do not count. Rows are in the order of their dates, so it is looked
/// for from the end.
pub fn last_session(text: &str, up_to: TradingDay) -> Option<TradingDay> {
    let header = text.lines().next()?;
    let mut lines = text.lines().rev();
    lines.find_map(|line| {
        let table = Table::read(&format!("{header}\n{line}\n")).ok()?;
        let record = table.records.first().filter(|record| matches!(table.price(record), Ok(Some(_))))?;
        TradingDay::new(table.date(record).ok()?).ok().filter(|day| *day <= up_to)
    })
}

/// The rows of a range, without a rule on what lies outside it.
pub fn within(rows: Vec<Row>, from: Date, to: Date) -> Vec<Row> {
    rows.into_iter().filter(|row| (from..=to).contains(&row.date)).collect()
}

/// A price file: its records, and which column is which.
struct Table {
    records: Vec<StringRecord>,
    date: usize,
    adjusted_close: usize,
    /// open, high, low, close, volume, divCash, splitFactor.
    others: [Option<usize>; 7],
}

impl Table {
    fn read(text: &str) -> Result<Table, String> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|e| e.to_string())?.clone();
        let plain =
            |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let names: Vec<String> = header.iter().map(plain).collect();
        let find = |name: &str| names.iter().position(|other| other == name);
        let missing = || {
            let line = header.iter().collect::<Vec<_>>().join(",");
            format!("its first line is '{}', but must name the columns date and adjClose (or value)", quoted(&line))
        };
        let mut records = Vec::new();
        for (index, record) in reader.records().enumerate() {
            let record = record.map_err(|e| format!("row {}: {e}", index + 1))?;
            if record.len() != header.len() {
                let (fields, columns) = (record.len(), header.len());
                return Err(format!("row {} has {fields} fields, the header has {columns}", index + 1));
            }
            records.push(record);
        }
        Ok(Table {
            date: find("date").ok_or_else(missing)?,
            adjusted_close: find("adjclose").or_else(|| find("value")).ok_or_else(missing)?,
            others: ["open", "high", "low", "close", "volume", "divcash", "splitfactor"].map(find),
            records,
        })
    }

    /// `2020-12-11`, or that and a time after a `T` or a blank.
    fn date(&self, record: &StringRecord) -> Result<Date, String> {
        let text = &record[self.date];
        let date = text.split(['T', ' ']).next().unwrap_or(text);
        date.parse().map_err(|_| format!("'{}' is no date", quoted(text)))
    }

    fn price(&self, record: &StringRecord) -> Result<Option<f64>, String> {
        number(&record[self.adjusted_close])
    }
}

/// The rows of a price file within a range. What lies outside it does not matter, as long as its date can be read.
pub fn rows(text: &str, from: Date, to: Date) -> Result<Vec<Row>, String> {
    let table = Table::read(text)?;
    let mut rows = Vec::new();
    let mut last: Option<Date> = None;
    for (index, record) in table.records.iter().enumerate() {
        let number_of_row = index + 1;
        let date = table.date(record).map_err(|e| format!("row {number_of_row}: {e}"))?;
        let before = last.replace(date);
        if !(from..=to).contains(&date) {
            continue;
        }
        // Also where the row before lies outside the range: a mistyped year in the middle must not just drop a day.
        if let Some(before) = before.filter(|before| *before > date) {
            return Err(format!("row {number_of_row} ({date}): it follows {before}, but dates must increase"));
        }
        let read = |value: Result<Option<f64>, String>| value.map_err(|e| format!("row {number_of_row} ({date}): {e}"));
        let other = |i: usize| table.others[i].map_or(Ok(None), |place| read(number(&record[place])));
        rows.push(Row {
            adjusted_close: read(table.price(record))?,
            open: other(0)?,
            high: other(1)?,
            low: other(2)?,
            close: other(3)?,
            volume: other(4)?,
            dividend: other(5)?,
            split_factor: other(6)?,
            ..Row::new(number_of_row, date)
        });
    }
    Ok(rows)
}

fn number(text: &str) -> Result<Option<f64>, String> {
    match text {
        "" | "null" | "NA" | "NaN" | "nan" => Ok(None),
        text => text.parse().map(Some).map_err(|_| format!("'{}' is no number", quoted(text))),
    }
}

/// One line of bounded length.
fn quoted(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(80).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn columns_by_name() {
        let all = |text: &str| rows(text, date(2000, 1, 1), date(2100, 1, 1));
        let rows = all("Date,Adj Close,volume,close\n2020-12-10, 16.5 ,100,17\n2020-12-11,null,,\n").expect("reads");
        assert_eq!((rows[0].adjusted_close, rows[0].close, rows[0].volume), (Some(16.5), Some(17.0), Some(100.0)));
        assert_eq!((rows[1].number, rows[1].adjusted_close), (2, None));
        assert_eq!(all("date,value\n2020-12-10,3\n").expect("reads")[0].adjusted_close, Some(3.0));
    }

    #[test]
    fn refusals_say_where() {
        let check = |text: &str, expected: &str| {
            let error = rows(text, date(2000, 1, 1), date(2100, 1, 1)).expect_err("refused");
            assert!(error.contains(expected), "{text:?}: {error}");
        };
        check("404 Not Found: symbol may be delisted", "its first line is '404 Not Found");
        check("", "its first line is ''");
        check("date,adjClose\n2020-12-10,1\nsoon,2\n", "row 2: 'soon' is no date");
        check("date,adjClose\n2020-12-10,dear\n", "row 1 (2020-12-10): 'dear' is no number");
        check("date,adjClose\n2020-12-10\n", "row 1 has 1 fields, the header has 2");
        check("date,adjClose\n2020-12-10,1,2\n", "row 1 has 3 fields");
        check("date,adjClose\n2020-12-10xyz,1\n", "row 1: '2020-12-10xyz' is no date");
    }

    #[test]
    fn a_mistyped_year_in_the_middle_is_noticed() {
        let text = "date,adjClose\n2020-12-09,1\n2029-12-10,1\n2020-12-11,1\n";
        let error = rows(text, date(2020, 1, 1), date(2020, 12, 31)).expect_err("refused");
        assert_eq!(error, "row 3 (2020-12-11): it follows 2029-12-10, but dates must increase");
    }

    #[test]
    fn what_lies_outside_the_range_does_not_matter() {
        let text = "date,adjClose\n2020-12-09,oops\n2020-12-10,1\n2020-12-11,-\n";
        assert_eq!(rows(text, date(2020, 12, 10), date(2020, 12, 10)).expect("reads").len(), 1);
    }
}
