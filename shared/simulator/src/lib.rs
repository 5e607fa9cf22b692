//! Nights, rows and readers over ports that fail in every way, under one seed and a clock of their own.
//!
//! The stages, the ingest and the command's own order of a night are the real ones. A process may die at any call; a call may fail before its
//! effect or after it, have it later or twice, or never end. After each seed the nights are completed, and everything that is promised
//! is looked at (docs/reliability.md). What a seed finds it finds again, and its faults can be left out one by one until only those
//! remain that matter.

mod account;
mod actors;
mod chance;
mod check;
mod market;
mod process;
mod seed;
mod stores;

pub use chance::{Fault, Happened, Place};
pub use pipeline::testing::Broken;
pub use seed::{Found, Trial, follow};
pub use stores::Kind;

/// The fewest faults that are needed for what a seed finds: each is left out in turn, as long as anything is found without it.
pub fn shortest(seed: u64, trial: Trial) -> Found {
    let mut found = follow(seed, trial, None);
    loop {
        let before = found.happened.len();
        for place in found.happened.iter().rev().map(|happened| happened.place).collect::<Vec<Place>>() {
            let others = found.happened.iter().map(|happened| happened.place).filter(|other| *other != place);
            let shorter = follow(seed, trial, Some(others.collect()));
            if !shorter.violations.is_empty() {
                found = shorter;
            }
        }
        if found.happened.len() == before || found.violations.is_empty() {
            return found;
        }
    }
}
