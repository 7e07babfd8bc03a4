//! Notifications: people outside learn of what happened by a webhook, in a chat or by e-mail.
//!
//! A channel goes through the log in order and sends a message about each entry that it is asked for. At least once:
//! a message counts as taken when the other side answered with a status of 2xx (HTTP and SMTP alike), and a server that dies in between
//! sends it again. What is not taken is tried again with growing pauses, and given up after a day, which is an event.
//! Must not hold up a write, and must not send personal data: a message holds what the log holds in clear.

mod email;
mod follow;
mod message;
mod words;

use crate::outbound::{self, back_off};
use crate::{App, AppError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comptroller_core::{Slug, Timestamp};
use comptroller_store::Conn;
use comptroller_store::areas::deliveries;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use utoipa::ToSchema;
use zeroize::Zeroizing;

pub use email::{Email, EmailSecurity, EmailSettings};

/// Pause after the first failure. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Bytes of a webhook's secret (Standard Webhooks 1.0, "Signature scheme").
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Most patterns of events.
const MAX_PATTERNS: usize = 64;

/// Which entries a channel is asked for unless the configuration says so: what somebody has to act upon.
pub const DEFAULT_EVENTS: &str = "operation.decided, emergency.*, incident.*, remediation.*, reminder.raised, approval.requested, \
     waiver.requested, policy.proposed, policy.activated, runtime.reported, alarm.raised, alarm.cleared, rollback.proposed, fairness.judged, notification.abandoned";

/// Where messages go.
#[derive(Clone, Debug)]
pub enum Destination {
    /// An address that takes CloudEvents 1.0, signed as Standard Webhooks says.
    Webhook {
        /// The address.
        url: String,
        /// The key of the signature.
        secret: Zeroizing<Vec<u8>>,
    },
    /// An incoming webhook of Slack, or of a chat that takes the same.
    Slack {
        /// The address, which is a secret.
        url: Zeroizing<String>,
    },
    /// Mailboxes, through one mail server.
    Email(Box<Email>),
}

impl Destination {
    /// Mailboxes of people.
    ///
    /// # Errors
    /// Settings that do not work, or that would not protect what is sent to another machine.
    pub fn email(settings: EmailSettings) -> Result<Self, AppError> {
        Ok(Self::Email(Box::new(Email::new(settings)?)))
    }

    /// A signed webhook. The secret is `whsec_` and base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// An address that may not be asked, or a secret that is none.
    pub fn webhook(url: &str, secret: &str) -> Result<Self, AppError> {
        outbound::check_url(url).map_err(|error| AppError::invalid("webhook_url", error.to_string()))?;
        let wrong = || {
            AppError::invalid(
                "webhook_secret",
                "it is not whsec_ and the base64 of 24 to 64 random bytes; `openssl rand -base64 32` makes such",
            )
        };
        let text = secret.strip_prefix("whsec_").ok_or_else(wrong)?;
        let secret = Zeroizing::new(STANDARD.decode(text).map_err(|_| wrong())?);
        if !SECRET_BYTES.contains(&secret.len()) {
            return Err(wrong());
        }
        Ok(Self::Webhook { url: url.to_owned(), secret })
    }

    /// An incoming webhook of a chat.
    ///
    /// # Errors
    /// An address that may not be asked.
    pub fn slack(url: &str) -> Result<Self, AppError> {
        outbound::check_url(url).map_err(|error| AppError::invalid("slack_url", error.to_string()))?;
        Ok(Self::Slack { url: Zeroizing::new(url.to_owned()) })
    }

    fn name(&self) -> Slug {
        let name = match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Email(_) => "email",
        };
        // Proof: all are lower-case letters.
        name.parse().expect("a slug")
    }
}

/// Reads a list of event types, separated by commas; `emergency.*` stands for all that begin so.
///
/// # Errors
/// A pattern that no event can have, or too many.
pub fn patterns(text: &str) -> Result<Vec<String>, AppError> {
    let all: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
    if all.len() > MAX_PATTERNS {
        return Err(AppError::invalid("events", format!("more than {MAX_PATTERNS} patterns")));
    }
    for pattern in &all {
        let body = pattern.strip_suffix(".*").unwrap_or(pattern);
        let good = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
        if pattern != "*" && (body.is_empty() || !body.chars().all(good)) {
            let problem =
                format!("{pattern:?} is no type of event, such as operation.decided or emergency.*");
            return Err(AppError::invalid("events", problem));
        }
    }
    Ok(all)
}

