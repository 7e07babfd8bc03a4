//! Storing the parts of an upload, safely repeatable.

use super::part::{HEADER_BYTES, PartEncryptor, PartOpener, SealedPart};
use super::{ArtifactsError, Part, folder_name, part_name, read};
use crate::keys::DataKey;
use crate::objects::{Objects, ObjectsError, Put};
use bytes::{Bytes, BytesMut};
use comptroller_core::ids::UploadId;
use futures_util::TryStreamExt;

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
    let SealedPart { part, sealed } = sealed;
    match objects.put_new(&part_name(upload, part.number), sealed.clone()).await {
        Ok(put) => return Ok(put),
        Err(ObjectsError::Conflict { .. }) => {}
        Err(source) => return Err(ArtifactsError::Objects { upload, source }),
    }
    if !same_plaintext(objects, key, upload, part, sealed).await? {
        return Err(ArtifactsError::PartDiffers { upload, number: part.number });
    }
    Ok(Put::SameBytes)
}

/// Whether the stored part and this one hold the same plaintext.
async fn same_plaintext(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    part: Part,
    mut sealed: Bytes,
) -> Result<bool, ArtifactsError> {
    let header = sealed.split_to(HEADER_BYTES.min(sealed.len()));
    let mut ours = PartOpener::new(key, upload, part, &header)?;
    let mut theirs = std::pin::pin!(read::read_part(objects, key, upload, part));
    while let Some(due) = ours.next_bytes() {
        let frame = BytesMut::from(&sealed.split_to(due.min(sealed.len()))[..]);
        let ours = ours.open_frame(frame)?;
        match theirs.try_next().await {
            Ok(Some(theirs)) if theirs == ours => {}
            // Another size than this part's is another content, not damage.
            Ok(_) | Err(ArtifactsError::PartSize { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
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
