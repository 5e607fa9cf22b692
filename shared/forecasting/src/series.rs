//! Bars and price series.

use serde::{Deserialize, Serialize};

use crate::{Cadence, Calendar, Error, Kind, Period, Stamp, Ticker};

/// One row as a source gives it: anything may be missing, nothing has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Row in its source, from 1, the header not counted: errors name it.
    pub number: usize,
    /// When it is.
    pub date: Stamp,
    /// First trade.
    pub open: Option<f64>,
    /// Highest trade.
    pub high: Option<f64>,
    /// Lowest trade.
    pub low: Option<f64>,
    /// Last trade, as it was traded.
    pub close: Option<f64>,
    /// Shares traded.
    pub volume: Option<f64>,
    /// Close adjusted for later splits and dividends.
    pub adjusted_close: Option<f64>,
    /// Dividend per share, where this is its ex-date.
    pub dividend: Option<f64>,
    /// New shares for each old one, where they split on this day.
    pub split_factor: Option<f64>,
    /// What was known of it beforehand.
    pub regressors: Vec<Option<f64>>,
}

impl Row {
    /// A row with nothing but its place and date.
    pub fn new(number: usize, date: impl Into<Stamp>) -> Row {
        Row {
            number,
            date: date.into(),
            open: None,
            high: None,
            low: None,
            close: None,
            volume: None,
            adjusted_close: None,
            dividend: None,
            split_factor: None,
            regressors: Vec::new(),
        }
    }
}

/// What rows are to be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The cadence; `None` to find it in the rows.
    pub cadence: Option<Cadence>,
    /// What the numbers are.
    pub kind: Kind,
}

impl Form {
    /// Prices of the New York Stock Exchange's sessions.
    pub const PRICES: Form = Form { cadence: Some(Cadence::SESSION), kind: Kind::Price };
}

/// Beyond this, squares and sums of squares leave the numbers that there are.
pub const MAX_VALUE: f64 = 1e100;

/// Tiingo's adjusted closes agree with its closes, dividends and splits to 2e-9; a missing event is off by far more.
const AGREES: f64 = 1e-6;

/// One session's prices. Both closes are kept; models use the adjusted one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The session.
    pub day: Period,
    /// First trade.
    pub open: Option<f64>,
    /// Highest trade.
    pub high: Option<f64>,
    /// Lowest trade.
    pub low: Option<f64>,
    /// Last trade.
    pub close: f64,
    /// Shares traded.
    pub volume: Option<f64>,
    /// Close adjusted for splits and dividends up to the series' own last session.
    pub adjusted_close: f64,
    /// Dividend per share; `None` where the source does not tell.
    pub dividend: Option<f64>,
    /// Split factor; `None` where the source does not tell.
    pub split_factor: Option<f64>,
    /// What was known of it beforehand, such as a holiday: columns to regress on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressors: Vec<f64>,
}

impl Bar {
    /// Whether both say the same of what models use: the session, its closes, its dividend and its split.
    pub fn agrees_with(&self, other: &Bar) -> bool {
        let stated = |bar: &Bar| (bar.day, bar.close, bar.adjusted_close, bar.dividend, bar.split_factor);
        stated(self) == stated(other)
    }

    /// Whether earlier adjusted closes change because of this day.
    pub fn adjusts_history(&self) -> bool {
        self.dividend.is_some_and(|d| d > 0.0) || self.split_factor.is_some_and(|s| s != 1.0)
    }
}

/// Whether a share can become so many.
fn is_split(factor: f64) -> bool {
    (1e-6..=1e6).contains(&factor)
}

/// What earlier closes are multiplied by, where those of a session are by `factor`.
fn earlier_factor(factor: f64, close: f64, dividend: f64, split: f64) -> f64 {
    factor * (close / (close + dividend) / split)
}

/// All bars of a ticker up to some period: strictly increasing periods of one cadence, finite numbers, positive where they are prices, at
/// least one bar.
///
/// A price series is based on its own last session, whose adjusted close equals its close. So forecasts read as prices, and a series
/// cut at an earlier day shows no trace of dividends or splits that came later.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceSeries {
    ticker: Ticker,
    bars: Vec<Bar>,
    /// The source's own adjusted closes, where those of the bars do not follow from closes, dividends and splits.
    quoted: Option<Vec<f64>>,
    missing: Vec<Stamp>,
    kind: Kind,
    /// What the columns to regress on are called.
    regressors: Vec<String>,
    /// What is known of the periods after the last.
    ahead: Vec<Ahead>,
    closes_alone: bool,
}

/// What is known of a period that has not come.
pub type Ahead = (Period, Vec<f64>);

