//! A stranger's client, written from the public contract alone: finds a time, holds it, books, moves, cancels. Used by
//! every outside suite, so that a change of the contract breaks them all at once.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::client::{Ask, Client};

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

/// A clinic and one of its times.
#[derive(Debug, Clone)]
pub struct Time {
    /// The slot's id.
    pub slot: String,
    /// The clinic's id.
    pub clinic: String,
    /// CVX code.
    pub vaccine: String,
    /// Free places when it was looked up.
    pub free: u64,
}

/// Times with a place left, at the clinics nearest to a ZIP, for a product that any adult may book.
pub async fn open_times(client: &Client, near: &str, clinics: usize) -> Result<Vec<Time>> {
    let found = client
        .json(&format!("/api/v1/clinics?near={near}&within_km=80&limit={clinics}"))
        .await?;
    let mut times = Vec::new();
    for clinic in found["clinics"].as_array().context("a list of clinics")? {
        let id = clinic["id"].as_str().context("a clinic's id")?;
        let slots = client.json(&format!("/api/v1/slots?clinic={id}&limit=200")).await?;
        for slot in slots["slots"].as_array().context("a list of slots")? {
            let free = slot["free"].as_u64().unwrap_or_default();
            if free > 0 {
                times.push(Time {
                    vaccine: slot["vaccine"].as_str().context("a slot's vaccine")?.to_owned(),
                    slot: slot["id"].as_str().context("a slot's id")?.to_owned(),
                    clinic: id.to_owned(),
                    free,
                });
            }
        }
    }
    anyhow::ensure!(!times.is_empty(), "no open time near {near}");
    Ok(times)
}

/// The request that holds one time.
pub fn hold(slot: &str, key: &str) -> Ask {
    Ask::post("/api/v1/holds", key, &json!({ "slot": slot }))
}

/// The request that books a hold of one entry for one resident.
pub fn book(hold: &Value, resident: &Value, key: &str) -> Ask {
    let body = json!({ "hold": hold["id"], "token": hold["token"], "resident": resident, "answers": {}, "dose": 1 });
    Ask::post("/api/v1/appointments", key, &body)
}

/// The request that cancels an appointment.
pub fn cancel(appointment: &Value, key: &str) -> Ask {
    let path = format!(
        "/api/v1/appointments/{}/cancel",
        appointment["id"].as_str().unwrap_or_default()
    );
    Ask::post(path, key, &json!({})).bearer(appointment["manage_token"].as_str().unwrap_or_default())
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
