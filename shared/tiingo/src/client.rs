use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use forecasting::{Row, Stamp, Ticker};
use jiff::{Timestamp, civil::Date};
use pipeline::{Error, History, MarketData};
use reqwest::{Response, Url, header, redirect};

use crate::{
    Token,
    answer::{self, Answer},
    feed::Feed,
    newest::{self, Newest},
    outage::Outage,
    quota::Quota,
};

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the interface is. Anything but https is refused, except on this machine.
    pub base_url: String,
    /// Which of its interfaces is asked.
    pub feed: Feed,
    /// Requests an hour that the plan allows; `None` keeps to what the server says alone.
    pub requests_per_hour: Option<u32>,
    /// How long one request may wait for the quota to start anew before it fails.
    pub quota_patience: Duration,
    /// Time for one whole request.
    pub timeout: Duration,
    /// Requests sent again after a passing failure.
    pub retries: usize,
    /// The pause before the first of them; each further one doubles, with jitter.
    pub first_pause: Duration,
}

impl Default for Settings {
    /// Tiingo itself, on the free plan.
    fn default() -> Self {
        Settings {
            base_url: Self::TIINGO.to_owned(),
            feed: Feed::Daily,
            requests_per_hour: Some(50),
            quota_patience: Duration::ZERO,
            timeout: Duration::from_secs(30),
            retries: 3,
            first_pause: Duration::from_millis(500),
        }
    }
}

impl Settings {
    /// Tiingo's own address.
    pub const TIINGO: &'static str = "https://api.tiingo.com";
}

/// The largest answer that is read: fifty years of daily rows are some 4 MB of JSON.
const MAX_BODY: usize = 32 << 20;

/// Market data from Tiingo.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    token: Token,
    base: Url,
    settings: Settings,
    quota: Mutex<Quota>,
    newest: tokio::sync::Mutex<Option<Newest>>,
    outage: Mutex<Outage>,
}

impl Client {
    /// A client that sends this token.
    ///
    /// # Errors
    /// A message where the address is none that a token may be sent to.
    pub fn new(token: &Token, settings: Settings) -> Result<Client, String> {
        let base = Url::parse(&settings.base_url).map_err(|e| format!("'{}' is no address: {e}", settings.base_url))?;
        let here = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if base.scheme() != "https" && !(base.scheme() == "http" && here) {
            return Err(format!("'{}' is not https: the token is not sent there", settings.base_url));
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = header::HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token.header());
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        let builder = reqwest::Client::builder();
        // Over plain http a proxy would read the token, and "this machine" would no longer be this machine.
        let builder = if base.scheme() == "http" { builder.no_proxy() } else { builder };
        let http = builder
            .default_headers(headers)
            .user_agent(concat!("closing-bell/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(settings.timeout)
            // A redirect would carry the token to wherever it points.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|e| format!("no HTTP client: {e}"))?;
        let quota = Mutex::new(Quota::new(settings.requests_per_hour));
        let newest = tokio::sync::Mutex::default();
        Ok(Client { http, token: token.clone(), base, settings, quota, newest, outage: Mutex::default() })
    }

    /// Asks once: waits for the quota, sends, reads the answer.
    async fn ask(&self, ticker: &Ticker, from: Date, to: Date) -> Result<Vec<Row>, Error> {
        if let Some(left) = self.rests() {
            let minutes = left.as_secs().div_ceil(60);
            let reason = format!("Tiingo has not answered for a while, and is asked again in {minutes} min");
            return Err(Error::MarketUnavailable { ticker: ticker.clone(), reason });
        }
        self.wait_for_quota(ticker).await?;
        let (path, query) = self.settings.feed.request(ticker, from, to);
        let (status, body) = self
            .send(&path, &query)
            .await
            .map_err(|reason| Error::MarketUnavailable { ticker: ticker.clone(), reason })?;
        let ticker = ticker.clone();
        match answer::read(status, &self.token.scrub(&body), self.settings.feed.cadence()) {
            Answer::Rows(rows) => Ok(rows),
            Answer::Unknown(reason) => Err(Error::UnknownTicker { ticker, reason }),
            Answer::HourlyQuota(reason) => {
                self.quota.lock().unwrap_or_else(PoisonError::into_inner).exhaust(Timestamp::now());
                Err(Error::QuotaExceeded { ticker, reason, hourly: true })
            }
            Answer::OtherQuota(reason) => Err(Error::QuotaExceeded { ticker, reason, hourly: false }),
            Answer::Unauthorized(reason) => Err(Error::Unauthorized { reason }),
            Answer::Unavailable(reason) => Err(Error::MarketUnavailable { ticker, reason }),
            Answer::Unusable(reason) => Err(Error::RefusedData { ticker, reason }),
        }
    }

    /// Asks for the newest rows of all series. What goes wrong with that is said, and every series is asked for by itself.
    async fn ask_for_newest(&self, ticker: &Ticker) -> Newest {
        let answer = async {
            self.wait_for_quota(ticker).await.map_err(|error| error.to_string())?;
            match self.send(&["tiingo", "daily", "prices"], &[("format", "csv".to_owned())]).await? {
                (200..300, body) => newest::read(&self.token.scrub(&body)),
                (status, _) => Err(format!("Tiingo answers {status}")),
            }
        };
        let rows = answer.await.inspect_err(|reason| {
            tracing::warn!(reason, "the newest rows of all series cannot be had at once: each is asked for by itself");
        });
        Newest::now(rows.unwrap_or_default())
    }

    async fn wait_for_quota(&self, ticker: &Ticker) -> Result<(), Error> {
        let mut patience = self.settings.quota_patience;
        loop {
            let taken = self.quota.lock().unwrap_or_else(PoisonError::into_inner).take(Timestamp::now());
            let Err(wait) = taken else { return Ok(()) };
            if wait > patience {
                return Err(Error::QuotaExceeded {
                    ticker: ticker.clone(),
                    reason: format!(
                        "this hour's quota of requests is used up; it starts anew in {} minutes",
                        wait.as_secs().div_ceil(60)
                    ),
                    hourly: true,
                });
            }
            patience -= wait;
            tracing::warn!(%ticker, "this hour's quota of requests is used up: waiting {} s", wait.as_secs());
            // A moment past the hour, so that a clock slightly ahead of Tiingo's does not ask too early.
            tokio::time::sleep(wait + Duration::from_secs(2)).await;
        }
    }

    /// Status and body. The messages hold the address without its query, and never a header.
    async fn send(&self, path: &[impl AsRef<str>], query: &[(&str, String)]) -> Result<(u16, String), String> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| "the base address cannot have a path".to_owned())?
            .pop_if_empty()
            .extend(path);
        let described = |error: reqwest::Error| describe(&error.without_url());
        let answer = async {
            let response = self.http.get(url).query(query).send().await.map_err(described)?;
            let status = response.status().as_u16();
            Ok((status, read_body(response).await?))
        };
        let answer = answer.await;
        self.outage.lock().unwrap_or_else(PoisonError::into_inner).note(answer.is_ok(), Instant::now());
        answer
    }