impl PriceSeries {
    /// Prices of sessions: see [`PriceSeries::of`].
    ///
    /// # Errors
    /// Its.
    pub fn new(ticker: Ticker, rows: impl IntoIterator<Item = Row>) -> Result<Self, Error> {
        PriceSeries::of(ticker, rows, Form::PRICES)
    }

    /// Checks the rows and bases the series on its last period. Rows without a number are left out and counted.
    ///
    /// # Errors
    /// [`Error::Row`] names the row: a stamp that is no period or not after the one before, a number that is not finite, a price that is not
    /// positive. [`Error::NoPrices`] where no row has a number, [`Error::Spacing`] where the rows do not follow the cadence, or any.
    pub fn of(ticker: Ticker, rows: impl IntoIterator<Item = Row>, form: Form) -> Result<Self, Error> {
        let rows: Vec<Row> = rows.into_iter().collect();
        let cadence = cadence_of(&rows, form)?;
        let kind = form.kind;
        let columns = rows.first().map_or(0, |row| row.regressors.len());
        let mut bars: Vec<Bar> = Vec::with_capacity(rows.len());
        let mut missing = Vec::new();
        let (mut numbers, mut quoted) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in rows {
            let Some(adjusted_close) = row.adjusted_close else {
                missing.push(row.date);
                continue;
            };
            let bar = bar(&row, adjusted_close, (cadence, kind), columns).map_err(|what| Error::Row {
                row: row.number,
                date: row.date,
                what,
            })?;
            numbers.push(row.number);
            quoted.push(adjusted_close);
            bars.push(bar);
        }
        if bars.is_empty() {
            return Err(Error::NoPrices);
        }
        let series = PriceSeries {
            ticker,
            bars,
            quoted: None,
            missing,
            kind,
            regressors: Vec::new(),
            ahead: Vec::new(),
            closes_alone: false,
        };
        if !kind.is_price() {
            return Ok(PriceSeries { quoted: Some(quoted), ..series });
        }
        let series = series.based_on_last(quoted);
        for (bar, row) in series.bars.iter().zip(numbers) {
            if !(bar.adjusted_close.is_finite() && bar.adjusted_close > 0.0) {
                let what = "its adjusted close, based on the last session, is no finite positive number".to_owned();
                return Err(Error::Row { row, date: bar.day.stamp(), what });
            }
        }
        Ok(series)
    }

    /// The series up to some of its sessions, in the same basis: what was known then, but for the basis.
    ///
    /// # Panics
    /// Of no bars: a series has at least one.
    pub fn of_bars(ticker: Ticker, bars: Vec<Bar>, kind: Kind) -> PriceSeries {
        assert!(!bars.is_empty(), "a price series has at least one bar");
        let quoted = Some(bars.iter().map(|bar| bar.adjusted_close).collect());
        PriceSeries {
            ticker,
            bars,
            quoted,
            missing: Vec::new(),
            kind,
            regressors: Vec::new(),
            ahead: Vec::new(),
            closes_alone: false,
        }
    }

    /// With columns to regress on, which its rows have, and with what these rows say of at most so many periods after its last, as far as
    /// they follow each other and say all.
    #[must_use]
    pub fn with_regressors(
        mut self,
        names: &[String],
        ahead: impl IntoIterator<Item = Row>,
        most: usize,
    ) -> PriceSeries {
        self.regressors = names.to_vec();
        let mut next = self.last().day.next();
        for row in ahead {
            if row.date < next.stamp() {
                continue;
            }
            let known: Option<Vec<f64>> =
                row.regressors.into_iter().map(|value| value.filter(|v| v.is_finite())).collect();
            match known.filter(|known| known.len() == names.len() && row.date == next.stamp()) {
                Some(known) if self.ahead.len() < most && !names.is_empty() => self.ahead.push((next, known)),
                _ => break,
            }
            next = next.next();
        }
        self
    }

    /// Of a source that tells closes as they were traded, and of no dividend or split.
    #[must_use]
    pub fn of_closes_alone(self, alone: bool) -> PriceSeries {
        // Elsewhere nobody pays dividends.
        let shares = self.kind == Kind::Price && matches!(self.cadence().calendar, Calendar::Exchange(_));
        PriceSeries { closes_alone: alone && shares, ..self }
    }

    /// Whether its prices are closes as they were traded, in which dividends and splits look like falls.
    pub fn is_of_closes_alone(&self) -> bool {
        self.closes_alone
    }

    /// What the columns to regress on are called.
    pub fn regressors(&self) -> &[String] {
        &self.regressors
    }

    /// What is known of the periods after its last.
    pub fn ahead(&self) -> &[Ahead] {
        &self.ahead
    }

