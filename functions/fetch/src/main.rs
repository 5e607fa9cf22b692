//! Lambda function `fetch`: bars from Tiingo, or from a file put under `incoming/`, to a price snapshot.

use std::{sync::Arc, time::Duration};

use aws::{Batch, Cloud, S3Archive, SecretParameter, published, serve};
use forecasting::Ticker;
use pipeline::{
    Archive, Error, Fetched, Key, Market, MarketData, Run, Stage, price_file::PriceFile, stream::StreamMarket,
};
use tiingo::{Client, Settings, Token};
use tokio::sync::Mutex;

/// No ticker is begun later than this: what is asked of a slow market for one of them ends before the function is stopped.
const BEGIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger, events) = (cloud.archive()?, cloud.ledger()?, cloud.events()?);
    let token = cloud.token_parameter()?;
    let tiingo = Mutex::new(None);
    let streams = StreamMarket::new(Arc::new(cloud.ledger()?));
    serve("fetch", async |batch: Batch| {
        let settle = batch.settle;
        batch
            .each(&ledger, BEGIN, async |run, ticker, attempts| {
                let market: &dyn MarketData = match incoming(&archive, run, ticker).await? {
                    Some(file) => &file.clone(),
                    None if run.configuration.market == Market::Stream => &streams,
                    None => &*client(&tiingo, &token).await?,
                };
                let fetch = pipeline::fetch(market, &archive, &ledger, run, ticker, settle);
                match attempts.at(Stage::Fetch, fetch).await? {
                    Fetched::Ready(snapshot) => published(events.snapshot_stored(run, ticker, &snapshot).await),
                    // It has no result: `plan` lists it again.
                    Fetched::NoBarYet => attempts.set_back("no bar yet"),
                }
                Ok(())
            })
            .await
    })
    .await
}

/// The file that the run works on, as `plan` archived it.
async fn incoming(archive: &S3Archive, run: &Run, ticker: &Ticker) -> Result<Option<PriceFile>, Error> {
    let Some(incoming) = &run.configuration.incoming else { return Ok(None) };
    let key = Key::run(&run.id, "incoming.csv");
    let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    let file = PriceFile::new(ticker.clone(), incoming.key.as_str(), bytes);
    Ok(Some(file.with(run.configuration.columns.clone())))
}

/// Made anew where the token has been exchanged.
async fn client(made: &Mutex<Option<(String, Arc<Client>)>>, token: &SecretParameter) -> Result<Arc<Client>, Error> {
    let token = token.recent().await?;
    let mut made = made.lock().await;
    match &*made {
        Some((with, client)) if *with == token => Ok(client.clone()),
        _ => {
            let client = Arc::new(new_client(&token)?);
            *made = Some((token, client.clone()));
            Ok(client)
        }
    }
}

fn new_client(token: &str) -> Result<Client, Error> {
    let refused = |reason: String| Error::Unauthorized { reason };
    let token = Token::new(token).map_err(refused)?;
    let base_url = std::env::var("TIINGO_BASE_URL").ok().filter(|address| !address.is_empty());
    let settings = Settings {
        base_url: base_url.unwrap_or_else(|| Settings::TIINGO.to_owned()),
        // Each of many functions at once sees a part of the requests: what the server says is all there is to know.
        requests_per_hour: None,
        // Two questions, each with its retries, end before the function's own time does.
        timeout: Duration::from_secs(8),
        retries: 1,
        ..Settings::default()
    };
    Client::new(&token, settings).map_err(refused)
}
