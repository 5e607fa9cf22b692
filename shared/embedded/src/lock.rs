use std::{
    fs::{File, TryLockError},
    path::Path,
};

/// How the message begins that another process holds it.
pub(crate) const BUSY: &str = "another closing-bell is working on";

/// Held while a command writes to a data directory. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the directory's lock.
    ///
    /// # Errors
    /// A message where another process holds it, or the directory cannot be written.
    pub fn take(directory: &Path) -> Result<Lock, String> {
        let failed = |error: std::io::Error| format!("{} cannot be written: {error}", directory.display());
        std::fs::create_dir_all(directory).map_err(failed)?;
        let file = File::create(directory.join("lock")).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(format!("{BUSY} {}: wait for it to end", directory.display())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
