//! A demonstration: nights over a made-up market whose law changes, under three policies, through the same stages as any
//! other night.

mod market;

use std::{fmt, path::Path, sync::Arc};

use forecasting::{Cadence, Period, Ticker};
use pipeline::{Assignment, Error, Evaluated, Ledger, NoPrograms, Settings, Stage, Trigger, price_file::ColumnNames};
use serde::Serialize;

use crate::{CsvMarket, DirectoryArchive, Night, SqliteLedger};
use market::{Change, HISTORY, Market, SUBJECTS};

/// What the demonstration found.
#[derive(Debug, Serialize)]
pub(crate) struct Drift {
    seed: u64,
    nights: usize,
    /// Each change of a law, and what became of it.
    changes: Vec<Noticed>,
    /// Each policy.
    policies: Vec<Account>,
    /// Retrainings under `degraded` when the whole training window was of the present law already.
    needless: Needless,
}

/// A change, and how `degraded` took it.
#[derive(Debug, Serialize)]
struct Noticed {
    #[serde(flatten)]
    change: Change,
    /// How much higher the loss is until the next change, where nothing is retrained, than where everything always is.
    cost: f64,
    /// Sessions under the new law when it retrained first; `None` where it did not.
    sessions: Option<usize>,
    /// Its reason.
    reason: Option<String>,
}

/// What a policy did and lost.
#[derive(Debug, Serialize)]
struct Account {
    policy: &'static str,
    trainings: usize,
    /// Mean pinball loss of the served forecasts.
    loss: f64,
}

#[derive(Debug, Serialize)]
struct Needless {
    trainings: usize,
    /// Sessions in which a training would have been needless.
    sessions: usize,
}

/// The three that are compared: always, when degraded, and never after the first night.
const POLICIES: [(&str, &str); 3] =
    [("always", "\"always\""), ("degraded", "\"degraded\""), ("never", "{ max_age = 100000 }")];
/// Nights of all policies together, where each law holds for so many.
pub(crate) fn all_nights(stretch: usize) -> usize {
    POLICIES.len() * (Market { seed: 0, stretch }.nights() + 1)
}

/// Half a year: what a market whose law changes leaves to learn from.
const WINDOW: usize = 125;
const SEASON: usize = 5;

/// Writes the market and runs all nights under each policy, in stores of their own under `data`; `progress` is called with each
/// night.
///
/// # Errors
/// A message where a store fails, or a night does.
pub(crate) async fn run(
    seed: u64,
    stretch: usize,
    data: &Path,
    progress: impl Fn(&str, Period),
) -> Result<Drift, String> {
    let in_words = |error: Error| error.to_string();
    let made_up = Market { seed, stretch };
    let folder = data.join("market");
    made_up.write(&folder).map_err(|error| format!("{} cannot be written: {error}", folder.display()))?;
    let mut accounts = Vec::with_capacity(POLICIES.len());
    for (name, policy) in POLICIES {
        let market = CsvMarket::open(&folder, &ColumnNames::default())?;
        let text = format!("policy = {policy}\nwindow = {WINDOW}\nseason = {SEASON}\n");
        let settings = Settings::parse(&text)?;
        let assignment = settings.assignment(pipeline::Market::Csv, market.tickers().cloned().collect());
        let store = data.join(name);
        std::fs::create_dir_all(&store).map_err(|error| format!("{} cannot be made: {error}", store.display()))?;
        let ledger = Arc::new(SqliteLedger::open(&store.join("ledger.sqlite")).map_err(in_words)?);
        let night = Night {
            market: Arc::new(market),
            archive: Arc::new(DirectoryArchive::open(&store).map_err(in_words)?),
            ledger: ledger.clone(),
            programs: Arc::new(NoPrograms),
            patience: pipeline::Patience::NONE,
        };
        for &day in &made_up.sessions()[HISTORY - 1..] {
            progress(name, day);
            one(&night, &assignment, day).await?;
        }
        accounts.push(Evaluations::read(&*ledger, made_up).await.map_err(in_words)?);
    }
    Ok(account(made_up, &accounts[0], &accounts[1], &accounts[2]))
}

async fn one(night: &Night, assignment: &Assignment, day: Period) -> Result<(), String> {
    let entry = night.run(assignment, day.stamp(), Trigger::Backfill, |_| {}).await;
    let closure = entry.map_err(|error| error.to_string())?.closure.ok_or("a night was left open")?;
    let outcomes = closure.outcomes(&*night.archive).await.map_err(|error| error.to_string())?;
    let failed = outcomes.iter().find(|ticker| ticker.status != pipeline::TickerStatus::Done);
    failed.map_or(Ok(()), |ticker| Err(format!("{day}: {}", ticker.reason)))
}

