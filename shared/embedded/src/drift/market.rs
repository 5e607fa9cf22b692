//! A made-up market whose law changes.

use std::{fmt::Write as _, fs, io, path::Path};

use forecasting::TradingDay;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

/// Sessions before the first night.
pub(super) const HISTORY: usize = 260;
/// Nights under each law.
const STRETCH: usize = 150;
/// Nights in all: the usual law, another one, the usual one again.
pub(super) const NIGHTS: usize = 3 * STRETCH;

/// How log returns come about, in units of their usual standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Law {
    level: f64,
    volatility: f64,
    autocorrelation: f64,
    /// Added by the day's place in a season of five sessions.
    season: [f64; 5],
}

const USUAL: Law = Law { level: 0.0, volatility: 1.0, autocorrelation: 0.0, season: [0.0; 5] };

/// One series of the market, and what becomes of its law.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) ticker: &'static str,
    /// In words.
    pub(super) what: &'static str,
    law: Law,
}

pub(super) const SUBJECTS: [Subject; 5] = [
    Subject { ticker: "STEADY", what: "nothing", law: USUAL },
    Subject {
        ticker: "LEVEL",
        what: "returns of 1.5 standard deviations on average",
        law: Law { level: 1.5, ..USUAL },
    },
    Subject { ticker: "VOLATILITY", what: "2.5 times the volatility", law: Law { volatility: 2.5, ..USUAL } },
    Subject { ticker: "ECHO", what: "autocorrelation of 0.85", law: Law { autocorrelation: 0.85, ..USUAL } },
    Subject {
        ticker: "SEASON",
        what: "a season of five sessions",
        law: Law { season: [3.2, -1.6, 1.6, -2.4, -0.8], ..USUAL },
    },
];

/// A session from which on a series follows another law.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Change {
    pub(super) ticker: &'static str,
    /// The first session under it.
    pub(super) day: TradingDay,
    /// In words.
    pub(super) what: String,
}

/// Sessions of the market, oldest first.
pub(super) fn sessions() -> Vec<TradingDay> {
    let first: TradingDay = "2015-01-02".parse().expect("a session");
    std::iter::successors(Some(first), |day| Some(day.next())).take(HISTORY + NIGHTS).collect()
}

impl Subject {
    /// The sessions at which its law changes.
    pub(super) fn changes(&self) -> Vec<Change> {
        if self.law == USUAL {
            return Vec::new();
        }
        let sessions = sessions();
        let change = |after: usize, what: String| Change { ticker: self.ticker, day: sessions[HISTORY + after], what };
        vec![change(STRETCH, self.what.to_owned()), change(2 * STRETCH, format!("back from {}", self.what))]
    }

    fn law_at(&self, session: usize) -> Law {
        if (HISTORY + STRETCH..HISTORY + 2 * STRETCH).contains(&session) { self.law } else { USUAL }
    }

    /// Its prices; another seed is another market.
    fn prices(&self, seed: u64, stream: u64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        let (mut log, mut before) = (100.0_f64.ln(), 0.0);
        let price = |session: usize| {
            let law = self.law_at(session);
            let shock: f64 = StandardNormal.sample(&mut random);
            before = law.autocorrelation * before + law.volatility * shock;
            log += 0.01 * (law.level + law.season[session % 5] + before);
            log.exp()
        };
        (0..HISTORY + NIGHTS).map(price).collect()
    }
}

/// Writes the market as a folder of price files.
pub(super) fn write(folder: &Path, seed: u64) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (stream, subject) in (0..).zip(&SUBJECTS) {
        let mut text = "date,adjClose\n".to_owned();
        for (day, price) in sessions().iter().zip(subject.prices(seed, stream)) {
            let _ = writeln!(text, "{day},{price}");
        }
        fs::write(folder.join(format!("{}.csv", subject.ticker)), text)?;
    }
    Ok(())
}
