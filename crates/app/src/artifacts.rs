//! Artifacts: resumable, streamed, content-addressed, encrypted at rest.
//!
//! An upload states digest and size first. Parts may be sent in any order and again; what is stored is read back and
//! hashed before the artifact exists, so a digest in the registry is always that of readable bytes.

use crate::act::{Act, Call};
use crate::view::Receipt;
use crate::{App, AppError, Caller, ORG};
use bytes::Bytes;
use comptroller_core::ids::UploadId;
use comptroller_core::name::MediaType;
use comptroller_core::{Digest, Event};
use comptroller_policy::Action;
use comptroller_store::areas::models::{self, ArtifactRow};
use comptroller_store::areas::uploads::{self, UploadRow};
use comptroller_store::artifacts::{self, Part};
use comptroller_store::{Conn, Micros, StoreError, Text};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use utoipa::ToSchema;

/// Size of every part but the last: 8 MiB.
pub const PART_BYTES: u64 = 8 << 20;
/// Largest artifact: as many parts as one upload may have.
pub const MAX_ARTIFACT_BYTES: u64 = PART_BYTES * artifacts::MAX_PARTS as u64;

/// Begins an upload, or resumes the caller's open one of the same content.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginUpload {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Size in bytes, at least 1.
    pub bytes: u64,
    /// Media type.
    #[schema(value_type = String)]
    pub media_type: MediaType,
}

/// Where an upload stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadView {
    /// Its id.
    pub id: UploadId,
    /// SHA-256 that the content must have.
    pub digest: Digest,
    /// Size that the content must have.
    pub bytes: u64,
    /// Size of every part but the last.
    pub part_bytes: u64,
    /// Number of parts in all; they are numbered from 1.
    pub parts: u32,
    /// Parts that are durably stored.
    pub stored: Vec<u32>,
    /// Whether the artifact exists: nothing more to send.
    pub completed: bool,
}

/// A stored artifact.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArtifactView {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Size in bytes.
    pub bytes: u64,
    /// Media type.
    #[schema(value_type = String)]
    pub media_type: MediaType,
}

/// A download: what it is, and its bytes piece by piece.
pub struct Download<S> {
    /// The artifact.
    pub artifact: ArtifactView,
    /// The bytes asked for.
    pub range: Range<u64>,
    /// Pieces of at most 1 MiB. An error ends the stream.
    pub stream: S,
}

fn parts_of(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(PART_BYTES)).unwrap_or(u32::MAX)
}

fn part_bytes(total: u64, number: u32) -> u64 {
    let before = u64::from(number - 1) * PART_BYTES;
    (total - before).min(PART_BYTES)
}

