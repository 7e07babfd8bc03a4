//! The store: metadata database, event journal, ledger persistence, object store and encryption at rest.
//!
//! [`Store::open`] gives one handle. Writes go through [`Store::write`], which runs a use case in a savepoint of a
//! group commit; reads take a connection from [`Store::read`]. State changes only by recording an event
//! ([`Tx::record`]). Nothing here decides who may do what: that is `app`.

mod append;
pub mod areas;
pub mod artifacts;
mod batch;
mod change;
mod copy;
pub mod cosignatures;
pub mod db;
mod doctor;
mod draft;
mod durable;
mod erase;
mod error;
mod findings;
mod guard;
pub mod journal;
pub mod keys;
pub mod objects;
mod publish;
mod purge;
mod rebuild;
mod signer;
pub mod tables;
pub mod timestamps;
mod tx;
mod types;
mod writer;

pub use copy::Copied;
pub use cosignatures::CosignatureRow;
pub use db::{Conn, Db, DbConfig, Link};
pub use draft::{Draft, Private};
pub use erase::Erased;
pub use error::StoreError;
pub use findings::{Finding, Findings, MAX_FINDINGS, Severity};
pub use guard::Guard;
pub use journal::{CheckpointRow, EntryRow, Opened};
pub use signer::LogSigner;
pub use timestamps::TimestampRow;
pub use tx::{HeadRow, Tx};
pub use types::{Micros, Text};
pub use writer::BATCH;

use comptroller_core::ids::OrgId;
use comptroller_core::{Clock, Event, Slug};
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use keys::{DataKey, OrgKey};
use objects::{Objects, ObjectsConfig};
use publish::Publisher;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use writer::{Writer, WriterSetup};

/// Where everything of a store lives.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The metadata database.
    pub db: DbConfig,
    /// Artifacts and tiles.
    pub objects: ObjectsConfig,
    /// Folder of the organisation key and the log keys.
    pub keys: PathBuf,
    /// Folder of the restore guard; best on another volume than the database.
    pub guard: PathBuf,
    /// First part of the log's origin, for example `comptroller.example.org`.
    pub host: String,
    /// Name of the organisation, used when the store is created.
    pub organisation: Slug,
}

/// An open store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    writer: Writer,
    publisher: Publisher,
    key: Arc<OrgKey>,
    clock: Arc<dyn Clock>,
    org: OrgId,
    origin: String,
    signer: LogSigner,
    objects: Objects,
    /// Held for the life of the store: SQLite serves one process.
    _lock: Option<File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({}, {})", self.inner.db.kind(), self.inner.origin)
    }
}

impl Store {
    /// Opens the store; creates database, keys, log and organisation on first start.
    ///
    /// Errors: a second process on the same SQLite file; keys that do not belong to the database; a published log
    /// ahead of the database opens read-only (see [`Store::is_read_only`]).
    pub async fn open(config: &StoreConfig, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let objects = Objects::open(&config.objects)?;
        Self::open_on(config, clock, objects).await
    }

    /// [`Store::open`] with an object store whose writes fail as planned.
    #[cfg(any(test, feature = "test-support"))]
    pub async fn open_with_faults(
        config: &StoreConfig,
        clock: Arc<dyn Clock>,
        plan: Arc<objects::FaultPlan>,
    ) -> Result<Self, StoreError> {
        let objects = Objects::open(&config.objects)?.with_faults(plan);
        Self::open_on(config, clock, objects).await
    }

