use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Call, Intercept};
use crate::Error;

/// Which call fails, counted over every port that shares it.
#[derive(Debug, Default)]
pub struct Faults {
    calls: AtomicUsize,
    fails: Option<usize>,
    after_effect: bool,
}

impl Faults {
    /// The call with this number fails, from 1: before it has any effect, or after it has had it.
    pub fn at(call: usize, after_effect: bool) -> Faults {
        Faults { calls: AtomicUsize::new(0), fails: Some(call), after_effect }
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Intercept for Faults {
    async fn intercept<T: Send>(
        &self,
        _: Call<'_>,
        effect: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let fails = Some(self.calls.fetch_add(1, Ordering::Relaxed) + 1) == self.fails;
        let gone = || {
            let (what, reason) = ("a port".to_owned(), "it was made to fail".to_owned());
            Error::Store { what, action: "reached", reason, transient: true }
        };
        match (fails, self.after_effect) {
            (false, _) => effect.await,
            (true, false) => Err(gone()),
            (true, true) => effect.await.and(Err(gone())),
        }
    }
}
