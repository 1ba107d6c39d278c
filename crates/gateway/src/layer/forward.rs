//! One try at one server: over a pooled HTTP/1.1 connection, with the edge header. An answer that is small is read whole
//! before it is passed on, so that a server that dies in the middle of it costs nobody anything.

use std::error::Error;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use base::limit::Settings;
use bytes::Bytes;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Uri, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reliability::overload::deadline::Deadline;
use reliability::overload::retry_budget::Tried;
use runtime::http::edge::{EDGE, Edge};
use runtime::shortage::is_ours;

use crate::layer::request_hygiene::without_hops;
use crate::limit::{CONNECT_TIME, KEPT_BYTES, SILENT_PATIENCE};
use crate::upstream::Upstream;
use crate::visit::{Client, Gate, Until};

/// Shorter than a server keeps an idle connection, or requests would meet its end.
const IDLE: Duration = Duration::from_secs(15);
/// Idle connections kept to one server, on each core.
const IDLE_CONNECTIONS: usize = 256;

/// Connections to servers, of one core.
pub type Pool = HttpClient<HttpConnector, Body>;

/// A core's own pool.
pub fn pool(settings: &Settings) -> Pool {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(settings.duration(&CONNECT_TIME)));
    HttpClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .build(connector)
}

/// The body of a request: kept for another try, or streaming through once.
pub enum Kept {
    /// Whole.
    Whole(Bytes),
    /// Gone with the first try.
    Streaming(Option<Body>),
}

impl Kept {
    /// For one try; none when it is gone.
    pub fn take(&mut self) -> Option<Body> {
        match self {
            Self::Whole(bytes) => Some(Body::from(bytes.clone())),
            Self::Streaming(body) => body.take(),
        }
    }
}

/// Tries once; `arrived` is when the request came, since whoever waits has waited for earlier tries too.
pub async fn once(gate: &Gate, to: &Upstream, head: &Parts, body: Body, arrived: Duration) -> Result<Response, Tried> {
    let shared = &gate.shared;
    let until = head.extensions.get::<Until>().map(|Until(until)| *until);
    let until = until.unwrap_or_else(|| Deadline::after(shared.clock.monotonic(), Duration::from_secs(1)));
    let began = shared.clock.monotonic();
    let left = until.left(began);
    let request = request(gate, to, head, body, left).ok_or(Tried::NotSent)?;
    let busy = to.begin(began);
    let kept = shared.settings().get(&KEPT_BYTES);
    let answer = async {
        let answer = gate.pool.request(request).await.map_err(|error| Failed::of(&error))?;
        let (mut head, body) = answer.into_parts();
        without_hops(&mut head.headers);
        head.version = Version::HTTP_11;
        let is_small = body.size_hint().exact().is_some_and(|bytes| bytes <= kept);
        let body = if is_small {
            Body::from(body.collect().await.map_err(|_| Failed::Sent)?.to_bytes())
        } else {
            Body::new(body)
        };
        Ok(Response::from_parts(head, body))
    };
    let patience = shared.settings().duration(&SILENT_PATIENCE);
    let result = tokio::select! {
        answer = answer => answer,
        () = shared.clock.sleep(left) => Err(Failed::Sent),
        () = to.silent_for(&shared.clock, arrived, patience) => Err(Failed::Sent),
    };
    match &result {
        // That we have no file left for a connection says nothing of the server.
        Err(Failed::OurFault) => drop(busy),
        _ => busy.end(shared.clock.monotonic(), result.is_ok()),
    }
    result.map_err(Failed::tried)
}

/// How a try failed.
enum Failed {
    NotSent,
    Sent,
    OurFault,
}

impl Failed {
    fn of(error: &hyper_util::client::legacy::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = error.source();
        while let Some(one) = cause {
            if one.downcast_ref::<io::Error>().is_some_and(is_ours) {
                return Self::OurFault;
            }
            cause = one.source();
        }
        if error.is_connect() { Self::NotSent } else { Self::Sent }
    }

    fn tried(self) -> Tried {
        match self {
            Self::Sent => Tried::Sent,
            Self::NotSent | Self::OurFault => Tried::NotSent,
        }
    }
}

fn request(gate: &Gate, to: &Upstream, head: &Parts, body: Body, left: Duration) -> Option<Request<Body>> {
    let shared = &gate.shared;
    let client = head.extensions.get::<Client>().map(|Client(client)| *client)?;
    let edge = shared.edge.seal(&Edge { client, left }, shared.clock.now());
    let mut headers: HeaderMap = head.headers.clone();
    headers.insert(EDGE, HeaderValue::from_str(&edge).ok()?);
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = target(to.authority(), &head.uri)?;
    *request.headers_mut() = headers;
    Some(request)
}

fn target(authority: &Authority, asked: &Uri) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    let path = asked.path_and_query().cloned();
    parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).ok()
}
