//! A process: what it calls may fail, and it may die at any call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::{Either, select};
use pipeline::Error;
use tokio::sync::Notify;

use crate::chance::{Chance, Fault};

/// Nothing takes longer, by the simulation's clock: who hangs is killed.
const LONGEST_LIFE: Duration = Duration::from_hours(12);

/// Something that runs, such as the command or a function: by its number, it has faults of its own.
#[derive(Debug)]
pub(crate) struct Process {
    number: usize,
    chance: Arc<Chance>,
    calls: AtomicU64,
    killed: Notify,
    /// Nothing befalls it.
    spared: bool,
}

impl Process {
    /// One whose calls may fail.
    pub(crate) fn new(number: usize, chance: Arc<Chance>) -> Arc<Process> {
        Arc::new(Process { number, chance, calls: AtomicU64::new(0), killed: Notify::new(), spared: false })
    }

    /// One whose calls do not.
    pub(crate) fn spared(chance: Arc<Chance>) -> Arc<Process> {
        Arc::new(Process { number: 0, chance, calls: AtomicU64::new(0), killed: Notify::new(), spared: true })
    }

    /// Lives for as long as it takes, or until it is killed.
    pub(crate) async fn live<T>(&self, died: &(dyn Fn() + Send + Sync), work: impl Future<Output = T>) -> Option<T> {
        let killed = tokio::time::timeout(LONGEST_LIFE, self.killed.notified());
        match select(Box::pin(work), Box::pin(killed)).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => {
                died();
                None
            }
        }
    }

    /// A call, and what it does to the store. `again` does the same once more, whenever it is awaited.
    pub(crate) async fn call<T, A: Future<Output = ()> + Send + 'static>(
        &self,
        what: impl FnOnce() -> String,
        effect: impl Future<Output = Result<T, Error>>,
        again: impl FnOnce() -> Option<A>,
    ) -> Result<T, Error> {
        if self.spared {
            return effect.await;
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let place = (self.number, number);
        let (taken, fault) = self.chance.of(place, what);
        tokio::time::sleep(taken).await;
        let gone = |transient| Error::Store {
            what: "a store".to_owned(),
            action: "reached",
            reason: "the simulator says so".to_owned(),
            transient,
        };
        let later = |again: Option<A>| {
            let Some(again) = again else { return };
            let delay = Duration::from_secs(5 + 10 * (number % 7));
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                again.await;
            });
        };
        match fault {
            None => effect.await,
            Some(Fault::Before) => Err(gone(true)),
            Some(Fault::Refused) => Err(gone(false)),
            Some(Fault::After) => effect.await.and(Err(gone(true))),
            Some(Fault::Late) => {
                later(again());
                Err(gone(true))
            }
            Some(Fault::Twice) => {
                let done = effect.await;
                later(again());
                done
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::DieBefore) => {
                self.killed.notify_one();
                std::future::pending().await
            }
            Some(Fault::DieAfter) => {
                drop(effect.await);
                self.killed.notify_one();
                std::future::pending().await
            }
        }
    }
}
