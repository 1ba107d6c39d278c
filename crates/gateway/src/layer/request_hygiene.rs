//! Refuses what two readers could take differently (smuggling), what is larger than any honest request, and says each
//! path in one way. Removes headers that are meant for one connection. Its answers: 400, 414, 431, each a problem.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use prometheus_client::metrics::counter::Counter;
use reliability::overload::request_hygiene::{HOP_BY_HOP, Unclean, framing, path};
use runtime::http::metrics::Metrics;
use runtime::http::problem::Problem;

use crate::layer::request_framing::InDoubt;
use crate::limit::{HEADER_BYTES, HEADERS, TARGET_BYTES};
use crate::visit::Gate;

/// Counts what is refused.
pub struct RequestHygiene {
    refused: Counter,
}

impl RequestHygiene {
    /// Counts here.
    pub fn new(metrics: &Metrics) -> Self {
        let refused = Counter::default();
        metrics.register(|registry| {
            registry.register(
                "gateway_unclean_requests",
                "Requests refused for their framing, path or size",
                refused.clone(),
            );
        });
        Self { refused }
    }
}

/// The layer.
pub async fn clean(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if let Err(unclean) = look(&gate, &request) {
        gate.shared.hygiene.refused.inc();
        return refuse(unclean);
    }
    match said_once(request.uri()) {
        Ok(Some(uri)) => *request.uri_mut() = uri,
        Ok(None) => {}
        Err(unclean) => {
            gate.shared.hygiene.refused.inc();
            return refuse(unclean);
        }
    }
    // HTTP/2 names the host in the target.
    if let Some(host) = request
        .uri()
        .authority()
        .and_then(|host| HeaderValue::from_str(host.as_str()).ok())
    {
        request.headers_mut().insert(HOST, host);
    }
    without_hops(request.headers_mut());
    request.headers_mut().remove(EXPECT);
    next.run(request).await
}

fn look(gate: &Gate, request: &Request) -> Result<(), Unclean> {
    let (headers, settings) = (request.headers(), gate.shared.settings());
    let values = |name: HeaderName| -> Vec<&str> {
        let all = headers.get_all(name).iter();
        all.map(|value| value.to_str().unwrap_or_default()).collect()
    };
    if request.extensions().get::<InDoubt>().is_some() {
        return Err(Unclean::Framing);
    }
    framing(&values(CONTENT_LENGTH), &values(TRANSFER_ENCODING))?;
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target as u64 > settings.get(&TARGET_BYTES) {
        return Err(Unclean::LongTarget);
    }
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers.len() as u64 > settings.get(&HEADERS) || bytes as u64 > settings.get(&HEADER_BYTES) {
        return Err(Unclean::Headers);
    }
    Ok(())
}

/// The target with its path said in one way, where it was not already.
fn said_once(uri: &Uri) -> Result<Option<Uri>, Unclean> {
    let normal = path(uri.path())?;
    if normal == uri.path() {
        return Ok(None);
    }
    let target = uri.query().map_or(normal.clone(), |query| format!("{normal}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).map_err(|_| Unclean::Path)?);
    Uri::from_parts(parts).map(Some).map_err(|_| Unclean::Path)
}

/// Takes out what is meant for one connection: those that are known, and those that `Connection` names.
pub fn without_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn refuse(unclean: Unclean) -> Response {
    let (status, code, detail) = match unclean {
        Unclean::Framing => (
            StatusCode::BAD_REQUEST,
            "malformed",
            "Expected one Content-Length, or Transfer-Encoding: chunked alone.",
        ),
        Unclean::Path => (
            StatusCode::BAD_REQUEST,
            "malformed",
            "Expected a path that begins with / and does not lead out of it.",
        ),
        Unclean::LongTarget => (StatusCode::URI_TOO_LONG, "too-large", "The address is too long."),
        Unclean::Headers => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "too-large",
            "There are too many headers, or they are too long.",
        ),
    };
    let mut response = Problem::new(status, code, "This request is not passed on")
        .detail(detail)
        .into_response();
    // Where framing is in doubt, whatever comes next on this connection is too.
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
