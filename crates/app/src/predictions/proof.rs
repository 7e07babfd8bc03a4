//! The proof of one record, and its verification with nothing but a key that the verifier trusts.
//!
//! Two trees: the record is a leaf of its block's tree, whose root stands in the entry that sealed the block; that entry
//! is a leaf of the log, whose head is signed. `docs/PREDICTIONS.md` has every byte.

use super::compact::MAGIC;
use comptroller_lake::records::{Field, RowError, SALT_BYTES, leaf};
use comptroller_ledger::proof::root_from_inclusion;
use comptroller_ledger::{Entry, FailureClass, Hash, TlogProof, VerifierKey, VerifyError, leaf_hash};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The word by which a proof is known.
pub const FORMAT: &str = "comptroller-prediction-proof";
/// The version of its form.
pub const VERSION: u32 = 1;
/// Bytes of a proof file, at most.
pub const MAX_BYTES: usize = 32 << 20;
/// Hashes from a record to the root of its block, at most.
const MAX_HASHES: usize = 32;
/// The type of the entry that seals a block.
const SEALED: &str = "predictions.sealed";

/// The proof of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictionProof {
    /// Always `comptroller-prediction-proof`.
    pub format: String,
    /// Always 1.
    pub version: u32,
    /// The record, field by field, in the order of the names.
    #[schema(value_type = Vec<Object>)]
    pub record: Vec<Field>,
    /// Its salt, 16 bytes in hexadecimal digits.
    pub salt: String,
    /// Its place in the block, from 0.
    pub index: u64,
    /// The inclusion proof in the block, the leaf's sibling first, each 64 hexadecimal digits.
    #[schema(value_type = Vec<String>)]
    pub hashes: Vec<Hash>,
    /// The entry that sealed the block, byte for byte.
    pub entry: String,
    /// Its `tlog-proof@v1` up to a signed head.
    pub proof: String,
}

/// What a proof shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// The record.
    pub record: Vec<Field>,
    /// What the entry says of the block: system, version, environment, day.
    pub block: serde_json::Value,
    /// Index of the entry in the log.
    pub ledger_index: u64,
    /// When it was recorded, microseconds.
    pub recorded_at: i64,
    /// Origin of the log.
    pub origin: String,
    /// Trusted keys that signed the head.
    pub signed_by: Vec<String>,
}

/// Reads a proof in either form.
fn read(bytes: &[u8]) -> Result<PredictionProof, String> {
    if bytes.starts_with(MAGIC) {
        return PredictionProof::from_compact(bytes).map_err(str::to_owned);
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// Verifies a proof in its readable or its compact form. `keys` come from the verifier, never from the proof.
///
/// # Errors
/// With the class of failure: the form, the entry, the record (`Opening`), a path (`Proof`), or the signature.
pub fn verify(bytes: &[u8], keys: &[VerifierKey], place: &str) -> Result<Verified, VerifyError> {
    let refuse = |class, problem: String| VerifyError { class, place: place.to_owned(), problem };
    let malformed = |problem: String| refuse(FailureClass::Malformed, problem);
    if bytes.len() > MAX_BYTES {
        return Err(malformed(format!("it has more than {MAX_BYTES} bytes")));
    }
    let proof = read(bytes).map_err(&malformed)?;
    if proof.format != FORMAT || proof.version != VERSION {
        return Err(malformed(format!("format {:?}, version {}", proof.format, proof.version)));
    }
    if proof.hashes.len() > MAX_HASHES {
        return Err(malformed(format!("more than {MAX_HASHES} hashes")));
    }
    let mut salt = [0; SALT_BYTES];
    hex::decode_to_slice(&proof.salt, &mut salt)
        .map_err(|_| malformed("the salt is not 16 bytes".to_owned()))?;
    let entry = Entry::from_bytes(proof.entry.as_bytes())
        .map_err(|error| refuse(FailureClass::Entry, error.to_string()))?;
    if entry.kind != SEALED {
        return Err(refuse(FailureClass::Entry, format!("the entry is a {}, not a {SEALED}", entry.kind)));
    }
    let stated = |name: &str| entry.data.get(name).cloned().unwrap_or_default();
    let rows = stated("rows").as_u64().unwrap_or(0);
    let block_root: Hash = stated("root")
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| refuse(FailureClass::Entry, "the entry names no root".to_owned()))?;
    let leaf = leaf(&proof.record, &salt).map_err(|error: RowError| malformed(error.to_string()))?;
    let reached = root_from_inclusion(&leaf, proof.index, rows, &proof.hashes)
        .map_err(|error| refuse(FailureClass::Proof, format!("in the block: {error}")))?;
    if reached != block_root {
        let problem = "the record is not the one that was sealed: it does not lead to the root of its block";
        return Err(refuse(FailureClass::Opening, problem.to_owned()));
    }
    let log = TlogProof::parse(proof.proof.as_bytes()).map_err(|error| malformed(error.to_string()))?;
    let signed = log.checkpoint.verify(keys).map_err(|error| refuse(FailureClass::Key, error.to_string()))?;
    log.verify_leaf(&leaf_hash(proof.entry.as_bytes()))
        .map_err(|error| refuse(FailureClass::Proof, format!("in the log: {error}")))?;
    Ok(Verified {
        record: proof.record,
        block: entry.data,
        ledger_index: log.index,
        recorded_at: entry.recorded_at,
        origin: log.checkpoint.checkpoint().origin.clone(),
        signed_by: signed.iter().map(|signature| signature.key.to_string()).collect(),
    })
}
