//! Closing Bell in an AWS account: the archive is a bucket, the ledger a table.
//!
//! `docs/aws.md` lists the table's items and what each call costs.

mod clients;
mod dynamo_ledger;
mod failure;
mod s3_archive;

pub use clients::Clients;
pub use dynamo_ledger::DynamoLedger;
pub use s3_archive::S3Archive;
