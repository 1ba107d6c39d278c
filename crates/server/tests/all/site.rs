//! A site to test on: the real router on the real engine on SQLite, with a few clinics; and a client that shows an
//! answer as what people would look at.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base::limit::Settings;
use base::time::{Date, Timestamp, add_days, date_text};
use booking::engine::{Engine, Start};
use bytes::Bytes;
use database::migration::migrate;
use database::{Broken, Connection, Database};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::http::listener::ClientAddress;
use runtime::http::metrics::Metrics;
use runtime::http::trace::Trace;
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use serde_json::{Value, json};
use server::app::App;
use server::public_url::PublicUrl;
use tower::ServiceExt as _;

use crate::world;

/// The host that the site is published under.
pub const AUTHORITY: &str = "127.0.0.1:8080";

/// A request that is being put together.
#[derive(Clone)]
pub struct Asking {
    router: Router,
    method: String,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    from: Option<SocketAddr>,
}

/// An answer.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

static KEYS: AtomicU64 = AtomicU64::new(0);

/// A key that nobody used before.
pub fn fresh_key() -> String {
    format!("test-key-{:016}", KEYS.fetch_add(1, Ordering::Relaxed))
}

/// Asks a router.
pub fn ask(router: &Router, method: &str, target: &str) -> Asking {
    let asking = Asking {
        router: router.clone(),
        method: method.to_owned(),
        target: target.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        from: None,
    };
    asking.header(HOST.as_str(), AUTHORITY)
}

impl Asking {
    /// With a header; an earlier one of that name goes.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: http::HeaderName = name.parse().expect("a header's name");
        self.headers.insert(name, value.parse().expect("a header's value"));
        self
    }
    /// With a header once more, beside an earlier one of that name.
    pub fn also(mut self, name: &str, value: &str) -> Self {
        let name: http::HeaderName = name.parse().expect("a header's name");
        self.headers.append(name, value.parse().expect("a header's value"));
        self
    }
    /// Without a header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }
    /// With a header's bytes as they are.
    pub fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        let name: http::HeaderName = name.parse().expect("a header's name");
        self.headers
            .insert(name, http::HeaderValue::from_bytes(value).expect("a header's value"));
        self
    }
    /// With a credential.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }
    /// With an idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }
    /// With a JSON body.
    pub fn json(self, value: &Value) -> Self {
        self.text(value.to_string())
    }
    /// With a body that says it is JSON.
    pub fn text(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE.as_str(), "application/json")
    }
    /// With bytes of no type.
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
    /// From an address.
    pub fn from(mut self, address: SocketAddr) -> Self {
        self.from = Some(address);
        self
    }
    /// Sends it. A POST without a key gets a fresh one unless it is sent with `send_as_is`.
    pub async fn send(self) -> Answered {
        let keyless = self.method == "POST" && !self.headers.contains_key("idempotency-key");
        let asking = if keyless { self.key(&fresh_key()) } else { self };
        asking.send_as_is().await
    }
    /// Sends it with what it has.
    pub async fn send_as_is(self) -> Answered {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.target);
        *request.headers_mut().expect("a well-formed request") = self.headers;
        let mut request = request.body(Body::from(self.body)).expect("a well-formed request");
        if let Some(address) = self.from {
            request.extensions_mut().insert(ClientAddress(address));
        }
        let response = self.router.oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body is whole").to_bytes();
        Answered {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

impl Answered {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    /// A header's text, empty when it is not there.
    pub fn header(&self, name: &str) -> String {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    }
    /// The status, and nothing else.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
    /// A problem of that status and code, well made. Shows the fields at fault.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> String {
        let problem = self.json();
        assert_eq!(
            (self.status.as_u16(), problem["code"].as_str()),
            (status, Some(code)),
            "{problem}"
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"].as_u64(), Some(u64::from(status)));
        assert_eq!(problem["type"], format!("urn:problem-type:evenkeel:{code}"));
        for text in ["title", "detail"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        assert!(
            problem["trace_id"].as_str().is_some_and(|id| id.len() == 32),
            "{problem}"
        );
        let fields = problem["errors"].as_array().cloned().unwrap_or_default();
        let fields: Vec<&str> = fields
            .iter()
            .filter_map(|error| error["field"].as_str())
            .map(|f| &*f.to_owned().leak())
            .collect();
        fields.join(" ")
    }
    /// A string somewhere in the JSON.
    #[track_caller]
    pub fn string(&self, pointer: &str) -> String {
        let json = self.json();
        json.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} in {json}"))
            .to_owned()
    }
}

/// A site that runs.
pub struct Site {
    router: Router,
    engine: Engine,
    /// Slots that a test was given.
    given: Mutex<BTreeSet<String>>,
}

/// A slot of the site.
#[derive(Debug, Clone)]
pub struct SlotOfSite {
    pub id: String,
    pub clinic: String,
    json: Value,
}

impl SlotOfSite {
    /// As the API shows it where it is part of something.
    pub fn shown(&self) -> Value {
        let mut shown = self.json.clone();
        let fields = shown.as_object_mut().expect("an object");
        fields.remove("capacity");
        fields.remove("free");
        shown
    }
}

/// A hold of the site.
#[derive(Debug)]
pub struct HoldOfSite {
    pub id: String,
    pub token: String,
    pub json: Value,
}

/// A person without contact whom nobody else shares the names with.
pub fn resident(given_name: &str) -> Value {
    json!({"given_name": given_name, "family_name": "Reyes", "birth_date": "1980-05-17"})
}

static SITES: AtomicU64 = AtomicU64::new(0);
/// Longest wait for what happens by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// In memory, or on PostgreSQL where `EVENKEEL_ENGINE` says so.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says on what, by the environment"
)]
fn fresh_database() -> Database {
    let n = SITES.fetch_add(1, Ordering::Relaxed);
    if std::env::var("EVENKEEL_ENGINE").is_ok_and(|engine| engine == "postgres") {
        let url = std::env::var("EVENKEEL_POSTGRES").expect("EVENKEEL_POSTGRES names a PostgreSQL");
        let made = database::postgres::make_rehearsal(&url, &format!("server_{}_{n}", std::process::id()));
        return Database::postgres(&made.expect("a new database")).expect("its URL");
    }
    Database::memory(&format!("site-{n}"))
}

