//! A small HTTP/1.1 client: one request, one answer, with connections kept. Never sends a request twice on its own,
//! because whoever writes a history must know what was sent. Tells apart what never went out from what went out and
//! was not answered.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections kept open to one site.
const IDLE_MAX: usize = 256;
/// Characters of an unexpected answer that are quoted.
const QUOTED: usize = 600;

/// No answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nothing went out: certainly nothing happened.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It went out and no whole answer came: whether it was done is unknown.
    #[error("sent, and no answer: {0}")]
    Lost(String),
    /// An answer of another status.
    #[error("{asked}: expected {expected}, got {status}: {body}")]
    Unexpected {
        /// Method and path.
        asked: String,
        /// The status that was wanted.
        expected: u16,
        /// The status that came.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
}

/// Speaks to one site. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    base: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Bytes,
}

impl Answer {
    /// One header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Ask {
    /// A GET.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }
    /// A POST of JSON with an idempotency key.
    pub fn post(path: impl Into<String>, key: &str, body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self {
            method: Method::POST,
            path: path.into(),
            headers: Vec::new(),
            body,
        }
        .header("content-type", "application/json")
        .header("idempotency-key", key)
    }
    /// A POST of a form, as a browser sends one.
    pub fn form(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            headers: Vec::new(),
            body: body.into(),
        }
        .header("content-type", "application/x-www-form-urlencoded")
    }
    /// Only the first bytes of the body.
    #[must_use]
    pub fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }
    /// Another method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }
    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
    /// The credential of the resource that the path names.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }
    /// As it goes out: to the host in `base`, or over a connection to a host that it does not name, when that is empty.
    pub(crate) fn request(&self, base: &str) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{base}{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Full::new(self.body.clone()))
    }
    /// The method and path, for messages.
    pub fn shown(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Client {
    /// Speaks to the site at this URL.
    pub fn new(url: &str) -> Self {
        let mut builder = Pool::builder(TokioExecutor::new());
        builder.retry_canceled_requests(false).pool_max_idle_per_host(IDLE_MAX);
        Self {
            pool: builder.build_http(),
            base: url.trim_end_matches('/').to_owned(),
        }
    }

    /// Sends one request and reads the whole answer.
    pub async fn send(&self, ask: &Ask) -> Result<Answer, SendError> {
        let request = ask
            .request(&self.base)
            .map_err(|error| SendError::NotSent(error.to_string()))?;
        let whole = async {
            // Not connected: nothing was sent. Anything later: sent, and who knows.
            let answer = self.pool.request(request).await.map_err(|error| {
                let unsent = error.is_connect();
                let cause = format!("{error}{}", source_of(&error));
                if unsent {
                    SendError::NotSent(cause)
                } else {
                    SendError::Lost(cause)
                }
            })?;
            let (head, body) = answer.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| SendError::Lost(error.to_string()))?
                .to_bytes();
            Ok((head, body))
        };
        let (head, body) = tokio::time::timeout(PATIENCE, whole)
            .await
            .map_err(|_| SendError::Lost(format!("nothing came in {PATIENCE:?}")))??;
        let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
        Ok(Answer {
            status: head.status.as_u16(),
            headers,
            body,
        })
    }

    /// Sends and asks for this status.
    pub async fn ask(&self, ask: &Ask, status: u16) -> Result<Answer, SendError> {
        let answer = self.send(ask).await?;
        if answer.status == status {
            return Ok(answer);
        }
        Err(SendError::Unexpected {
            asked: ask.shown(),
            expected: status,
            status: answer.status,
            body: answer.text().chars().take(QUOTED).collect(),
        })
    }

    /// GETs a path that answers 200 and JSON.
    pub async fn json(&self, path: &str) -> Result<Value, SendError> {
        Ok(self.ask(&Ask::get(path), StatusCode::OK.as_u16()).await?.json())
    }
}

fn source_of(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(String::new, |source| format!(": {source}"))
}
