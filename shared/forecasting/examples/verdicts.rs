//! What a year of verdicts amounts to where the truth is known.
//!
//!     cargo run --release --package forecasting --example verdicts [-- SERIES [SEED [families=all] [LAW...]]]
//!
//! For each law it simulates SERIES (200) histories of 1,250 sessions and 252 nights after them (more where a structure begins or
//! ends later), reaches the verdict of every night, and prints a table. Seeded: the same numbers each time.

use forecasting::{
    Bet, Contender, Detail, Family, Judgement, Kind, Outlook, Period, PriceModel, PriceSeries, Promotion, Record,
    RecordPlan, Row, Sample, Seasons, Seat, Specification, Verdict, Wealth, Window,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StudentT};
use rayon::prelude::*;

/// The families, where all of them compete; sessions have no season to decompose or repeat.
const ALL: [Family; 4] = [Family::Arima, Family::Ets, Family::Theta, Family::Combination];
const HISTORY: usize = 1_250;
const NIGHTS: usize = 252;
const HORIZON: usize = 5;
const SIGNIFICANCE: f64 = 0.05;

/// How shocks are drawn.
#[derive(Clone, Copy)]
enum Shocks {
    Normal,
    /// GARCH(1,1) with 0.10 and 0.87, Student shocks with 5 degrees of freedom.
    Garch,
    /// Deviations of 0.7 and 2.5, changing with probability 0.01 a session.
    Regimes,
}

#[derive(Clone, Copy)]
struct Law {
    name: &'static str,
    shocks: Shocks,
    ar: [f64; 2],
    ma: [f64; 2],
    /// The sessions in which its structure holds.
    holds: (usize, usize),
    nights: usize,
}

const ALWAYS: (usize, usize) = (0, usize::MAX);
const LATE: (usize, usize) = (HISTORY, HISTORY + 504);

const fn law(name: &'static str, shocks: Shocks, ar: [f64; 2], ma: [f64; 2]) -> Law {
    Law { name, shocks, ar, ma, holds: ALWAYS, nights: NIGHTS }
}

const LAWS: [Law; 9] = [
    law("walk, normal", Shocks::Normal, [0.0; 2], [0.0; 2]),
    law("walk, GARCH-t(5)", Shocks::Garch, [0.0; 2], [0.0; 2]),
    law("walk, regimes", Shocks::Regimes, [0.0; 2], [0.0; 2]),
    law("AR(1) 0.25, GARCH-t(5)", Shocks::Garch, [0.25, 0.0], [0.0; 2]),
    law("AR(1) 0.25, normal", Shocks::Normal, [0.25, 0.0], [0.0; 2]),
    law("AR(1) 0.1, GARCH-t(5)", Shocks::Garch, [0.1, 0.0], [0.0; 2]),
    law("ARMA(2,2), normal", Shocks::Normal, [0.5, -0.3], [0.4, 0.2]),
    Law { holds: LATE, nights: 1_008, ..law("late AR(1) 0.5, normal", Shocks::Normal, [0.5, 0.0], [0.0; 2]) },
    Law { holds: LATE, nights: 1_008, ..law("late AR(1) 0.5, GARCH-t(5)", Shocks::Garch, [0.5, 0.0], [0.0; 2]) },
];

