//! Over HTTP, the whole product with its headers, traces and logs, against a bare axum "hello" of the same profile and
//! stack whose body is as long.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::routing::get;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use xtask::bench::{ROUNDS, Round, Row, Target, compare, cost};
use xtask::site::{Site, Start};

use super::Bench;
use super::commits::Where;
use super::dataset::{Dataset, Written, copied, prepared, runtime};
use super::engine::{Contact, somebody, uuid_text};
use super::load::{self, Line, flood};

/// Connections, one request at a time on each.
const CLIENTS: usize = 64;
/// One round of one side.
const LASTS: Duration = Duration::from_secs(3);
/// Slots in one answer: some 2 KB of JSON.
const LISTED: usize = 13;
/// Clinics that are asked about in turn.
const CLINICS: usize = 20;
/// A bare server that answers fewer than this shares the machine with something else.
const FLOOR: f64 = 8_000.0;
/// The same of bookings, each two synced commits.
const COST_FLOOR: f64 = 200.0;

/// The anchor, in a process of its own: prints its address and serves until its standard input ends.
pub fn hello(body_bytes: usize) -> Result<()> {
    let body: &'static str =
        Box::leak(format!("{{\"hello\":\"{}\"}}", ".".repeat(body_bytes.saturating_sub(12))).into_boxed_str());
    let json = || (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let router = Router::new()
        .route("/hello", get(move || async move { ([json()], body) }))
        .route(
            "/unchanged",
            get(|_: HeaderMap| async { (StatusCode::NOT_MODIFIED, [(header::ETAG, "W/\"1\"")]) }),
        );
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}

struct Hello {
    child: Child,
    address: String,
}

impl Hello {
    fn start(body_bytes: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["hello", &body_bytes.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the anchor")?;
        let mut address = String::new();
        let out = child.stdout.take().context("stdout is piped")?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut address)?;
        Ok(Self {
            child,
            address: address.trim().to_owned(),
        })
    }
}

impl Drop for Hello {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finding times: real JSON, some 2 KB, for twenty clinics in turn.
pub fn finding(bench: &Bench) -> Result<Row> {
    let (site, paths) = site_and_paths(bench)?;
    let body = runtime()?.block_on(async {
        let mut line = Line::open(&site.address()).await?;
        let request = load::get(&site.address(), &paths[0], "");
        let answer = line.send(&request).await?;
        ensure!(answer.status == 200, "{} answered {}", paths[0], answer.status);
        Ok(answer.body.len())
    })?;
    let ours: Vec<_> = paths.iter().map(|path| load::get(&site.address(), path, "")).collect();
    let mut row = in_turn("finding", &site, &ours, 200, ("/hello", body))?;
    row.note = format!("{}{body} bytes", row.note);
    site.stop()?;
    Ok(row)
}

/// The same when nothing changed: 304.
pub fn finding_304(bench: &Bench) -> Result<Row> {
    let (site, paths) = site_and_paths(bench)?;
    let ours = runtime()?.block_on(async {
        let mut line = Line::open(&site.address()).await?;
        let mut requests = Vec::new();
        for path in &paths {
            let answer = line.send(&load::get(&site.address(), path, "")).await?;
            let etag = load::header(answer.head, "etag")
                .context("an answer without an ETag")?
                .to_owned();
            requests.push(load::get(&site.address(), path, &format!("if-none-match: {etag}\r\n")));
        }
        anyhow::Ok(requests)
    })?;
    let row = in_turn("finding_304", &site, &ours, 304, ("/unchanged", 2048))?;
    site.stop()?;
    Ok(row)
}

fn site_and_paths(bench: &Bench) -> Result<(Site, Vec<String>)> {
    let dataset = prepared(bench, 10_000)?;
    let site = Start::new(&bench.evenkeel, &dataset.data).up()?;
    let found = runtime()?.block_on(site.client().json("/api/v1/clinics?near=02108&limit=50"))?;
    let ids = found["clinics"]
        .as_array()
        .context("a list of clinics")?
        .iter()
        .filter_map(|clinic| clinic["id"].as_str());
    let paths = ids
        .take(CLINICS)
        .map(|id| format!("/api/v1/slots?clinic={id}&limit={LISTED}"))
        .collect();
    Ok((site, paths))
}

fn in_turn(name: &str, site: &Site, ours: &[Vec<u8>], status: u16, (path, body): (&str, usize)) -> Result<Row> {
    let hello = Hello::start(body)?;
    let anchor = [load::get(&hello.address, path, "")];
    let runtime = runtime()?;
    let warm = Duration::from_secs(1);
    runtime.block_on(flood(&site.address(), ours, status, CLIENTS, warm))?;
    runtime.block_on(flood(&hello.address, &anchor, status, CLIENTS, warm))?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let one = runtime.block_on(flood(&site.address(), ours, status, CLIENTS, LASTS))?;
        let other = runtime.block_on(flood(&hello.address, &anchor, status, CLIENTS, LASTS))?;
        rounds.push((one, other));
    }
    let target = Target {
        ratio_min: 0.85,
        p99_ms_max: None,
        anchor_floor: FLOOR,
    };
    Ok(compare(name, "/s", CLIENTS, &rounds, target))
}

/// Full bookings, hold and book, each a durable commit, at 100,000 appointments.
pub fn booking(bench: &Bench, name: &str, place: Where) -> Result<Row> {
    let dataset = copied(bench, 100_000)?;
    let site = Start::new(&bench.evenkeel, &dataset.data).up()?;
    let hello = Hello::start(400)?;
    let anchor = [load::get(&hello.address, "/hello", "")];
    let runtime = runtime()?;
    let before = Written::of(&dataset.data)?;
    let mut rounds = Vec::new();
    for number in 0..=ROUNDS {
        let ours = runtime.block_on(book_for(&site.address(), &dataset, place, number, Contact::Email))?;
        let other = runtime.block_on(flood(&hello.address, &anchor, 200, CLIENTS, LASTS))?;
        if number > 0 {
            rounds.push((ours, other)); // the first warms
        }
    }
    site.stop()?;
    let messages = Written::of(&dataset.data)?.messages - before.messages;
    let booked: f64 = rounds.iter().map(|(ours, _)| ours.figure * LASTS.as_secs_f64()).sum();
    ensure!(messages as f64 >= booked, "{booked} bookings left {messages} messages");
    let target = Target {
        ratio_min: 0.1,
        p99_ms_max: None,
        anchor_floor: FLOOR,
    };
    Ok(compare(name, "/s", CLIENTS, &rounds, target))
}

/// What mail costs over HTTP, written and sent beside the bookings: residents with an e-mail address against residents
/// with a phone, each on a site of its own, so that nobody's mail is sent while the others book.
pub fn cost_of_mail(bench: &Bench, name: &str) -> Result<Row> {
    let side = |contact: Contact, number: usize| {
        let dataset = copied(bench, 10_000)?;
        let site = Start::new(&bench.evenkeel, &dataset.data).up()?;
        let before = Written::of(&dataset.data)?.messages;
        let round = runtime()?.block_on(book_for(&site.address(), &dataset, Where::Spread, number, contact))?;
        site.stop()?;
        let messages = Written::of(&dataset.data)?.messages - before;
        ensure!(
            (messages > 0) == (contact == Contact::Email),
            "{contact:?} left {messages} messages"
        );
        anyhow::Ok(round)
    };
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        rounds.push((side(Contact::Email, number)?, side(Contact::Phone, number)?));
    }
    Ok(cost(name, "/s", CLIENTS, &rounds, COST_FLOOR))
}

