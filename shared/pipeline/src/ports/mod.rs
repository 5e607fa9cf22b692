//! The ports: what the stages need of the world. Each is a contract in prose; `conformance` holds adapters to it.

mod archive;
mod ledger;
mod market_data;
mod programs;

pub use archive::{Archive, Created};
pub use ledger::{Appended, Attempt, Ledger, OfRun, Pointing, Stage, StageKey, StageRecord};
pub(crate) use market_data::MAX_AHEAD;
pub use market_data::{History, MarketData};
pub use programs::{NoPrograms, ProgramSettings, Programs, Question, Said};
