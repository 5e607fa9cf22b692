//! Sessions of exchanges whose holidays no rule foretells well: by tables, which `calendars/exchanges.py` writes.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use jiff::civil::{Date, Time, Weekday, date};

use super::{Exchange, exchange::Spans};

/// An exchange's table.
pub(super) struct Listed {
    closed: HashSet<Date>,
    early: HashMap<Date, Time>,
    /// Since when it trades from and until when, around a break where there is one.
    hours: Vec<(Date, Spans)>,
}

/// The years that the tables are of.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2049;

impl Listed {
    /// The exchange's table; New York's sessions follow from rules.
    pub(super) fn of(exchange: Exchange) -> Option<&'static Listed> {
        macro_rules! table {
            ($file:literal) => {{
                static TABLE: LazyLock<Listed> =
                    LazyLock::new(|| Listed::read(include_str!(concat!("../../calendars/", $file))).expect("a table"));
                Some(&*TABLE)
            }};
        }
        match exchange {
            Exchange::Xnys => None,
            Exchange::Xtse => table!("XTSE.txt"),
            Exchange::Xlon => table!("XLON.txt"),
            Exchange::Xetr => table!("XETR.txt"),
            Exchange::Xtks => table!("XTKS.txt"),
            Exchange::Xhkg => table!("XHKG.txt"),
        }
    }

    /// None where the text is no table.
    fn read(text: &str) -> Option<Listed> {
        let mut table = Listed { closed: HashSet::new(), early: HashMap::new(), hours: Vec::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            match words.next()? {
                // Code knows them: they come with its own tables of clocks.
                "zone" => {}
                "hours" => {
                    let since = words.next()?.parse().ok()?;
                    let times: Vec<Time> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
                    let spans = match times[..] {
                        [open, close] => [Some((open, close)), None],
                        [open, pause, resume, close] => [Some((open, pause)), Some((resume, close))],
                        _ => return None,
                    };
                    table.hours.push((since, spans));
                }
                year => {
                    for word in words.filter(|word| *word != "/") {
                        let (day, time) = word.split_once('<').map_or((word, None), |(day, time)| (day, Some(time)));
                        let day: Date = format!("{year}-{day}").parse().ok()?;
                        match time {
                            None => _ = table.closed.insert(day),
                            Some(time) => _ = table.early.insert(day, time.parse().ok()?),
                        }
                    }
                }
            }
        }
        (!table.hours.is_empty()).then_some(table)
    }

    pub(super) fn closure(&self, day: Date) -> Option<&'static str> {
        match day.weekday() {
            _ if !YEARS.contains(&day.year()) => Some("the calendar knows 2000 to 2049"),
            Weekday::Saturday | Weekday::Sunday => Some("weekend"),
            _ => self.closed.contains(&day).then_some("holiday"),
        }
    }

    pub(super) fn bell(&self, day: Date) -> Time {
        let last = self.spans(day).into_iter().flatten().next_back();
        last.map_or(Time::MAX, |(_, close)| close)
    }

    /// The hours of the newest line.
    pub(super) fn usual(&self) -> Spans {
        self.on(date(*YEARS.end(), 12, 31))
    }

    fn on(&self, day: Date) -> Spans {
        let known = self.hours.iter().rev().find(|(since, _)| *since <= day);
        known.map_or([None, None], |(_, spans)| *spans)
    }

    /// An early close cuts off what would be later.
    pub(super) fn spans(&self, day: Date) -> Spans {
        let early = self.early.get(&day).copied().unwrap_or(Time::MAX);
        self.on(day).map(|span| span.filter(|(from, _)| *from < early).map(|(from, until)| (from, until.min(early))))
    }
}
