//! One row as a producer writes it: an object of JSON, or a line of CSV.

use forecasting::{Stamp, Ticker};
use serde_json::{Map, Value};

use super::{Arrival, Mark, Position, Refused};
use crate::price_file::{DATES, SERIES, VALUES, one_number, one_stamp};

/// How rows are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// By their first character.
    #[default]
    Either,
    /// `{"series": "A", "ds": "2026-11-20", "y": 12.5}`, with a `revision` where the producer has one.
    Json,
    /// `A,2026-11-20,12.5` or, where the key names the series, `2026-11-20,12.5`; a revision may follow.
    Csv,
}

/// A row as it came.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// Names the series, where the row does not.
    pub key: Option<&'a [u8]>,
    /// The row.
    pub body: &'a [u8],
    /// Where it stood, where positions have an order.
    pub position: Option<Position>,
    /// When it became known.
    pub known: jiff::Timestamp,
}

/// No row is longer.
const MAX_BYTES: usize = 64 << 10;
/// So much of one that is refused is kept.
const SHOWN: usize = 2000;

/// Reads a row.
///
/// # Errors
/// The row as far as it is kept, and what is wrong with it.
pub fn read(format: Format, message: &Message<'_>) -> Result<Arrival, Refused> {
    let refused = |reason| Refused::new(message.body, message.position.clone(), reason);
    let row = parse(format, message).map_err(refused)?;
    let mark = Mark { revision: row.revision, position: message.position.clone() };
    Ok(Arrival { ticker: row.ticker, at: row.at, value: row.value, mark, known: message.known })
}

impl Refused {
    /// What came, as far as it is kept, and why it is no row.
    #[must_use]
    pub fn new(body: &[u8], position: Option<Position>, reason: String) -> Refused {
        let row = String::from_utf8_lossy(&body[..body.len().min(4 * SHOWN)]).chars().take(SHOWN).collect();
        Refused { row, position, reason }
    }
}

struct Row {
    ticker: Ticker,
    at: Stamp,
    value: f64,
    revision: Option<i64>,
}

fn parse(format: Format, message: &Message<'_>) -> Result<Row, String> {
    if message.body.len() > MAX_BYTES {
        return Err(format!("it is longer than {} KB", MAX_BYTES >> 10));
    }
    let body = std::str::from_utf8(message.body).map_err(|_| "it is not UTF-8".to_owned())?.trim();
    // A key of bytes names nothing; a row that names its series needs none.
    let key = message.key.and_then(|key| std::str::from_utf8(key).ok()).filter(|key| !key.is_empty());
    match format {
        Format::Json => json(body, key),
        Format::Either if body.starts_with('{') => json(body, key),
        Format::Csv | Format::Either => csv(body, key),
    }
}

