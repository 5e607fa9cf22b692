//! `closing-bell.toml`: the same file on one machine and in the cloud.

mod assignment;
mod calendar;
mod check;
mod families;
mod fetch;
mod overrides;
mod retries;
mod schedule;
mod series;
mod values;
mod watchlist;
mod webhook;

use std::collections::BTreeMap;

use forecasting::{Cadence, IntervalKind, Kind, Level, Policy, Promotion, Seasons, Ticker, Window};
use jiff::civil::Date;
use serde::Deserialize;

use crate::{Archive, Error, Key, Market, ProgramSettings, price_file::ColumnNames};
pub(crate) use assignment::SESSIONS_START;
use calendar::CalendarSetting;
use families::Families;
pub use families::words_of;
pub use fetch::{FetchSettings, PostgresSettings, TiingoSettings};
pub use retries::RetrySettings;
pub use schedule::ScheduleSettings;
pub use series::SeriesSettings;
pub use watchlist::{MAX_TICKERS, Watchlist};
pub use webhook::{WebhookFormat, WebhookSettings};

/// The configuration file; everything in it may be left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where prices come from, where nothing else names it: Tiingo, or what arrives row by row.
    market: Option<Market>,
    /// Tickers of a night on Tiingo's prices, or of streams in the cloud.
    pub watchlist: Watchlist,
    /// Series that the market knows by another name: one that was renamed keeps its record.
    aliases: BTreeMap<Ticker, Ticker>,
    /// First date of the histories, where one is configured.
    #[serde(deserialize_with = "values::plain_date")]
    pub start: Option<Date>,
    horizon: usize,
    levels: Vec<Level>,
    /// What earlier releases compared models on: read, and not used.
    #[serde(rename = "holdout")]
    former_holdout: Option<toml::Value>,
    #[serde(deserialize_with = "values::window")]
    window: Window,
    families: Option<Families>,
    cadence: Option<Cadence>,
    calendar: Option<CalendarSetting>,
    kind: Kind,
    /// The power that values are modelled by.
    box_cox: Option<f64>,
    season: Option<Seasons>,
    intervals: IntervalKind,
    promotion: Promotion,
    policy: Policy,
    error_bound: Option<f64>,
    retention: Option<usize>,
    significance: f64,
    /// Series that are read otherwise than the others.
    series: BTreeMap<Ticker, SeriesSettings>,
    /// What the columns of files are called.
    pub columns: ColumnNames,
    /// What to do while a bar is missing.
    pub fetch: FetchSettings,
    /// What to do about what may pass.
    pub retries: RetrySettings,
    /// The plan at Tiingo.
    pub tiingo: TiingoSettings,
    /// What PostgreSQL is asked.
    pub postgres: PostgresSettings,
    /// When `closing-bell serve` begins its nights.
    pub schedule: ScheduleSettings,
    /// Where messages go.
    pub webhook: WebhookSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            market: None,
            watchlist: Watchlist::default(),
            aliases: BTreeMap::new(),
            start: None,
            horizon: 5,
            levels: [80.0, 95.0].into_iter().filter_map(|percent| Level::try_from(percent).ok()).collect(),
            former_holdout: None,
            window: Window::All,
            families: None,
            cadence: None,
            calendar: None,
            kind: Kind::Price,
            box_cox: None,
            season: None,
            intervals: IntervalKind::Adaptive,
            promotion: Promotion::Evidence,
            policy: Policy::Always,
            error_bound: None,
            retention: None,
            significance: 0.05,
            series: BTreeMap::new(),
            columns: ColumnNames::default(),
            fetch: FetchSettings::default(),
            retries: RetrySettings::default(),
            tiingo: TiingoSettings::default(),
            postgres: PostgresSettings::default(),
            schedule: ScheduleSettings::default(),
            webhook: WebhookSettings::default(),
        }
    }
}

impl Settings {
    /// Reads the file's text; where the watchlist is another file, that is still to be read.
    ///
    /// # Errors
    /// One line that says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse_with(text, &[])
    }

    /// The same with some keys set otherwise, `key=value`: a value is TOML, and where it is not, a word. `fetch.ask_limit=2` is a key
    /// of a table.
    ///
    /// # Errors
    /// One line that says what is wrong, and where.
    pub fn parse_with(text: &str, set: &[String]) -> Result<Settings, String> {
        let read = |text: &str| {
            toml::from_str::<Settings>(text).map_err(|error| {
                let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
                let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
                format!("{place}{}", plain(error.message()))
            })
        };
        let mut settings = read(text)?;
        if !set.is_empty() {
            let table = overrides::overridden(text, set)?;
            settings = table.try_into().map_err(|error: toml::de::Error| {
                // Its second line names the key, which the other of its messages does by itself.
                let named = !error.message().starts_with("unknown field");
                plain(&if named { error.to_string().trim().to_owned() } else { error.message().to_owned() })
            })?;
        }
        settings.check()?;
        if settings.former_holdout.is_some() {
            tracing::warn!("holdout is read, but not used any more: verdicts rest on the whole track record");
        }
        Ok(settings)
    }

    /// Reads the file that lies in an archive, as in the cloud.
    ///
    /// # Errors
    /// [`Error::Missing`] where it is not there, [`Error::Request`] where it cannot be used.
    pub async fn stored(archive: &dyn Archive) -> Result<Settings, Error> {
        let refused = |reason: String| Error::Request { field: "closing-bell.toml", reason };
        let text = async |key: Key| {
            let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
            String::from_utf8(bytes).map_err(|_| refused(format!("{key} is not a text file")))
        };
        let mut settings = Settings::parse(&text(Key::settings()).await?).map_err(refused)?;
        if let Some(file) = settings.files_of_dates().next() {
            return Err(refused(format!(
                "calendar = \"dates:{file}\" is for one machine: a deployment knows no such lists"
            )));
        }
        if let Some(file) = settings.watchlist.file() {
            let listed = text(Key::watchlist(file)).await?;
            settings.watchlist.read(&listed).map_err(refused)?;
        }
        Ok(settings)
    }

    /// Whether runs work on what arrives row by row.
    pub fn works_on_streams(&self) -> bool {
        self.market == Some(Market::Stream)
    }

    /// The programs among the families, for whoever can tell what is in their files.
    pub fn programs(&mut self) -> impl Iterator<Item = &mut ProgramSettings> {
        self.families.iter_mut().flat_map(|families| families.programs.values_mut())
    }
}

#[cfg(test)]
mod tests;

/// What a reader of TOML says, in words for people.
fn plain(message: &str) -> String {
    let mut text = message.replace('\n', " ");
    for (theirs, ours) in [
        ("expected usize", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list, as in [80, 95]"),
    ] {
        text = text.replace(theirs, ours);
    }
    let mut named = text.split('`').skip(1).step_by(2);
    let (Some(unknown), true) = (named.next(), text.starts_with("unknown field")) else { return text };
    let near = named.map(|known| (strsim::damerau_levenshtein(known, unknown), known)).min();
    match near.filter(|(distance, _)| distance * 3 <= unknown.len().max(3)) {
        Some((_, known)) => format!("unknown key `{unknown}`: did you mean `{known}`?"),
        None => text,
    }
}
