//! For tests, here and in the adapters' crates: what a port promises, as checks, and ports in memory.

mod broken;
pub mod conformance;
mod faults;
mod intercept;
mod memory_archive;
mod memory_ledger;
mod memory_streams;

/// A snapshot as earlier releases archived it.
pub fn price_table(series: &forecasting::PriceSeries) -> Vec<u8> {
    crate::records::price_table::write(series)
}
pub use broken::Broken;
pub use faults::Faults;
pub use intercept::{Call, Intercept, Intercepted};
pub use memory_archive::MemoryArchive;
pub use memory_ledger::MemoryLedger;
