//! Closing Bell in an AWS account: the archive is a bucket ([`S3Archive`]), the ledger a table ([`DynamoLedger`], whose items
//! its module lists), and [`serve`] makes a Lambda function of a stage.

mod admission;
mod batch;
mod cloud;
mod dynamo_ledger;
mod events;
mod executions;
mod failure;
mod former;
mod item;
mod list;
mod log;
mod metrics;
mod model_functions;
mod race;
mod s3_archive;
mod secret_parameter;
mod serve;
mod start;
mod streams;
mod table;

pub use admission::{Admitted, Executions};
pub use batch::{Answer, Batch};
pub use cloud::{Cloud, OPERATION, Unset, bucket, table};
pub use dynamo_ledger::DynamoLedger;
pub use events::{Events, published};
pub use executions::Failure;
pub use list::write_list;
pub use metrics::measured;
pub use model_functions::ModelFunctions;
pub use s3_archive::S3Archive;
pub use secret_parameter::SecretParameter;
pub use serve::{TRANSIENT, name, serve, start_logging};
pub use start::{Start, StartPlan};
