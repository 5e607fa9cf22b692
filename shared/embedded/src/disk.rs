//! Disk work, which may take its time, beside the threads that answer.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use pipeline::Error;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Does what waits for the disk: on a runtime of several threads the others take over meanwhile what this one had in hand.
pub(crate) fn wait_for<T>(work: impl FnOnce() -> T) -> T {
    let several = Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if several { tokio::task::block_in_place(work) } else { work() }
}

/// Creates a folder and forces each new entry on the way to disk.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(parent)?.sync_all(),
    }
}

/// The file that a name stood for when it was opened. Whoever holds it open would go on reading and writing it when it is long deleted.
#[derive(Debug)]
pub(crate) struct OpenedFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl OpenedFile {
    pub(crate) fn at(path: &Path) -> OpenedFile {
        OpenedFile { path: path.to_owned(), identity: identity(path) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name must still stand for it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if identity(&self.path) == self.identity {
            return Ok(());
        }
        Err(Error::Store {
            what: self.path.display().to_string(),
            action: "used",
            reason: "it is gone, or another file than the one that was opened: put it back, and start again".to_owned(),
            transient: false,
        })
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|data| (data.dev(), data.ino()))
}
