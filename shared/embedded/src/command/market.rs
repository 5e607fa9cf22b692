//! Which market a night works on, and what follows from it: tickers, the usual as-of day, waiting.

use std::{env, sync::Arc, time::Duration};

use forecasting::{Cadence, Stamp, Ticker, TradingDay};
use jiff::Timestamp;
use pipeline::{Market, MarketData, Settings, stream::StreamMarket};
use tiingo::{Client, Feed, Token};

use super::{
    Failure,
    arguments::{MarketName, PlaceArguments},
    output,
    stores::ledger_path,
};
use crate::{
    CsvMarket, RecordedMarket, SqliteStreams,
    postgres::{self, Address, Refusal},
};

/// A market, chosen.
pub(super) struct Chosen {
    pub(super) name: Market,
    pub(super) market: Arc<dyn MarketData>,
    /// What to work on where no ticker is named.
    pub(super) tickers: Vec<Ticker>,
    /// The last session it can know, or what its series end on.
    pub(super) last_session: Stamp,
    /// How most of its series go on, where their rows say it.
    pub(super) cadence: Option<Cadence>,
}

const TOKEN_VARIABLE: &str = "TIINGO_API_KEY";
const ADDRESS_VARIABLE: &str = "TIINGO_BASE_URL";

impl Chosen {
    /// Takes the market that was named; otherwise Tiingo where there is a token, the recorded sample where there is none.
    pub(super) async fn new(
        name: Option<&MarketName>,
        settings: &Settings,
        place: &PlaceArguments,
    ) -> Result<Chosen, Failure> {
        let token = env::var(TOKEN_VARIABLE).ok().filter(|token| !token.trim().is_empty());
        let configured = settings.works_on_streams().then_some(&MarketName::Stream);
        match (name.or(configured), token) {
            (Some(MarketName::Csv(path)), _) => {
                let market = CsvMarket::open(path, &settings.columns).map_err(Failure::Usage)?;
                Chosen::read(Market::Csv, market, settings)
            }
            (Some(MarketName::Postgres(address)), _) => Chosen::postgres(address, settings).await,
            (Some(MarketName::Tiingo) | None, Some(token)) => Chosen::tiingo(Market::Tiingo, &token, settings),
            (Some(MarketName::TiingoBars(market)), Some(token)) => Chosen::tiingo(*market, &token, settings),
            (Some(MarketName::Tiingo | MarketName::TiingoBars(_)), None) => {
                Err(Failure::Usage(format!("Tiingo needs a token in {TOKEN_VARIABLE}; --market recorded needs none")))
            }
            (Some(MarketName::Stream), _) => Chosen::stream(settings, place).await,
            (Some(MarketName::Recorded), _) => Ok(Chosen::recorded(settings)),
            (None, None) => {
                let last = RecordedMarket::LAST_SESSION;
                let what = format!("working on the recorded prices, which end on {last}");
                output::remark(&format!("No {TOKEN_VARIABLE} and no --market: {what}."));
                Ok(Chosen::recorded(settings))
            }
        }
    }

    /// The watchlist's, where it names any that are recorded; otherwise all ten.
    fn recorded(settings: &Settings) -> Chosen {
        let listed = settings.watchlist.tickers();
        let watched: Vec<Ticker> = RecordedMarket.tickers().filter(|ticker| listed.contains(ticker)).collect();
        let tickers = if watched.is_empty() { RecordedMarket.tickers().collect() } else { watched };
        Chosen {
            name: Market::Recorded,
            market: Arc::new(RecordedMarket),
            tickers,
            last_session: RecordedMarket::LAST_SESSION.into(),
            cadence: None,
        }
    }

    async fn postgres(address: &Address, settings: &Settings) -> Result<Chosen, Failure> {
        let query = settings.postgres.query.as_deref().ok_or_else(|| {
            let what = "SELECT series AS unique_id, day AS ds, amount AS y FROM ...";
            Failure::Usage(format!("a PostgreSQL server needs a query: postgres.query = \"{what}\""))
        })?;
        let table = postgres::table(address, query, &settings.columns).await.map_err(|refusal| match refusal {
            Refusal::Wrong(reason) => Failure::Usage(reason),
            Refusal::Unavailable(reason) => Failure::Unavailable(reason),
        })?;
        let market = CsvMarket::of_table(table, "PostgreSQL").map_err(Failure::Usage)?;
        Chosen::read(Market::Postgres, market, settings)
    }

