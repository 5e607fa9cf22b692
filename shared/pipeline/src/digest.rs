//! SHA-256 of contents, in hexadecimal.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Digest(String);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::in_hex(&Sha256::digest(bytes))
    }

    fn in_hex(hash: &[u8]) -> Digest {
        let mut text = String::with_capacity(64);
        for byte in hash {
            write!(text, "{byte:02x}").expect("a string takes every write");
        }
        Digest(text)
    }

    /// The digest with this hash of 32 bytes, as [`Digest::hash`] gives it.
    ///
    /// # Errors
    /// In words, for any other number of bytes.
    pub fn of_hash(hash: &[u8]) -> Result<Digest, String> {
        if hash.len() == 32 { Ok(Digest::in_hex(hash)) } else { Err(format!("{} bytes are no SHA-256", hash.len())) }
    }

    /// As 32 bytes.
    pub fn hash(&self) -> Vec<u8> {
        let digits = self.0.as_bytes().chunks(2);
        digits
            .map(|pair| str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0))
            .collect()
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits, as they stand in keys.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}
