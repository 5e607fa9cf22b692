//! Closing Bell over HTTP: one router, for a function URL in the cloud and for one machine. It reads, and changes nothing.

mod problem;
mod query;
mod router;

pub use problem::Problem;
pub use router::router;
