//! A night's stages, the ports they read and write through, and what they keep: `night/` writes, `queries/` only reads, `records/` has
//! every persisted shape.
//!
//! A stage is one function in `night/`: it reads, decides and writes, in that order, and commits one result for its
//! (run, ticker, stage). Run again, it finds that result and does nothing. The ports' adapters live in other crates.

mod calendars;
mod digest;
mod error;
mod judged;
mod key;
mod legible;
mod long_table;
mod night;
pub mod packed;
mod ports;
pub mod price_file;
pub mod programs;
mod queries;
mod records;
mod secrets;
pub mod settings;
mod signing;
pub mod stream;
#[cfg(feature = "testing")]
pub mod testing;

pub use calendars::know_calendars;
pub use digest::Digest;
pub use error::Error;
pub use judged::{Judged, Judgement, Odds, all_judged, judge, judged};
pub use key::Key;
pub use legible::{legible, legible_lines};
pub use long_table::LongTable;
pub use night::{
    Attempts, Fetched, Next, Pass, Patience, Planned, Recovered, fetch, forget, give_reason, migrate, plan, recover,
    release, report, rollback, to_migrate, work,
};
pub use ports::{
    Appended, Archive, Attempt, Created, History, Ledger, MarketData, NoPrograms, OfRun, Pointing, ProgramSettings,
    Programs, Question, Said, Stage, StageKey, StageRecord,
};
pub use queries::{
    Answered, Audit, Bin, Compared, Exported, ForecastRequest, IntervalsAhead, KindOfIntervals, ModelSummary, Month,
    Prediction, Promotion, Results, Verified, VerifiedReceipt, WATCHED_RUNS, Watched, WatchedTicker, When, answered,
    audit, compare, export, failed_since, forecast_picture, forecasts_made, know_each_other, long_forecasts,
    long_values, models, newest_forecast, newest_reported, newest_session, newest_snapshot, predict, predict_alone,
    prices, recorded, residual_picture, residuals, results, scores, skill_interval, verify, verify_forgotten,
    verify_ledger, verify_receipt, watched, without_model,
};
pub use records::{
    Assignment, BarLog, BarSegment, BarStatus, BothForecasts, Chain, Chained, Champion, Closure, Configuration,
    Download, Evaluated, FittedBy, Forecasted, Incoming, Link, Market, ModelVersion, NotAnId, ObjectRef, Overview,
    Promoted, Reading, RealisedCoverage, Receipt, RollbackOrder, Run, RunEntry, RunId, RunStatus, Seen, Segment, Skill,
    Snapshot, Source, Standing, StoredRecord, TickerOverview, TickerStatus, TickerSummary, Tombstone, Trained,
    TrainedVersion, TrainingInputs, Transcript, Trigger, VersionId, VersionScore,
    forecast_table::header as forecast_header, plain_reason,
};
pub use secrets::without_secrets;
pub use settings::Settings;
pub use signing::{PublicKey, Signed, Signer};
