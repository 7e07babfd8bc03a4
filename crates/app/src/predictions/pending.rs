//! What is taken and not sealed yet, in memory: by stream, in the order in which it came.

use comptroller_core::Environment;
use comptroller_core::ids::{SystemId, VersionId};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::records::Records;
use comptroller_lake::wal::Position;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Whose records they are: of one version in one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stream {
    pub(super) system: SystemId,
    pub(super) version: VersionId,
    pub(super) environment: Environment,
    pub(super) records: RecordKind,
}

/// A batch as it came.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) stream: Stream,
    /// The sender's id of it.
    pub(super) id: String,
    /// SHA-256 of what was sent.
    pub(super) digest: String,
    pub(super) records: Records,
}

/// A batch that is durable and waits to be sealed.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) position: Position,
    pub(super) batch: Batch,
    since: Instant,
}

/// What is known of a batch that came before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing: it may be taken.
    New,
    /// The same is being written.
    UnderWay,
    /// The same waits, and is durable.
    Durable(usize),
    /// Another has its id.
    Other,
    /// There is no room.
    Full,
}

/// What was taken and is not sealed yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Batches.
    pub batches: u64,
    /// Records.
    pub records: u64,
    /// Their bytes in memory.
    pub bytes: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pending {
    state: Mutex<State>,
    /// A block may be full.
    pub(super) full: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: usize,
    streams: BTreeMap<Stream, Vec<Waiting>>,
    known: HashMap<(Stream, String), Known>,
}

#[derive(Debug)]
struct Known {
    digest: String,
    rows: usize,
    bytes: usize,
    durable: bool,
}

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a batch of this id came before.
    pub(super) fn before(&self, stream: Stream, id: &str, digest: &str) -> Before {
        self.state().before(stream, id, digest)
    }

    /// Reserves room for a batch, and its id.
    pub(super) fn reserve(&self, batch: &Batch, limit: usize) -> Before {
        let mut state = self.state();
        let before = state.before(batch.stream, &batch.id, &batch.digest);
        if before != Before::New {
            return before;
        }
        let bytes = batch.records.bytes();
        if state.bytes > 0 && state.bytes + bytes > limit {
            return Before::Full;
        }
        state.bytes += bytes;
        let known = Known { digest: batch.digest.clone(), rows: batch.records.len(), bytes, durable: false };
        state.known.insert((batch.stream, batch.id.clone()), known);
        Before::New
    }

    /// The batch is durable.
    pub(super) fn durable(&self, position: Position, batch: Batch) {
        let mut state = self.state();
        if let Some(known) = state.known.get_mut(&(batch.stream, batch.id.clone())) {
            known.durable = true;
        }
        let waiting = state.streams.entry(batch.stream).or_default();
        waiting.push(Waiting { position, batch, since: Instant::now() });
        let rows = total(waiting);
        drop(state);
        if rows >= comptroller_lake::block::MAX_BLOCK_ROWS {
            self.full.notify_one();
        }
    }

    /// A batch from the write-ahead log of an earlier process. Answers where an earlier one of the same id stands, which
    /// counts no more.
    ///
    /// INVARIANT (acknowledged-is-durable): two batches of one id stand in a log only if the writing of the first failed
    /// and its bytes are there all the same. It was refused; the later one may have been acknowledged.
    pub(super) fn replayed(&self, position: Position, batch: Batch) -> Option<Position> {
        let earlier = self.take_waiting(batch.stream, &batch.id);
        let _ = self.reserve(&batch, usize::MAX);
        self.durable(position, batch);
        earlier
    }

    /// Takes a batch out of those that wait; answers where it stood.
    fn take_waiting(&self, stream: Stream, id: &str) -> Option<Position> {
        let mut state = self.state();
        let waiting = state.streams.get_mut(&stream)?;
        let at = waiting.iter().position(|waiting| waiting.batch.id == id)?;
        let taken = waiting.remove(at);
        state.forget(stream, id);
        Some(taken.position)
    }

    /// The batch could not be made durable: as if it had not come.
    pub(super) fn failed(&self, stream: Stream, id: &str) {
        self.state().forget(stream, id);
    }

    /// The streams with a full block, or with a batch that waits for so long.
    pub(super) fn due(&self, rows: usize, after: Duration) -> Vec<Stream> {
        let state = self.state();
        let due = state.streams.iter().filter(|(_, waiting)| {
            waiting.first().is_some_and(|first| first.since.elapsed() >= after) || total(waiting) >= rows
        });
        due.map(|(stream, _)| *stream).collect()
    }

    /// The oldest batches of a stream, up to `rows` records and at least one batch; they go on waiting.
    pub(super) fn oldest(&self, stream: Stream, rows: usize) -> Vec<Waiting> {
        let state = self.state();
        let waiting = state.streams.get(&stream).map(Vec::as_slice).unwrap_or_default();
        let mut taken = 0;
        while taken < waiting.len() && (taken == 0 || total(&waiting[..taken]) < rows) {
            taken += 1;
        }
        waiting[..taken].to_vec()
    }

    /// Batches are sealed: they wait no longer.
    pub(super) fn sealed(&self, stream: Stream, batches: &[Waiting]) {
        let mut state = self.state();
        let is_sealed = |waiting: &Waiting| batches.iter().any(|sealed| sealed.position == waiting.position);
        if let Some(waiting) = state.streams.get_mut(&stream) {
            waiting.retain(|waiting| !is_sealed(waiting));
            if waiting.is_empty() {
                state.streams.remove(&stream);
            }
        }
        for sealed in batches {
            state.forget(stream, &sealed.batch.id);
        }
    }

    /// The records of an id that wait in a system, each with its stream, the newest of a stream first.
    pub(super) fn find(
        &self,
        system: SystemId,
        records: RecordKind,
        id: &str,
    ) -> Vec<(Stream, Records, usize)> {
        let state = self.state();
        let streams =
            state.streams.iter().filter(|(stream, _)| stream.system == system && stream.records == records);
        let mut found = Vec::new();
        for (stream, waiting) in streams {
            for waiting in waiting.iter().rev() {
                if let Some(at) = waiting.batch.records.position(id) {
                    found.push((*stream, waiting.batch.records.clone(), at));
                }
            }
        }
        found
    }

    /// What waits.
    pub(super) fn size(&self) -> Waits {
        let state = self.state();
        let records = state.known.values().map(|known| known.rows as u64).sum();
        Waits { batches: state.known.len() as u64, records, bytes: state.bytes as u64 }
    }
}

fn total(waiting: &[Waiting]) -> usize {
    waiting.iter().map(|waiting| waiting.batch.records.len()).sum()
}

impl State {
    fn before(&self, stream: Stream, id: &str, digest: &str) -> Before {
        match self.known.get(&(stream, id.to_owned())) {
            None => Before::New,
            Some(known) if known.digest != digest => Before::Other,
            Some(known) if known.durable => Before::Durable(known.rows),
            Some(_) => Before::UnderWay,
        }
    }

    fn forget(&mut self, stream: Stream, id: &str) {
        if let Some(known) = self.known.remove(&(stream, id.to_owned())) {
            self.bytes = self.bytes.saturating_sub(known.bytes);
        }
    }
}
