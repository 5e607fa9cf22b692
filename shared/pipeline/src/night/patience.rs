//! How long a night waits for what is missing: the same rule on one machine and in the cloud.

use std::time::Duration;

use forecasting::{Stamp, TradingDay};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Settings;

/// How often a night goes through what is missing again, and with which pauses: first while tonight's bars may still come, then,
/// on the prices that are known, for what failed and may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// How often bars that are not published yet are asked for again.
    pub asks: u32,
    /// The pause before each ask.
    #[serde(with = "seconds")]
    pub pause: Duration,
    /// How often what may pass is tried again.
    pub retries: u32,
    /// The pause before each retry.
    #[serde(with = "seconds")]
    pub delay: Duration,
}

impl Patience {
    /// None: what is missing stays missing, and what fails has failed.
    pub const NONE: Patience = Patience { asks: 0, pause: Duration::ZERO, retries: 0, delay: Duration::ZERO };

    /// For a run as of this day that begins at this moment. An older bar is there, or never will be.
    pub fn of(settings: &Settings, as_of: Stamp, now: Timestamp) -> Patience {
        let still_to_come =
            as_of.date().and_then(|date| TradingDay::new(date).ok()).is_some_and(|day| day.is_preliminary_at(now));
        Patience {
            asks: if still_to_come { settings.fetch.ask_limit } else { 0 },
            pause: settings.fetch.pause(),
            retries: settings.retries.attempts - 1,
            delay: settings.retries.delay(),
        }
    }

    /// Whether to go on with the prices that are known: tonight's bar is waited for no longer.
    pub(crate) fn settles(&self) -> bool {
        self.asks == 0
    }

    /// Without waiting for tonight's bars.
    pub(crate) fn settled(self) -> Patience {
        Patience { asks: 0, ..self }
    }

    /// Whether nothing is tried again after this.
    pub(crate) fn is_at_its_end(&self) -> bool {
        self.asks == 0 && self.retries == 0
    }

    /// What is left of it once something was missing, and the pause before that is tried again; `None` at its end.
    pub(crate) fn once_more(self) -> Option<(Patience, Duration)> {
        let Patience { asks, pause, retries, delay } = self;
        match (asks, retries) {
            (1.., _) => Some((Patience { asks: asks - 1, ..self }, pause)),
            (0, 1..) => Some((Patience { retries: retries - 1, ..self }, delay)),
            (0, 0) => None,
        }
    }
}

/// Whole seconds, as a state machine waits.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(duration.as_secs())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
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
        let passes = |time: &str| {
            let mut patience = Patience::of(&settings, friday, time.parse().expect("a moment"));
            let mut passes = Vec::new();
            while let Some((left, pause)) = patience.once_more() {
                passes.push((pause.as_secs(), left.settles()));
                patience = left;
            }
            assert!(patience.is_at_its_end());
            passes
        };
        let retries = [(30, true); 3];
        assert_eq!(passes("2020-12-11T22:00:00Z"), [&[(600, false), (600, true)], &retries[..]].concat());
        for later in ["2020-12-12T01:00:00Z", "2021-03-01T00:00:00Z"] {
            assert_eq!(passes(later), retries, "{later}");
        }
    }
}
