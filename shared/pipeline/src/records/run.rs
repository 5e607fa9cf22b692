//! A run: what started it, and what it was asked to do.

use forecasting::{Stamp, Ticker};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Archive, Assignment, Closure, Configuration, Digest, Error, Key, ObjectRef, RunId};

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Trigger {
    /// The clock.
    Schedule,
    /// A person.
    Manual,
    /// A replay of past sessions.
    Backfill,
    /// New data under `incoming/`.
    Data,
    /// Degraded scores.
    Degraded,
}

/// An opened run. Which tickers it works on is archived: there may be a hundred thousand of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The day whose prices it may know. A session, unless the run closes as `no session`.
    pub as_of: Stamp,
    /// What started it first.
    pub trigger: Trigger,
    /// What it was asked to do for each of its tickers.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub configuration: Configuration,
    /// How many tickers it was asked to work on.
    pub tickers: usize,
    /// Digest of `runs/{run}/configuration.json`.
    pub assignment: Digest,
}

/// What a ledger keeps of a run beside its id, its day and its trigger.
#[derive(Serialize, Deserialize)]
struct Kept {
    tickers: usize,
    assignment: Digest,
    configuration: Configuration,
}

impl Run {
    /// The run of an assignment for a day.
    pub fn new(as_of: impl Into<Stamp>, trigger: Trigger, assignment: &Assignment) -> Run {
        let (digest, as_of) = (assignment.digest(), as_of.into());
        Run {
            id: RunId::new(as_of, &digest),
            as_of,
            trigger,
            configuration: assignment.configuration.clone(),
            tickers: assignment.tickers.len(),
            assignment: digest,
        }
    }

    /// The key of what it was asked to do.
    pub(crate) fn key(&self) -> Key {
        Key::run(&self.id, "configuration.json")
    }

    /// The tickers that it works on, in order.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`] where what it was asked to do does not read whole.
    pub async fn tickers(&self, archive: &dyn Archive) -> Result<Vec<Ticker>, Error> {
        Ok(self.assigned(archive).await?.tickers)
    }

    /// What it was asked to do.
    pub(crate) async fn assigned(&self, archive: &dyn Archive) -> Result<Assignment, Error> {
        let key = self.key();
        let bytes = ObjectRef { key: key.clone(), sha256: self.assignment.clone() }.read(archive).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Damaged { key: key.to_string(), reason: error.to_string() })
    }

    /// What a ledger keeps of it beside its id, its day and its trigger: JSON.
    pub fn kept(&self) -> String {
        let Run { configuration, tickers, assignment, .. } = self;
        let kept = Kept { tickers: *tickers, assignment: assignment.clone(), configuration: configuration.clone() };
        serde_json::to_string(&kept).expect("a run is plain data")
    }

    /// A run of what a ledger keeps of it. Earlier releases kept the whole assignment.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn of_kept(id: RunId, as_of: Stamp, trigger: Trigger, kept: &str) -> Result<Run, serde_json::Error> {
        let fields: Map<String, Value> = serde_json::from_str(kept)?;
        let kept = if fields.contains_key("assignment") {
            serde_json::from_value(Value::Object(fields))?
        } else {
            let Assignment { tickers, configuration } = Assignment::try_from(fields)?;
            Kept { tickers: tickers.len(), assignment: Digest::of(kept.as_bytes()), configuration }
        };
        let Kept { tickers, assignment, configuration } = kept;
        Ok(Run { id, as_of, trigger, configuration, tickers, assignment })
    }
}

/// A run as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunEntry {
    /// The run.
    pub run: Run,
    /// When it was first opened, ISO 8601.
    pub opened_at: String,
    /// When it was last closed.
    pub closed_at: Option<String>,
    /// How it was last closed; `None` while it is open.
    pub closure: Option<Closure>,
}
