//! A made-up market whose law changes.

use std::{fmt::Write as _, fs, io, path::Path};

use forecasting::Period;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

/// Sessions before the first night.
pub(super) const HISTORY: usize = 260;

/// Which market, and how long: the usual law, another one, the usual one again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Market {
    /// Another seed is another market.
    pub(super) seed: u64,
    /// Nights under each law.
    pub(super) stretch: usize,
}

/// How log returns come about, in units of their usual standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Law {
    level: f64,
    volatility: f64,
    autocorrelation: f64,
    /// Added by the day's place in a season of five sessions.
    season: [f64; 5],
    /// Sessions over which it comes, a little more each.
    over: usize,
}

const USUAL: Law = Law { level: 0.0, volatility: 1.0, autocorrelation: 0.0, season: [0.0; 5], over: 1 };

/// One series of the market, and what becomes of its law.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) ticker: &'static str,
    /// In words.
    pub(super) what: &'static str,
    law: Law,
}

pub(super) const SUBJECTS: [Subject; 6] = [
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
    Subject {
        ticker: "GRADUAL",
        what: "returns of 1.5 standard deviations on average, a little more each session for a hundred",
        law: Law { level: 1.5, over: 100, ..USUAL },
    },
];

/// A session from which on a series follows another law.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Change {
    pub(super) ticker: &'static str,
    /// The first session under it.
    pub(super) day: Period,
    /// In words.
    pub(super) what: String,
}

impl Market {
    /// Nights in all, after the first.
    pub(super) fn nights(self) -> usize {
        3 * self.stretch
    }

    /// Its sessions, oldest first.
    pub(super) fn sessions(self) -> Vec<Period> {
        let first: Period = "2015-01-02".parse().expect("a session");
        std::iter::successors(Some(first), |day| Some(day.next())).take(HISTORY + self.nights()).collect()
    }

    /// The sessions at which a subject's law changes.
    pub(super) fn changes(self, subject: &Subject) -> Vec<Change> {
        if subject.law == USUAL {
            return Vec::new();
        }
        let sessions = self.sessions();
        let change =
            |after: usize, what: String| Change { ticker: subject.ticker, day: sessions[HISTORY + after], what };
        let back = format!("back from {}", subject.what);
        vec![change(self.stretch, subject.what.to_owned()), change(2 * self.stretch, back)]
    }

    /// A subject's prices.
    fn prices(self, subject: &Subject, stream: u64) -> Vec<f64> {
        let changed = HISTORY + self.stretch..HISTORY + 2 * self.stretch;
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(stream);
        let (mut log, mut before) = (100.0_f64.ln(), 0.0);
        let price = |session: usize| {
            let law = if changed.contains(&session) { subject.law } else { USUAL };
            let share = ((session + 1).saturating_sub(changed.start) as f64 / law.over as f64).min(1.0);
            let shock: f64 = StandardNormal.sample(&mut random);
            before = law.autocorrelation * before + law.volatility * shock;
            log += 0.01 * (share * law.level + law.season[session % 5] + before);
            log.exp()
        };
        (0..HISTORY + self.nights()).map(price).collect()
    }

    /// Writes it as a folder of price files.
    pub(super) fn write(self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for (stream, subject) in (0..).zip(&SUBJECTS) {
            let mut text = "date,adjClose\n".to_owned();
            for (day, price) in self.sessions().iter().zip(self.prices(subject, stream)) {
                let _ = writeln!(text, "{day},{price}");
            }
            fs::write(folder.join(format!("{}.csv", subject.ticker)), text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same seed gives the same prices, another one others; the law is another one in the middle alone.
    #[test]
    fn seeded() {
        let market = Market { seed: 1, stretch: 100 };
        let prices = |market: Market, i: usize| market.prices(&SUBJECTS[i], i as u64);
        assert_eq!(prices(market, 1), prices(market, 1));
        assert_ne!(prices(market, 1), prices(Market { seed: 2, ..market }, 1));
        let level = prices(market, 1);
        let mean = |from: usize, to: usize| (level[to] / level[from]).ln() / (to - from) as f64 / 0.01;
        let (before, changed, after) = (mean(0, 359), mean(359, 459), mean(459, 559));
        assert!(before.abs() < 0.4 && (changed - 1.5).abs() < 0.4 && after.abs() < 0.4, "{before} {changed} {after}");
        assert_eq!(market.changes(&SUBJECTS[1])[0].day, market.sessions()[360]);
        assert!(market.changes(&SUBJECTS[0]).is_empty(), "nothing happens to the steady one");
    }
}
