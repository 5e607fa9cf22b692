//! Forecasts that someone else made, judged as the contenders' are: what each row forecast is compared with what came. A file is archived
//! when it is first seen, with the time and the newest period that was known then. Only rows that were here before their outcome earn
//! evidence; what is said of the past is claimed.

mod submission;
mod table;

use std::collections::BTreeSet;

use forecasting::{Bet, Kind, Level, Period, ProgramName, Record, Ticker, Wealth, asked_of_each, rules};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Archive, Digest, Error, Key, Ledger, Stage, Trained, records::end_of_time};
use submission::{Forecast, all_said, keep, newest_series};

/// What became of someone's forecasts, as of the newest periods on record. Kept, it is the receipt of a judgement: the same files and
/// snapshots come to the same again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Whose they are.
    pub name: ProgramName,
    /// The rules by which it came about.
    pub rules: String,
    /// By name.
    pub series: Vec<Judged>,
    /// Those on which no run has trained, so that there is nothing to compare with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untrained: Vec<Ticker>,
}

/// What became of someone's forecasts of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Which series.
    pub ticker: Ticker,
    /// The snapshot of it that they are compared with.
    pub snapshot: Digest,
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// Keeps a file's forecasts, judges them together with those that came under this name before, and keeps the receipt.
///
/// # Errors
/// [`Error::Request`] where a row cannot be read, and says which; [`Error::NoForecast`] for a series that no run has worked on.
pub async fn judge(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    name: ProgramName,
    text: &str,
    now: Timestamp,
) -> Result<Judgement, Error> {
    keep(archive, ledger, name, text, now).await?;
    let judgement = judged(archive, ledger, name).await?;
    let json = serde_json::to_string(&judgement).expect("a judgement is plain data");
    let packed = crate::packed::compress(&json);
    archive.create(&Key::judgement(name, &Digest::of(json.as_bytes())), &packed).await?;
    Ok(judgement)
}

/// Judges all that came under a name.
///
/// # Errors
/// [`Error::Request`] where nothing did.
pub async fn judged(archive: &dyn Archive, ledger: &dyn Ledger, name: ProgramName) -> Result<Judgement, Error> {
    let (mut series, mut untrained) = (Vec::new(), Vec::new());
    for ticker in listed(archive).await?.into_iter().filter(|(_, other)| *other == name).map(|(ticker, _)| ticker) {
        match of_series(archive, ledger, &ticker, name).await {
            Ok(judged) => series.push(judged),
            Err(Error::NoForecast { ticker }) => untrained.push(ticker),
            Err(error) => return Err(error),
        }
    }
    if series.is_empty() && untrained.is_empty() {
        return Err(Error::Request { field: "name", reason: format!("there are no forecasts of {name}") });
    }
    Ok(Judgement { name, rules: rules().clone(), series, untrained })
}

/// Whose forecasts there are, and of how many series.
pub async fn all_judged(archive: &dyn Archive) -> Result<Vec<(ProgramName, usize)>, Error> {
    let listed = listed(archive).await?;
    let names: BTreeSet<ProgramName> = listed.iter().map(|(_, name)| *name).collect();
    let series = |name: &ProgramName| listed.iter().filter(|(_, other)| other == name).count();
    Ok(names.into_iter().map(|name| (name, series(&name))).collect())
}

async fn listed(archive: &dyn Archive) -> Result<BTreeSet<(Ticker, ProgramName)>, Error> {
    Ok(archive.list(Key::ALL_JUDGED).await?.iter().filter_map(|key| Key::judged_of(key)).collect())
}

async fn of_series(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    name: ProgramName,
) -> Result<Judged, Error> {
    let (snapshot, series) = newest_series(archive, ledger, ticker).await?;
    let said = all_said(archive, name, &series).await?;
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
    for ((origin, date), (row, was_here)) in &said {
        let (Some(base), Some(came)) = (value(*origin), value(*date)) else {
            open += usize::from(*date > series.last().day);
            continue;
        };
        forecasts += 1;
        earned += usize::from(*was_here);
        tally.add(row, base, came, *was_here);
    }
    let judged = |session: Period| {
        let first = said.get(&(session, session.next()))?;
        Some((series.on(session)?.adjusted_close, first))
    };
    let (walk, other) = odds(&record, series.kind(), champion.contender(), judged);
    let contenders = record.plan.contenders.iter().filter(|contender| !contender.is_baseline()).count();
    let (skill, coverage) = tally.figures(earned > 0);
    Ok(Judged {
        ticker: ticker.clone(),
        snapshot,
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

/// Bets one period ahead, as a record's: from a session on, on what was said of the next.
fn odds<'a>(
    record: &Record,
    kind: Kind,
    champion: forecasting::Contender,
    judged: impl Fn(Period) -> Option<(f64, &'a (Forecast, bool))>,
) -> (Odds, Odds) {
    let mut wealth = [Wealth::default(); 4];
    wealth.iter_mut().for_each(|wealth| wealth.stake(1.0));
    for pair in record.rows.windows(2) {
        let (row, change) = (&pair[0], pair[1].change);
        // A change over a gap was forecast by nobody.
        if pair[1].session != row.session.next() {
            continue;
        }
        let Some((base, (forecast, was_here))) = judged(row.session) else { continue };
        let deviation = row.path(row.scale)[0];
        let centre = kind.level(forecast.mean) - kind.level(base);
        let served = record.outlook_of(champion, row.session).map_or(0.0, |outlook| outlook.centres[0]);
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
