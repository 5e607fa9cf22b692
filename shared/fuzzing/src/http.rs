//! Requests to the router, over a night that was held in memory.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use embedded::{Night, RecordedMarket};
use pipeline::{
    Market, NoPrograms, Patience, Settings, Trigger,
    testing::{MemoryArchive, MemoryLedger},
};
use tower::ServiceExt;
use web::Site;

use crate::text;

/// Whatever is asked, it is answered, and nobody's fault but the asker's.
pub(crate) fn http(bytes: &[u8]) {
    let text = text(bytes);
    let mut lines = text.splitn(3, '\n');
    let (method, path) = lines.next().unwrap_or_default().split_once(' ').unwrap_or(("GET", "/"));
    let (accept, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let request = Request::builder().method(method).uri(path).header("accept", accept).header("host", "localhost");
    // What is no request never reaches the router.
    let Ok(request) = request.body(Body::from(body.to_owned())) else { return };
    let site = site();
    crate::wait(async {
        let response = site.oneshot(request).await.expect("an answer");
        let status = response.status();
        assert!(!status.is_server_error(), "{method} {path}: {status}");
        if response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream") {
            return;
        }
        let body = to_bytes(response.into_body(), 64 << 20).await.expect("a body");
        let page = String::from_utf8_lossy(&body);
        assert!(!page.contains("<script>alert"), "{method} {path}");
    });
}

fn site() -> Router {
    static SITE: OnceLock<Router> = OnceLock::new();
    SITE.get_or_init(|| {
        let (archive, ledger) = (Arc::new(MemoryArchive::default()), Arc::new(MemoryLedger::default()));
        let settings = Settings::parse("start = 2019-01-01\nfamilies = [\"arima\"]").expect("settings");
        let assignment = settings.assignment(Market::Recorded, vec!["KO".parse().expect("a ticker")]);
        let night = Night {
            market: Arc::new(RecordedMarket),
            archive: archive.clone(),
            ledger: ledger.clone(),
            programs: Arc::new(NoPrograms),
            patience: Patience::NONE,
        };
        crate::wait(async {
            let entry = night.run(&assignment, RecordedMarket::LAST_SESSION, Trigger::Manual, |_| {}).await;
            entry.expect("a night");
        });
        Site::new(archive, ledger).router()
    })
    .clone()
}
