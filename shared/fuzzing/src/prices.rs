//! Prices: files of one's own, and what Tiingo answers.

use forecasting::{Form, Kind, PriceSeries, Row, Stamp, Ticker};
use jiff::civil::date;
use pipeline::price_file::{ColumnNames, Table};
use tiingo::Token;

use crate::text;

/// A file: whatever it holds becomes series in order, or is refused with a reason of bounded length.
pub(crate) fn price_file(bytes: &[u8]) {
    let table = match text(bytes) {
        text if bytes.starts_with(b"PAR1") => {
            drop(text);
            // Panics of its reader are caught; libFuzzer would end at the first, and a test tell of each.
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(|_| {}));
            let table = Table::of_parquet(bytes.to_vec(), &ColumnNames::default());
            std::panic::set_hook(hook);
            table
        }
        text => Table::read(&text, &ColumnNames::default()),
    };
    let table = match table {
        Ok(table) => table,
        Err(reason) => return assert!(!reason.is_empty() && reason.len() < 2000, "{reason}"),
    };
    let names: Vec<Option<String>> = match table.series().map(|name| Some(name.to_owned())).collect::<Vec<_>>() {
        named if named.is_empty() => vec![None],
        named => named,
    };
    for name in names.iter().take(20) {
        for to in [Stamp::Date(date(2021, 1, 1)), Stamp::Index(9_999)] {
            match table.history(name.as_deref(), date(1900, 1, 1), to) {
                Ok(history) => series(&history.rows, to),
                Err(reason) => assert!(reason.len() < 2000, "{reason}"),
            }
        }
    }
}

/// Rows that were accepted make a series of finite numbers in order, or are refused.
fn series(rows: &[Row], to: Stamp) {
    assert!(rows.windows(2).all(|pair| pair[0].date < pair[1].date), "rows are in order");
    let ticker: Ticker = "A".parse().expect("a ticker");
    for kind in [Kind::Price, "value".parse().expect("a kind")] {
        let form = Form { cadence: None, kind };
        let Ok(series) = PriceSeries::of(ticker.clone(), rows.to_vec(), form) else { continue };
        let bars = series.bars();
        assert!(bars.windows(2).all(|pair| pair[0].day < pair[1].day), "periods are in order");
        for bar in bars {
            assert!(bar.adjusted_close.is_finite() && bar.close.is_finite(), "{bar:?}");
            assert!(!kind.is_price() || bar.adjusted_close > 0.0, "{bar:?}");
            let stamp = bar.day.stamp();
            // What has no date is not bounded by one.
            let comparable = !matches!((to, stamp), (Stamp::Index(_), _) | (_, Stamp::Index(_)));
            assert!(!comparable || stamp <= to, "{bar:?} is later than {to}");
        }
    }
}

/// An answer of Tiingo's: rows, or words without the token, however it was echoed.
pub(crate) fn tiingo(bytes: &[u8]) {
    const TOKEN: &str = "Secret7token";
    let (status, body) = match bytes.split_first() {
        Some((first, body)) => ([200, 200, 404, 429, 500, 301][usize::from(first % 6)], text(body)),
        None => (200, text(bytes)),
    };
    let token = Token::new(TOKEN).expect("a token");
    match tiingo::testing::read(status, &body, &token) {
        Ok(rows) => {
            let mut rows = rows;
            rows.sort_by_key(|row| row.date);
            rows.dedup_by_key(|row| row.date);
            series(&rows, Stamp::Index(9_999));
        }
        Err(said) => {
            assert!(!said.contains(TOKEN), "{said}");
            assert!(!crate::secrets::decoded(&said).contains(TOKEN), "{said}");
        }
    }
}
