use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use pipeline::{Archive, Error, Key, settings::WebhookSettings};
use reqwest::{Response, StatusCode, header, multipart, redirect};

use crate::{Format, Message, Webhook, payload};

/// How patient a messenger is.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Time for one whole request.
    timeout: Duration,
    /// Requests sent again after a passing failure.
    retries: usize,
    /// The pause before the first of them; each further one doubles, with jitter.
    first_pause: Duration,
}

const PATIENCE: Patience =
    Patience { timeout: Duration::from_secs(5), retries: 2, first_pause: Duration::from_millis(500) };

/// A chat that asks to wait longer than this is not asked again.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Twice the pixels that a picture's measures say.
const SCALE: f32 = 2.0;

/// Tells messages.
#[derive(Debug, Clone)]
pub struct Messenger {
    http: reqwest::Client,
    webhook: Webhook,
    patience: Patience,
}

/// Why a message did not arrive.
#[derive(Debug)]
struct Refusal {
    reason: String,
    passing: bool,
    /// How long the chat asks to wait.
    wait: Option<Duration>,
    /// That it does not take the message as it is.
    malformed: bool,
}

impl Refusal {
    fn new(reason: String, passing: bool) -> Refusal {
        Refusal { reason, passing, wait: None, malformed: false }
    }
}

impl Messenger {
    /// The messenger of a configuration; `address` takes the place of its address.
    ///
    /// # Errors
    /// A message where the address is none that a message may be sent to.
    pub fn of(settings: &WebhookSettings, address: Option<&str>) -> Result<Option<Messenger>, String> {
        Webhook::new(settings, address)?.map(Messenger::new).transpose()
    }

    /// A messenger to this webhook.
    ///
    /// # Errors
    /// A message where there is no TLS.
    pub fn new(webhook: Webhook) -> Result<Messenger, String> {
        Messenger::with_patience(webhook, PATIENCE)
    }

    /// One that gives up soon, for tests of what fails and hangs.
    ///
    /// # Errors
    /// As for [`Messenger::new`].
    pub fn impatient(webhook: Webhook) -> Result<Messenger, String> {
        let patience =
            Patience { timeout: Duration::from_millis(300), retries: 2, first_pause: Duration::from_millis(10) };
        Messenger::with_patience(webhook, patience)
    }