impl Law {
    fn prices(&self, seed: u64) -> Vec<f64> {
        const LEAD: usize = 300;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let student = StudentT::new(5.0).expect("degrees of freedom");
        let (mut r, mut e, mut variance, mut wild) = ([0.0; 2], [0.0; 2], 1.0_f64, false);
        let mut log = 4.6_f64;
        let mut prices = Vec::with_capacity(HISTORY + self.nights);
        for t in 0..LEAD + HISTORY + self.nights {
            let shock = match self.shocks {
                Shocks::Normal => StandardNormal.sample(&mut random),
                Shocks::Garch => {
                    variance = 0.03 + 0.10 * e[0] * e[0] + 0.87 * variance;
                    let t: f64 = student.sample(&mut random);
                    variance.sqrt() * t * 0.6_f64.sqrt()
                }
                Shocks::Regimes => {
                    wild ^= random.random::<f64>() < 0.01;
                    let z: f64 = StandardNormal.sample(&mut random);
                    z * if wild { 2.5 } else { 0.7 }
                }
            };
            let on = t.checked_sub(LEAD).is_none_or(|session| (self.holds.0..self.holds.1).contains(&session))
                && (self.holds == ALWAYS || t >= LEAD);
            let memory = self.ar[0] * r[0] + self.ar[1] * r[1] + self.ma[0] * e[0] + self.ma[1] * e[1];
            let value = shock + if on { memory } else { 0.0 };
            (r, e) = ([value, r[0]], [shock, e[0]]);
            if t >= LEAD {
                log += 0.015 * value;
                prices.push(log.exp());
            }
        }
        prices
    }
}

fn series(prices: &[f64]) -> PriceSeries {
    let mut day: Period = "2010-01-04".parse().expect("a session");
    let rows = prices.iter().enumerate().map(|(index, price)| {
        let row = Row { adjusted_close: Some(*price), ..Row::new(index + 1, day.date()) };
        day = day.next();
        row
    });
    PriceSeries::new("SIM".parse().expect("a ticker"), rows).expect("a series")
}

/// What the nights of one series came to.
#[derive(Default)]
struct Year {
    /// Nights on which a structured model served, from 0.
    structured: Vec<usize>,
    drifted: bool,
    changes: usize,
    nights: usize,
    /// Absolute one-session errors of what served, and of the random walk.
    errors: (f64, f64),
    /// The nights on which two simpler rules would have let it serve.
    mixture: Vec<usize>,
    last_sixty: Vec<usize>,
}

/// Each night's bet on ARIMA against the random walk, those of the record's history before them.
fn bets(record: &Record, column: usize) -> Vec<Bet> {
    let pairs = record.rows.windows(2);
    pairs
        .map(|pair| {
            let deviation = pair[0].path(pair[0].scale)[0];
            Bet { error: pair[1].change / deviation, distance: pair[0].centres[column * HORIZON] / deviation }
        })
        .collect()
}

/// The same bets, staked evenly on every starting point: it serves once its wealth is what is asked, and until that of the walk
/// against it is.
fn mixture(bets: &[Bet], nights: usize, asked: f64) -> Vec<usize> {
    let mut serving = Vec::new();
    let (mut found, mut lost, mut since) = (Wealth::default(), Wealth::default(), None);
    for (session, bet) in bets.iter().enumerate() {
        found.stake(1.0 / bets.len() as f64);
        found.settle(*bet);
        if let Some(since) = since {
            lost.stake(1.0 / (bets.len() - since) as f64);
            lost.settle(Bet { error: bet.error - bet.distance, distance: -bet.distance });
        } else if found.total() >= asked {
            since = Some(session);
        }
        if since.is_some() && lost.total() < asked {
            serving.extend((session + 1 + nights).checked_sub(bets.len()));
        } else if since.is_some() {
            break;
        }
    }
    serving
}

/// The contest before there were records: a Diebold-Mariano test on the absolute losses of the last 60 sessions, one-sided at
/// 5 %, asked each night, and the same test to give the place back.
fn last_sixty(bets: &[Bet], nights: usize) -> Vec<usize> {
    const SESSIONS: usize = 60;
    /// Quantile 0.95 of Student's t with 59 degrees of freedom.
    const CRITICAL: f64 = 1.671;
    let differences: Vec<f64> = bets.iter().map(|bet| bet.error.abs() - (bet.error - bet.distance).abs()).collect();
    let mut serves = false;
    let mut serving = Vec::new();
    for (session, last) in differences.windows(SESSIONS).enumerate() {
        let mean = last.iter().sum::<f64>() / SESSIONS as f64;
        let variance = last.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (SESSIONS - 1) as f64;
        let t = mean / (variance / SESSIONS as f64).sqrt();
        serves = if serves { t > -CRITICAL } else { t > CRITICAL };
        if let Some(night) = (session + SESSIONS + nights).checked_sub(bets.len()).filter(|_| serves) {
            serving.push(night);
        }
    }
    serving
}

