//! Self-contained inclusion proofs, `c2sp.org/tlog-proof@v1`, stored as `.tlog-proof` files.
//!
//! Must not compute leaf hashes from anything but the entry that the verifier has in hand.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{CheckpointError, SignedCheckpoint, parse_decimal};
use crate::hash::{Hash, HashError, excerpt};
use crate::note::MAX_NOTE_BYTES;
use crate::proof::{ProofError, verify_inclusion};
use crate::quorum::{Policy, PolicyError, Witnessed};

/// The first line of every proof file.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Most hashes of a proof: the height of a tree below 2^63 leaves.
pub const MAX_PROOF_HASHES: usize = 63;

/// Largest proof file in bytes.
pub const MAX_PROOF_BYTES: usize = MAX_NOTE_BYTES + (1 << 20);

/// A proof that the entry at `index` is in the tree of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Data for the application. Nothing authenticates it.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry, from 0.
    pub index: u64,
    /// Inclusion proof, leaf's sibling first, at most 63 hashes.
    pub hashes: Vec<Hash>,
    /// The checkpoint with all its signatures, verbatim.
    pub checkpoint: SignedCheckpoint,
}

/// Why a file is not a proof, or a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
    /// The file is larger than [`MAX_PROOF_BYTES`].
    #[error("the proof file has {0} bytes, the limit is 2097152")]
    TooLarge(usize),
    /// The file is not UTF-8.
    #[error("the proof file is not UTF-8")]
    NotUtf8,
    /// The first line is another.
    #[error("the first line must be 'c2sp.org/tlog-proof@v1', got {0:?}")]
    Header(String),
    /// The extra line is not base64.
    #[error("the extra line is not padded base64")]
    Extra,
    /// The index line is missing or not a number.
    #[error("expected 'index <number>', got {0:?}")]
    Index(String),
    /// A hash line is not a hash.
    #[error("proof hash {position}: {source}")]
    Hash {
        /// Position, from 0.
        position: usize,
        /// What is wrong with it.
        source: HashError,
    },
    /// More than 63 hashes.
    #[error("a proof has at most 63 hashes")]
    TooManyHashes,
    /// No empty line between proof and checkpoint.
    #[error("the empty line before the checkpoint is missing")]
    NoCheckpoint,
    /// The checkpoint is malformed.
    #[error("checkpoint of the proof: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint does not satisfy the policy.
    #[error("checkpoint of the proof: {0}")]
    Policy(#[from] PolicyError),
    /// The inclusion proof does not hold.
    #[error("inclusion proof: {0}")]
    Inclusion(#[from] ProofError),
}

impl TlogProof {
    /// Reads a proof file. Nothing is verified yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(ProofFileError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ProofFileError::NotUtf8)?;
        // The part before the checkpoint has no empty lines, so the first one ends it.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofFileError::NoCheckpoint)?;
        let mut lines = head.split('\n');
        let header = lines.next().unwrap_or_default();
        if header != HEADER {
            return Err(ProofFileError::Header(excerpt(header)));
        }
        let mut line = lines.next().unwrap_or_default();
        let mut extra = None;
        if let Some(encoded) = line.strip_prefix("extra ") {
            extra = Some(STANDARD.decode(encoded).map_err(|_| ProofFileError::Extra)?);
            line = lines.next().unwrap_or_default();
        }
        let index = line
            .strip_prefix("index ")
            .and_then(parse_decimal)
            .ok_or_else(|| ProofFileError::Index(excerpt(line)))?;
        let mut hashes = Vec::new();
        for (position, line) in lines.enumerate() {
            if position == MAX_PROOF_HASHES {
                return Err(ProofFileError::TooManyHashes);
            }
            hashes.push(Hash::from_base64(line).map_err(|source| ProofFileError::Hash { position, source })?);
        }
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes())?;
        Ok(Self { extra, index, hashes, checkpoint })
    }

    /// Checks the log's signature, the witnesses' quorum, and that `leaf` stands at the index.
    ///
    /// `leaf` is the hash of the entry itself, computed by the caller; see [`crate::leaf_hash`].
    pub fn verify(&self, leaf: &Hash, policy: &Policy) -> Result<Witnessed, ProofFileError> {
        let witnessed = policy.check(&self.checkpoint)?;
        self.verify_leaf(leaf)?;
        Ok(witnessed)
    }

    /// Checks only that `leaf` stands at the index in the tree of the checkpoint, whoever signed it.
    pub fn verify_leaf(&self, leaf: &Hash) -> Result<(), ProofFileError> {
        let head = self.checkpoint.checkpoint();
        Ok(verify_inclusion(leaf, self.index, head.size, &self.hashes, &head.root)?)
    }
}

impl fmt::Display for TlogProof {
    /// The whole file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
