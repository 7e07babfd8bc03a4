//! Prediction records and labels: taken durably, sealed into blocks, found again, and proved.
//!
//! A batch is acknowledged when it stands in the write-ahead log of this server. A follower seals what waits: one
//! encrypted Parquet file for each day of records of one version in one environment, whose Merkle root goes into the
//! ledger together with the ids of the batches, in one transaction.
//!
//! INVARIANT (once-only): a batch id counts once for each version, environment and kind of records. What comes again is
//! answered as before; what was replayed after a crash, or arrived at two servers, is sealed once.

mod blocks;
mod catalogue;
mod compact;
mod compaction;
mod find;
mod ingest;
mod packed;
mod pending;
pub mod proof;
mod seal;
mod summaries;

pub use compaction::LeftAlone;
pub use comptroller_lake::records::file::{Batch, FileOptions, batches};
pub use comptroller_lake::records::{Cell, Field, Format, Kind};
pub use find::{BlockView, PredictionView, Served};
pub use ingest::{SendRecords, TakenRecords};
pub use pending::Waits;
pub use proof::PredictionProof;

use crate::{App, AppError};
use catalogue::Catalogue;
use comptroller_lake::records::RecordError;
use comptroller_lake::wal::{Wal, WalError};
use comptroller_store::keys::DataKey;
use pending::Pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The data key of the write-ahead log.
const WAL_KEY: &str = "predictions/wal";

/// How records are taken.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// Folder of the write-ahead log; of this server alone.
    pub wal: PathBuf,
    /// How long records wait before they are sealed, unless a block is full earlier.
    pub seal_after: Duration,
    /// Bytes of records that wait in memory, at most; beyond, senders are told to come again.
    pub memory: usize,
    /// Bytes of filters of ids that are held in memory, at most: two for each record that is found quickly.
    pub filters: usize,
}

/// What takes records on this server.
#[derive(Debug)]
pub(crate) struct Ingest {
    wal: Wal,
    key: DataKey,
    /// Shared with the thread that writes, which must not hold the log itself: whoever drops the log waits for that thread.
    pending: Arc<Pending>,
    settings: IngestSettings,
    catalogue: Catalogue,
    /// One sealing at a time, so that what waits is taken once.
    sealing: tokio::sync::Mutex<()>,
}

impl App {
    /// Takes records from now on; what a crash left in the write-ahead log waits again.
    pub async fn with_ingest(mut self, settings: IngestSettings) -> Result<Self, AppError> {
        if self.store.is_read_only() {
            return Ok(self);
        }
        let key = self
            .store
            .write::<DataKey, AppError, _>(|tx| Box::pin(async move { Ok(tx.data_key(WAL_KEY).await?) }))
            .await?;
        let opened = tokio::task::spawn_blocking(move || Ingest::open(key, settings));
        let ingest = opened.await.map_err(|error| AppError::Internal(error.to_string()))??;
        for cut in ingest.wal.cuts() {
            tracing::warn!(
                file = %cut.path.display(),
                bytes = cut.bytes,
                "the end of the write-ahead log was cut off by a crash; it was never acknowledged"
            );
        }
        self.ingest = Some(Arc::new(ingest));
        Ok(self)
    }

    /// What this server has taken and not sealed yet; none if it takes no records.
    pub fn waiting_records(&self) -> Option<Waits> {
        self.ingest.as_ref().map(|ingest| ingest.pending.size())
    }

    pub(crate) fn ingest(&self) -> Result<&Arc<Ingest>, AppError> {
        self.ingest
            .as_ref()
            .ok_or_else(|| AppError::ReadOnly("this server takes no prediction records now".into()))
    }
}

impl Ingest {
    fn open(key: DataKey, settings: IngestSettings) -> Result<Self, AppError> {
        let pending = Arc::new(Pending::default());
        let mut superseded = Vec::new();
        let wal = Wal::open(&settings.wal, |position, sealed| {
            let batch = ingest::open_frame(&key, position, &sealed)?;
            superseded.extend(pending.replayed(position, batch));
            Ok(())
        })?;
        for position in superseded {
            wal.release(position)?;
        }
        Ok(Self {
            wal,
            key,
            pending,
            catalogue: Catalogue::new(settings.filters),
            settings,
            sealing: tokio::sync::Mutex::new(()),
        })
    }
}

impl From<WalError> for AppError {
    fn from(error: WalError) -> Self {
        match error {
            WalError::Full => Self::Busy { seconds: 1 },
            WalError::DiskFull { .. } => Self::StorageFull(format!("nothing was taken: {error}")),
            WalError::File { .. } | WalError::Ended => Self::ReadOnly(format!("nothing was taken: {error}")),
            WalError::InUse { path } => Self::Conflict(format!(
                "the write-ahead log {} is in use by another process; give each server a folder of its own (lake.wal_dir)",
                path.display()
            )),
            WalError::Damaged { .. } => Self::Internal(format!(
                "{error}; move the file away to go on without what stands in it, or restore it"
            )),
            WalError::Frame(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<RecordError> for AppError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Stored(_) => Self::Internal(error.to_string()),
            error => Self::invalid("records", format!("{error}; {}", error.remedy())),
        }
    }
}
