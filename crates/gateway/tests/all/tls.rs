//! TLS: what the browser sees, HTTP/2 where it offers it, and a certificate that is changed while people are served.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use base::limit::Settings;
use gateway::limit::{TLS_CERTIFICATE, TLS_KEY};
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::gate::{Gate, folder, rest};
use crate::misbehaving_server::Manner;

/// A new certificate and its key, in these files.
fn write_certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["vax.example.org".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    made.cert.der().clone()
}

fn gate(folder: &Path) -> Gate {
    Gate::with(&[Manner::Well], settings(folder))
}

fn trusting(certificate: &CertificateDer<'static>, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

fn connect(gate: &Gate, certificate: &CertificateDer<'static>) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("vax.example.org").unwrap();
    let session = ClientConnection::new(trusting(certificate, &[b"http/1.1"]), name).unwrap();
    StreamOwned::new(session, gate.connect())
}

fn ask(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: vax.example.org\r\nConnection: close\r\n\r\n");
    rest(stream)
}

#[test]
fn a_changed_certificate_is_seen_by_the_next_visitor_and_no_connection_is_lost() {
    let folder = folder();
    let first = write_certificate(&folder);
    let gate = gate(&folder);
    assert!(ask(&mut connect(&gate, &first)).starts_with("HTTP/1.1 200 "));
    assert_eq!(
        gate.say("GET / HTTP/1.1\r\nHost: vax.example.org\r\n\r\n")
            .find("HTTP/"),
        None,
        "without TLS"
    );
    let mut kept = connect(&gate, &first);
    kept.conn.complete_io(&mut kept.sock).unwrap();

    std::fs::write(folder.join("certificate.pem"), "no certificate").unwrap();
    gate.reload.blocking_send(settings(&folder)).unwrap();
    assert!(
        ask(&mut connect(&gate, &first)).starts_with("HTTP/1.1 200 "),
        "the one before stays"
    );

    let second = write_certificate(&folder);
    gate.until("the new certificate is served", || {
        ask(&mut connect(&gate, &second)).starts_with("HTTP/1.1 200 ")
    });
    assert_eq!(
        ask(&mut connect(&gate, &first)),
        "",
        "the old one is not served any more"
    );
    assert!(ask(&mut kept).starts_with("HTTP/1.1 200 "), "who was there stays");
    let _ = std::fs::remove_dir_all(&folder);
}

fn settings(folder: &Path) -> Settings {
    let mut settings = Settings::default();
    let path = |name: &str| folder.join(name).display().to_string();
    settings.set_text(&TLS_CERTIFICATE, &path("certificate.pem")).unwrap();
    settings.set_text(&TLS_KEY, &path("key.pem")).unwrap();
    settings
}

#[tokio::test]
async fn who_offers_http_2_gets_it() {
    let folder = folder();
    let certificate = write_certificate(&folder);
    let gate = gate(&folder);
    let connector = tokio_rustls::TlsConnector::from(trusting(&certificate, &[b"h2", b"http/1.1"]));
    let stream = tokio::net::TcpStream::connect(gate.public).await.unwrap();
    let name = ServerName::try_from("vax.example.org").unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut send, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let ask = async {
        for _ in 0..5 {
            let request = Request::get("https://vax.example.org/")
                .body(Empty::<Bytes>::new())
                .unwrap();
            let answer = send.send_request(request).await.unwrap();
            assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "well");
        }
    };
    tokio::select! {
        () = ask => {}
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
    let heads = gate.servers[0].heads.lock().unwrap();
    assert!(
        heads.iter().all(|head| head.contains("host: vax.example.org\r\n")),
        "{heads:?}"
    );
    let _ = std::fs::remove_dir_all(&folder);
}