    /// The regressors' columns in the periods that follow its first bars, as far as they are known, and no further than the horizon.
    pub fn regressors_after(&self, bars: usize, horizon: usize) -> Vec<Vec<f64>> {
        let columns = self.last().regressors.len();
        if columns == 0 {
            return Vec::new();
        }
        let mut next = self.bars[bars - 1].day.next();
        let later = self.bars[bars..].iter().map(|bar| (bar.day, &bar.regressors));
        let ahead = self.ahead.iter().map(|(day, known)| (*day, known));
        let mut known = vec![Vec::with_capacity(horizon); columns];
        for (_, values) in later.chain(ahead).take(horizon).take_while(|(day, _)| {
            let follows = *day == next;
            next = next.next();
            follows
        }) {
            known.iter_mut().zip(values).for_each(|(column, value)| column.push(*value));
        }
        known
    }

    /// Its bars as rows to be kept. An adjusted close is left out where all of them follow from closes, dividends and splits:
    /// then a dividend or a split changes no earlier row.
    pub fn kept(&self) -> impl Iterator<Item = Row> {
        self.bars.iter().enumerate().map(|(index, bar)| Row {
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: Some(bar.close),
            volume: bar.volume,
            adjusted_close: self.quoted.as_ref().map(|quoted| quoted[index]),
            dividend: bar.dividend,
            split_factor: bar.split_factor,
            regressors: bar.regressors.iter().copied().map(Some).collect(),
            ..Row::new(index + 1, bar.day)
        })
    }

    /// The series of rows that were kept.
    ///
    /// # Errors
    /// As [`PriceSeries::new`]; and where an adjusted close is neither there nor follows from the rest of its row.
    pub fn of_kept(ticker: Ticker, mut rows: Vec<Row>, form: Form) -> Result<Self, Error> {
        // As earlier releases took them: nothing follows from these.
        for row in &mut rows {
            row.split_factor = row.split_factor.filter(|split| is_split(*split));
            row.dividend = row.dividend.filter(|dividend| (0.0..=MAX_VALUE).contains(dividend));
        }
        let mut factor = 1.0;
        for row in rows.iter_mut().rev().filter(|row| row.adjusted_close.is_none()) {
            let (Some(close), Some(dividend), Some(split)) = (row.close, row.dividend, row.split_factor) else {
                let what = "it has no adjusted close, and none follows from the rest of it".to_owned();
                return Err(Error::Row { row: row.number, date: row.date, what });
            };
            row.adjusted_close = Some(close * factor);
            factor = earlier_factor(factor, close, dividend, split);
        }
        PriceSeries::of(ticker, rows, form)
    }

    /// With newer bars at its end, which must be in its basis already.
    #[must_use]
    pub fn extended(&self, newer: &[Bar]) -> PriceSeries {
        let mut longer = self.clone();
        longer.bars.extend(newer.iter().filter(|bar| bar.day > self.last().day).cloned());
        let adjusted = longer.adjusted_closes();
        match self.kind {
            Kind::Price => longer.based_on_last(adjusted),
            Kind::Value(_) => PriceSeries { quoted: Some(adjusted), ..longer },
        }
    }

    /// Bases the adjusted closes on the last session.
    ///
    /// Where every bar tells its dividend and split, they are computed from the closes as traded: earlier closes are
    /// multiplied by C / (C + dividend) and divided by the split factor, C the close on the day itself (as Tiingo does).
    /// So no digit depends on what was paid later. That is only trusted where it agrees with the source's own adjusted
    /// closes; otherwise those are scaled, and their last digits carry the rounding of later adjustments.
    fn based_on_last(mut self, quoted: Vec<f64>) -> PriceSeries {
        let factor = self.last().close / quoted[quoted.len() - 1];
        let scaled = quoted.iter().map(|quoted| quoted * factor);
        let (adjusted, quoted) = match self.adjusted_from_events() {
            Some(own) if own.iter().zip(scaled.clone()).all(|(a, b)| (a / b - 1.0).abs() < AGREES) => (own, None),
            _ => (scaled.collect(), Some(quoted)),
        };
        for (bar, adjusted) in self.bars.iter_mut().zip(adjusted) {
            bar.adjusted_close = adjusted;
        }
        if let Some(last) = self.bars.last_mut() {
            // The product may be off by one rounding.
            last.adjusted_close = last.close;
        }
        self.quoted = quoted;
        self
    }

    fn adjusted_from_events(&self) -> Option<Vec<f64>> {
        let mut factor = 1.0;
        let mut adjusted = Vec::with_capacity(self.bars.len());
        for bar in self.bars.iter().rev() {
            adjusted.push(bar.close * factor);
            let (dividend, split) = (bar.dividend?, bar.split_factor?);
            factor = earlier_factor(factor, bar.close, dividend, split);
        }
        adjusted.reverse();
        Some(adjusted)
    }

