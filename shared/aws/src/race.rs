//! Two writers at one object at the same moment: the store tells one of them to come again.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use pipeline::Error;

/// Why an attempt came to nothing.
pub(crate) enum Setback {
    /// Another writer is at it: its outcome stands a moment later.
    Raced(Error),
    /// Anything else; the SDK has retried what is worth it.
    Failed(Error),
}

impl From<Error> for Setback {
    fn from(error: Error) -> Setback {
        Setback::Failed(error)
    }
}

/// Makes an attempt, and makes it again where it was raced: up to five times, 50 ms to 1 s apart, with jitter.
pub(crate) async fn until_settled<T, F: Future<Output = Result<T, Setback>>>(
    attempt: impl FnMut() -> F,
) -> Result<T, Error> {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(5)
        .with_jitter();
    let outcome = attempt.retry(pauses).when(|setback| matches!(setback, Setback::Raced(_))).await;
    outcome.map_err(|setback| match setback {
        Setback::Raced(error) | Setback::Failed(error) => error,
    })
}
