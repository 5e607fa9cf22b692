//! The first page is made when something has changed, and not when somebody asks for it.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use pipeline::Ledger;
use tower::ServiceExt;

/// So often it is looked whether something has changed; what still changes is waited for.
const PAUSE: Duration = Duration::from_secs(2);

/// Goes on for as long as it is let.
pub(super) async fn keep_warm(router: Router, ledger: Arc<dyn Ledger>, token: Option<String>) {
    let revision = async || ledger.revision().await.ok().flatten();
    let (mut before, mut made) = (revision().await, None);
    loop {
        let now = revision().await;
        if now.is_some() && now == before && now != made {
            let mut request = Request::get("/").header(header::HOST, "127.0.0.1").header(header::ACCEPT, "text/html");
            if let Some(token) = &token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            if let Ok(request) = request.body(Body::empty()) {
                let _ = router.clone().oneshot(request).await;
            }
            made = now;
        }
        before = now;
        tokio::time::sleep(PAUSE).await;
    }
}
