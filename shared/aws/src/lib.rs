//! Closing Bell's ports in an AWS account: the archive is a bucket ([`S3Archive`]), the ledger a table ([`DynamoLedger`],
//! whose items its module lists).

mod clients;
mod dynamo_ledger;
mod failure;
mod item;
mod race;
mod s3_archive;

pub use clients::Clients;
pub use dynamo_ledger::DynamoLedger;
pub use s3_archive::S3Archive;
