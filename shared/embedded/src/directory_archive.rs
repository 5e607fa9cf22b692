use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use pipeline::{Archive, Created, Error, Key};
use tempfile::NamedTempFile;

use crate::disk::{create_folder, wait_for};

/// An archive in a directory: one file an object, the key its path.
///
/// An object is written to a temporary file, forced to disk, and linked to its name, which fails where the name is taken:
/// so it is absent or whole, and the first writer wins. What a killed process left unfinished
/// is removed at the next start, and nothing else: a data directory may be any folder, with files of its owner's in it.
#[derive(Debug)]
pub struct DirectoryArchive {
    root: PathBuf,
}

/// Where files are written before they have their name.
const UNFINISHED: &str = ".closing-bell-unfinished";
const QUARANTINE: &str = "quarantine";
/// How such a file's name begins.
const UNFINISHED_FILE: &str = "unfinished-";

impl DirectoryArchive {
    /// Opens the archive for reading and writing, and clears away what a killed process left unfinished. The caller holds
    /// the directory's lock.
    ///
    /// # Errors
    /// [`Error::Store`] where the directory cannot be written.
    pub fn open(root: &Path) -> Result<DirectoryArchive, Error> {
        let what = root.display().to_string();
        let failed = failed(&what, "written");
        fs::create_dir_all(root.join(UNFINISHED)).map_err(&failed)?;
        let mut places = vec![root.join(UNFINISHED)];
        for entry in fs::read_dir(root).map_err(&failed)? {
            places.push(entry.map_err(&failed)?.path().join(UNFINISHED));
        }
        for place in places {
            for entry in absent_or(fs::read_dir(&place)).map_err(&failed)?.into_iter().flatten() {
                let entry = entry.map_err(&failed)?;
                if entry.file_name().to_string_lossy().starts_with(UNFINISHED_FILE) {
                    fs::remove_file(entry.path()).map_err(&failed)?;
                }
            }
        }
        Ok(DirectoryArchive { root: root.to_owned() })
    }

    /// Opens the archive for reading alone.
    pub fn read_only(root: &Path) -> DirectoryArchive {
        DirectoryArchive { root: root.to_owned() }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<Created> {
        let folder = path.parent().unwrap_or(&self.root);
        if let Some(existing) = absent_or(fs::read(path))? {
            // Its writer may have died before its name was safe on disk.
            File::open(folder)?.sync_all()?;
            return same(&existing, bytes);
        }
        create_folder(folder)?;
        let place = self.root.join(UNFINISHED);
        let named = match unfinished(&place, path, bytes)?.persist_noclobber(path) {
            // `models/` may be on another file system, across which nothing is linked.
            Err(error) if error.error.kind() == ErrorKind::CrossesDevices => {
                let inside = path.strip_prefix(&self.root).unwrap_or(path);
                let top = inside.components().next().map_or(self.root.clone(), |first| self.root.join(first));
                let place = top.join(UNFINISHED);
                create_folder(&place)?;
                unfinished(&place, path, bytes)?.persist_noclobber(path)
            }
            other => other,
        };
        match named {
            Ok(_) => {
                File::open(folder)?.sync_all()?;
                Ok(Created::New)
            }
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => same(&fs::read(path)?, bytes),
            Err(error) => Err(error.error),
        }
    }
}

/// A file with these bytes on the disk, which has no name of its own yet. What was refused is for its owner alone.
fn unfinished(place: &Path, path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let refused = path.components().any(|part| part.as_os_str() == QUARANTINE);
    let mode = Permissions::from_mode(if refused { 0o600 } else { 0o644 });
    let mut file = tempfile::Builder::new().prefix(UNFINISHED_FILE).permissions(mode).tempfile_in(place)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn same(existing: &[u8], bytes: &[u8]) -> io::Result<Created> {
    if existing == bytes { Ok(Created::Existed) } else { Err(ErrorKind::AlreadyExists.into()) }
}

fn absent_or<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn failed(what: &str, action: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::Store { what: what.to_owned(), action, reason: error.to_string(), transient: false }
}

#[async_trait]
impl Archive for DirectoryArchive {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        wait_for(|| self.write(&self.root.join(key.as_str()), bytes)).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::Conflict { key: key.to_string() },
            _ => failed(key.as_str(), "written")(error),
        })
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        wait_for(|| absent_or(fs::read(self.root.join(key.as_str())))).map_err(failed(key.as_str(), "read"))
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        let path = self.root.join(key.as_str());
        wait_for(|| absent_or(fs::remove_file(path))).map(|_| ()).map_err(failed(key.as_str(), "removed"))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        wait_for(|| self.keys(prefix))
    }
}

impl DirectoryArchive {
    fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut keys = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let found = absent_or(fs::read_dir(self.root.join(&folder))).map_err(failed(&folder, "listed"))?;
            let Some(entries) = found else { continue };
            for entry in entries {
                let entry = entry.map_err(failed(&folder, "listed"))?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                if name == UNFINISHED {
                    continue;
                }
                let key = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if entry.file_type().map_err(failed(&key, "listed"))?.is_dir() {
                    folders.push(key);
                } else if key.starts_with(prefix) {
                    keys.push(key);
                }
            }
        }
        keys.sort();
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a killed process left goes; whatever else the folder holds is its owner's.
    #[test]
    fn nothing_of_the_owners_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for (name, kept) in [
            ("tmp/precious", true),
            (".closing-bell-unfinished/precious", true),
            (".closing-bell-unfinished/unfinished-a1b2c3", false),
        ] {
            fs::create_dir_all(path(name).parent().expect("a parent")).expect("a folder");
            fs::write(path(name), "x").expect("writes");
            DirectoryArchive::open(folder.path()).expect("opens");
            assert_eq!(path(name).exists(), kept, "{name}");
        }
    }
}
