//! A test bed: a store with a database of its own in a temporary folder, or a fresh PostgreSQL database.

use anyhow::Context;
use comptroller_core::ids::{PrincipalId, TeamId};
use comptroller_core::{Clock, Event, Slug, Timestamp};
use comptroller_store::objects::ObjectsConfig;
use comptroller_store::{Conn, DbConfig, Draft, Link, Store, StoreConfig, StoreError, Tx, keys};
use sqlx::{Connection, Executor};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Names of the databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Runs each `async fn(Bed) -> anyhow::Result<()>` as one test per database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() -> anyhow::Result<()> {
                $crate::support::run($crate::support::Kind::Sqlite, super::$name).await
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() -> anyhow::Result<()> {
                $crate::support::run($crate::support::Kind::Postgres, super::$name).await
            })+
        }
    };
}
pub(crate) use on_both;

/// Runs a test on a fresh bed; skipped, loudly, without a PostgreSQL server, which CI must have.
pub(crate) async fn run<F: Future<Output = anyhow::Result<()>>>(
    kind: Kind,
    test: impl FnOnce(Bed) -> F,
) -> anyhow::Result<()> {
    match Bed::new(kind).await? {
        Some(bed) => test(bed).await,
        None => Ok(()),
    }
}

/// The clock of the machine, shifted at will.
#[derive(Debug, Default)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn shift_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let now = comptroller_core::time::SystemClock.now().micros();
        Timestamp::from_micros(now + self.0.load(Ordering::SeqCst))
    }
}

/// Everything that one test needs; removed when dropped.
pub(crate) struct Bed {
    pub(crate) kind: Kind,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) config: StoreConfig,
    pub(crate) clock: Arc<TestClock>,
}

impl Bed {
    pub(crate) async fn new(kind: Kind) -> anyhow::Result<Option<Self>> {
        let dir = tempfile::tempdir()?;
        let db = match kind {
            Kind::Sqlite => DbConfig::Sqlite(dir.path().join("data/comptroller.db")),
            Kind::Postgres => match fresh_postgres().await? {
                Some(url) => DbConfig::Postgres(url),
                None => return Ok(None),
            },
        };
        let config = config(dir.path(), db);
        Ok(Some(Self { kind, dir, config, clock: Arc::default() }))
    }

    pub(crate) async fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.config, self.clock.clone()).await
    }

    /// Keeps the database as it is now. The store must be closed.
    pub(crate) async fn back_up(&self) -> anyhow::Result<DbConfig> {
        match &self.config.db {
            DbConfig::Sqlite(path) => {
                let copy = path.with_extension("backup");
                std::fs::copy(path, &copy)?;
                Ok(DbConfig::Sqlite(copy))
            }
            DbConfig::Postgres(url) => {
                let (server, name) = url.rsplit_once('/').context("no database name")?;
                let mut conn = sqlx::PgConnection::connect(&format!("{server}/postgres")).await?;
                let sql = format!("CREATE DATABASE {name}_b TEMPLATE {name}");
                conn.execute(sqlx::AssertSqlSafe(sql)).await?;
                Ok(DbConfig::Postgres(format!("{url}_b")))
            }
        }
    }

    /// A second bed of the other kind, for copies.
    pub(crate) async fn other(&self) -> anyhow::Result<Option<Self>> {
        Self::new(if self.kind == Kind::Sqlite { Kind::Postgres } else { Kind::Sqlite }).await
    }

    /// Runs SQL behind the store's back. The store must not be writing.
    pub(crate) async fn sql(&self, sql: &str) -> anyhow::Result<u64> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        Ok(match &self.config.db {
            DbConfig::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(true);
                let mut conn = sqlx::SqliteConnection::connect_with(&options).await?;
                let done = conn.execute(sql).await.map(|done| done.rows_affected());
                conn.close().await?;
                done?
            }
            DbConfig::Postgres(url) => {
                let mut conn = sqlx::PgConnection::connect(url).await?;
                let done = conn.execute(sql).await.map(|done| done.rows_affected());
                conn.close().await?;
                done?
            }
        })
    }

    /// The first text that SQL answers.
    pub(crate) async fn text(&self, sql: &str) -> anyhow::Result<String> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        Ok(match &self.config.db {
            DbConfig::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut conn = sqlx::SqliteConnection::connect_with(&options).await?;
                sqlx::query_scalar(sql).fetch_one(&mut conn).await?
            }
            DbConfig::Postgres(url) => {
                let mut conn = sqlx::PgConnection::connect(url).await?;
                sqlx::query_scalar(sql).fetch_one(&mut conn).await?
            }
        })
    }

    /// Makes the database write its pages to disk, so that files can be searched.
    pub(crate) async fn flush(&self) -> anyhow::Result<()> {
        if self.kind == Kind::Postgres {
            self.sql("CHECKPOINT").await?;
        }
        Ok(())
    }

    /// The single number that SQL answers.
    pub(crate) async fn number(&self, sql: &str) -> anyhow::Result<i64> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        Ok(match &self.config.db {
            DbConfig::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut conn = sqlx::SqliteConnection::connect_with(&options).await?;
                sqlx::query_scalar(sql).fetch_one(&mut conn).await?
            }
            DbConfig::Postgres(url) => {
                let mut conn = sqlx::PgConnection::connect(url).await?;
                sqlx::query_scalar(sql).fetch_one(&mut conn).await?
            }
        })
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let DbConfig::Postgres(url) = self.config.db.clone() else { return };
        // Dropping is not async: a thread of its own asks the server, and a failure only leaves a database behind.
        let dropping = std::thread::spawn(move || -> anyhow::Result<()> {
            let (server, name) = url.rsplit_once('/').context("no database name")?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut conn = sqlx::PgConnection::connect(&format!("{server}/postgres")).await?;
                for name in [name.to_owned(), format!("{name}_b")] {
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    conn.execute(sqlx::AssertSqlSafe(sql)).await?;
                }
                Ok(())
            })
        });
        let _ = dropping.join();
    }
}

