//! A whole log in memory: for tests, examples and small tools. A server keeps its log in a store instead.
//!
//! Must not sign: the caller signs [`MemoryLog::checkpoint`].

use std::collections::BTreeMap;
use std::io;

use crate::checkpoint::{Checkpoint, SignedCheckpoint, parse_decimal};
use crate::frontier::Frontier;
use crate::hash::{Hash, leaf_hash};
use crate::proof::{ConsistencyPlan, InclusionPlan, ProofError};
use crate::tile::{EntryBundle, Tile, TileError, bundles_of, encode_bundle, encode_tile, tiles_of};
use crate::verify::LogSource;

/// Entries and all complete hashes of a growing log.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog {
    entries: Vec<Vec<u8>>,
    /// Hashes of each tile level.
    levels: Vec<Vec<Hash>>,
    frontier: Frontier,
}

/// The static files of a log by their path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFiles(pub BTreeMap<String, Vec<u8>>);

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the bytes of an entry; returns its index. Longer entries than 65,535 bytes fail on export.
    pub fn append(&mut self, entry: impl Into<Vec<u8>>) -> u64 {
        let entry = entry.into();
        let leaf = leaf_hash(&entry);
        let index = self.frontier.size();
        let levels = &mut self.levels;
        push(levels, 0, leaf);
        self.frontier.append_noting(leaf, |level, _, hash| push(levels, usize::from(level), hash));
        self.entries.push(entry);
        index
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Bytes of an entry.
    pub fn entry(&self, index: u64) -> Option<&[u8]> {
        self.entries.get(usize::try_from(index).ok()?).map(Vec::as_slice)
    }

    /// The head as it stands, to be signed.
    pub fn checkpoint(&self, origin: &str) -> Checkpoint {
        Checkpoint::new(origin, self.size(), self.frontier.root())
    }

    /// The hashes of a tile; `None` if the log is too small for it.
    pub fn tile(&self, tile: Tile) -> Option<Vec<Hash>> {
        let hashes = self.levels.get(usize::from(tile.level))?;
        let start = usize::try_from(tile.index).ok()?.checked_mul(256)?;
        hashes.get(start..start + usize::from(tile.width)).map(<[Hash]>::to_vec)
    }

    /// Proves that entry `index` is among the first `size`.
    pub fn prove_inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
        InclusionPlan::new(index, size)?.build(&|tile| self.tile(tile))
    }

    /// Proves that the first `old` entries are a prefix of the first `new`.
    pub fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, ProofError> {
        ConsistencyPlan::new(old, new)?.build(&|tile| self.tile(tile))
    }

    /// All static files for a signed checkpoint of this log, partial tiles included.
    ///
    /// # Errors
    /// If an entry is longer than a bundle can hold.
    pub fn files(&self, signed: &SignedCheckpoint) -> Result<LogFiles, TileError> {
        let size = signed.checkpoint().size.min(self.size());
        let mut files = BTreeMap::from([("checkpoint".to_owned(), signed.to_string().into_bytes())]);
        for tile in tiles_of(size) {
            files.insert(tile.path(), encode_tile(&self.tile(tile).unwrap_or_default()));
        }
        for bundle in bundles_of(size) {
            files.insert(bundle.path(), self.bundle(bundle)?);
        }
        Ok(LogFiles(files))
    }

    /// The bytes of an entry bundle.
    ///
    /// # Errors
    /// If an entry is longer than a bundle can hold, or the log is too small for the bundle.
    pub fn bundle(&self, bundle: EntryBundle) -> Result<Vec<u8>, TileError> {
        let start = usize::try_from(bundle.index * 256).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::from(bundle.width));
        encode_bundle(self.entries.get(start..end).unwrap_or_default())
    }
}

fn push(levels: &mut Vec<Vec<Hash>>, level: usize, hash: Hash) {
    if levels.len() <= level {
        levels.resize(level + 1, Vec::new());
    }
    levels[level].push(hash);
}

impl LogSource for LogFiles {
    fn read(&self, path: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        match self.0.get(path) {
            Some(bytes) if bytes.len() > max_bytes => {
                Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {max_bytes} bytes")))
            }
            found => Ok(found.cloned()),
        }
    }

    fn checkpoint_sizes(&self) -> io::Result<Vec<u64>> {
        let names = self.0.keys().filter_map(|path| path.strip_prefix("checkpoints/"));
        let mut sizes: Vec<u64> = names.filter_map(parse_decimal).collect();
        sizes.sort_unstable();
        Ok(sizes)
    }

    fn timestamp_sizes(&self) -> io::Result<Vec<u64>> {
        let names = self.0.keys().filter_map(|path| path.strip_prefix("timestamps/")?.strip_suffix(".tst"));
        let mut sizes: Vec<u64> = names.filter_map(parse_decimal).collect();
        sizes.sort_unstable();
        Ok(sizes)
    }
}
