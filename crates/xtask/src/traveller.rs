//! A stranger's client, written from the public contract alone: finds a time, holds it, books, moves, cancels. Used by
//! every outside suite, so that a change of the contract breaks them all at once.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
pub use rehearsal::look::Time;
pub use rehearsal::request::{book, cancel, hold};
use serde_json::{Value, json};

use crate::client::Client;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A key that was never used before: this process, its start, and a count.
pub fn fresh_key(what: &str) -> String {
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    let started = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default()
        .as_micros();
    format!("{what}-{}-{started:x}-{count:08}", std::process::id())
}

/// An adult whom nobody has met. Letters only in the names, as a form may ask.
pub fn fresh_resident() -> Value {
    let count = NEXT.fetch_add(1, Ordering::Relaxed) + u64::from(std::process::id()) * 1_000_003;
    let letters = |mut number: u64| {
        let mut name = String::new();
        while number > 0 {
            name.push(char::from(b'a' + (number % 26) as u8));
            number /= 26;
        }
        name
    };
    let (given, family) = (
        format!("Ada{}", letters(count)),
        format!("Okafor{}", letters(count / 7 + 1)),
    );
    json!({ "given_name": given, "family_name": family, "birth_date": "1980-05-17", "email": format!("a{count}@example.org") })
}

/// Times with a place left, at the clinics nearest to a ZIP.
pub async fn open_times(client: &Client, near: &str, clinics: usize) -> Result<Vec<Time>> {
    let times = rehearsal::look::open_times(client, Some(near), clinics).await?;
    anyhow::ensure!(!times.is_empty(), "no open time near {near}");
    Ok(times)
}

/// Holds and books the first of these times that a fresh resident may have.
pub async fn booked(client: &Client, times: &[Time]) -> Result<Value> {
    let mut last = None;
    for time in times {
        let held = client.send(&hold(&time.slot, &fresh_key("hold"))).await?;
        if held.status != 201 {
            last = Some(held.text());
            continue;
        }
        let answer = client
            .send(&book(&held.json(), &fresh_resident(), &fresh_key("book")))
            .await?;
        if answer.status == 201 {
            return Ok(answer.json());
        }
        last = Some(answer.text());
    }
    anyhow::bail!(
        "none of {} times could be booked; the last answer: {last:?}",
        times.len()
    )
}