    /// How long it is left alone, where it does not answer.
    fn rests(&self) -> Option<Duration> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner).left(Instant::now())
    }
}

/// Reads a body of bounded size.
async fn read_body(mut response: Response) -> Result<String, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| describe(&e.without_url()))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(format!("the answer is larger than {} MB", MAX_BODY >> 20));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| "the answer is no text".to_owned())
}

/// The error and its causes on one line: reqwest's own text leaves out the cause.
fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[async_trait]
impl MarketData for Client {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.settings.first_pause)
            .with_max_delay(Duration::from_secs(20))
            .with_max_times(self.settings.retries);
        let patient = !self.settings.quota_patience.is_zero();
        let mut rows: Vec<Row> = Vec::new();
        for (first, last) in self.settings.feed.windows(from, to.date().unwrap_or(Date::MAX)) {
            let window = (|| self.ask(ticker, first, last))
                .retry(pauses)
                .when(|error| match error {
                    // Asking again before the hour is over only uses up the next quota; with patience it waits first.
                    Error::QuotaExceeded { hourly: true, .. } => patient,
                    other => other.is_transient() && self.rests().is_none(),
                })
                .notify(|error, pause| {
                    tracing::warn!(%ticker, %error, "asking Tiingo again in {} ms", pause.as_millis());
                })
                .await?;
            // Both windows have the day that they share.
            let known = rows.last().map(|row| row.date);
            rows.extend(window.into_iter().filter(|row| known.is_none_or(|known| row.date > known)));
        }
        // The server keeps to the range; a run must not depend on that.
        rows.retain(|row| row.date.is_within(from, to));
        Ok(History { rows, read_at: Some(Timestamp::now()), ahead: Vec::new(), closes_alone: false })
    }

    async fn newest(&self, ticker: &Ticker, day: Date) -> Result<Option<(Row, Timestamp)>, Error> {
        if self.settings.feed != Feed::Daily {
            return Ok(None);
        }
        // Whoever asks meanwhile waits for the one answer.
        let mut newest = self.newest.lock().await;
        if newest.as_ref().is_none_or(|newest| newest.is_too_old_for(ticker, day)) {
            *newest = Some(self.ask_for_newest(ticker).await);
        }
        Ok(newest.as_ref().and_then(|newest| newest.of(ticker)))
    }
}
