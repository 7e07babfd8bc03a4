//! Two databases behind one name: an enum of pools, and the macros that run one SQL text on either.
//!
//! Nothing here knows what the tables mean. Reads take a connection of the reader pool; every write goes through
//! [`crate::writer`], which owns the one writing connection.

use crate::StoreError;
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
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **c).await
                .map(|done| done.rows_affected()).map_err($crate::StoreError::from),
            $crate::db::Conn::Postgres(c) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **c).await
                .map(|done| done.rows_affected()).map_err($crate::StoreError::from),
        }
    };
}

/// All rows of one static SQL text as `$row`.
macro_rules! fetch_all {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(&mut **c).await
                .map_err($crate::StoreError::from),
            $crate::db::Conn::Postgres(c) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(&mut **c).await
                .map_err($crate::StoreError::from),
        }
    };
}

/// At most one row of one static SQL text as `$row`.
macro_rules! fetch_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite(c) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(&mut **c).await
                .map_err($crate::StoreError::from),
            $crate::db::Conn::Postgres(c) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(&mut **c).await
                .map_err($crate::StoreError::from),
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

/// One connection of either kind.
#[derive(Debug)]
pub enum Conn {
    /// SQLite.
    Sqlite(PoolConnection<Sqlite>),
    /// PostgreSQL.
    Postgres(PoolConnection<Postgres>),
}

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
        Ok(match self {
            Self::Sqlite { readers, .. } => Conn::Sqlite(readers.acquire().await?),
            Self::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        })
    }

    /// A connection for writing. Only the writer task, the publisher and maintenance ask for it.
    pub(crate) async fn write(&self) -> Result<Conn, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Conn::Sqlite(writer.acquire().await?),
            Self::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        })
    }

    /// A connection that sees one moment of the database. It is closed, not reused, when dropped.
    pub(crate) async fn snapshot(&self) -> Result<Conn, StoreError> {
        let mut conn = self.read().await?;
        match &mut conn {
            Conn::Sqlite(c) => {
                c.close_on_drop();
                execute!(&mut conn, "BEGIN")?;
                // SQLite takes the snapshot at the first read.
                fetch_optional!(&mut conn, (i64,), "SELECT size FROM log_head")?;
            }
            Conn::Postgres(c) => {
                c.close_on_drop();
                execute!(&mut conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
                fetch_optional!(&mut conn, (i64,), "SELECT size FROM log_head")?;
            }
        }
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
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(base.clone()).await?;
    let readers =
        SqlitePoolOptions::new().max_connections(4).connect_with(base.pragma("query_only", "ON")).await?;
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

pub(crate) use {execute, fetch_all, fetch_optional};
