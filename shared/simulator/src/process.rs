//! A process: what it calls may fail, and it may die at any call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, Either, FutureExt, select};
use pipeline::{
    Error,
    testing::{Call, Intercept},
};
use tokio::sync::Notify;

use crate::{
    chance::{Chance, Fault},
    stores::Stores,
};

/// Nothing takes longer, by the simulation's clock: who hangs is killed.
const MAX_LIFE: Duration = Duration::from_hours(12);

/// Something that runs, such as the command or a function: by its number, it has faults of its own.
pub(crate) struct Process {
    number: usize,
    chance: Arc<Chance>,
    /// As they are without it.
    stores: Stores,
    calls: AtomicU64,
    killed: Notify,
    /// Nothing befalls it.
    spared: bool,
}

impl Process {
    /// One whose calls may fail.
    pub(crate) fn new(number: usize, chance: Arc<Chance>, stores: Stores) -> Arc<Process> {
        Arc::new(Process { number, chance, stores, calls: AtomicU64::new(0), killed: Notify::new(), spared: false })
    }

    /// One whose calls do not.
    pub(crate) fn spared(chance: Arc<Chance>, stores: Stores) -> Arc<Process> {
        Arc::new(Process { number: 0, chance, stores, calls: AtomicU64::new(0), killed: Notify::new(), spared: true })
    }

    /// Lives for as long as it takes, or until it is killed.
    pub(crate) async fn live<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let killed = tokio::time::timeout(MAX_LIFE, self.killed.notified());
        match select(Box::pin(work), Box::pin(killed)).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => {
                (self.stores.died)();
                None
            }
        }
    }

    /// The same once more, where it writes and may be on its way for long.
    fn again(&self, call: Call<'_>) -> Option<BoxFuture<'static, ()>> {
        let Stores { archive, ledger, streams, .. } = self.stores.clone();
        match call {
            Call::Create(key, bytes) => {
                let (key, bytes) = (key.clone(), bytes.to_vec());
                Some(async move { drop(archive.create(&key, &bytes).await) }.boxed())
            }
            Call::OpenRun(run) => {
                let run = run.clone();
                Some(async move { drop(ledger.open_run(&run).await) }.boxed())
            }
            Call::Append(ticker, records, expected) => {
                let (ticker, records, expected) = (ticker.clone(), records.to_vec(), expected.cloned());
                Some(async move { drop(ledger.append(&ticker, &records, expected.as_ref()).await) }.boxed())
            }
            Call::Keep(step) => {
                let step = step.clone();
                Some(async move { drop(streams.keep(&step).await) }.boxed())
            }
            _ => None,
        }
    }
}

impl Intercept for Process {
    async fn intercept<T: Send>(
        &self,
        call: Call<'_>,
        effect: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        if self.spared {
            return effect.await;
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let place = (self.number, number);
        let (taken, fault) = self.chance.of(place, || call.to_string());
        tokio::time::sleep(taken).await;
        let gone = |transient| Error::Store {
            what: "a store".to_owned(),
            action: "reached",
            reason: "the simulator says so".to_owned(),
            transient,
        };
        let later = || {
            let Some(again) = self.again(call) else { return };
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
                later();
                Err(gone(true))
            }
            Some(Fault::Twice) => {
                let done = effect.await;
                later();
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