impl App {
    /// Begins or resumes an upload.
    pub async fn begin_upload(&self, call: &Call, command: BeginUpload) -> Result<UploadView, AppError> {
        if command.bytes == 0 || command.bytes > MAX_ARTIFACT_BYTES {
            let message = format!("{} is not between 1 and {MAX_ARTIFACT_BYTES}", command.bytes);
            return Err(AppError::invalid("bytes", message));
        }
        self.act(call, "artifact.begin", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::ArtifactUpload, ORG, None).await?;
                let principal = act.caller.principal;
                if let Some(row) = models::artifact(act.conn(), &command.digest).await? {
                    return Ok(stored_view(&row));
                }
                if let Some(row) = uploads::open_upload(act.conn(), principal, &command.digest).await?
                    && row.bytes.unsigned_abs() == command.bytes
                {
                    let stored = uploads::parts(act.conn(), row.id.0).await?;
                    return Ok(view(&row, &stored));
                }
                let row = UploadRow {
                    id: Text(act.new_id(UploadId::new)?),
                    principal: Text(principal),
                    digest: Text(command.digest),
                    bytes: i64::try_from(command.bytes).unwrap_or(i64::MAX),
                    media_type: Text(command.media_type),
                    part_bytes: PART_BYTES as i64,
                    created_at: Micros(act.now()),
                    completed: false,
                };
                uploads::begin(act.conn(), &row).await?;
                act.tx.data_key(&key_name(row.id.0)).await?;
                Ok(view(&row, &[]))
            })
        })
        .await
    }

    /// Where an upload of the caller stands.
    pub async fn upload(&self, caller: &Caller, id: UploadId) -> Result<UploadView, AppError> {
        let (row, stored) = self.own_upload(caller, id).await?;
        Ok(view(&row, &stored))
    }

    async fn own_upload(
        &self,
        caller: &Caller,
        id: UploadId,
    ) -> Result<(UploadRow, Vec<(i64, i64)>), AppError> {
        self.may_read(caller, Action::ArtifactUpload, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = uploads::upload(&mut conn, id).await?;
        let row = row.filter(|row| row.principal.0 == caller.principal);
        let row = row.ok_or_else(|| AppError::not_found("upload", id))?;
        let stored = uploads::parts(&mut conn, id).await?;
        Ok((row, stored))
    }

    /// Stores one part. Sending the same part again is harmless; other bytes under its number are refused.
    pub async fn put_part(
        &self,
        caller: &Caller,
        id: UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<UploadView, AppError> {
        let (row, stored) = self.own_upload(caller, id).await?;
        if row.completed {
            return Ok(view(&row, &stored));
        }
        let total = row.bytes.unsigned_abs();
        if !(1..=parts_of(total)).contains(&number) {
            return Err(AppError::invalid("part", format!("parts are numbered 1 to {}", parts_of(total))));
        }
        let expected = part_bytes(total, number);
        if bytes.len() as u64 != expected {
            let message = format!("part {number} has {expected} bytes, not {}", bytes.len());
            return Err(AppError::invalid("part", message));
        }
        let key = self.artifact_key(id).await?;
        let sealed =
            artifacts::encrypt_part(&key, id, number, bytes).await.map_err(|error| artifact_error(&error))?;
        artifacts::store_part(self.store.objects(), &key, id, sealed)
            .await
            .map_err(|error| artifact_error(&error))?;
        let size = i64::try_from(expected).unwrap_or(i64::MAX);
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    uploads::put_part(tx.conn(), id, i64::from(number), size).await?;
                    Ok::<(), AppError>(())
                })
            })
            .await?;
        let (row, stored) = self.own_upload(caller, id).await?;
        Ok(view(&row, &stored))
    }

    /// Makes the artifact: reads back what is stored, hashes it, and records it if the digest is the stated one.
    pub async fn complete_upload(&self, call: &Call, id: UploadId) -> Result<Receipt, AppError> {
        let (row, stored) = self.own_upload(&call.caller, id).await?;
        let total = row.bytes.unsigned_abs();
        let missing = parts_of(total) as usize - stored.len();
        if missing > 0 {
            return Err(AppError::Conflict(format!(
                "{missing} parts are missing; send them and complete again"
            )));
        }
        let parts: Vec<Part> =
            (1..=parts_of(total)).map(|number| Part { number, bytes: part_bytes(total, number) }).collect();
        if !row.completed {
            let key = self.artifact_key(id).await?;
            let (digest, bytes) = artifacts::hash_all(self.store.objects(), &key, id, &parts)
                .await
                .map_err(|error| artifact_error(&error))?;
            if digest != row.digest.0 || bytes != total {
                return Err(AppError::Conflict(format!(
                    "the stored bytes have the digest {digest}, not {}; begin a new upload with the right digest",
                    row.digest.0
                )));
            }
        }
        let count = parts.len() as u32;
        self.act(call, "artifact.complete", id, move |mut act, id| {
            Box::pin(async move {
                act.may(Action::ArtifactUpload, ORG, None).await?;
                if models::artifact(act.conn(), &row.digest.0).await?.is_some() {
                    return Err(AppError::Conflict(
                        "the artifact exists already; use it by its digest".into(),
                    ));
                }
                uploads::complete(act.conn(), id).await?;
                let event = Event::ArtifactStored {
                    upload: id,
                    digest: row.digest.0.clone(),
                    bytes: total,
                    media_type: row.media_type.0,
                    parts: count,
                };
                let draft = act.draft(event).about("artifact", &row.digest.0);
                let index = act.record(draft).await?;
                Ok(Receipt::new(&row.digest.0, index))
            })
        })
        .await
    }

    /// Stores bytes that the server made itself, for an act that records them with [`record_made`]. They are of no use
    /// before, and garbage if the act fails.
    pub(crate) async fn store_made(&self, content: Vec<u8>) -> Result<Made, AppError> {
        let id = UploadId::new(self.store.clock().now(), comptroller_store::keys::random()?);
        let name = key_name(id);
        let key = self
            .store
            .write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.data_key(&name).await }))
            .await?;
        let digest = comptroller_ledger::digest(&content).to_string().parse()?;
        let bytes = content.len() as u64;
        let mut rest = Bytes::from(content);
        let mut parts = 0;
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PART_BYTES as usize));
            parts += 1;
            let sealed = artifacts::encrypt_part(&key, id, parts, piece)
                .await
                .map_err(|error| artifact_error(&error))?;
            artifacts::store_part(self.store.objects(), &key, id, sealed)
                .await
                .map_err(|error| artifact_error(&error))?;
        }
        Ok(Made { upload: id, digest, bytes, parts })
    }

    /// Facts of a stored artifact.
    pub async fn artifact(&self, caller: &Caller, digest: &Digest) -> Result<ArtifactView, AppError> {
        self.may_read(caller, Action::ArtifactRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        Ok(artifact_view(&stored(&mut conn, digest).await?))
    }

    /// Streams an artifact, or the part of it from `start` on; opened and checked piece by piece.
    pub async fn download(
        &self,
        caller: &Caller,
        digest: &Digest,
        start: u64,
    ) -> Result<Download<impl Stream<Item = Result<Bytes, AppError>> + Send + use<>>, AppError> {
        self.may_read(caller, Action::ArtifactRead, ORG, None, None).await?;
        self.open_artifact(digest, start).await
    }

    /// The bytes of an artifact from `start` on, for whoever was authorised.
    pub(crate) async fn open_artifact(
        &self,
        digest: &Digest,
        start: u64,
    ) -> Result<Download<impl Stream<Item = Result<Bytes, AppError>> + Send + use<>>, AppError> {
        let mut conn = self.store.read().await?;
        let row = stored(&mut conn, digest).await?;
        drop(conn);
        let total = row.bytes.unsigned_abs();
        if start > total {
            return Err(AppError::invalid("Range", format!("the artifact has {total} bytes")));
        }
        let (id, parts) = stored_parts(&row);
        let key = self.artifact_key(id).await?;
        let stream = artifacts::stream(self.store.objects(), &key, id, &parts, start..total)
            .map_err(|error| artifact_error(&error))?;
        Ok(Download {
            artifact: artifact_view(&row),
            range: start..total,
            stream: stream.map(|piece| piece.map_err(|error| artifact_error(&error))),
        })
    }

    /// Reads an artifact back and compares its digest: part of a rollback drill and of `doctor --deep`.
    pub(crate) async fn verify_artifact(&self, digest: &Digest) -> Result<bool, AppError> {
        let mut conn = self.store.read().await?;
        let row = models::artifact(&mut conn, digest).await?;
        drop(conn);
        let Some(row) = row else { return Ok(false) };
        let (id, parts) = stored_parts(&row);
        let key = self.artifact_key(id).await?;
        let (found, bytes) = artifacts::hash_all(self.store.objects(), &key, id, &parts)
            .await
            .map_err(|error| artifact_error(&error))?;
        Ok(found == *digest && bytes == row.bytes.unsigned_abs())
    }

    async fn artifact_key(&self, id: UploadId) -> Result<comptroller_store::keys::DataKey, AppError> {
        let key = self.store.data_key(&key_name(id)).await?;
        key.ok_or_else(|| AppError::Internal(format!("the key of upload {id} is missing")))
    }
}

