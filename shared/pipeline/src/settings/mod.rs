//! `closing-bell.toml`: the same file on one machine and in the cloud.

mod families;
mod fetch;
mod retries;
mod schedule;
mod watchlist;
mod webhook;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use forecasting::{
    Cadence, Calendar, Contender, Degraded, FEWEST_ORIGINS, Family, IntervalKind, Kind, Level, MIN_PER_LAG, Policy,
    Promotion, Seasons, Ticker, WARM_UP, Window,
};
use jiff::civil::{Date, date};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{Archive, Assignment, Configuration, Error, Key, Market};
pub use fetch::{FetchSettings, TiingoSettings};
pub use retries::RetrySettings;
pub use schedule::ScheduleSettings;
pub use watchlist::{MAX_TICKERS, Watchlist};
pub use webhook::{WebhookFormat, WebhookSettings};

/// The configuration file; everything in it may be left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Tickers of a night on Tiingo's prices.
    pub watchlist: Watchlist,
    /// Series that the market knows by another name: one that was renamed keeps its record.
    aliases: BTreeMap<Ticker, Ticker>,
    #[serde(deserialize_with = "plain_date")]
    start: Option<Date>,
    horizon: usize,
    levels: Vec<Level>,
    /// What earlier releases compared models on: read, and not used.
    #[serde(rename = "holdout")]
    former_holdout: Option<toml::Value>,
    #[serde(deserialize_with = "window")]
    window: Window,
    #[serde(deserialize_with = "families::read")]
    families: Option<Vec<Contender>>,
    cadence: Option<Cadence>,
    calendar: Option<Calendar>,
    kind: Kind,
    season: Option<Seasons>,
    intervals: IntervalKind,
    promotion: Promotion,
    policy: Policy,
    error_bound: Option<f64>,
    retention: Option<usize>,
    significance: f64,
    /// What to do while a bar is missing.
    pub fetch: FetchSettings,
    /// What to do about what may pass.
    pub retries: RetrySettings,
    /// The plan at Tiingo.
    pub tiingo: TiingoSettings,
    /// When `closing-bell serve` begins its nights.
    pub schedule: ScheduleSettings,
    /// Where messages go.
    pub webhook: WebhookSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
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
            season: None,
            intervals: IntervalKind::Adaptive,
            promotion: Promotion::Evidence,
            policy: Policy::Always,
            error_bound: None,
            retention: None,
            significance: 0.05,
            fetch: FetchSettings::default(),
            retries: RetrySettings::default(),
            tiingo: TiingoSettings::default(),
            schedule: ScheduleSettings::default(),
            webhook: WebhookSettings::default(),
        }
    }
}

/// Sessions are known from here on where nothing else is said, other series from their beginning.
pub(crate) const SESSIONS_START: Date = date(2015, 1, 1);

/// A quarter.
const MIN_RETENTION: usize = 60;

