//! A write in progress: one batch transaction, in which each request's work stands in a savepoint of its own.
//!
//! // INVARIANT (one-transaction): [`Tx::record`] is the only way to change state. It projects the event into the
//! // state tables and stages its ledger entry; both commit with the batch or neither does.
//!
//! The batch holds the head row of the log from its first statement, so batches of all processes are strictly
//! serial: what a use case reads here cannot change before it commits, and index order is causal order (ADR 0001).

use crate::areas;
use crate::change::change;
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::keys::{DataKey, OrgKey};
use crate::{Draft, StoreError};
use comptroller_core::Timestamp;
use comptroller_core::ids::KeyId;
use comptroller_ledger::{Commitment, Entry, Frontier, Hash, StreamHead, StreamMap, leaf_hash};
use std::collections::HashMap;
use std::sync::Arc;

/// Each request's work stands in a savepoint of this name.
const SAVEPOINT: &str = "SAVEPOINT request";

/// The head of the log as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HeadRow {
    /// Origin line of the log.
    pub origin: String,
    /// Number of entries.
    pub size: i64,
    /// Root, hex.
    pub root: String,
    /// Right edge, as [`Frontier::encode`] writes it.
    pub frontier: String,
    /// Recording time of the last entry, microseconds.
    pub recorded_at: i64,
}

/// An event that has its index and waits for the commit.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) entry: Entry,
    pub(crate) bytes: String,
    pub(crate) leaf: Hash,
    pub(crate) payload: Option<(String, String, String)>,
}

/// What an event is, for projections: everything but the event itself.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "recorded_at is its name everywhere")]
pub(crate) struct At {
    /// Dense index in the log.
    pub idx: i64,
    /// Recording time.
    pub recorded_at: Timestamp,
    /// Who acted: `principal/<id>` or `system`.
    pub actor: String,
    /// Whether the event has a private part.
    pub has_private: bool,
}

impl At {
    /// The index, where a private part can be read; none if the event has none.
    pub(crate) fn private_at(&self) -> Option<i64> {
        self.has_private.then_some(self.idx)
    }
}

/// A write in progress.
#[derive(Debug)]
pub struct Tx {
    pub(crate) conn: Conn,
    pub(crate) head: HeadRow,
    pub(crate) org: String,
    pub(crate) now: Timestamp,
    pub(crate) staged: Vec<Staged>,
    /// Keys that this batch destroyed, in order; see [`crate::erase`].
    pub(crate) erasures: Vec<DestroyedKey>,
    streams: HashMap<String, i64>,
    undo: Vec<(String, Option<i64>)>,
    key: Arc<OrgKey>,
    broken: bool,
}

/// A key that this batch destroyed: staged payloads under it become tombstones before they are written.
#[derive(Debug)]
pub(crate) struct DestroyedKey {
    pub(crate) key_id: String,
    pub(crate) subject: String,
}

/// Where a request began, in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    staged: usize,
    erasures: usize,
}

impl Tx {
    pub(crate) fn new(conn: Conn, head: HeadRow, org: String, now: Timestamp, key: Arc<OrgKey>) -> Self {
        Self {
            conn,
            head,
            org,
            now,
            staged: Vec::new(),
            erasures: Vec::new(),
            streams: HashMap::new(),
            undo: Vec::new(),
            key,
            broken: false,
        }
    }

    /// The connection, to read inside the transaction.
    pub fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// The recording time of this batch. Never earlier than that of any recorded event.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The same as [`Tx::key`], for use beside [`Tx::conn`].
    pub fn shared_key(&self) -> Arc<OrgKey> {
        Arc::clone(&self.key)
    }

    /// The organisation's key, for secrets and look-up digests.
    pub fn key(&self) -> &OrgKey {
        &self.key
    }

    /// The index that the next recorded event gets.
    pub fn next_index(&self) -> u64 {
        self.head.size.unsigned_abs() + self.staged.len() as u64
    }

    /// Size and root (hex) of the log before this batch.
    pub fn head(&self) -> (u64, &str) {
        (self.head.size.unsigned_abs(), &self.head.root)
    }

