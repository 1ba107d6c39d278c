//! Asks a listener of ours whether it is ready, as any client would.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A ready listener answers within this; what takes longer counts as not ready and is asked again.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// The status of `GET path` there. `host` is the authority that the listener knows itself by.
pub async fn status(address: SocketAddr, host: &str, path: &str) -> io::Result<u16> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        // `HTTP/1.1 200`
        let mut head = [0u8; 12];
        stream.read_exact(&mut head).await?;
        let digits = std::str::from_utf8(&head[9..])
            .ok()
            .and_then(|digits| digits.parse().ok());
        digits.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer"))
    };
    tokio::time::timeout(ANSWER_TIME, asked)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The authority of a URL: `example.org:8080` of `https://example.org:8080/x`.
pub fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}
