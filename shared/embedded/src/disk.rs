//! Disk work, which may take its time, beside the threads that answer.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does what waits for the disk: on a runtime of several threads the others take over meanwhile what this one had in hand.
pub(crate) fn wait_for<T>(work: impl FnOnce() -> T) -> T {
    let several = Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if several { tokio::task::block_in_place(work) } else { work() }
}
