//! Rows that are sent to `serve`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::http::StatusCode;
use jiff::Timestamp;
use pipeline::{
    Digest,
    stream::{Accepted, Arrival, Ingest, Refused},
};
use tokio::sync::Mutex;
use web::{Ingests, Problem};

/// Takes one batch in after the other.
pub(super) struct Door {
    ingest: Arc<Mutex<Ingest>>,
    token: Digest,
}

const SOURCE: &str = "http";
/// Batches that wait for longer are sent back: whoever sends them is too fast.
const PATIENCE: Duration = Duration::from_secs(5);

impl Door {
    pub(super) fn new(ingest: Arc<Mutex<Ingest>>, token: &str) -> Door {
        Door { ingest, token: Digest::of(token.as_bytes()) }
    }
}

#[async_trait]
impl Ingests for Door {
    fn admits(&self, token: Option<&str>) -> bool {
        // Digests are compared: how long it takes tells nothing of the token.
        token.is_some_and(|token| Digest::of(token.as_bytes()) == self.token)
    }

    async fn ingest(&self, at: Timestamp, rows: Vec<Result<Arrival, Refused>>) -> Result<Accepted, Problem> {
        let busy = |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many rows wait to be taken in");
        let mut ingest = tokio::time::timeout(PATIENCE, self.ingest.lock()).await.map_err(busy)?;
        Ok(ingest.take((SOURCE, at), &rows, &std::collections::BTreeMap::new(), None).await?)
    }
}
