//! What a connection passes before its first request is read: the PROXY header of a proxy of ours, where the listener
//! expects one, then TLS, where there is a certificate; and from there on its bytes are followed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::limit::Settings;
use prometheus_client::metrics::counter::Counter;
use reliability::overload::client_address::Networks;
use reliability::overload::proxy_protocol::{self, FIXED};
use runtime::http::door::{Door, Opened, Opening, Wire};
use runtime::http::listener::Admit;
use runtime::http::metrics::Metrics;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::certificate::Certificate;
use crate::layer::connection_limit::ConnectionLimit;
use crate::layer::request_framing::watched;
use crate::limit::{PROXIES, PROXY_PROTOCOL, TLS_TIME};

/// The door of every public connection.
pub struct Entrance {
    /// Who may say whom it speaks for; none where the listener expects nobody to.
    proxies: Option<Networks>,
    certificate: Option<Arc<Certificate>>,
    tls_time: Duration,
    limit: Arc<ConnectionLimit>,
    unproxied: Counter,
    failed: Counter,
}

impl Entrance {
    /// By these settings.
    pub fn new(
        settings: &Settings,
        certificate: Option<Arc<Certificate>>,
        limit: Arc<ConnectionLimit>,
        metrics: &Metrics,
    ) -> Self {
        let (unproxied, failed) = (Counter::default(), Counter::default());
        metrics.register(|registry| {
            registry.register(
                "gateway_unproxied_connections",
                "Connections closed because no proxy of ours said whom it speaks for",
                unproxied.clone(),
            );
            registry.register(
                "gateway_failed_handshakes",
                "Connections closed because TLS did not come about",
                failed.clone(),
            );
        });
        let expects_header = !settings.text(&PROXY_PROTOCOL).is_empty();
        Self {
            proxies: expects_header.then(|| Networks::parse(settings.text(&PROXIES)).unwrap_or_default()),
            certificate,
            tls_time: settings.duration(&TLS_TIME),
            limit,
            unproxied,
            failed,
        }
    }

    async fn through(&self, mut stream: TcpStream, address: SocketAddr) -> Option<Opened> {
        let (mut client, mut held) = (address, None);
        if let Some(proxies) = &self.proxies {
            let said = if proxies.has(address.ip().to_canonical()) {
                header(&mut stream).await
            } else {
                Err(io::ErrorKind::PermissionDenied.into())
            };
            let Ok(said) = said else {
                self.unproxied.inc();
                return None;
            };
            client = said.unwrap_or(address);
            // The proxy's own connections are not counted; those of whom it speaks for are.
            held = Some(self.limit.admit(client)?);
        }
        let wire = self.encrypted(stream).await?;
        let (stream, mark) = watched(wire);
        Some(Opened {
            stream,
            address: client,
            mark: Some(mark),
            held,
        })
    }

    async fn encrypted(&self, stream: TcpStream) -> Option<Box<dyn Wire>> {
        let Some(certificate) = &self.certificate else {
            return Some(Box::new(stream));
        };
        let shaken = tokio::time::timeout(self.tls_time, certificate.acceptor().accept(stream)).await;
        if let Ok(Ok(stream)) = shaken {
            return Some(Box::new(stream));
        }
        self.failed.inc();
        None
    }
}

impl Door for Entrance {
    fn open(&self, stream: TcpStream, address: SocketAddr) -> Opening<'_> {
        Box::pin(self.through(stream, address))
    }
}

/// Whom the proxy speaks for.
async fn header(stream: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let wrong = |_| io::Error::from(io::ErrorKind::InvalidData);
    let mut fixed = [0; FIXED];
    stream.read_exact(&mut fixed).await?;
    let mut rest = vec![0; proxy_protocol::rest(&fixed).map_err(wrong)?];
    stream.read_exact(&mut rest).await?;
    proxy_protocol::client(&fixed, &rest).map_err(wrong)
}
