//! Asking a listener whether it is ready.

use std::io::{Read, Write};
use std::net::TcpListener;

use supervisor::probe::{authority, status};

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
    assert_eq!(status(address, "example.org", "/readyz").await.unwrap(), 503);
    let head = server.await.unwrap();
    assert!(
        head.starts_with("GET /readyz HTTP/1.1\r\nHost: example.org\r\n"),
        "{head}"
    );
    assert!(status(address, "example.org", "/readyz").await.is_err());
}

#[test]
fn the_authority_of_a_url() {
    assert_eq!(authority("https://example.org:8080/x?y"), "example.org:8080");
    assert_eq!(authority("http://[::1]:80"), "[::1]:80");
}