fn wanted(patterns: &[String], kind: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => pattern == kind,
    })
}

/// A channel as people see it. It holds no address.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelView {
    /// `webhook`, `slack` or `email`.
    pub channel: Slug,
    /// Entries that it has not looked at.
    pub lag: u64,
    /// Since when its next message is not taken.
    pub failing_since: Option<Timestamp>,
    /// What went wrong at the last attempt of this server; absent if that succeeded.
    pub last_error: Option<String>,
}

/// A channel of a running server.
#[derive(Debug)]
pub(crate) struct Channel {
    name: Slug,
    destination: Destination,
    patterns: Vec<String>,
    /// Names this process among several on one database.
    holder: String,
    state: Mutex<State>,
}

/// What this process remembers.
#[derive(Debug, Default)]
struct State {
    /// Entries up to here are looked at, though the database need not say so.
    seen: i64,
    last_error: Option<String>,
    failures: u32,
    rest_until: Option<Instant>,
}

impl Channel {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever a panic left behind is only a memory of the last attempt.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self) {
        let mut state = self.state();
        *state = State { seen: state.seen, ..State::default() };
    }

    fn failed(&self, problem: String) {
        let mut state = self.state();
        state.last_error = Some(problem);
        state.failures = state.failures.saturating_add(1);
        state.rest_until = Some(Instant::now() + back_off(FIRST_PAUSE, state.failures));
    }

    fn rests(&self) -> bool {
        self.state().rest_until.is_some_and(|until| until > Instant::now())
    }
}

impl App {
    /// Sends messages about the events that match `patterns` to these places.
    ///
    /// # Errors
    /// No randomness to name this process with.
    pub fn with_notifications(
        mut self,
        destinations: Vec<Destination>,
        patterns: &[String],
    ) -> Result<Self, AppError> {
        for destination in destinations {
            let holder = hex::encode(comptroller_store::keys::random::<8>().map_err(AppError::from)?);
            self.channels.push(std::sync::Arc::new(Channel {
                name: destination.name(),
                destination,
                patterns: patterns.to_vec(),
                holder,
                state: Mutex::default(),
            }));
        }
        Ok(self)
    }

    /// The channels, with how far each is in a log of `size` entries.
    pub(crate) async fn channel_views(
        &self,
        conn: &mut Conn,
        size: i64,
    ) -> Result<Vec<ChannelView>, AppError> {
        let mut views = Vec::new();
        for channel in &self.channels {
            let row = deliveries::delivery(conn, channel.name.as_str()).await?;
            let state = channel.state();
            let next = row.as_ref().map_or(size, |row| row.next_idx.max(state.seen));
            views.push(ChannelView {
                channel: channel.name.clone(),
                lag: (size - next).max(0).unsigned_abs(),
                failing_since: row.and_then(|row| row.failing_since).map(Timestamp::from_micros),
                last_error: state.last_error.clone(),
            });
        }
        Ok(views)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_one_type_or_for_all_that_begin_so() {
        let list = patterns("operation.decided, emergency.*").unwrap();
        assert!(wanted(&list, "operation.decided") && wanted(&list, "emergency.opened"));
        assert!(!wanted(&list, "operation.decided2") && !wanted(&list, "emergencyx.opened"));
        assert!(wanted(&patterns("*").unwrap(), "anything.at_all"));
        for bad in ["", "a,,b", "Emergency.*", "a b", ".*", "emer*gency"] {
            assert!(patterns(bad).is_err(), "{bad:?}");
        }
        assert!(patterns(DEFAULT_EVENTS).is_ok());
    }

    #[test]
    fn a_secret_is_long_enough_and_an_address_is_safe() {
        let good = format!("whsec_{}", STANDARD.encode([7; 32]));
        assert!(Destination::webhook("https://hooks.example.org/c", &good).is_ok());
        assert!(Destination::webhook("http://hooks.example.org/c", &good).is_err());
        for bad in ["", "whsec_", "whsec_AAAA", "secret", &good[6..]] {
            assert!(Destination::webhook("https://hooks.example.org/c", bad).is_err(), "{bad:?}");
        }
        let debug = format!("{:?}", Destination::webhook("https://h.example", &good).unwrap());
        assert!(!debug.contains("7, 7"), "{debug}");
    }
}
