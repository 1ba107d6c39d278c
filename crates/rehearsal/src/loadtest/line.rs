//! One visitor's connection: opened when the first request is sent, kept through the visit, opened again when the site
//! closed it between two requests, as a browser does. Never sends a request twice. Driven by the visitor's own task, so
//! that thousands of them are thousands of tasks and no more.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::outcome::Class;

/// Longest answer that is read. A page has some kilobytes, a list some tens of them.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// "Too many open files", of this process and of the whole system: the same number on every Unix that we build for.
const NO_FILES: [i32; 2] = [24, 23];

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// Why nothing came back.
pub(super) enum Broken {
    /// This machine had no socket left: nobody was asked.
    NoSocket,
    /// The site, or the way to it.
    Site(Class),
}

type Body = Full<Bytes>;

struct Open {
    sender: SendRequest<Body>,
    connection: Pin<Box<Connection<TokioIo<TcpStream>, Body>>>,
    /// The connection's work has ended: it must not be asked again.
    ended: bool,
}

/// See the head of this file.
pub(super) struct Line {
    addresses: Arc<[SocketAddr]>,
    open: Option<Open>,
}

impl Line {
    pub(super) fn new(addresses: Arc<[SocketAddr]>) -> Self {
        Self { addresses, open: None }
    }

    /// Sends one request and reads the whole answer.
    pub(super) async fn send(&mut self, request: Request<Body>) -> Result<Answer, Broken> {
        if self
            .open
            .as_ref()
            .is_none_or(|open| open.ended || open.sender.is_closed())
        {
            self.open = Some(connect(&self.addresses).await?);
        }
        let Some(open) = &mut self.open else {
            return Err(Broken::Site(Class::Error("not-connected".to_owned())));
        };
        let answer = open.sender.send_request(request);
        let whole = async {
            let (head, body) = answer.await.map_err(|error| of_hyper(&error))?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| match error.downcast_ref::<hyper::Error>() {
                Some(error) => of_hyper(error),
                None => Broken::Site(Class::Error("too-long".to_owned())),
            })?;
            Ok(Answer {
                status: head.status.as_u16(),
                body: body.to_bytes(),
            })
        };
        let came = alongside(open.connection.as_mut(), &mut open.ended, whole).await;
        if came.is_err() {
            self.open = None;
        }
        came
    }
}

/// Works on the connection until `work` is done.
async fn alongside<T>(
    mut connection: Pin<&mut Connection<TokioIo<TcpStream>, Body>>,
    ended: &mut bool,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    poll_fn(move |context| {
        // Its errors come out at the request.
        if !*ended && connection.as_mut().poll(context).is_ready() {
            *ended = true;
        }
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn connect(addresses: &[SocketAddr]) -> Result<Open, Broken> {
    let stream = TcpStream::connect(addresses)
        .await
        .map_err(|error| of_connecting(&error))?;
    // Nagle's wait would be counted as the site's.
    stream.set_nodelay(true).map_err(|error| of_connecting(&error))?;
    let made = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|error| of_hyper(&error))?;
    Ok(Open {
        sender,
        connection: Box::pin(connection),
        ended: false,
    })
}

fn of_connecting(error: &io::Error) -> Broken {
    let no_files = error.raw_os_error().is_some_and(|number| NO_FILES.contains(&number));
    if no_files || error.kind() == io::ErrorKind::AddrNotAvailable {
        return Broken::NoSocket;
    }
    Broken::Site(Class::Error(of_io(error).to_owned()))
}

fn of_io(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection-refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            "connection-reset"
        }
        io::ErrorKind::UnexpectedEof => "connection-closed",
        io::ErrorKind::TimedOut => "connection-timed-out",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "host-unreachable",
        _ => "connection-broken",
    }
}

fn of_hyper(error: &hyper::Error) -> Broken {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    let word = if let Some(cause) = cause {
        of_io(cause)
    } else if error.is_parse() {
        "not-http"
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "connection-closed"
    } else {
        "connection-broken"
    };
    Broken::Site(Class::Error(word.to_owned()))
}
