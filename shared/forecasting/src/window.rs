use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Bar, PriceSeries};

/// Which part of a history models are trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Window {
    /// All of it.
    #[default]
    All,
    /// Sessions on this date and later.
    Since(Date),
    /// The last N sessions.
    Sessions(usize),
}

impl Window {
    /// Where the window of the sessions `..end` begins.
    pub(crate) fn start(self, bars: &[Bar], end: usize) -> usize {
        match self {
            Window::All => 0,
            Window::Since(date) => bars.partition_point(|bar| bar.day.date() < date).min(end),
            Window::Sessions(sessions) => end.saturating_sub(sessions),
        }
    }

    /// The sessions that a model is trained on.
    pub fn of(self, series: &PriceSeries) -> &[Bar] {
        self.of_bars(series.bars())
    }

    /// The same of the bars up to some session.
    pub fn of_bars(self, bars: &[Bar]) -> &[Bar] {
        &bars[self.start(bars, bars.len())..]
    }
}

/// `null`, a date or a number of sessions.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a window is null, a date or a number of sessions")]
enum Written {
    All(()),
    Since(Date),
    Sessions(usize),
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Window::All => Written::All(()),
            Window::Since(date) => Written::Since(date),
            Window::Sessions(sessions) => Written::Sessions(sessions),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer).map_err(D::Error::custom)? {
            Written::All(()) => Window::All,
            Written::Since(date) => Window::Since(date),
            Written::Sessions(sessions) => Window::Sessions(sessions),
        })
    }
}