    /// Every stream with its count and last index, this batch's events included.
    pub async fn stream_map(&mut self) -> Result<StreamMap, StoreError> {
        let rows = fetch_all!(
            &mut self.conn,
            (String, i64, i64),
            "SELECT stream, count, last_idx FROM stream_head ORDER BY stream"
        )?;
        let mut streams: StreamMap = rows
            .into_iter()
            .map(|(stream, count, last)| {
                (stream, StreamHead { count: count.unsigned_abs(), last_index: last.unsigned_abs() })
            })
            .collect();
        let first = self.head.size.unsigned_abs();
        for (offset, event) in self.staged.iter().enumerate() {
            let head = StreamHead { count: event.entry.stream_seq + 1, last_index: first + offset as u64 };
            streams.insert(event.entry.stream.clone(), head);
        }
        Ok(streams)
    }

    /// Records an event: gives it its index, projects it, and stages its entry. Answers the index.
    ///
    /// What the projection changes is sent with the next read of the request, or at its end: every later read sees it,
    /// and a violated constraint is the error of that read or of the request. After an error the whole request is
    /// undone by the writer, even if the use case goes on and answers `Ok`: nothing of a half recorded event remains.
    pub async fn record(&mut self, draft: Draft) -> Result<u64, StoreError> {
        // INVARIANT (one-transaction): a failed or abandoned recording cannot be committed.
        self.broken = true;
        let idx = self.stage(draft).await?;
        self.broken = false;
        Ok(idx)
    }

    /// The data key of `subject`, for example `artifact/<upload id>`; made on first use.
    pub async fn data_key(&mut self, subject: &str) -> Result<DataKey, StoreError> {
        Ok(self.subject_key(subject).await?.1)
    }

    /// Whether `key` is the data key of `subject` still: not destroyed since it was read.
    pub async fn has_data_key(&mut self, subject: &str, key: &DataKey) -> Result<bool, StoreError> {
        let row = fetch_optional!(
            &mut self.conn,
            (String, String),
            "SELECT key_id, wrapped FROM data_key WHERE subject = $1",
            subject
        )?;
        let Some((id, wrapped)) = row else { return Ok(false) };
        Ok(self.key.unwrap(crate::journal::key_id(&id)?, &wrapped)?.is(key))
    }

    /// Stages an entry that was made elsewhere, without projecting it: for measuring the append alone.
    ///
    /// The caller keeps `stream_seq` dense. The state tables do not learn of the event.
    #[cfg(any(test, feature = "test-support"))]
    pub fn append_prepared(&mut self, entry: Entry, bytes: String, leaf: Hash) {
        self.staged.push(Staged { entry, bytes, leaf, payload: None });
    }

    async fn stage(&mut self, draft: Draft) -> Result<u64, StoreError> {
        let idx = self.head.size + i64::try_from(self.staged.len()).unwrap_or(i64::MAX);
        let stream_seq = self.next_in_stream(&draft.stream).await?;
        let (payload, commitments) = self.seal(&draft, idx).await?;
        let (kind, data) = draft.event.to_parts().map_err(|error| StoreError::Entry(error.to_string()))?;
        let entry = Entry {
            v: 1,
            org: self.org.clone(),
            stream: draft.stream,
            stream_seq: u64::try_from(stream_seq).unwrap_or(0),
            kind,
            occurred_at: draft.occurred_at.unwrap_or(self.now).micros(),
            recorded_at: self.now.micros(),
            actor: draft.actor,
            subjects: draft.subjects,
            idempotency_key: draft.idempotency_key,
            data,
            commitments,
        };
        let bytes = entry.to_bytes().map_err(|error| StoreError::Entry(error.to_string()))?;
        let at =
            At { idx, recorded_at: self.now, actor: entry.actor.clone(), has_private: payload.is_some() };
        areas::project(&mut self.conn.waiting, &at, &draft.event)?;
        let leaf = leaf_hash(&bytes);
        let bytes = String::from_utf8(bytes).map_err(|_| StoreError::Entry("not UTF-8".into()))?;
        self.staged.push(Staged { entry, bytes, leaf, payload });
        Ok(u64::try_from(idx).unwrap_or(0))
    }

    /// Encrypts the private part under the subject's key, or under a key of this record alone.
    async fn seal(
        &mut self,
        draft: &Draft,
        idx: i64,
    ) -> Result<(Option<(String, String, String)>, Vec<Commitment>), StoreError> {
        let Some(private) = &draft.private else {
            return Ok((None, Vec::new()));
        };
        let plain = serde_json_canonicalizer::to_vec(&private.value)
            .map_err(|error| StoreError::Entry(error.to_string()))?;
        let (key_id, key) = match &private.subject {
            Some(subject) => self.subject_key(subject).await?,
            None => self.new_key(None)?,
        };
        let salt = crate::keys::random::<32>()?;
        let commitment = Commitment::new(&private.name, "application/json", &salt, &plain);
        let aad = format!("payload/{idx}/{}", private.name);
        let ciphertext = crate::keys::seal_payload(&key, aad.as_bytes(), &salt, &plain)?;
        Ok((Some((private.name.clone(), key_id, ciphertext)), vec![commitment]))
    }

