//! The ports in memory keep the ports' contracts.

use pipeline::testing::{MemoryArchive, MemoryLedger, conformance};

#[tokio::test]
async fn archive_in_memory() {
    conformance::archive(&MemoryArchive::default()).await;
}

#[tokio::test]
async fn ledger_in_memory() {
    conformance::ledger(&MemoryLedger::default()).await;
}