fn year(law: &Law, seed: u64, families: &[Contender]) -> Year {
    let whole = series(&law.prices(seed));
    let plan = RecordPlan::new(families, HORIZON, Window::All, Seasons::NONE, Kind::Price);
    let mut record: Option<(Record, Option<forecasting::ScaleEstimates>)> = None;
    let (mut seat, mut year): (Option<Seat>, Year) = (None, Year::default());
    let mut chosen: Option<(Vec<Specification>, usize)> = None;
    for night in 0..law.nights {
        let bars = &whole.bars()[..HISTORY + night];
        let tonight = PriceSeries::of_bars(whole.ticker().clone(), bars.to_vec(), Kind::Price);
        let prices = Sample::of(bars, Kind::Price);
        if chosen.as_ref().is_none_or(|(_, since)| night - since >= plan.reselected_after(bars.len())) {
            let select = |family: &Contender| family.select(&prices, Kind::Price, Seasons::NONE).expect("selects");
            chosen = Some((families.iter().map(select).collect(), night));
        }
        let specifications = families.iter().copied().zip(chosen.iter().flat_map(|(chosen, _)| chosen.iter().copied()));
        let models: Vec<(Contender, Specification)> = specifications.collect();
        let fit = |(family, specification): &(Contender, Specification)| {
            (*family, specification.fit(&prices, Kind::Price).expect("fits"))
        };
        let fitted: Vec<(Contender, PriceModel)> = models.iter().map(fit).collect();
        let (record, scales) =
            record.get_or_insert_with(|| Record::of_history(plan.clone(), &tonight, |_, _| None).expect("a record"));
        let last = tonight.last();
        record
            .extend(&tonight, scales, |contender, bars| {
                if contender == Contender::DRIFT {
                    let growth = (last.adjusted_close / bars[0].adjusted_close).ln() / (bars.len() - 1) as f64;
                    return Ok(Outlook::growth(growth, HORIZON));
                }
                let model = &fitted.iter().find(|(family, _)| *family == contender).expect("a family").1;
                model.outlook_from(last.day, last.adjusted_close, (&tonight, bars.len()), HORIZON)
            })
            .expect("extends");
        let (judgement, _) = Judgement::of(record, &[], SIGNIFICANCE, seat.as_ref(), &models, Detail::Short);
        let verdict = Verdict::of(&judgement, seat.as_ref(), Promotion::Evidence);
        let after = Seat::after(seat.as_ref(), &verdict, &judgement, last.day.stamp());
        year.changes += usize::from(seat.is_some_and(|before| before.contender != after.contender));
        seat = Some(after);
        let serving = verdict.contender;
        year.nights += 1;
        if models.iter().any(|(family, specification)| *family == serving && !specification.is_baseline()) {
            year.structured.push(night);
        }
        let drift = (serving, Specification::BASELINES[1]);
        year.drifted |= serving == Contender::DRIFT || models.contains(&drift);
        let row = record.rows.last().expect("a row");
        let centre = record
            .plan
            .contenders
            .iter()
            .position(|c| *c == serving)
            .map_or(0.0, |column| row.centres[column * HORIZON]);
        if let Some(next) = whole.bars().get(HISTORY + night) {
            let change = (next.adjusted_close / last.adjusted_close).ln();
            let errors = ((change - centre).abs(), change.abs());
            year.errors = (year.errors.0 + errors.0, year.errors.1 + errors.1);
        }
    }
    if let Some((record, _)) = record.filter(|_| law.holds != ALWAYS) {
        let column = record.plan.contenders.iter().position(|contender| *contender == families[0]).expect("a column");
        let (bets, others) = (bets(&record, column), record.plan.contenders.len() - 1);
        year.mixture = mixture(&bets, law.nights, others as f64 / (0.9 * SIGNIFICANCE));
        year.last_sixty = last_sixty(&bets, law.nights);
    }
    year
}