    async fn stream(settings: &Settings, place: &PlaceArguments) -> Result<Chosen, Failure> {
        if place.in_cloud() {
            return Err(Failure::Usage("--market stream works on a data directory of this machine".to_owned()));
        }
        let path = ledger_path(&place.data);
        if !path.exists() {
            return Err(pipeline::Error::NothingYet { path: path.display().to_string() }.into());
        }
        let market = StreamMarket::new(Arc::new(SqliteStreams::open(&path)?));
        let (tickers, newest) = market.series(|ticker| settings.cadence_of(ticker), Timestamp::now()).await?;
        Ok(Chosen {
            name: Market::Stream,
            tickers,
            last_session: newest.stamp(),
            cadence: Some(newest.cadence()),
            market: Arc::new(market),
        })
    }

    /// A market that has been read.
    fn read(name: Market, market: CsvMarket, settings: &Settings) -> Result<Chosen, Failure> {
        let newest = market.newest(|ticker| settings.cadence_of(ticker), Timestamp::now()).map_err(Failure::Usage)?;
        Ok(Chosen {
            name,
            tickers: market.tickers().cloned().collect(),
            last_session: newest.stamp(),
            cadence: Some(newest.cadence()),
            market: Arc::new(market),
        })
    }

    fn tiingo(market: Market, token: &str, settings: &Settings) -> Result<Chosen, Failure> {
        let (feed, last_session) = match settings.cadence_on(market) {
            Some(cadence) if market != Market::Tiingo => {
                if cadence.periods_a_day() > 1 && settings.start.is_none() {
                    let what = format!("start = DATE is needed for bars of {cadence}: since when to ask for them");
                    return Err(Failure::Usage(what));
                }
                let last = cadence.last_ended(Timestamp::now());
                let last = last.ok_or_else(|| Failure::Usage(format!("{market} has no bars of {cadence}")))?;
                (feed(market, cadence), last.stamp())
            }
            _ => (Feed::Daily, last_closed()?.into()),
        };
        let token = Token::new(token).map_err(|e| Failure::Usage(format!("{TOKEN_VARIABLE}: {e}")))?;
        let address = env::var(ADDRESS_VARIABLE).ok().filter(|address| !address.is_empty());
        let usual = tiingo::Settings::default();
        // The free plan's quota is Tiingo's own; another server says itself when it has had enough.
        let quota = if address.is_none() { usual.requests_per_hour } else { None };
        let client = Client::new(
            &token,
            tiingo::Settings {
                base_url: address.unwrap_or(usual.base_url),
                requests_per_hour: settings.tiingo.requests_per_hour.or(quota),
                quota_patience: Duration::from_hours(4),
                feed,
                ..tiingo::Settings::default()
            },
        )
        .map_err(|e| Failure::Usage(format!("{ADDRESS_VARIABLE}: {e}")))?;
        Ok(Chosen {
            name: market,
            market: Arc::new(client),
            tickers: settings.watchlist.tickers().to_vec(),
            last_session,
            cadence: feed.cadence(),
        })
    }
}

fn feed(market: Market, cadence: Cadence) -> Feed {
    match market {
        Market::TiingoCrypto => Feed::Crypto(cadence),
        Market::TiingoFx => Feed::Fx(cadence),
        Market::TiingoIex => Feed::Iex(cadence),
        _ => Feed::Daily,
    }
}

fn last_closed() -> Result<TradingDay, Failure> {
    TradingDay::last_closed(Timestamp::now()).map_err(|e| Failure::Usage(format!("this machine's clock: {e}")))
}

/// Refuses a day whose session has not ended.
pub(super) fn check_past(option: &str, as_of: Stamp) -> Result<(), Failure> {
    let now = Timestamp::now();
    let past = match as_of {
        Stamp::Date(date) => TradingDay::has_closed(date, now),
        Stamp::Moment(at) => at <= now,
        Stamp::Index(_) => true,
    };
    if !past {
        return Err(Failure::Usage(format!("{option} {as_of}: that session has not closed yet")));
    }
    Ok(())
}
