//! TLS, with a certificate that is read again when its files have changed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

/// How often its files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// A certificate's chain and its key, as PEM files.
#[derive(Debug)]
pub(super) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    now: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads it. What serves is the newest that could be read.
    ///
    /// # Errors
    /// What is wrong with the files, in words.
    pub(super) fn acceptor(chain: &Path, key: &Path) -> Result<TlsAcceptor, String> {
        let now = RwLock::new(Arc::new(read(chain, key)?));
        let certificate = Arc::new(Certificate { chain: chain.to_owned(), key: key.to_owned(), now });
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = config.with_no_client_auth().with_cert_resolver(certificate.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        tokio::spawn(certificate.look_again());
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    async fn look_again(self: Arc<Self>) {
        let mut known = self.changed();
        loop {
            tokio::time::sleep(LOOK).await;
            let changed = self.changed();
            if changed == known {
                continue;
            }
            match read(&self.chain, &self.key) {
                Ok(newer) => {
                    *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(newer);
                    known = changed;
                    tracing::info!("the certificate is read again");
                }
                // Half of the two may have been written.
                Err(error) => tracing::warn!(error, "the certificate cannot be read again: the one before serves on"),
            }
        }
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.chain, &self.key].map(|path| fs::metadata(path).and_then(|data| data.modified()).ok())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let wrong = |path: &Path, error: String| format!("{}: {error}", path.display());
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(chain, "it holds no certificate".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    CertifiedKey::from_der(certificates, private, &ring::default_provider())
        .map_err(|error| wrong(key, format!("it does not go with {}: {error}", chain.display())))
}
