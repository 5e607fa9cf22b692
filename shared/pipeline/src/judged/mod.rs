//! Forecasts that someone else made, judged as the contenders' are: what each row forecast is compared with what came. A file is archived
//! when it is first seen, with the time and the newest period that was known then. Only rows that were here before their outcome earn
//! evidence; what is said of the past is claimed.

mod table;

use std::collections::{BTreeMap, btree_map::Entry};

use forecasting::{
    Bet, Kind, Level, Outlook, Period, PriceSeries, ProgramName, Record, Stamp, Ticker, Wealth, asked_of_each,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Archive, Digest, Error, Key, Ledger, Stage, Trained, newest_snapshot, records::end_of_time};
use table::read;

/// A file as it was seen first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    /// When that was.
    at: Timestamp,
    /// The newest period of each of its series that was known then, and its value: later splits and dividends rebase prices.
    known: BTreeMap<Ticker, (Period, f64)>,
    rows: Vec<Forecast>,
}

/// A row of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forecast {
    series: Ticker,
    origin: Stamp,
    date: Stamp,
    mean: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    intervals: Vec<(Level, f64, f64)>,
}

/// What was said of one series, by origin and date, and whether it was here before its outcome.
type AllSaid = BTreeMap<(Period, Period), (Forecast, bool)>;

/// What became of someone's forecasts of one series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Which series.
    pub ticker: Ticker,
    /// Forecasts whose outcome has come; of them, those that were here before it.
    pub forecasts: usize,
    /// See above.
    pub earned: usize,
    /// Forecasts whose outcome is to come.
    pub open: usize,
    /// 1 - mean absolute error over that of the value at the origin; of those that were here, or of all where none was.
    pub skill: Option<f64>,
    /// How often the intervals held.
    pub coverage: Vec<(Level, f64, usize)>,
    /// Evidence against the random walk, to 1: by what was here before its outcome, and by all that is said.
    pub against_walk: Odds,
    /// Evidence against who serves.
    pub against_champion: Odds,
    /// Who that is.
    pub champion: String,
    /// What is asked of a contender more.
    pub asked: f64,
}

/// Evidence, to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Odds {
    /// By forecasts that were here before their outcome.
    pub earned: f64,
    /// By all of them.
    pub claimed: f64,
}

/// To six digits: more say nothing.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// Judges a file's forecasts, together with those of the files that came under this name before.
///
/// # Errors
/// [`Error::Request`] where a row cannot be read, and says which; [`Error::NoForecast`] for a series that no run has worked on.
pub async fn judge(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    name: ProgramName,
    text: &str,
    now: Timestamp,
) -> Result<Vec<Judged>, Error> {
    let rows = read(text).map_err(|reason| Error::Request { field: "forecasts", reason })?;
    let mut series: BTreeMap<Ticker, PriceSeries> = BTreeMap::new();
    for row in &rows {
        if let Entry::Vacant(place) = series.entry(row.series.clone()) {
            place.insert(newest_series(archive, ledger, &row.series).await?);
        }
    }
    let digest = Digest::of(text.as_bytes());
    let prefix = Key::judged(name);
    let mut listed = archive.list(&prefix).await?;
    if !listed.iter().any(|key| key.ends_with(&format!("-{}.json.zst", digest.short()))) {
        for (index, row) in rows.iter().enumerate() {
            check(index, row, &series[&row.series])?;
        }
        let newest = |series: &PriceSeries| (series.last().day, series.last().adjusted_close);
        let known = series.iter().map(|(ticker, series)| (ticker.clone(), newest(series))).collect();
        let key = Key::judged_file(name, listed.len() + 1, &digest);
        let submission = Submission { at: now, known, rows };
        let json = serde_json::to_string(&submission).expect("forecasts are plain data");
        archive.create(&key, &crate::packed::compress(&json)).await?;
        listed.push(key.to_string());
    }
    listed.sort();
    // By series, origin and date: as it was said first.
    let mut said: BTreeMap<Ticker, AllSaid> = BTreeMap::new();
    for key in &listed {
        let key = Key::of_judged(name, key);
        let damaged = |reason: String| Error::Damaged { key: key.to_string(), reason };
        let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
        let json = crate::packed::decompress(&bytes).map_err(damaged)?;
        let submission: Submission = serde_json::from_str(&json).map_err(|error| damaged(error.to_string()))?;
        for mut row in submission.rows {
            let (Some((known, value)), Some(series)) = (submission.known.get(&row.series), series.get(&row.series))
            else {
                continue;
            };
            let cadence = series.cadence();
            let (Ok(origin), Ok(date)) = (cadence.period(row.origin), cadence.period(row.date)) else { continue };
            let factor = match (series.kind(), series.on(*known)) {
                (Kind::Price, Some(bar)) => bar.adjusted_close / value,
                _ => 1.0,
            };
            row.mean *= factor;
            row.intervals
                .iter_mut()
                .for_each(|(_, lower, upper)| (*lower, *upper) = (*lower * factor, *upper * factor));
            // Of a series without dates the order alone tells.
            let over = !matches!(row.date, Stamp::Index(_)) && date.has_ended(submission.at);
            let was_here = date > *known && !over;
            let place = said.entry(row.series.clone()).or_default();
            place.entry((origin, date)).or_insert((row, was_here));
        }
    }
    let mut judged = Vec::with_capacity(series.len());
    for (ticker, series) in &series {
        judged.push(of_series(archive, ledger, series, &said.remove(ticker).unwrap_or_default()).await?);
    }
    Ok(judged)
}

