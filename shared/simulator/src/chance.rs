//! Everything that a seed decides. Processes are numbered, and their calls; what befalls one follows from the seed and these numbers alone. A
//! fault that is left out leaves those before it as they are, so that a failing schedule can be shortened.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It fails, and has had no effect: 429, 500, or a connection that is refused.
    Before,
    /// It fails, and has had its effect: a time-out.
    After,
    /// It fails, and has its effect later: a request that was given up and is still on its way.
    Late,
    /// It has its effect, and has it again later: delivered twice.
    Twice,
    /// It fails for good: no permission, as far as the store says.
    Refused,
    /// It never ends: whoever waits is killed in the end.
    Hang,
    /// The process dies before it.
    DieBefore,
    /// The process dies after it.
    DieAfter,
}

const FAULTS: [Fault; 8] = [
    Fault::Before,
    Fault::After,
    Fault::Late,
    Fault::Twice,
    Fault::Refused,
    Fault::Hang,
    Fault::DieBefore,
    Fault::DieAfter,
];

/// A call: of which process, and which of its calls.
pub type Place = (usize, u64);

/// A fault that happened, and to what.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
    /// In words.
    pub call: String,
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (process, call) = self.place;
        write!(f, "process {process}, call {call}: {:?} at {}", self.fault, self.call)
    }
}

/// A seed, and what it has done so far.
#[derive(Debug)]
pub(crate) struct Chance {
    seed: u64,
    /// Of a thousand calls, so many fail.
    rate: u32,
    /// Where a schedule is shortened: these faults alone.
    only: Option<BTreeSet<Place>>,
    happened: Mutex<Vec<Happened>>,
}

impl Chance {
    /// All faults of a seed, or some of them.
    pub(crate) fn new(seed: u64, only: Option<BTreeSet<Place>>) -> Chance {
        let rate = [5, 20, 60][usize::from(seed.to_le_bytes()[0] % 3)];
        Chance { seed, rate, only, happened: Mutex::default() }
    }

    /// Random numbers for one purpose.
    pub(crate) fn stream(&self, purpose: &str, number: u64) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&number.to_le_bytes());
        let name = &purpose.as_bytes()[..purpose.len().min(16)];
        key[16..16 + name.len()].copy_from_slice(name);
        ChaCha8Rng::from_seed(key)
    }

    /// How long a call takes, and what befalls it.
    pub(crate) fn of(&self, place: Place, call: impl FnOnce() -> String) -> (Duration, Option<Fault>) {
        let (process, number) = place;
        let mut random = self.stream("call", ((process as u64) << 32) | number);
        let taken = Duration::from_millis(random.random_range(0..50));
        let struck = random.random_range(0..1000) < self.rate;
        let fault = FAULTS[random.random_range(0..FAULTS.len())];
        if !struck || self.only.as_ref().is_some_and(|only| !only.contains(&place)) {
            return (taken, None);
        }
        let mut happened = self.happened.lock().unwrap_or_else(PoisonError::into_inner);
        happened.push(Happened { place, fault, call: call() });
        (taken, Some(fault))
    }

    /// The faults so far.
    pub(crate) fn happened(&self) -> Vec<Happened> {
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
