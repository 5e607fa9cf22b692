//! Calendars that are lists of dates. A period names the calendar that it is of, and so does all that is stored: whoever reads that must
//! have made the list known before.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use jiff::civil::Date;

use super::period::{day, days};

/// A list of dates, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatesCalendar(u16);

#[derive(Clone, Copy)]
struct Known {
    name: &'static str,
    dates: &'static [i64],
}

/// Every list that was made known: a process knows few, and for as long as it runs.
static KNOWN: RwLock<Vec<Known>> = RwLock::new(Vec::new());

const MAX_DATES: usize = 100_000;
const MAX_NAME: usize = 40;

impl DatesCalendar {
    /// Makes a list known: one date a line, in order; blank lines and those that begin with `#` are none. One that is known already may
    /// have grown, and nothing else: what is on record counts by it.
    ///
    /// # Errors
    /// What is wrong with it, and in which line.
    pub fn know(name: &str, text: &str) -> Result<DatesCalendar, String> {
        let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=MAX_NAME).contains(&name.len()) || !name.chars().all(usual) {
            let shown: String = name.chars().take(MAX_NAME).collect();
            return Err(format!("a calendar is named by small letters, digits and dashes, not '{shown}'"));
        }
        let dates = read(text)?;
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = known.iter().position(|known| known.name == name) else {
            let place = u16::try_from(known.len()).map_err(|_| "there are too many calendars".to_owned())?;
            known.push(Known { name: name.to_owned().leak(), dates: dates.leak() });
            return Ok(DatesCalendar(place));
        };
        let before = known[place].dates;
        if let Some((one, other)) = before.iter().zip(&dates).find(|(one, other)| one != other) {
            return Err(format!(
                "the dates of '{name}' were others: {} was not followed by {}; a list may only grow",
                day(*one.min(other)),
                day(*one.max(other))
            ));
        }
        if dates.len() > before.len() {
            known[place].dates = dates.leak();
        }
        Ok(DatesCalendar(u16::try_from(place).unwrap_or(u16::MAX)))
    }

    /// One that is known by this name.
    pub(super) fn named(name: &str) -> Option<DatesCalendar> {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().position(|known| known.name == name).and_then(|place| u16::try_from(place).ok()).map(DatesCalendar)
    }

    fn known(self) -> Known {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        known.get(usize::from(self.0)).copied().unwrap_or(Known { name: "", dates: &[] })
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        self.known().name
    }

    /// The list as it was made known, one date a line.
    pub fn text(self) -> String {
        self.known().dates.iter().map(|date| format!("{}\n", day(*date))).collect()
    }

    /// The last date on the list.
    pub fn last(self) -> Date {
        self.known().dates.last().map_or(Date::MIN, |last| day(*last))
    }

    pub(super) fn has(self, date: Date) -> bool {
        self.known().dates.binary_search(&days(date)).is_ok()
    }

    /// The next day on the list, or the one before.
    pub(super) fn neighbour(self, day: i64, way: i64) -> Option<i64> {
        let dates = self.known().dates;
        let place = if way > 0 {
            dates.partition_point(|other| *other <= day)
        } else {
            dates.partition_point(|other| *other < day).checked_sub(1)?
        };
        dates.get(place).copied()
    }
}

fn read(text: &str) -> Result<Vec<i64>, String> {
    let mut dates: Vec<i64> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let shown: String = line.chars().take(40).collect();
        let date: Date =
            line.parse().map_err(|_| format!("line {}: '{shown}' is no date: write 2020-12-31", index + 1))?;
        if dates.last().is_some_and(|last| *last >= days(date)) {
            return Err(format!("line {}: {date} is not after the date before it", index + 1));
        }
        dates.push(days(date));
    }
    if !(2..=MAX_DATES).contains(&dates.len()) {
        return Err(format!("it has {} dates, but must have 2 to {MAX_DATES}", dates.len()));
    }
    Ok(dates)
}

impl fmt::Display for DatesCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("dates:{}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cadence, Period, Stamp};

    #[test]
    fn a_list_counts_its_own_dates_and_may_grow() {
        let first = "# the committee meets\n2020-01-29\n2020-03-15\n\n2020-04-29\n";
        let calendar = DatesCalendar::know("committee", first).expect("a list");
        let cadence: Cadence = "1day@dates:committee".parse().expect("known");
        assert_eq!(cadence.to_string(), "1day@dates:committee");
        let period = |text: &str| cadence.period(text.parse::<Stamp>().expect("a date"));
        let january = period("2020-01-29").expect("on the list");
        assert_eq!(january.next().to_string(), "2020-03-15");
        assert_eq!(january.periods_until(period("2020-04-29").expect("on the list")), 2);
        assert_eq!(january.plus(2).next(), january.plus(2), "the list has ended");
        assert!(period("2020-02-01").expect_err("none").to_string().contains("not among the dates of 'committee'"));
        let stored = String::from(january);
        assert_eq!((stored.as_str(), stored.parse::<Period>()), ("2020-01-29/1day@dates:committee", Ok(january)));

        DatesCalendar::know("committee", &format!("{first}2020-06-10\n")).expect("it has grown");
        assert_eq!(january.plus(3).to_string(), "2020-06-10");
        assert_eq!(calendar.last().to_string(), "2020-06-10");
        // An older copy of the same.
        DatesCalendar::know("committee", first).expect("the same, shorter");
        let other = DatesCalendar::know("committee", "2020-01-29\n2020-03-16\n").expect_err("another list");
        assert!(other.contains("2020-03-15 was not followed by 2020-03-16"), "{other}");
        for (text, said) in [
            ("2020-01-29\n2020-01-29\n", "line 2: 2020-01-29 is not after"),
            ("2020-01-29\nsoon\n", "line 2: 'soon' is no date"),
            ("2020-01-29\n", "it has 1 dates"),
        ] {
            let refused = DatesCalendar::know("other", text).expect_err("refused");
            assert!(refused.contains(said), "{refused}");
        }
        assert!("1day@dates:nobody".parse::<Cadence>().expect_err("unknown").to_string().contains("dates:nobody"));
        assert!("1hour@dates:committee".parse::<Cadence>().is_err());
    }
}
