//! One file per stage, in the order of a night; then what is asked of the results afterwards.

mod answered;
mod committed;
mod evaluate;
mod fetch;
mod forecast;
mod inspect;
mod models;
mod plan;
mod predict;
mod promote;
mod report;
mod results;
mod retention;
mod rollback;
mod scores;
mod train;
mod verify;

pub use answered::{Answered, When, answered};
pub use evaluate::{Evaluated, VersionScore, evaluate};
pub use fetch::{BarStatus, Download, Fetched, Snapshot, fetch};
pub use forecast::forecast;
pub use inspect::{Compared, compare, newest_forecast, newest_snapshot, prices, residuals};
pub use models::{ModelSummary, models};
pub use plan::{Planned, plan};
pub(crate) use predict::measured;
pub use predict::{Prediction, RealisedCoverage, Skill, Source, predict};
pub use promote::{Promoted, promote};
pub use report::report;
pub use results::{KindOfIntervals, Results, results};
pub use rollback::rollback;
pub use scores::scores;
pub use train::{Trained, TrainedVersion, train};
pub use verify::{Verified, VerifiedReceipt, verify, verify_receipt};