    /// Whose prices these are.
    pub fn ticker(&self) -> &Ticker {
        &self.ticker
    }

    /// What its numbers are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How it goes on.
    pub fn cadence(&self) -> Cadence {
        self.last().day.cadence()
    }

    /// What it is read as: its cadence, and what its numbers are.
    pub fn form(&self) -> Form {
        Form { cadence: Some(self.cadence()), kind: self.kind }
    }

    /// The bars, oldest first; never empty.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    /// The newest bar.
    pub fn last(&self) -> &Bar {
        self.bars.last().expect("a price series has at least one bar")
    }

    /// Dates of the rows that had no price.
    pub fn missing(&self) -> &[Stamp] {
        &self.missing
    }

    /// The bar of a session.
    pub fn on(&self, day: Period) -> Option<&Bar> {
        self.bars.binary_search_by_key(&day, |bar| bar.day).ok().map(|index| &self.bars[index])
    }

    /// Bars after a session, oldest first.
    pub fn after(&self, day: Period) -> &[Bar] {
        &self.bars[self.bars.partition_point(|bar| bar.day <= day)..]
    }

    /// How many periods ago a stamp was, seen from its last one.
    pub fn age(&self, since: Stamp) -> usize {
        let known = self.bars.partition_point(|bar| bar.day.stamp() <= since);
        match self.bars[..known].last() {
            Some(bar) => bar.day.periods_until(self.last().day),
            None => self.bars.len(),
        }
    }

    /// Adjusted closes, oldest first.
    pub fn adjusted_closes(&self) -> Vec<f64> {
        self.bars.iter().map(|bar| bar.adjusted_close).collect()
    }
}
/// The cadence of rows whose stamps increase.
fn cadence_of(rows: &[Row], form: Form) -> Result<Cadence, Error> {
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].date >= pair[1].date) {
        let what = if pair[0].date == pair[1].date {
            "a second row of the same date".to_owned()
        } else {
            format!("it follows {}, but dates must increase", pair[0].date)
        };
        return Err(Error::Row { row: pair[1].number, date: pair[1].date, what });
    }
    let cadence = match form.cadence {
        Some(cadence) => cadence.of_dates_like(rows.first().map_or(Stamp::Index(0), |row| row.date)),
        None => Cadence::of(&rows.iter().map(|row| row.date).collect::<Vec<_>>())?,
    };
    // Another cadence is reported as such, rather than as a row that is no period.
    let known: Vec<Period> = rows
        .iter()
        .filter(|row| row.adjusted_close.is_some())
        .filter_map(|row| cadence.of_dates_like(row.date).period(row.date).ok())
        .collect();
    cadence.check(&known)?;
    Ok(cadence)
}

/// The bar of a row that has a value, and so many columns to regress on; what is wrong with it, in words.
fn bar(row: &Row, adjusted_close: f64, (cadence, kind): (Cadence, Kind), columns: usize) -> Result<Bar, String> {
    let close = if kind.is_price() { row.close.unwrap_or(adjusted_close) } else { adjusted_close };
    for (name, number) in [("adjClose", adjusted_close), ("close", close)] {
        let name = if kind.is_price() { name } else { "its value" };
        if number.is_nan() || number.abs() > MAX_VALUE {
            return Err(format!("{name} is {number}, but must be finite, and at most {MAX_VALUE:e}"));
        }
        if let Some(why) = kind.refusal(number) {
            return Err(format!("{name} is {number}, {why}"));
        }
    }
    if kind.is_price() {
        if let Some(split) = row.split_factor.filter(|split| !is_split(*split)) {
            return Err(format!("splitFactor is {split}, but must be positive, and within 1e-6 and 1e6"));
        }
        if let Some(dividend) = row.dividend.filter(|dividend| !(0.0..=MAX_VALUE).contains(dividend)) {
            return Err(format!("divCash is {dividend}, but must be finite, and not negative"));
        }
    }
    let day = cadence.period(row.date).map_err(|error| error.to_string())?;
    let finite = |value: Option<f64>| value.filter(|v| v.is_finite());
    let regressors: Option<Vec<f64>> = row.regressors.iter().copied().map(finite).collect();
    let regressors = regressors
        .filter(|known| known.len() == columns)
        .ok_or("a column of columns.regressors is empty, but each needs a value where the series has one")?;
    Ok(Bar {
        day,
        open: finite(row.open),
        high: finite(row.high),
        low: finite(row.low),
        close,
        volume: finite(row.volume),
        adjusted_close,
        dividend: finite(row.dividend),
        split_factor: finite(row.split_factor),
        regressors,
    })
}
