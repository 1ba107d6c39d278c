//! One gateway process from start to end: a listener and a pool on each core, probes, the last known openings, drain. Owns
//! the order of these things; whoever calls it owns the arguments and the signals.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use arc_swap::ArcSwap;
use base::limit::Settings;
use reliability::overload::client_address::Networks;
use reliability::overload::connection_limit::cap;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::http::door::Door;
use runtime::http::edge::EdgeKey;
use runtime::http::listener::{self, Admit, CONNECTIONS, DRAIN_TIME, Listener};
use runtime::http::metrics::Metrics;
use runtime::http::trace::Trace;
use runtime::secret::KeyError;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use tokio::sync::mpsc;

use crate::certificate::{Certificate, CertificateError};
use crate::entrance::Entrance;
use crate::layer::cache::Cache;
use crate::layer::connection_limit::ConnectionLimit;
use crate::layer::forward::pool;
use crate::layer::minimal_site::MinimalSite;
use crate::layer::request_hygiene::RequestHygiene;
use crate::layer::retry_budget::Retries;
use crate::limit::PROXIES;
use crate::upstream::last_known::LastKnown;
use crate::upstream::{Address, Upstreams, health_check, last_known};
use crate::visit::{Gate, Shared};
use crate::{internal, stack};

/// How long a kept connection may still bring a request before a drain closes it.
const PARTING: Duration = Duration::from_millis(500);
/// What the cores get beyond the listener's drain time.
const CORE_STOP: Duration = Duration::from_millis(300);

/// What a gateway needs to start.
pub struct Start {
    /// The data folder: the edge key, the last known openings.
    pub data: PathBuf,
    /// Bound, perhaps inherited: the door for people and programs.
    pub public: TcpListener,
    /// The host that people use, with its port where it has one.
    pub host: String,
    /// The servers.
    pub servers: Vec<Address>,
    /// The clock.
    pub clock: Clock,
    /// Chance.
    pub entropy: Entropy,
    /// The settings in force.
    pub settings: Settings,
    /// Asked when the process should end.
    pub shutdown: Shutdown,
    /// Asked when whoever stands before it knows that, and it need not accept any more.
    pub released: Shutdown,
    /// How long it goes on accepting until then, at most.
    pub notice: Duration,
}

/// What whoever started it may want to know.
#[derive(Debug)]
pub enum News<'a> {
    /// The doors are open; the internal listener's address.
    Ready(&'a str),
    /// It was asked to end, and does.
    Draining,
}

