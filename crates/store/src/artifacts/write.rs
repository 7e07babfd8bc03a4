//! Storing the parts of an upload, safely repeatable.

use super::part::{PartEncryptor, SealedPart};
use super::{ArtifactsError, folder_name, part_name, read};
use crate::keys::DataKey;
use crate::objects::{Objects, ObjectsError, Put};
use bytes::Bytes;
use comptroller_core::Digest;
use comptroller_core::ids::UploadId;
use futures_util::TryStreamExt;
use sha2::{Digest as _, Sha256};

/// Encrypts a part whose plaintext is in memory, off the async threads. [`PartEncryptor`] takes it piece by piece.
pub async fn encrypt_part(
    key: &DataKey,
    upload: UploadId,
    number: u32,
    plaintext: Bytes,
) -> Result<SealedPart, ArtifactsError> {
    let key = key.clone();
    let work = move || {
        let mut encryptor = PartEncryptor::new(&key, upload, number)?;
        encryptor.push(&plaintext)?;
        encryptor.finish()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| ArtifactsError::Stopped { upload })?
}

/// Stores a sealed part. Storing the same plaintext again succeeds; other plaintext under its number is refused.
///
/// A repeated part is encrypted with a fresh nonce, so its bytes differ from the stored ones: then the stored part is
/// opened and the plaintexts are compared. `SameBytes` speaks of the plaintext here.
pub async fn store_part(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    sealed: SealedPart,
) -> Result<Put, ArtifactsError> {
    let SealedPart { part, digest, sealed } = sealed;
    match objects.put_new(&part_name(upload, part.number), sealed).await {
        Ok(put) => return Ok(put),
        Err(ObjectsError::Conflict { .. }) => {}
        Err(source) => return Err(ArtifactsError::Objects { upload, source }),
    }
    let differs = ArtifactsError::PartDiffers { upload, number: part.number };
    let frames = match read::read_part(objects, key, upload, part).await {
        Ok(frames) => frames,
        // Another size than this part's is another content, not damage.
        Err(ArtifactsError::PartSize { .. }) => return Err(differs),
        Err(error) => return Err(error),
    };
    let mut hasher = Sha256::new();
    for frame in frames {
        hasher.update(&frame);
    }
    if Digest::from_bytes(hasher.finalize().into()) != digest {
        return Err(differs);
    }
    Ok(Put::SameBytes)
}

/// Deletes whatever an abandoned upload stored; returns the number of objects. Safe to repeat.
///
/// The caller makes sure that the upload never became an artifact and takes no more parts.
pub async fn abandon(objects: &Objects, upload: UploadId) -> Result<u64, ArtifactsError> {
    let failed = |source| ArtifactsError::Objects { upload, source };
    let mut found = std::pin::pin!(objects.list(&folder_name(upload)).map_err(failed)?);
    let mut deleted = 0;
    while let Some(info) = found.try_next().await.map_err(failed)? {
        deleted += u64::from(objects.delete(&info.name).await.map_err(failed)?);
    }
    Ok(deleted)
}