/// Bytes that the server made and stored.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    upload: UploadId,
    pub(crate) digest: Digest,
    bytes: u64,
    parts: u32,
}

/// Puts on record what the server made, unless the same bytes are an artifact already.
pub(crate) async fn record_made(act: &mut Act<'_>, made: Made, media_type: &str) -> Result<(), AppError> {
    if models::artifact(act.conn(), &made.digest).await?.is_some() {
        return Ok(());
    }
    let Made { upload, digest, bytes, parts } = made;
    let media_type = media_type.parse()?;
    let event = Event::ArtifactStored { upload, digest: digest.clone(), bytes, media_type, parts };
    let draft = act.draft(event).about("artifact", &digest);
    act.record(draft).await?;
    Ok(())
}

/// A stored artifact; whoever asks for one that was purged is told so.
async fn stored(conn: &mut Conn, digest: &Digest) -> Result<ArtifactRow, AppError> {
    if let Some(row) = models::artifact(conn, digest).await? {
        return Ok(row);
    }
    let purged = models::is_purged(conn, digest).await?;
    Err(AppError::not_found(if purged { "the content of the purged artifact" } else { "artifact" }, digest))
}

fn key_name(id: UploadId) -> String {
    format!("artifact/{id}")
}

fn stored_parts(row: &ArtifactRow) -> (UploadId, Vec<Part>) {
    let total = row.bytes.unsigned_abs();
    let parts =
        (1..=parts_of(total)).map(|number| Part { number, bytes: part_bytes(total, number) }).collect();
    (row.upload.0, parts)
}

fn artifact_view(row: &ArtifactRow) -> ArtifactView {
    ArtifactView {
        digest: row.digest.0.clone(),
        bytes: row.bytes.unsigned_abs(),
        media_type: row.media_type.0.clone(),
    }
}

fn view(row: &UploadRow, stored: &[(i64, i64)]) -> UploadView {
    let bytes = row.bytes.unsigned_abs();
    UploadView {
        id: row.id.0,
        digest: row.digest.0.clone(),
        bytes,
        part_bytes: PART_BYTES,
        parts: parts_of(bytes),
        stored: stored.iter().filter_map(|(number, _)| u32::try_from(*number).ok()).collect(),
        completed: row.completed,
    }
}

fn stored_view(row: &ArtifactRow) -> UploadView {
    let bytes = row.bytes.unsigned_abs();
    UploadView {
        id: row.upload.0,
        digest: row.digest.0.clone(),
        bytes,
        part_bytes: PART_BYTES,
        parts: parts_of(bytes),
        stored: (1..=parts_of(bytes)).collect(),
        completed: true,
    }
}

/// A refused part is the caller's business, everything else is ours.
fn artifact_error(error: &artifacts::ArtifactsError) -> AppError {
    match error {
        artifacts::ArtifactsError::PartDiffers { .. } => AppError::Conflict(format!(
            "{error}; the parts of an upload never change, begin a new upload with the right digest"
        )),
        _ => AppError::Internal(format!(
            "{error}: {:?}",
            std::error::Error::source(error).map(ToString::to_string)
        )),
    }
}
