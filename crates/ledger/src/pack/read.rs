//! Reads what stands in a pack, for programs that compute something of it.
//!
//! Must not be believed without [`super::verify_pack`]: nothing is checked here but the form.

use std::io::{Read, Seek};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::index::Pack;
use super::verify::{MAX_OPENING_BYTES, Opening};
use crate::checkpoint::SignedCheckpoint;
use crate::entry::Entry;
use crate::hash::Hash;
use crate::note::MAX_NOTE_BYTES;
use crate::tile::{MAX_BUNDLE_BYTES, bundles_of, decode_bundle};
use crate::verify::{FailureClass, Prepared, VerifyError, in_windows};

/// A pack that is read.
pub struct PackReader<R> {
    pack: Pack<R>,
    size: u64,
}

impl<R: Read + Seek> PackReader<R> {
    /// Reads the names of a pack and the head of its log.
    ///
    /// # Errors
    /// When it is no pack.
    pub fn open(reader: R) -> Result<Self, VerifyError> {
        let pack = Pack::open(reader)?;
        let note = required(&pack, "log/checkpoint", MAX_NOTE_BYTES)?;
        let signed = SignedCheckpoint::parse(&note).map_err(|e| malformed("log/checkpoint", e))?;
        let size = signed.checkpoint().size;
        Ok(Self { pack, size })
    }

    /// Entries of the log.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The contents of a file, at most `max_bytes`; `None` if it is not there.
    ///
    /// # Errors
    /// When it is larger, or cannot be read.
    pub fn file(&self, path: &str, max_bytes: usize) -> Result<Option<Vec<u8>>, VerifyError> {
        self.pack.contents(path, max_bytes).map_err(|e| malformed(path, e))
    }

    /// The bytes of every entry in order.
    ///
    /// # Errors
    /// When a bundle is missing or cannot be taken apart, and what `take` answers.
    pub fn for_each_leaf(
        &self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        let mut index = 0;
        for bundle in bundles_of(self.size) {
            let path = format!("log/{}", bundle.path());
            let bytes = required(&self.pack, &path, MAX_BUNDLE_BYTES)?;
            for leaf in decode_bundle(&bytes).map_err(|e| malformed(&path, e))? {
                take(index, leaf)?;
                index += 1;
            }
        }
        Ok(())
    }

    /// Every entry in order with its leaf hash, hashed and parsed on all cores.
    ///
    /// # Errors
    /// When a bundle is missing or cannot be taken apart, or what stands there is no entry.
    pub fn for_each_entry(&self, mut take: impl FnMut(Hash, Entry)) -> Result<(), VerifyError> {
        in_windows(&self.pack, bundles_of(self.size), |Prepared { bundle, entries }| {
            for (index, (leaf, entry)) in (bundle.index * 256..).zip(entries) {
                take(leaf, entry.map_err(|e| VerifyError::entry(FailureClass::Entry, index, e))?);
            }
            Ok(())
        })
    }

    /// The payloads that are shown of an entry; none if it has none, or they are not shown.
    ///
    /// # Errors
    /// When the file of openings cannot be read.
    pub fn openings(&self, index: u64) -> Result<Vec<Vec<u8>>, VerifyError> {
        let path = format!("openings/{index}.json");
        let Some(bytes) = self.file(&path, MAX_OPENING_BYTES)? else { return Ok(Vec::new()) };
        let openings: Vec<Opening> = serde_json::from_slice(&bytes).map_err(|e| malformed(&path, e))?;
        let payload = |opening: Opening| STANDARD.decode(opening.payload).map_err(|e| malformed(&path, e));
        openings.into_iter().map(payload).collect()
    }
}

fn malformed(place: &str, problem: impl std::fmt::Display) -> VerifyError {
    VerifyError::new(FailureClass::Malformed, place, problem)
}

fn required<R: Read + Seek>(pack: &Pack<R>, path: &str, max_bytes: usize) -> Result<Vec<u8>, VerifyError> {
    let bytes = pack.contents(path, max_bytes).map_err(|e| malformed(path, e))?;
    bytes.ok_or_else(|| malformed(path, "is missing from the pack"))
}