    fn with_patience(webhook: Webhook, patience: Patience) -> Result<Messenger, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder();
        let builder = if webhook.url.scheme() == "http" { builder.no_proxy() } else { builder };
        let http = builder
            .user_agent(concat!("closing-bell/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.timeout)
            .timeout(patience.timeout)
            // A redirect could carry the message anywhere.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Messenger { http, webhook, patience })
    }

    /// Whether a message is sent at a run's start, too.
    pub fn tells_starts(&self) -> bool {
        self.webhook.on_start
    }

    /// Whether one is sent of a backfill.
    pub fn tells_backfills(&self) -> bool {
        self.webhook.on_backfill
    }

    /// Sends a message, unless its incident has been sent. Whatever happens to it is logged, and fails nothing.
    pub async fn tell(&self, archive: &dyn Archive, message: &Message) {
        match self.sent(archive, message).await {
            Ok(true) => tracing::info!(headline = %message.headline, webhook = ?self.webhook, "sent"),
            Ok(false) => tracing::info!(headline = %message.headline, "sent before"),
            Err(reason) => tracing::warn!(%reason, webhook = ?self.webhook, "a message did not arrive"),
        }
    }

    /// Returns false if it was sent before.
    async fn sent(&self, archive: &dyn Archive, message: &Message) -> Result<bool, String> {
        let key = Key::message(&message.incident());
        let in_words = |error: Error| error.to_string();
        if archive.read(&key).await.map_err(in_words)?.is_some() {
            return Ok(false);
        }
        // Drawn once, however often it is sent.
        let picture = message.picture.as_deref().filter(|_| self.webhook.format != Format::Slack);
        let picture = picture.and_then(|svg| {
            pictures::png(svg, SCALE)
                .inspect_err(|error| tracing::warn!(%error, "a message goes without its picture"))
                .ok()
        });
        // Slack is shown where it is; what cannot be drawn is not announced either.
        let shown = picture.is_some() || self.webhook.format == Format::Slack;
        let headline = match &self.webhook.headline {
            None => message.headline.clone(),
            // Words of one's own that fail on what really happened are no reason to say nothing.
            Some(own) => own.of(message, self.webhook.site.as_deref()).unwrap_or_else(|error| {
                tracing::warn!(%error, "a message goes in the usual words");
                message.headline.clone()
            }),
        };
        let message = &Message { picture: message.picture.clone().filter(|_| shown), headline, ..message.clone() };
        let sent = match self.send_patiently(message, picture.as_deref()).await {
            // Slack refuses the whole message where it cannot load the picture.
            Err(refusal) if refusal.malformed && self.webhook.format == Format::Slack && message.picture.is_some() => {
                self.send_patiently(&Message { picture: None, ..message.clone() }, None).await
            }
            other => other,
        };
        sent.map_err(|refusal| refusal.reason)?;
        // After it has arrived: cut off in between it is sent twice, which is better than never.
        let record = serde_json::to_vec_pretty(message).expect("a message is plain data");
        archive.create(&key, &record).await.map_err(in_words)?;
        Ok(true)
    }

    async fn send_patiently(&self, message: &Message, picture: Option<&[u8]>) -> Result<(), Refusal> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.patience.first_pause)
            .with_max_times(self.patience.retries)
            .with_jitter();
        (|| self.send(message, picture))
            .retry(pauses)
            .when(|refusal: &Refusal| refusal.passing)
            .adjust(|refusal, pause| pause.map(|pause| refusal.wait.unwrap_or(pause)))
            .await
    }

    async fn send(&self, message: &Message, picture: Option<&[u8]>) -> Result<(), Refusal> {
        let site = self.webhook.site.as_deref();
        let post = self.http.post(self.webhook.url.clone());
        let post = match self.webhook.format {
            Format::Slack => post.json(&payload::slack(message, site)),
            Format::Json => post.json(&payload::plain(message, site, picture)),
            Format::Discord => {
                let mut form = multipart::Form::new().text("payload_json", payload::discord(message, site).to_string());
                if let Some(picture) = picture {
                    let part = multipart::Part::bytes(picture.to_vec()).file_name(payload::PICTURE);
                    form =
                        form.part("files[0]", part.mime_str("image/png").unwrap_or_else(|_| multipart::Part::text("")));
                }
                post.multipart(form)
            }
        };
        // Without its address: that is a secret.
        let answer = post.send().await.map_err(|error| Refusal::new(cause(&error.without_url()), true))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        if status.is_redirection() {
            return Err(Refusal::new(format!("it redirects ({status}), and redirects are not followed"), false));
        }
        let wait = wait(&answer);
        let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let passing = passing && wait.is_none_or(|wait| wait <= MAX_WAIT);
        // A server that repeats its address would repeat the secret.
        let said = pipeline::without_secrets(&said(answer).await, &self.webhook.secrets());
        let malformed = status == StatusCode::BAD_REQUEST;
        Err(Refusal { reason: format!("it answers {status}: {said}"), passing, wait, malformed })
    }
}

/// How long the chat asks to wait.
fn wait(answer: &Response) -> Option<Duration> {
    let seconds: f64 = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The beginning of what it says.
async fn said(mut answer: Response) -> String {
    const MAX_CHARACTERS: usize = 300;
    let mut bytes = Vec::new();
    while bytes.len() < MAX_CHARACTERS
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_CHARACTERS - bytes.len())]);
    }
    String::from_utf8_lossy(&bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The innermost cause says what happened.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_timeout() { format!("no answer in time ({innermost})") } else { innermost.to_string() }
}