    async fn open_on(
        config: &StoreConfig,
        clock: Arc<dyn Clock>,
        objects: Objects,
    ) -> Result<Self, StoreError> {
        let lock = lock_sqlite(&config.db)?;
        std::fs::create_dir_all(&config.keys).map_err(|error| StoreError::file(&config.keys, &error))?;
        let db = Db::open(&config.db).await?;
        objects.probe().await?;
        let key = Arc::new(OrgKey::read_or_create_file(&config.keys.join("org.key"))?);
        let origin = begin_log(&db, config, clock.as_ref()).await?;
        let org: OrgId = origin
            .split('/')
            .nth(1)
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| StoreError::Damaged(format!("log origin {origin:?}")))?;
        let signer = LogSigner::open(&config.keys, &origin)?;
        let guard = Guard::open(&config.guard, &origin)?;
        let setup = WriterSetup {
            db: db.clone(),
            clock: Arc::clone(&clock),
            key: Arc::clone(&key),
            org: org.to_string(),
        };
        let (writer, _task) = Writer::start(setup);
        let publisher = Publisher {
            db: db.clone(),
            objects: objects.clone(),
            guard,
            signer: signer.clone(),
            clock: Arc::clone(&clock),
            turn: tokio::sync::Mutex::new(None),
        };
        let inner = Inner { db, writer, publisher, key, clock, org, origin, signer, objects, _lock: lock };
        let store = Self { inner: Arc::new(inner) };
        store.check_guard().await?;
        store.create_organisation(&config.organisation).await?;
        Ok(store)
    }

    /// Freezes the store when the guard or a published object is ahead of the database (append-only).
    async fn check_guard(&self) -> Result<(), StoreError> {
        // The marks are read before the head: other processes may be appending, and heads only grow.
        let mark = self.inner.publisher.guard.read()?;
        let published = self.published_objects().await?;
        let mut conn = self.read().await?;
        let head = journal::head(&mut conn).await?;
        let (size, root) = head.map_or((0, String::new()), |h| (h.size, h.root));
        if let Err(error) = guard::check(mark.as_ref(), size, &root) {
            tracing::error!(%error, "starting read-only");
            self.inner.writer.freeze();
        } else if published > size {
            tracing::error!(
                log.published = published,
                log.database = size,
                "a published checkpoint is ahead of this database: starting read-only"
            );
            self.inner.writer.freeze();
        }
        Ok(())
    }

    async fn published_objects(&self) -> Result<i64, StoreError> {
        let mut newest = 0;
        let mut objects = std::pin::pin!(self.inner.objects.list("log/checkpoints")?);
        while let Some(object) = objects.try_next().await? {
            let size = object.name.rsplit('/').next().and_then(|name| name.parse().ok()).unwrap_or(0);
            newest = newest.max(size);
        }
        Ok(newest)
    }

    async fn create_organisation(&self, slug: &Slug) -> Result<(), StoreError> {
        let mut conn = self.read().await?;
        if areas::people::org(&mut conn).await?.is_some() || self.is_read_only() {
            return Ok(());
        }
        drop(conn);
        let event = Event::OrgCreated {
            org: self.inner.org,
            slug: slug.clone(),
            origin: self.inner.origin.clone(),
            vkey: self.inner.signer.vkey(),
        };
        let org = self.inner.org;
        self.write(move |tx| {
            Box::pin(async move {
                // Another server may have been faster.
                if areas::people::org(tx.conn()).await?.is_some() {
                    return Ok::<(), StoreError>(());
                }
                tx.record(Draft::new("system", event).about("org", &org)).await?;
                Ok(())
            })
        })
        .await
    }

    /// Runs a use case in a savepoint of the next batch; answers after the commit. See [`Tx`].
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        self.inner.writer.write(work).await
    }

    /// Records one event that no reading belongs to, such as a refusal; answers its index after the commit.
    ///
    /// As [`Store::write`] with [`Tx::record`] and nothing else, but neighbours of the same batch are written together.
    pub async fn record(&self, draft: Draft) -> Result<u64, StoreError> {
        self.inner.writer.record(draft).await
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        self.inner.db.read().await
    }

    /// The data key of `subject`, for example `artifact/<upload id>`; none if it never was made or is destroyed.
    pub async fn data_key(&self, subject: &str) -> Result<Option<DataKey>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::fetch_optional!(
            &mut conn,
            (String, String),
            "SELECT key_id, wrapped FROM data_key WHERE subject = $1",
            subject
        )?;
        row.map(|(id, wrapped)| Ok(self.inner.key.unwrap(journal::key_id(&id)?, &wrapped)?)).transpose()
    }

    /// Signs the present head, if it is not signed yet.
    pub async fn publish(&self) -> Result<Option<CheckpointRow>, StoreError> {
        if self.is_read_only() {
            let mut conn = self.read().await?;
            return journal::checkpoint(&mut conn).await;
        }
        let published = self.inner.publisher.publish().await;
        if matches!(published, Err(StoreError::Damaged(_))) {
            self.inner.writer.freeze();
        }
        published
    }

    /// Refuses every later write because somebody outside has seen a longer or another log (append-only). Whoever
    /// calls this says in the log what was seen. Lasts until the process ends.
    pub fn freeze(&self) {
        self.inner.writer.freeze();
    }

    /// Whether writes are refused because the published log is ahead, or damage was found.
    pub fn is_read_only(&self) -> bool {
        self.inner.writer.is_frozen()
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.inner.org
    }

    /// Origin line of the log.
    pub fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// The log's signing keys.
    pub fn signer(&self) -> &LogSigner {
        &self.inner.signer
    }

    /// The organisation's key.
    pub fn key(&self) -> &OrgKey {
        &self.inner.key
    }

    /// The object store.
    pub fn objects(&self) -> &Objects {
        &self.inner.objects
    }

    /// The injected clock.
    pub fn clock(&self) -> &dyn Clock {
        self.inner.clock.as_ref()
    }

    /// `sqlite` or `postgresql`.
    pub fn database_kind(&self) -> &'static str {
        self.inner.db.kind()
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    /// Waits for queued writes and closes the database.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }
}

/// Takes the lock file of a SQLite database: a second process is refused, never interleaved.
fn lock_sqlite(db: &DbConfig) -> Result<Option<File>, StoreError> {
    let DbConfig::Sqlite(path) = db else { return Ok(None) };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::file(folder, &error))?;
    }
    let lock_path = path.with_extension("lock");
    let file = File::create(&lock_path).map_err(|error| StoreError::file(&lock_path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(_) => Err(StoreError::Config(format!(
            "{} is in use by another process; SQLite serves one process (use PostgreSQL for more), or stop the other",
            path.display()
        ))),
    }
}

/// Makes the head row of a new log; answers the origin, new or old.
async fn begin_log(db: &Db, config: &StoreConfig, clock: &dyn Clock) -> Result<String, StoreError> {
    let mut conn = db.write().await?;
    if let Some(head) = journal::head(&mut conn).await? {
        return Ok(head.origin);
    }
    let host_valid = (1..=253).contains(&config.host.len())
        && config.host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
    if !host_valid {
        return Err(StoreError::Config(format!("log host {:?}: use a DNS name", config.host)));
    }
    let org = OrgId::new(clock.now(), keys::random()?);
    let origin = format!("{}/{org}/1", config.host);
    let empty = comptroller_ledger::Frontier::new();
    db::execute!(
        &mut conn,
        "INSERT INTO log_head (id, origin, size, root, frontier, recorded_at) VALUES (0, $1, 0, $2, '', 0) \
         ON CONFLICT (id) DO NOTHING",
        origin.as_str(),
        empty.root().to_string()
    )?;
    let head = journal::head(&mut conn).await?.ok_or_else(|| StoreError::Damaged("log_head".into()))?;
    Ok(head.origin)
}
