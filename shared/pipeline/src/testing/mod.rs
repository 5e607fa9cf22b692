//! For tests, here and in the adapters' crates: what a port promises, as checks, and ports in memory.

pub mod conformance;
mod failing;
mod memory_archive;
mod memory_ledger;

pub use crate::records::price_table::write as price_table;
pub use failing::{Failing, Faults};
pub use memory_archive::MemoryArchive;
pub use memory_ledger::MemoryLedger;