/// The next session must not find the night still waiting.
const LONGEST_WAIT_HOURS: f64 = 10.0;

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
                format!("{place}{}", error.message().replace('\n', " "))
            })
        };
        let mut settings = read(text)?;
        if !set.is_empty() {
            let table = overridden(text, set)?;
            settings = table.try_into().map_err(|error: toml::de::Error| error.message().replace('\n', " "))?;
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
        if let Some(file) = settings.watchlist.file() {
            let listed = text(Key::watchlist(file)).await?;
            settings.watchlist.read(&listed).map_err(refused)?;
        }
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        within("horizon", self.horizon, 1..=60)?;
        self.watchlist.check()?;
        within("the number of levels", self.levels.len(), 1..=10)?;
        if let Window::Sessions(sessions) = self.window {
            within("window", sessions, WARM_UP..=100_000)?;
        }
        if self.levels.windows(2).any(|pair| pair[0].percent() >= pair[1].percent()) {
            return Err("levels must increase".to_owned());
        }
        let mut symbols = BTreeSet::new();
        if let Some(twice) = self.aliases.values().find(|symbol| !symbols.insert(*symbol)) {
            return Err(format!("aliases give {twice} to two series"));
        }
        if let Some(families) = &self.families {
            within("the number of families", families.len(), 1..=10)?;
            if let Some(twice) = families.iter().enumerate().find(|(i, f)| families[..*i].contains(f)) {
                return Err(format!("families name {} twice", twice.1));
            }
        }
        if self.calendar.is_some() && self.cadence.is_none() {
            return Err("calendar needs a cadence beside it, such as cadence = \"1hour\"".to_owned());
        }
        if let Some(retention) = self.retention {
            // Whoever may be rolled back to must still be there.
            within("retention", retention, MIN_RETENTION..=100_000)?;
        }
        if let Some(bound) = self.error_bound.filter(|bound| !(*bound > 0.0 && bound.is_finite())) {
            return Err(format!("error_bound is {bound}, but must be above 0"));
        }
        if !(self.significance > 0.0 && self.significance <= 0.5) {
            return Err(format!("significance is {}, but must be above 0 and at most 0.5", self.significance));
        }
        let early = self.start.filter(|start| *start < date(2000, 1, 1));
        if let Some(start) = early.filter(|_| self.cadence().is_none_or(|cadence| cadence == Cadence::SESSION)) {
            let what = "the exchange calendar begins with 2000 (cadence names another)";
            return Err(format!("start is {start}, but {what}"));
        }
        self.check_policy()?;
        if self.tiingo.requests_per_hour == Some(0) {
            return Err("tiingo.requests_per_hour must be at least 1".to_owned());
        }
        self.schedule.cron()?;
        let minutes = self.fetch.ask_again_minutes;
        if !(minutes > 0.0 && minutes <= 24.0 * 60.0) {
            return Err(format!("fetch.ask_again_minutes is {minutes}, but must be above 0 and at most 1440"));
        }
        self.retries.check()?;
        let hours = self.fetch.pause().as_secs_f64() * f64::from(self.fetch.ask_limit) / 3600.0;
        if hours > LONGEST_WAIT_HOURS {
            return Err(format!("fetch asks again for {hours} hours, but must end within {LONGEST_WAIT_HOURS}"));
        }
        // Retries of fetch, and then of the work after it.
        let retries = 2.0 * self.retries.delay().as_secs_f64() * f64::from(self.retries.attempts - 1) / 3600.0;
        if hours + retries > LONGEST_WAIT_HOURS {
            let both = format!("fetch asks again for {hours} hours, and retries take up to {retries}");
            return Err(format!("{both}: together they must end within {LONGEST_WAIT_HOURS}"));
        }
        Ok(())
    }

    fn check_policy(&self) -> Result<(), String> {
        if let (Policy::MaxAge(age), Some(_)) = (self.policy, self.error_bound)
            && age < self.horizon + FEWEST_ORIGINS
        {
            let least = self.horizon + FEWEST_ORIGINS;
            return Err(format!("error_bound is never reached: it needs policy.max_age to be {least} or more"));
        }
        if let Policy::Degraded(Degraded { bound, window, significance, .. }) = self.policy {
            if !(bound >= 0.0 && bound.is_finite()) {
                return Err(format!("policy.degraded.bound is {bound}, but must be 0 or more: 0.15 is 15 %"));
            }
            if !(significance > 0.0 && significance <= 1.0) {
                return Err(format!(
                    "policy.degraded.significance is {significance}, but must be above 0 and at most 1, which asks for no test"
                ));
            }
            within("policy.degraded.window", window.unwrap_or(1), 1..=250)?;
            let least = MIN_PER_LAG * self.horizon;
            if let Some(window) = window.filter(|window| significance < 1.0 && *window < least) {
                return Err(format!(
                    "policy.degraded.window is {window}, but a test on forecasts of {} sessions needs {least} or more; \
                     significance = 1 asks for no test",
                    self.horizon
                ));
            }
        }
        if self.policy == Policy::MaxAge(0) {
            return Err("policy.max_age must be at least 1; \"always\" trains at every run".to_owned());
        }
        Ok(())
    }

    /// What a run on this market and these tickers is asked to do. The order in which they are named does not make another
    /// run.
    pub fn assignment(&self, market: Market, mut tickers: Vec<Ticker>) -> Assignment {
        tickers.sort();
        tickers.dedup();
        let mut configuration = self.configuration(market);
        // Those of other series make no other run.
        configuration.aliases = self.aliases.clone();
        configuration.aliases.retain(|series, symbol| series != symbol && tickers.binary_search(series).is_ok());
        Assignment { tickers, configuration }
    }

    /// The cadence that is declared.
    pub fn cadence(&self) -> Option<Cadence> {
        self.cadence.map(|cadence| Cadence { calendar: self.calendar.unwrap_or(cadence.calendar), ..cadence })
    }

    fn configuration(&self, market: Market) -> Configuration {
        // Files of one's own say by themselves what they are; the others are known.
        let of_market = match market {
            Market::Tiingo | Market::Recorded => Some(Cadence::SESSION),
            Market::Csv | Market::Incoming => None,
        };
        let cadence = self.cadence().or(of_market);
        let usual = if cadence == Some(Cadence::SESSION) { Some(Seasons::NONE) } else { None };
        let families = match self.kind {
            Kind::Price => vec![Contender::Family(Family::Arima)],
            Kind::Value => families::all(),
        };
        Configuration {
            market,
            cadence,
            kind: self.kind,
            start: self.start.or((cadence == Some(Cadence::SESSION)).then_some(SESSIONS_START)),
            horizon: self.horizon,
            levels: self.levels.clone(),
            holdout: None,
            window: self.window,
            families: self.families.clone().unwrap_or(families),
            season: self.season.or(usual),
            intervals: self.intervals,
            policy: self.policy,
            error_bound: self.error_bound,
            retention: self.retention,
            significance: self.significance,
            promotion: self.promotion,
            train: false,
            aliases: BTreeMap::new(),
            incoming: None,
            rollback: None,
            release: None,
        }
    }
}

