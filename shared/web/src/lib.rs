//! Closing Bell over HTTP: one router, for a function URL in the cloud and for one machine.
//!
//! [`Site`] answers reads: JSON and CSV for programs, pages for people, pictures for both. What starts a run writes, and is
//! [`start_router`]: on one machine part of the same site, in the cloud a function of its own.

mod api;
mod asked;
mod assets;
mod cache;
mod doorkeeper;
mod format;
mod log;
mod pages;
mod paging;
mod parameters;
mod pictures;
mod problem;
mod sign_in;
mod site;
mod stores;

pub use api::{
    decide::Decides,
    ingest::Ingests,
    openapi,
    start::{RunRequest, Started, Starts, start_router},
};
pub use problem::Problem;
pub use sign_in::{Keys, Role};
pub use site::Site;
