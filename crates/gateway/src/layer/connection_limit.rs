//! Closes connections of a network that has too many already, before anything of them is read. Its answer is the closed
//! connection: a page would cost what the limit is there to save. The cap of all connections is the listener's, where
//! they wait in the socket's queue instead.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base::limit::Settings;
use prometheus_client::metrics::counter::Counter;
use reliability::overload::client_address::Networks;
use reliability::overload::connection_limit::PerNetwork;
use runtime::http::listener::Admit;
use runtime::http::metrics::Metrics;

use crate::limit::{NETWORK_CONNECTIONS, PROXIES};

/// Counts connections by network.
pub struct ConnectionLimit {
    open: Arc<Mutex<PerNetwork>>,
    most: AtomicU64,
    /// Of proxies of ours come everybody's connections.
    exempt: Networks,
    refused: Counter,
}

impl ConnectionLimit {
    /// By these settings.
    pub fn new(settings: &Settings, metrics: &Metrics) -> Self {
        let refused = Counter::default();
        metrics.register(|registry| {
            registry.register(
                "gateway_refused_connections",
                "Connections closed because their network had too many",
                refused.clone(),
            );
        });
        Self {
            open: Arc::default(),
            most: settings.get(&NETWORK_CONNECTIONS).into(),
            exempt: Networks::parse(settings.text(&PROXIES)).unwrap_or_default(),
            refused,
        }
    }

    /// The settings have changed: who is there stays, who comes is counted by them.
    pub fn follow(&self, settings: &Settings) {
        self.most.store(settings.get(&NETWORK_CONNECTIONS), Ordering::Relaxed);
    }
}

struct Open {
    open: Arc<Mutex<PerNetwork>>,
    from: IpAddr,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.leave(self.from);
    }
}

impl Admit for ConnectionLimit {
    fn admit(&self, address: SocketAddr) -> Option<Box<dyn Send + Sync>> {
        let from = address.ip().to_canonical();
        if self.exempt.has(from) {
            return Some(Box::new(()));
        }
        let entered = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.enter(from, self.most.load(Ordering::Relaxed))
        };
        if !entered {
            self.refused.inc();
            return None;
        }
        let open = Arc::clone(&self.open);
        Some(Box::new(Open { open, from }))
    }
}
