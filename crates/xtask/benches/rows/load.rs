//! The load: connections that stay open, one request at a time on each, answers read no further than a client must.
//! Light on purpose, because it shares the cores with what it measures.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use xtask::bench::Round;

/// One connection.
pub struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
    /// The head.
    pub head: &'a [u8],
}

impl Line {
    /// Connects.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends a whole request and reads the whole answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let status = std::str::from_utf8(&self.buffer[9..12])?.parse()?;
        let length = match status {
            204 | 304 => 0,
            _ => content_length(&self.buffer[..head_end])?,
        };
        while self.buffer.len() < head_end + length {
            self.more().await?;
        }
        let (head, body) = self.buffer.split_at(head_end);
        Ok(Answer {
            status,
            body: &body[..length],
            head,
        })
    }

    async fn more(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "the connection was closed in an answer");
        Ok(())
    }
}

fn find(within: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(within, wanted)
}

/// A header's value.
pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(head).ok()?;
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn content_length(head: &[u8]) -> Result<usize> {
    // Both sides' server writes it so; taking all headers apart would cost this client more the more of them there are.
    let name = b"\r\ncontent-length: ";
    let value = find(head, name).map(|at| &head[at + name.len()..]);
    match value.and_then(|value| value.split(|byte| *byte == b'\r').next()) {
        Some(length) => Ok(std::str::from_utf8(length)?.parse()?),
        None => bail!("an answer without its length: {}", String::from_utf8_lossy(head)),
    }
}

/// A GET as it goes over the line.
pub fn get(address: &str, path: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\n{more}\r\n").into_bytes()
}

/// Sends these requests in turn on so many connections for so long. Every answer must have this status.
pub async fn flood(address: &str, requests: &[Vec<u8>], status: u16, at_once: usize, lasts: Duration) -> Result<Round> {
    let until = Instant::now() + lasts;
    let began = Instant::now();
    let mut clients = Vec::new();
    for client in 0..at_once {
        let (address, requests) = (address.to_owned(), requests.to_vec());
        clients.push(tokio::spawn(async move {
            let mut line = Line::open(&address).await?;
            let mut waits = Histogram::<u64>::new_with_max(60_000_000, 3)?;
            let mut turn = client;
            while Instant::now() < until {
                let sent = Instant::now();
                let answer = line.send(&requests[turn % requests.len()]).await?;
                ensure!(answer.status == status, "expected {status}, got {}", answer.status);
                waits.saturating_record(sent.elapsed().as_micros() as u64);
                turn += 1;
            }
            anyhow::Ok(waits)
        }));
    }
    let mut waits = Histogram::<u64>::new_with_max(60_000_000, 3)?;
    for client in clients {
        waits.add(client.await??)?;
    }
    let figure = waits.len() as f64 / began.elapsed().as_secs_f64();
    Ok(Round {
        figure,
        p99_ms: Some(waits.value_at_quantile(0.99) as f64 / 1000.0),
    })
}
