//! A stranger's client, written from the public contract alone: finds a time, holds it, books, moves, cancels. Used by
//! every outside suite, so that a change of the contract breaks them all at once.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
pub use rehearsal::look::Time;
use rehearsal::request;
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
    bail!(
        "none of {} times could be booked; the last answer: {last:?}",
        times.len()
    )
}

/// Times for the crowd, and those of a clinic of its own for the guest: what the crowd reads only the crowd takes.
pub async fn split_times(client: &Client, clinics: usize) -> Result<(Vec<Time>, Vec<Time>)> {
    let times = open_times(client, "02108", clinics).await?;
    let mut clinics: Vec<String> = times.iter().map(|time| time.clinic.clone()).collect();
    clinics.dedup();
    for clinic in clinics.iter().rev() {
        let own = bookable(client, clinic).await?;
        if own.len() > 50 {
            return Ok((times.into_iter().filter(|time| time.clinic != *clinic).collect(), own));
        }
    }
    bail!("no clinic has fifty times for an adult")
}

/// A clinic's times of a vaccine that any adult may have: one is booked to see.
async fn bookable(client: &Client, clinic: &str) -> Result<Vec<Time>> {
    let slots = client.json(&format!("/api/v1/slots?clinic={clinic}&limit=200")).await?;
    let slots = slots["slots"].as_array().context("a list of slots")?;
    let mut tried = Vec::new();
    for slot in slots {
        let vaccine = &slot["vaccine"];
        if tried.contains(&vaccine) || slot["free"] == 0 {
            continue;
        }
        tried.push(vaccine);
        let id = slot["id"].as_str().context("a slot's id")?;
        let held = client.ask(&request::hold(id, &fresh_key("hold")), 201).await?.json();
        let book = request::book(&held, &fresh_resident(), &fresh_key("book"));
        if client.send(&book).await?.status == 201 {
            let own = slots.iter().filter(|slot| slot["vaccine"] == *vaccine);
            let times = own.filter_map(|slot| {
                Some(Time {
                    slot: slot["id"].as_str()?.to_owned(),
                    clinic: clinic.to_owned(),
                    vaccine: slot["vaccine"].as_str()?.to_owned(),
                    capacity: slot["capacity"].as_u64()?,
                    free: slot["free"].as_u64().filter(|free| *free > 1)?,
                })
            });
            return Ok(times.collect());
        }
    }
    Ok(Vec::new())
}
