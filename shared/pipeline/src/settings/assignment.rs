//! What a run on a market is asked to do.

use std::collections::BTreeMap;

use forecasting::{Cadence, Calendar, Contender, Family, Kind, Power, Seasons, Ticker};
use jiff::civil::{Date, date};

use super::{
    Settings,
    calendar::CalendarSetting,
    families::{self, Families},
};
use crate::{Assignment, Configuration, Market, Reading, price_file::ColumnNames};

/// Sessions are known from here on where nothing else is said, other series from their beginning.
pub(crate) const SESSIONS_START: Date = date(2015, 1, 1);

impl Settings {
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

    /// How rows that arrive are read.
    pub fn of_streams(&self) -> Configuration {
        self.assignment(Market::Stream, self.series.keys().cloned().collect()).configuration
    }

    /// The cadence that is declared of a series of files.
    pub fn cadence_of(&self, ticker: &Ticker) -> Option<Cadence> {
        self.series.get(ticker).map_or(self.cadence(), |own| self.of_one(own).cadence())
    }

    /// The cadence that is declared; a calendar alone is that of days.
    pub fn cadence(&self) -> Option<Cadence> {
        match (self.cadence, self.known_calendar()) {
            (Some(cadence), Some(calendar)) => cadence.on(calendar).ok(),
            (None, Some(calendar)) => Cadence::SESSION.on(calendar).ok(),
            (cadence, None) => cadence,
        }
    }

    pub(super) fn known_calendar(&self) -> Option<Calendar> {
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

    pub(super) fn configuration(&self, market: Market) -> Configuration {
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

    /// What the numbers are.
    pub(super) fn kind(&self) -> Kind {
        self.box_cox.and_then(|power| Power::new(power).ok()).map_or(self.kind, Kind::Value)
    }
}