/// What a ledger tells of one subject, oldest night first.
struct Evaluations(Vec<(&'static str, Vec<(Period, Evaluated)>)>);

impl Evaluations {
    async fn read(ledger: &dyn Ledger, market: Market) -> Result<Evaluations, Error> {
        let mut evaluations = Vec::new();
        let end = *market.sessions().last().expect("there are sessions");
        for subject in &SUBJECTS {
            let ticker: Ticker = subject.ticker.parse().expect("a ticker");
            let mut records = ledger.history(&ticker, Stage::Evaluate, end.stamp(), market.nights() + 1).await?;
            records.reverse();
            let session = |as_of| Cadence::SESSION.period(as_of).expect("nights are of sessions");
            let evaluated = |json: &str| serde_json::from_str(json).expect("the stage reads what it wrote");
            evaluations
                .push((subject.ticker, records.iter().map(|r| (session(r.as_of), evaluated(&r.result))).collect()));
        }
        Ok(Evaluations(evaluations))
    }

    fn of(&self, ticker: &str) -> &[(Period, Evaluated)] {
        self.0.iter().find(|(name, _)| *name == ticker).map_or(&[], |(_, nights)| nights)
    }

    /// Mean pinball loss of forecasts of some sessions.
    fn loss(&self, counts: impl Fn(&str, Period) -> bool) -> f64 {
        let of_ticker = |(ticker, nights): &(&'static str, Vec<(Period, Evaluated)>)| {
            let scores = nights.iter().flat_map(|(_, night)| &night.scores).map(|scored| &scored.score);
            scores.filter(|s| counts(ticker, s.date)).filter_map(|s| s.pinball).collect::<Vec<f64>>()
        };
        let losses: Vec<f64> = self.0.iter().flat_map(of_ticker).collect();
        losses.iter().sum::<f64>() / losses.len() as f64
    }

    fn trainings(&self) -> usize {
        self.0.iter().flat_map(|(_, nights)| nights).filter(|(_, night)| night.training.due).count()
    }
}

fn account(market: Market, always: &Evaluations, degraded: &Evaluations, never: &Evaluations) -> Drift {
    let mut changes = Vec::new();
    let mut needless = Needless { trainings: 0, sessions: 0 };
    for subject in &SUBJECTS {
        let own = market.changes(subject);
        for (i, change) in own.iter().enumerate() {
            let until = own.get(i + 1).map(|next| next.day);
            let under_it = |ticker: &str, day: Period| {
                ticker == change.ticker && day >= change.day && until.is_none_or(|until| day < until)
            };
            let first =
                degraded.of(change.ticker).iter().find(|(day, n)| under_it(change.ticker, *day) && n.training.due);
            changes.push(Noticed {
                cost: never.loss(under_it) / always.loss(under_it) - 1.0,
                sessions: first.map(|(day, _)| change.day.periods_until(*day) + 1),
                reason: first.map(|(_, night)| night.training.reason.clone()),
                change: change.clone(),
            });
        }
        // The first night has nothing in service: that training is not asked about.
        for (day, night) in degraded.of(subject.ticker).iter().skip(1) {
            let last = own.iter().rev().find(|change| change.day <= *day);
            if last.is_none_or(|change| change.day.periods_until(*day) >= WINDOW) {
                needless.sessions += 1;
                needless.trainings += usize::from(night.training.due);
            }
        }
    }
    let policies = POLICIES.iter().zip([always, degraded, never]).map(|((policy, _), evaluations)| Account {
        policy,
        trainings: evaluations.trainings(),
        loss: evaluations.loss(|_, _| true),
    });
    Drift { seed: market.seed, nights: market.nights() + 1, changes, policies: policies.collect(), needless }
}

/// As Markdown, so that it can be put into a report as it is.
impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} nights over {} series, seed {}, trained on the last {WINDOW} sessions.\n",
            self.nights,
            SUBJECTS.len(),
            self.seed
        )?;
        writeln!(f, "| from | series | its law changes to | costs | retrained after | because |")?;
        writeln!(f, "| --- | --- | --- | ---: | ---: | --- |")?;
        for Noticed { change, cost, sessions, reason } in &self.changes {
            let after = sessions.map_or_else(|| "never".to_owned(), |n| format!("{n} sessions"));
            let reason = reason.as_deref().unwrap_or("-");
            let Change { ticker, day, what } = change;
            writeln!(f, "| {day} | {ticker} | {what} | {:+.1} % | {after} | {reason} |", cost * 100.0)?;
        }
        let base = &self.policies[0];
        writeln!(f, "\n| policy | trainings | of always | mean pinball loss | over always |")?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: |")?;
        for Account { policy, trainings, loss } in &self.policies {
            let share = *trainings as f64 / base.trainings as f64 * 100.0;
            let over = (loss / base.loss - 1.0) * 100.0;
            writeln!(f, "| {policy} | {trainings} | {share:.1} % | {:.4} % | {over:+.1} % |", loss * 100.0)?;
        }
        let Needless { trainings, sessions } = self.needless;
        let rate = trainings as f64 / sessions.max(1) as f64 * 250.0;
        write!(
            f,
            "\nNeedless: {trainings} retrainings in {sessions} sessions under one law for as long as the window, {rate:.2} in 250."
        )
    }
}
