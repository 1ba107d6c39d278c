//! Crowds at a small site that does to each path what sites do on bad days: what a load test calls it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up should fail where it stands"
)]

use std::net::SocketAddr;
use std::time::Duration;

use rehearsal::loadtest::arrival::Profile;
use rehearsal::loadtest::report::Report;
use rehearsal::loadtest::target::Target;
use rehearsal::loadtest::visitor::Mix;
use rehearsal::loadtest::{self, LoadTest, NotRun};
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_millis(400);

/// What the site says to a request line; nothing is never an answer.
fn answer(asked: &str) -> &'static str {
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    match path {
        "/api/v1/clinics" => "HTTP/1.1 200 OK\r\ncontent-length: 28\r\n\r\n{\"clinics\":[{\"id\":\"cln-1\"}]}",
        "/api/v1/slots" => "HTTP/1.1 200 OK\r\ncontent-length: 35\r\n\r\n{\"slots\":[{\"id\":\"slt-1\",\"free\":1}]}",
        // Closed after it: whoever goes on must connect again.
        "/api/v1/holds" => "HTTP/1.1 201 Created\r\nconnection: close\r\n\r\n{\"id\":\"hld-1\",\"token\":\"t\"}",
        "/api/v1/appointments" => "HTTP/1.1 409 Conflict\r\ncontent-length: 20\r\n\r\n{\"code\":\"slot-full\"}",
        "/moved" => "HTTP/1.1 303 See Other\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
        "/busy" => "HTTP/1.1 503 Unavailable\r\ncontent-length: 15\r\n\r\n{\"code\":\"busy\"}",
        "/proxy" => "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad",
        "/later" => "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n",
        "/cut" => "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\nhalf",
        "/garbage" => "What is this?\r\n\r\n",
        "/gone" => "close",
        _ => "",
    }
}

async fn serve(mut stream: TcpStream) {
    let mut asked = Vec::new();
    loop {
        match stream.read_buf(&mut asked).await {
            Ok(1..) => {}
            _ => return,
        }
        let text = String::from_utf8_lossy(&asked).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() < length.map_or(0, |length| length.parse().unwrap_or(0)) {
            continue;
        }
        let said = answer(head.lines().next().unwrap_or_default());
        asked.clear();
        if said == "close" {
            return;
        }
        let sent = stream.write_all(said.as_bytes()).await;
        if sent.is_err() || said.contains("connection: close") {
            return;
        }
    }
}

/// A site; it is gone when its owner is told to stop.
async fn site() -> (SocketAddr, Owner) {
    let owner = Owner::new(Shutdown::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (within, stop) = (owner.clone(), owner.shutdown().clone());
    owner.spawn("site", async move {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted.unwrap();
                    within.spawn("connection", serve(stream));
                }
                () = stop.wait() => return,
            }
        }
    });
    (address, owner)
}

async fn crowd(url: &str, mix: &str, at_once: usize) -> Result<Report, NotRun> {
    let test = LoadTest {
        target: Target::find(url, None).await.unwrap(),
        profile: Profile::steady(40.0, Duration::from_millis(500)),
        mix: Mix::parse(mix).unwrap(),
        seed: 1,
        patience: PATIENCE,
        at_once,
    };
    loadtest::run(&test, &Clock::real(), &Shutdown::new(), |_| {}).await
}

/// How the requests of one step ended, `all` aside: the only row of its kind.
fn ended(report: &Report, what: &str) -> String {
    let rows: Vec<_> = report
        .rows
        .iter()
        .filter(|row| row.what == what && row.ended != "all")
        .map(|row| format!("{} {}", row.ended, row.code.as_deref().unwrap_or("-")))
        .collect();
    rows.join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_site_does_on_a_bad_day_has_a_word() {
    let (address, owner) = site().await;
    for (path, word, served) in [
        ("/moved", "ok -", true),
        ("/busy", "fault busy", false),
        ("/proxy", "error status-502", false),
        ("/later", "sent-away 429", false),
        ("/cut", "error connection-closed", false),
        ("/garbage", "error not-http", false),
        ("/gone", "error connection-closed", false),
        ("/silent", "timed-out -", false),
    ] {
        let report = crowd(&format!("http://{address}{path}"), "page=1", 1000).await.unwrap();
        let due = report.starts.due;
        assert_eq!(ended(&report, "page"), word, "{path}");
        assert_eq!(
            (report.served, report.unfinished),
            (if served { due } else { 0 }, 0),
            "{path}"
        );
        let row = report.row("page", "all").unwrap();
        assert_eq!(row.count, due, "{path}");
        assert!(path != "/silent" || row.p50_ms >= 399.0, "{row:?}");
    }
    owner.stop_and_join(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_goes_step_by_step_over_a_connection_that_is_closed_between() {
    let (address, owner) = site().await;
    let report = crowd(&format!("http://{address}"), "book=1", 1000).await.unwrap();
    let due = report.starts.due;
    assert!(due > 5, "{due}");
    let steps = ["find", "hold", "book", "visit"].map(|step| ended(&report, step));
    assert_eq!(steps, ["ok -", "ok -", "refused slot-full", "refused slot-full"]);
    let counts = ["find", "hold", "book", "visit"].map(|step| report.row(step, "all").unwrap().count);
    assert_eq!((counts, report.served), ([due; 4], due));
    owner.stop_and_join(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_due_beyond_the_limit_is_counted_and_not_sent() {
    let (address, owner) = site().await;
    let report = crowd(&format!("http://{address}/silent"), "page=1", 2).await.unwrap();
    let starts = &report.starts;
    assert_eq!(starts.begun + starts.dropped_at_cap, starts.due);
    assert!(starts.dropped_at_cap > 5 && starts.begun < 7, "{starts:?}");
    assert_eq!(report.row("visit", "all").unwrap().count, starts.due);
    owner.stop_and_join(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_shows_no_clinics_is_not_begun() {
    let (address, owner) = site().await;
    owner.stop_and_join(Duration::ZERO).await;
    let why = crowd(&format!("http://{address}"), "refresh=1", 10).await.unwrap_err();
    assert!(why.to_string().contains("connection-refused"), "{why}");
}
