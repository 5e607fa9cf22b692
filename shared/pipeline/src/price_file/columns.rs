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
    /// What is known of each period beforehand, and may be regressed on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regressors: Vec<String>,
}

impl ColumnNames {
    /// Those that tell by themselves what they are, beside these.
    pub(crate) fn to_regress_on(regressors: &[String]) -> ColumnNames {
        ColumnNames { regressors: regressors.to_vec(), ..ColumnNames::default() }
    }
}

/// Which column is which, by place.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) date: usize,
    pub(super) value: usize,
    pub(super) series: Option<usize>,
    /// open, high, low, close, volume, divCash, splitFactor.
    pub(super) others: [Option<usize>; 7],
    pub(super) regressors: Vec<usize>,
    /// Nothing says that the values are adjusted for dividends and splits, or for which.
    pub(super) closes_alone: bool,
}

pub(crate) const DATES: [&str; 5] = ["date", "ds", "timestamp", "datetime", "time"];
pub(crate) const VALUES: [&str; 4] = ["adjclose", "value", "y", "close"];
pub(crate) const SERIES: [&str; 4] = ["uniqueid", "ticker", "series", "symbol"];

const DIVIDEND: usize = 5;
const SPLIT: usize = 6;

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
        let place = |key: &str, name: &String| {
            let none = || format!("columns.{key} is '{}', but its first line is '{}'", quoted(name), line());
            header.iter().position(|other| other == name).ok_or_else(none)
        };
        let named = |key: &str, declared: &Option<String>| declared.as_ref().map(|name| place(key, name)).transpose();
        let unnamed = (header.len() > 1 && header.iter().next() == Some("")).then_some(0);
        let date = named("date", &declared.date)?.or_else(|| DATES.iter().find_map(find)).or(unnamed);
        let value = named("value", &declared.value)?;
        // Beside a declared value, a column that is called close is another thing.
        let others = ["open", "high", "low", "close", "volume", "divcash", "splitfactor"];
        let others = if value.is_some() { [None; 7] } else { others.map(|name| find(&name)) };
        let regressors = declared.regressors.iter().map(|name| place("regressors", name));
        let value = value.or_else(|| VALUES.iter().find_map(find)).ok_or_else(missing)?;
        let given = [DIVIDEND, SPLIT].map(|place| others[place].is_some());
        let columns = Columns {
            date: date.ok_or_else(missing)?,
            value,
            closes_alone: names[value] == "close" && given == [false; 2],
            series: named("series", &declared.series)?.or_else(|| SERIES.iter().find_map(find)),
            others,
            regressors: regressors.collect::<Result<_, _>>()?,
        };
        if columns.regressors.contains(&columns.value) {
            return Err(format!(
                "columns.regressors has '{}', which is what is to be forecast",
                quoted(&header[columns.value])
            ));
        }
        Ok(columns)
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}
