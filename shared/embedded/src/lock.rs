use std::{
    fs::{File, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use pipeline::Error;

use crate::{directory_archive::failed, disk::create_folder};

/// Held while a command writes to a data directory. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] File);

const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

impl Lock {
    /// Takes the directory's lock.
    ///
    /// # Errors
    /// [`Error::Busy`] where another process holds it, [`Error::Store`] where the directory cannot be written.
    pub fn take(directory: &Path) -> Result<Lock, Error> {
        let what = directory.display().to_string();
        let failed = failed(&what, "written");
        create_folder(directory).map_err(&failed)?;
        // A link in its place would have another file opened, and emptied.
        let mut options = File::options();
        options.write(true).create(true).truncate(false).custom_flags(NO_FOLLOW);
        let file = options.open(directory.join("lock")).map_err(&failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Busy { what: directory.display().to_string() }),
            Err(TryLockError::Error(error)) => Err(Error::Store {
                what: what.clone(),
                action: "locked",
                reason: format!("{error}; the data directory needs a file system with locks, such as a local disk"),
                transient: false,
            }),
        }
    }
}
