//! Asking a listener whether it is ready.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use runtime::clock::Clock;
use supervisor::probe::{authority, status, status_of};

const WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_status_is_read_and_the_host_is_said() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let server = std::thread::scope(|_| {
        tokio::task::spawn_blocking(move || {
            let (mut stream, _) = socket.accept().unwrap();
            let mut head = [0; 512];
            let read = stream.read(&mut head).unwrap();
            stream
                .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
            String::from_utf8_lossy(&head[..read]).into_owned()
        })
    });
    assert_eq!(status(address, "example.org", "/readyz", WITHIN).await.unwrap(), 503);
    let head = server.await.unwrap();
    assert!(
        head.starts_with("GET /readyz HTTP/1.1\r\nHost: example.org\r\n"),
        "{head}"
    );
    assert!(status(address, "example.org", "/readyz", WITHIN).await.is_err());
}

#[test]
fn the_authority_of_a_url() {
    assert_eq!(authority("https://example.org:8080/x?y"), "example.org:8080");
    assert_eq!(authority("http://[::1]:80"), "[::1]:80");
}

#[tokio::test]
async fn a_wait_for_nobody_ends_in_time() {
    // Connected by the kernel, accepted by no one: as a stopped process.
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let clock = Clock::real();
    let asked = status_of(&url, "/livez", Duration::from_millis(50)).await;
    assert_eq!(asked.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    assert!(clock.monotonic() < WITHIN);
    assert!(status_of("http://somewhere", "/livez", WITHIN).await.is_err());
}
