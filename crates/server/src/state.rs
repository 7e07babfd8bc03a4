//! What the handlers share, and the limits under which they run.

use crate::metrics::Metrics;
use axum::body::Bytes;
use axum::extract::FromRef;
use comptroller_app::App;
use std::sync::Arc;
use std::time::Duration;

/// Under which address others reach the server, and its limits.
#[derive(Clone, Debug, Default)]
pub struct ServerConfig {
    /// Scheme, name and port, no path; that of the listener if none.
    pub public_url: Option<String>,
    /// Bounds of sizes, numbers and times.
    pub limits: Limits,
}

/// Bounds of what the server takes on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest JSON body, in bytes.
    pub max_body: usize,
    /// Largest body of an upload part, in bytes.
    pub max_part: usize,
    /// Connections held at a time; further ones wait in the listen queue.
    pub connections: usize,
    /// Requests under way at a time; further ones wait.
    pub requests: usize,
    /// Heavy requests (upload parts, completions, packs, drills) under way at a time; each holds a part in memory or
    /// a disk busy.
    pub heavy_requests: usize,
    /// Longest wait of a request for its turn.
    pub wait: Duration,
    /// Longest time until a request is answered.
    pub time: Duration,
    /// The same for heavy requests.
    pub heavy_time: Duration,
    /// Longest time until the headers of a request are there, and longest idle time of a connection.
    pub header_time: Duration,
    /// Longest wait for requests under way when the server stops.
    pub stop_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            max_part: (8 << 20) + 1_024,
            connections: 4_096,
            requests: 1_024,
            heavy_requests: 4,
            wait: Duration::from_secs(20),
            time: Duration::from_secs(30),
            heavy_time: Duration::from_hours(1),
            header_time: Duration::from_secs(30),
            stop_time: Duration::from_secs(20),
        }
    }
}

/// What every handler can reach. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ServerState {
    /// The use cases.
    pub(crate) app: App,
    /// What was counted since the start.
    pub(crate) metrics: Arc<Metrics>,
    /// The OpenAPI document as JSON text.
    pub(crate) document: Bytes,
    /// The reference page made from it.
    pub(crate) page: Arc<str>,
    /// The server's address, without a slash at its end.
    pub(crate) base: Arc<str>,
}

impl FromRef<ServerState> for App {
    fn from_ref(state: &ServerState) -> Self {
        state.app.clone()
    }
}
