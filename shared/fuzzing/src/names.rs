//! Names, dates and keys: what is accepted says the same when it is written and read again.

use std::{fmt::Display, str::FromStr};

use forecasting::{Cadence, Kind, Period, ProgramName, Stamp, Ticker};
use pipeline::{Key, RunId, VersionId};

use crate::text;

pub(crate) fn names(bytes: &[u8]) {
    let text = text(bytes);
    again::<Ticker>(&text);
    again::<Stamp>(&text);
    again::<Cadence>(&text);
    again::<Kind>(&text);
    again::<ProgramName>(&text);
    again::<RunId>(&text);
    again::<VersionId>(&text);
    // A period is shown without its cadence, and stored with it.
    if let Ok(period) = serde_json::from_value::<Period>(text.as_ref().into()) {
        let stored = serde_json::to_value(period).expect("plain data");
        assert_eq!(
            serde_json::from_value::<Period>(stored).ok(),
            Some(period),
            "{text}: {}",
            serde_json::to_string(&period).expect("plain data")
        );
    }
    if let Ok(ticker) = Ticker::of_name(&text) {
        again::<Ticker>(ticker.as_str());
        plain(ticker.as_str());
    }
    if let Ok((key, ticker)) = Key::incoming(&text) {
        assert!(
            key.as_str().contains(ticker.as_str()) || key.as_str().to_uppercase().contains(ticker.as_str()),
            "{key}"
        );
        assert!(!key.as_str().split('/').any(|part| part == ".." || part.is_empty()), "{key}");
    }
}

fn again<T: FromStr<Err: Display> + Display + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let written = value.to_string();
        let read = written.parse::<T>();
        assert!(read.as_ref().is_ok_and(|read| *read == value), "'{text}' is written '{written}', and read as another");
    }
}

/// It may be a file's name, and stand in a log.
fn plain(name: &str) {
    assert!(!name.contains(['/', '\\', '\n', '\0']) && name != "." && name != "..", "{name:?}");
    assert!(name.chars().all(|c| !c.is_control()), "{name:?}");
}
