use csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::table::quoted;

/// What the columns of files are called, where their names do not tell it by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnNames {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// What.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Of which series.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<String>,
}

/// Which column is which, by place.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) date: usize,
    pub(super) value: usize,
    pub(super) series: Option<usize>,
    /// open, high, low, close, volume, divCash, splitFactor.
    pub(super) others: [Option<usize>; 7],
}

const DATES: [&str; 5] = ["date", "ds", "timestamp", "datetime", "time"];
const VALUES: [&str; 4] = ["adjclose", "value", "y", "close"];
const SERIES: [&str; 4] = ["uniqueid", "ticker", "series", "symbol"];

impl Columns {
    pub(super) fn find(header: &StringRecord, declared: &ColumnNames) -> Result<Columns, String> {
        let names: Vec<String> = header.iter().map(plain).collect();
        let find = |name: &&str| names.iter().position(|other| other == name);
        let line = || quoted(&header.iter().collect::<Vec<_>>().join(","));
        let missing = || {
            format!(
                "its first line is '{}', but must name the columns date and adjClose (or value); [columns] in the configuration may \
                 say what they are called",
                line()
            )
        };
        // What is declared is that column, as it is written, and no other.
        let named = |key: &str, declared: &Option<String>| {
            let Some(name) = declared else { return Ok(None) };
            let place = header.iter().position(|other| other == name);
            let none = || format!("columns.{key} is '{}', but its first line is '{}'", quoted(name), line());
            place.map(Some).ok_or_else(none)
        };
        let unnamed = (header.len() > 1 && header.iter().next() == Some("")).then_some(0);
        let date = named("date", &declared.date)?.or_else(|| DATES.iter().find_map(find)).or(unnamed);
        let value = named("value", &declared.value)?;
        // Beside a declared value, a column that is called close is another thing.
        let others = ["open", "high", "low", "close", "volume", "divcash", "splitfactor"];
        let others = if value.is_some() { [None; 7] } else { others.map(|name| find(&name)) };
        Ok(Columns {
            date: date.ok_or_else(missing)?,
            value: value.or_else(|| VALUES.iter().find_map(find)).ok_or_else(missing)?,
            series: named("series", &declared.series)?.or_else(|| SERIES.iter().find_map(find)),
            others,
        })
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}
