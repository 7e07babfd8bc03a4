//! Artifact bytes: encrypted in parts, each part an immutable object, read back in bounded memory.
//!
//! An artifact is one upload: parts 1, 2, 3 ... under `artifacts/<upload-id>/<part, 8 digits>`, all sealed with the
//! upload's own data key. Its identity is the SHA-256 digest of the plaintext, computed by [`hash_all`] from what is
//! stored, never from what was sent. Which parts belong to an artifact, and its digest, stand in the database and the
//! ledger; this module trusts neither the store nor the names in it.
//!
//! Memory: one part (16 MiB) per part being written, two frames (2 MiB) per artifact being read.

mod part;
mod range;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use part::{MAX_PART_BYTES, MAX_PARTS, PartEncryptor, SealedPart, open_part, plain_bytes};
pub use range::read_range;
pub use read::{hash_all, read_part, stream, total_bytes};
pub use write::{abandon, encrypt_part, store_part};

use crate::keys::KeysError;
use crate::objects::ObjectsError;
use comptroller_core::ids::UploadId;

/// One stored part of an upload, as recorded when it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Position, from 1.
    pub number: u32,
    /// Bytes of its plaintext.
    pub bytes: u64,
}

/// Name of the object that holds one part.
pub fn part_name(upload: UploadId, number: u32) -> String {
    format!("{}/{number:08}", folder_name(upload))
}

fn folder_name(upload: UploadId) -> String {
    format!("artifacts/{upload}")
}

/// A failed operation on artifact bytes.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactsError {
    /// The object store failed.
    #[error("artifact bytes of upload {upload} could not be stored or read")]
    Objects {
        /// The upload.
        upload: UploadId,
        /// Why.
        source: ObjectsError,
    },
    /// No randomness for a nonce.
    #[error("an artifact part could not be encrypted")]
    Keys(#[from] KeysError),
    /// A part number outside the permitted range.
    #[error("part number {number} is not in 1 to {MAX_PARTS}")]
    PartNumber {
        /// The number.
        number: u32,
    },
    /// More bytes than one part may have.
    #[error("part {number} has more than {MAX_PART_BYTES} bytes: send smaller parts")]
    PartTooLarge {
        /// The part.
        number: u32,
    },
    /// The list of parts has a gap, a repetition or a wrong order.
    #[error("upload {upload} has part {found} where part {expected} is due: upload the missing part")]
    PartOrder {
        /// The upload.
        upload: UploadId,
        /// Number that is due.
        expected: u32,
        /// Number found.
        found: u32,
    },
    /// The part was stored before with other content.
    #[error(
        "part {number} of upload {upload} was stored before with other bytes, which cannot be replaced: send the \
         same bytes again, or start a new upload"
    )]
    PartDiffers {
        /// The upload.
        upload: UploadId,
        /// The part.
        number: u32,
    },
    /// The stored object has not the size of a part of that many bytes.
    #[error(
        "stored part {number} of upload {upload} has {found} bytes instead of {expected}: it was truncated or \
         replaced; restore the object from a backup"
    )]
    PartSize {
        /// The upload.
        upload: UploadId,
        /// The part.
        number: u32,
        /// Size of the object.
        found: u64,
        /// Size it must have.
        expected: u64,
    },
    /// The object does not start like a part.
    #[error("stored part {number} of upload {upload} is not in a known format: it was replaced or is newer")]
    PartFormat {
        /// The upload.
        upload: UploadId,
        /// The part.
        number: u32,
    },
    /// A frame does not open.
    #[error(
        "stored part {number} of upload {upload} does not open at frame {frame}: it was altered, truncated, moved, \
         or belongs to another key; restore the object from a backup"
    )]
    PartSealed {
        /// The upload.
        upload: UploadId,
        /// The part.
        number: u32,
        /// Frame within the part, from 0.
        frame: u64,
    },
    /// A range that does not lie within the artifact.
    #[error("bytes {from}..{to} do not lie within the artifact of {bytes} bytes")]
    Range {
        /// First byte asked for.
        from: u64,
        /// One past the last byte asked for.
        to: u64,
        /// Size of the artifact.
        bytes: u64,
    },
    /// Background work was stopped.
    #[error("reading of upload {upload} was stopped: the process is shutting down or a worker failed")]
    Stopped {
        /// The upload.
        upload: UploadId,
    },
}
