//! The plan's hourly quota. Tiingo counts requests by the hour of the clock and starts anew on the hour.

use std::time::Duration;

use jiff::Timestamp;

/// Requests used in the present hour of the clock.
#[derive(Debug)]
pub(crate) struct Quota {
    per_hour: Option<u32>,
    hour: i64,
    used: u32,
    exhausted: bool,
}

const SECONDS_PER_HOUR: i64 = 3_600;

impl Quota {
    /// `None` keeps to no limit of ours, but still to what the server says.
    pub(crate) fn new(per_hour: Option<u32>) -> Quota {
        Quota { per_hour, hour: i64::MIN, used: 0, exhausted: false }
    }

    /// Takes one request out of this hour's quota, or answers how long it is until the next hour.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let hour = now.as_second().div_euclid(SECONDS_PER_HOUR);
        if hour != self.hour {
            (self.hour, self.used, self.exhausted) = (hour, 0, false);
        }
        if self.exhausted || self.per_hour.is_some_and(|limit| self.used >= limit) {
            let seconds = SECONDS_PER_HOUR - now.as_second().rem_euclid(SECONDS_PER_HOUR);
            return Err(Duration::from_secs(seconds.unsigned_abs()));
        }
        self.used += 1;
        Ok(())
    }

    /// The server says that this hour's quota is used up.
    pub(crate) fn exhaust(&mut self, now: Timestamp) {
        self.hour = now.as_second().div_euclid(SECONDS_PER_HOUR);
        self.exhausted = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn counts_by_the_hour_of_the_clock() {
        let mut quota = Quota::new(Some(2));
        assert_eq!(quota.take(at("2020-12-11T22:58:00Z")), Ok(()));
        assert_eq!(quota.take(at("2020-12-11T22:59:00Z")), Ok(()));
        assert_eq!(quota.take(at("2020-12-11T22:59:30Z")), Err(Duration::from_secs(30)));
        // Not an hour after the first request, but a new hour of the clock.
        assert_eq!(quota.take(at("2020-12-11T23:00:00Z")), Ok(()));
    }

    #[test]
    fn believes_the_server() {
        let mut quota = Quota::new(None);
        assert_eq!(quota.take(at("2020-12-11T22:10:00Z")), Ok(()));
        quota.exhaust(at("2020-12-11T22:10:01Z"));
        assert_eq!(quota.take(at("2020-12-11T22:45:00Z")), Err(Duration::from_mins(15)));
        assert_eq!(quota.take(at("2020-12-11T23:00:00Z")), Ok(()));
    }
}
