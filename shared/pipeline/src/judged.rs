//! Forecasts that someone else made, judged as the contenders' are: what each row forecast is compared with what came. A file is archived
//! when it is first seen, with the time and the newest period that was known then. Only rows that were here before their outcome earn
//! evidence; what is said of the past is claimed.

use std::collections::{BTreeMap, btree_map::Entry};

use forecasting::{Bet, Kind, Level, Outlook, Period, PriceSeries, ProgramName, Record, Stamp, Ticker, Wealth};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Archive, Digest, Error, Key, Ledger, Snapshot, Stage, Trained, records::end_of_time};

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

/// No file has more rows.
const MAX_ROWS: usize = 2_000_000;

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
    let newest = ledger.history(ticker, Stage::Fetch, end_of_time(), 1).await?.pop();
    let snapshot: Snapshot = newest.ok_or_else(|| Error::NoForecast { ticker: ticker.clone() })?.parse()?;
    snapshot.series(archive, ticker).await
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
    let share = 0.9 / (contenders + 1) as f64;
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
        asked: rounded(1.0 / (run.configuration.significance * share)),
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

/// Which column is which.
struct Columns {
    series: usize,
    origin: usize,
    date: usize,
    mean: usize,
    /// Level, lower and upper end.
    intervals: Vec<(Level, usize, usize)>,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Columns, String> {
        let names: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
        let find = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        let missing = |what: &str, known: &[&str]| format!("it has no column for the {what}: {}", known.join(" or "));
        let need = |what: &str, known: &[&str]| find(known).ok_or_else(|| missing(what, known));
        let series = need("series", &["unique_id", "ticker", "series", "symbol"])?;
        let origin = need("origin", &["origin", "cutoff"])?;
        let date = need("date", &["date", "ds", "timestamp"])?;
        let ends = |lower: &str, upper: &str, level: f64| {
            Some((Level::try_from(level).ok()?, find(&[lower])?, find(&[upper])?))
        };
        let mut intervals = Vec::new();
        for name in &names {
            let level = name.strip_prefix("lower_").or_else(|| name.split_once("-lo-").map(|(_, level)| level));
            if let Some(level) = level.and_then(|text| text.parse::<f64>().ok()) {
                let upper = name.replace("lower_", "upper_").replace("-lo-", "-hi-");
                intervals.extend(ends(name, &upper, level));
            }
            if let Some(share) =
                name.strip_prefix('q').unwrap_or(name).parse::<f64>().ok().filter(|q| *q > 0.0 && *q < 0.5)
            {
                let digits = (1.0 - share).to_string();
                let upper = name.replace(&share.to_string(), &digits[..digits.len().min(5)]);
                intervals.extend(ends(name, &upper, (1.0 - 2.0 * share) * 100.0));
            }
        }
        intervals.extend(ends("yhat_lower", "yhat_upper", 80.0));
        let known = ["mean", "forecast", "yhat", "y_hat", "q0.5", "0.5"];
        let mean = find(&known).or_else(|| {
            // statsforecast calls it as the model.
            let taken = [series, origin, date];
            let ends = intervals.iter().flat_map(|(_, lower, upper)| [*lower, *upper]).collect::<Vec<_>>();
            let others = ["y", "horizon", "version"];
            let mut rest = (0..names.len()).filter(|place| {
                !taken.contains(place) && !ends.contains(place) && !others.contains(&names[*place].as_str())
            });
            rest.next().filter(|_| rest.next().is_none())
        });
        let mean = mean.ok_or_else(|| missing("forecast", &known))?;
        Ok(Columns { series, origin, date, mean, intervals })
    }
}

fn read(text: &str) -> Result<Vec<Forecast>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns = Columns::find(reader.headers().map_err(|error| error.to_string())?)?;
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let place = index + 1;
        if index == MAX_ROWS {
            return Err(format!("it has more than {MAX_ROWS} rows"));
        }
        let record = record.map_err(|error| format!("row {place}: {error}"))?;
        let stamp = |column: usize| {
            let text = record[column].trim_end_matches(" 00:00:00");
            text.parse::<Stamp>().map_err(|_| format!("row {place}: '{text}' is no date"))
        };
        let number = |column: usize| {
            let text = &record[column];
            let value = text.parse().ok().filter(|value: &f64| value.is_finite());
            value.ok_or_else(|| format!("row {place}: '{text}' is no number"))
        };
        let mut intervals = Vec::with_capacity(columns.intervals.len());
        for (level, lower, upper) in &columns.intervals {
            intervals.push((*level, number(*lower)?, number(*upper)?));
        }
        let (origin, date) = (stamp(columns.origin)?, stamp(columns.date)?);
        if date <= origin {
            return Err(format!("row {place}: {date} is not after its origin, {origin}"));
        }
        let series = Ticker::of_name(&record[columns.series]).map_err(|error| format!("row {place}: {error}"))?;
        rows.push(Forecast { series, origin, date, mean: number(columns.mean)?, intervals });
    }
    if rows.is_empty() { Err("it has no row".to_owned()) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Closing Bell, statsforecast, Prophet and others write them.
    #[test]
    fn files_of_forecasts() {
        let check = |text: &str, levels: &[f64]| {
            let rows = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let row = &rows[0];
            assert_eq!(
                (row.series.as_str(), row.mean, row.origin.to_string().as_str()),
                ("A", 5.0, "2020-12-10"),
                "{text}"
            );
            let told: Vec<f64> = row.intervals.iter().map(|(level, ..)| level.percent()).collect();
            assert_eq!(told, levels, "{text}");
            assert!(row.intervals.iter().all(|(_, lower, upper)| *lower < 5.0 && *upper > 5.0));
        };
        check(
            "ticker,origin,date,horizon,mean,lower_80,upper_80,version\nA,2020-12-10,2020-12-11,1,5,4,6,v\n",
            &[80.0],
        );
        check(
            "unique_id,ds,cutoff,y,AutoARIMA,AutoARIMA-lo-95,AutoARIMA-hi-95\na,2020-12-11 00:00:00,2020-12-10 00:00:00,7,5,3,8\n",
            &[95.0],
        );
        check("series,origin,ds,yhat,yhat_lower,yhat_upper\nA,2020-12-10,2020-12-11,5,4,6\n", &[80.0]);
        check("series,origin,date,0.1,0.5,0.9\nA,2020-12-10,2020-12-11,4,5,6\n", &[80.0]);
        let refused = |text: &str, said: &str| {
            let error = read(text).expect_err("refused");
            assert!(error.contains(said), "{text}: {error}");
        };
        refused("series,date,mean\nA,2020-12-11,5\n", "no column for the origin: origin or cutoff");
        refused("series,origin,date,mean\nA,2020-12-11,2020-12-11,5\n", "row 1: 2020-12-11 is not after its origin");
        refused("series,origin,date,mean\nA,2020-12-10,2020-12-11,dear\n", "row 1: 'dear' is no number");
        refused("series,origin,date,mean\n", "it has no row");
    }
}
