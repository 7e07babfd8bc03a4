//! Reading an artifact back: one part at a time, each checked whole before any of it is used.

use super::part::{self, sealed_bytes};
use super::{ArtifactsError, Part, part_name};
use crate::keys::DataKey;
use crate::objects::{Objects, ObjectsError};
use bytes::Bytes;
use comptroller_core::Digest;
use comptroller_core::ids::UploadId;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use sha2::{Digest as _, Sha256};
use std::ops::Range;

/// Parts in memory at once: the one in use and the next one, which is fetched and opened meanwhile.
const IN_FLIGHT: usize = 2;

/// Reads and opens one part: its plaintext in frames of at most 1 MiB.
pub async fn read_part(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    part: Part,
) -> Result<Vec<Bytes>, ArtifactsError> {
    let (number, expected) = (part.number, sealed_bytes(part)?);
    let stored = match objects.get_at_most(&part_name(upload, number), expected).await {
        Ok(stored) => stored,
        Err(ObjectsError::TooLarge { bytes, .. }) => {
            return Err(ArtifactsError::PartSize { upload, number, found: bytes, expected });
        }
        Err(source) => return Err(ArtifactsError::Objects { upload, source }),
    };
    let key = key.clone();
    let opening = tokio::task::spawn_blocking(move || part::open(&key, upload, part, stored));
    opening.await.map_err(|_| ArtifactsError::Stopped { upload })?
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
    let mut opened = std::pin::pin!(opened_parts(objects, key, upload, parts.to_vec()));
    while let Some(frames) = opened.try_next().await? {
        bytes += frames.iter().map(|frame| frame.len() as u64).sum::<u64>();
        let hashing = tokio::task::spawn_blocking(move || {
            for frame in frames {
                hasher.update(&frame);
            }
            hasher
        });
        hasher = hashing.await.map_err(|_| ArtifactsError::Stopped { upload })?;
    }
    Ok((Digest::from_bytes(hasher.finalize().into()), bytes))
}

/// The bytes `range` of an artifact for a download, in pieces of at most 1 MiB.
///
/// Only parts that the range touches are read, but these whole, because a part is checked before it is used. After an
/// error the stream ends: what was handed out before is genuine but incomplete.
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
    let frames = opened_parts(objects, key, upload, touched)
        .map_ok(|frames| stream::iter(frames.into_iter().map(Ok)))
        .try_flatten();
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

/// The parts in order, the next one being read in a task of its own while one is in use.
///
/// A stream that is dropped leaves that task to finish its part and end.
fn opened_parts(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    parts: Vec<Part>,
) -> impl Stream<Item = Result<Vec<Bytes>, ArtifactsError>> + Send + use<> {
    let (objects, key) = (objects.clone(), key.clone());
    stream::iter(parts)
        .map(move |part| {
            let (objects, key) = (objects.clone(), key.clone());
            tokio::spawn(async move { read_part(&objects, &key, upload, part).await })
        })
        .buffered(IN_FLIGHT)
        .map(move |read| read.map_err(|_| ArtifactsError::Stopped { upload })?)
}
