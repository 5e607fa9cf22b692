//! The request log: one line for each request that was answered, and whose request it was on every line that is written meanwhile.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, RawPathParams, Request, rejection::RawPathParamsRejection},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::format::short;

/// Method, route, status, milliseconds, and the run or ticker that the path names.
pub(crate) async fn request(
    named: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let method = short(request.method().as_str());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| short(request.uri().path()), |route| route.as_str().to_owned());
    let param = |wanted: &str| {
        named.iter().flatten().find(|(name, _)| *name == wanted).map(|(_, value)| short(value)).unwrap_or_default()
    };
    let span = tracing::info_span!("request", method, route, ticker = param("ticker"), run = param("run"));
    async {
        let response = next.run(request).await;
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        tracing::info!(status = response.status().as_u16(), milliseconds, "answered");
        response
    }
    .instrument(span)
    .await
}
