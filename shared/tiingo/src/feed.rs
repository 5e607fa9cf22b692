//! Bars beyond end of day: crypto currencies, currencies, and shares within the day (IEX).
//!
//! As public clients recorded them: crypto answers hold some 5,000 rows, the oldest of the range; IEX answers 10,000,
//! the newest; so a range is asked for in windows that no answer cuts. None has adjusted prices.

use forecasting::{Cadence, Row, Stamp, Ticker};
use jiff::{Span, Timestamp, civil::Date};
use serde::Deserialize;

/// Which of Tiingo's interfaces is asked, and for bars of which cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Feed {
    /// Shares at the end of their sessions: `/tiingo/daily`.
    #[default]
    Daily,
    /// Crypto currencies, around the clock: `/tiingo/crypto`.
    Crypto(Cadence),
    /// Pairs of currencies, from Sunday to Friday: `/tiingo/fx`.
    Fx(Cadence),
    /// Shares within the day, as IEX traded them, not adjusted for splits and dividends: `/iex`.
    Iex(Cadence),
}

/// Rows that one answer is asked for, at most: below every limit that was seen.
const ROWS: i64 = 4000;

impl Feed {
    /// The cadence of its bars; sessions of end-of-day prices are not named here.
    pub fn cadence(self) -> Option<Cadence> {
        match self {
            Feed::Daily => None,
            Feed::Crypto(cadence) | Feed::Fx(cadence) | Feed::Iex(cadence) => Some(cadence),
        }
    }

    /// Path and query for a window of days.
    pub(crate) fn request(self, ticker: &Ticker, from: Date, to: Date) -> (Vec<String>, Vec<(&'static str, String)>) {
        // These interfaces write their pairs in small letters.
        let small = ticker.as_str().to_ascii_lowercase();
        let mut query = vec![("startDate", from.to_string()), ("endDate", to.to_string())];
        if let Some(cadence) = self.cadence() {
            query.push(("resampleFreq", cadence.step_in_words()));
        }
        let path: &[&str] = match self {
            Feed::Daily => &["tiingo", "daily", ticker.as_str(), "prices"],
            Feed::Crypto(_) => {
                query.insert(0, ("tickers", small));
                &["tiingo", "crypto", "prices"]
            }
            Feed::Fx(_) => &["tiingo", "fx", &small, "prices"],
            Feed::Iex(_) => {
                query.push(("columns", "open,high,low,close,volume".to_owned()));
                &["iex", &small, "prices"]
            }
        };
        if self == Feed::Daily {
            query.push(("format", "json".to_owned()));
        }
        (path.iter().map(|part| (*part).to_owned()).collect(), query)
    }

    /// The windows of days that are asked for one by one. Neighbours share a day, since an end is not always part of what is answered.
    pub(crate) fn windows(self, from: Date, to: Date) -> Vec<(Date, Date)> {
        let Some(cadence) = self.cadence() else { return vec![(from, to)] };
        let last = to.saturating_add(Span::new().days(1));
        let days = (ROWS / cadence.periods_a_day()).max(2);
        let mut windows = Vec::new();
        let mut start = from;
        while start < last {
            let end = start.saturating_add(Span::new().days(days)).min(last);
            windows.push((start, end));
            start = end;
        }
        windows
    }
}

/// A bar of any of these interfaces. Fields that are not used here may come and go.
#[derive(Deserialize)]
struct Bar {
    date: String,
    open: Option<f64>,
    high: Option<f64>,
    low: Option<f64>,
    close: Option<f64>,
    volume: Option<f64>,
}

/// Crypto's answers hold their bars in an object for each pair.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Pair {
        #[serde(rename = "priceData")]
        bars: Vec<Bar>,
    },
    Bar(Bar),
}

/// The bars of an answer, by when they begin. Those that begin where the cadence has no period are left out: currencies have flat bars
/// on weekends.
pub(crate) fn bars(text: &str, cadence: Cadence) -> Result<Vec<Row>, String> {
    let elements: Vec<Element> =
        serde_json::from_str(text).map_err(|error| format!("Tiingo's answer is no list of bars: {error}"))?;
    let flat = elements.into_iter().flat_map(|element| match element {
        Element::Pair { bars } => bars,
        Element::Bar(bar) => vec![bar],
    });
    let mut rows = Vec::new();
    for (index, bar) in flat.enumerate() {
        let at: Timestamp =
            bar.date.parse().map_err(|_| format!("row {}: '{}' is no time", index + 1, bar.date.escape_default()))?;
        let moment = Stamp::moment(at);
        let daily = cadence.periods_a_day() == 1;
        let stamp = moment.date().filter(|_| daily).map_or(moment, Stamp::Date);
        rows.push(Row {
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            adjusted_close: bar.close,
            ..Row::new(index + 1, stamp)
        });
    }
    let Some(first) = rows.first().map(|row| row.date) else { return Ok(rows) };
    let given = rows.len();
    let own = cadence.of_dates_like(first);
    rows.retain(|row| own.period(row.date).is_ok());
    if 2 * rows.len() <= given {
        return Err(format!("of {given} rows {} begin a bar of {own}; the first is at {first}", rows.len()));
    }
    Ok(rows)
}
