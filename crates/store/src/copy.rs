//! Moving a whole store to another database and object store, and proving that nothing changed on the way.
//!
//! Must not copy keys: the target names a keys folder that already holds the same organisation key and log key, so
//! that secrets move only by a deliberate act of the operator. Must not write to the source. Copies one moment of the
//! source: stop writing to it first, for two databases that both sign under one key would fork the log
//! (append-only).

use crate::db::{Conn, Db, execute};
use crate::keys::OrgKey;
use crate::objects::{Objects, Put};
use crate::tables::{self, Row, TABLES, Table};
use crate::{LogSigner, Store, StoreConfig, StoreError, journal, lock_sqlite};
use comptroller_ledger::{Frontier, leaf_hash};
use futures_util::TryStreamExt;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Rows inserted at a time.
const CHUNK: usize = 500;

/// What was copied and compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Rows of each table.
    pub tables: Vec<(String, u64)>,
    /// Objects that are new at the target.
    pub objects: u64,
    /// Objects that an earlier attempt had copied.
    pub objects_present: u64,
    /// Entries of the log.
    pub size: i64,
    /// Root of the log (hex), recomputed from the entries of the target.
    pub root: String,
}

impl Store {
    /// Copies everything to an empty database and an object store, then compares every table and the log's root.
    ///
    /// The target's keys folder must hold the same keys, and its guard folder should be the same. The rows are copied
    /// in one transaction: after an error the target is empty and the copy can be repeated.
    pub async fn copy_to(&self, target: &StoreConfig) -> Result<Copied, StoreError> {
        self.check_keys(target)?;
        let _lock = lock_sqlite(&target.db)?;
        let db = Db::open(&target.db).await?;
        let copied = self.copy_into(&db, target).await;
        db.close().await;
        copied
    }

    async fn copy_into(&self, db: &Db, target: &StoreConfig) -> Result<Copied, StoreError> {
        let mut to = db.write().await?;
        for table in TABLES {
            if tables::count(&mut to, table).await? > 0 {
                return Err(StoreError::Config(format!(
                    "the target database is not empty: table {} has rows; give a new database",
                    table.name
                )));
            }
        }
        // Objects first: rows never point to what is not there yet, and a repeated copy finds them present.
        let (objects, objects_present) = self.copy_objects(target).await?;
        let mut from = self.db().snapshot().await?;
        to.begin_write().await?;
        let outcome = copy_and_compare(&mut from, &mut to).await;
        let ended = match &outcome {
            Ok(_) => execute!(&mut to, "COMMIT"),
            Err(_) => execute!(&mut to, "ROLLBACK"),
        };
        let (tables, size, root) = outcome?;
        ended?;
        Ok(Copied { tables, objects, objects_present, size, root })
    }

    fn check_keys(&self, target: &StoreConfig) -> Result<(), StoreError> {
        let folder = target.keys.display();
        let org = OrgKey::read_file(&target.keys.join("org.key"))?;
        if org.fingerprint() != self.key().fingerprint() {
            return Err(StoreError::Key(format!(
                "{folder} holds another organisation key; put a copy of this store's org.key there"
            )));
        }
        if !target.keys.join("log.key").exists() {
            return Err(StoreError::Key(format!(
                "{folder} holds no log.key; put a copy of this store's log keys there"
            )));
        }
        if LogSigner::open(&target.keys, self.origin())?.vkeys() != self.signer().vkeys() {
            return Err(StoreError::Key(format!(
                "{folder} holds another log key; put a copy of this store's log keys there"
            )));
        }
        Ok(())
    }

    async fn copy_objects(&self, target: &StoreConfig) -> Result<(u64, u64), StoreError> {
        let to = Objects::open(&target.objects)?;
        if to.place() == self.objects().place() {
            return Ok((0, 0));
        }
        to.probe().await?;
        let (mut new, mut present) = (0, 0);
        let mut objects = std::pin::pin!(self.objects().list("")?);
        while let Some(object) = objects.try_next().await? {
            // The probe's object has other bytes in each store.
            if object.name.starts_with("probe/") {
                continue;
            }
            let bytes = self.objects().get(&object.name).await?;
            match to.put_new(&object.name, bytes).await? {
                Put::Created => new += 1,
                Put::SameBytes => present += 1,
            }
        }
        Ok((new, present))
    }
}

type Compared = (Vec<(String, u64)>, i64, String);

async fn copy_and_compare(from: &mut Conn, to: &mut Conn) -> Result<Compared, StoreError> {
    let mut copied = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        copy_table(from, to, table).await?;
        let (ours, theirs) = (dump_digest(from, table).await?, dump_digest(to, table).await?);
        if ours != theirs {
            return Err(StoreError::Damaged(format!(
                "table {} differs after the copy: {} rows became {}; nothing was kept",
                table.name, ours.0, theirs.0
            )));
        }
        copied.push((table.name.to_owned(), ours.0));
    }
    let head = journal::head(to).await?.ok_or_else(|| StoreError::Damaged("log_head has no row".into()))?;
    let tree = tree_of(to).await?;
    if tree.size() != head.size.unsigned_abs() || tree.root().to_string() != head.root {
        return Err(StoreError::Damaged(format!(
            "the copied entries do not have the root of the log of {} entries; run the doctor on the source",
            head.size
        )));
    }
    Ok((copied, head.size, head.root))
}

async fn copy_table(from: &mut Conn, to: &mut Conn, table: &'static Table) -> Result<(), StoreError> {
    let mut chunk: Vec<Row> = Vec::with_capacity(CHUNK);
    let mut rows = tables::rows(from, table);
    while let Some(row) = rows.try_next().await? {
        chunk.push(row);
        if chunk.len() == CHUNK {
            tables::insert(to, table, &chunk).await?;
            chunk.clear();
        }
    }
    tables::insert(to, table, &chunk).await
}

/// Number of rows and SHA-256 over them in primary key order.
async fn dump_digest(conn: &mut Conn, table: &'static Table) -> Result<(u64, String), StoreError> {
    let mut hasher = Sha256::new();
    let mut count = 0;
    let mut rows = tables::rows(conn, table);
    while let Some(row) = rows.try_next().await? {
        for value in &row {
            // Quoted and escaped, so that no two rows have the same text.
            hasher.update(format!("{value:?}\n").as_bytes());
        }
        count += 1;
    }
    Ok((count, hex::encode(hasher.finalize())))
}

async fn tree_of(conn: &mut Conn) -> Result<Frontier, StoreError> {
    let journal = tables::table("journal")?;
    let mut tree = Frontier::new();
    let mut rows = tables::rows(conn, journal);
    while let Some(row) = rows.try_next().await? {
        tree.append(leaf_hash(journal.cell(&row, "entry").text().as_bytes()));
    }
    Ok(tree)
}
