//! Stream heads: a Merkle root over how many entries each stream has, so that the auditor of one stream can prove
//! that nothing is missing.
//!
//! Must not read the log: the caller keeps the map up to date.
//! INVARIANT (heads-cover-all-before): the heads entry at index i states the streams of exactly the entries 0 to
//! i-1, so any reader of the log can recompute it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::entry::MAX_SAFE_INTEGER;
use crate::frontier::Frontier;
use crate::hash::{Hash, leaf_hash};
use crate::proof::{InclusionPlan, ProofError, verify_inclusion};
use crate::tile::Tile;

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamHead {
    /// Entries of the stream, at least 1.
    pub count: u64,
    /// Log index of its last entry.
    pub last_index: u64,
}

/// All streams of a log, sorted by the bytes of their names.
pub type StreamMap = BTreeMap<String, StreamHead>;

/// The `data` of a `ledger.stream_heads` entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamHeads {
    /// Log entries covered: those before the heads entry itself.
    pub size: u64,
    /// Number of streams.
    pub streams: u64,
    /// Root over the sorted streams; see [`stream_heads_root`].
    pub root: Hash,
}

/// Proof that one stream stands under a [`StreamHeads`] root with this count and last index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamHeadProof {
    /// The stream.
    pub stream: String,
    /// Its head.
    pub head: StreamHead,
    /// Position among the sorted streams, from 0.
    pub position: u64,
    /// Inclusion proof, at most 63 hashes.
    pub hashes: Vec<Hash>,
}

/// Why a stream head cannot be proved or is not true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The stream has no entry.
    #[error("stream {0:?} has no entry")]
    Unknown(String),
    /// A number is beyond what canonical JSON can carry.
    #[error("stream {0:?} has a count or index beyond 2^53-1")]
    Number(String),
    /// The proof does not lead to the root.
    #[error("stream head proof: {0}")]
    Proof(#[from] ProofError),
}

/// The leaf of one stream: canonical JSON `["<stream>",<count>,<last_index>]`.
fn leaf(stream: &str, head: StreamHead) -> Result<Hash, StreamError> {
    if head.count > MAX_SAFE_INTEGER || head.last_index > MAX_SAFE_INTEGER {
        return Err(StreamError::Number(stream.to_owned()));
    }
    let bytes = serde_json_canonicalizer::to_vec(&(stream, head.count, head.last_index))
        .map_err(|_| StreamError::Number(stream.to_owned()))?;
    Ok(leaf_hash(&bytes))
}

/// RFC 6962 root over the streams in order; the empty root if there are none.
pub fn stream_heads_root(streams: &StreamMap) -> Result<Hash, StreamError> {
    let mut frontier = Frontier::new();
    for (stream, head) in streams {
        frontier.append(leaf(stream, *head)?);
    }
    Ok(frontier.root())
}

impl StreamHeads {
    /// The heads after the first `size` entries of a log.
    pub fn of(size: u64, streams: &StreamMap) -> Result<Self, StreamError> {
        Ok(Self { size, streams: streams.len() as u64, root: stream_heads_root(streams)? })
    }

    /// Proves one stream under [`StreamHeads::root`].
    pub fn prove(streams: &StreamMap, stream: &str) -> Result<StreamHeadProof, StreamError> {
        let unknown = || StreamError::Unknown(stream.to_owned());
        let head = *streams.get(stream).ok_or_else(unknown)?;
        let position = streams.keys().position(|name| name == stream).ok_or_else(unknown)? as u64;
        let mut frontier = Frontier::new();
        let mut hashes: BTreeMap<(u8, u64), Vec<Hash>> = BTreeMap::new();
        for (index, (name, head)) in streams.iter().enumerate() {
            let leaf = leaf(name, *head)?;
            hashes.entry((0, index as u64 / 256)).or_default().push(leaf);
            frontier.append_noting(leaf, |level, index, hash| {
                hashes.entry((level, index / 256)).or_default().push(hash);
            });
        }
        let tile_hashes = |tile: Tile| hashes.get(&(tile.level, tile.index)).cloned();
        let hashes = InclusionPlan::new(position, streams.len() as u64)?.build(&tile_hashes)?;
        Ok(StreamHeadProof { stream: stream.to_owned(), head, position, hashes })
    }

    /// Checks the proof of one stream. With it, an auditor who holds `count` entries of the stream, the last at
    /// `last_index`, knows that none of the first [`StreamHeads::size`] entries of the log is missing.
    pub fn verify(&self, proof: &StreamHeadProof) -> Result<(), StreamError> {
        let leaf = leaf(&proof.stream, proof.head)?;
        Ok(verify_inclusion(&leaf, proof.position, self.streams, &proof.hashes, &self.root)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_is_provable() {
        for count in [1_u64, 2, 7, 257] {
            let streams: StreamMap = (0..count)
                .map(|i| (format!("s{i}"), StreamHead { count: i + 1, last_index: i * 3 }))
                .collect();
            let heads = StreamHeads::of(9_000, &streams).unwrap();
            for stream in streams.keys().step_by(1 + count as usize / 16) {
                let proof = StreamHeads::prove(&streams, stream).unwrap();
                heads.verify(&proof).unwrap();
                let fewer = StreamHead { count: proof.head.count + 1, ..proof.head };
                assert!(heads.verify(&StreamHeadProof { head: fewer, ..proof }).is_err());
            }
            assert!(matches!(StreamHeads::prove(&streams, "none"), Err(StreamError::Unknown(_))));
        }
    }
}