impl Site {
    /// Starts a site of its own.
    pub fn start() -> Self {
        Self::start_with(|_, _| Ok(()))
    }

    /// As `start`, with a vaccine for children too.
    pub fn start_with_children() -> Self {
        Self::start_with(world::fill_for_children)
    }

    fn start_with(more: impl FnOnce(&mut Connection, Timestamp) -> Result<(), Broken>) -> Self {
        let database = fresh_database();
        let clock = Clock::shiftable();
        let entropy = Entropy::seeded(7);
        let mut connection = database.connect().expect("a database in memory");
        migrate(&mut connection, booking::records::MIGRATIONS, clock.now()).expect("the schema");
        world::fill(&mut connection, clock.now()).expect("the rows");
        more(&mut connection, clock.now()).expect("more rows");
        let engine = Engine::start(Start {
            database,
            keys: KeyRing::for_tests(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            settings: Settings::default(),
            name: "server-1".into(),
            owner: Owner::new(Shutdown::new()),
        });
        let engine = engine.expect("the engine starts");
        let public_url = PublicUrl::parse(&format!("http://{AUTHORITY}")).expect("a public address");
        let trace = Trace::new(clock.clone(), entropy, &Settings::default(), &Metrics::new(&clock));
        let router = server::route::router(App::new(engine.clone(), public_url, true), trace);
        Self {
            router,
            engine,
            given: Mutex::default(),
        }
    }

    /// What its doors hold.
    pub fn app(&self) -> App {
        let public_url = PublicUrl::parse(&format!("http://{AUTHORITY}")).expect("a public address");
        App::new(self.engine.clone(), public_url, true)
    }

    /// A request to it.
    pub fn ask(&self, method: &str, target: &str) -> Asking {
        ask(&self.router, method, target)
    }

    /// Slots of a clinic by a query.
    pub async fn slots(&self, clinic: &str, query: &str) -> Value {
        self.ask("GET", &format!("/api/v1/slots?clinic={clinic}{query}"))
            .send()
            .await
            .is(200)
            .json()
    }

    /// A slot with that many places that no call here has given yet.
    pub async fn slot(&self, vaccine: &str, capacity: u64) -> SlotOfSite {
        self.slot_from(vaccine, capacity, 1).await
    }

    /// As `slot`, that many days ahead at least.
    pub async fn later_slot(&self, vaccine: &str, capacity: u64) -> SlotOfSite {
        self.slot_from(vaccine, capacity, 45).await
    }

    /// A slot on a day so many days ahead, whoever else was given it.
    pub async fn slot_on(&self, vaccine: &str, days: i64) -> SlotOfSite {
        let day = date_text(add_days(self.today(), days));
        let clinic = world::WORCESTER.to_string();
        let list = self
            .slots(&clinic, &format!("&from={day}&to={day}&vaccine={vaccine}"))
            .await;
        let json = list["slots"][0].clone();
        let id = json["id"].as_str().expect("a slot that day").to_owned();
        SlotOfSite { id, clinic, json }
    }

    /// The airport's only slot.
    pub async fn only_slot(&self) -> SlotOfSite {
        self.of_clinic(&world::AIRPORT.to_string(), "141", 1, 1).await
    }

    async fn slot_from(&self, vaccine: &str, capacity: u64, days: i64) -> SlotOfSite {
        self.of_clinic(&world::WORCESTER.to_string(), vaccine, capacity, days)
            .await
    }

    async fn of_clinic(&self, clinic: &str, vaccine: &str, capacity: u64, days: i64) -> SlotOfSite {
        let from = date_text(add_days(self.today(), days));
        let list = self
            .slots(clinic, &format!("&from={from}&vaccine={vaccine}&limit=200"))
            .await;
        let mut given = self.given.lock().expect("no test panicked with it");
        let slots = list["slots"].as_array().expect("a list");
        let fresh = slots.iter().find(|slot| {
            slot["capacity"] == capacity
                && slot["free"] == capacity
                && !given.contains(slot["id"].as_str().expect("text"))
        });
        let json = fresh
            .unwrap_or_else(|| panic!("no fresh slot of {vaccine} with {capacity}"))
            .clone();
        let text = |name: &str| json[name].as_str().expect("text").to_owned();
        given.insert(text("id"));
        SlotOfSite {
            id: text("id"),
            clinic: text("clinic"),
            json,
        }
    }

    /// Places left of a slot.
    pub async fn free(&self, slot: &SlotOfSite) -> u64 {
        let day = &slot.json["start"].as_str().expect("text")[..10];
        let list = self
            .slots(&slot.clinic, &format!("&from={day}&to={day}&limit=200"))
            .await;
        let slots = list["slots"].as_array().expect("a list");
        let found = slots
            .iter()
            .find(|other| other["id"] == slot.id.as_str())
            .expect("the slot is still offered");
        found["free"].as_u64().expect("a number")
    }

    /// Holds a place of a slot.
    pub async fn hold(&self, slot: &SlotOfSite) -> HoldOfSite {
        self.hold_all(&[slot]).await
    }

    /// Holds a place for each entry.
    pub async fn hold_all(&self, slots: &[&SlotOfSite]) -> HoldOfSite {
        let ids: Vec<&str> = slots.iter().map(|slot| slot.id.as_str()).collect();
        let held = self
            .ask("POST", "/api/v1/holds")
            .json(&json!({"slots": ids}))
            .send()
            .await
            .is(201);
        HoldOfSite {
            id: held.string("/id"),
            token: held.string("/token"),
            json: held.json(),
        }
    }

    /// Asks to book a hold of one entry.
    pub fn book(&self, hold: &HoldOfSite, given_name: &str) -> Asking {
        let body = json!({"hold": hold.id, "token": hold.token, "resident": resident(given_name), "answers": {}});
        self.ask("POST", "/api/v1/appointments").json(&body)
    }

    /// Books a slot for somebody born then, and returns the address of the appointment's page.
    pub async fn book_for_birth(&self, slot: &SlotOfSite, birth_date: Date) -> String {
        let hold = self.hold(slot).await;
        let mut person = resident("Kim");
        person["birth_date"] = json!(date_text(birth_date));
        let body = json!({"hold": hold.id, "token": hold.token, "resident": person});
        let booked = self
            .ask("POST", "/api/v1/appointments")
            .json(&body)
            .send()
            .await
            .is(201);
        format!(
            "/appointment/{}/{}",
            booked.string("/id"),
            booked.string("/manage_token")
        )
    }

    /// Asks to see what was booked.
    pub fn see(&self, booked: &Answered) -> Asking {
        let path = format!("/api/v1/appointments/{}", booked.string("/id"));
        self.ask("GET", &path).bearer(&booked.string("/manage_token"))
    }

    /// The clinics' date.
    pub fn today(&self) -> Date {
        self.engine.clock().now().date_in(&world::zone())
    }

    /// The clinics' time.
    pub fn now_text(&self) -> String {
        self.engine.clock().now().rfc3339_in(&world::zone())
    }

    /// Moves the time on, until the snapshot was confirmed at the new one.
    pub fn shift_minutes(&self, minutes: u64) {
        let clock = self.engine.clock();
        clock
            .shift(Duration::from_secs(minutes * 60))
            .expect("a clock for rehearsals");
        let (shifted_at, began) = (clock.now(), clock.monotonic());
        while self.engine.as_of() < shifted_at {
            assert!(
                clock.monotonic().saturating_sub(began) < PATIENCE,
                "the feed follows the clock"
            );
            clock.sleep_blocking(Duration::from_millis(2));
        }
    }

    /// Ends the engine's threads: as when the database is gone for good.
    pub async fn stop_engine(&self) {
        assert!(
            self.engine.owner().stop_and_join(PATIENCE).await.is_empty(),
            "its threads end"
        );
    }

    /// Moves the time on, whatever follows it.
    pub fn let_pass(&self, seconds: u64) {
        self.engine
            .clock()
            .shift(Duration::from_secs(seconds))
            .expect("a clock for rehearsals");
    }

    /// Waits until a check of the engine fails.
    pub async fn until_failing(&self, check: &str) {
        let began = self.engine.clock().monotonic();
        while !self.engine.failing().contains(&check) {
            assert!(
                self.engine.clock().monotonic().saturating_sub(began) < PATIENCE,
                "{check} fails"
            );
            self.engine.clock().sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the engine's threads: finding goes on from the last picture, nothing can be booked any more.
    pub fn stop_writing(&self) {
        let (clock, began) = (self.engine.clock(), self.engine.clock().monotonic());
        self.engine.owner().shutdown().request();
        while !self.engine.failing().contains(&"committer") {
            assert!(clock.monotonic().saturating_sub(began) < PATIENCE, "the committer ends");
            clock.sleep_blocking(Duration::from_millis(2));
        }
    }

    /// Waits until a slot has that many places left.
    pub async fn until_free(&self, slot: &SlotOfSite, free: u64) {
        let began = self.engine.clock().monotonic();
        while self.free(slot).await != free {
            assert!(
                self.engine.clock().monotonic().saturating_sub(began) < PATIENCE,
                "the place is free again"
            );
            self.engine.clock().sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.engine.owner().shutdown().request();
    }
}
