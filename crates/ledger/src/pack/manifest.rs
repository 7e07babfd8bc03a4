//! `pack.json`: what a pack is about, and the digest of every other file in it.
//!
//! Must not be believed before [`super::verify_pack`] has compared it with the pack.

use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// Name of the manifest in a pack.
pub const MANIFEST_PATH: &str = "pack.json";

/// Format version that this code writes and reads.
pub const PACK_FORMAT: &str = "comptroller-pack/v1";

/// Largest manifest in bytes.
pub(super) const MAX_MANIFEST_BYTES: usize = 512 << 20;

/// What a pack is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackHeader {
    /// Origin of the log.
    pub origin: String,
    /// Organisation, a UUID.
    pub org: String,
    /// When the pack was made, in microseconds since 1970 UTC.
    pub created_at: i64,
    /// Size of the log's checkpoint.
    pub size: u64,
    /// Root of the log's checkpoint.
    pub root: Hash,
    /// The period that populations and reports in the pack are about; `None` for the whole log.
    pub period: Option<Period>,
}

/// A half-open period in microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First microsecond.
    pub from: i64,
    /// First microsecond after.
    pub until: i64,
}

/// The contents of `pack.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`PACK_FORMAT`].
    pub format: String,
    /// Origin of the log.
    pub origin: String,
    /// Organisation, a UUID.
    pub org: String,
    /// When the pack was made, in microseconds since 1970 UTC.
    pub created_at: i64,
    /// Size of the log's checkpoint.
    pub size: u64,
    /// Root of the log's checkpoint.
    pub root: Hash,
    /// The period that populations and reports are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// All other files, names rising.
    pub files: Vec<PackFile>,
}

/// One file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackFile {
    /// Name in the pack.
    pub path: String,
    /// SHA-256 of the contents.
    pub sha256: Hash,
    /// Length of the contents.
    pub bytes: u64,
}
