//! What running servers say of themselves on their internal listeners, asked as any scraper would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use supervisor::probe::authority;
use supervisor::processes::Processes;

use super::bundle::Bundle;

/// A server that is well answers within milliseconds.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Largest answer that is read; metrics are some 100 KB.
const ANSWER_BYTES: u64 = 8 << 20;

/// Adds which processes run, and what each says.
pub fn ask(data: &Path, bundle: &mut Bundle) {
    let processes = match Processes::load(data) {
        Ok(Some(processes)) => processes,
        Ok(None) => return bundle.missing("processes.json", "nothing runs here"),
        Err(why) => return bundle.missing("processes.json", &why.to_string()),
    };
    bundle.redacted("processes.json", "what runs, and where it answers", &processes.line());
    if processes.internal.server.is_empty() {
        bundle.missing("server", "no server runs right now");
    }
    for (n, internal) in processes.internal.server.iter().enumerate() {
        for (path, about) in [
            ("metrics", "what the server counts"),
            ("readyz", "whether it is ready"),
            ("livez", "whether it lives"),
        ] {
            let name = format!("server-{}/{path}.txt", n + 1);
            match get(internal, path) {
                Ok(text) => bundle.redacted(&name, about, &text),
                Err(why) => bundle.missing(&name, &format!("{why:#}")),
            }
        }
    }
}

fn get(url: &str, path: &str) -> anyhow::Result<String> {
    let host = authority(url);
    let address: SocketAddr = host.parse().context("not an address")?;
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIME)?;
    stream.set_read_timeout(Some(ANSWER_TIME))?;
    stream.set_write_timeout(Some(ANSWER_TIME))?;
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = head.lines().next().unwrap_or_default();
    // The health answers say what fails by their status too.
    Ok(if path == "metrics" {
        body.to_owned()
    } else {
        format!("{status}\n{body}\n")
    })
}
