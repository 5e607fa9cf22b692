use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::Broken;
use crate::{Archive, Created, Error, Key};

/// An archive that lasts as long as it is held.
#[derive(Debug, Default)]
pub struct MemoryArchive(Mutex<BTreeMap<String, Vec<u8>>>, Broken, Mutex<Vec<String>>);

/// So many objects are not on the disk yet, where that is forgotten.
const UNSYNCED: usize = 3;

impl MemoryArchive {
    /// One that does not keep a promise.
    pub fn broken(broken: Broken) -> MemoryArchive {
        MemoryArchive(Mutex::default(), broken, Mutex::default())
    }

    /// Another archive with the same objects.
    #[must_use]
    pub fn fork(&self) -> MemoryArchive {
        MemoryArchive(Mutex::new(self.objects()), self.1, Mutex::default())
    }

    /// Somebody died, or the power went: what was not on the disk is gone.
    pub fn lose_unsynced(&self) {
        let mut newest = self.2.lock().unwrap_or_else(PoisonError::into_inner);
        for key in newest.drain(..) {
            self.locked().remove(&key);
        }
    }

    /// Every object by its key.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Archive for MemoryArchive {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        let mut objects = self.locked();
        match objects.get(key.as_str()) {
            None => {
                objects.insert(key.to_string(), bytes.to_vec());
                if self.1 == Broken::Forgets {
                    let mut newest = self.2.lock().unwrap_or_else(PoisonError::into_inner);
                    newest.push(key.to_string());
                    if newest.len() > UNSYNCED {
                        newest.remove(0);
                    }
                }
                Ok(Created::New)
            }
            Some(_) if self.1 == Broken::Overwrites => {
                objects.insert(key.to_string(), bytes.to_vec());
                Ok(Created::New)
            }
            Some(standing) if standing == bytes => Ok(Created::Existed),
            Some(_) => Err(Error::Conflict { key: key.to_string() }),
        }
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.locked().get(key.as_str()).cloned())
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.locked().remove(key.as_str());
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        Ok(self.locked().keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }
}
