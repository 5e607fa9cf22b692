//! How long a night waits for what is missing: the same rule on one machine, where it waits for a ticker, and in the cloud, where it
//! waits for a list of them.

use std::time::Duration;

use forecasting::TradingDay;
use jiff::{Timestamp, civil::Date};

use crate::{Error, Settings};

/// What is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Whether to go on with the prices that are known: only tonight's bar is still to come.
    pub settle: bool,
    /// How often a bar that is not published yet is asked for again.
    pub asks: u32,
    /// The pause before each ask.
    pub pause: Duration,
    /// How often what may pass is tried again.
    pub retries: u32,
    /// The pause before each retry.
    pub delay: Duration,
}

impl Patience {
    /// None: what is missing stays missing, and what fails has failed.
    pub const NONE: Patience =
        Patience { settle: true, asks: 0, pause: Duration::ZERO, retries: 0, delay: Duration::ZERO };

    /// For a run as of this day that begins at this moment. An older bar is there, or never will be.
    pub fn of(settings: &Settings, as_of: Date, now: Timestamp) -> Patience {
        let still_to_come = TradingDay::new(as_of).is_ok_and(|day| day.is_preliminary_at(now));
        let asks = if still_to_come { settings.fetch.ask_limit } else { 0 };
        let retries = &settings.retries;
        Patience {
            settle: asks == 0,
            asks,
            pause: settings.fetch.pause(),
            retries: retries.attempts - 1,
            delay: retries.delay(),
        }
    }

    /// How often a list is gone through again, and with which pauses, where it is not known what keeps each from its prices.
    pub fn passes(&self) -> (u32, Duration) {
        if self.settle { (self.retries, self.delay) } else { (self.asks, self.pause) }
    }

    /// The pause before a bar that is not published yet is asked for again; on the last ask, what is known will do. `None` where
    /// nobody asks again.
    pub fn for_a_bar(&mut self) -> Option<Duration> {
        let left = self.asks.checked_sub(1);
        self.asks = left.unwrap_or(0);
        self.settle = self.asks == 0;
        left.map(|_| self.pause)
    }

    /// The pause before what failed is tried again; `None` where it cannot pass, or has been tried often enough.
    pub fn after(&mut self, error: &Error) -> Option<Duration> {
        self.retries = self.retries.checked_sub(1).filter(|_| error.is_transient())?;
        Some(self.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tonights_bar_is_waited_for() {
        let settings =
            Settings::parse("[fetch]\nask_again_minutes = 10\nask_limit = 2\n[retries]\nattempts = 4\ndelay = '30s'");
        let settings = settings.expect("reads");
        let friday = "2020-12-11".parse().expect("a date");
        let at = |time: &str| Patience::of(&settings, friday, time.parse().expect("a moment"));
        let evening = at("2020-12-11T22:00:00Z");
        assert_eq!((evening.settle, evening.passes()), (false, (2, Duration::from_mins(10))));
        for later in ["2020-12-12T01:00:00Z", "2021-03-01T00:00:00Z"] {
            assert_eq!((at(later).settle, at(later).passes()), (true, (3, Duration::from_secs(30))), "{later}");
        }

        let mut waiting = evening;
        assert_eq!((waiting.for_a_bar(), waiting.settle), (Some(evening.pause), false));
        assert_eq!((waiting.for_a_bar(), waiting.settle), (Some(evening.pause), true), "the last ask settles");
        assert_eq!(waiting.for_a_bar(), None);
        let busy = Error::Busy { what: "it".to_owned() };
        for _ in 0..3 {
            assert_eq!(waiting.after(&busy), Some(evening.delay));
        }
        assert_eq!(waiting.after(&busy), None);
        let mut fresh = evening;
        assert_eq!(fresh.after(&Error::Missing { key: "it".to_owned() }), None, "what cannot pass is not tried again");
    }
}
