//! A new visitor: a connection of its own, one request, read to the end of the connection. Says how long all of it took, and how
//! it failed where it did.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest that a visitor waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// What nobody else's answer will do for.
pub const PAST_CACHE: &str = "Cookie: a=b\r\n";

/// What a visitor asks.
#[derive(Debug, Clone)]
pub struct Visit {
    /// `127.0.0.1:PORT` that is connected to.
    pub at: String,
    /// The host that is asked for.
    pub host: String,
    /// `GET /path`.
    pub what: &'static str,
    /// Header lines, each with its end.
    pub headers: &'static str,
    /// The body, if any.
    pub body: &'static str,
    /// Whether the connection might bring another request: then it is for the other side to end it.
    pub keeps: bool,
}

/// What came.
#[derive(Debug)]
pub struct Came {
    /// The status.
    pub status: u16,
    /// Everything before the body, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

/// One visit, from its beginning to its end.
#[derive(Debug)]
pub struct Visited {
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
    /// What came, or how it failed.
    pub came: io::Result<Came>,
}

impl Visited {
    /// The status, or 0.
    pub fn status(&self) -> u16 {
        self.came.as_ref().map_or(0, |came| came.status)
    }
    /// Whether nobody listened.
    pub fn was_refused(&self) -> bool {
        matches!(&self.came, Err(error) if error.kind() == ErrorKind::ConnectionRefused)
    }
}

impl Visit {
    /// A GET of the site that is at its own address.
    pub fn get(at: &str, what: &'static str) -> Self {
        Self {
            at: at.to_owned(),
            host: at.to_owned(),
            what,
            headers: "",
            body: "",
            keeps: false,
        }
    }

    /// Goes there.
    pub async fn go(&self) -> Visited {
        let began = Instant::now();
        let came = tokio::time::timeout(PATIENCE, self.ask()).await;
        Visited {
            began,
            took: began.elapsed(),
            came: came.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())),
        }
    }

    async fn ask(&self) -> io::Result<Came> {
        let mut stream = TcpStream::connect(&self.at).await?;
        let (what, host, headers, body) = (self.what, &self.host, self.headers, self.body);
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let close = if self.keeps { "" } else { "Connection: close\r\n" };
        let request = format!("{what} HTTP/1.1\r\nHost: {host}\r\n{close}{headers}{length}\r\n{body}");
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let cut = || io::Error::new(ErrorKind::UnexpectedEof, "not a whole answer");
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(cut)?;
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length
            .and_then(|length| length.parse().ok())
            .is_some_and(|length: usize| body.len() < length)
        {
            return Err(cut());
        }
        Ok(Came {
            status,
            head,
            body: body.to_owned(),
        })
    }
}
