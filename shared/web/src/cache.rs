//! What need not be read or drawn again: archived objects, which never change, and whole answers for as long as nothing has
//! been written since. And what answers carry: an entity tag where there is something to ask for again, and what a browser may do with it.

use std::{hash::Hash, sync::Arc};

use async_trait::async_trait;
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use pipeline::{Archive, Created, Digest, Error, Key, Ledger};
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use crate::{Problem, format::wants_page, pages, sign_in::is_open};

/// Bytes of archived objects that are kept.
const OBJECTS: u64 = 48 << 20;
/// Bytes of answers that are kept.
const ANSWERS: u64 = 32 << 20;
/// Beyond this an answer is not one of ours.
const MAX_ANSWER: usize = 32 << 20;

/// So many bytes, in one piece: a part of it for each core would hold no page of ten thousand tickers.
fn cache<K: Hash + Eq, V: Clone, W: Weighter<K, V> + Clone>(bytes: u64, weighter: W) -> Cache<K, V, W> {
    let options = OptionsBuilder::new().estimated_items_capacity(1_000).weight_capacity(bytes).shards(1).build();
    let options = options.expect("both capacities are given");
    Cache::with_options(options, weighter, DefaultHashBuilder::default(), DefaultLifecycle::default())
}

/// An archive whose objects are read once: none of them ever changes.
pub(crate) struct CachedArchive {
    inner: Arc<dyn Archive>,
    objects: Cache<Key, Arc<Vec<u8>>, Weight>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Vec<u8>>> for Weight {
    fn weight(&self, key: &Key, bytes: &Arc<Vec<u8>>) -> u64 {
        (key.as_str().len() + bytes.len()) as u64
    }
}

impl CachedArchive {
    pub(crate) fn new(inner: Arc<dyn Archive>) -> CachedArchive {
        CachedArchive { inner, objects: cache(OBJECTS, Weight) }
    }
}

#[async_trait]
impl Archive for CachedArchive {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        self.inner.create(key, bytes).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        if let Some(known) = self.objects.get(key) {
            return Ok(Some(known.to_vec()));
        }
        let read = self.inner.read(key).await?;
        if let Some(bytes) = &read {
            self.objects.insert(key.clone(), Arc::new(bytes.clone()));
        }
        Ok(read)
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.inner.remove(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.inner.list(prefix).await
    }
}

/// Answers, each as of a revision of the ledger.
#[derive(Clone)]
pub(crate) struct Answers {
    ledger: Arc<dyn Ledger>,
    known: Arc<Cache<String, Answer, AnswerWeight>>,
}

#[derive(Clone)]
struct Answer {
    revision: u64,
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Clone)]
struct AnswerWeight;

impl Weighter<String, Answer> for AnswerWeight {
    fn weight(&self, key: &String, answer: &Answer) -> u64 {
        // Headers and bookkeeping are some hundred bytes.
        (key.len() + answer.body.len() + 500) as u64
    }
}

impl Answers {
    pub(crate) fn new(ledger: Arc<dyn Ledger>) -> Answers {
        Answers { ledger, known: Arc::new(cache(ANSWERS, AnswerWeight)) }
    }
}

/// Answers what is known already, and completes every answer.
pub(crate) async fn complete(State(answers): State<Answers>, mut request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let page = wants_page(&headers);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = as_page(next.run(request).await, page);
        if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
            // Its rest is not read: nothing else can be asked on this connection.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        // What was asked for may be on pages before the ledger knows of it: why a run was started.
        if response.status().is_success() || response.status().is_redirection() {
            answers.known.clear();
        }
        return guarded(response);
    }
    // Browsers ask for pages in words of their own. Who knows CSV, too, may be answered with that.
    let accept = accepted(&headers);
    let accept = if page && !accept.contains("text/csv") { "text/html" } else { accept };
    let key = format!("{} {accept}", request.uri());
    // A ledger that cannot say what it is at is asked anew each time, and of what others forecast it knows nothing.
    let of_others = request.uri().path().starts_with("/judged");
    // Nor is anything kept of what is asked without a token.
    let revision =
        if of_others || is_open(request.uri().path()) { None } else { answers.ledger.revision().await.ok().flatten() };
    if let (Some(revision), Some(known)) = (revision, answers.known.get(&key))
        && known.revision == revision
    {
        return tagged(known.headers, known.body, &headers);
    }
    // The same answer, whose body the router leaves away.
    *request.method_mut() = Method::GET;
    let response = as_page(next.run(request).await, page);
    // A stream of events has no end to wait for.
    let goes_on = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    if response.status() != StatusCode::OK || goes_on {
        return guarded(response);
    }
    let (parts, body) = guarded(response).into_parts();
    let body = match to_bytes(body, MAX_ANSWER).await {
        Ok(body) => body,
        Err(error) => return guarded(Problem::internal(&error).into_response()),
    };
    let mut all = parts.headers;
    let tag = format!("\"{}\"", &Digest::of(&body).as_str()[..16]);
    all.insert(header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\"")));
    if let Some(revision) = revision {
        answers.known.insert(key, Answer { revision, headers: all.clone(), body: body.clone() });
    }
    tagged(all, body, &headers)
}

fn accepted(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The headers of every answer, for those of whoever stands before the cache.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let page = wants_page(request.headers());
    guarded(as_page(next.run(request).await, page))
}

/// The answer, or that it is what the asker has.
fn tagged(headers: HeaderMap, body: Bytes, asked: &HeaderMap) -> Response {
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
    let had = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut had = had.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    let same = had.any(|other| other == tag || other == "*");
    let mut response = if same { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(body).into_response() };
    *response.headers_mut() = headers;
    if same {
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    response
}

/// A problem as a page, where a person's browser asked.
fn as_page(response: Response, page: bool) -> Response {
    match response.extensions().get::<Problem>() {
        Some(problem) if page => {
            let mut shown = pages::problem(problem);
            *shown.status_mut() = response.status();
            for name in [header::RETRY_AFTER, header::ALLOW, header::WWW_AUTHENTICATE] {
                if let Some(value) = response.headers().get(&name) {
                    shown.headers_mut().insert(name, value.clone());
                }
            }
            shown
        }
        _ => response,
    }
}

/// Nothing is loaded but from here, nothing runs that is not a file of ours, and no other site shows or sends our pages.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                              form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    // A report has a policy of its own: it is one file, its style in it.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_POLICY));
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        // No other site learns by a picture which tickers there are.
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Asked for again each time, and not sent again while it is the same: a promotion shows at once.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("accept"));
    response
}
