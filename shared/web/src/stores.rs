//! What handlers read: archive and ledger, and a run's report in both.

use std::sync::Arc;

use axum::http::StatusCode;
use pipeline::{Archive, Error, Key, Ledger, RunEntry, RunId, stream::Streams};
use tokio::sync::watch;

use crate::{Problem, api::results, asked::run_id};

/// What handlers read.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) ledger: Arc<dyn Ledger>,
    /// Whether runs are started here, or by a function of their own.
    pub(crate) starts_here: bool,
    /// Whether a person can decide here about a ticker.
    pub(crate) decides_here: bool,
    /// What all nights add up to.
    pub(crate) results: results::Known,
    /// When nights begin by themselves, in words.
    pub(crate) schedule: Option<String>,
    /// Whether a form that starts a run asks for the token: who has signed in has said it.
    pub(crate) asks_for_token: bool,
    /// What arrives row by row, where anything may.
    pub(crate) streams: Option<Arc<dyn Streams>>,
    /// Changes when the service is to stop.
    pub(crate) stopping: Option<watch::Receiver<()>>,
}

impl Stores {
    /// The run of an id that someone typed.
    pub(crate) async fn found(&self, run: &str) -> Result<RunEntry, Problem> {
        let run = run_id(run)?;
        let nobody = || Problem::new(StatusCode::NOT_FOUND, format!("there is no run {run}"));
        self.ledger.run(&run).await?.ok_or_else(nobody)
    }

    /// Why people asked for a run, where runs are started here.
    pub(crate) async fn reasons(&self, run: &RunId) -> Result<Vec<String>, Problem> {
        let mut reasons = Vec::new();
        if self.starts_here {
            for key in self.archive.list(&Key::reasons(run)).await? {
                let reason = self.archive.read(&Key::reason(run, &key)).await?.unwrap_or_default();
                reasons.push(String::from_utf8_lossy(&reason).into_owned());
            }
        }
        Ok(reasons)
    }

    /// A file of a run's report, by its name's beginning.
    pub(crate) async fn reported(&self, entry: &RunEntry, stem: &str) -> Result<Option<Vec<u8>>, Problem> {
        let Some(key) = entry.closure.as_ref().and_then(|closure| closure.file(stem)) else { return Ok(None) };
        let bytes = self.archive.read(key).await?;
        Ok(Some(bytes.ok_or_else(|| Error::Missing { key: key.to_string() })?))
    }
}
