//! A person's first minute with the binary, and a stranger's client: `up` on an empty folder, the ready line, `ps`, a
//! second `up` that refuses, a taken port; then the whole of a booking written from the public contract; `stop`, and
//! going on where it stopped.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::{Value, json};

use super::Tally;
use crate::Checkout;
use crate::client::{Ask, Client};
use crate::site::{Site, Start};
use crate::traveller::{self, fresh_key, fresh_resident};

/// Promised for a first start, and for a later one; both doubled here, because a machine that runs tests is laden.
const FIRST_READY_S: u64 = 60;
const LATER_READY_S: u64 = 10;

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let scratch = checkout.scratch("journey")?;
    let (binary, data) = (checkout.binary(), scratch.join("data"));
    let runtime = super::runtime()?;
    let site = Start::new(&binary, &data).up()?;
    println!("  first start: ready after {:.1} s", site.ready_after.as_secs_f64());
    ensure!(
        site.ready_after.as_secs() <= FIRST_READY_S,
        "the first start took {:?}",
        site.ready_after
    );
    ready_line(&site, &data)?;
    beside_a_running_one(&binary, &data, &site)?;
    let appointment = runtime.block_on(a_booking(&site.client()))?;
    runtime.block_on(bad_input(&site.client()))?;
    let stopped = evenkeel(&binary, &["stop", "--data"], &data)?;
    ensure!(
        stopped.status.success(),
        "stop ended with {}: {}",
        stopped.status,
        said(&stopped)
    );
    let mut site = site;
    ensure!(
        site.wait(std::time::Duration::from_secs(20))?.success(),
        "`up` did not end well after `stop`"
    );
    drop(site);

    let site = Start::new(&binary, &data).up()?;
    println!("  later start: ready after {:.1} s", site.ready_after.as_secs_f64());
    ensure!(
        site.ready_after.as_secs() <= LATER_READY_S,
        "a later start took {:?}",
        site.ready_after
    );
    runtime.block_on(still_there(&site.client(), &appointment))?;
    let verified = evenkeel(&binary, &["verify", "--data"], &data)?;
    ensure!(
        verified.status.code() == Some(0),
        "verify beside a running site: {}",
        said(&verified)
    );
    ensure!(site.stop()?.success(), "`up` did not end well after SIGTERM");
    Ok(Tally::passed(8))
}

/// The ready line has every key, and processes.json says the same.
fn ready_line(site: &Site, data: &Path) -> Result<()> {
    let keys = [
        "event", "public", "watch", "status", "internal", "servers", "pids", "sign_in", "data",
    ];
    for key in keys {
        ensure!(
            site.ready.get(key).is_some(),
            "the ready line has no `{key}`: {}",
            site.ready
        );
    }
    for kind in ["server", "gateway", "watch"] {
        ensure!(
            site.ready["internal"][kind].is_array(),
            "`internal.{kind}` is no list: {}",
            site.ready
        );
        ensure!(
            site.ready["pids"][kind].is_array(),
            "`pids.{kind}` is no list: {}",
            site.ready
        );
    }
    let kept = site.processes()?;
    for key in ["public", "internal", "servers", "pids"] {
        ensure!(
            kept[key] == site.ready[key],
            "processes.json and the ready line differ in `{key}`: {kept}"
        );
    }
    ensure!(kept["sign_in"].is_null(), "a sign-in link is kept on disk");
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(data.join(path)).map(|file| file.permissions().mode() & 0o777)
    };
    ensure!(mode("operator.token")? == 0o600, "operator.token is readable by others");
    for key in std::fs::read_dir(data.join("keys")).context("DATA/keys")? {
        let name = format!("keys/{}", key?.file_name().to_string_lossy());
        ensure!(mode(&name)? == 0o600, "{name} is readable by others");
    }
    Ok(())
}

/// What else a person may type while it runs.
fn beside_a_running_one(binary: &Path, data: &Path, site: &Site) -> Result<()> {
    let ps = evenkeel(binary, &["ps", "--data"], data)?;
    let server = site.server()?.to_string();
    ensure!(
        ps.status.success() && said(&ps).contains(&server),
        "ps does not name the server {server}: {}",
        said(&ps)
    );
    let again = evenkeel(binary, &["up", "--listen", "127.0.0.1:0", "--data"], data)?;
    let holder = site.supervisor()?.to_string();
    ensure!(
        again.status.code() == Some(1),
        "a second `up` ended with {}: {}",
        again.status,
        said(&again)
    );
    ensure!(
        said(&again).contains(&holder),
        "a second `up` does not name the holder {holder}: {}",
        said(&again)
    );
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let other = data.with_file_name("other");
    let refused = evenkeel(binary, &["up", "--empty", "--listen", &address, "--data"], &other)?;
    ensure!(
        refused.status.code() == Some(1),
        "a taken port: ended with {}: {}",
        refused.status,
        said(&refused)
    );
    ensure!(
        said(&refused).contains("--listen"),
        "a taken port: the message offers no `--listen`: {}",
        said(&refused)
    );
    let unknown = evenkeel(binary, &["up", "--no-such-thing", "--data"], &other)?;
    ensure!(
        unknown.status.code() == Some(2),
        "wrong usage ended with {}",
        unknown.status
    );
    Ok(())
}

