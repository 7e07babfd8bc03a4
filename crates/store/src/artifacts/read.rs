//! Reading an artifact back, frame by frame, each checked before it is used.

use super::part::{self, HEADER_BYTES, PartOpener, sealed_bytes};
use super::{ArtifactsError, Part, part_name};
use crate::keys::DataKey;
use crate::objects::{ObjectReader, Objects, ObjectsError};
use bytes::Bytes;
use comptroller_core::Digest;
use comptroller_core::ids::UploadId;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use sha2::{Digest as _, Sha256};
use std::ops::Range;

/// The plaintext of one stored part, in frames of at most 1 MiB.
///
/// After an error the stream ends: the frames before it are genuine, the part is not whole.
pub fn read_part(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    part: Part,
) -> impl Stream<Item = Result<Bytes, ArtifactsError>> + Send + use<> {
    let (objects, key) = (objects.clone(), key.clone());
    let start = async move { start_part(&objects, &key, upload, part).await };
    stream::once(start)
        .map_ok(move |started| {
            stream::try_unfold(started, move |(mut reader, mut opener)| async move {
                let Some(due) = opener.next_bytes() else { return Ok(None) };
                let sealed = reader.next(due).await;
                let sealed = sealed.map_err(|source| ArtifactsError::Objects { upload, source })?;
                let opening = tokio::task::spawn_blocking(move || (opener.open_frame(sealed), opener));
                let (frame, opener) = opening.await.map_err(|_| ArtifactsError::Stopped { upload })?;
                Ok(Some((frame?, (reader, opener))))
            })
        })
        .try_flatten()
}

async fn start_part(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    part: Part,
) -> Result<(ObjectReader, PartOpener), ArtifactsError> {
    let (number, expected) = (part.number, sealed_bytes(part)?);
    let failed = |source| match source {
        ObjectsError::TooLarge { bytes: found, .. } => {
            ArtifactsError::PartSize { upload, number, found, expected }
        }
        source => ArtifactsError::Objects { upload, source },
    };
    let mut reader = objects.read(&part_name(upload, number), expected).await.map_err(failed)?;
    if reader.bytes() != expected {
        return Err(ArtifactsError::PartSize { upload, number, found: reader.bytes(), expected });
    }
    let header = reader.next(HEADER_BYTES).await.map_err(failed)?;
    Ok((reader, PartOpener::new(key, upload, part, &header)?))
}

/// SHA-256 and size of the whole artifact, from what is stored.
///
/// `parts` must be numbered 1, 2, 3 ... in order. Every part is read back and opened, so an upload that finishes with
/// this digest is known to be readable.
pub async fn hash_all(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    parts: &[Part],
) -> Result<(Digest, u64), ArtifactsError> {
    total_bytes(upload, parts)?;
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut frames = std::pin::pin!(read_parts(objects, key, upload, parts.to_vec()));
    while let Some(frame) = frames.try_next().await? {
        bytes += frame.len() as u64;
        let hashing = tokio::task::spawn_blocking(move || {
            hasher.update(&frame);
            hasher
        });
        hasher = hashing.await.map_err(|_| ArtifactsError::Stopped { upload })?;
    }
    Ok((Digest::from_bytes(hasher.finalize().into()), bytes))
}

/// The bytes `range` of an artifact for a download, in pieces of at most 1 MiB.
///
/// Only parts that the range touches are read, each from its start. After an error the stream ends: what was handed out
/// before is genuine but incomplete.
pub fn stream(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    parts: &[Part],
    range: Range<u64>,
) -> Result<impl Stream<Item = Result<Bytes, ArtifactsError>> + Send + use<>, ArtifactsError> {
    let bytes = total_bytes(upload, parts)?;
    if range.start > range.end || range.end > bytes {
        return Err(ArtifactsError::Range { from: range.start, to: range.end, bytes });
    }
    let mut touched = Vec::new();
    let (mut start, mut skip) = (0, 0);
    for part in parts {
        let end = start + part.bytes;
        if end > range.start && start < range.end {
            if touched.is_empty() {
                skip = range.start - start;
            }
            touched.push(*part);
        }
        start = end;
    }
    let mut left = range.end - range.start;
    let frames = read_parts(objects, key, upload, touched);
    Ok(frames.try_filter_map(move |mut frame| {
        let before = skip.min(frame.len() as u64);
        skip -= before;
        let _ = frame.split_to(before as usize);
        frame.truncate(left.min(frame.len() as u64) as usize);
        left -= frame.len() as u64;
        std::future::ready(Ok((!frame.is_empty()).then_some(frame)))
    }))
}

/// Size of the artifact; refuses a list of parts that is not 1, 2, 3 ... in order.
pub fn total_bytes(upload: UploadId, parts: &[Part]) -> Result<u64, ArtifactsError> {
    let mut total = 0;
    for (expected, part) in (1..).zip(parts) {
        part::check_number(part.number)?;
        sealed_bytes(*part)?;
        if part.number != expected {
            return Err(ArtifactsError::PartOrder { upload, expected, found: part.number });
        }
        // At most 1e8 parts of 2^24 bytes: far below 2^64.
        total += part.bytes;
    }
    Ok(total)
}

/// The frames of the parts in order.
fn read_parts(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    parts: Vec<Part>,
) -> impl Stream<Item = Result<Bytes, ArtifactsError>> + Send + use<> {
    let (objects, key) = (objects.clone(), key.clone());
    stream::iter(parts).flat_map(move |part| read_part(&objects, &key, upload, part).boxed())
}