async fn book_for(address: &str, dataset: &Dataset, place: Where, number: usize, contact: Contact) -> Result<Round> {
    let (slots, turn) = (
        dataset.slots(place, number),
        Arc::new(AtomicUsize::new(number * 1_000_003)),
    );
    let began = Instant::now();
    let until = began + LASTS;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (address, slots, turn) = (address.to_owned(), Arc::clone(&slots), Arc::clone(&turn));
        clients.push(tokio::spawn(async move {
            let mut line = Line::open(&address).await?;
            let mut waits = Histogram::<u64>::new_with_max(60_000_000, 3)?;
            while Instant::now() < until {
                let slot = slots[turn.fetch_add(7919, Ordering::Relaxed) % slots.len()];
                let sent = Instant::now();
                let held = created(&mut line, &address, "/api/v1/holds", &json!({ "slot": slot.to_string() })).await?;
                let person = somebody(contact);
                let resident = json!({
                    "given_name": person.given_name, "family_name": person.family_name,
                    "birth_date": "1980-05-17", "email": person.email, "phone": person.phone,
                });
                let body = json!({ "hold": held["id"], "token": held["token"], "resident": resident, "answers": {}, "dose": 1 });
                created(&mut line, &address, "/api/v1/appointments", &body).await?;
                waits.saturating_record(sent.elapsed().as_micros() as u64);
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

/// A keyed POST that must create something. The key grows with time, as a good client's does.
async fn created(line: &mut Line, address: &str, path: &str, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let key = uuid_text(runtime::entropy::Entropy::real().uuid_v7(runtime::clock::Clock::real().now()));
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nidempotency-key: {key}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = line.send((head + &body).as_bytes()).await?;
    if answer.status != 201 {
        bail!(
            "{path} answered {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
    }
    Ok(serde_json::from_slice(answer.body)?)
}
