//! Around every request: its id, its turn, its time limit, what is counted and logged, and the security headers.
//!
//! A request runs in a task of its own. So a caller who hangs up does not cut an act in two (an erasure without its
//! scrub, a refusal without its record), and a panic is a 500 and nothing else.

use crate::problem::{Cause, Code, Problem};
use crate::state::{Limits, ServerState};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Header that names a request in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from a caller.
const MAX_REQUEST_ID: usize = 64;
/// Requests that hold a part in memory, keep the disk busy or wait for a solver.
const HEAVY: [(&str, Method); 5] = [
    ("/api/v1/uploads/{id}/parts/{number}", Method::PUT),
    ("/api/v1/uploads/{id}/complete", Method::POST),
    ("/api/v1/evidence/pack", Method::POST),
    ("/api/v1/drills", Method::POST),
    ("/api/v1/policy/proposals/{proposal}/analysis", Method::POST),
];

/// Requests that carry a batch of records. They queue apart, so that neither a long upload stops a runtime from recording
/// nor many large batches at once fill the memory.
const RECORDS: [&str; 2] = ["/api/v1/predictions", "/api/v1/labels"];
/// Batches that are received and read at a time.
const BATCHES: usize = 16;

/// In which queue a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Plain,
    Heavy,
    Records,
}

impl Queue {
    fn of(route: &str, method: &Method) -> Self {
        if HEAVY.iter().any(|(path, heavy)| *path == route && method == heavy) {
            Self::Heavy
        } else if RECORDS.contains(&route) {
            Self::Records
        } else {
            Self::Plain
        }
    }
}

/// Gives each request its turn. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
    records: Arc<Semaphore>,
    limits: Limits,
}

impl Turns {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.requests)),
            heavy: Arc::new(Semaphore::new(limits.heavy_requests)),
            records: Arc::new(Semaphore::new(BATCHES)),
            limits: limits.clone(),
        }
    }

    /// Waits for a turn; none = the server is overloaded.
    async fn take(&self, queue: Queue) -> Option<OwnedSemaphorePermit> {
        let turns = Arc::clone(match queue {
            Queue::Plain => &self.all,
            Queue::Heavy => &self.heavy,
            Queue::Records => &self.records,
        });
        let turn = timeout(self.limits.wait, turns.acquire_owned()).await;
        turn.ok().and_then(Result::ok)
    }

    fn time(&self, queue: Queue) -> Duration {
        if queue == Queue::Heavy { self.limits.heavy_time } else { self.limits.time }
    }
}

/// The middleware around everything.
pub(crate) async fn observe(state: ServerState, turns: Turns, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("unmatched", MatchedPath::as_str).to_owned();

    let mut response = match refuse_uri(&request) {
        Some(problem) => problem.into_response(),
        None => run(&turns, &route, request, next).await,
    };

    let took = started.elapsed();
    let status = response.status().as_u16();
    state.metrics.count(&route, method.as_str(), status, took);
    if let Some(Cause(cause)) = response.extensions_mut().remove::<Cause>() {
        tracing::error!(request.id = %id, http.route = %route, http.status = status, cause, "a request failed");
    }
    tracing::debug!(
        request.id = %id, http.method = %method, http.route = %route, http.status = status,
        took.ms = took.as_secs_f64() * 1e3, "answered"
    );
    secure(response.headers_mut());
    // Proof: an id has only the characters that `request_id` lets through.
    response.headers_mut().insert(REQUEST_ID, HeaderValue::from_str(&id).expect("a checked request id"));
    response
}

/// Runs the request in a task of its own, in its turn and within its time.
async fn run(turns: &Turns, route: &str, request: Request, next: Next) -> Response {
    let queue = Queue::of(route, request.method());
    let Some(turn) = turns.take(queue).await else {
        let detail = "too many requests are under way, and this one's turn did not come";
        return Problem::new(Code::Overloaded, detail, "try again in some seconds").into_response();
    };
    let task = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(turn);
        response
    });
    match timeout(turns.time(queue), task).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            Problem::internal(format!("the request's task ended early: {error}")).into_response()
        }
        Err(_) => Problem::new(
            Code::Timeout,
            "the request was not answered in time; it may still take effect",
            "repeat it with the same Idempotency-Key: what took effect is then answered and not done twice",
        )
        .into_response(),
    }
}

/// Refuses what no path or query of ours can mean and PostgreSQL cannot store.
fn refuse_uri(request: &Request) -> Option<Problem> {
    let query = request.uri().query().unwrap_or_default();
    if request.uri().path().contains("%00") || query.contains("%00") {
        return Some(Problem::invalid("path", "the address has a NUL character (%00)"));
    }
    None
}

/// The caller's request id if it is 1 to 64 of `A-Z a-z 0-9 . _ -`; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let valid = (1..=MAX_REQUEST_ID).contains(&given.len())
        && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if valid {
        return given.to_owned();
    }
    let mut random = [0_u8; 16];
    match getrandom::fill(&mut random) {
        Ok(()) => hex::encode(random),
        // An id only helps to find lines in a log: without randomness there is none, and the request goes on.
        Err(_) => "none".to_owned(),
    }
}

/// Headers that say what a browser must not do with an answer. A handler's own ones stay.
fn secure(headers: &mut HeaderMap) {
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "no-referrer");
    default(header::X_FRAME_OPTIONS, "DENY");
    default(header::CACHE_CONTROL, "no-store");
    default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_cannot_carry_anything_into_the_log() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("ci-42.a_B"));
        assert_eq!(request_id(&headers), "ci-42.a_B");
        for bad in ["", "a b", "a\tb", "x=\"1\"", &"a".repeat(65)] {
            headers.insert(REQUEST_ID, HeaderValue::from_str(bad).unwrap());
            let id = request_id(&headers);
            assert_ne!(id, bad);
            assert_eq!(id.len(), 32);
        }
    }

    #[tokio::test]
    async fn a_turn_that_does_not_come_is_given_up() {
        let limits = Limits { requests: 1, wait: Duration::from_millis(20), ..Limits::default() };
        let turns = Turns::new(&limits);
        let first = turns.take(Queue::Plain).await.expect("the first turn is free");
        assert!(turns.take(Queue::Plain).await.is_none());
        assert!(turns.take(Queue::Heavy).await.is_some(), "heavy requests queue apart");
        assert!(turns.take(Queue::Records).await.is_some(), "and so do batches of records");
        drop(first);
        assert!(turns.take(Queue::Plain).await.is_some());
    }
}
