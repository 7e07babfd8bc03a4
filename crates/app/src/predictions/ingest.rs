//! Taking a batch: who may, what it holds, whether it came before; then it is durable, then it is acknowledged.

use super::pending::{Batch, Before, Pending, Stream};
use super::{Format, Ingest};
use crate::models::find_version;
use crate::{App, AppError, Caller};
use bytes::Bytes;
use comptroller_core::ids::{SystemId, UploadId, VersionId};
use comptroller_core::vocab::RecordKind;
use comptroller_core::{Environment, Timestamp};
use comptroller_lake::records::Records;
use comptroller_lake::wal::{MAX_FRAME, Position};
use comptroller_policy::Action;
use comptroller_store::areas::{deployments, predictions};
use comptroller_store::artifacts::{self, Part};
use comptroller_store::keys::DataKey;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Longest id of a batch, in bytes.
const MAX_BATCH_ID: usize = 128;

/// Whose records a batch holds.
#[derive(Clone, Debug)]
pub struct SendRecords {
    /// What they are.
    pub records: RecordKind,
    /// The version: its id, or `model@label`.
    pub version: String,
    /// Where it runs.
    pub environment: Environment,
    /// The sender's id of the batch: the same id and content are taken once.
    pub batch: String,
    /// In what form they come.
    pub format: Format,
}

/// The answer to a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakenRecords {
    /// The version.
    pub version: VersionId,
    /// The batch.
    pub batch: String,
    /// Its records, all of them durable.
    pub records: u64,
    /// Whether the batch had been taken before; then nothing was done.
    pub repeated: bool,
}

/// What stands before the records in a frame of the write-ahead log.
#[derive(Serialize, Deserialize)]
struct FrameHead {
    system: SystemId,
    version: VersionId,
    environment: Environment,
    records: RecordKind,
    batch: String,
    digest: String,
}

impl App {
    /// Takes a batch of records; answers when it is durable.
    ///
    /// # Errors
    /// `Busy` when too much waits already, `StorageFull` when the disk is full: the same batch may be sent again later.
    pub async fn record_predictions(
        &self,
        caller: &Caller,
        command: SendRecords,
        body: Bytes,
    ) -> Result<TakenRecords, AppError> {
        let id_is_valid = (1..=MAX_BATCH_ID).contains(&command.batch.len())
            && command.batch.bytes().all(|byte| byte.is_ascii_graphic());
        if !id_is_valid {
            let message = format!("use 1 to {MAX_BATCH_ID} printable ASCII characters without spaces");
            return Err(AppError::invalid("batch", message));
        }
        let stream = self.authorised_stream(caller, &command).await?;
        let ingest = Arc::clone(self.ingest()?);
        let digest = comptroller_ledger::digest(&body).to_string();
        let (version, records) = (stream.version, stream.records);
        let taken = |rows: u64, repeated| TakenRecords {
            version,
            batch: command.batch.clone(),
            records: rows,
            repeated,
        };
        if let Some(rows) = known(ingest.pending.before(stream, &command.batch, &digest))? {
            return Ok(taken(rows as u64, true));
        }
        if let Some(rows) = self.sealed_before(stream, &command.batch, &digest).await? {
            return Ok(taken(rows, true));
        }
        let now = self.store.clock().now();
        let (format, id) = (command.format, command.batch.clone());
        let read = tokio::task::spawn_blocking(move || -> Result<(Batch, Vec<u8>), AppError> {
            let records = Records::read(records, format, &body, now.micros())?;
            let batch = Batch { stream, id, digest, records };
            let frame = frame(&batch)?;
            Ok((batch, frame))
        });
        let (batch, frame) = read.await.map_err(|error| AppError::Internal(error.to_string()))??;
        check_times(&batch.records, now)?;
        let rows = batch.records.len();
        if let Some(rows) = known(ingest.pending.reserve(&batch, ingest.settings.memory))? {
            return Ok(taken(rows as u64, true));
        }
        let reserved = Reserved { pending: &ingest.pending, stream, id: &batch.id };
        // Another of this id may have come and been sealed while this one was read; from now on none can.
        if let Some(rows) = self.sealed_before(stream, &batch.id, &batch.digest).await? {
            return Ok(taken(rows, true));
        }
        reserved.keep();
        write(&ingest, batch, frame).await?;
        Ok(taken(rows as u64, false))
    }

    /// Records of the batch, if it was sealed before.
    ///
    /// INVARIANT (once-only): with other bytes it is refused.
    async fn sealed_before(
        &self,
        stream: Stream,
        batch: &str,
        digest: &str,
    ) -> Result<Option<u64>, AppError> {
        let Stream { version, environment, records, .. } = stream;
        let mut conn = self.store.read().await?;
        match predictions::batch(&mut conn, version, environment, records, batch).await? {
            None => Ok(None),
            Some((before, rows)) if before == digest => Ok(Some(rows.unsigned_abs())),
            Some(_) => known(Before::Other).map(|_| None),
        }
    }

