//! Where a log is read from, and the bounded readers of its files.
//!
//! Must not trust what it reads: it checks form and length only.

use std::io;

use super::error::{FailureClass, VerifyError};
use crate::checkpoint::SignedCheckpoint;
use crate::hash::Hash;
use crate::note::MAX_NOTE_BYTES;
use crate::tile::{EntryBundle, MAX_BUNDLE_BYTES, TILE_WIDTH, Tile, decode_bundle, decode_tile};

/// Files of one log in the tlog-tiles layout, read only.
pub trait LogSource {
    /// Reads a whole file by its path below the log's prefix, such as `checkpoint` or `tile/0/000`.
    ///
    /// `None` if it is not there. A file above `max_bytes` is an error of kind `FileTooLarge`, found without
    /// reading it all.
    fn read(&self, path: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>>;

    /// Sizes of the earlier checkpoints that stand at `checkpoints/<size>`, in rising order.
    fn checkpoint_sizes(&self) -> io::Result<Vec<u64>>;

    /// Sizes of the heads whose time-stamps stand at `timestamps/<size>.tst`, in rising order.
    fn timestamp_sizes(&self) -> io::Result<Vec<u64>>;
}

pub(super) fn read(source: &dyn LogSource, path: &str, max: usize) -> Result<Option<Vec<u8>>, VerifyError> {
    source.read(path, max).map_err(|error| {
        let class = match error.kind() {
            io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData => FailureClass::Malformed,
            _ => FailureClass::Unreadable,
        };
        VerifyError::new(class, path, error)
    })
}

/// Reads and parses a checkpoint; nothing is verified.
pub(super) fn read_checkpoint(source: &dyn LogSource, path: &str) -> Result<SignedCheckpoint, VerifyError> {
    let bytes = read(source, path, MAX_NOTE_BYTES)?
        .ok_or_else(|| VerifyError::new(FailureClass::Truncated, path, "the checkpoint is missing"))?;
    SignedCheckpoint::parse(&bytes).map_err(|e| VerifyError::new(FailureClass::Malformed, path, e))
}

/// Reads a tile. If only the full tile is there, its first hashes serve for the partial one.
pub(super) fn read_tile(source: &dyn LogSource, tile: Tile) -> Result<Vec<Hash>, VerifyError> {
    const MAX: usize = TILE_WIDTH as usize * Hash::LEN;
    let mut path = tile.path();
    let mut bytes = read(source, &path, MAX)?;
    let is_fallback = bytes.is_none() && !tile.is_full();
    if is_fallback {
        path = Tile { width: TILE_WIDTH, ..tile }.path();
        bytes = read(source, &path, MAX)?;
    }
    let bytes =
        bytes.ok_or_else(|| VerifyError::new(FailureClass::Truncated, tile, "the tile is missing"))?;
    let mut hashes = decode_tile(&bytes).map_err(|e| VerifyError::new(FailureClass::Malformed, &path, e))?;
    check_width(&path, hashes.len(), tile.width, is_fallback)?;
    hashes.truncate(usize::from(tile.width));
    Ok(hashes)
}

/// The raw bytes of an entry bundle, with its path.
pub(super) struct Bundle {
    bytes: Vec<u8>,
    path: String,
    width: u16,
    is_fallback: bool,
}

impl Bundle {
    /// Reads a bundle. If only the full bundle is there, its first entries serve for the partial one.
    pub(super) fn read(source: &dyn LogSource, bundle: EntryBundle) -> Result<Self, VerifyError> {
        let mut path = bundle.path();
        let mut bytes = read(source, &path, MAX_BUNDLE_BYTES)?;
        let is_fallback = bytes.is_none() && !bundle.is_full();
        if is_fallback {
            path = EntryBundle { width: TILE_WIDTH, ..bundle }.path();
            bytes = read(source, &path, MAX_BUNDLE_BYTES)?;
        }
        let missing = || {
            let first = bundle.index * u64::from(TILE_WIDTH);
            VerifyError::new(
                FailureClass::Truncated,
                bundle,
                format_args!("entries from {first} are missing"),
            )
        };
        Ok(Self { bytes: bytes.ok_or_else(missing)?, path, width: bundle.width, is_fallback })
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The entries, as many as the bundle is wide.
    pub(super) fn entries(&self) -> Result<Vec<&[u8]>, VerifyError> {
        let mut entries = decode_bundle(&self.bytes)
            .map_err(|e| VerifyError::new(FailureClass::Malformed, &self.path, e))?;
        check_width(&self.path, entries.len(), self.width, self.is_fallback)?;
        entries.truncate(usize::from(self.width));
        Ok(entries)
    }
}

fn check_width(path: &str, got: usize, width: u16, is_fallback: bool) -> Result<(), VerifyError> {
    let width = usize::from(if is_fallback { TILE_WIDTH } else { width });
    if got == width {
        return Ok(());
    }
    let class = if got < width { FailureClass::Truncated } else { FailureClass::Malformed };
    Err(VerifyError::new(class, path, format_args!("holds {got} instead of {width}")))
}
