//! The newest rows of all series in one answer (`GET /tiingo/daily/prices`), which Tiingo recommends for every night after the first.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use forecasting::{Row, Ticker};
use jiff::{Timestamp, civil::Date};

/// How old an answer may be that lacks what is asked for.
const STALE: Duration = Duration::from_mins(10);

/// One answer. Empty where there was none to be had: then every series is asked for by itself.
#[derive(Debug)]
pub(crate) struct Newest {
    asked: Instant,
    read_at: Timestamp,
    rows: HashMap<Ticker, Row>,
}

impl Newest {
    pub(crate) fn now(rows: HashMap<Ticker, Row>) -> Newest {
        Newest { asked: Instant::now(), read_at: Timestamp::now(), rows }
    }

    /// Whether asking again may tell of this session what this answer does not.
    pub(crate) fn is_too_old_for(&self, ticker: &Ticker, day: Date) -> bool {
        self.rows.get(ticker).is_none_or(|row| row.date < day.into()) && self.asked.elapsed() > STALE
    }

    /// The row of a series, and when it was read.
    pub(crate) fn of(&self, ticker: &Ticker) -> Option<(Row, Timestamp)> {
        self.rows.get(ticker).map(|row| (row.clone(), self.read_at))
    }
}

/// Reads the answer: CSV whose first line names the columns. Tickers that are none of ours are left out.
pub(crate) fn read(text: &str) -> Result<HashMap<Ticker, Row>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| {
        let missing = || format!("its first line is no header with a column {name}");
        header.iter().position(|other| other == name).ok_or_else(missing)
    };
    let [ticker, date, close, adjusted, dividend, split] =
        ["ticker", "date", "close", "adjClose", "divCash", "splitFactor"].map(column);
    let (ticker, date, adjusted) = (ticker?, date?, adjusted?);
    let (close, dividend, split) = (close?, dividend?, split?);
    let others = ["open", "high", "low", "volume"].map(|name| column(name).ok());
    let mut rows = HashMap::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| format!("row {}: {error}", index + 1))?;
        let Ok(name) = record[ticker].parse::<Ticker>() else { continue };
        // As everywhere, a value that is none is missing.
        let value = |column: usize| record.get(column).and_then(|text| text.parse().ok());
        let [open, high, low, volume] = others.map(|column| column.and_then(value));
        let Some(day) = record[date].get(..10).and_then(|day| day.parse::<Date>().ok()) else { continue };
        let row = Row {
            open,
            high,
            low,
            volume,
            close: value(close),
            adjusted_close: value(adjusted),
            dividend: value(dividend),
            split_factor: value(split),
            ..Row::new(index + 1, day)
        };
        rows.insert(name, row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_by_ticker() {
        let text = "ticker,date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor\n\
                    googl,2018-01-05,1110.29,1113.58,1101.8,1103.45,1493389,1110.29,1113.58,1101.8,1103.45,1493389,0.0,1.0\n\
                    BRK.B,2018-01-05,1,1,1,1,1,1,1,1,1,1,0.0,1.0\n\
                    KO,2018-01-04T00:00:00+00:00,,1,1,1,1,45.5,1,1,1,1,0.37,1.0\nXOM,soon,1,1,1,1,1,1,1,1,1,1,0.0,1.0\n";
        let rows = read(text).expect("reads");
        assert_eq!(rows.len(), 2);
        let row = |name: &str| &rows[&name.parse::<Ticker>().expect("a ticker")];
        assert_eq!((row("GOOGL").close, row("GOOGL").volume), (Some(1110.29), Some(1_493_389.0)));
        assert_eq!((row("KO").close, row("KO").dividend, row("KO").adjusted_close), (None, Some(0.37), Some(45.5)));
        assert!(read("<html>").is_err_and(|error| error.contains("ticker")));
        assert!(read("date,close,adjClose,divCash,splitFactor\n").is_err_and(|error| error.contains("column ticker")));
    }
}