    async fn subject_key(&mut self, subject: &str) -> Result<(String, DataKey), StoreError> {
        let row = fetch_optional!(
            &mut self.conn,
            (String, String),
            "SELECT key_id, wrapped FROM data_key WHERE subject = $1",
            subject
        )?;
        match row {
            Some((key_id, wrapped)) => {
                let key = self.key.unwrap(crate::journal::key_id(&key_id)?, &wrapped)?;
                Ok((key_id, key))
            }
            None => self.new_key(Some(subject)),
        }
    }

    fn new_key(&mut self, subject: Option<&str>) -> Result<(String, DataKey), StoreError> {
        let id = KeyId::new(self.now, crate::keys::random()?);
        let key = DataKey::generate()?;
        let wrapped = self.key.wrap(id, &key)?;
        let key_id = id.to_string();
        change!(
            self.conn.waiting,
            "INSERT INTO data_key (key_id, subject, wrapped, created_at) VALUES ($1, $2, $3, $4)",
            key_id.as_str(),
            subject,
            wrapped.as_str(),
            self.now.micros()
        );
        Ok((key_id, key))
    }

    async fn next_in_stream(&mut self, stream: &str) -> Result<i64, StoreError> {
        let count = match self.streams.get(stream) {
            Some(count) => *count,
            None => fetch_optional!(
                &mut self.conn,
                (i64,),
                "SELECT count FROM stream_head WHERE stream = $1",
                stream
            )?
            .map_or(0, |row| row.0),
        };
        let before = self.streams.insert(stream.to_owned(), count + 1);
        self.undo.push((stream.to_owned(), before));
        Ok(count)
    }

    /// Opens the savepoint of the next request. It is sent with the first change or before the first read.
    pub(crate) fn savepoint(&mut self) -> Mark {
        change!(self.conn.waiting, SAVEPOINT);
        self.undo.clear();
        self.broken = false;
        Mark { staged: self.staged.len(), erasures: self.erasures.len() }
    }

    /// Whether the savepoint of the request has not been sent yet, so that nothing has been changed since.
    fn is_unsent(&self) -> bool {
        self.conn.waiting.first().is_some_and(|change| change.sql == SAVEPOINT)
    }

    /// Keeps the request's work. After an error it must be undone, whatever the use case answered.
    pub(crate) async fn keep(&mut self) -> Result<(), StoreError> {
        // INVARIANT (one-transaction): what was half recorded is never kept.
        if self.broken || self.conn.failed {
            return Err(StoreError::Entry("an event of this request could not be recorded".into()));
        }
        if self.is_unsent() && self.conn.waiting.len() == 1 {
            self.conn.waiting.clear();
            return Ok(());
        }
        change!(self.conn.waiting, "RELEASE SAVEPOINT request");
        self.conn.ready().await?;
        Ok(())
    }

    /// Undoes the request's work, in the database and in memory, so that the batch goes on without it.
    pub(crate) async fn undo(&mut self, mark: Mark) -> Result<(), StoreError> {
        let is_unsent = self.is_unsent();
        self.conn.waiting.clear();
        self.conn.failed = false;
        if !is_unsent {
            change!(self.conn.waiting, "ROLLBACK TO SAVEPOINT request");
            change!(self.conn.waiting, "RELEASE SAVEPOINT request");
            self.conn.ready().await?;
        }
        self.staged.truncate(mark.staged);
        self.erasures.truncate(mark.erasures);
        while let Some((stream, before)) = self.undo.pop() {
            match before {
                Some(count) => self.streams.insert(stream, count),
                None => self.streams.remove(&stream),
            };
        }
        Ok(())
    }

    /// The frontier that the head row stands for; checked against the stored root.
    pub(crate) fn frontier(&self) -> Result<Frontier, StoreError> {
        let size = u64::try_from(self.head.size).map_err(|_| StoreError::Damaged("log_head.size".into()))?;
        let frontier = Frontier::decode(size, &self.head.frontier)
            .map_err(|error| StoreError::Damaged(format!("log_head.frontier: {error}")))?;
        if frontier.root().to_string() != self.head.root {
            return Err(StoreError::Damaged("log_head: the root does not belong to the frontier".into()));
        }
        Ok(frontier)
    }
}
