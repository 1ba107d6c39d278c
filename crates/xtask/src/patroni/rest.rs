//! A few words of HTTP/1.0: Patroni's and etcd's own doors, asked by whoever may wait.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Longest answer that is read.
const ANSWER_MAX: usize = 1 << 20;

/// One request, one answer: its status and its body; all of it within this time.
pub(super) fn ask(address: &str, method: &str, path: &str, body: &str, within: Duration) -> Result<(u16, String)> {
    let until = Instant::now() + within;
    let address: SocketAddr = address.parse().with_context(|| format!("{address} is no address"))?;
    let mut line = TcpStream::connect_timeout(&address, within)?;
    line.set_write_timeout(Some(within))?;
    let length = body.len();
    let kind = "Content-Type: application/json";
    write!(
        line,
        "{method} {path} HTTP/1.0\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let (mut said, mut chunk) = (Vec::new(), [0; 8192]);
    loop {
        let left = until
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero());
        line.set_read_timeout(Some(
            left.with_context(|| format!("{address} does not answer within {within:?}"))?,
        ))?;
        match line.read(&mut chunk)? {
            0 => break,
            read => said.extend_from_slice(&chunk[..read]),
        }
        ensure!(said.len() < ANSWER_MAX, "{address} does not end");
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    let (head, body) = said
        .split_once("\r\n\r\n")
        .with_context(|| format!("{address} said {said:?}"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((
        status.with_context(|| format!("{address} said {head:?}"))?,
        body.to_owned(),
    ))
}
