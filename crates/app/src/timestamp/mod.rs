//! Time-stamps: an RFC 3161 authority that the operator does not control states when a head of the log existed.
//!
//! Here: which authority, what is known of it, and what people are shown. One conversation is [`exchange`], when they
//! are held is [`follow`], and what goes into an evidence pack is [`packed`]. What an answer must hold to be kept is
//! the ledger crate's business. Must not hold up a write: a head is stamped after it was signed, or not at all.

mod exchange;
mod follow;
mod packed;

pub(crate) use packed::packed;

use crate::outbound::{self, OutboundError, back_off};
use crate::{App, AppError};
use comptroller_core::Timestamp;
use comptroller_ledger::Anchors;
use comptroller_ledger::timestamp::TimestampError;
use comptroller_store::{Conn, timestamps};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// Pause after the first failure, unless the interval is shorter. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// How the log is time-stamped.
#[derive(Clone, Debug)]
pub struct TimestampSettings {
    /// Where questions are posted to.
    pub url: String,
    /// Least time between two time-stamps.
    pub every: Duration,
    /// The certificates that vouch for the authority.
    pub anchors: Anchors,
}

/// What is known of the time-stamps. Public: it holds no address.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TimestampView {
    /// Who made the newest one, as its certificate says; absent if there is none.
    pub authority: Option<String>,
    /// Entries under the newest stamped head.
    pub stamped_size: Option<u64>,
    /// When that head existed, by the authority's clock.
    #[schema(value_type = Option<String>)]
    pub stamped_at: Option<Timestamp>,
    /// Signed entries that no time-stamp covers yet. The entry of the newest time-stamp is among them.
    pub lag: u64,
    /// What went wrong at the last attempt of this server; absent if that succeeded.
    pub last_error: Option<String>,
}

/// The authority of a running server.
#[derive(Debug)]
pub(crate) struct Stamper {
    url: String,
    every: Duration,
    anchors: Anchors,
    state: Mutex<State>,
    /// One conversation at a time.
    turn: tokio::sync::Mutex<()>,
}

/// What this process remembers of its attempts.
#[derive(Debug, Default)]
struct State {
    last_error: Option<String>,
    failures: u32,
    /// Not asked before this moment.
    rest_until: Option<Instant>,
}

impl App {
    /// Has the log time-stamped as `settings` say.
    ///
    /// # Errors
    /// An address that may not be asked.
    pub fn with_timestamps(mut self, settings: TimestampSettings) -> Result<Self, AppError> {
        let TimestampSettings { url, every, anchors } = settings;
        outbound::check_url(&url).map_err(|error| AppError::invalid("url", error.to_string()))?;
        let (state, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        self.stamper = Some(Arc::new(Stamper { url, every, anchors, state, turn }));
        Ok(self)
    }

    /// What is known of the time-stamps; none if no authority is configured.
    pub(crate) async fn timestamp_view(
        &self,
        conn: &mut Conn,
        signed_size: u64,
    ) -> Result<Option<TimestampView>, AppError> {
        let Some(stamper) = &self.stamper else { return Ok(None) };
        let newest = timestamps::newest(conn).await?;
        let stamped_size = newest.as_ref().map(|row| row.size.unsigned_abs());
        Ok(Some(TimestampView {
            stamped_at: newest.as_ref().map(|row| Timestamp::from_micros(row.stamped_at)),
            authority: newest.map(|row| row.authority),
            stamped_size,
            lag: signed_size.saturating_sub(stamped_size.unwrap_or(0)),
            last_error: stamper.state().last_error.clone(),
        }))
    }
}

impl Stamper {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever a panic left behind is only a memory of the last attempt.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, problem: String) {
        let mut state = self.state();
        state.last_error = Some(problem);
        state.failures = state.failures.saturating_add(1);
        state.rest_until = Some(Instant::now() + back_off(FIRST_PAUSE.min(self.every), state.failures));
    }

    /// Whether the last attempts failed and the pause after them is not over.
    fn rests(&self) -> bool {
        self.state().rest_until.is_some_and(|until| until > Instant::now())
    }
}

/// Why there is no time-stamp. Shown to the public, so it names no address.
#[derive(Debug, thiserror::Error)]
enum StampError {
    #[error("{0}")]
    Outbound(#[from] OutboundError),
    #[error("it answered with HTTP status {0}")]
    Status(u16),
    #[error("{0}")]
    Token(#[from] TimestampError),
    #[error("{0}")]
    Clock(String),
    #[error("this server could not read or write its own log")]
    Own(#[from] AppError),
}
