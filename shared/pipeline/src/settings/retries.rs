use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

/// What to do about what may pass: a source or a store that cannot be reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySettings {
    /// Attempts in all.
    pub attempts: u32,
    /// The pause between two of them, as in `5min`.
    delay: SignedDuration,
}

/// The most attempts.
const MAX_ATTEMPTS: u32 = 10;
/// The longest pause.
const MAX_DELAY: SignedDuration = SignedDuration::from_hours(1);

impl RetrySettings {
    /// The pause between two attempts.
    pub fn delay(&self) -> Duration {
        self.delay.unsigned_abs()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=MAX_ATTEMPTS).contains(&self.attempts) {
            return Err(format!("retries.attempts is {}, but must be within 1 and {MAX_ATTEMPTS}", self.attempts));
        }
        if !(SignedDuration::ZERO..=MAX_DELAY).contains(&self.delay) {
            return Err(format!("retries.delay is {:#}, but must be within 0s and 1h", self.delay));
        }
        Ok(())
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        RetrySettings { attempts: 3, delay: SignedDuration::from_mins(5) }
    }
}
