//! Two databases behind one name: an enum of pools, and the macros that run one SQL text on either.
//!
//! Nothing here knows what the tables mean. Reads take a connection of the reader pool; every write goes through
//! [`crate::writer`], which owns the one writing connection.

use crate::StoreError;
use crate::change::{self, Change};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Runs one static SQL text; answers the number of rows affected.
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $conn.ready().await {
            Ok($crate::db::Link::Sqlite(c)) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **c).await
                .map(|done| done.rows_affected()).map_err($crate::StoreError::from),
            Ok($crate::db::Link::Postgres(c)) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **c).await
                .map(|done| done.rows_affected()).map_err($crate::StoreError::from),
            Err(error) => Err(error),
        }
    };
}

/// All rows of one static SQL text as `$row`.
macro_rules! fetch_all {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::fetch!($conn, $row, fetch_all, $sql $(, $bind)*)
    };
}

/// At most one row of one static SQL text as `$row`.
macro_rules! fetch_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::fetch!($conn, $row, fetch_optional, $sql $(, $bind)*)
    };
}

macro_rules! fetch {
    ($conn:expr, $row:ty, $fetch:ident, $sql:expr $(, $bind:expr)*) => {
        match $conn.ready().await {
            Ok($crate::db::Link::Sqlite(c)) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$fetch(&mut **c).await
                .map_err($crate::StoreError::from),
            Ok($crate::db::Link::Postgres(c)) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$fetch(&mut **c).await
                .map_err($crate::StoreError::from),
            Err(error) => Err(error),
        }
    };
}

/// Where the metadata live.
#[derive(Clone, PartialEq, Eq)]
pub enum DbConfig {
    /// One SQLite file; one process.
    Sqlite(PathBuf),
    /// A PostgreSQL connection URL; any number of processes.
    Postgres(String),
}

impl std::fmt::Debug for DbConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            // The URL carries a password.
            Self::Postgres(_) => f.write_str("Postgres(<redacted>)"),
        }
    }
}

impl FromStr for DbConfig {
    type Err = StoreError;

    /// `postgres://...` or a path, optionally as `sqlite:PATH`.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path.is_empty() || path.contains("://") {
            return Err(StoreError::Config(format!(
                "database {text:?}: give a file path, sqlite:PATH, or postgres://user:password@host/name"
            )));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

/// An open database: readers, and how to get a writer.
#[derive(Clone, Debug)]
pub enum Db {
    /// SQLite in WAL mode, one writer and several readers.
    Sqlite {
        /// One connection, synchronous=FULL.
        writer: SqlitePool,
        /// Read-only connections.
        readers: SqlitePool,
    },
    /// PostgreSQL.
    Postgres(PgPool),
}

/// One connection, and the changes that wait to be sent over it.
///
/// Whoever runs a statement asks for [`Conn::ready`] first, so nothing is ever read without what waits.
#[derive(Debug)]
pub struct Conn {
    link: Link,
    pub(crate) waiting: Vec<Change>,
    /// Whether changes failed that nobody has undone yet.
    pub(crate) failed: bool,
}

/// The connection itself.
#[derive(Debug)]
pub enum Link {
    /// SQLite.
    Sqlite(PoolConnection<Sqlite>),
    /// PostgreSQL.
    Postgres(PoolConnection<Postgres>),
}

impl Conn {
    fn new(link: Link) -> Self {
        Self { link, waiting: Vec::new(), failed: false }
    }

    /// The connection after all changes that wait have been sent; the error of the first that failed.
    pub async fn ready(&mut self) -> Result<&mut Link, StoreError> {
        if !self.waiting.is_empty() {
            let changes = std::mem::take(&mut self.waiting);
            // Stands until all of them are done, so that a caller who goes away in between leaves it standing.
            self.failed = true;
            match &mut self.link {
                Link::Sqlite(link) => change::to_sqlite(link, &changes).await?,
                Link::Postgres(link) => change::to_postgres(link, &changes).await?,
            }
            self.failed = false;
        }
        Ok(&mut self.link)
    }

    /// The connection where nothing can wait, as in whatever only reads.
    pub(crate) fn link(&mut self) -> &mut Link {
        debug_assert!(self.waiting.is_empty(), "changes wait, use ready()");
        &mut self.link
    }