/// A configuration with everything below `dir` but the database.
pub(crate) fn config(dir: &Path, db: DbConfig) -> StoreConfig {
    StoreConfig {
        db,
        objects: ObjectsConfig::Local { path: dir.join("objects") },
        keys: dir.join("keys"),
        guard: dir.join("guard"),
        host: "log.example.org".to_owned(),
        organisation: "example-org".parse().expect("a valid name"),
    }
}

async fn fresh_postgres() -> anyhow::Result<Option<String>> {
    let Ok(url) = std::env::var("COMPTROLLER_TEST_POSTGRES_URL") else {
        anyhow::ensure!(std::env::var_os("CI").is_none(), "CI needs COMPTROLLER_TEST_POSTGRES_URL");
        #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: COMPTROLLER_TEST_POSTGRES_URL is not set");
        }
        return Ok(None);
    };
    let name = format!("ct_{}", hex::encode(keys::random::<8>()?));
    let mut conn = sqlx::PgConnection::connect(&url).await.context("COMPTROLLER_TEST_POSTGRES_URL")?;
    conn.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    conn.close().await?;
    let (server, _) = url.rsplit_once('/').context("COMPTROLLER_TEST_POSTGRES_URL has no database name")?;
    Ok(Some(format!("{server}/{name}")))
}

/// A new service account with a fresh id: one event and one row.
pub(crate) fn account(now: Timestamp, slug: &str) -> anyhow::Result<(PrincipalId, Draft)> {
    let principal = PrincipalId::new(now, keys::random()?);
    let slug: Slug = slug.parse()?;
    let event = Event::ServiceAccountAdded { principal, slug };
    Ok((principal, Draft::new("system", event).about("principal", &principal)))
}

/// Records a service account and answers its index.
pub(crate) async fn add_account(store: &Store, slug: &str) -> Result<u64, StoreError> {
    let (_, draft) = account(store.clock().now(), slug).expect("a valid name");
    store.write(move |tx: &mut Tx| Box::pin(async move { tx.record(draft).await })).await
}

/// A draft that creates a team.
pub(crate) fn team(now: Timestamp, slug: &str) -> anyhow::Result<Draft> {
    let team = TeamId::new(now, keys::random()?);
    Ok(Draft::new("system", Event::TeamCreated { team, slug: slug.parse()? }).about("team", &team))
}

/// Runs one statement on a connection of the store.
pub(crate) async fn execute(conn: &mut Conn, sql: &'static str) -> Result<(), StoreError> {
    match conn.ready().await? {
        Link::Sqlite(c) => sqlx::query(sql).execute(&mut **c).await?.rows_affected(),
        Link::Postgres(c) => sqlx::query(sql).execute(&mut **c).await?.rows_affected(),
    };
    Ok(())
}
