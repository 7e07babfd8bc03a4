//! The rest of a request that was answered before it was read, for example one whose credential is unknown.
//!
//! A connection that is closed while bytes wait unread is reset, and the answer may be lost with it (RFC 9112 section
//! 9.6): the caller sees a broken connection and not the reason. So the rest is read and thrown away, within bounds.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;

/// Most bytes that are read for nothing; more than one request may carry by default.
const MOST: usize = 64 << 20;
/// Longest time that an answer waits for them.
const TIME: Duration = Duration::from_secs(5);

/// A body whose rest can still be read when its request is gone.
#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}

/// Answers a request once all of it has arrived, or has taken too long.
pub(crate) async fn receive(request: Request, next: Next) -> Response {
    // Who waits to be asked for the body is told the answer and sends none.
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let body = Shared(Arc::new(Mutex::new(body)));
    let response = next.run(Request::from_parts(head, Body::new(body.clone()))).await;
    if !body.is_end_stream() {
        let _ = timeout(TIME, discard(body)).await;
    }
    response
}

async fn discard(mut body: Shared) {
    let mut read = 0;
    while read < MOST {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { return };
        read += frame.data_ref().map_or(0, Bytes::len);
    }
}
