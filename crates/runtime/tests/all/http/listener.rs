//! Connections are served, limited and drained.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::routing::get;
use base::limit::Settings;
use runtime::clock::Clock;
use runtime::http::listener::{
    CONNECTIONS, ClientAddress, DRAIN_TIME, HEADER_TIME, Listener, REQUEST_TIME, raise_file_limit,
};
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(10);

struct Site {
    /// Requests that reached a slow handler.
    begun: Arc<AtomicUsize>,
    address: SocketAddr,
    shutdown: Shutdown,
    owner: Owner,
    cut: tokio::sync::oneshot::Receiver<usize>,
}

fn site(change: impl FnOnce(&mut Settings)) -> Site {
    let mut settings = Settings::default();
    change(&mut settings);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = Listener::new(socket, &settings, &Clock::real()).unwrap();
    let begun = Arc::new(AtomicUsize::new(0));
    let router = Router::new()
        .route(
            "/",
            get(|Extension(ClientAddress(address)): Extension<ClientAddress>| async move { address.to_string() }),
        )
        .route(
            "/slow",
            get(|Extension(begun): Extension<Arc<AtomicUsize>>| async move {
                begun.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(300)).await;
            }),
        )
        .route(
            "/never",
            get(|Extension(begun): Extension<Arc<AtomicUsize>>| async move {
                begun.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }),
        )
        .layer(Extension(Arc::clone(&begun)));
    let (address, shutdown, owner) = (
        listener.local_address().unwrap(),
        Shutdown::new(),
        Owner::new(Shutdown::new()),
    );
    let (send, cut) = tokio::sync::oneshot::channel();
    let wish = shutdown.clone();
    owner.spawn("listener", async move {
        let _ = send.send(listener.serve(router, &wish).await);
    });
    Site {
        begun,
        address,
        shutdown,
        owner,
        cut,
    }
}

/// What comes back until the other end closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer))
        .await
        .expect("the connection ends");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_request_knows_who_asks() {
    let site = site(|_| {});
    let answer = exchange(site.address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\r\n\r\n127.0.0.1:"),
        "{answer}"
    );
    assert!(raise_file_limit() >= 256);
}

#[tokio::test]
async fn who_says_nothing_or_half_a_head_is_cut_off() {
    let site = site(|settings| settings.set(&HEADER_TIME, 1).unwrap());
    assert_eq!(exchange(site.address, "").await, "");
    assert_eq!(exchange(site.address, "GET / HT").await, "");
}

#[tokio::test]
async fn a_head_that_is_too_big_is_refused() {
    let site = site(|_| {});
    let answer = exchange(
        site.address,
        &format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(40_000)),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_request_that_never_ends_is_answered() {
    let site = site(|settings| settings.set(&REQUEST_TIME, 2).unwrap());
    let answer = exchange(
        site.address,
        "GET /never HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("timed-out"),
        "{answer}"
    );
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_room() {
    let site = site(|settings| {
        settings.set(&CONNECTIONS, CONNECTIONS.min).unwrap();
        settings.set(&HEADER_TIME, 1).unwrap();
    });
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS.min {
        idle.push(TcpStream::connect(site.address).await.unwrap());
    }
    let answer = exchange(site.address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_drain_lets_requests_end_and_cuts_those_that_do_not() {
    let site = site(|settings| settings.set(&DRAIN_TIME, 1000).unwrap());
    let ask = |path: &str| {
        exchange(
            site.address,
            Box::leak(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").into_boxed_str()),
        )
    };
    let stop = async {
        while site.begun.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        site.shutdown.request();
    };
    let (slow, never, ()) = tokio::join!(ask("/slow"), ask("/never"), stop);
    assert!(slow.starts_with("HTTP/1.1 200 OK"), "{slow}");
    assert_eq!(never, "");
    assert_eq!(site.cut.await.unwrap(), 1);
    assert!(
        TcpStream::connect(site.address).await.is_err(),
        "nobody listens any more"
    );
    assert!(site.owner.stop_and_join(SOON).await.is_empty());
}
