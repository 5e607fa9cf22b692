//! Evidence that one forecast is better than another, valid however often one looks.
//!
//! Two forecasters know the same; one of them, the incumbent, is believed until it is refuted. At each session a bet is made on
//! its loss being higher than that of a forecast that moves some way from the incumbent's towards the challenger's. The bet
//! is fair or unfavourable as long as that forecast is not expected to be better, whatever else the law of prices: so the
//! wealth of someone who starts with 1 and bets each session is 1 on average at most, and exceeds 20 ever with a
//! probability of 1 in 20 at most (Ville 1939; Ramdas, Grunwald, Vovk & Shafer 2023, Statistical Science 38, 576-601). Forecasters
//! compared so: Choe & Ramdas 2024, Operations Research 72, 1368-1387; Henzi & Ziegel 2022, Biometrika 109, 647-663.
//! docs/verdicts.md has the reasons for each choice, and what it amounts to.

/// The loss is Huber's (1964, Annals of Mathematical Statistics 35, 73-101): a square up to this many standard deviations of a
/// session's change, then a straight line, so that no single session decides.
const BEND: f64 = 1.5;
/// How far towards the challenger's forecast the incumbent's is moved: a quarter of the way is better as soon as there is
/// something in it, though the whole way may overshoot. Whether the challenger itself is better, its own loss has to tell.
const TOWARDS: f64 = 0.25;
/// What is staked on each session's bet, over the distance between both forecasts in standard deviations: nobody knows which is
/// best, so one's wealth is parted equally among these.
const PROPORTIONS: [f64; 5] = [0.125, 0.25, 0.5, 1.0, 2.0];
/// Never more than this share of the wealth is at risk in a session.
const MAX_AT_RISK: f64 = 0.5;

/// Huber's loss of an error in standard deviations.
pub(crate) fn loss(error: f64) -> f64 {
    let size = error.abs();
    if size <= BEND { 0.5 * size * size } else { BEND * (size - 0.5 * BEND) }
}

/// One session's bet, in standard deviations that were known before it.
#[derive(Debug, Clone, Copy)]
pub struct Bet {
    /// What came less the incumbent's forecast.
    pub error: f64,
    /// The challenger's forecast less the incumbent's.
    pub distance: f64,
}

impl Bet {
    /// By how much the challenger's loss was lower than the incumbent's.
    pub fn gain(self) -> f64 {
        loss(self.error) - loss(self.error - self.distance)
    }

    /// What a stake of 1 wins by moving towards the challenger. The slope of the loss is `BEND` at most, so that this is
    /// within `BEND` times the distance: a bound known before the outcome.
    fn won(self) -> f64 {
        (loss(self.error) - loss(self.error - TOWARDS * self.distance)) / TOWARDS
    }
}

/// The wealth of bets on one side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wealth([f64; PROPORTIONS.len()]);

impl Wealth {
    /// Puts in a part of the budget: bets begin with it now.
    pub fn stake(&mut self, part: f64) {
        self.0.iter_mut().for_each(|wealth| *wealth += part);
    }

    /// Settles a session's bets.
    pub fn settle(&mut self, bet: Bet) {
        let bound = BEND * bet.distance.abs();
        if !(bound > 0.0 && bet.error.is_finite()) {
            return;
        }
        if !bound.is_finite() {
            // Beyond all measure: as much as can be lost at once.
            self.0.iter_mut().for_each(|wealth| *wealth *= 1.0 - MAX_AT_RISK);
            return;
        }
        let won = bet.won();
        for (wealth, proportion) in self.0.iter_mut().zip(PROPORTIONS) {
            *wealth = (*wealth * (1.0 + proportion.min(MAX_AT_RISK / bound) * won)).min(MAX_WEALTH);
        }
    }

    /// What it has become, for a budget of 1.
    pub fn total(&self) -> f64 {
        self.0.iter().sum::<f64>() / PROPORTIONS.len() as f64
    }
}

/// Nobody needs more than this; to hold less than was won rejects less.
const MAX_WEALTH: f64 = 1e100;

/// Sessions that one budget lasts.
pub const BUDGET_SESSIONS: usize = 252;
/// The part of a year's budget that is staked where the history begins, for what has always been there.
const AT_THE_START: f64 = 0.5;
/// The part that is spread over later sessions of the history, for what began since; the rest is spread over the year.
const OVER_THE_HISTORY: f64 = 0.25;

/// When the parts of one year's budget are staked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stakes {
    /// Sessions before the year.
    history: usize,
}