    /// The stream of a batch, if the caller may record in it and the version was ever deployed there.
    async fn authorised_stream(&self, caller: &Caller, command: &SendRecords) -> Result<Stream, AppError> {
        let mut conn = self.store.read().await?;
        let (model, version) = find_version(&mut conn, &command.version).await?;
        let (system, environment) = (model.system.0, command.environment);
        let resource = format!("version/{}", version.id.0);
        let served = deployments::served(&mut conn, version.id.0, environment).await?;
        drop(conn);
        self.may_read(caller, Action::PredictionRecord, &resource, Some(system), Some(environment)).await?;
        if !served {
            return Err(AppError::Conflict(format!(
                "{} was never deployed to {environment}: name the version that runs there, or deploy it first",
                command.version
            )));
        }
        Ok(Stream { system, version: version.id.0, environment, records: command.records })
    }
}

/// The id of a batch that is about to be written: free again if that does not happen.
struct Reserved<'a> {
    pending: &'a Pending,
    stream: Stream,
    id: &'a str,
}

impl Reserved<'_> {
    /// The batch goes to the writer, which answers for the id from now on.
    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.pending.failed(self.stream, self.id);
    }
}

/// Rows of a batch that came before; none for a new one.
fn known(before: Before) -> Result<Option<usize>, AppError> {
    match before {
        Before::New => Ok(None),
        Before::Durable(rows) => Ok(Some(rows)),
        // The first of the two is about to be durable; to answer before it is would promise too much.
        Before::UnderWay | Before::Full => Err(AppError::Busy { seconds: 1 }),
        Before::Other => Err(AppError::Conflict(
            "another batch has this id; every batch has an id of its own, and the same batch the same bytes"
                .into(),
        )),
    }
}

/// A record of the future is a clock or a unit that is wrong.
fn check_times(records: &Records, now: Timestamp) -> Result<(), AppError> {
    const AHEAD: i64 = 300;
    let (_, last) = records.time_range();
    if last > now.plus_seconds(AHEAD).micros() {
        let message = format!("a record is dated {}, which is in the future", Timestamp::from_micros(last));
        return Err(AppError::invalid("time", message));
    }
    Ok(())
}

/// Makes the batch durable. Whoever waits may go away; what is known of the batch is kept right all the same.
async fn write(ingest: &Ingest, batch: Batch, frame: Vec<u8>) -> Result<(), AppError> {
    let (told, answer) = tokio::sync::oneshot::channel();
    let key = ingest.key.clone();
    let make = Box::new(move |position| seal_frame(&key, position, &frame));
    let pending = Arc::clone(&ingest.pending);
    let done = Box::new(move |written: Result<Position, _>| {
        let result = match written {
            Ok(position) => {
                pending.durable(position, batch);
                Ok(())
            }
            Err(error) => {
                pending.failed(batch.stream, &batch.id);
                Err(error)
            }
        };
        let _ = told.send(result);
    });
    ingest.wal.append(make, done);
    let written =
        answer.await.map_err(|_| AppError::Internal("the write-ahead log answered nothing".into()))?;
    Ok(written?)
}

/// The plain bytes of a frame: length of the head (4 bytes, little-endian), head, records.
fn frame(batch: &Batch) -> Result<Vec<u8>, AppError> {
    let Batch { stream, id, digest, records } = batch;
    let head = serde_json::to_vec(&FrameHead {
        system: stream.system,
        version: stream.version,
        environment: stream.environment,
        records: stream.records,
        batch: id.clone(),
        digest: digest.clone(),
    })?;
    let records = records.to_ipc()?;
    let mut bytes = Vec::with_capacity(4 + head.len() + records.len());
    bytes.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(&records);
    if bytes.len() > MAX_FRAME {
        let message =
            format!("the batch takes {} bytes, more than {MAX_FRAME}; send smaller batches", bytes.len());
        return Err(AppError::invalid("records", message));
    }
    Ok(bytes)
}

/// A frame is sealed as the part of an upload that its position stands for: it opens there and nowhere else.
fn seal_frame(key: &DataKey, position: Position, frame: &[u8]) -> Result<Vec<u8>, String> {
    let seal = || {
        let mut sealing = artifacts::PartEncryptor::new(key, place(position), position.frame)?;
        sealing.push(frame)?;
        sealing.finish()
    };
    seal().map(|sealed| sealed.sealed.to_vec()).map_err(|error| error.to_string())
}

/// Opens a frame of the write-ahead log.
pub(super) fn open_frame(key: &DataKey, position: Position, sealed: &[u8]) -> Result<Batch, String> {
    let bytes = artifacts::plain_bytes(sealed.len() as u64).ok_or("a frame of a size that none has")?;
    let part = Part { number: position.frame, bytes };
    let plain =
        artifacts::open_part(key, place(position), part, sealed).map_err(|error| error.to_string())?;
    let (length, rest) = plain.split_first_chunk::<4>().ok_or("a frame without a head")?;
    let length = u32::from_le_bytes(*length) as usize;
    let (head, records) = rest.split_at_checked(length).ok_or("a frame without records")?;
    let head: FrameHead = serde_json::from_slice(head).map_err(|error| error.to_string())?;
    let FrameHead { system, version, environment, records: kind, batch, digest } = head;
    let records = Records::from_ipc(kind, records).map_err(|error| error.to_string())?;
    Ok(Batch { stream: Stream { system, version, environment, records: kind }, id: batch, digest, records })
}

fn place(position: Position) -> UploadId {
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&position.segment.to_be_bytes());
    UploadId::new(Timestamp::from_micros(0), bytes)
}
