//! Files of series: what a folder of one's own, a long table or `incoming/` holds.
//!
//! The first line names the columns, in any order and case. When: `date`, `ds`, `timestamp`, `datetime`, `time`, or a first column
//! without a name. What: `adjClose`, `value`, `y` or `close`; `open`, `high`, `low`, `close`, `volume`, `divCash` and `splitFactor` are
//! read too, others ignored. Of which series, in a table of several: `unique_id`, `ticker`, `series` or `symbol`. An empty field, `null`
//! or `NaN` is a missing value. Fields are parted by commas, semicolons or tabs; with semicolons a decimal comma is read.

mod columns;
mod number;
mod parquet;
mod records;
mod stamps;
mod table;

use std::collections::BTreeMap;

use async_trait::async_trait;
use forecasting::{Cadence, Period, Row, Stamp, Ticker};
use jiff::{Timestamp, civil::Date};

use crate::{Error, History, MarketData};
pub use columns::ColumnNames;
pub(crate) use columns::{DATES, SERIES, VALUES};
pub(crate) use stamps::one as one_stamp;
pub use table::Table;

/// A number by itself, with a decimal point.
pub(crate) fn one_number(text: &str) -> Result<Option<f64>, String> {
    number::read(text, false)
}

/// One file as the whole market of its series.
#[derive(Debug, Clone)]
pub struct PriceFile {
    ticker: Ticker,
    name: String,
    bytes: Vec<u8>,
    names: ColumnNames,
}

impl PriceFile {
    /// The file of this series; its name, or key, stands in errors.
    pub fn new(ticker: Ticker, name: impl Into<String>, bytes: Vec<u8>) -> PriceFile {
        PriceFile { ticker, name: name.into(), bytes, names: ColumnNames::default() }
    }

    /// With columns that are called so.
    #[must_use]
    pub fn with(self, names: ColumnNames) -> PriceFile {
        PriceFile { names, ..self }
    }

    /// The newest period with a value that has ended by a moment; `None` where there is none that can be read.
    pub fn last_ended(&self, cadence: Option<Cadence>, now: Timestamp) -> Option<Period> {
        let table = Table::read(std::str::from_utf8(&self.bytes).ok()?, &self.names).ok()?;
        last_ended(&table, None, cadence, now).ok().flatten()
    }
}

#[async_trait]
impl MarketData for PriceFile {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        if *ticker != self.ticker {
            let reason = format!("{} is of {}", self.name, self.ticker);
            return Err(Error::UnknownTicker { ticker: ticker.clone(), reason });
        }
        let refused =
            |reason: String| Error::RefusedData { ticker: ticker.clone(), reason: format!("{}: {reason}", self.name) };
        let text = std::str::from_utf8(&self.bytes).map_err(|_| refused("not a text file".to_owned()))?;
        let table = Table::read(text, &self.names);
        table.and_then(|table| table.history(None, from, to)).map_err(refused)
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn rejected(&self, _ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        Some((name.to_owned(), self.bytes.clone()))
    }
}

/// The rows of one series' file within a range. What lies outside it does not matter, as long as its stamp can be read.
///
/// # Errors
/// One line that says what is wrong, and where.
pub fn rows(text: &str, from: Date, to: Stamp) -> Result<Vec<Row>, String> {
    Table::read(text, &ColumnNames::default())?.rows(None, from, to)
}

/// The newest period of a series with a value that has ended by a moment; values that cannot be read do not count.
///
/// # Errors
/// Why its rows have no periods.
pub fn last_ended(
    table: &Table,
    series: Option<&str>,
    cadence: Option<Cadence>,
    now: Timestamp,
) -> Result<Option<Period>, String> {
    last_of(&table.known_stamps(series)?, cadence, now)
}

/// The newest of these stamps, which are in order, whose period has ended by a moment.
///
/// # Errors
/// Why they have no periods.
pub(crate) fn last_of(stamps: &[Stamp], cadence: Option<Cadence>, now: Timestamp) -> Result<Option<Period>, String> {
    let Some(first) = stamps.first() else { return Ok(None) };
    let cadence = match cadence {
        Some(cadence) => cadence.of_dates_like(*first),
        None => Cadence::of(stamps).map_err(|error| error.to_string())?,
    };
    let periods = stamps.iter().rev().filter_map(|stamp| cadence.period(*stamp).ok());
    Ok(periods.into_iter().find(|period| period.has_ended(now)))
}

