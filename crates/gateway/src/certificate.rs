//! The certificate that visitors' browsers see: read from two files, read again when they change or when somebody says so.
//! One that cannot be used leaves the one before in place.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use base::limit::Settings;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use runtime::clock::Clock;
use runtime::http::metrics::Metrics;
use runtime::shutdown::Shutdown;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::limit::{TLS_CERTIFICATE, TLS_KEY};

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(2);
/// What is offered (RFC 7301): whoever speaks neither gets HTTP/1.1.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Only one of the two files is named.
    #[error("tls.certificate and tls.key belong together: give both, or neither")]
    Half,
    /// A file cannot be read, or holds something else.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The two do not belong together, or are of a kind that TLS does not take.
    #[error("the certificate and its key cannot be used: {0}")]
    Unfit(#[from] rustls::Error),
}

/// A certificate and its key.
pub struct Certificate {
    files: [PathBuf; 2],
    acceptor: ArcSwap<TlsAcceptor>,
    asked: Notify,
    loaded: Gauge,
    failed: Counter,
}

impl Certificate {
    /// What the settings name, relative to the data folder; none where they name nothing.
    pub fn open(
        data: &Path,
        settings: &Settings,
        clock: &Clock,
        metrics: &Metrics,
    ) -> Result<Option<Arc<Self>>, CertificateError> {
        let files = match [&TLS_CERTIFICATE, &TLS_KEY].map(|file| settings.text(file)) {
            ["", ""] => return Ok(None),
            ["", _] | [_, ""] => return Err(CertificateError::Half),
            files => files.map(|file| data.join(file)),
        };
        let (loaded, failed) = (Gauge::default(), Counter::default());
        metrics.register(|registry| {
            registry.register(
                "gateway_certificate_loaded_timestamp_seconds",
                "When the certificate in use was read",
                loaded.clone(),
            );
            registry.register(
                "gateway_certificate_failures",
                "Times that changed certificate files could not be used",
                failed.clone(),
            );
        });
        let acceptor = ArcSwap::from_pointee(read(&files)?);
        loaded.set(clock.now().micros() / 1_000_000);
        Ok(Some(Arc::new(Self {
            files,
            acceptor,
            asked: Notify::new(),
            loaded,
            failed,
        })))
    }

    /// Shakes hands by the certificate in use.
    pub fn acceptor(&self) -> Arc<TlsAcceptor> {
        self.acceptor.load_full()
    }

    /// Reads it again now, changed or not.
    pub fn ask_again(&self) {
        self.asked.notify_one();
    }

    /// Looks at the files again and again, until asked to stop.
    pub async fn keep_looking(&self, clock: &Clock, stop: &Shutdown) {
        let mut known = self.changed();
        loop {
            let asked = tokio::select! {
                () = clock.sleep(LOOK) => false,
                () = self.asked.notified() => true,
                () = stop.wait() => return,
            };
            let now = self.changed();
            if !asked && now == known {
                continue;
            }
            known = now;
            match read(&self.files) {
                Ok(acceptor) => {
                    self.acceptor.store(Arc::new(acceptor));
                    self.loaded.set(clock.now().micros() / 1_000_000);
                    tracing::info!("the certificate was read again");
                }
                Err(error) => {
                    self.failed.inc();
                    tracing::error!(%error, "the new certificate cannot be used: the one before stays");
                }
            }
        }
    }

    fn changed(&self) -> [Option<(SystemTime, u64)>; 2] {
        self.files.each_ref().map(|file| {
            let seen = std::fs::metadata(file).ok()?;
            Some((seen.modified().ok()?, seen.len()))
        })
    }
}

fn read([certificate, key]: &[PathBuf; 2]) -> Result<TlsAcceptor, CertificateError> {
    let wrong = |path: &Path, cause: String| CertificateError::File {
        path: path.to_owned(),
        cause,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(certificate, error.to_string()));
    let chain = chain?;
    if chain.is_empty() {
        return Err(wrong(
            certificate,
            io::Error::from(io::ErrorKind::InvalidData).to_string(),
        ));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(TlsAcceptor::from(Arc::new(config)))
}
