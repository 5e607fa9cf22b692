//! Signatures of runs: Ed25519 (RFC 8032) over the bytes of a run's transcript, in which each of its receipts stands, with the digest of
//! everything else that came of it. Whoever has the public key sees that a history is the key's owner's, even where archive and ledger have
//! been rewritten together. `reports/{run}/signature-{16 digits}.json` is named after the transcript.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{
    SigningKey, VerifyingKey,
    ed25519::signature::Signer as _,
    pkcs8::{DecodePrivateKey, DecodePublicKey},
};
use serde::{Deserialize, Serialize};

use crate::{Archive, Created, Digest, Error, Key, ObjectRef};

/// A private key, to sign with.
pub struct Signer(SigningKey);

/// Whose signatures are looked for.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// As it is stored: bytes in base64, so that other tools verify it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    public_key: String,
    signature: String,
}

const FORMAT: u32 = 1;

impl Signer {
    /// A key as `openssl genpkey -algorithm ed25519` writes it (PKCS #8 in PEM).
    ///
    /// # Errors
    /// In words, without what was given.
    pub fn from_pem(pem: &str) -> Result<Signer, String> {
        let key = SigningKey::from_pkcs8_pem(pem.trim());
        key.map(Signer).map_err(|error| {
            format!("no private key for Ed25519 in PEM ({error}): `openssl genpkey -algorithm ed25519` makes one")
        })
    }

    /// The key that verifies what this one signs.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    fn sign(&self, bytes: &[u8]) -> Stored {
        Stored {
            format: FORMAT,
            public_key: BASE64_STANDARD.encode(self.0.verifying_key().as_bytes()),
            signature: BASE64_STANDARD.encode(self.0.sign(bytes).to_bytes()),
        }
    }
}

/// Keeps the key out of logs.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer of {:?}", self.public_key())
    }
}

impl PublicKey {
    /// A key as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// In words.
    pub fn from_pem(pem: &str) -> Result<PublicKey, String> {
        let key = VerifyingKey::from_public_key_pem(pem.trim());
        key.map(PublicKey).map_err(|error| {
            format!("no public key for Ed25519 in PEM ({error}): `openssl pkey -in PRIVATE -pubout` writes one")
        })
    }

    /// The key's 32 bytes in base64, as signatures name it.
    pub fn name(&self) -> String {
        BASE64_STANDARD.encode(self.0.as_bytes())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Where the signature of a transcript lies.
pub(crate) fn signature_of(transcript: &ObjectRef) -> Option<Key> {
    let run = Key::run_of_report(transcript.key.as_str())?;
    Some(Key::report(&run, &format!("signature-{}.json", transcript.sha256.as_str().get(..16)?)))
}

/// Whose signature of these bytes it is.
///
/// # Errors
/// In words, where it is none.
pub(crate) fn signed_by(signature: &[u8], bytes: &[u8]) -> Result<PublicKey, String> {
    let stored: Stored = serde_json::from_slice(signature).map_err(|error| error.to_string())?;
    if stored.format != FORMAT {
        return Err(format!("its format {} is a later release's", stored.format));
    }
    let decoded = |text: &str| BASE64_STANDARD.decode(text).map_err(|error| error.to_string());
    let key = decoded(&stored.public_key)?.try_into().map_err(|_| "its public key has not 32 bytes")?;
    let key = VerifyingKey::from_bytes(&key).map_err(|error| error.to_string())?;
    let signature = decoded(&stored.signature)?.try_into().map_err(|_| "it has not 64 bytes")?;
    let verified = key.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(&signature));
    verified.map(|()| PublicKey(key)).map_err(|_| "it is not the signature of this transcript".to_owned())
}

/// An archive in which each transcript is signed once it is written, and before its run is closed.
pub struct Signed {
    archive: Arc<dyn Archive>,
    signer: Signer,
}

impl Signed {
    /// Signs what is written to this archive.
    pub fn new(archive: Arc<dyn Archive>, signer: Signer) -> Signed {
        Signed { archive, signer }
    }
}

#[async_trait]
impl Archive for Signed {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        let created = self.archive.create(key, bytes).await?;
        if Key::transcript(key.as_str()).is_some()
            && let Some(beside) = signature_of(&ObjectRef { key: key.clone(), sha256: Digest::of(bytes) })
        {
            let signature = serde_json::to_vec(&self.signer.sign(bytes)).expect("a signature is plain data");
            match self.archive.create(&beside, &signature).await {
                // With the key before this one: it was signed then.
                Err(Error::Conflict { .. }) => {}
                signed => signed.map(|_| ())?,
            }
        }
        Ok(created)
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        self.archive.read(key).await
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.archive.remove(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.archive.list(prefix).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first test of RFC 8032, section 7.1, in the form of RFC 8410.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn signatures_are_those_of_the_standard() {
        let signer = Signer::from_pem(PRIVATE).expect("a key");
        assert_eq!(signer.public_key(), PublicKey::from_pem(PUBLIC).expect("a key"));
        let signature = BASE64_STANDARD.decode(signer.sign(b"").signature).expect("base64");
        assert_eq!(signature[..4], [0xe5, 0x56, 0x43, 0x00]);
        assert!(!format!("{signer:?}").contains("nWGx"));
    }

    #[test]
    fn what_is_another_is_refused() {
        let signer = Signer::from_pem(PRIVATE).expect("a key");
        let signature = serde_json::to_vec(&signer.sign(b"a transcript")).expect("plain data");
        assert_eq!(signed_by(&signature, b"a transcript").expect("verifies"), signer.public_key());
        assert!(signed_by(&signature, b"another").is_err());
        for place in 0..signature.len() {
            let mut flipped = signature.clone();
            flipped[place] ^= 1;
            assert!(signed_by(&flipped, b"a transcript").is_err(), "byte {place}");
        }
        for pem in ["", "key", PUBLIC, "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----"] {
            assert!(Signer::from_pem(pem).is_err(), "{pem}");
        }
        assert!(PublicKey::from_pem(PRIVATE).is_err());
    }
}
