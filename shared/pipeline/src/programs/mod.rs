//! What every adapter of [`crate::Programs`] shares: what is said about a series, and when a program is not asked any more.

pub mod conversation;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use forecasting::ProgramName;

/// Why a program said nothing.
#[derive(Debug)]
pub enum Silence {
    /// It did not answer in time: the next series would wait as long.
    TooSlow(String),
    /// Anything else, which may be about this series.
    Other(String),
}

/// Who fails so often in a row is not asked any more: it would cost every series the time of a start.
const MAX_FAILURES: u32 = 3;

/// Which programs are not asked any more, for as long as this is kept.
#[derive(Debug, Default)]
pub struct Failures(Mutex<BTreeMap<ProgramName, Failing>>);

#[derive(Debug, Default)]
struct Failing {
    /// Answers that it owed, one after the other.
    in_a_row: u32,
    /// Why it is not asked any more.
    given_up: Option<String>,
}

impl Failures {
    /// Whether a program is still asked, or why it is not.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self, program: ProgramName) -> Result<(), String> {
        let failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failing.get(&program).and_then(|failing| failing.given_up.clone()).map_or(Ok(()), Err)
    }

    /// Takes notice of what came of asking.
    ///
    /// # Errors
    /// The reason of the silence, where it was one.
    pub fn settle<T>(&self, program: ProgramName, said: Result<T, Silence>) -> Result<T, String> {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = failing.entry(program).or_default();
        let (reason, slow) = match said {
            Ok(said) => {
                failing.in_a_row = 0;
                return Ok(said);
            }
            Err(Silence::TooSlow(reason)) => (reason, true),
            Err(Silence::Other(reason)) => (reason, false),
        };
        failing.in_a_row += 1;
        if slow || failing.in_a_row >= MAX_FAILURES {
            failing.given_up = Some(format!("it is not asked any more tonight: {reason}"));
        }
        Err(reason)
    }
}
