use std::time::Duration;

use serde::Deserialize;

/// What to do while a session's bar is not published yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FetchSettings {
    /// The pause between two asks; a part of a minute is allowed.
    pub ask_again_minutes: f64,
    /// Asks after the first; then the run goes on with what is known.
    pub ask_limit: u32,
}

/// The plan at Tiingo.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TiingoSettings {
    /// Its hourly quota; left out, the free plan's.
    pub requests_per_hour: Option<u32>,
}

/// What a PostgreSQL server is asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresSettings {
    /// A query whose answer is a long table.
    pub query: Option<String>,
}

impl FetchSettings {
    /// The pause between two asks, in whole seconds.
    pub fn pause(&self) -> Duration {
        Duration::from_secs_f64((self.ask_again_minutes * 60.0).ceil())
    }
}

impl Default for FetchSettings {
    /// Every quarter of an hour from 17:00 to 20:00.
    fn default() -> Self {
        FetchSettings { ask_again_minutes: 15.0, ask_limit: 12 }
    }
}
