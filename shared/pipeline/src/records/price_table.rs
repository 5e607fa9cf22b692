//! Price snapshots: `date,open,high,low,close,volume,adjClose,divCash,splitFactor`, an empty field where a source is silent; then the
//! columns to regress on, with a row for each period ahead that they are known of.

use std::fmt::Write;

use forecasting::{Bar, Form, Period, PriceSeries, Row, Stamp, Ticker};

use crate::{Error, Key, error::about};

const HEADER: [&str; 9] = ["date", "open", "high", "low", "close", "volume", "adjClose", "divCash", "splitFactor"];

/// The snapshot's bytes. Numbers are in their shortest form that reads back to the same bits.
pub(crate) fn write(series: &PriceSeries) -> Vec<u8> {
    let mut text = HEADER.join(",");
    for name in series.regressors() {
        write!(text, ",{}", quoted(name)).expect("a string takes every write");
    }
    text.push('\n');
    for bar in series.bars() {
        let Bar { day, open, high, low, close, volume, adjusted_close, dividend, split_factor, .. } = *bar;
        let numbers = [open, high, low, Some(close), volume, Some(adjusted_close), dividend, split_factor];
        line(&mut text, day, numbers.into_iter().chain(bar.regressors.iter().copied().map(Some)));
    }
    for (day, known) in series.ahead() {
        line(&mut text, *day, [None; 8].into_iter().chain(known.iter().copied().map(Some)));
    }
    text.into_bytes()
}

fn line(text: &mut String, day: Period, numbers: impl Iterator<Item = Option<f64>>) {
    write!(text, "{day}").expect("a string takes every write");
    for number in numbers {
        text.push(',');
        if let Some(number) = number {
            write!(text, "{number}").expect("a string takes every write");
        }
    }
    text.push('\n');
}

/// A column's name as a field of a CSV file.
fn quoted(name: &str) -> String {
    let needed = name.contains([',', '"', '\n', '\r']);
    if needed { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}

/// Reads a snapshot back.
pub(crate) fn read(ticker: &Ticker, key: &Key, bytes: &[u8], form: Form) -> Result<PriceSeries, Error> {
    let damaged = |reason: String| Error::Damaged { key: key.to_string(), reason };
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|e| damaged(e.to_string()))?;
    if header != HEADER.as_slice() {
        return Err(damaged(format!("its header is '{}'", header.iter().collect::<Vec<_>>().join(","))));
    }
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|e| damaged(e.to_string()))?;
        let number = |place: usize| -> Result<Option<f64>, Error> {
            match &record[place] {
                "" => Ok(None),
                text => text
                    .parse()
                    .map(Some)
                    .map_err(|_| damaged(format!("row {}: '{text}' is no {}", index + 1, HEADER[place]))),
            }
        };
        let date: Stamp =
            record[0].parse().map_err(|_| damaged(format!("row {}: '{}' is no date", index + 1, &record[0])))?;
        rows.push(Row {
            open: number(1)?,
            high: number(2)?,
            low: number(3)?,
            close: number(4)?,
            volume: number(5)?,
            adjusted_close: number(6)?,
            dividend: number(7)?,
            split_factor: number(8)?,
            ..Row::new(index + 1, date)
        });
    }
    PriceSeries::of(ticker.clone(), rows, form).map_err(about(ticker))
}
