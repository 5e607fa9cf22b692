//! What arrives row by row, as it arrives.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{future::join_all, stream};
use maud::{Markup, html};
use pipeline::{
    Ledger,
    stream::{Counts, Head, Streams},
};

use super::{
    layout::{self, Place},
    moment, price,
};
use crate::{Problem, assets::LIVE, parameters::Parameters, stores::Stores};

/// Series on the page.
const LISTED: usize = 200;
/// Series that are looked at together.
const AT_ONCE: usize = 20;
/// How often it is looked for what is new.
const LOOK: Duration = Duration::from_millis(400);
/// A page that is open longer asks again by itself.
const MAX_OPEN_TIME: Duration = Duration::from_mins(10);
/// A page whose connection has ended asks again after this.
const AGAIN: Duration = Duration::from_secs(10);
/// Pages that are open at once.
const MAX_OPEN: usize = 64;
static OPEN: AtomicUsize = AtomicUsize::new(0);

pub(crate) async fn page(State(stores): State<Stores>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Parameters::read(query.as_deref(), &[], &[])?;
    let content = html! {
        h1 { "Stream" }
        p .lead { "Rows as they arrive. The model in service takes in each next period at once, without being estimated again; verdicts are left to the nights." }
        div #live data-live="/stream/events" aria-live="off" {
            @match &stores.streams {
                None => { (nothing()) }
                Some(streams) => { (tables(&*stores.ledger, &**streams).await?) }
            }
        }
        p .hint { "With scripts enabled the page updates by itself. Also as " a href="/metrics" { "metrics" } "." }
    };
    Ok(layout::with_scripts("Stream", Some(Place::Stream), &content, &[&LIVE.path]))
}

fn nothing() -> Markup {
    html! {
        p { "Nothing has arrived yet. " code { "closing-bell ingest" } " takes rows from Kafka, or from any program; so does "
            code { "POST /ingest" } "." }
    }
}

async fn tables(ledger: &dyn Ledger, streams: &dyn Streams) -> Result<Markup, Problem> {
    let sources = streams.sources().await?;
    let mut tickers = streams.streamed().await?;
    let all = tickers.len();
    tickers.truncate(LISTED);
    if sources.is_empty() {
        return Ok(nothing());
    }
    let mut heads = Vec::with_capacity(tickers.len());
    for some in tickers.chunks(AT_ONCE) {
        heads.extend(join_all(some.iter().map(|ticker| ledger.head(ticker))).await);
    }
    Ok(html! {
        h2 { "Sources" }
        div .scroll role="region" aria-label="Sources" tabindex="0" {
            table {
                thead { tr {
                    th scope="col" { "Source" } th scope="col" .number { "Rows" }
                    @for (outcome, _) in Counts::default().each() { th scope="col" .number { (outcome) } }
                    th scope="col" .number { "Behind" } th scope="col" { "Last, UTC" }
                } }
                tbody { @for (name, source) in &sources {
                    tr {
                        th scope="row" { (name) } td .number { (source.counts.rows()) }
                        @for (_, n) in source.counts.each() { td .number { (n) } }
                        td .number { @if let Some(lag) = source.lag { (lag) } @else { "-" } }
                        td { @if let Some(at) = source.at { (moment(&at.to_string())) } @else { "-" } }
                    }
                } }
            }
        }
        h2 { "Series" }
        div .scroll role="region" aria-label="Series" tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { "Series" } th scope="col" .number { "Rows" } th scope="col" { "Newest" }
                    th scope="col" .number { "Value" } th scope="col" .number { "Next forecast" } th scope="col" .number { "Since the run" }
                } }
                tbody { @for (ticker, head) in tickers.iter().zip(&heads) {
                    tr { th scope="row" { a href={ "/tickers/" (ticker) } { (ticker) } }
                        @match head {
                            Ok(Some(head)) => { (series(head)) }
                            Ok(None) => { td colspan="5" { "-" } }
                            Err(error) => { td colspan="5" { (error) } }
                        }
                    }
                } }
            }
        }
        @if all > LISTED { p { "The first " (LISTED) " of " (all) " series." } }
    })
}

fn series(head: &Head) -> Markup {
    let live = head.live.as_ref();
    let next = live.and_then(|live| live.model.forecast(1, &[]).ok().map(|forecast| (live, forecast)));
    let next = next.and_then(|(live, forecast)| forecast.central().first().map(|mean| mean * live.factor));
    html! {
        td .number { (head.sequence) }
        @match live {
            Some(live) => { td { (live.last) } td .number { (price(live.value)) } }
            None => { td { "-" } td .number { "-" } }
        }
        td .number { @if let Some(next) = next { (price(next)) } @else { "-" } }
        td .number { @if let Some(live) = live { (live.advanced) } @else { "-" } }
    }
}

/// One that is open, as long as this is kept.
struct Opened;

impl Drop for Opened {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The page's tables, each time that something has arrived.
pub(crate) async fn events(State(stores): State<Stores>) -> Result<Response, Problem> {
    let opened = Opened;
    if OPEN.fetch_add(1, Ordering::SeqCst) >= MAX_OPEN {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{MAX_OPEN} pages follow the stream already"),
        ));
    }
    let Some(streams) = stores.streams.clone() else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "nothing has arrived yet"));
    };
    let until = tokio::time::Instant::now() + MAX_OPEN_TIME;
    let following = Following { stores, streams, until, known: None, sent: false, _opened: opened };
    let events = stream::unfold(following, |mut following| async move {
        let fragment = following.next().await?;
        Some((Ok::<Event, Infallible>(Event::default().retry(AGAIN).data(fragment.into_string())), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

struct Following {
    stores: Stores,
    streams: Arc<dyn Streams>,
    until: tokio::time::Instant,
    known: Option<u64>,
    sent: bool,
    _opened: Opened,
}

impl Following {
    /// The tables, once they are others; nothing where it is time to end.
    async fn next(&mut self) -> Option<Markup> {
        loop {
            let stopping = self.stores.stopping.as_ref().is_some_and(|stopping| stopping.has_changed().unwrap_or(true));
            if stopping || tokio::time::Instant::now() > self.until {
                return None;
            }
            if self.sent {
                // However fast rows come.
                tokio::time::sleep(LOOK).await;
            }
            let revision = self.stores.ledger.revision().await.ok().flatten();
            if revision.is_none() && self.sent {
                // Who cannot tell when something has arrived is asked again.
                return None;
            }
            if revision.is_none() || revision != self.known {
                self.known = revision;
                self.sent = true;
                return tables(&*self.stores.ledger, &*self.streams).await.ok();
            }
        }
    }
}
