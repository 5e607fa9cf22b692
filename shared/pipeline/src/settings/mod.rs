//! `closing-bell.toml`: the same file on one machine and in the cloud.

mod calendar;
mod families;
mod fetch;
mod overrides;
mod retries;
mod schedule;
mod series;
mod values;
mod watchlist;
mod webhook;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use forecasting::{
    Cadence, Calendar, Contender, Degraded, FEWEST_ORIGINS, Family, IntervalKind, Kind, Level, MIN_PER_LAG, Policy,
    Power, Promotion, Seasons, Ticker, WARM_UP, Window,
};
use jiff::civil::{Date, date};
use serde::Deserialize;

use crate::{
    Archive, Assignment, Configuration, Error, Key, Market, ProgramSettings, Reading, price_file::ColumnNames,
};
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

/// Sessions are known from here on where nothing else is said, other series from their beginning.
pub(crate) const SESSIONS_START: Date = date(2015, 1, 1);

/// More say less each.
const MAX_REGRESSORS: usize = 20;

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
            let table = overrides::overridden(text, set)?;
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

    fn check(&self) -> Result<(), String> {
        within("horizon", self.horizon, 1..=60)?;
        if let Some(market) = self.market.filter(|market| ![Market::Tiingo, Market::Stream].contains(market)) {
            return Err(format!("market is \"{market}\", but in the configuration must be \"tiingo\" or \"stream\""));
        }
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
        if let Some(Families { contenders: families, .. }) = &self.families {
            within("the number of families", families.len(), 1..=10)?;
            if let Some(twice) = families.iter().enumerate().find(|(i, f)| families[..*i].contains(f)) {
                return Err(format!("families name {} twice", twice.1));
            }
            if families.contains(&Contender::Family(Family::Regression)) && self.columns.regressors.is_empty() {
                return Err("families name regression, but columns.regressors names nothing to regress on".to_owned());
            }
        }
        let regressors = &self.columns.regressors;
        if regressors.len() > MAX_REGRESSORS {
            return Err(format!("columns.regressors has {} names, but may have {MAX_REGRESSORS}", regressors.len()));
        }
        if let Some(taken) = regressors.iter().find(|name| ["unique_id", "ds", "y"].contains(&name.as_str())) {
            return Err(format!("columns.regressors name '{taken}', which is what a long table calls something else"));
        }
        if let Some((_, twice)) = regressors.iter().enumerate().find(|(i, name)| regressors[..*i].contains(name)) {
            return Err(format!("columns.regressors name '{twice}' twice"));
        }
        self.check_all_readings()?;
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
        self.schedule.check()?;
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

    /// What the numbers are.
    fn kind(&self) -> Kind {
        self.box_cox.and_then(|power| Power::new(power).ok()).map_or(self.kind, Kind::Value)
    }

    fn check_all_readings(&self) -> Result<(), String> {
        self.check_reading()?;
        for (ticker, own) in &self.series {
            self.of_one(own).check_reading().map_err(|error| format!("series.{ticker}: {error}"))?;
        }
        Ok(())
    }

    fn check_reading(&self) -> Result<(), String> {
        if !self.kind.is_price() && self.kind != Kind::VALUE {
            return Err(format!("kind is \"{}\": write kind = \"value\" and the power as box_cox", self.kind));
        }
        if let Some(power) = self.box_cox {
            Power::new(power).map_err(|error| format!("box_cox: {error}"))?;
            if self.kind.is_price() {
                return Err("box_cox is of values, and prices are modelled by their logarithm".to_owned());
            }
        }
        if let (Some(calendar), Some(cadence)) = (self.known_calendar(), self.cadence) {
            cadence.on(calendar).map_err(|error| format!("calendar = \"{calendar}\": {error}"))?;
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
        for (ticker, own) in self.series.iter().filter(|(ticker, _)| tickers.binary_search(ticker).is_ok()) {
            let Configuration { cadence, kind, season, families, .. } = self.of_one(own).configuration(market);
            configuration.series.insert(ticker.clone(), Reading { cadence, kind, season, families });
        }
        Assignment { tickers, configuration }
    }

    /// Whether runs work on what arrives row by row.
    pub fn works_on_streams(&self) -> bool {
        self.market == Some(Market::Stream)
    }

    /// How rows that arrive are read.
    pub fn of_streams(&self) -> Configuration {
        self.assignment(Market::Stream, self.series.keys().cloned().collect()).configuration
    }

    /// The cadence that is declared of a series of files.
    pub fn cadence_of(&self, ticker: &Ticker) -> Option<Cadence> {
        self.series.get(ticker).map_or(self.cadence(), |own| self.of_one(own).cadence())
    }

    /// The programs among the families, for whoever can tell what is in their files.
    pub fn programs(&mut self) -> impl Iterator<Item = &mut ProgramSettings> {
        self.families.iter_mut().flat_map(|families| families.programs.values_mut())
    }

    /// The cadence that is declared; a calendar alone is that of days.
    pub fn cadence(&self) -> Option<Cadence> {
        match (self.cadence, self.known_calendar()) {
            (Some(cadence), Some(calendar)) => cadence.on(calendar).ok(),
            (None, Some(calendar)) => Cadence::SESSION.on(calendar).ok(),
            (cadence, None) => cadence,
        }
    }

    fn known_calendar(&self) -> Option<Calendar> {
        self.calendar.as_ref().and_then(CalendarSetting::known)
    }

    /// The cadence of a market's series: as declared, or its usual one. Files of one's own say by themselves what they are.
    pub fn cadence_on(&self, market: Market) -> Option<Cadence> {
        let usual = match market {
            Market::Tiingo | Market::Recorded => Some(Cadence::SESSION),
            Market::TiingoCrypto => Some(Cadence::DAY),
            Market::TiingoFx => Cadence::DAY.on(Calendar::Weekdays).ok(),
            Market::TiingoIex => "5min@XNYS".parse().ok(),
            Market::Csv | Market::Postgres | Market::Stream | Market::Incoming => None,
        };
        self.cadence().or(usual)
    }

    fn configuration(&self, market: Market) -> Configuration {
        let cadence = self.cadence_on(market);
        let of_files = matches!(market, Market::Csv | Market::Postgres | Market::Stream | Market::Incoming);
        let kind = self.kind();
        let prices = cadence == Some(Cadence::SESSION) && kind.is_price();
        let usual = prices.then_some(Seasons::NONE);
        let Families { contenders, programs } = self.families.clone().unwrap_or_else(|| Families {
            contenders: match kind {
                Kind::Price => vec![Contender::Family(Family::Arima)],
                Kind::Value(_) => families::all(),
            },
            programs: BTreeMap::new(),
        });
        Configuration {
            market,
            cadence,
            kind,
            // A live market is not asked for more than anyone needs.
            start: self.start.or((cadence == Some(Cadence::SESSION) || !of_files).then_some(SESSIONS_START)),
            horizon: self.horizon,
            levels: self.levels.clone(),
            holdout: None,
            window: self.window,
            families: contenders,
            programs,
            season: self.season.or(usual),
            intervals: self.intervals,
            policy: self.policy,
            error_bound: self.error_bound,
            retention: self.retention,
            significance: self.significance,
            promotion: self.promotion,
            train: false,
            aliases: BTreeMap::new(),
            series: BTreeMap::new(),
            columns: if of_files { self.columns.clone() } else { ColumnNames::default() },
            query: self.postgres.query.clone().filter(|_| market == Market::Postgres),
            incoming: None,
            rollback: None,
            release: None,
        }
    }
}

fn within(name: &str, value: usize, bounds: RangeInclusive<usize>) -> Result<(), String> {
    if bounds.contains(&value) {
        Ok(())
    } else {
        Err(format!("{name} is {value}, but must be within {} and {}", bounds.start(), bounds.end()))
    }
}

#[cfg(test)]
mod tests;
