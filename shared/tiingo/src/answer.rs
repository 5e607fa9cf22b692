//! What an answer of Tiingo's means.

use forecasting::{Cadence, Row};
use jiff::civil::Date;
use serde::Deserialize;

use crate::feed;

/// An answer, understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Rows, as many as there are in the range.
    Rows(Vec<Row>),
    /// There is no such ticker.
    Unknown(String),
    /// The hourly quota is used up; it starts anew on the hour.
    HourlyQuota(String),
    /// Another quota, which an hour does not mend.
    OtherQuota(String),
    /// The token is missing or not accepted.
    Unauthorized(String),
    /// Not now: try again.
    Unavailable(String),
    /// Rows that contradict themselves.
    Unusable(String),
}

const CSV_HEADER: &str =
    "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor";

/// One row of JSON. Fields that are not used here may come and go.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonRow {
    date: String,
    open: Option<f64>,
    high: Option<f64>,
    low: Option<f64>,
    close: Option<f64>,
    volume: Option<f64>,
    // May be null, must be there: rows of other columns are no price history.
    #[serde(deserialize_with = "Option::deserialize")]
    adj_close: Option<f64>,
    div_cash: Option<f64>,
    split_factor: Option<f64>,
}

/// Reads an answer. The body decides, the status only where the body says nothing.
pub(crate) fn read(status: u16, body: &str, bars_of: Option<Cadence>) -> Answer {
    let text = body.trim();
    if (200..300).contains(&status) {
        if text.starts_with('[') {
            return match bars_of {
                // Cut off on the way, most likely.
                Some(_) if !text.ends_with(']') => Answer::Unavailable("Tiingo's answer is cut off".to_owned()),
                Some(cadence) => feed::bars(text, cadence).map_or_else(Answer::Unusable, Answer::Rows),
                None => json_rows(text),
            };
        }
        if text.lines().next() == Some(CSV_HEADER) {
            return csv_rows(text);
        }
    }
    let detail = detail(text);
    // Tiingo's own words, not those of a page of something in between.
    let own_words = detail.is_some() || text.starts_with("Error: ");
    let message = printable(&detail.unwrap_or_else(|| text.to_owned()));
    let says = |what: &str| message.to_ascii_lowercase().contains(what);
    let quoted = || format!("Tiingo answers {status}: {message}");
    if says("hourly request allocation") {
        Answer::HourlyQuota(quoted())
    } else if says("run over your") {
        Answer::OtherQuota(quoted())
    } else if own_words && says("not found") && matches!(status, 200 | 404) {
        Answer::Unknown(quoted())
    } else if status == 401 || status == 403 || says("supply a token") || says("invalid token") {
        Answer::Unauthorized(quoted())
    } else if status == 429 {
        Answer::HourlyQuota(quoted())
    } else {
        // A page of a proxy, half an answer, a maintenance notice: nothing that tells of the ticker.
        Answer::Unavailable(quoted())
    }
}

/// The error's text in a JSON object.
fn detail(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Detail {
        detail: String,
    }
    serde_json::from_str::<Detail>(text).ok().map(|object| object.detail)
}

/// One line of bounded length.
fn printable(message: &str) -> String {
    let short: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(240).collect();
    if short.is_empty() { "an empty body".to_owned() } else { short }
}

fn json_rows(text: &str) -> Answer {
    let rows: Vec<JsonRow> = match serde_json::from_str(text) {
        Ok(rows) => rows,
        // Cut off on the way, most likely.
        Err(error) if error.is_eof() => return Answer::Unavailable(format!("Tiingo's answer is cut off: {error}")),
        Err(error) => return Answer::Unusable(format!("Tiingo's answer is no list of daily prices: {error}")),
    };
    let read = |(index, row): (usize, JsonRow)| {
        let date = date(&row.date).ok_or_else(|| format!("row {}: '{}' is no date", index + 1, row.date))?;
        Ok(Row {
            open: row.open,
            high: row.high,
            low: row.low,
            close: row.close,
            volume: row.volume,
            adjusted_close: row.adj_close,
            dividend: row.div_cash,
            split_factor: row.split_factor,
            ..Row::new(index + 1, date)
        })
    };
    rows.into_iter().enumerate().map(read).collect::<Result<_, String>>().map_or_else(Answer::Unusable, Answer::Rows)
}

fn csv_rows(text: &str) -> Answer {
    let read = |(index, record): (usize, Result<csv::StringRecord, csv::Error>)| {
        let number = index + 1;
        let record = record.map_err(|e| format!("row {number}: {e}"))?;
        let value = |place: usize| match &record[place] {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| format!("row {number}: '{text}' is no number")),
        };
        let date = date(&record[0]).ok_or_else(|| format!("row {number}: '{}' is no date", &record[0]))?;
        Ok(Row {
            close: value(1)?,
            high: value(2)?,
            low: value(3)?,
            open: value(4)?,
            volume: value(5)?,
            adjusted_close: value(6)?,
            dividend: value(11)?,
            split_factor: value(12)?,
            ..Row::new(number, date)
        })
    };
    csv::Reader::from_reader(text.as_bytes())
        .records()
        .enumerate()
        .map(read)
        .collect::<Result<_, String>>()
        .map_or_else(Answer::Unusable, Answer::Rows)
}

