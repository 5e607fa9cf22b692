use async_trait::async_trait;

use crate::{Error, Key};

/// What became of a [`Archive::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The object is new.
    New,
    /// It was there already, with the same bytes.
    Existed,
}

/// Immutable objects by key.
///
/// * **Atomic.** An object is absent or whole; no reader ever sees a part of it, whenever the writer dies. After `create`
///   has answered, the object survives a power cut.
/// * **Create once.** Nothing is overwritten, and nothing removed but by [`Archive::remove`]. Creating the same bytes again answers [`Created::Existed`];
///   other bytes under an existing key are [`Error::Conflict`], and the object stays as it is. Of two writers at the same
///   moment one is first, the other gets one of these answers.
/// * **Read your writes.** What `create` has answered for is seen by every later `read` and `list`.
/// * **Absent** is `None`, never an error. A retry of any call is harmless.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Creates an object.
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error>;

    /// The object's bytes; `None` where there is none.
    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error>;

    /// Removes an object; one that is not there is removed already. Only retention asks for it.
    async fn remove(&self, key: &Key) -> Result<(), Error>;

    /// Keys that start with this prefix, in ascending order.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error>;
}
