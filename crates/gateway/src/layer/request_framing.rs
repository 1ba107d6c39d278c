//! Watches the bytes of each connection before anybody reads requests from them, and refuses a request that could be read in two
//! ways: what reads it here would already have chosen one. Its answer: 400, and the end of the connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::Extensions;
use reliability::overload::request_framing::RequestFraming;
use runtime::http::door::{Mark, Wire};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// On a request of which it is in doubt where it ends, or the one before it.
#[derive(Debug, Clone, Copy)]
pub struct InDoubt;

/// From which request of a connection on; none yet.
const NONE: u64 = u64::MAX;

/// A connection whose bytes are followed.
struct Watched<W> {
    wire: W,
    framing: RequestFraming,
    in_doubt_from: Arc<AtomicU64>,
}

/// The same connection, watched, and the mark for its requests.
pub fn watched(wire: impl Wire + 'static) -> (Box<dyn Wire>, Mark) {
    let in_doubt_from = Arc::new(AtomicU64::new(NONE));
    let seen = Arc::clone(&in_doubt_from);
    let mark = move |extensions: &mut Extensions, nth: u64| {
        if nth >= seen.load(Ordering::Relaxed) {
            extensions.insert(InDoubt);
        }
    };
    let watched = Watched {
        wire,
        framing: RequestFraming::default(),
        in_doubt_from,
    };
    (Box::new(watched), Arc::new(mark))
}

impl<W: Wire> AsyncRead for Watched<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.wire).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.framing.came(&buffer.filled()[before..]);
            let from = self.framing.unclean_from().unwrap_or(NONE);
            self.in_doubt_from.store(from, Ordering::Relaxed);
        }
        read
    }
}

impl<W: Wire> AsyncWrite for Watched<W> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}
