//! Stamps the instant at which an answer stops being worth anything, and sees that a body comes fast enough to be there by
//! then. What remains goes to the server in milliseconds. Its answer: 408 to whoever sends too slowly.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::header::CONNECTION;
use http::{HeaderValue, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use reliability::overload::deadline::{BodyPace, Deadline};
use runtime::clock::Clock;
use runtime::http::problem::Problem;

use crate::limit::{BODY_GRACE, BODY_RATE, BODY_TIME, DEADLINE};
use crate::visit::{Arrived, Gate, Until};

/// The layer.
pub async fn stamp(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let shared = &gate.shared;
    let now = shared.clock.monotonic();
    let until = Deadline::after(now, shared.settings().duration(&DEADLINE));
    request.extensions_mut().insert(Until(until));
    request.extensions_mut().insert(Arrived(now));
    let pace = BodyPace {
        whole: shared.settings().duration(&BODY_TIME),
        grace: shared.settings().duration(&BODY_GRACE),
        least_rate: shared.settings().get(&BODY_RATE),
    };
    let request = if request.body().is_end_stream() {
        request
    } else {
        request.map(|body| Body::new(Paced::new(body, pace, shared.clock.clone())))
    };
    next.run(request).await
}

/// The body of a request did not come, or not whole.
#[derive(Debug, thiserror::Error)]
#[error("the request's body came too slowly")]
struct TooSlow;

/// An instant that is waited for.
type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

fn wait(clock: &Clock, span: Duration) -> Wait {
    let clock = clock.clone();
    Box::pin(async move { clock.sleep(span).await })
}

/// A body that fails when it comes too slowly.
struct Paced {
    body: Body,
    pace: BodyPace,
    clock: Clock,
    began: Duration,
    bytes: u64,
    by: Wait,
}

impl Paced {
    fn new(body: Body, pace: BodyPace, clock: Clock) -> Self {
        let (began, by) = (clock.monotonic(), wait(&clock, pace.next_by(0)));
        Self {
            body,
            pace,
            clock,
            began,
            bytes: 0,
            by,
        }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(|frame| frame.data_ref())) {
                self.bytes += data.map_or(0, |data| data.len() as u64);
                let spent = self.clock.monotonic().saturating_sub(self.began);
                let left = self.pace.next_by(self.bytes).saturating_sub(spent);
                self.by = wait(&self.clock, left);
            }
            return Poll::Ready(frame);
        }
        ready!(self.by.as_mut().poll(context));
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The whole body, or the answer to whoever did not send it.
pub async fn whole(mut body: Body, expected: u64) -> Result<Bytes, Response> {
    let mut bytes = BytesMut::with_capacity(expected as usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| too_slow())?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref()));
    }
    Ok(bytes.freeze())
}

fn too_slow() -> Response {
    let problem = Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "malformed",
        "The request did not arrive whole",
    )
    .detail("Its body came too slowly, or stopped. Nothing was changed.");
    let mut response = problem.into_response();
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
