//! What the layers tell each other about one request, and what they all hold.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use base::limit::Settings;
use reliability::overload::client_address::Networks;
use reliability::overload::deadline::Deadline;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::http::edge::EdgeKey;

use crate::layer::cache::Cache;
use crate::layer::forward::Pool;
use crate::layer::minimal_site::MinimalSite;
use crate::layer::request_hygiene::RequestHygiene;
use crate::layer::retry_budget::Retries;
use crate::upstream::Upstreams;

/// Who asks, and until when an answer is worth something; on every request that passed those layers.
#[derive(Debug, Clone, Copy)]
pub struct Client(pub IpAddr);

/// The instant, on every request.
#[derive(Debug, Clone, Copy)]
pub struct Until(pub Deadline);

/// When it came, on the monotone clock: whoever waits counts from here, whatever was waited for.
#[derive(Debug, Clone, Copy)]
pub struct Arrived(pub Duration);

/// What the layers hold: shared by all cores but for the pool, of which each core has its own.
#[derive(Clone)]
pub struct Gate {
    pub shared: Arc<Shared>,
    pub pool: Pool,
}

/// Shared by all cores.
pub struct Shared {
    pub clock: Clock,
    pub entropy: Entropy,
    /// Those in force: they may change while we run.
    pub settings: ArcSwap<Settings>,
    pub data: PathBuf,
    pub edge: EdgeKey,
    pub proxies: Networks,
    pub upstreams: Upstreams,
    pub hygiene: RequestHygiene,
    pub retries: Retries,
    pub cache: Cache,
    pub minimal_site: MinimalSite,
    /// Whether it was asked to end.
    pub leaving: AtomicBool,
}

impl Shared {
    /// The settings in force.
    pub fn settings(&self) -> Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// Whether new visitors should go elsewhere, if there is an elsewhere.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }
}