/// Find, hold, more time, book, the same again, see, move, cancel, cancel again.
async fn a_booking(client: &Client) -> Result<Value> {
    let times = traveller::open_times(client, "01602", 5).await?;
    let held = client
        .ask(&traveller::hold(&times[0].slot, &fresh_key("hold")), 201)
        .await?
        .json();
    let (id, token) = (text(&held["id"])?, text(&held["token"])?);
    let extend = Ask::post(format!("/api/v1/holds/{id}/extend"), &fresh_key("extend"), &json!({})).bearer(&token);
    let longer = client.ask(&extend, 200).await?.json();
    ensure!(
        longer["extensions_left"].as_u64() < held["extensions_left"].as_u64(),
        "more time costs nothing: {longer}"
    );
    let book = traveller::book(&held, &fresh_resident(), &fresh_key("book"));
    let first = client.ask(&book, 201).await?;
    let again = client.ask(&book, 201).await?;
    ensure!(first.body == again.body, "the same key, another answer");
    ensure!(
        again.header("idempotency-replayed") == Some("true"),
        "a replay that does not say so"
    );
    let booked = first.json();
    let (id, token) = (text(&booked["id"])?, text(&booked["manage_token"])?);
    let path = format!("/api/v1/appointments/{id}");
    let seen = client.ask(&Ask::get(&path).bearer(&token), 200).await?.json();
    ensure!(
        seen["status"] == "booked" && seen["resident"]["birth_date"].is_null(),
        "seen: {seen}"
    );
    client.ask(&Ask::get(&path), 401).await?;
    client.ask(&Ask::get(&path).bearer("somebody-elses-token"), 404).await?;

    let other = times
        .iter()
        .find(|time| time.slot != times[0].slot && time.vaccine == times[0].vaccine)
        .context("a second time of the same vaccine")?;
    let held = client
        .ask(&traveller::hold(&other.slot, &fresh_key("hold")), 201)
        .await?
        .json();
    let body = json!({ "hold": held["id"], "token": held["token"] });
    let moving = Ask::post(format!("{path}/reschedule"), &fresh_key("move"), &body).bearer(&token);
    let moved = client.ask(&moving, 200).await?.json();
    ensure!(
        moved["slot"]["id"] == other.slot.as_str() && moved["code"] == booked["code"],
        "moved: {moved}"
    );

    let spare = client
        .ask(&traveller::hold(&times[0].slot, &fresh_key("hold")), 201)
        .await?
        .json();
    let give_back = Ask::get(format!("/api/v1/holds/{}", text(&spare["id"])?))
        .method(Method::DELETE)
        .bearer(&text(&spare["token"])?);
    client.ask(&give_back, 204).await?;
    client.ask(&give_back, 204).await?;
    for _ in 0..2 {
        let cancelled = client
            .ask(&traveller::cancel(&booked, &fresh_key("cancel")), 200)
            .await?
            .json();
        ensure!(cancelled["status"] == "cancelled", "cancelled: {cancelled}");
    }
    Ok(booked)
}

/// Each of these is a 4xx that says what is wrong, and changes nothing.
async fn bad_input(client: &Client) -> Result<()> {
    let hold = |body: Value| Ask::post("/api/v1/holds", &fresh_key("bad"), &body);
    let problem = |answer: &crate::client::Answer| text(&answer.json()["code"]).unwrap_or_default();
    let cases = [
        (hold(json!({ "slot": "slt-nobody" })), 422, "invalid"),
        (hold(json!({ "slot": "slt-nobody", "more": 1 })), 400, "malformed"),
        (Ask::get("/api/v1/clinics?nearby=02108"), 400, "malformed"),
        (Ask::get("/api/v1/clinics?near=00000"), 422, "invalid"),
        (Ask::get("/api/v1/slots?clinic=cln-nobody"), 404, "not-found"),
        (Ask::get("/api/v1/holds"), 405, "method-not-allowed"),
        (Ask::get("/api/v1/nothing"), 404, "not-found"),
    ];
    for (ask, status, code) in cases {
        let answer = client.ask(&ask, status).await?;
        ensure!(
            problem(&answer) == code,
            "{}: expected `{code}`, got {}",
            ask.shown(),
            answer.text()
        );
    }
    Ok(())
}

async fn still_there(client: &Client, appointment: &Value) -> Result<()> {
    let path = format!("/api/v1/appointments/{}", text(&appointment["id"])?);
    let seen = client
        .ask(&Ask::get(path).bearer(&text(&appointment["manage_token"])?), 200)
        .await?
        .json();
    ensure!(
        seen["status"] == "cancelled" && seen["code"] == appointment["code"],
        "after a restart: {seen}"
    );
    Ok(())
}

fn text(value: &Value) -> Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("expected text, found {value}"))
}

fn evenkeel(binary: &Path, words: &[&str], data: &Path) -> Result<Output> {
    Command::new(binary)
        .args(words)
        .arg(data)
        .output()
        .with_context(|| format!("starting evenkeel {words:?}"))
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