/// `2018-01-05`, `2018-01-05T00:00:00.000Z` or `2018-04-12T00:00:00+00:00`: the date is what stands before the T.
fn date(text: &str) -> Option<Date> {
    text.split('T').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Answer {
        super::read(status, body, None)
    }

    #[test]
    fn errors_by_their_bodies() {
        let check = |status: u16, body: &str, expected: fn(String) -> Answer| {
            let answer = read(status, body);
            assert_eq!(
                std::mem::discriminant(&answer),
                std::mem::discriminant(&expected(String::new())),
                "{status} {body:?}: {answer:?}"
            );
        };
        check(404, r#"{"detail":"Error: Ticker 'BRK.B' not found"}"#, Answer::Unknown);
        check(404, r#"{"detail":"Not found."}"#, Answer::Unknown);
        check(200, "Error: Ticker 'XYZ' not found", Answer::Unknown);
        check(
            429,
            r#"{"detail":"Error: You have run over your hourly request allocation. Please upgrade at https://api.tiingo.com/pricing to have your limits increased."}"#,
            Answer::HourlyQuota,
        );
        check(
            200,
            "Error: You have run over your hourly request allocation. Contact us at support@tiingo.com to have these lifted.",
            Answer::HourlyQuota,
        );
        check(429, "", Answer::HourlyQuota);
        check(
            200,
            "You have run over your 500 symbol look up for this month. Please upgrade at https://api.tiingo.com/pricing to have your limits increased.",
            Answer::OtherQuota,
        );
        check(401, r#"{"detail":"Invalid token."}"#, Answer::Unauthorized);
        check(403, "", Answer::Unauthorized);
        check(200, r#"{"detail":"Please supply a token"}"#, Answer::Unauthorized);
        check(429, r#"{"detail":"Error: You have run over your daily request allocation."}"#, Answer::OtherQuota);
        check(500, "", Answer::Unavailable);
        check(500, "[]", Answer::Unavailable);
        check(404, "<html><head><title>404 Not Found</title></head></html>", Answer::Unavailable);
        check(502, "<html>502 Bad Gateway</html>", Answer::Unavailable);
        // A page of something in between that knows nothing of tickers.
        check(404, "<html><h1>404</h1></html>", Answer::Unavailable);
        check(200, "<html>Welcome to the hotel's network</html>", Answer::Unavailable);
        check(200, "", Answer::Unavailable);
        check(200, r#"[{"date":"2018-01-05T00:00:00.000Z","adjClo"#, Answer::Unavailable);
        check(200, r#"[{"date":"soon","adjClose":1.0}]"#, Answer::Unusable);
        check(200, r#"[{"price":1.0}]"#, Answer::Unusable);
        check(200, r#"[{"date":"2018-01-05T00:00:00.000Z","volume":3}]"#, Answer::Unusable);
    }

    #[test]
    fn both_date_formats_and_both_bodies() {
        let history = r#"[{"date":"2018-01-05T00:00:00.000Z","close":1110.29,"high":1113.58,"low":1101.8,"open":1103.45,
            "volume":1493389,"adjClose":1110.29,"adjHigh":1113.58,"adjLow":1101.8,"adjOpen":1103.45,"adjVolume":1493389,
            "divCash":0.0,"splitFactor":1.0}]"#;
        let latest = r#"[{"adjClose":1110.29,"close":1110.29,"date":"2018-01-05T00:00:00+00:00","divCash":0.0,
            "high":1113.58,"low":1101.8,"open":1103.45,"splitFactor":1.0,"volume":1493389}]"#;
        let csv = format!(
            "{CSV_HEADER}\n2018-01-05,1110.29,1113.58,1101.8,1103.45,1493389,1110.29,1113.58,1101.8,1103.45,1493389,0.0,1.0\n"
        );
        let expected = read(200, history);
        let Answer::Rows(rows) = &expected else { panic!("{expected:?}") };
        assert_eq!(rows[0].date.to_string(), "2018-01-05");
        assert_eq!(rows[0].adjusted_close, Some(1110.29));
        assert_eq!(read(200, latest), expected);
        assert_eq!(read(200, &csv), expected);
    }

    #[test]
    fn no_rows_are_no_error() {
        assert_eq!(read(200, "[]"), Answer::Rows(Vec::new()));
        assert_eq!(read(200, CSV_HEADER), Answer::Rows(Vec::new()));
    }
}