/// The gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A socket, a thread or the data folder did not do.
    #[error("the gateway cannot start: {0}")]
    Io(#[from] io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The edge key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Serves until asked to stop, then drains: says that it is not ready any more, goes on until it is released, accepts nobody
/// from then on, and ends what it has begun.
pub async fn run(start: Start, reloads: mpsc::Receiver<Settings>, tell: impl Fn(News<'_>)) -> Result<(), GatewayError> {
    let files = listener::raise_file_limit();
    let metrics = Metrics::new(&start.clock);
    let (public, shutdown) = (start.public.try_clone()?, start.shutdown.clone());
    let (released, notice) = (start.released.clone(), start.notice);
    let shared = Arc::new(shared(start, &metrics)?);
    let (clock, settings) = (&shared.clock, &Arc::clone(&shared.settings()));
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let connections = cap(settings.get(&CONNECTIONS), files);
    tracing::info!(
        files,
        connections,
        cores,
        "the file limit, and the connections that it allows"
    );
    let trace = Trace::new(clock.clone(), shared.entropy.clone(), settings, &metrics);
    let limit = Arc::new(ConnectionLimit::new(settings, &metrics));
    let certificate = Certificate::open(&shared.data, settings, clock, &metrics)?;
    let door = Entrance::new(settings, certificate.clone(), Arc::clone(&limit), &metrics);
    let door: Arc<dyn Door> = Arc::new(door);
    health_check::first_look(&shared).await;
    let owner = Owner::new(Shutdown::new());
    health_check::start(&shared, &owner);
    let gate = Gate {
        shared: Arc::clone(&shared),
        pool: pool(settings),
    };
    let following = Following {
        shared: Arc::clone(&shared),
        limit: Arc::clone(&limit),
        certificate,
    };
    in_background(&gate, following, reloads, &owner);
    let serving = Owner::new(Shutdown::new());
    for _ in 0..cores {
        let core = Core {
            socket: public.try_clone()?,
            shared: Arc::clone(&shared),
            trace: trace.clone(),
            limit: Arc::clone(&limit) as Arc<dyn Admit>,
            door: Arc::clone(&door),
            connections: (connections as usize).div_ceil(cores),
            stop: serving.shutdown().clone(),
        };
        serving.thread("core", move || core.run())?;
    }
    drop(public);
    let internal = Listener::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, settings, clock)?;
    tell(News::Ready(&format!("http://{}", internal.local_address()?)));
    let router = internal::router(&gate, metrics);
    let drain = settings.duration(&DRAIN_TIME) + CORE_STOP;
    let over = Shutdown::new();
    let stopped = async {
        shutdown.wait().await;
        shared.leaving.store(true, Ordering::Relaxed);
        tell(News::Draining);
        tokio::select! {
            () = released.wait() => {}
            () = clock.sleep(notice) => released.request(),
        }
        let unfinished = serving.stop_and_join(drain).await;
        over.request();
        unfinished
    };
    let (_, unfinished) = tokio::join!(internal.serve(router, &over), stopped);
    owner.stop_and_join(CORE_STOP).await;
    tracing::info!(?unfinished, "the gateway has stopped");
    Ok(())
}

/// What goes on beside people's requests.
fn in_background(gate: &Gate, following: Following, reloads: mpsc::Receiver<Settings>, owner: &Owner) {
    let (looking, stop) = (gate.clone(), owner.shutdown().clone());
    owner.spawn("last known openings", async move {
        last_known::keep_looking(&looking.shared, &looking.pool, &stop).await;
    });
    if let Some(certificate) = following.certificate.clone() {
        let (clock, stop) = (gate.shared.clock.clone(), owner.shutdown().clone());
        owner.spawn("certificate", async move {
            certificate.keep_looking(&clock, &stop).await;
        });
    }
    owner.spawn("new settings", following.follow(reloads, owner.shutdown().clone()));
}

fn shared(start: Start, metrics: &Metrics) -> Result<Shared, GatewayError> {
    let Start {
        data,
        host,
        servers,
        clock,
        entropy,
        settings,
        ..
    } = start;
    let known = LastKnown::open(&data, &host, metrics)?;
    Ok(Shared {
        edge: EdgeKey::open_or_create(&data, &entropy)?,
        // What does not read was refused when the settings were loaded.
        proxies: Networks::parse(settings.text(&PROXIES)).unwrap_or_default(),
        upstreams: Upstreams::new(servers, &settings, metrics),
        hygiene: RequestHygiene::new(metrics),
        retries: Retries::new(&settings, &clock, metrics),
        cache: Cache::new(&settings, metrics),
        minimal_site: MinimalSite::new(known, metrics),
        leaving: AtomicBool::new(false),
        clock,
        entropy,
        settings: ArcSwap::from_pointee(settings),
        data,
    })
}

/// What follows the settings when they change.
struct Following {
    shared: Arc<Shared>,
    limit: Arc<ConnectionLimit>,
    certificate: Option<Arc<Certificate>>,
}

impl Following {
    async fn follow(self, mut reloads: mpsc::Receiver<Settings>, stop: Shutdown) {
        loop {
            let settings = tokio::select! {
                Some(settings) = reloads.recv() => settings,
                () = stop.wait() => return,
            };
            self.limit.follow(&settings);
            self.shared.settings.store(Arc::new(settings));
            if let Some(certificate) = &self.certificate {
                certificate.ask_again();
            }
            tracing::info!("the settings were read again");
        }
    }
}

/// One core's share of the work: its own runtime, its own pool, the socket of all.
struct Core {
    socket: TcpListener,
    shared: Arc<Shared>,
    trace: Trace,
    limit: Arc<dyn Admit>,
    door: Arc<dyn Door>,
    connections: usize,
    stop: Shutdown,
}

impl Core {
    fn run(self) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(%error, "a core cannot serve: the others do");
                return;
            }
        };
        runtime.block_on(async {
            let settings = Arc::clone(&self.shared.settings());
            let listener = match Listener::new(self.socket, &settings, &self.shared.clock) {
                Ok(listener) => listener
                    .admitting(self.limit, self.connections)
                    .behind(self.door)
                    .parting(PARTING),
                Err(error) => {
                    tracing::error!(%error, "a core cannot serve: the others do");
                    return;
                }
            };
            let gate = Gate {
                pool: pool(&settings),
                shared: self.shared,
            };
            let cut = listener.serve(stack::router(&gate, self.trace), &self.stop).await;
            tracing::info!(connections_cut = cut, "a core has stopped");
        });
    }
}
