//! A server process from ready to gone, over real sockets.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use base::limit::Settings;
use booking::engine;
use database::Database;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::http::edge::{Edge, EdgeKey};
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use server::limit::BODY_WAIT;
use server::process::{Ready, ServerError, Start, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

struct Running {
    public: SocketAddr,
    internal: SocketAddr,
    data: PathBuf,
    shutdown: Shutdown,
    owner: Owner,
    ended: oneshot::Receiver<Result<(), ServerError>>,
}

fn start_of(data: PathBuf, public: TcpListener, clock: Clock, shutdown: Shutdown) -> Start {
    let entropy = Entropy::real();
    let mut settings = Settings::default();
    settings
        .set(&BODY_WAIT, BODY_WAIT.min)
        .expect("the least that can be set");
    let engine = engine::Start {
        database: Database::file(&data.join("evenkeel.sqlite")),
        keys: KeyRing::for_tests(),
        clock,
        entropy,
        settings,
        name: "server-1".into(),
        owner: Owner::new(Shutdown::new()),
    };
    Start {
        data,
        public,
        public_url: None,
        engine,
        backup: None,
        rehearsal: false,
        behind_gateway: false,
        shutdown,
    }
}

async fn start(name: &str, clock: Clock) -> Running {
    start_behind(name, clock, false).await
}

async fn start_behind(name: &str, clock: Clock, behind_gateway: bool) -> Running {
    let data = std::env::temp_dir().join(format!("evenkeel-test-{name}-{:032x}", Entropy::real().bits128()));
    std::fs::create_dir_all(&data).expect("a folder");
    let public = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let (public_address, shutdown) = (public.local_addr().expect("an address"), Shutdown::new());
    let start = Start {
        behind_gateway,
        ..start_of(data.clone(), public, clock, shutdown.clone())
    };
    let owner = Owner::new(Shutdown::new());
    let (say_ready, is_ready) = oneshot::channel::<Ready>();
    let (say_ended, ended) = oneshot::channel();
    owner.spawn("server", async move {
        let ended = run(start, |ready| say_ready.send(ready.clone()).expect("the test listens")).await;
        say_ended.send(ended).ok();
    });
    let ready = is_ready.await.expect("the server gets ready");
    assert_eq!(ready.public, format!("http://{public_address}"));
    let internal = ready
        .internal
        .strip_prefix("http://")
        .expect("an address")
        .parse()
        .expect("an address");
    Running {
        public: public_address,
        internal,
        data,
        shutdown,
        owner,
        ended,
    }
}

impl Running {
    /// Asks over a connection of its own.
    async fn ask(address: SocketAddr, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let length = body.len();
        let request =
            format!("{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        answer
    }

    async fn stop(self) -> Result<(), ServerError> {
        self.shutdown.request();
        let within = tokio::time::timeout(Duration::from_secs(2), self.ended).await;
        let ended = within
            .expect("it is gone within two seconds")
            .expect("it says how it ended");
        assert!(self.owner.stop_and_join(Duration::from_secs(1)).await.is_empty());
        std::fs::remove_dir_all(&self.data).expect("the folder");
        ended
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_answers_and_ends_when_asked() {
    let server = start("ends", Clock::real()).await;
    let answer = Running::ask(server.public, "GET /livez HTTP/1.1", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with(r#"{"failing":[]}"#), "{answer}");
    let answer = Running::ask(server.public, "GET /metrics HTTP/1.1", "").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "not on the public port: {answer}");
    let answer = Running::ask(server.public, "GET /rehearsal/clock HTTP/1.1", "").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "not on the public port: {answer}");
    let metrics = Running::ask(server.internal, "GET /metrics HTTP/1.1", "").await;
    for name in [
        "evenkeel_http_requests_total{",
        "evenkeel_commands_waiting 0",
        "evenkeel_availability_age_seconds",
        "evenkeel_holds_expired_total 0",
    ] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    let address = server.public;
    // A connection that says nothing does not hold up the end.
    let _idle = TcpStream::connect(address).await.expect("it listens");
    server.stop().await.expect("it ends well");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_moved_by_an_operator_in_a_rehearsal_only() {
    let shift = |token: &str| {
        format!("POST /rehearsal/clock HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}")
    };
    for (clock, status) in [(Clock::shiftable(), "200"), (Clock::real(), "403")] {
        let server = start("clock", clock).await;
        let token = std::fs::read_to_string(server.data.join("operator.token")).expect("a token");
        let bare = Running::ask(server.internal, "GET /rehearsal/clock HTTP/1.1", "").await;
        assert!(bare.starts_with("HTTP/1.1 401"), "{bare}");
        let foreign = Running::ask(server.internal, &shift("wrong"), r#"{"shift_s":60}"#).await;
        assert!(foreign.starts_with("HTTP/1.1 401"), "{foreign}");
        let answer = Running::ask(server.internal, &shift(token.trim()), r#"{"shift_s":60}"#).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert_eq!(answer.contains(r#""shifted_s":60"#), status == "200", "{answer}");
        let wrong = Running::ask(server.internal, &shift(token.trim()), r#"{"shift_s":-1}"#).await;
        assert!(
            wrong.starts_with("HTTP/1.1 422") && wrong.contains("/shift_s"),
            "{wrong}"
        );
        server.stop().await.expect("it ends well");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_without_the_operators_token_is_counted_and_gets_a_trace_id() {
    let server = start("operator", Clock::real()).await;
    let token = std::fs::read_to_string(server.data.join("operator.token")).expect("a token");
    let bearer = format!("Authorization: Bearer {}", token.trim());
    for (head, status) in [
        ("GET /rehearsal/clock HTTP/1.1".to_owned(), "401"),
        ("GET /nothing HTTP/1.1".to_owned(), "401"),
        (format!("GET /rehearsal/clock HTTP/1.1\r\n{bearer}\r\n{bearer}"), "401"),
        (format!("GET /nothing HTTP/1.1\r\n{bearer}"), "404"),
        (format!("PUT /rehearsal/clock HTTP/1.1\r\n{bearer}"), "405"),
    ] {
        let answer = Running::ask(server.internal, &head, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
        assert!(answer.contains("\"trace_id\":\""), "{head}: {answer}");
    }
    let metrics = Running::ask(server.internal, "GET /metrics HTTP/1.1", "").await;
    let counted = metrics
        .lines()
        .find(|line| line.contains("http_requests_total{") && line.contains("route=\"/rehearsal/clock\""));
    assert!(counted.is_some_and(|line| line.contains("4xx")), "{metrics}");
    assert!(
        metrics.contains("evenkeel_http_requests_in_flight 0") && !metrics.contains("route=\"/metrics\""),
        "a scrape counts itself nowhere: {metrics}"
    );
    server.stop().await.expect("it ends well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_told_how_long_it_had() {
    let server = start("body", Clock::real()).await;
    let mut stream = TcpStream::connect(server.public).await.expect("it listens");
    let head = format!(
        "POST /api/v1/holds HTTP/1.1\r\nHost: {}\r\nIdempotency-Key: a-body-that-stops\r\n\
         Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{{\"slot\":",
        server.public
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers and closes");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(
        answer.contains(r#""code":"malformed""#) && answer.contains("The body did not arrive within 1 s."),
        "{answer}"
    );
    server.stop().await.expect("it ends well");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_address_needs_a_name() {
    let public = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    let start = start_of(std::env::temp_dir(), public, Clock::real(), Shutdown::new());
    let refused = run(start, |_| panic!("it must not get ready")).await;
    assert!(
        matches!(refused, Err(ServerError::PublicUrlMissing { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn behind_a_gateway_only_its_requests_are_answered_and_none_that_is_too_late() {
    let clock = Clock::real();
    let running = start_behind("edge", clock.clone(), true).await;
    let key = EdgeKey::open_or_create(&running.data, &Entropy::real()).expect("the server has made it");
    let head = |left: Duration| {
        let client = Ipv4Addr::new(192, 0, 2, 7).into();
        format!(
            "GET / HTTP/1.1\r\nEvenkeel-Edge: {}",
            key.seal(&Edge { client, left }, clock.now())
        )
    };
    for (head, wanted) in [
        ("GET / HTTP/1.1".to_owned(), "421"),
        ("GET / HTTP/1.1\r\nEvenkeel-Edge: 1;2;3;4;5".to_owned(), "421"),
        (head(Duration::from_secs(5)), "200"),
        (head(Duration::from_millis(1)), "503"),
        ("GET /readyz HTTP/1.1".to_owned(), "200"),
    ] {
        let answer = Running::ask(running.public, &head, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {wanted} ")), "{head}: {answer}");
    }
    running.stop().await.expect("it stops in order");
}

#[tokio::test]
async fn the_gateway_may_keep_what_is_the_same_for_all_and_nothing_else_is_told_to_anybody() {
    let clock = Clock::real();
    for is_behind in [true, false] {
        let running = start_behind("keep", clock.clone(), is_behind).await;
        let key = EdgeKey::open_or_create(&running.data, &Entropy::real()).expect("the server has made it");
        for (path, may) in [
            ("/", true),
            ("/api/v1/clinics", true),
            ("/api/v1/vaccines", true),
            ("/readyz", false),
            ("/my-appointment", false),
        ] {
            let edge = Edge {
                client: Ipv4Addr::LOCALHOST.into(),
                left: Duration::from_secs(5),
            };
            let head = format!("GET {path} HTTP/1.1\r\nEvenkeel-Edge: {}", key.seal(&edge, clock.now()));
            let answer = Running::ask(running.public, &head, "").await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
            let says = answer.contains("\r\ncdn-cache-control: public, max-age=1,");
            assert_eq!(says, may && is_behind, "{path}: {answer}");
        }
        running.stop().await.expect("it stops in order");
    }
}

#[tokio::test]
async fn a_rehearsal_shifts_the_servers_clock_and_its_gateway_still_gets_in() {
    let (clock, gateways) = (Clock::shiftable(), Clock::real());
    let running = start_behind("edge-shifted", clock.clone(), true).await;
    let key = EdgeKey::open_or_create(&running.data, &Entropy::real()).expect("the server has made it");
    clock.shift(Duration::from_hours(1)).expect("it may be shifted");
    let edge = Edge {
        client: Ipv4Addr::LOCALHOST.into(),
        left: Duration::from_secs(5),
    };
    let head = format!("GET / HTTP/1.1\r\nEvenkeel-Edge: {}", key.seal(&edge, gateways.now()));
    let answer = Running::ask(running.public, &head, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    running.stop().await.expect("it stops in order");
}
