//! The envelope of a governance event: its canonical bytes are a leaf of the log.
//!
//! Must not hold personal data or free text: those live in payloads that an entry only commits to.
//! INVARIANT (canonical-entry): an entry has one byte form (RFC 8785); other spellings are refused on reading.
//! INVARIANT (safe-numbers): no number beyond ±(2^53-1), so that every JSON reader sees the same value.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{write_array, write_integer, write_text, write_value};
use crate::hash::{Digester, Hash, excerpt};
use crate::tile::MAX_ENTRY_BYTES;

/// Version of the envelope that this code writes and reads.
pub const ENTRY_VERSION: u8 = 1;

/// Largest integer that JSON readers keep exact: 2^53 - 1.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The same bound for fractions.
const MAX_SAFE_FLOAT: f64 = 9_007_199_254_740_991.0;

/// Longest stream, type, actor, subject or key text, in bytes.
pub const MAX_FIELD_BYTES: usize = 512;

/// Most levels of arrays and objects in `data`.
pub const MAX_DATA_DEPTH: usize = 32;

/// Smallest length bucket of a commitment, in bytes.
pub const MIN_LENGTH_BUCKET: u64 = 64;

/// Type of the entry that carries a [`crate::history::RotationStatement`].
pub const KIND_KEY_ROTATED: &str = "ledger.key_rotated";

/// Type of the entry that carries a [`crate::streams::StreamHeads`].
pub const KIND_STREAM_HEADS: &str = "ledger.stream_heads";

/// Type of the entry that records an RFC 3161 token: the size of its head, and the SHA-256 of the token.
pub const KIND_TIMESTAMPED: &str = "ledger.timestamped";

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Version of the envelope, 1.
    pub v: u8,
    /// Organisation, a UUID in lower case with hyphens; the same in every entry of a log.
    pub org: String,
    /// Stream: one AI system, or `org`.
    pub stream: String,
    /// Position in the stream: 0, 1, 2 ... without a gap.
    pub stream_seq: u64,
    /// Type of the event, such as `model.version_registered`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened, in microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// When it was recorded, in microseconds since 1970 UTC; never goes back within a log.
    pub recorded_at: i64,
    /// Pseudonymous id of who acted.
    pub actor: String,
    /// Ids of what it is about; no personal data.
    pub subjects: Vec<String>,
    /// Key under which a repeated request is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Facts of the event: ids, digests, numbers and enumerations.
    pub data: Value,
    /// What the event commits to without showing it.
    pub commitments: Vec<Commitment>,
}

/// A promise about a payload kept elsewhere: reveals nothing while the salt is secret, and proves the payload when
/// salt and payload are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// Name of the payload within the entry.
    pub name: String,
    /// SHA-256(salt ‖ payload); see [`commit`].
    pub digest: Hash,
    /// Media type of the payload.
    pub media_type: String,
    /// Length of the payload rounded up; see [`length_bucket`].
    pub length_bucket: u64,
}

/// Why an entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not JSON, an unknown or missing field, or a field of the wrong type.
    #[error("not an entry: {0}")]
    Json(String),
    /// Another version.
    #[error("entry version {0} is not 1: use a newer program")]
    Version(u8),
    /// Valid, but not in its canonical form.
    #[error("the entry is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// A field's value is out of range.
    #[error("field {field}: {problem}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Longer than a leaf can be.
    #[error("the entry has {0} bytes, the limit is 65535; move large content into a payload")]
    TooLong(usize),
}

impl Entry {
    /// The canonical bytes: the leaf of the log.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        self.to_bytes_of(512)
    }

    /// As [`Entry::to_bytes`], of about this length.
    fn to_bytes_of(&self, length: usize) -> Result<Vec<u8>, EntryError> {
        self.check()?;
        let bytes = self.write(length)?;
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads a leaf. What [`Entry::to_bytes`] would not write byte for byte is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let entry: Self =
            serde_json::from_slice(bytes).map_err(|e| EntryError::Json(excerpt(&e.to_string())))?;
        // INVARIANT (canonical-entry): repeated keys, spaces, other orders and other number forms all fail here.
        if entry.to_bytes_of(bytes.len())? == bytes { Ok(entry) } else { Err(EntryError::NotCanonical) }
    }

    /// Writes the fields in the order of their names, as RFC 8785 wants it.
    fn write(&self, length: usize) -> Result<Vec<u8>, EntryError> {
        let mut bytes = Vec::with_capacity(length);
        let out = &mut bytes;
        out.extend_from_slice(b"{\"actor\":");
        write_text(out, &self.actor)?;
        out.extend_from_slice(b",\"commitments\":");
        write_array(out, &self.commitments, |out, commitment| commitment.write(out))?;
        out.extend_from_slice(b",\"data\":");
        write_value(out, &self.data)?;
        if let Some(key) = &self.idempotency_key {
            out.extend_from_slice(b",\"idempotency_key\":");
            write_text(out, key)?;
        }
        out.extend_from_slice(b",\"occurred_at\":");
        write_integer(out, self.occurred_at)?;
        out.extend_from_slice(b",\"org\":");
        write_text(out, &self.org)?;
        out.extend_from_slice(b",\"recorded_at\":");
        write_integer(out, self.recorded_at)?;
        out.extend_from_slice(b",\"stream\":");
        write_text(out, &self.stream)?;
        out.extend_from_slice(b",\"stream_seq\":");
        write_integer(out, self.stream_seq)?;
        out.extend_from_slice(b",\"subjects\":");
        write_array(out, &self.subjects, |out, subject| write_text(out, subject))?;
        out.extend_from_slice(b",\"type\":");
        write_text(out, &self.kind)?;
        out.extend_from_slice(b",\"v\":");
        write_integer(out, self.v)?;
        out.push(b'}');
        Ok(bytes)
    }

    fn check(&self) -> Result<(), EntryError> {
        if self.v != ENTRY_VERSION {
            return Err(EntryError::Version(self.v));
        }
        if !is_uuid(&self.org) {
            return Err(field("org", format!("{:?} is not a lower-case UUID", excerpt(&self.org))));
        }
        check_text("stream", &self.stream)?;
        check_text("type", &self.kind)?;
        check_text("actor", &self.actor)?;
        for subject in &self.subjects {
            check_text("subjects", subject)?;
        }
        if let Some(key) = &self.idempotency_key {
            check_text("idempotency_key", key)?;
        }
        check_integer("stream_seq", self.stream_seq)?;
        check_integer("occurred_at", self.occurred_at.unsigned_abs())?;
        check_integer("recorded_at", self.recorded_at.unsigned_abs())?;
        if !self.data.is_object() {
            return Err(field("data", "must be a JSON object".to_owned()));
        }
        check_value(&self.data, 0)?;
        for (position, commitment) in self.commitments.iter().enumerate() {
            commitment.check()?;
            if self.commitments[..position].iter().any(|other| other.name == commitment.name) {
                return Err(field("commitments", format!("the name {:?} is there twice", commitment.name)));
            }
        }
        Ok(())
    }
}