    /// Begins a transaction that will write.
    pub(crate) async fn begin_write(&mut self) -> Result<(), StoreError> {
        // SQLite must take the write lock at once: a reader that becomes a writer may find that it is too late.
        let begin = if self.is_postgres() { "BEGIN" } else { "BEGIN IMMEDIATE" };
        execute!(self, begin)?;
        Ok(())
    }

    /// Whether it leads to PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Postgres(_))
    }

    /// Undoes the transaction. A connection whose transaction cannot be ended is dropped, not given back to the pool.
    pub(crate) async fn roll_back(mut self) {
        self.waiting.clear();
        if execute!(&mut self, "ROLLBACK").is_ok() {
            return;
        }
        match self.link {
            Link::Sqlite(link) => drop(link.detach()),
            Link::Postgres(link) => drop(link.detach()),
        }
    }
}

/// Texts that the writing connection of SQLite keeps prepared: each event type comes in a few combinations.
const WRITER_STATEMENTS: usize = 512;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

impl Db {
    /// Opens and migrates. SQLite: creates the file; a file already open for writing elsewhere is refused by
    /// [`crate::Store::open`], which holds the lock file.
    pub async fn open(config: &DbConfig) -> Result<Self, StoreError> {
        let db = match config {
            DbConfig::Sqlite(path) => open_sqlite(path).await?,
            DbConfig::Postgres(url) => open_postgres(url).await?,
        };
        match &db {
            Self::Sqlite { writer, .. } => MIGRATIONS.run(writer).await,
            Self::Postgres(pool) => MIGRATIONS.run(pool).await,
        }
        .map_err(|error| StoreError::Config(format!("the database could not be migrated: {error}")))?;
        Ok(db)
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        Ok(Conn::new(match self {
            Self::Sqlite { readers, .. } => Link::Sqlite(readers.acquire().await?),
            Self::Postgres(pool) => Link::Postgres(pool.acquire().await?),
        }))
    }

    /// A connection for writing. Only the writer task, the publisher and maintenance ask for it.
    pub(crate) async fn write(&self) -> Result<Conn, StoreError> {
        Ok(Conn::new(match self {
            Self::Sqlite { writer, .. } => Link::Sqlite(writer.acquire().await?),
            Self::Postgres(pool) => Link::Postgres(pool.acquire().await?),
        }))
    }

    /// A connection that sees one moment of the database. It is closed, not reused, when dropped.
    pub(crate) async fn snapshot(&self) -> Result<Conn, StoreError> {
        let mut conn = self.read().await?;
        match conn.link() {
            Link::Sqlite(link) => {
                link.close_on_drop();
                execute!(&mut conn, "BEGIN")?;
            }
            Link::Postgres(link) => {
                link.close_on_drop();
                execute!(&mut conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            }
        }
        // Both take the snapshot at the first read.
        fetch_optional!(&mut conn, (i64,), "SELECT size FROM log_head")?;
        Ok(conn)
    }

    /// An empty, migrated database in memory: one connection, gone when closed.
    pub(crate) async fn scratch() -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().in_memory(true);
        // The database lives and dies with its connection, so the pool must never replace it.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        MIGRATIONS.run(&pool).await.map_err(|error| {
            StoreError::Config(format!("the scratch database could not be migrated: {error}"))
        })?;
        Ok(Self::Sqlite { writer: pool.clone(), readers: pool })
    }

    /// Closes every connection; SQLite folds its WAL into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// `sqlite` or `postgresql`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres(_) => "postgresql",
        }
    }
}

async fn open_sqlite(path: &Path) -> Result<Db, StoreError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| StoreError::file(parent, &error))?;
    }
    let base = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        // Erasure: freed content is overwritten, not only unlinked.
        .pragma("secure_delete", "ON");
    // A file needs no test whether it is still there before each use.
    let pool = SqlitePoolOptions::new().test_before_acquire(false);
    let writer = pool
        .clone()
        .max_connections(1)
        .connect_with(base.clone().statement_cache_capacity(WRITER_STATEMENTS))
        .await?;
    let readers = pool.max_connections(4).connect_with(base.pragma("query_only", "ON")).await?;
    Ok(Db::Sqlite { writer, readers })
}

async fn open_postgres(url: &str) -> Result<Db, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Config("the PostgreSQL URL is not valid".into()))?
        .application_name("comptroller");
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options)
        .await
        .map_err(|error| StoreError::Config(format!("PostgreSQL did not accept the connection: {error}")))?;
    Ok(Db::Postgres(pool))
}

pub(crate) use {execute, fetch, fetch_all, fetch_optional};