async fn newest_series(archive: &dyn Archive, ledger: &dyn Ledger, ticker: &Ticker) -> Result<PriceSeries, Error> {
    let newest = newest_snapshot(ledger, ticker).await?;
    newest.ok_or_else(|| Error::NoForecast { ticker: ticker.clone() })?.series(archive, ticker).await
}

async fn of_series(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    series: &PriceSeries,
    said: &AllSaid,
) -> Result<Judged, Error> {
    let ticker = series.ticker();
    let nothing = || Error::NoForecast { ticker: ticker.clone() };
    let newest = ledger.history(ticker, Stage::Train, end_of_time(), 1).await?.pop().ok_or_else(nothing)?;
    let trained = Trained::read(&newest)?.ok_or_else(nothing)?;
    let record = trained.record.read(archive, ticker).await?;
    let champion = ledger.champion(ticker).await?.ok_or_else(nothing)?;
    let missing = || Error::Missing { key: format!("run {}", newest.key.run) };
    let run = ledger.run(&newest.key.run).await?.ok_or_else(missing)?.run;
    let mut tally = Tally::default();
    let (mut forecasts, mut earned, mut open) = (0, 0, 0);
    let value = |period: Period| series.on(period).map(|bar| bar.adjusted_close);
    for ((origin, date), (row, was_here)) in said {
        let (Some(base), Some(came)) = (value(*origin), value(*date)) else {
            open += usize::from(*date > series.last().day);
            continue;
        };
        forecasts += 1;
        earned += usize::from(*was_here);
        tally.add(row, base, came, *was_here);
    }
    let told = |session: Period| {
        let first = said.get(&(session, session.next()))?;
        Some((series.on(session)?.adjusted_close, first))
    };
    let (walk, other) = odds(&record, series.kind(), champion.contender(), told);
    let contenders = record.plan.contenders.iter().filter(|contender| !contender.is_baseline()).count();
    let (skill, coverage) = tally.figures(earned > 0);
    Ok(Judged {
        ticker: ticker.clone(),
        forecasts,
        earned,
        open,
        skill,
        coverage,
        against_walk: walk,
        against_champion: other,
        champion: champion.specification.to_string(),
        asked: rounded(asked_of_each(run.configuration.significance, contenders + 1)),
    })
}

/// Refuses what the series has no place for.
fn check(index: usize, row: &Forecast, series: &PriceSeries) -> Result<(), Error> {
    let refused = |what: String| Error::Request { field: "forecasts", reason: format!("row {}: {what}", index + 1) };
    for stamp in [row.origin, row.date] {
        series.cadence().period(stamp).map_err(|error| refused(error.to_string()))?;
    }
    let possible = |value: f64| Outlook::of_values(series.kind(), series.last().adjusted_close, &[value], None).is_ok();
    if !possible(row.mean) {
        return Err(refused(format!("{} is no value of {}", row.mean, row.series)));
    }
    Ok(())
}

/// Bets one period ahead, as a record's: from a session on, on what was said of the next.
fn odds<'a>(
    record: &Record,
    kind: Kind,
    champion: forecasting::Contender,
    told: impl Fn(Period) -> Option<(f64, &'a (Forecast, bool))>,
) -> (Odds, Odds) {
    let mut wealth = [Wealth::default(); 4];
    wealth.iter_mut().for_each(|wealth| wealth.stake(1.0));
    for pair in record.rows.windows(2) {
        let (row, change) = (&pair[0], pair[1].change);
        // A change over a gap was forecast by nobody.
        if pair[1].session != row.session.next() {
            continue;
        }
        let Some((base, (forecast, was_here))) = told(row.session) else { continue };
        let deviation = row.path(row.scale)[0];
        let centre = kind.level(forecast.mean) - kind.level(base);
        let served = record.told(champion, row.session).map_or(0.0, |outlook| outlook.centres[0]);
        for (side, incumbent) in [0.0, served].into_iter().enumerate() {
            let bet = Bet { error: (change - incumbent) / deviation, distance: (centre - incumbent) / deviation };
            wealth[2 * side + 1].settle(bet);
            if *was_here {
                wealth[2 * side].settle(bet);
            }
        }
    }
    let of = |side: usize| Odds {
        earned: rounded(wealth[2 * side].total()),
        claimed: rounded(wealth[2 * side + 1].total()),
    };
    (of(0), of(1))
}

/// Errors and intervals: of all, and of what was here.
#[derive(Default)]
struct Tally {
    errors: [(f64, f64); 2],
    /// Of each level, how many held, and how many there were.
    held: [Vec<(Level, usize, usize)>; 2],
}

impl Tally {
    fn add(&mut self, row: &Forecast, base: f64, came: f64, was_here: bool) {
        for place in 0..=usize::from(was_here) {
            self.errors[place].0 += (row.mean - came).abs();
            self.errors[place].1 += (base - came).abs();
            for (level, lower, upper) in &row.intervals {
                let all = &mut self.held[place];
                let known = all.iter().position(|(other, ..)| other == level);
                let known = known.unwrap_or_else(|| {
                    all.push((*level, 0, 0));
                    all.len() - 1
                });
                all[known].1 += usize::from(*lower <= came && came <= *upper);
                all[known].2 += 1;
            }
        }
    }

    fn figures(&self, was_here: bool) -> (Option<f64>, Vec<(Level, f64, usize)>) {
        let place = usize::from(was_here);
        let (own, naive) = self.errors[place];
        let skill = (naive > 0.0).then(|| rounded(1.0 - own / naive));
        let share = |(level, held, n): &(Level, usize, usize)| (*level, rounded(*held as f64 / *n as f64), *n);
        (skill, self.held[place].iter().map(share).collect())
    }
}
