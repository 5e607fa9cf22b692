//! What handlers read: archive and ledger, and a run's report in both.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use pipeline::{Archive, Error, Key, Ledger, RunEntry};

use crate::{Problem, asked::run_id, format::typed};

/// What handlers read.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) ledger: Arc<dyn Ledger>,
    /// Whether runs are started here, or by a function of their own.
    pub(crate) starts_here: bool,
}

impl Stores {
    /// The run of an id that someone typed.
    pub(crate) async fn found(&self, run: &str) -> Result<RunEntry, Problem> {
        let run = run_id(run)?;
        let nobody = || Problem::new(StatusCode::NOT_FOUND, format!("there is no run {run}"));
        self.ledger.run(&run).await?.ok_or_else(nobody)
    }

    /// A file of a run's report.
    pub(crate) async fn reported(
        &self,
        entry: &RunEntry,
        name: &str,
        media_type: &'static str,
    ) -> Result<Response, Problem> {
        let Some(key) = report_key(entry, name) else {
            let none = format!("run {} has no {}", entry.run.id, name.trim_start_matches('/'));
            return Err(Problem::new(StatusCode::NOT_FOUND, none));
        };
        let bytes = self.archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
        Ok(typed(media_type, bytes))
    }
}

/// The key of a file of a run's report, by the beginning of its name.
pub(crate) fn report_key<'a>(entry: &'a RunEntry, name: &str) -> Option<&'a Key> {
    entry.closure.as_ref()?.report.iter().find(|key| key.as_str().contains(name))
}