impl Stakes {
    /// Those of the year that a session lies in; `opened` sessions came before the first night.
    pub(crate) fn at(session: usize, opened: usize) -> (Stakes, usize) {
        let year = session.saturating_sub(opened) / BUDGET_SESSIONS;
        (Stakes { history: opened + year * BUDGET_SESSIONS }, year + 1)
    }

    /// The part that is staked before the bet of a session; all parts together are 1.
    pub(crate) fn part(self, session: usize) -> f64 {
        let spread = OVER_THE_HISTORY / self.history.saturating_sub(1).max(1) as f64;
        let over_the_year = (1.0 - AT_THE_START - OVER_THE_HISTORY) / BUDGET_SESSIONS as f64;
        // Without a history to spread over, its part is staked at the start as well.
        let at_the_start = if self.history > 1 { AT_THE_START } else { AT_THE_START + OVER_THE_HISTORY };
        let start = if session == 0 { at_the_start } else { 0.0 };
        let within = (self.history..self.history + BUDGET_SESSIONS).contains(&session);
        let history = session > 0 && session < self.history;
        start + if history { spread } else { 0.0 } + if within { over_the_year } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever comes, a bet between its bounds keeps half of the wealth at least.
    #[test]
    fn no_session_ruins() {
        for error in [-1e6, -3.0, -0.2, 0.0, 0.2, 3.0, 1e6] {
            for distance in [-50.0, -1.0, -0.01, 1e-9, 0.3, 2.0, 50.0] {
                let mut wealth = Wealth::default();
                wealth.stake(1.0);
                wealth.settle(Bet { error, distance });
                let total = wealth.total();
                assert!((0.5..=1.5).contains(&total), "{error} {distance}: {total}");
            }
        }
    }

    /// By hand: an error of 1 and a challenger half a deviation towards it. The loss falls from 0.5 to 0.125 all the way, and to
    /// 0.5 * 0.875^2 a quarter of the way.
    #[test]
    fn by_hand() {
        let bet = Bet { error: 1.0, distance: 0.5 };
        assert!((bet.gain() - 0.375).abs() < 1e-15);
        let won = 4.0 * (0.5 - 0.5 * 0.875 * 0.875);
        assert!((bet.won() - won).abs() < 1e-15);
        // Beyond the bend the loss is a line: the error of 4 costs 1.5 * (4 - 0.75).
        assert!((loss(-4.0) - 4.875).abs() < 1e-15);
        let mut wealth = Wealth::default();
        wealth.stake(1.0);
        wealth.settle(bet);
        // At most half is at risk: no more than 0.5 / 0.75 is staked.
        let stakes = [0.125, 0.25, 0.5, 2.0 / 3.0, 2.0 / 3.0];
        let expected: f64 = stakes.iter().map(|stake| 1.0 + stake * won).sum::<f64>() / 5.0;
        assert!((wealth.total() - expected).abs() < 1e-15);
    }

    #[test]
    fn a_years_parts_are_one_budget() {
        for history in [0, 1, 2, 20, 1_130, 1_382] {
            let stakes = Stakes { history };
            let sum: f64 = (0..history + 600).map(|session| stakes.part(session)).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{history}: {sum}");
        }
        let year = |session: usize| Stakes::at(session, 1_130);
        assert_eq!((year(1_130), year(1_381)), ((Stakes { history: 1_130 }, 1), (Stakes { history: 1_130 }, 1)));
        assert_eq!(year(1_382), (Stakes { history: 1_382 }, 2));
        assert_eq!(year(3).1, 1);
    }

    /// The law of large numbers is not needed: on fair bets the mean wealth stays at what was staked, and what crosses 20 does
    /// so in less than one series of 20, at any of 600 looks.
    #[test]
    fn fair_bets_win_nothing() {
        let mut seed = 11_u64;
        let mut uniform = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (mut crossed, mut sum) = (0, 0.0);
        for _ in 0..2_000 {
            let mut wealth = Wealth::default();
            wealth.stake(1.0);
            let mut highest = 0.0_f64;
            for _ in 0..600 {
                let error = (0..6).map(|_| uniform() - 0.5).sum::<f64>() * 2.0_f64.sqrt();
                let distance = uniform() - 0.5;
                wealth.settle(Bet { error, distance });
                highest = highest.max(wealth.total());
            }
            crossed += usize::from(highest >= 20.0);
            sum += wealth.total();
        }
        assert!(crossed <= 100, "{crossed} of 2,000 crossed");
        assert!(sum / 2_000.0 < 1.0, "mean wealth {}", sum / 2_000.0);
    }
}