/// A configuration's table with some keys set otherwise.
fn overridden(text: &str, set: &[String]) -> Result<toml::Table, String> {
    let mut whole: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    for assignment in set {
        let wrong = || format!("'{assignment}' sets nothing: write key=value, as in horizon=10");
        let (key, value) = assignment.split_once('=').ok_or_else(wrong)?;
        let (key, value) = (key.trim(), value.trim());
        let read = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
        let value = read.and_then(|mut table| table.remove("value")).unwrap_or_else(|| value.into());
        let mut table = &mut whole;
        let mut names = key.split('.').peekable();
        while let Some(name) = names.next().filter(|name| !name.is_empty()) {
            if names.peek().is_none() {
                table.insert(name.to_owned(), value);
                break;
            }
            let inner = table.entry(name).or_insert_with(|| toml::Table::new().into());
            table = inner.as_table_mut().ok_or_else(wrong)?;
        }
    }
    Ok(whole)
}

/// `"all"`, a date, or a number of sessions.
fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Window, D::Error> {
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
fn plain_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
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

fn within(name: &str, value: usize, bounds: RangeInclusive<usize>) -> Result<(), String> {
    if bounds.contains(&value) {
        Ok(())
    } else {
        Err(format!("{name} is {value}, but must be within {} and {}", bounds.start(), bounds.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_may_be_left_out() {
        let configuration = Settings::parse("").expect("defaults").configuration(Market::Recorded);
        assert_eq!((configuration.horizon, configuration.window), (5, Window::All));
        assert_eq!(configuration.start, Some(date(2015, 1, 1)));
    }

    #[test]
    fn all_of_it() {
        let text = r#"
            watchlist = ["NLS", "brk-a"]
            start = 2016-01-01
            horizon = 10
            levels = [50, 80, 97.5]
            holdout = 120
            window = 750
            families = ["arima", "ets", "theta", "seasonal_random_walk", { family = "arima", order = [1, 1, 0] }]
            promotion = "always"
            season = 5
            intervals = "model"
            policy = { max_age = 30 }
            error_bound = 1.2
            retention = 250
            significance = 0.1
            [fetch]
            ask_again_minutes = 10
            ask_limit = 6
            [tiingo]
            requests_per_hour = 10000
            [schedule]
            at = "17:30"
            time_zone = "Europe/Berlin"
            [webhook]
            url = "https://example.com"
            format = "json"
            hosts = ["example.com"]
            on_start = true
        "#;
        let settings = Settings::parse(text).expect("reads");
        assert_eq!(settings.watchlist.tickers()[1].as_str(), "BRK-A");
        let configuration = settings.configuration(Market::Tiingo);
        assert_eq!((configuration.window, configuration.policy), (Window::Sessions(750), Policy::MaxAge(30)));
        assert_eq!((configuration.families.len(), configuration.season), (5, Some(Seasons::one(5))));
        assert_eq!((configuration.intervals, configuration.error_bound), (IntervalKind::Model, Some(1.2)));
        assert_eq!(configuration.start, Some(date(2016, 1, 1)));
        assert_eq!(settings.schedule.cron().expect("a time"), "30 17 * * MON-FRI");
        assert_eq!((settings.webhook.format, settings.webhook.on_start), (Some(WebhookFormat::Json), true));
        assert!(Settings::parse("start = \"2016-01-01\"\nwindow = \"all\"\npolicy = \"degraded\"").is_ok());
        let since = Settings::parse("window = 2018-01-01").expect("reads").configuration(Market::Tiingo);
        assert_eq!(since.window, Window::Since(date(2018, 1, 1)));
    }

    #[test]
    fn a_watchlist_of_its_own() {
        let read = |text: &str| {
            let mut settings = Settings::parse("watchlist = \"watchlist.csv\"").expect("reads");
            assert_eq!((settings.watchlist.file(), settings.watchlist.tickers().len()), (Some("watchlist.csv"), 0));
            settings.watchlist.read(text)?;
            assert_eq!(settings.watchlist.file(), None);
            Ok::<_, String>(settings.watchlist.tickers().iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let tickers = Ok(vec!["KO".to_owned(), "BRK-A".to_owned()]);
        assert_eq!(read("\u{feff}ticker,name\nko,\"Coca-Cola, Inc\"\n\n\"BRK-A\",x # a comment\r\n"), tickers);
        assert_eq!(read("KO\nBRK-A"), tickers);
        assert!(read("KO\nBRK.A\n").is_err_and(|error| error.starts_with("watchlist.csv line 2: 'BRK.A'")));
        assert_eq!(read("# none\n"), Err("watchlist.csv names no ticker".to_owned()));
        let many: String = (0..=MAX_TICKERS).map(|n| format!("T{n}\n")).collect();
        assert!(read(&many).is_err_and(|error| error.contains("must be within 0 and 100000")));
    }

    #[test]
    fn refusals_say_what_and_where() {
        let check = |text: &str, expected: &str| {
            let error = Settings::parse(text).expect_err("refused");
            assert!(error.contains(expected), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{text:?}: more than one line: {error}");
        };
        check("horizon = 5\nhorizn = 3", "line 2: unknown field `horizn`");
        check("watchlist = [\"../x\"]", "'../x' is not a ticker");
        check("watchlist = \"tickers.txt\"", "whose name begins with 'watchlist', not 'tickers.txt'");
        check("watchlist = \"watchlist/../x\"", "not 'watchlist/../x'");
        check("watchlist = 7", "expected a list of tickers, or the name of a file");
        check("[aliases]\nA = \"META\"\nB = \"META\"", "aliases give META to two series");
        check("[aliases]\n\"../A\" = \"META\"", "'../A' is not a ticker");
        check("horizon = 0", "horizon is 0, but must be within 1 and 60");
        check("levels = [95, 80]", "levels must increase");
        check("levels = [120]", "120 is not a percentage");
        check("window = 5", "window is 5");
        check("window = \"some\"", "a window is \"all\", a date or a number");
        check("families = []", "the number of families is 0");
        check("families = [\"arima\", \"arima\"]", "families name arima twice");
        check("families = [\"prophet\"]", "unknown variant `prophet`, expected one of `random_walk`, `arima`");
        check("season = 5000", "season is 5000");
        check("season = [24, 100]", "of two the longer holds the shorter");
        check("cadence = \"fortnight\"", "a cadence is \"session\"");
        check("cadence = \"7min\"", "a cadence is");
        check("calendar = \"XNYS\"", "calendar needs a cadence");
        check("calendar = \"XXXX\"", "a calendar is \"XNYS\"");
        check("kind = \"number\"", "unknown variant `number`");
        check("error_bound = 1.1\npolicy = { max_age = 20 }", "it needs policy.max_age to be 25 or more");
        check("retention = 5", "retention is 5, but must be within 60");
        check("families = [{ family = \"ets\", order = [1, 1, 0] }]", "only arima takes an order");
        check("families = [{ family = \"arima\", order = [1, 1] }]", "an order is [p, d, q]");
        check("families = [{ family = \"arima\", order = [99, 1, 0] }]", "99");
        check("policy = { degraded = { bound = -1.0 } }", "policy.degraded.bound is -1");
        check("policy = { degraded = { significance = 2.0 } }", "policy.degraded.significance is 2");
        check("policy = { degraded = { window = 0 } }", "policy.degraded.window is 0");
        check("policy = { degraded = { window = 1 } }", "needs 20 or more; significance = 1 asks for no test");
        check("policy = { degraded = { bond = 1.0 } }", "unknown field `bond`");
        check("promotion = \"sometimes\"", "unknown variant `sometimes`");
        check("error_bound = -1.0", "error_bound is -1");
        check("intervals = \"wide\"", "expected `model` or `adaptive`");
        check("start = \"soon\"", "'soon' is not a date");
        check("start = 2015-01-01T10:00:00", "is not a date");
        check("levels = [99.999]", "99.999 is not a percentage");
        check("start = 1990-01-01", "the exchange calendar begins with 2000");
        check("policy = \"sometimes\"", "sometimes");
        check("horizon = ", "line 1");
        check("policy = { max_age = 0 }", "max_age must be at least 1");
        check("[schedule]\nat = \"5 pm\"", "schedule.at is '5 pm'");
        check("[webhook]\nformat = \"irc\"", "expected one of `slack`, `discord`, `json`");
        check("[fetch]\nask_again_minutes = 0", "must be above 0");
        check("[fetch]\nask_again_minutes = 60\nask_limit = 12", "must end within 10");
        check("[retries]\nattempts = 10\ndelay = \"1h\"", "retries take up to 18: together they must end within 10");
        check("[tiingo]\nrequests_per_hour = 0", "requests_per_hour must be at least 1");
    }
}
