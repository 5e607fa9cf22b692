//! Lambda function `fetch`: bars from Tiingo, or from a file put under `incoming/`, to a price snapshot.

use std::time::Duration;

use aws::{Cloud, S3Archive, SecretParameter, serve, told};
use forecasting::Ticker;
use jiff::Timestamp;
use pipeline::{Archive, Attempts, Error, Fetched, Key, MarketData, Run, RunId, Stage, price_file::PriceFile};
use serde::{Deserialize, Serialize};
use tiingo::{Client, Settings, Token};
use tokio::sync::OnceCell;

#[derive(Deserialize)]
struct Event {
    run: RunId,
    ticker: Ticker,
    /// Go on with the prices that are known, although the session's own is missing.
    #[serde(default)]
    settle: bool,
    /// Nothing is tried again tonight.
    #[serde(default)]
    last: bool,
}

/// What there is now. A ticker that has no bar yet has no result: `plan` lists it again.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "status", content = "why")]
enum Answer {
    Ready,
    Later(String),
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger, events) = (cloud.archive()?, cloud.ledger()?, cloud.events()?);
    let token = cloud.token_parameter()?;
    let tiingo = OnceCell::new();
    serve("fetch", async |event: Event| {
        let run = ledger.opened(&event.run).await?;
        let market: &dyn MarketData = match incoming(&archive, &run, &event.ticker).await? {
            Some(file) => &file.clone(),
            None => tiingo.get_or_try_init(|| client(&token)).await?,
        };
        let mut attempts = Attempts::new(event.ticker.clone(), Timestamp::now);
        let fetch = pipeline::fetch(market, &archive, &ledger, &run, &event.ticker, event.settle);
        let answer = match attempts.at(Stage::Fetch, fetch).await {
            Ok(Fetched::Ready(snapshot)) => {
                told(events.snapshot_stored(&run, &event.ticker, &snapshot).await);
                Ok(Answer::Ready)
            }
            Ok(Fetched::NoBarYet) => {
                attempts.set_back("no bar yet");
                Ok(Answer::Later("no bar yet".to_owned()))
            }
            // The state machine has the patience that a function must not have.
            Err(error) if error.is_transient() && !event.last => Ok(Answer::Later(error.to_string())),
            Err(error) => Err(error),
        };
        attempts.record(&ledger, &run.id).await;
        answer
    })
    .await
}

/// The file that the run works on, as `plan` archived it.
async fn incoming(archive: &S3Archive, run: &Run, ticker: &Ticker) -> Result<Option<PriceFile>, Error> {
    let Some(incoming) = &run.configuration.incoming else { return Ok(None) };
    let key = Key::run(&run.id, "incoming.csv");
    let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    Ok(Some(PriceFile::new(ticker.clone(), incoming.key.as_str(), bytes)))
}

/// Made once per cold start, with the token as it is then.
async fn client(token: &SecretParameter) -> Result<Client, Error> {
    let refused = |reason: String| Error::Unauthorized { reason };
    let token = Token::new(&token.read().await?).map_err(refused)?;
    let base_url = std::env::var("TIINGO_BASE_URL").ok().filter(|address| !address.is_empty());
    let settings = Settings {
        base_url: base_url.unwrap_or_else(|| Settings::TIINGO.to_owned()),
        // Each of many functions at once sees a part of the requests: what the server says is all there is to know.
        requests_per_hour: None,
        // Two questions, each with its retries, end before the function's own time does.
        timeout: Duration::from_secs(10),
        retries: 2,
        ..Settings::default()
    };
    Client::new(&token, settings).map_err(refused)
}
