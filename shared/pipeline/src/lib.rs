//! The stages of a night, the ports they read and write through, and the formats they store.
//!
//! A stage is one function in `stages/`: it reads, decides and writes, in that order, and commits one result for its
//! (run, ticker, stage). Run again, it finds that result and does nothing. The ports' adapters live in other crates.

mod configuration;
pub mod conformance;
mod digest;
mod error;
mod key;
mod ports;
pub mod price_file;
mod run;
pub mod settings;
mod stages;
mod stored;

pub use configuration::{Configuration, Incoming, RollbackOrder};
pub use digest::Digest;
pub use error::Error;
pub use key::Key;
pub use ports::{Archive, Attempt, Created, History, Ledger, MarketData, Pointing, Stage, StageKey, StageRecord};
pub use run::{Closure, Run, RunEntry, RunId, RunStatus, TickerStatus, TickerSummary, Trigger, plain_reason};
pub use settings::Settings;
pub use stages::{
    Answered, Asked, BarStatus, Compared, Download, Evaluated, Fetched, IntervalsAhead, KindOfIntervals, ModelSummary,
    Planned, Prediction, Promoted, RealisedCoverage, Results, Skill, Snapshot, Source, Trained, TrainedVersion,
    Verified, VerifiedReceipt, VersionScore, Watched, WatchedTicker, When, answered, compare, evaluate, fetch,
    forecast, forecast_picture, models, newest_forecast, newest_snapshot, plan, predict, promote, read_snapshot,
    recorded, release, report, residual_picture, residuals, results, rollback, scores, train, verify, verify_receipt,
    watched,
};
pub use stored::{
    forecast_table::header as forecast_header,
    forecasted::Forecasted,
    model_version::{BothForecasts, ModelVersion, ObjectRef, TrainingInputs, VersionId},
    overview::{Overview, Standing, TickerOverview},
    receipt::{Champion, Receipt},
    record::{Segment, StoredRecord},
};
