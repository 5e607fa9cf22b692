//! Who signs runs, and whose signatures are looked for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use pipeline::{Archive, PublicKey, Signed, Signer};

use super::Failure;

/// Holds a private key in PEM, or names the file that does.
const VARIABLE: &str = "CLOSING_BELL_SIGNING_KEY";
/// A key has less than two hundred.
const MAX_BYTES: u64 = 10_000;

/// Who signs on this machine; none where nobody does.
pub(super) fn signer() -> Result<Option<Signer>, Failure> {
    let Some(value) = std::env::var(VARIABLE).ok().filter(|value| !value.trim().is_empty()) else { return Ok(None) };
    let pem = if value.trim_start().starts_with("-----") {
        value
    } else {
        read(Path::new(value.trim()), &format!("{VARIABLE}: "))?
    };
    Signer::from_pem(&pem).map(Some).map_err(|reason| Failure::Usage(format!("{VARIABLE}: {reason}")))
}

/// An archive whose transcripts are signed, where somebody signs.
pub(super) fn signed(archive: Arc<dyn Archive>, signer: Option<Signer>) -> Arc<dyn Archive> {
    match signer {
        Some(signer) => Arc::new(Signed::new(archive, signer)),
        None => archive,
    }
}

/// The keys in these files.
pub(super) fn public_keys(files: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    let key = |file: &PathBuf| {
        PublicKey::from_pem(&read(file, "")?).map_err(|reason| Failure::Usage(format!("{}: {reason}", file.display())))
    };
    files.iter().map(key).collect()
}

fn read(file: &Path, who: &str) -> Result<String, Failure> {
    let unreadable = |reason: &dyn std::fmt::Display| Failure::Usage(format!("{who}{}: {reason}", file.display()));
    let length = std::fs::metadata(file).map_err(|error| unreadable(&error))?.len();
    if length > MAX_BYTES {
        return Err(unreadable(&"it is too large for a key"));
    }
    std::fs::read_to_string(file).map_err(|error| unreadable(&error))
}
