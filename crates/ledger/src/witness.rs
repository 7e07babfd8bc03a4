//! The tlog-witness `add-checkpoint` call (C2SP tlog-witness 1.1): request and response bytes, and the decision.
//!
//! Must not store, sign by itself or speak HTTP. A witness reads its state, calls
//! [`WitnessState::add_checkpoint`], persists the new state atomically with that read, and only then cosigns.
//! INVARIANT (witness-never-rolls-back): an accepted request leaves a state whose size is at least the old one and
//! whose tree contains the old one.

use std::fmt;

use crate::checkpoint::{CheckpointError, SignedCheckpoint, parse_decimal};
use crate::cosignature::{self, CosignatureError};
use crate::frontier::MAX_TREE_SIZE;
use crate::hash::{EMPTY_ROOT, Hash, HashError, excerpt};
use crate::key::{KeyKind, SigningKey, VerifierKey};
use crate::note::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, NoteSignature, Verified};
use crate::proof::{ProofError, verify_consistency};

/// Most hashes of a consistency proof in a request.
pub const MAX_CONSISTENCY_HASHES: usize = 63;

/// Largest request in bytes.
pub const MAX_REQUEST_BYTES: usize = MAX_NOTE_BYTES + 4096;

/// The body of a `POST <prefix>/add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpointRequest {
    /// Size that the log believes the witness cosigned last; 0 if none.
    pub old_size: u64,
    /// Consistency proof from that size, at most 63 hashes.
    pub proof: Vec<Hash>,
    /// The new checkpoint.
    pub checkpoint: SignedCheckpoint,
}

/// What a witness remembers of one origin: the head it cosigned last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WitnessState {
    /// Size, 0 if it never cosigned.
    pub size: u64,
    /// Root at that size.
    pub root: Hash,
}

/// Why a witness refuses. [`AddCheckpointError::status`] is the HTTP status of the specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddCheckpointError {
    /// The request has not the form of the specification.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// The witness does not know the log.
    #[error("unknown origin {0:?}")]
    UnknownOrigin(String),
    /// No signature by a trusted key of the origin, or a bad one.
    #[error("{0}")]
    NotTrusted(CheckpointError),
    /// The old size is above the checkpoint's.
    #[error("old size {old} is above the checkpoint's size {new}")]
    OldAboveNew {
        /// Old size of the request.
        old: u64,
        /// Size of the checkpoint.
        new: u64,
    },
    /// The old size is not what the witness cosigned last.
    #[error("the size cosigned last is {cosigned}")]
    Conflict {
        /// Size that the witness cosigned last.
        cosigned: u64,
    },
    /// The checkpoint is not consistent with the last cosigned one.
    #[error("the checkpoint does not extend the last cosigned one: {0}")]
    Inconsistent(ProofError),
}

/// Why a witness's answer is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessResponseError {
    /// Not a sequence of signature lines.
    #[error("the answer is not a sequence of 1 to 100 signature lines: {0}")]
    Malformed(String),
    /// A line by the witness does not verify, or the witness is not among the lines.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl AddCheckpointRequest {
    /// Reads a request body.
    pub fn parse(bytes: &[u8]) -> Result<Self, AddCheckpointError> {
        let malformed = |what: String| AddCheckpointError::Malformed(what);
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(malformed(format!("{} bytes, the limit is {MAX_REQUEST_BYTES}", bytes.len())));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("not UTF-8".to_owned()))?;
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or_else(|| malformed("no empty line before the checkpoint".to_owned()))?;
        let mut lines = head.split('\n');
        let first = lines.next().unwrap_or_default();
        let old_size = first
            .strip_prefix("old ")
            .and_then(parse_decimal)
            .filter(|size| *size <= MAX_TREE_SIZE)
            .ok_or_else(|| malformed(format!("expected 'old <size>', got {:?}", excerpt(first))))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_CONSISTENCY_HASHES {
                return Err(malformed("more than 63 proof lines".to_owned()));
            }
            proof.push(Hash::from_base64(line).map_err(|e: HashError| malformed(e.to_string()))?);
        }
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(|error| match error {
            // The specification answers 422 for this one, not 400.
            CheckpointError::EmptyTreeRoot(root) => {
                AddCheckpointError::Inconsistent(ProofError::RootMismatch {
                    computed: root,
                    expected: EMPTY_ROOT,
                })
            }
            other => malformed(other.to_string()),
        })?;
        Ok(Self { old_size, proof, checkpoint })
    }

    /// Origin of the checkpoint: decides whose state and keys apply.
    pub fn origin(&self) -> &str {
        &self.checkpoint.checkpoint().origin
    }
}

