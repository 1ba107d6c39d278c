//! On disk before the answer. SIGKILL does not test that, because the kernel keeps what a killed process wrote; so the
//! server runs under strace, and between reading a keyed request and writing its 201 a sync of the write-ahead log
//! must have begun and ended. With `synchronous=NORMAL` the same test fails, which shows that it looks.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Tally;
use crate::client::Client;
use crate::site::Start;
use crate::traveller::{self, fresh_key, fresh_resident};
use crate::{Checkout, tools};

/// What strace shows: reading, writing, syncing.
const CALLS: &str = "trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync";
/// Bookings that are looked at; each is two keyed requests.
const BOOKINGS: usize = 10;

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let strace = tools::debian("strace", "strace")?;
    let scratch = checkout.scratch("fsync")?;
    let (binary, data) = (checkout.binary(), scratch.join("data"));
    let runtime = super::runtime()?;
    Start::new(&binary, &data).up()?.stop()?; // the import of the demonstration is not what we want to see

    let watch = |name: &str, more: &[&str]| -> Result<(Vec<String>, String)> {
        let log = scratch.join(name);
        let (strace, log_text) = (strace.display().to_string(), log.display().to_string());
        let words = [
            &strace,
            "-f",
            "--seccomp-bpf",
            "-y",
            "-s",
            "700",
            "-e",
            CALLS,
            "-e",
            "signal=none",
            "-o",
            &log_text,
        ];
        let port = crate::port::free()?;
        let mut start = Start::new(&binary, &data).server(port).under(&words);
        for argument in more {
            start = start.arg(*argument);
        }
        let site = start.up()?;
        let keys = runtime.block_on(book(&Client::new(&format!("http://127.0.0.1:{port}"))))?;
        site.stop()?;
        Ok((keys, read(&log)?))
    };

    let (keys, log) = watch("full.strace", &[])?;
    let without = unsynced(&log, &keys)?;
    ensure!(
        without.is_empty(),
        "answered before the log was on disk: {without:?} (see {})",
        scratch.display()
    );
    println!(
        "  {} keyed requests, each with a completed sync of the log before its 201",
        keys.len()
    );

    let (keys, log) = watch("normal.strace", &["--rehearsal", "--durability", "unsafe"])?;
    let without = unsynced(&log, &keys)?;
    ensure!(
        !without.is_empty(),
        "with synchronous=NORMAL the test should fail, and passes: it looks at nothing"
    );
    println!(
        "  with synchronous=NORMAL {} of {} had none: the test can fail",
        without.len(),
        keys.len()
    );
    Ok(Tally::passed(2))
}

/// Books one after another, so that between a request and its answer there is only its own work. The keys used.
async fn book(client: &Client) -> Result<Vec<String>> {
    let times = traveller::open_times(client, "02108", 1).await?;
    let mut keys = Vec::new();
    for time in times.iter().take(BOOKINGS) {
        let (hold, book) = (fresh_key("hold"), fresh_key("book"));
        let held = client.ask(&traveller::hold(&time.slot, &hold), 201).await?;
        client
            .ask(&traveller::book(&held.json(), &fresh_resident(), &book), 201)
            .await?;
        keys.extend([hold, book]);
    }
    Ok(keys)
}

fn read(log: &Path) -> Result<String> {
    let bytes = std::fs::read(log).with_context(|| format!("reading {}", log.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The keys whose 201 was written without a sync of the log begun after the request was read and ended before.
pub fn unsynced(log: &str, keys: &[String]) -> Result<Vec<String>> {
    let lines: Vec<&str> = log.lines().collect();
    let mut without = Vec::new();
    for key in keys {
        let read = lines
            .iter()
            .position(|line| is_read(line) && line.contains(key.as_str()));
        let read = read.with_context(|| format!("strace saw nobody read the request with key {key}"))?;
        let answer = lines[read..]
            .iter()
            .position(|line| is_write(line) && line.contains("HTTP/1.1 201"));
        let answer = read + answer.with_context(|| format!("strace saw nobody write the 201 for {key}"))?;
        if !synced(&lines[read + 1..answer]) {
            without.push(key.clone());
        }
    }
    Ok(without)
}

/// `PID call(…) = result`, or `PID <... call resumed>…) = result`: the call's name.
fn call(line: &str) -> &str {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let rest = rest.strip_prefix("<... ").unwrap_or(rest);
    rest.split(['(', ' ']).next().unwrap_or_default()
}

fn is_read(line: &str) -> bool {
    ["read", "readv", "recvfrom", "recvmsg"].contains(&call(line))
}

fn is_write(line: &str) -> bool {
    ["write", "writev", "sendto", "sendmsg"].contains(&call(line))
}

/// Whether a sync of the write-ahead log begins and succeeds within these lines, perhaps interrupted by other threads.
fn synced(lines: &[&str]) -> bool {
    let pid = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let mut waiting = Vec::new();
    for line in lines.iter().filter(|line| ["fsync", "fdatasync"].contains(&call(line))) {
        let of_log = line.contains("-wal>");
        if line.contains("resumed>") {
            if line.trim_end().ends_with("= 0") && waiting.contains(&pid(line)) {
                return true;
            }
        } else if of_log && line.contains("<unfinished") {
            waiting.push(pid(line));
        } else if of_log && line.trim_end().ends_with("= 0") {
            return true;
        }
    }
    false
}
