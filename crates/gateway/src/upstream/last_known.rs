//! What was open when a server last told us: fetched in the background as any client would, kept in memory and in
//! `DATA/gateway/last-known.json`, so that a gateway that is restarted in an outage still has it. Always with its age.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::body::Body;
use base::time::Timestamp;
use http::header::HOST;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use prometheus_client::metrics::gauge::Gauge;
use runtime::http::edge::{EDGE, Edge};
use runtime::http::metrics::Metrics;
use runtime::shutdown::Shutdown;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::layer::forward::Pool;
use crate::limit::LAST_KNOWN_PAUSE;
use crate::visit::Shared;

const FOLDER: &str = "gateway";
const FILE: &str = "last-known.json";
/// Time for one page of the list.
const TIME: Duration = Duration::from_secs(5);
/// Until the first look succeeds.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Pages of 200 clinics: more clinics than any jurisdiction has.
const PAGES_MAX: usize = 50;
/// Bytes of one page.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// A clinic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clinic {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub address: Place,
    /// To call.
    pub phone: Option<String>,
    /// Open times; none when nobody could tell.
    pub free: Option<u64>,
}

/// Where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Street and number.
    pub street: Option<String>,
    /// City.
    pub city: Option<String>,
}

/// Whose pages these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jurisdiction {
    /// Its name.
    pub name: String,
    /// Whom to call.
    pub phone: Option<String>,
    /// Of which year a demonstration's clinics are.
    pub demo_as_of: Option<String>,
}

/// What was known, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// When it was fetched, in microseconds.
    pub at: i64,
    /// In the server's order.
    pub clinics: Vec<Clinic>,
    /// None in what an earlier release kept.
    pub jurisdiction: Option<Jurisdiction>,
}

#[derive(Deserialize)]
struct Page {
    clinics: Vec<Clinic>,
    next: Option<String>,
}

/// The last known, if anything.
pub struct LastKnown {
    known: ArcSwapOption<Known>,
    file: PathBuf,
    /// Whom servers know themselves by.
    host: String,
    fetched: Gauge,
}

impl LastKnown {
    /// What was kept in the data folder.
    pub fn open(data: &Path, host: &str, metrics: &Metrics) -> io::Result<Self> {
        let folder = data.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(FILE);
        // One that cannot be read is as good as none: it is fetched anew.
        let known: Option<Known> = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let fetched = Gauge::default();
        metrics.register(|registry| {
            registry.register(
                "gateway_last_known_timestamp_seconds",
                "When the minimal site's list of clinics was fetched",
                fetched.clone(),
            );
        });
        fetched.set(known.as_ref().map_or(0, |known| known.at / 1_000_000));
        Ok(Self {
            known: ArcSwapOption::from_pointee(known),
            file,
            host: host.to_owned(),
            fetched,
        })
    }

    /// The last known.
    pub fn get(&self) -> Option<Arc<Known>> {
        self.known.load_full()
    }

    fn keep(&self, known: Known) {
        let bytes = serde_json::to_vec(&known).unwrap_or_default();
        let beside = self.file.with_extension("json.new");
        let kept = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, &self.file));
        if let Err(error) = kept {
            tracing::warn!(%error, "the last known openings are in memory only");
        }
        self.fetched.set(known.at / 1_000_000);
        self.known.store(Some(Arc::new(known)));
    }
}

/// Looks again and again, until asked to stop.
pub async fn keep_looking(shared: &Shared, pool: &Pool, stop: &Shutdown) {
    let mut wait = Duration::ZERO;
    loop {
        let pause = shared.settings().duration(&LAST_KNOWN_PAUSE);
        tokio::select! {
            () = shared.clock.sleep(wait) => {}
            () = stop.wait() => return,
        }
        wait = match fetch(shared, pool).await {
            Some(known) => {
                shared.minimal_site.last_known().keep(known);
                pause
            }
            None => FIRST_PAUSE.min(pause),
        };
    }
}

async fn fetch(shared: &Shared, pool: &Pool) -> Option<Known> {
    let upstream = shared.upstreams.all().iter().find(|one| one.health().answers())?;
    let (at, authority) = (shared.clock.now(), upstream.authority().as_str());
    let jurisdiction = get(shared, pool, authority, "/jurisdiction.json", at).await;
    let (mut clinics, mut cursor) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let path = format!("/api/v1/clinics?limit=200{cursor}");
        let answer: Page = get(shared, pool, authority, &path, at).await?;
        clinics.extend(answer.clinics);
        match answer.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => {
                return Some(Known {
                    at: at.micros(),
                    clinics,
                    // Of one that does not say so now we know what it said before.
                    jurisdiction: jurisdiction.or_else(|| {
                        let known = shared.minimal_site.last_known().get();
                        known.and_then(|known| known.jurisdiction.clone())
                    }),
                });
            }
        }
    }
    None
}

async fn get<T: DeserializeOwned>(
    shared: &Shared,
    pool: &Pool,
    authority: &str,
    path: &str,
    now: Timestamp,
) -> Option<T> {
    let request = ask(shared, authority, path, now)?;
    tokio::time::timeout(TIME, read(pool, request)).await.ok()?
}

fn ask(shared: &Shared, authority: &str, path: &str, now: Timestamp) -> Option<Request<Body>> {
    let edge = Edge {
        client: std::net::Ipv4Addr::LOCALHOST.into(),
        left: TIME,
    };
    let host = HeaderValue::from_str(&shared.minimal_site.last_known().host).ok()?;
    Request::get(format!("http://{authority}{path}"))
        .header(HOST, host)
        .header(EDGE, shared.edge.seal(&edge, now))
        .body(Body::empty())
        .ok()
}

async fn read<T: DeserializeOwned>(pool: &Pool, request: Request<Body>) -> Option<T> {
    let answer = pool.request(request).await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    let bytes = Limited::new(answer.into_body(), PAGE_BYTES_MAX).collect().await.ok()?;
    serde_json::from_slice(&bytes.to_bytes()).ok()
}
