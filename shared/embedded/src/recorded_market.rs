use async_trait::async_trait;
use forecasting::{Stamp, Ticker};
use jiff::civil::Date;
use pipeline::{Error, History, MarketData, price_file::rows};

/// The recorded sample that ships with the command: see `sample/README.md`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RecordedMarket;

const SAMPLE: [(&str, &str); 10] = [
    ("AAPL", include_str!("../sample/AAPL.csv")),
    ("AMZN", include_str!("../sample/AMZN.csv")),
    ("FSLY", include_str!("../sample/FSLY.csv")),
    ("GOOGL", include_str!("../sample/GOOGL.csv")),
    ("JPM", include_str!("../sample/JPM.csv")),
    ("KO", include_str!("../sample/KO.csv")),
    ("MSFT", include_str!("../sample/MSFT.csv")),
    ("NLS", include_str!("../sample/NLS.csv")),
    ("TSLA", include_str!("../sample/TSLA.csv")),
    ("XOM", include_str!("../sample/XOM.csv")),
];

impl RecordedMarket {
    /// The last session that was recorded.
    pub const LAST_SESSION: Date = jiff::civil::date(2020, 12, 11);

    /// The tickers it has.
    pub fn tickers(self) -> impl Iterator<Item = Ticker> {
        SAMPLE.iter().map(|(ticker, _)| ticker.parse().expect("the sample's names are tickers"))
    }
}

#[async_trait]
impl MarketData for RecordedMarket {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        let (_, text) = SAMPLE.iter().find(|(name, _)| *name == ticker.as_str()).ok_or_else(|| {
            Error::UnknownTicker { ticker: ticker.clone(), reason: "the recorded sample does not have it".to_owned() }
        })?;
        let rows = rows(text, from, to).map_err(|reason| Error::RefusedData { ticker: ticker.clone(), reason })?;
        Ok(History { rows, read_at: None, ahead: Vec::new(), closes_alone: false })
    }

    fn is_local(&self) -> bool {
        true
    }
}