fn json(body: &str, key: Option<&str>) -> Result<Row, String> {
    let object: Map<String, Value> =
        serde_json::from_str(body).map_err(|error| format!("no object of JSON: {error}"))?;
    let mut plain: Vec<(String, &Value)> = Vec::with_capacity(object.len());
    for (name, value) in &object {
        plain.push((name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase(), value));
    }
    let find = |names: &[&str]| {
        names.iter().find_map(|name| plain.iter().find(|(other, _)| other == name)).map(|(_, value)| *value)
    };
    let named = match find(&SERIES) {
        Some(Value::String(name)) => Some(name.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => return Err("its series is no text".to_owned()),
        None => None,
    };
    let at = match find(&DATES).ok_or_else(|| missing("period", &DATES))? {
        Value::String(text) => stamp(text)?,
        Value::Number(number) => stamp(&number.to_string())?,
        _ => return Err("its period is no date".to_owned()),
    };
    let value = match find(&VALUES).ok_or_else(|| missing("value", &VALUES))? {
        Value::Number(number) => number.as_f64().ok_or_else(|| "its value is no number".to_owned())?,
        Value::String(text) => number(text)?,
        Value::Null => return Err("it has no value".to_owned()),
        _ => return Err("its value is no number".to_owned()),
    };
    let revision = match find(&["revision"]) {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => {
            Some(number.as_i64().ok_or_else(|| format!("its revision {number} is no whole number"))?)
        }
        Some(Value::String(text)) => Some(revision(text)?),
        Some(_) => return Err("its revision is neither a number nor a time".to_owned()),
    };
    Ok(Row { ticker: ticker(named.as_deref().or(key))?, at, value, revision })
}

fn csv(body: &str, key: Option<&str>) -> Result<Row, String> {
    let mut fields = [""; 5];
    let mut count = 0;
    for field in body.split(',') {
        *fields.get_mut(count).ok_or_else(|| "it has more than four fields: series,ds,y,revision".to_owned())? =
            field.trim().trim_matches('"');
        count += 1;
    }
    let keyed = key.is_some() && one_stamp(fields[0]).is_some();
    let own = usize::from(!keyed);
    if !(own + 2..=own + 3).contains(&count) {
        let form = if keyed { "ds,y" } else { "series,ds,y" };
        let fields = if count == 1 { "field" } else { "fields" };
        return Err(format!("it has {count} {fields}, where a row is {form}, and a revision where there is one"));
    }
    let named = if keyed { key } else { Some(fields[0]).filter(|name| !name.is_empty()).or(key) };
    let revision = Some(fields[own + 2]).filter(|text| !text.is_empty()).map(revision).transpose()?;
    Ok(Row { ticker: ticker(named)?, at: stamp(fields[own])?, value: number(fields[own + 1])?, revision })
}

fn missing(what: &str, names: &[&str]) -> String {
    format!("it has no {what}: {}", names.join(" or "))
}

fn ticker(name: Option<&str>) -> Result<Ticker, String> {
    let name = name.ok_or_else(|| missing("series, and no key that is a name", &SERIES))?;
    if name.contains(char::is_control) {
        return Err("the name of its series has control characters".to_owned());
    }
    Ticker::of_name(name).map_err(|error| error.to_string())
}

fn stamp(text: &str) -> Result<Stamp, String> {
    one_stamp(text.trim()).ok_or_else(|| format!("'{}' is no date, and no time of whole minutes", shown(text)))
}

fn number(text: &str) -> Result<f64, String> {
    one_number(text)?.ok_or_else(|| "it has no value".to_owned())
}

/// A number, or a time in milliseconds.
fn revision(text: &str) -> Result<i64, String> {
    let time = || text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    text.parse()
        .ok()
        .or_else(time)
        .ok_or_else(|| format!("its revision '{}' is neither a number nor a time", shown(text)))
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: Option<&str>, body: &str) -> Result<(String, String, f64, Option<i64>), String> {
        let message = Message {
            key: key.map(str::as_bytes),
            body: body.as_bytes(),
            position: None,
            known: jiff::Timestamp::UNIX_EPOCH,
        };
        let arrival = read(Format::Either, &message).map_err(|refused| refused.reason)?;
        Ok((arrival.ticker.to_string(), arrival.at.to_string(), arrival.value, arrival.mark.revision))
    }

    #[test]
    fn rows_as_producers_write_them() {
        let is = |key, body, ticker: &str, at: &str, value, revision| {
            assert_eq!(row(key, body), Ok((ticker.to_owned(), at.to_owned(), value, revision)), "{body}");
        };
        is(None, r#"{"series": "a", "ds": "2026-11-20", "y": 12.5}"#, "A", "2026-11-20", 12.5, None);
        is(
            None,
            r#"{"unique_id": 7, "timestamp": 1763640000000, "value": "3", "revision": 2}"#,
            "7",
            "2025-11-20T12:00Z",
            3.0,
            Some(2),
        );
        is(Some("KO"), r#"{"date": "2026-11-20", "adjClose": 60}"#, "KO", "2026-11-20", 60.0, None);
        is(Some("KO"), "2026-11-20,60.5", "KO", "2026-11-20", 60.5, None);
        is(Some("KO"), "NLS,2026-11-20,1e1,2026-11-20T17:00:00Z", "NLS", "2026-11-20", 10.0, Some(1_795_194_000_000));
        is(None, "shop 1,417,-3", "SHOP_1", "0000000417", -3.0, None);
        is(None, "a,2026-11-20T13:00:00+01:00,1", "A", "2026-11-20T12:00Z", 1.0, None);
    }

    #[test]
    fn rows_that_are_none() {
        let refused = |key, body: &str, said: &str| {
            let reason = row(key, body).expect_err(body);
            assert!(reason.contains(said), "{body}: {reason}");
        };
        refused(None, "{\"series\": \"a\"", "no object of JSON");
        refused(None, r#"{"ds": "2026-11-20", "y": 1}"#, "no key that is a name");
        refused(None, r#"{"series": "a", "y": 1}"#, "no period");
        refused(None, r#"{"series": "a", "ds": "soon", "y": 1}"#, "'soon' is no date");
        refused(None, r#"{"series": "a", "ds": "2026-11-20", "y": null}"#, "no value");
        refused(None, r#"{"series": "a", "ds": "2026-11-20", "y": [1]}"#, "no number");
        refused(None, r#"{"series": "a", "ds": "2026-11-20", "y": 1, "revision": 1.5}"#, "no whole number");
        refused(None, r#"{"series": "", "ds": "2026-11-20", "y": 1}"#, "ticker");
        refused(None, "a,2026-11-20", "it has 2 fields");
        refused(None, "a,2026-11-20,dear", "'dear' is no number");
        refused(None, "a,2026-11-20T12:00:30Z,1", "no time of whole minutes");
        refused(None, "a,03/04/2026,1", "no date");
        refused(Some("\u{7f}\u{1b}[2J"), "2026-11-20,1", "control characters");
        refused(None, "", "it has 1 field,");
        let long = Message { key: None, body: &vec![b'a'; 70_000], position: None, known: jiff::Timestamp::UNIX_EPOCH };
        let refused = read(Format::Either, &long).expect_err("too long");
        assert!(refused.reason.contains("64 KB") && refused.row.len() == SHOWN);
    }
}