impl Commitment {
    /// Commits to a payload under a salt of 32 random bytes.
    pub fn new(
        name: impl Into<String>,
        media_type: impl Into<String>,
        salt: &[u8; 32],
        payload: &[u8],
    ) -> Self {
        Self {
            name: name.into(),
            digest: commit(salt, payload),
            media_type: media_type.into(),
            length_bucket: length_bucket(payload.len() as u64),
        }
    }

    /// Whether `salt` and `payload` are what was committed to, in digest and length bucket.
    pub fn opens_with(&self, salt: &[u8; 32], payload: &[u8]) -> bool {
        self.digest == commit(salt, payload) && self.length_bucket == length_bucket(payload.len() as u64)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), EntryError> {
        out.extend_from_slice(b"{\"digest\":");
        write_text(out, &self.digest.to_string())?;
        out.extend_from_slice(b",\"length_bucket\":");
        write_integer(out, self.length_bucket)?;
        out.extend_from_slice(b",\"media_type\":");
        write_text(out, &self.media_type)?;
        out.extend_from_slice(b",\"name\":");
        write_text(out, &self.name)?;
        out.push(b'}');
        Ok(())
    }

    fn check(&self) -> Result<(), EntryError> {
        check_text("commitments.name", &self.name)?;
        check_text("commitments.media_type", &self.media_type)?;
        check_integer("commitments.length_bucket", self.length_bucket)?;
        if self.length_bucket < MIN_LENGTH_BUCKET || !self.length_bucket.is_power_of_two() {
            let problem = format!("{} is not a power of two from 64", self.length_bucket);
            return Err(field("commitments.length_bucket", problem));
        }
        Ok(())
    }
}

/// SHA-256(salt ‖ payload). The salt must be random, used once, and stored only with the payload.
pub fn commit(salt: &[u8; 32], payload: &[u8]) -> Hash {
    let mut digester = Digester::new();
    digester.update(salt);
    digester.update(payload);
    digester.finish()
}

/// The smallest power of two that is at least 64 and `bytes`: hides the exact length of a payload.
pub fn length_bucket(bytes: u64) -> u64 {
    bytes.max(MIN_LENGTH_BUCKET).checked_next_power_of_two().unwrap_or(1 << 63)
}

fn field(field: &'static str, problem: String) -> EntryError {
    EntryError::Field { field, problem }
}

fn check_text(name: &'static str, text: &str) -> Result<(), EntryError> {
    if text.is_empty() || text.len() > MAX_FIELD_BYTES {
        return Err(field(name, format!("must have 1 to {MAX_FIELD_BYTES} bytes, got {}", text.len())));
    }
    if text.chars().any(char::is_control) {
        return Err(field(name, "must have no control characters".to_owned()));
    }
    Ok(())
}

fn check_integer(name: &'static str, value: u64) -> Result<(), EntryError> {
    // INVARIANT (safe-numbers)
    if value > MAX_SAFE_INTEGER {
        return Err(field(name, format!("{value} is beyond 2^53-1")));
    }
    Ok(())
}

/// Checks depth and numbers of `data`. Fractions are allowed as long as their size is within 2^53-1.
fn check_value(value: &Value, depth: usize) -> Result<(), EntryError> {
    if depth > MAX_DATA_DEPTH {
        return Err(field("data", format!("is nested deeper than {MAX_DATA_DEPTH} levels")));
    }
    match value {
        // INVARIANT (safe-numbers)
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.abs() <= MAX_SAFE_FLOAT => Ok(()),
            _ => Err(field("data", format!("the number {number} is beyond 2^53-1; write it as text"))),
        },
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, depth + 1)),
        Value::Object(fields) => fields.values().try_for_each(|item| check_value(item, depth + 1)),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}
