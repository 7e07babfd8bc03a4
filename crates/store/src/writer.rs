//! The one writer task: requests queue, a batch takes what waits, one commit makes all of it durable.
//!
//! There is no artificial delay: while one batch is being committed the next one gathers, so the batch grows with
//! the load and a single request waits for one commit only (group commit).
//!
//! // INVARIANT (append-only): the head row is updated only from the size and root that the batch began with; a
//! // second writer makes that update match nothing, and the batch fails instead of forking.

use crate::db::{Conn, Db, execute, fetch_optional};
use crate::keys::OrgKey;
use crate::tx::{HeadRow, Tx};
use crate::{StoreError, append};
use comptroller_core::{Clock, Timestamp};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Most requests of one batch.
pub const BATCH: usize = 256;
/// Requests that may wait; more are held back in the callers.
const QUEUE: usize = 4_096;
/// Longest time one request may hold the batch.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// How far the clock may be behind the last event before it is refused (NTP slews by less).
pub(crate) const CLOCK_SLACK_MICROS: i64 = 5_000_000;

type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A queued request. Given an error instead of a transaction it answers its caller with that error.
type Work = Box<dyn for<'t> FnOnce(Result<&'t mut Tx, StoreError>) -> BoxFuture<'t, (bool, Done)> + Send>;

/// The handle to the writer task. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Work>,
    frozen: Arc<AtomicBool>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

/// What the writer task needs.
pub(crate) struct WriterSetup {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) key: Arc<OrgKey>,
    pub(crate) org: String,
}

impl Writer {
    pub(crate) fn start(setup: WriterSetup) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let frozen = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(run(setup, waiting, Arc::clone(&frozen)));
        (Self { queue, frozen }, task)
    }

    /// Refuses every later write, for the restore guard. Never undone in this process.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Whether writes are refused.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::SeqCst)
    }

    /// Runs `work` in a savepoint of the next batch and answers after the commit.
    ///
    /// An `Err` of `work` undoes all that it did and nobody else's work. `Ok` is answered only when it is durable.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        if self.is_frozen() {
            return Err(StoreError::ReadOnly(
                "the published log is ahead of this database; restore the newer database, or begin a new epoch".into(),
            )
            .into());
        }
        let (answer, answered) = oneshot::channel::<Result<T, E>>();
        let work: Work = Box::new(move |tx| {
            Box::pin(async move {
                let outcome = match tx {
                    Ok(tx) => work(tx).await,
                    Err(error) => Err(error.into()),
                };
                let keep = outcome.is_ok();
                let done: Done = Box::new(move |committed| {
                    let result = match committed {
                        Ok(()) => outcome,
                        Err(error) => Err(error.into()),
                    };
                    // The caller may have gone away; what is committed stays committed.
                    drop(answer.send(result));
                });
                (keep, done)
            })
        });
        self.queue.send(work).await.map_err(|_| StoreError::Stopped)?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Stopped.into()))
    }
}

async fn run(setup: WriterSetup, mut waiting: mpsc::Receiver<Work>, frozen: Arc<AtomicBool>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let mut done = Vec::with_capacity(batch.len());
        let mut works: VecDeque<Work> = batch.drain(..).collect();
        let outcome = run_batch(&setup, &mut works, &mut done).await;
        match outcome {
            Ok(()) => done.into_iter().for_each(|answer: Done| answer(Ok(()))),
            Err(error) => {
                if matches!(error, StoreError::Damaged(_)) {
                    frozen.store(true, Ordering::SeqCst);
                }
                let text = chain(&error);
                let requests = done.len() + works.len();
                tracing::error!(error = %text, requests.count = requests, "a batch was not committed");
                for work in works {
                    let (_, answer) = work(Err(again(&error, &text))).await;
                    answer(Ok(()));
                }
                for answer in done {
                    answer(Err(again(&error, &text)));
                }
            }
        }
    }
}

/// The error for each caller of a failed batch; errors are not `Clone`, the kinds that matter are kept.
fn again(error: &StoreError, text: &str) -> StoreError {
    match error {
        StoreError::ClockWentBack { seconds } => StoreError::ClockWentBack { seconds: *seconds },
        StoreError::Damaged(what) => StoreError::Damaged(what.clone()),
        _ => StoreError::ReadOnly(format!(
            "the batch could not be committed ({text}); nothing was written, try again"
        )),
    }
}

fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

async fn run_batch(
    setup: &WriterSetup,
    batch: &mut VecDeque<Work>,
    done: &mut Vec<Done>,
) -> Result<(), StoreError> {
    let mut tx = begin(setup).await?;
    let outcome = run_requests(&mut tx, batch, done).await;
    let outcome = match outcome {
        Ok(()) => append::append_staged(&mut tx).await,
        Err(error) => Err(error),
    };
    let outcome = match outcome {
        Ok(()) => execute!(&mut tx.conn, "COMMIT").map(|_| ()),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(error) => {
            // A failed COMMIT may leave the transaction open, which would spoil every later batch.
            if execute!(&mut tx.conn, "ROLLBACK").is_err() {
                discard(tx.conn);
            }
            Err(error)
        }
    }
}

/// Begins the batch: takes the write lock and the head row, so that batches of all processes are serial.
async fn begin(setup: &WriterSetup) -> Result<Tx, StoreError> {
    let mut conn = setup.db.write().await?;
    match &conn {
        Conn::Sqlite(_) => execute!(&mut conn, "BEGIN IMMEDIATE")?,
        Conn::Postgres(_) => execute!(&mut conn, "BEGIN")?,
    };
    match locked_head(&mut conn).await.and_then(|head| Ok((now(setup, &head)?, head))) {
        Ok((now, head)) => Ok(Tx::new(conn, head, setup.org.clone(), now, Arc::clone(&setup.key))),
        Err(error) => {
            if execute!(&mut conn, "ROLLBACK").is_err() {
                discard(conn);
            }
            Err(error)
        }
    }
}

async fn locked_head(conn: &mut Conn) -> Result<HeadRow, StoreError> {
    // An UPDATE that changes nothing takes the row lock on both databases; FOR UPDATE is not portable.
    fetch_optional!(
        conn,
        HeadRow,
        "UPDATE log_head SET size = size WHERE id = 0 RETURNING origin, size, root, frontier, recorded_at"
    )?
    .ok_or_else(|| StoreError::Damaged("log_head has no row".into()))
}

fn now(setup: &WriterSetup, head: &HeadRow) -> Result<Timestamp, StoreError> {
    let now = setup.clock.now().micros();
    if now + CLOCK_SLACK_MICROS < head.recorded_at {
        return Err(StoreError::ClockWentBack { seconds: (head.recorded_at - now) / 1_000_000 });
    }
    Ok(Timestamp::from_micros(now.max(head.recorded_at)))
}

async fn run_requests(
    tx: &mut Tx,
    batch: &mut VecDeque<Work>,
    done: &mut Vec<Done>,
) -> Result<(), StoreError> {
    while let Some(work) = batch.pop_front() {
        let mark = tx.savepoint().await?;
        // A panic in a use case undoes that request only; the caller sees a stopped writer for its own request.
        let ran = tokio::time::timeout(REQUEST_LIMIT, AssertUnwindSafe(work(Ok(tx))).catch_unwind()).await;
        match ran {
            Ok(Ok((true, answer))) if tx.is_broken() => {
                tx.undo(mark).await?;
                answer(Err(StoreError::Entry("an event of this request could not be recorded".into())));
            }
            Ok(Ok((true, answer))) => {
                tx.release().await?;
                done.push(answer);
            }
            Ok(Ok((false, answer))) => {
                tx.undo(mark).await?;
                done.push(answer);
            }
            Ok(Err(_)) => tx.undo(mark).await?,
            // The statement under way was cut off: the connection's state is unknown, so the batch goes with it.
            Err(_) => return Err(StoreError::Config("a request took longer than 20 s".into())),
        }
    }
    Ok(())
}

/// Drops a connection whose transaction could not be ended, instead of giving it back to the pool.
fn discard(conn: Conn) {
    match conn {
        Conn::Sqlite(conn) => drop(conn.detach()),
        Conn::Postgres(conn) => drop(conn.detach()),
    }
}
