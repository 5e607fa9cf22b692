//! What is asked of the results afterwards: everything here only reads.

mod answered;
mod audit;
mod drawn;
mod export;
mod inspect;
mod long;
mod models;
mod predict;
mod predict_alone;
mod recorded;
mod results;
mod scores;
mod troubles;
mod verify;
mod watched;

pub use answered::{Answered, When, answered};
pub use audit::{Audit, audit, know_each_other, newest_reported};
pub use drawn::{forecast_picture, residual_picture};
pub use export::{Exported, export};
pub use inspect::{
    Compared, compare, failed_since, forecasts_made, newest_forecast, newest_snapshot, prices, residuals, without_model,
};
pub use long::{long_forecasts, long_values};
pub use models::{ModelSummary, models};
pub use predict::{ForecastRequest, Prediction, predict};
pub use predict_alone::predict_alone;
pub use recorded::recorded;
pub use results::{Bin, IntervalsAhead, KindOfIntervals, Month, Promotion, Results, results, skill_interval};
pub use scores::scores;
pub use troubles::newest_session;
pub use verify::{Verified, VerifiedReceipt, verify, verify_forgotten, verify_ledger, verify_receipt};
pub use watched::{WATCHED_RUNS, Watched, WatchedTicker, watched};
