//! Accepts connections and serves a router on them. Keeps: a cap on connections (from the process's own file limit),
//! a limit on every wait, no spinning when files run out, and a drain that ends by its deadline.
//!
//! Doesn't know what is served. The socket may be inherited; closing it here leaves it open where it came from.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use base::answer::Fault;
use base::limit::{Setting, Settings, Unit};
use http::header::CONNECTION;
use http::{HeaderValue, Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::http::door::{Door, Mark, Opened};
use crate::http::problem::Problem;
use crate::shutdown::Shutdown;
use crate::task::Owner;

/// Connections at once.
pub const CONNECTIONS: Setting = Setting {
    key: "http.connections",
    unit: Unit::Count,
    default: 10_000,
    min: 16,
    max: 1_000_000,
    reason: "a town's morning; at most 80 % of the files that the process may open, whatever is written here",
    below: "one browser's connections fill it",
    above: "memory goes to connections before the work gets any",
};
/// Time for a connection's first head.
pub const HEADER_TIME: Setting = Setting {
    key: "http.header_time",
    unit: Unit::Seconds,
    default: 10,
    min: 1,
    max: 120,
    reason: "a phone on a bad network sends a head in seconds; whoever takes longer holds a connection for nothing",
    below: "phones on bad networks are cut off",
    above: "few slow senders hold all connections (slowloris)",
};
/// Time a connection may be idle between requests.
pub const IDLE_TIME: Setting = Setting {
    key: "http.idle_time",
    unit: Unit::Seconds,
    default: 60,
    min: 1,
    max: 600,
    reason: "the pause between two pages of a form, and the next head; a new connection costs a phone three round trips",
    below: "every page opens a new connection",
    above: "idle connections crowd out new ones",
};
/// Time for a whole request, its body included.
pub const REQUEST_TIME: Setting = Setting {
    key: "http.request_time",
    unit: Unit::Seconds,
    default: 30,
    min: 2,
    max: 600,
    reason: "longer than any deadline inside, shorter than a person's patience",
    below: "a slow upload of a form is cut off",
    above: "few slow senders hold all connections",
};
/// Bytes of a request's head.
pub const HEADER_BYTES: Setting = Setting {
    key: "http.header_bytes",
    unit: Unit::Bytes,
    default: 32 << 10,
    min: 8 << 10,
    max: 1 << 20,
    reason: "four times what browsers send with all their cookies",
    below: "browsers with many cookies are refused",
    above: "each connection may cost that much memory",
};
/// Requests at once on one HTTP/2 connection.
pub const STREAMS: Setting = Setting {
    key: "http.streams",
    unit: Unit::Count,
    default: 100,
    min: 1,
    max: 1_000,
    reason: "what RFC 9113 §6.5.2 recommends as the least",
    below: "a page's parts wait for each other",
    above: "one connection may bring the work of a thousand",
};
/// Requests that one connection may bring.
pub const CONNECTION_REQUESTS: Setting = Setting {
    key: "http.connection_requests",
    unit: Unit::Count,
    default: 1_000,
    min: 1,
    max: 1_000_000,
    reason: "what nginx takes; a connection that ends now and then lets load spread anew and gives its memory back",
    below: "every page opens new connections",
    above: "connections stay for hours where they were made, however unevenly",
};
/// Time that requests in flight get when the process stops.
pub const DRAIN_TIME: Setting = Setting {
    key: "http.drain_time",
    unit: Unit::Milliseconds,
    default: 1_500,
    min: 0,
    max: 60_000,
    reason: "a booking takes milliseconds, and a child of the supervisor is gone two seconds after its pipe closed",
    below: "no such span",
    above: "a restart takes as long as its slowest client",
};

/// How long accepting pauses when the process has no files left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// How often a connection looks whether it has been idle for too long.
const IDLE_LOOK: Duration = Duration::from_secs(5);
/// What a request gets beyond its time before its connection is cut: a router that counts its requests answers those
/// that take too long itself, with their reference.
const BACKSTOP: Duration = Duration::from_secs(1);
/// Share of the process's files that connections may take: the database, logs and pages need some too.
const FILES_PERCENT: u64 = 80;

/// Who is at the other end of the connection; on every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub SocketAddr);

/// Who may connect beside the cap of all: asked for each connection before anything of it is read.
pub trait Admit: Send + Sync {
    /// What is held as long as the connection lives, or none where it is closed at once.
    fn admit(&self, address: SocketAddr) -> Option<Box<dyn Send + Sync>>;
}

/// Serves one router on one socket.
pub struct Listener {
    admit: Option<Arc<dyn Admit>>,
    door: Option<Arc<dyn Door>>,
    socket: TcpListener,
    limits: Limits,
    clock: Clock,
}

#[derive(Clone, Copy)]
struct Limits {
    connections: usize,
    idle: Duration,
    header: Duration,
    request: Duration,
    header_bytes: usize,
    streams: u32,
    requests: u64,
    drain: Duration,
    /// How long a drain waits for a kept connection's next request, to tell its client with the answer.
    parting: Duration,
}

/// What all connections of a listener share.
struct Shared {
    service: TowerToHyperService<Router>,
    builder: Builder<TokioExecutor>,
    limits: Limits,
    clock: Clock,
    /// Asked when this listener drains.
    drain: Shutdown,
    room: Arc<Semaphore>,
    door: Option<Arc<dyn Door>>,
    /// Whether the last try to accept found no file left.
    exhausted: AtomicBool,
}

/// What a connection is doing, for finding out that it does nothing.
struct Activity {
    in_flight: AtomicUsize,
    /// The clock's monotone time of the last end of a request, in milliseconds.
    last_ms: AtomicU64,
    /// How many requests it has brought.
    requests: AtomicU64,
    /// Whether it speaks HTTP/2, which says good-bye by itself.
    is_http2: AtomicBool,
}

/// Lets this process open as many files as the system allows it. Returns how many; call once at start.
pub fn raise_file_limit() -> u64 {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < hard => setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_or(soft, |()| hard),
        Ok((soft, _)) => soft,
        Err(_) => 1024, // the least that POSIX systems of today give
    }
}

