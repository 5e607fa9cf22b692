//! Everything that is kept, one shape a file. Each carries a version or a fixed header; every past one is read for ever, only the
//! newest is written.

mod bar_log;
mod bar_segment;
mod chain;
mod closure;
mod configuration;
mod evaluated;
pub(crate) mod forecast_table;
mod forecasted;
mod former_snapshots;
mod id;
mod measured;
mod model_version;
pub(crate) mod overview;
pub(crate) mod price_table;
mod promoted;
mod receipt;
mod record;
mod run;
pub(crate) mod score_table;
mod snapshot;
mod tombstone;
mod trained;
pub(crate) mod transcript;

use forecasting::Stamp;

pub use bar_log::{BarLog, BarSegment};
pub use chain::{Chain, Chained, Link};
pub(crate) use closure::Summary;
pub use closure::{Closure, RunStatus, TickerStatus, TickerSummary, plain_reason};
pub use configuration::{Assignment, Configuration, Incoming, Market, Reading, RollbackOrder};
pub use evaluated::{Evaluated, Seen, VersionScore};
pub(crate) use evaluated::{live_scores, live_sums};
pub use forecasted::Forecasted;
pub(crate) use former_snapshots::FormerSnapshots;
pub use id::{NotAnId, RunId, VersionId};
pub(crate) use measured::measured;
pub use measured::{RealisedCoverage, Skill, Source};
pub use model_version::{BothForecasts, FittedBy, ModelVersion, ObjectRef, TrainingInputs};
pub use overview::{Overview, Standing, TickerOverview};
pub use promoted::Promoted;
pub use receipt::{Champion, Receipt};
pub(crate) use receipt::{RECEIPT_FORMAT, champion_on};
pub use record::{Segment, StoredRecord};
pub use run::{Run, RunEntry, Trigger};
pub use snapshot::{BarStatus, Download, Snapshot};
pub(crate) use snapshot::{STALE_AFTER, ahead};
pub use tombstone::Tombstone;
pub use trained::{Trained, TrainedVersion};
pub use transcript::Transcript;

/// Later than any session on record.
pub(crate) fn end_of_time() -> Stamp {
    Stamp::Index(9_999_999_999)
}
