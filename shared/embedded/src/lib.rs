//! Closing Bell on one machine: the ports on a directory and a SQLite file, recorded market data, and the command.

mod cached_market;
mod csv_market;
mod directory_archive;
mod disk;
mod drift;
mod kafka;
mod lock;
mod night;
mod postgres;
mod programs;
mod recorded_market;
mod sqlite_ledger;
mod sqlite_streams;
mod stream_demo;

pub mod command;

pub use cached_market::CachedMarket;
pub use csv_market::CsvMarket;
pub use directory_archive::DirectoryArchive;
pub use lock::Lock;
pub use night::Night;
pub use programs::RunningPrograms;
pub use recorded_market::RecordedMarket;
pub use sqlite_ledger::SqliteLedger;
pub use sqlite_streams::SqliteStreams;