fn median(mut values: Vec<usize>) -> String {
    values.sort_unstable();
    values
        .get(values.len() / 2)
        .map_or("-".to_owned(), |m| if *m == usize::MAX { "never".to_owned() } else { m.to_string() })
}

/// The nights on which a rule would have let structure serve.
type Serving = fn(&Year) -> &[usize];

/// Until a structure that begins on the first night is served, and, from its end, until it is not.
fn delays(law: &Law, years: &[Year], serving: Serving) -> String {
    let end = LATE.1 - LATE.0;
    let found = years.iter().map(|year| serving(year).first().copied().unwrap_or(usize::MAX)).collect();
    let before = years.iter().filter(|year| serving(year).first() == Some(&0)).count();
    let at_the_end: Vec<&Year> = years.iter().filter(|year| serving(year).contains(&end)).collect();
    let lasting = |year: &&Year| (end..law.nights).find(|night| !serving(year).contains(night));
    let dropped = at_the_end.iter().map(|year| lasting(year).map_or(usize::MAX, |night| night - end)).collect();
    let share = |count: usize| count as f64 / years.len() as f64 * 100.0;
    format!("{:.1} % | {} | {:.1} % | {}", share(before), median(found), share(at_the_end.len()), median(dropped))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: u64 = arguments.first().map_or(200, |text| text.parse().expect("a number of series"));
    let seed: u64 = arguments.get(1).map_or(1, |text| text.parse().expect("a seed"));
    let arima = Contender::Family(Family::Arima);
    let mut named = arguments.get(2..).unwrap_or_default().to_vec();
    let all = named.iter().position(|name| name == "families=all").map(|place| named.remove(place));
    let families = if all.is_some() { ALL.map(Contender::Family).to_vec() } else { vec![arima] };
    println!(
        "| law | series | structure on the first night | within 60 nights | ever | drift, ever | changes a year | skill (95 %) |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut late = Vec::new();
    for law in LAWS.iter().filter(|law| named.is_empty() || named.iter().any(|name| law.name.contains(name.as_str()))) {
        let years: Vec<Year> = (0..count).into_par_iter().map(|i| year(law, seed * 1_000_003 + i, &families)).collect();
        let percent =
            |of: &dyn Fn(&Year) -> bool| years.iter().filter(|year| of(year)).count() as f64 / count as f64 * 100.0;
        let (mut own, mut walk) = (0.0, 0.0);
        years.iter().for_each(|year| (own, walk) = (own + year.errors.0, walk + year.errors.1));
        let skill = 1.0 - own / walk;
        // Series are independent: the error of the ratio by them.
        let spread: f64 =
            years.iter().map(|y| (y.errors.0 - (1.0 - skill) * y.errors.1).powi(2)).sum::<f64>().sqrt() / walk;
        let changes = years.iter().map(|y| y.changes as f64 * 252.0 / y.nights as f64).sum::<f64>() / count as f64;
        println!(
            "| {} | {count} | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {changes:.2} | {:+.2} % ({:+.2} to {:+.2}) |",
            law.name,
            percent(&|year| year.structured.first() == Some(&0)),
            percent(&|year| year.structured.first().is_some_and(|first| *first <= 60)),
            percent(&|year| !year.structured.is_empty()),
            percent(&|year| year.drifted),
            skill * 100.0,
            (skill - 1.96 * spread) * 100.0,
            (skill + 1.96 * spread) * 100.0
        );
        if law.holds != ALWAYS {
            let rules: [(&str, Serving); 3] = [
                ("the record", |year| &year.structured),
                ("a mixture over starting points", |year| &year.mixture),
                ("the last 60 sessions", |year| &year.last_sixty),
            ];
            for (name, serving) in rules {
                late.push(format!("| {} | {name} | {} |", law.name, delays(law, &years, serving)));
            }
        }
    }
    if !late.is_empty() {
        println!();
        println!(
            "| law | rule | served before it begins | served after, nights (median) | served when it ends | dropped after, nights (median) |"
        );
        println!("| --- | --- | ---: | ---: | ---: | ---: |");
        late.iter().for_each(|line| println!("{line}"));
    }
}
