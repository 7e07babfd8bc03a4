//! A channel goes through the log. One process at a time does it, by a hold that ends by itself.

use super::message::{chat, cloud_event, signed};
use super::words::{Words, words};
use super::{Channel, Destination, wanted};
use crate::outbound::{self, REQUEST_LIMIT};
use crate::{App, AppError};
use comptroller_core::{Event, Timestamp};
use comptroller_ledger::Entry;
use comptroller_store::areas::deliveries::{self, DeliveryRow};
use comptroller_store::journal::{self, EntryRow};
use comptroller_store::{Draft, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How often a channel looks for new entries.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Entries of one look.
const WINDOW: i64 = 500;
/// Most messages under one hold, so that it does not end before they are sent.
const MOST: usize = 4;
/// How long a hold lasts: longer than the most messages take.
const HOLD_SECONDS: i64 = 60;
/// A message that is not taken for so long is given up.
const GIVE_UP_SECONDS: i64 = 86_400;
/// Largest answer that is read.
const MAX_ANSWER: u64 = 64 * 1024;

const _: () = assert!(MOST as u64 * REQUEST_LIMIT.as_secs() < HOLD_SECONDS as u64);

/// How far a turn came.
struct Turn {
    next: i64,
    sent: usize,
    failing_since: Option<i64>,
    abandoned: Option<u64>,
}

impl App {
    /// Runs every channel until `stop` changes.
    pub(crate) fn spawn_channels(&self, stop: &watch::Receiver<bool>, into: &mut JoinSet<()>) {
        for channel in &self.channels {
            into.spawn(follow(self.clone(), Arc::clone(channel), stop.clone()));
        }
    }

    /// Sends what is new, on every channel. Answers how many messages were taken.
    pub async fn notify(&self) -> Result<usize, AppError> {
        let mut sent = 0;
        for channel in &self.channels {
            sent += self.turn(channel).await?;
        }
        Ok(sent)
    }

    /// One turn of a channel.
    async fn turn(&self, channel: &Channel) -> Result<usize, AppError> {
        if self.store.is_read_only() || channel.rests() {
            return Ok(0);
        }
        let mut conn = self.store.read().await?;
        let size = journal::head(&mut conn).await?.map_or(0, |head| head.size);
        let Some(row) = deliveries::delivery(&mut conn, channel.name.as_str()).await? else {
            // A new channel begins now: nobody wants to be told of years.
            drop(conn);
            self.begin(channel, size).await?;
            return Ok(0);
        };
        let from = row.next_idx.max(channel.state().seen);
        let rows = journal::entries(&mut conn, from, size.min(from + WINDOW)).await?;
        drop(conn);
        let first = rows.iter().position(|row| wanted(&channel.patterns, &row.kind));
        let Some(first) = first else {
            channel.state().seen = from + rows.len() as i64;
            return Ok(0);
        };
        if !self.hold(channel).await? {
            return Ok(0);
        }
        // Another process may have been there between the look and the hold.
        let mut conn = self.store.read().await?;
        let now = deliveries::delivery(&mut conn, channel.name.as_str()).await?;
        drop(conn);
        let turn = match now {
            Some(now) if now.next_idx == row.next_idx => self.send_all(channel, &rows[first..], &row).await?,
            _ => return Ok(0),
        };
        let sent = turn.sent;
        self.advance(channel, turn).await?;
        Ok(sent)
    }

    async fn begin(&self, channel: &Channel, size: i64) -> Result<(), AppError> {
        let name = channel.name.clone();
        let begun = self.store.write::<(), StoreError, _>(move |tx| {
            Box::pin(async move { deliveries::begin(tx.conn(), name.as_str(), size).await })
        });
        Ok(begun.await?)
    }

    async fn hold(&self, channel: &Channel) -> Result<bool, AppError> {
        let (name, holder) = (channel.name.clone(), channel.holder.clone());
        let held = self.store.write::<bool, StoreError, _>(move |tx| {
            Box::pin(async move {
                let (now, until) = (tx.now(), tx.now().plus_seconds(HOLD_SECONDS));
                deliveries::hold(tx.conn(), name.as_str(), &holder, now, until).await
            })
        });
        Ok(held.await?)
    }

    async fn advance(&self, channel: &Channel, turn: Turn) -> Result<(), AppError> {
        let (name, holder) = (channel.name.clone(), channel.holder.clone());
        channel.state().seen = turn.next;
        let done = self.store.write::<(), StoreError, _>(move |tx| {
            Box::pin(async move {
                if let Some(index) = turn.abandoned {
                    let event = Event::NotificationAbandoned { channel: name.clone(), index };
                    tx.record(Draft::new("system", event)).await?;
                }
                let Turn { next, failing_since, .. } = turn;
                deliveries::advance(tx.conn(), name.as_str(), &holder, next, failing_since).await
            })
        });
        Ok(done.await?)
    }

    /// Sends about the rows in order, until one is not taken.
    async fn send_all(
        &self,
        channel: &Channel,
        rows: &[EntryRow],
        before: &DeliveryRow,
    ) -> Result<Turn, AppError> {
        let mut turn = Turn { next: rows[0].idx, sent: 0, failing_since: None, abandoned: None };
        let mut conn = self.store.read().await?;
        let origin = journal::head(&mut conn).await?.map_or_else(String::new, |head| head.origin);
        for row in rows {
            if wanted(&channel.patterns, &row.kind) {
                let entry: Entry = serde_json::from_str(&row.entry)?;
                let Some(words) = words(&mut conn, &entry).await? else {
                    turn.next = row.idx + 1;
                    continue;
                };
                if turn.sent == MOST {
                    return Ok(turn);
                }
                let now = self.store.clock().now();
                if let Err(problem) = send(channel, &origin, row, &entry, &words, now).await? {
                    let since = before.failing_since.filter(|_| turn.sent == 0).unwrap_or(now.micros());
                    tracing::warn!(channel = %channel.name, index = row.idx, problem, "a message was not taken");
                    channel.failed(problem);
                    turn.failing_since = Some(since);
                    if now.micros() - since >= GIVE_UP_SECONDS * 1_000_000 {
                        turn.abandoned = Some(row.idx.unsigned_abs());
                        turn.failing_since = None;
                        turn.next = row.idx + 1;
                    }
                    return Ok(turn);
                }
                channel.succeeded();
                turn.sent += 1;
            }
            turn.next = row.idx + 1;
        }
        Ok(turn)
    }
}

/// A stop does not wait for an answer: what was not known to be taken is sent again.
async fn follow(app: App, channel: Arc<Channel>, mut stop: watch::Receiver<bool>) {
    loop {
        let round = async {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = app.turn(&channel).await {
                tracing::error!(channel = %channel.name, error = %error, "messages could not be sent");
            }
        };
        tokio::select! {
            () = round => {}
            _ = stop.changed() => return,
        }
    }
}

/// Sends one message; the inner error says why it was not taken, without the address.
async fn send(
    channel: &Channel,
    origin: &str,
    row: &EntryRow,
    entry: &Entry,
    words: &Words,
    now: Timestamp,
) -> Result<Result<(), String>, AppError> {
    let index = row.idx.unsigned_abs();
    let (url, headers, body) = match &channel.destination {
        Destination::Webhook { url, secret } => {
            let body = serde_json::to_vec(&cloud_event(origin, index, &row.leaf_hash, entry, words))?;
            let id = format!("{origin}/{index}");
            let mut headers = vec![("content-type", "application/cloudevents+json".to_owned())];
            headers.extend(signed(&id, now, &body, secret));
            (url.as_str(), headers, body)
        }
        Destination::Slack { url } => {
            let body = serde_json::to_vec(&chat(words))?;
            (url.as_str(), vec![("content-type", "application/json".to_owned())], body)
        }
        Destination::Email(email) => return email.send(origin, index, entry, words).await,
    };
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(match outbound::post(url, &headers, body, MAX_ANSWER).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("it answered with HTTP status {}", answer.status)),
        Err(error) => Err(error.to_string()),
    })
}
