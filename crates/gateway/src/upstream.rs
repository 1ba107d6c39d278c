//! The servers behind us: where they are, how they are, what they are doing for us. Shared by all cores.

pub mod health_check;
pub mod last_known;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::limit::Settings;
use http::uri::Authority;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use reliability::overload::balancing::{Candidate, Ejection, EjectionRule, Health, cost, share};
use runtime::clock::Clock;
use runtime::http::metrics::Metrics;
use tokio::sync::watch;

use crate::limit::{EJECT_AFTER, EJECT_TIME, SLOW_START};

/// What a server gets that was silent a moment ago, when no patience is left.
const GLANCE: Duration = Duration::from_millis(50);

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `127.0.0.1:8081`.
    pub authority: Authority,
    /// Whether it is in our zone.
    pub is_near: bool,
}

/// All servers.
pub struct Upstreams(Vec<Upstream>);

/// One server.
pub struct Upstream {
    address: Address,
    health: watch::Sender<Health>,
    /// The clock's monotone time at which it became ready, in milliseconds.
    ready_ms: AtomicU64,
    pending: AtomicU64,
    cost_us: AtomicU64,
    ejection: Mutex<Ejection>,
    rule: EjectionRule,
    slow_start: Duration,
    ejections: Counter,
    ready: Gauge,
}

impl Upstreams {
    /// These.
    pub fn new(addresses: Vec<Address>, settings: &Settings, metrics: &Metrics) -> Self {
        let (ejections, ready) = (Counter::default(), Gauge::default());
        metrics.register(|registry| {
            registry.register(
                "gateway_servers_ready",
                "Servers that say they are ready",
                ready.clone(),
            );
            registry.register(
                "gateway_ejections",
                "Times that a server was not used for a while because it failed",
                ejections.clone(),
            );
        });
        let span = settings.duration(&EJECT_TIME);
        let rule = EjectionRule {
            failures: settings.get(&EJECT_AFTER) as u32,
            span,
            longest: span * 10,
        };
        let upstream = |address| Upstream {
            address,
            health: watch::Sender::new(Health::Refused),
            ready_ms: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            cost_us: AtomicU64::new(1000),
            ejection: Mutex::default(),
            rule,
            slow_start: settings.duration(&SLOW_START),
            ejections: ejections.clone(),
            ready: ready.clone(),
        };
        Self(addresses.into_iter().map(upstream).collect())
    }

    /// In their order.
    pub fn all(&self) -> &[Upstream] {
        &self.0
    }
}

impl Upstream {
    /// Where it is.
    pub fn authority(&self) -> &Authority {
        &self.address.authority
    }

    /// What the probes saw last.
    pub fn health(&self) -> Health {
        *self.health.borrow()
    }

    /// What a probe saw. Returns whether that is news.
    pub fn seen(&self, health: Health, now: Duration) -> bool {
        let before = self.health.send_replace(health);
        match (before == Health::Ready, health == Health::Ready) {
            (false, true) => {
                self.ready_ms.store(now.as_millis() as u64, Ordering::Relaxed);
                self.ready.inc();
            }
            (true, false) => {
                self.ready.dec();
            }
            _ => {}
        }
        before != health
    }

    /// As the choice sees it.
    pub fn candidate(&self, now: Duration) -> Candidate {
        let ready = Duration::from_millis(self.ready_ms.load(Ordering::Relaxed));
        Candidate {
            health: self.health(),
            ejected: self.ejection().is_out(now),
            is_near: self.address.is_near,
            pending: self.pending.load(Ordering::Relaxed),
            cost_us: self.cost_us.load(Ordering::Relaxed),
            share: share(now.saturating_sub(ready), self.slow_start),
        }
    }

    fn ejection(&self) -> MutexGuard<'_, Ejection> {
        self.ejection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once probes have found it gone and a request that arrived at `arrived` has waited for `patience`: at all
    /// servers together, but for an instant at each, in case a probe was wrong.
    pub async fn silent_for(&self, clock: &Clock, arrived: Duration, patience: Duration) {
        let mut health = self.health.subscribe();
        loop {
            if health.wait_for(|health| !health.answers()).await.is_err() {
                return;
            }
            let waited = clock.monotonic().saturating_sub(arrived);
            clock.sleep(patience.saturating_sub(waited).max(GLANCE)).await;
            if !health.borrow().answers() {
                return;
            }
        }
    }

    /// A request goes there.
    pub fn begin(&self, now: Duration) -> Busy<'_> {
        self.pending.fetch_add(1, Ordering::Relaxed);
        Busy {
            upstream: self,
            began: now,
        }
    }
}

/// A request at a server; its end, however it ends, is counted.
pub struct Busy<'a> {
    upstream: &'a Upstream,
    began: Duration,
}

impl Busy<'_> {
    /// It was answered, or not. A client that left says nothing of the server: then this is not called.
    pub fn end(self, now: Duration, answered: bool) {
        let upstream = self.upstream;
        if answered {
            let took = now.saturating_sub(self.began).as_micros() as u64;
            let before = upstream.cost_us.load(Ordering::Relaxed);
            upstream.cost_us.store(cost(before, took), Ordering::Relaxed);
            upstream.ejection().succeeded(now);
        } else if upstream.ejection().failed(now, &upstream.rule) {
            upstream.ejections.inc();
            tracing::warn!(server = %upstream.authority(), "the server fails and is not used for a while");
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.upstream.pending.fetch_sub(1, Ordering::Relaxed);
    }
}
