//! Files of the pages: they are part of the program, and their names change when they do.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pipeline::Digest;

use crate::{Problem, asked::Named, format::typed};

pub(crate) struct Asset {
    /// `/assets/{stem}-{digest8}.{extension}`
    pub(crate) path: String,
    media_type: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, bytes: &'static [u8]) -> Asset {
        Asset { path: format!("/assets/{stem}-{}.{extension}", Digest::of(bytes).short()), media_type, bytes }
    }
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")));
pub(crate) static SITE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("site", "js", JAVASCRIPT, include_bytes!("../assets/site.js")));
pub(crate) static CHARTS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("charts", "js", JAVASCRIPT, include_bytes!("../assets/charts.js")));
pub(crate) static LIVE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live", "js", JAVASCRIPT, include_bytes!("../assets/live.js")));
pub(crate) static LIBRARY: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("lightweight-charts", "js", JAVASCRIPT, include_bytes!("../assets/lightweight-charts-5.2.1.js"))
});
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")));

pub(crate) async fn asset(Named(name): Named) -> Response {
    let path = format!("/assets/{name}");
    let found = [&STYLE, &SITE, &CHARTS, &LIVE, &LIBRARY, &ICON].into_iter().find(|asset| asset.path == path);
    let Some(asset) = found else {
        return Problem::new(StatusCode::NOT_FOUND, "there is no such file").into_response();
    };
    let mut response = typed(asset.media_type, asset.bytes.to_vec());
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    response
}