impl fmt::Display for AddCheckpointRequest {
    /// The request body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl Default for WitnessState {
    fn default() -> Self {
        Self { size: 0, root: EMPTY_ROOT }
    }
}

impl WitnessState {
    /// Decides on a request for the origin that this state belongs to; gives the state to persist.
    ///
    /// `trusted` are the log keys that the witness knows for the request's origin; none means that the origin is
    /// unknown. Nothing may be cosigned before the new state is durable.
    pub fn add_checkpoint(
        &self,
        trusted: &[VerifierKey],
        request: &AddCheckpointRequest,
    ) -> Result<Self, AddCheckpointError> {
        let head = request.checkpoint.checkpoint();
        if !trusted.iter().any(|key| key.name() == head.origin && key.kind() == KeyKind::Note) {
            return Err(AddCheckpointError::UnknownOrigin(excerpt(&head.origin)));
        }
        request.checkpoint.verify(trusted).map_err(AddCheckpointError::NotTrusted)?;
        if request.old_size > head.size {
            return Err(AddCheckpointError::OldAboveNew { old: request.old_size, new: head.size });
        }
        if request.old_size != self.size {
            return Err(AddCheckpointError::Conflict { cosigned: self.size });
        }
        // INVARIANT (witness-never-rolls-back): sizes were compared above, content here.
        verify_consistency(self.size, &self.root, head.size, &head.root, &request.proof)
            .map_err(AddCheckpointError::Inconsistent)?;
        Ok(Self { size: head.size, root: head.root })
    }
}

impl AddCheckpointError {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldAboveNew { .. } => 400,
            Self::NotTrusted(_) => 403,
            Self::UnknownOrigin(_) => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// The `Content-Type` of the answer.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "text/x.tlog.size",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The body of the answer: the size for a conflict, else the message.
    pub fn body(&self) -> String {
        match self {
            Self::Conflict { cosigned } => format!("{cosigned}\n"),
            other => format!("{other}\n"),
        }
    }
}

/// The body of a successful answer: one cosignature line per witness key.
pub fn response(
    checkpoint: &SignedCheckpoint,
    keys: &[&SigningKey],
    time: u64,
) -> Result<String, CosignatureError> {
    let mut body = String::new();
    for key in keys {
        let line = cosignature::cosign(checkpoint.note().text(), key, time)?;
        body.push_str(&line.to_string());
        body.push('\n');
    }
    Ok(body)
}

/// Reads a successful answer and checks the lines of the witnesses that the log knows; others are dropped.
///
/// # Errors
/// If the body is malformed, a line of a known witness is bad, or no known witness is among them.
pub fn parse_response(
    body: &[u8],
    checkpoint: &SignedCheckpoint,
    witnesses: &[VerifierKey],
) -> Result<Vec<(NoteSignature, Verified)>, WitnessResponseError> {
    let malformed = |what: &str| WitnessResponseError::Malformed(excerpt(what));
    if body.len() > MAX_NOTE_BYTES {
        return Err(malformed("too long"));
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed("not UTF-8"))?;
    let lines = text.strip_suffix('\n').ok_or_else(|| malformed("no newline at the end"))?;
    let mut accepted: Vec<(NoteSignature, Verified)> = Vec::new();
    for (position, line) in lines.split('\n').enumerate() {
        if position == MAX_SIGNATURES {
            return Err(malformed("more than 100 lines"));
        }
        let signature = NoteSignature::parse(line).map_err(|e| malformed(&e.to_string()))?;
        let mut note = Note::unsigned(checkpoint.note().text())?;
        note.add_signature(signature.clone());
        for verified in note.verify_any(witnesses)? {
            if !accepted.iter().any(|(_, known)| known.key == verified.key) {
                accepted.push((signature.clone(), verified));
            }
        }
    }
    if accepted.is_empty() {
        return Err(NoteError::NoTrustedSignature { found: excerpt(lines) }.into());
    }
    Ok(accepted)
}

/// Reads the body of a 409 answer: the size that the witness cosigned last.
pub fn parse_conflict(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    parse_decimal(text.strip_suffix('\n')?).filter(|size| *size <= MAX_TREE_SIZE)
}
