//! Asks a listener of ours whether it is ready or lives, as any client would.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The status of `GET path` there, when it comes within that time. `host` is the authority that the listener knows
/// itself by.
pub async fn status(address: SocketAddr, host: &str, path: &str, within: Duration) -> io::Result<u16> {
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
    tokio::time::timeout(within, asked)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The same of a URL whose authority is an address with a port, as that of an internal listener.
pub async fn status_of(url: &str, path: &str, within: Duration) -> io::Result<u16> {
    let host = authority(url);
    let address = host
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    status(address, host, path, within).await
}

/// The authority of a URL: `example.org:8080` of `https://example.org:8080/x`.
pub fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}