impl Listener {
    /// Takes over a bound socket. Needs the tokio runtime.
    pub fn new(socket: StdListener, settings: &Settings, clock: &Clock) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        let limits = Limits {
            connections: settings.get(&CONNECTIONS).min(files / 100 * FILES_PERCENT).max(1) as usize,
            idle: settings.duration(&IDLE_TIME),
            header: settings.duration(&HEADER_TIME),
            request: settings.duration(&REQUEST_TIME),
            header_bytes: settings.get(&HEADER_BYTES) as usize,
            streams: settings.get(&STREAMS) as u32,
            requests: settings.get(&CONNECTION_REQUESTS),
            drain: settings.duration(&DRAIN_TIME),
            parting: Duration::ZERO,
        };
        Ok(Self {
            admit: None,
            door: None,
            socket: TcpListener::from_std(socket)?,
            limits,
            clock: clock.clone(),
        })
    }

    /// Asks `admit` for each connection, and has room for this many at once at most.
    #[must_use]
    pub fn admitting(mut self, admit: Arc<dyn Admit>, connections: usize) -> Self {
        self.limits.connections = self.limits.connections.min(connections).max(1);
        self.admit = Some(admit);
        self
    }

    /// Each connection passes this door before anything of it is read here.
    #[must_use]
    pub fn behind(mut self, door: Arc<dyn Door>) -> Self {
        self.door = Some(door);
        self
    }

    /// A drain does not close a kept connection that is idle before so much time has passed: a client that sends a request
    /// in that instant would lose it. It is answered instead, and told that this was the last one.
    #[must_use]
    pub fn parting(mut self, span: Duration) -> Self {
        self.limits.parting = span;
        self
    }

    /// Where it listens.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `shutdown` is requested, then lets requests in flight end, at most for the drain time. Returns
    /// how many connections had to be cut.
    pub async fn serve(self, router: Router, shutdown: &Shutdown) -> usize {
        let connections = Owner::new(Shutdown::new());
        let room = Arc::new(Semaphore::new(self.limits.connections));
        let shared = Arc::new(Shared {
            service: TowerToHyperService::new(router),
            builder: builder(&self.limits),
            limits: self.limits,
            clock: self.clock,
            drain: connections.shutdown().clone(),
            room: Arc::clone(&room),
            door: self.door,
            exhausted: AtomicBool::new(false),
        });
        loop {
            // At the cap new connections wait in the socket's queue until one ends.
            let next = async {
                let permit = Arc::clone(&room)
                    .acquire_owned()
                    .await
                    .expect("nobody closes this semaphore");
                (permit, self.socket.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                () = shutdown.wait() => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    shared.exhausted.store(false, Ordering::Relaxed);
                    let admitted = self.admit.as_ref().map(|admit| admit.admit(address));
                    if matches!(admitted, Some(None)) {
                        continue;
                    }
                    let shared = Arc::clone(&shared);
                    connections.spawn("connection", async move {
                        shared.connection(stream, address).await;
                        drop((permit, admitted));
                    });
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    shared.exhausted.store(true, Ordering::Relaxed);
                    tracing::warn!(%error, "a connection cannot be accepted: waiting for files to be closed");
                    shared.clock.sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
        drop(self.socket);
        connections.stop_and_join(self.limits.drain).await.len()
    }
}

/// The client went away before it was accepted: nothing is wrong with us.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        // Ours (below) also sees a connection that never says which protocol it speaks, and costs no timer a request.
        .header_read_timeout(None)
        // Headers: hyper's own limit of 100; said again it would cost each request two filled tables.
        .max_buf_size(limits.header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes as u32)
        .keep_alive_interval(limits.idle)
        .keep_alive_timeout(limits.header);
    builder
}

impl Shared {
    async fn connection(self: Arc<Self>, stream: TcpStream, address: SocketAddr) {
        // Both are kindnesses of the kernel, not promises: a connection without them still works.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(self.limits.request));
        let Some(door) = &self.door else {
            return self.requests(TokioIo::new(stream), address, None).await;
        };
        // Whoever does not get through the door in the time for a head is nobody.
        if let Ok(Some(opened)) = tokio::time::timeout(self.limits.header, door.open(stream, address)).await {
            let Opened {
                stream,
                address,
                mark,
                held,
            } = opened;
            self.requests(TokioIo::new(stream), address, mark).await;
            drop(held);
        }
    }

    async fn requests(
        self: Arc<Self>,
        stream: impl Read + Write + Unpin + Send + 'static,
        address: SocketAddr,
        mark: Option<Mark>,
    ) {
        let activity = Arc::new(Activity {
            in_flight: AtomicUsize::new(0),
            last_ms: AtomicU64::new(self.now_ms()),
            requests: AtomicU64::new(0),
            is_http2: AtomicBool::new(false),
        });
        let service = service_fn(|mut request: Request<Incoming>| {
            let nth = activity.requests.fetch_add(1, Ordering::Relaxed);
            request.extensions_mut().insert(ClientAddress(address));
            if let Some(mark) = &mark {
                mark(request.extensions_mut(), nth);
            }
            self.answer(request, nth, Arc::clone(&activity))
        });
        let mut serving = pin!(self.builder.serve_connection(stream, service));
        let (mut draining, mut closing) = (false, false);
        let look = IDLE_LOOK.min(self.limits.header).min(self.limits.idle);
        loop {
            let is_http2 = activity.is_http2.load(Ordering::Relaxed);
            let parting = if draining && !is_http2 {
                self.limits.parting
            } else {
                Duration::ZERO
            };
            let has_brought_all = is_http2 && activity.requests.load(Ordering::Relaxed) >= self.limits.requests;
            tokio::select! {
                // A broken connection is the client's news, not ours.
                _ = serving.as_mut() => return,
                () = self.drain.wait(), if !draining => draining = true,
                () = tokio::time::sleep(parting), if (draining || has_brought_all) && !closing => {
                    closing = true;
                    serving.as_mut().graceful_shutdown();
                }
                () = tokio::time::sleep(look) => {
                    if self.is_idle_for_too_long(&activity) {
                        return;
                    }
                }
            }
        }
    }

    fn now_ms(&self) -> u64 {
        self.clock.monotonic().as_millis() as u64
    }

    /// Also catches who connects and says nothing, or says it in drops. When there is no room left for others a
    /// connection may be idle only as long as a head may take.
    fn is_idle_for_too_long(&self, activity: &Activity) -> bool {
        let has_room = self.room.available_permits() > 0 && !self.exhausted.load(Ordering::Relaxed);
        let trusted = has_room && activity.requests.load(Ordering::Relaxed) > 0;
        let allowed = if trusted {
            self.limits.idle
        } else {
            self.limits.header.min(self.limits.idle)
        };
        let idle_ms = self.now_ms().saturating_sub(activity.last_ms.load(Ordering::Relaxed));
        activity.in_flight.load(Ordering::Relaxed) == 0 && Duration::from_millis(idle_ms) > allowed
    }

    fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
        nth: u64,
        activity: Arc<Activity>,
    ) -> impl Future<Output = Result<Response, Infallible>> + use<> {
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        let is_http2 = request.version() == Version::HTTP_2;
        activity.is_http2.store(is_http2, Ordering::Relaxed);
        let shared = Arc::clone(self);
        let busy = Busy {
            activity,
            shared: Arc::clone(self),
        };
        let answer = self.service.call(request);
        let time = self.limits.request + BACKSTOP;
        async move {
            let answered = tokio::time::timeout(time, answer).await;
            drop(busy);
            let mut answered = answered.unwrap_or_else(|_| Ok(too_slow()));
            let is_last = nth + 1 >= shared.limits.requests || shared.drain.requested();
            if let Ok(response) = &mut answered
                && is_last
                && !is_http2
            {
                response
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            answered
        }
    }
}

/// A request that is being answered; at its end, however it ends, the connection begins to be idle.
struct Busy {
    activity: Arc<Activity>,
    shared: Arc<Shared>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.activity.last_ms.store(self.shared.now_ms(), Ordering::Relaxed);
        self.activity.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The answer to a request whose time is over.
pub(crate) fn too_slow() -> Response {
    let fault = Fault::TimedOut;
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, fault.code(), "This took too long")
        .detail("The request was not finished in time. Try again with the same idempotency key.")
        .retry(fault.retry_after_s(), fault.retry_needs_key())
        .into_response()
}
