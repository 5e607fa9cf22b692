//! What is done about a server that does not answer: it is left alone for a while, so that a night of a thousand tickers does not wait a
//! thousand times.

use std::time::{Duration, Instant};

/// So many requests in a row without an answer are an outage.
const FAILURES: usize = 8;
/// How long it is left alone then.
const REST: Duration = Duration::from_mins(2);

/// Whether the server answers.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    failures: usize,
    until: Option<Instant>,
}

impl Outage {
    /// How long it is to be left alone; afterwards it is asked once more.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// A request was answered, whatever with, or not.
    pub(crate) fn note(&mut self, answered: bool, now: Instant) {
        if answered {
            *self = Outage::default();
            return;
        }
        self.failures += 1;
        if self.failures >= FAILURES {
            self.until = Some(now + REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_silent_is_left_alone() {
        let (mut outage, start) = (Outage::default(), Instant::now());
        for _ in 1..FAILURES {
            outage.note(false, start);
            assert_eq!(outage.left(start), None);
        }
        outage.note(false, start);
        assert_eq!(outage.left(start), Some(REST));
        let later = start + REST;
        assert_eq!(outage.left(later), None);
        // Asked once more, and silent still.
        outage.note(false, later);
        assert_eq!(outage.left(later), Some(REST));
        outage.note(true, later + REST);
        outage.note(false, later + REST);
        assert_eq!(outage.left(later + REST), None);
    }
}
