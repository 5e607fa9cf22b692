//! Values of the configuration that may be written in several ways.

use forecasting::Window;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de::Error as _};

/// `"all"`, a date, or a number of sessions.
pub(super) fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Window, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Sessions(usize),
        Plain(toml::value::Datetime),
        Word(String),
    }
    let wrong = || D::Error::custom("a window is \"all\", a date or a number of sessions");
    let date = |text: &str| text.parse().map(Window::Since).map_err(|_| wrong());
    match Written::deserialize(deserializer).map_err(|_| wrong())? {
        Written::Sessions(sessions) => Ok(Window::Sessions(sessions)),
        Written::Plain(moment) => date(&moment.to_string()),
        Written::Word(word) if word == "all" => Ok(Window::All),
        Written::Word(word) => date(&word),
    }
}

/// A date, with or without quotation marks.
pub(super) fn plain_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Plain(toml::value::Datetime),
        Quoted(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Plain(moment) => moment.to_string(),
        Written::Quoted(text) => text,
    };
    let date = if text.len() == 10 { text.parse().ok() } else { None };
    date.map(Some).ok_or_else(|| D::Error::custom(format!("'{text}' is not a date: one is written as 2020-12-31")))
}
