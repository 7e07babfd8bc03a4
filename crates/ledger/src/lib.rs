//! Transparency log of governance events: Merkle tree, tiles, checkpoints, proofs and offline verification.
//!
//! The formats are those of C2SP (signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-cosignature,
//! tlog-policy, tlog-witness) over RFC 6962 hashing with Ed25519, so that programs which are not ours can check a
//! log. This crate is pure: no async, no network, no clock, no randomness of its own; files are read only by
//! [`dir`].

mod canonical;
pub mod checkpoint;
pub mod cosignature;
pub mod dir;
pub mod dsse;
pub mod entry;
pub mod frontier;
pub mod hash;
pub mod history;
pub mod key;
pub mod memory;
pub mod note;
pub mod pack;
pub mod proof;
pub mod proof_file;
pub mod quorum;
pub mod streams;
pub mod tile;
pub mod timestamp;
pub mod verify;
pub mod witness;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use dsse::{Envelope, EnvelopeError};
pub use entry::{Commitment, Entry};
pub use frontier::{Frontier, MAX_TREE_SIZE};
pub use hash::{EMPTY_ROOT, Hash, digest, leaf_hash, node_hash};
pub use history::{KeyHistory, RotationStatement};
pub use key::{KeyId, KeyKind, SigningKey, VerifierKey};
pub use note::{Note, NoteSignature};
pub use pack::{PackWriter, verify_pack};
pub use proof_file::TlogProof;
pub use quorum::Policy;
pub use streams::{StreamHead, StreamHeads, StreamMap};
pub use tile::{EntryBundle, Tile};
pub use timestamp::{Anchors, Query};
pub use verify::{FailureClass, LogSource, Report, Trust, VerifyError, verify_log};