/// What series end on, that end on these: of sessions the one that most end on, so that one with a mistyped date does not decide for all;
/// otherwise the newest of their ends, since each may end on its own.
pub fn usual_end(ends: impl IntoIterator<Item = Period>) -> Option<Period> {
    let (mut sessions, mut others): (BTreeMap<Period, usize>, Vec<Period>) = Default::default();
    for end in ends {
        if end.session().is_some() {
            *sessions.entry(end).or_default() += 1;
        } else {
            others.push(end);
        }
    }
    let usual = sessions.into_iter().max_by_key(|(end, series)| (*series, *end)).map(|(end, _)| end);
    usual.into_iter().chain(others).max_by_key(|end| end.stamp())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn all(text: &str) -> Result<Vec<Row>, String> {
        rows(text, date(1900, 1, 1), date(2100, 1, 1).into())
    }

    #[test]
    fn columns_by_name() {
        let rows = all("Date,Adj Close,volume,close\n2020-12-10, 16.5 ,100,17\n2020-12-11,null,,\n").expect("reads");
        assert_eq!((rows[0].adjusted_close, rows[0].close, rows[0].volume), (Some(16.5), Some(17.0), Some(100.0)));
        assert_eq!((rows[1].number, rows[1].adjusted_close), (2, None));
        assert_eq!(all("date,value\n2020-12-10,3\n").expect("reads")[0].adjusted_close, Some(3.0));
    }

    /// What people have: each with the stamps and values that it must come to.
    #[test]
    fn files_that_people_have() {
        let check = |text: &str, expected: &[(&str, f64)]| {
            let rows = all(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            let read: Vec<(String, f64)> =
                rows.iter().map(|row| (row.date.to_string(), row.adjusted_close.expect("a value"))).collect();
            let expected: Vec<(String, f64)> = expected.iter().map(|(at, value)| ((*at).to_owned(), *value)).collect();
            assert_eq!(read, expected, "{text:?}");
        };
        let two = [("2020-12-10", 1.5), ("2020-12-11", 2.5)];
        // Yahoo; stooq, close alone; pandas' index without a name; a byte order mark and CRLF.
        check("Date,Open,High,Low,Close,Adj Close,Volume\n2020-12-10,1,2,1,2,1.5,7\n2020-12-11,1,3,1,3,2.5,7\n", &two);
        check("Date,Open,High,Low,Close\n2020-12-10,1,2,1,1.5\n2020-12-11,1,3,1,2.5\n", &two);
        check(",value\n2020-12-10,1.5\n2020-12-11,2.5\n", &two);
        check("\u{feff}date,value\r\n2020-12-10,1.5\r\n2020-12-11,2.5\r\n", &two);
        // Semicolons with decimal commas, tabs, thousands between quotation marks.
        check("Datum;date;value\nx;10.12.2020;1,5\nx;11.12.2020;2,5\n", &two);
        check("ds\ty\n2020-12-10\t1.5\n2020-12-11\t2.5\n", &two);
        // Day first and month first, where one date tells.
        check("date,y\n30/11/2020,1\n01/12/2020,2\n", &[("2020-11-30", 1.0), ("2020-12-01", 2.0)]);
        check("date,y\n11/30/2020,1\n12/01/2020,2\n", &[("2020-11-30", 1.0), ("2020-12-01", 2.0)]);
        // Without hyphens; Unix seconds and milliseconds; yfinance's midnights of New York.
        check("date,y\n20201210,1.5\n20201211,2.5\n", &two);
        check("timestamp,y\n1607558400,1.5\n1607644800,2.5\n", &two);
        check("timestamp,y\n1607558400000,1.5\n1607644800000,2.5\n", &two);
        check("timestamp,y\n1607558400000000000,1.5\n1607644800000000000,2.5\n", &two);
        check("Date,Close\n2020-12-10 00:00:00-05:00,1.5\n2020-12-11 00:00:00-05:00,2.5\n", &two);
        // Hours, with and without a zone.
        let hours = [("2020-12-10T23:00Z", 1.0), ("2020-12-11T00:00Z", 2.0)];
        check("ds,y\n2020-12-10 23:00:00,1\n2020-12-11 00:00:00,2\n", &hours);
        check("ds,y\n2020-12-11T01:00:00+02:00,1\n2020-12-11T02:00:00+02:00,2\n", &hours);
        // Months, an index.
        check("ds,y\n2020-11,1\n2020-12,2\n", &[("2020-11-01", 1.0), ("2020-12-01", 2.0)]);
        check("ds,y\n1,1\n2,2\n", &[("0000000001", 1.0), ("0000000002", 2.0)]);
        // Newest first, shuffled, and the same row twice.
        check("date,y\n2020-12-11,2.5\n2020-12-10,1.5\n", &two);
        check("date,y\n2020-12-10,1.5\n2020-12-11,2.5\n2020-12-11,2.5\n", &two);
    }

    #[test]
    fn refusals_say_where() {
        let check = |text: &str, expected: &str| {
            let error = all(text).expect_err("refused");
            assert!(error.contains(expected), "{text:?}: {error}");
        };
        check("404 Not Found: symbol may be delisted", "its first line is '404 Not Found");
        check("", "its first line is ''");
        check("date,adjClose\n2020-12-10,1\nsoon,2\n", "row 2: 'soon' is no date");
        check("date,adjClose\n2020-12-10,dear\n", "row 1 (2020-12-10): 'dear' is no number");
        check("date,adjClose\n2020-12-10\n", "row 1 has 1 fields, the header has 2");
        check("date,adjClose\n2020-12-10,1,2\n", "row 1 has 3 fields");
        check("date,adjClose\n2020-12-10xyz,1\n", "row 1: '2020-12-10xyz' is no date");
        check("date,y\n01/02/2020,1\n02/02/2020,2\n", "day or the month first");
        check(
            "date,y\n2020-12-10,1\n2020-12-10,2\n",
            "row 2 (2020-12-10): another row of the same date says otherwise",
        );
        check("date,y\n2020-12-10,\"1,234.5\"\n", "'1,234.5' is no number: write 1234.5");
        check("unique_id,ds,y\nA,1,2\nB,1,2\n", "a table of several series");
    }

    /// Columns that no guess would find, or the wrong one.
    #[test]
    fn columns_that_are_declared() {
        let names = |text: &str| toml::from_str::<ColumnNames>(text).expect("names");
        let text = "Artikel,Tag,close,Stück\nX,2020-12-10,9,1.5\nX,2020-12-11,9,2.5\n";
        let declared = names("date = \"Tag\"\nvalue = \"Stück\"\nseries = \"Artikel\"");
        let table = Table::read(text, &declared).expect("reads");
        let rows = table.rows(Some("X"), date(2000, 1, 1), date(2100, 1, 1).into()).expect("reads");
        assert_eq!(rows.iter().map(|row| row.adjusted_close).collect::<Vec<_>>(), [Some(1.5), Some(2.5)]);
        assert_eq!(rows[0].close, None);
        let error = Table::read(text, &names("value = \"Stueck\"")).expect_err("refused");
        assert_eq!(error, "columns.value is 'Stueck', but its first line is 'Artikel,Tag,close,Stück'");
        assert!(toml::from_str::<ColumnNames>("valeu = \"y\"").is_err());
    }

    #[test]
    fn a_mistyped_year_in_the_middle_is_noticed() {
        let text = "date,adjClose\n2020-12-09,1\n2029-12-10,1\n2020-12-11,1\n";
        let error = rows(text, date(2020, 1, 1), date(2020, 12, 31).into()).expect_err("refused");
        assert_eq!(error, "row 3 (2020-12-11): it follows 2029-12-10, but dates must increase");
    }

    #[test]
    fn what_lies_outside_the_range_does_not_matter() {
        let text = "date,adjClose\n2020-12-09,oops\n2020-12-10,1\n2020-12-11,-\n";
        assert_eq!(rows(text, date(2020, 12, 10), date(2020, 12, 10).into()).expect("reads").len(), 1);
    }

    #[test]
    fn a_table_of_several_series() {
        let table =
            Table::read("unique_id,ds,y\nB,1,5\nA,1,2\nB,2,6\nA,2,3\n", &ColumnNames::default()).expect("reads");
        let rows = table.rows(Some("B"), date(2000, 1, 1), Stamp::Index(9)).expect("reads");
        assert_eq!(rows.iter().map(|row| row.adjusted_close).collect::<Vec<_>>(), [Some(5.0), Some(6.0)]);
        assert_eq!(table.series().collect::<Vec<_>>(), ["A", "B"]);
    }

    /// Rows that cannot be read are their own series' trouble.
    #[test]
    fn one_bad_series_of_a_table() {
        let text = "unique_id,ds,y\nA,1,2\nB,soon,5\nA,2,3\nC,1,2\nC,1,3\nD,1\nE,2,1\n";
        let table = Table::read(text, &ColumnNames::default()).expect("reads");
        let rows = |name: &str| table.rows(Some(name), date(2000, 1, 1), Stamp::Index(9)).map(|rows| rows.len());
        assert_eq!((rows("A"), rows("E")), (Ok(2), Ok(1)));
        assert_eq!(rows("B"), Err("row 2: 'soon' is no date".to_owned()));
        assert!(rows("C").is_err_and(|error| error.contains("another row of the same date")));
        assert!(rows("D").is_err_and(|error| error.contains("row 6 has 2 fields")));
    }

    #[test]
    fn the_last_that_has_ended() {
        let now: Timestamp = "2020-12-11T15:00:00Z".parse().expect("a moment");
        let last = |text: &str| {
            let last = last_ended(&Table::read(text, &ColumnNames::default()).expect("reads"), None, None, now)
                .expect("periods");
            last.map(|period| period.to_string())
        };
        let daily: String = (7..=11).map(|day| format!("2020-12-{day:02},1\n")).collect();
        // The bell has not rung yet.
        assert_eq!(last(&format!("date,y\n{daily}")).as_deref(), Some("2020-12-10"));
        let hourly: String = (10..=15).map(|hour| format!("2020-12-11T{hour}:00Z,1\n")).collect();
        assert_eq!(last(&format!("ds,y\n{hourly}")).as_deref(), Some("2020-12-11T14:00:00Z"));
        assert_eq!(last("ds,y\n1,1\n2,1\n3,\n").as_deref(), Some("2"));
    }
}
