//! One batch: the requests one after the other, each in a savepoint of its own, and one commit.
//!
//! // INVARIANT (append-only): the head row is updated only from the size and root that the batch began with; a
//! // second writer makes that update match nothing, and the batch fails instead of forking.

use crate::db::{Conn, execute, fetch_optional};
use crate::tx::{HeadRow, Tx};
use crate::writer::{Done, Request, Work, WriterSetup, work_of};
use crate::{Draft, StoreError, append};
use comptroller_core::Timestamp;
use futures_util::FutureExt;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Longest time one request may hold the batch.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// How far the clock may be behind the last event before it is refused (NTP slews by less).
pub(crate) const CLOCK_SLACK_MICROS: i64 = 5_000_000;

/// An event that is a request of its own, and who waits for it.
type Recording = (Box<Draft>, oneshot::Sender<Result<u64, StoreError>>);

/// Runs the requests of a batch and commits. Each of `done` is to be answered with the result.
pub(crate) async fn run_batch(
    setup: &WriterSetup,
    batch: &mut VecDeque<Request>,
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
            tx.conn.roll_back().await;
            Err(error)
        }
    }
}

/// Begins the batch: takes the write lock and the head row, so that batches of all processes are serial.
async fn begin(setup: &WriterSetup) -> Result<Tx, StoreError> {
    let mut conn = setup.db.write().await?;
    conn.begin_write().await?;
    match locked_head(&mut conn).await.and_then(|head| Ok((now(setup, &head)?, head))) {
        Ok((now, head)) => Ok(Tx::new(conn, head, setup.org.clone(), now, Arc::clone(&setup.key))),
        Err(error) => {
            conn.roll_back().await;
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
    batch: &mut VecDeque<Request>,
    done: &mut Vec<Done>,
) -> Result<(), StoreError> {
    while let Some(request) = batch.pop_front() {
        match request {
            Request::Run(work) => run_one(tx, work, done).await?,
            Request::Record(draft, answer) => {
                let mut recordings = vec![(draft, answer)];
                while let Some(Request::Record(draft, answer)) =
                    batch.pop_front_if(|next| matches!(next, Request::Record(..)))
                {
                    recordings.push((draft, answer));
                }
                record_all(tx, recordings, done).await?;
            }
        }
    }
    Ok(())
}

/// Runs one request in a savepoint of its own.
async fn run_one(tx: &mut Tx, work: Work, done: &mut Vec<Done>) -> Result<(), StoreError> {
    let mark = tx.savepoint();
    // A panic in a use case undoes that request only; the caller sees a stopped writer for its own request.
    let ran = tokio::time::timeout(REQUEST_LIMIT, AssertUnwindSafe(work(Ok(tx))).catch_unwind()).await;
    match ran {
        Ok(Ok((true, answer))) => match tx.keep().await {
            Ok(()) => done.push(answer),
            Err(error) => {
                tx.undo(mark).await?;
                answer(Err(error));
            }
        },
        Ok(Ok((false, answer))) => {
            tx.undo(mark).await?;
            done.push(answer);
        }
        Ok(Err(_)) => tx.undo(mark).await?,
        // The statement under way was cut off: the connection's state is unknown, so the batch goes with it.
        Err(_) => return Err(StoreError::Config("a request took longer than 20 s".into())),
    }
    Ok(())
}

/// Records events that are requests of their own: all in one savepoint, which takes few statements. If that fails, it
/// is undone and each is run alone, so that the one at fault harms no other.
async fn record_all(tx: &mut Tx, recordings: Vec<Recording>, done: &mut Vec<Done>) -> Result<(), StoreError> {
    if recordings.len() > 1 {
        let mark = tx.savepoint();
        let together = AssertUnwindSafe(record_together(tx, &recordings)).catch_unwind();
        match tokio::time::timeout(REQUEST_LIMIT, together).await {
            Ok(Ok(Ok(indexes))) => {
                for (index, (_, answer)) in indexes.into_iter().zip(recordings) {
                    done.push(Box::new(move |committed| drop(answer.send(committed.map(|()| index)))));
                }
                return Ok(());
            }
            Ok(_) => tx.undo(mark).await?,
            Err(_) => {
                return Err(StoreError::Config("recording events together took longer than 20 s".into()));
            }
        }
    }
    for (draft, answer) in recordings {
        let work = work_of(move |tx: &mut Tx| Box::pin(async move { tx.record(*draft).await }), answer);
        run_one(tx, work, done).await?;
    }
    Ok(())
}

async fn record_together(tx: &mut Tx, recordings: &[Recording]) -> Result<Vec<u64>, StoreError> {
    let mut indexes = Vec::with_capacity(recordings.len());
    for (draft, _) in recordings {
        indexes.push(tx.record(Draft::clone(draft)).await?);
    }
    tx.keep().await?;
    Ok(indexes)
}
