//! The one writer task: requests queue, a batch takes what waits, one commit makes all of it durable.
//!
//! There is no artificial delay: while one batch is being committed the next one gathers, so the batch grows with
//! the load and a single request waits for one commit only (group commit).

use crate::batch::run_batch;
use crate::db::Db;
use crate::keys::OrgKey;
use crate::tx::Tx;
use crate::{Draft, StoreError};
use comptroller_core::Clock;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Most requests of one batch.
pub const BATCH: usize = 256;
/// Requests that may wait; more are held back in the callers.
const QUEUE: usize = 4_096;

/// Answers a caller, once it is known whether the batch was committed.
pub(crate) type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A use case that waits. Given an error instead of a transaction it answers its caller with that error.
pub(crate) type Work =
    Box<dyn for<'t> FnOnce(Result<&'t mut Tx, StoreError>) -> BoxFuture<'t, (bool, Done)> + Send>;

/// A queued request.
pub(crate) enum Request {
    /// A use case: reads, decides, records.
    Run(Work),
    /// One event and nothing else, so neighbours of its kind can be recorded together.
    Record(Box<Draft>, oneshot::Sender<Result<u64, StoreError>>),
}

/// The handle to the writer task. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Request>,
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
        let (answer, answered) = oneshot::channel();
        self.queue(Request::Run(work_of(work, answer))).await?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Stopped.into()))
    }

    /// Records one event that no reading belongs to, and answers its index after the commit.
    pub(crate) async fn record(&self, draft: Draft) -> Result<u64, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue(Request::Record(Box::new(draft), answer)).await?;
        answered.await.unwrap_or(Err(StoreError::Stopped))
    }

    async fn queue(&self, request: Request) -> Result<(), StoreError> {
        if self.is_frozen() {
            return Err(StoreError::ReadOnly(
                "the published log is ahead of this database; restore the newer database, or begin a new epoch".into(),
            ));
        }
        self.queue.send(request).await.map_err(|_| StoreError::Stopped)
    }
}

/// A use case with the way to its caller.
pub(crate) fn work_of<T, E, F>(work: F, answer: oneshot::Sender<Result<T, E>>) -> Work
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
{
    Box::new(move |tx| {
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
    })
}

async fn run(setup: WriterSetup, mut waiting: mpsc::Receiver<Request>, frozen: Arc<AtomicBool>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let mut done = Vec::with_capacity(batch.len());
        let mut requests: VecDeque<Request> = batch.drain(..).collect();
        let outcome = run_batch(&setup, &mut requests, &mut done).await;
        match outcome {
            Ok(()) => done.into_iter().for_each(|answer: Done| answer(Ok(()))),
            Err(error) => {
                if matches!(error, StoreError::Damaged(_)) {
                    frozen.store(true, Ordering::SeqCst);
                }
                let text = chain(&error);
                let count = done.len() + requests.len();
                tracing::error!(error = %text, requests.count = count, "a batch was not committed");
                for request in requests {
                    match request {
                        Request::Run(work) => {
                            let (_, answer) = work(Err(again(&error, &text))).await;
                            answer(Ok(()));
                        }
                        Request::Record(_, answer) => drop(answer.send(Err(again(&error, &text)))),
                    }
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
