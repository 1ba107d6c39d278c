//! What a connection passes before its first request is read: whoever stands before us says who it is, and who we are is
//! proven to it. What that is in detail (a proxy's header, TLS) the process knows that hangs the door.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::Extensions;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Bytes in both directions.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Notes on a request what is known of it from its connection; told which request of it this is, from 0.
pub type Mark = Arc<dyn Fn(&mut Extensions, u64) + Send + Sync>;

/// A connection that is through.
pub struct Opened {
    /// What is read and written from here on.
    pub stream: Box<dyn Wire>,
    /// Who is at its other end.
    pub address: SocketAddr,
    /// What is noted on its requests.
    pub mark: Option<Mark>,
    /// Kept as long as the connection lives.
    pub held: Option<Box<dyn Send + Sync>>,
}

/// The wait at the door; none when the connection is not let in.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Option<Opened>> + Send + 'a>>;

/// Lets connections in, each after what it has to show.
pub trait Door: Send + Sync {
    /// One connection, from this address.
    fn open(&self, stream: TcpStream, address: SocketAddr) -> Opening<'_>;
}
