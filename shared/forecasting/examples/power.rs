//! How often a contest promotes a structured model over the random walk: where there is nothing to find, and where there is.
//!
//!     cargo run --release --package forecasting --example power [-- SERIES]
//!
//! Simulates SERIES (500) histories of 1,250 sessions for each law and prints a table: the share of contests that promote,
//! with its standard error. Log returns are white noise, or follow the ARMA(2,2) with coefficients .5, -.3 and .4, .2. Seeded:
//! the same numbers each time.

use forecasting::{
    BacktestPlan, Contest, Family, IntervalKind, Level, PriceSeries, Row, Ticker, TradingDay, Verdict, Window,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

const SESSIONS: usize = 1_250;
const SIGNIFICANCE: f64 = 0.05;
const HOLDOUTS: [usize; 5] = [60, 120, 250, 375, 500];

struct Law {
    name: &'static str,
    ar: [f64; 2],
    ma: [f64; 2],
}

const LAWS: [Law; 2] = [
    Law { name: "random walk", ar: [0.0, 0.0], ma: [0.0, 0.0] },
    Law { name: "ARMA(2,2)", ar: [0.5, -0.3], ma: [0.4, 0.2] },
];

impl Law {
    fn prices(&self, seed: u64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut r, mut e) = ([0.0; 2], [0.0; 2]);
        let mut log = 4.0_f64;
        let mut step = || {
            let shock: f64 = StandardNormal.sample(&mut random);
            let value = self.ar[0] * r[0] + self.ar[1] * r[1] + shock + self.ma[0] * e[0] + self.ma[1] * e[1];
            (r, e) = ([value, r[0]], [shock, e[0]]);
            log += 0.01 * value;
            log.exp()
        };
        // The first hundred only lead to where the law's own past looks like itself.
        (0..100 + SESSIONS).map(|_| step()).skip(100).collect()
    }
}

fn series(prices: &[f64]) -> PriceSeries {
    let mut day: TradingDay = "2010-01-04".parse().expect("a session");
    let rows = prices.iter().enumerate().map(|(index, price)| {
        let row = Row { adjusted_close: Some(*price), ..Row::new(index + 1, day.date()) };
        day = day.next();
        row
    });
    PriceSeries::new("SIM".parse::<Ticker>().expect("a ticker"), rows).expect("a series")
}

fn main() {
    let count: u64 = std::env::args().nth(1).map_or(500, |text| text.parse().expect("a number of series"));
    let levels = [80.0, 95.0].map(|percent| Level::try_from(percent).expect("a level")).to_vec();
    println!(
        "| returns | held out | contests | structured model promoted | mean skill of the challenger | 80 % held | 95 % held |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for law in &LAWS {
        for holdout in HOLDOUTS {
            let plan = BacktestPlan {
                holdout,
                horizon: 5,
                levels: levels.clone(),
                window: Window::All,
                families: vec![Family::Arima],
                season: 1,
                intervals: IntervalKind::Adaptive,
            };
            let outcomes: Vec<(bool, f64, [f64; 2])> = (0..count)
                .into_par_iter()
                .map(|seed| {
                    let contest = Contest::run(&series(&law.prices(seed)), &plan, None).expect("a contest");
                    let nominee = Verdict::of(&contest, SIGNIFICANCE, &[]).nominee.expect("the first");
                    let challenger = &contest.challengers.first().expect("a challenger").scorecard;
                    let coverage = [challenger.coverage[0].realised, challenger.coverage[1].realised];
                    let skill = challenger.skill.map_or(0.0, |skill| skill.value);
                    (!nominee.is_baseline(), skill, coverage)
                })
                .collect();
            let n = outcomes.len() as f64;
            let share = outcomes.iter().filter(|(promoted, ..)| *promoted).count() as f64 / n;
            let mean = |of: fn(&(bool, f64, [f64; 2])) -> f64| outcomes.iter().map(of).sum::<f64>() / n;
            println!(
                "| {} | {holdout} | {count} | {:.1} % ± {:.1} | {:+.2} % | {:.1} % | {:.1} % |",
                law.name,
                share * 100.0,
                (share * (1.0 - share) / n).sqrt() * 100.0,
                mean(|o| o.1) * 100.0,
                mean(|o| o.2[0]) * 100.0,
                mean(|o| o.2[1]) * 100.0,
            );
        }
    }
}
