//! Verifies a pack: its log in full, then openings, proofs, key history, and last that it is complete.
//!
//! Must not use a key of the pack that no trusted key vouches for. Two passes over the tar: one for names and
//! digests, one for contents.

use std::io::{Read, Seek};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::index::Pack;
use super::manifest::{MANIFEST_PATH, MAX_MANIFEST_BYTES, Manifest, PACK_FORMAT, Period};
use super::{KEY_HISTORY_PATH, README_PATH};
use crate::checkpoint::{SignedCheckpoint, parse_decimal};
use crate::entry::Entry;
use crate::history::KeyHistory;
use crate::key::VerifierKey;
use crate::note::MAX_NOTE_BYTES;
use crate::proof_file::{MAX_PROOF_BYTES, TlogProof};
use crate::verify::{FailureClass, Report, Trust, VerifyError, read_entry, read_leaf, verify_log_with_keys};

/// Largest opening file in bytes.
pub(super) const MAX_OPENING_BYTES: usize = 64 << 20;

/// Largest key history in bytes.
const MAX_HISTORY_BYTES: usize = 4 << 20;

/// A payload shown: what an entry's commitment of that name stands for. An opening file is a JSON array of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Index of the entry.
    pub index: u64,
    /// Name of the commitment in the entry.
    pub name: String,
    /// Salt, 64 hexadecimal digits.
    pub salt: String,
    /// Payload, base64.
    pub payload: String,
}

/// What was found true of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackReport {
    /// The log.
    pub log: Report,
    /// When the pack says it was made, in microseconds since 1970 UTC. Nothing proves it.
    pub created_at: i64,
    /// The period that the pack says it is about.
    pub period: Option<Period>,
    /// Payloads shown, each the one committed to.
    pub openings: u64,
    /// Proof files, each true.
    pub proofs: u64,
    /// Files, each with the digest of the manifest.
    pub files: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// Verifies a pack with what the auditor brings along.
///
/// # Errors
/// The first failure, with its class and place. The log is checked before the manifest's digests, so that the
/// message about a changed entry names the entry.
pub fn verify_pack<R: Read + Seek>(reader: R, trust: &Trust) -> Result<PackReport, VerifyError> {
    let pack = Pack::open(reader)?;
    let manifest = read_manifest(&pack)?;
    let (log, keys) = verify_log_with_keys(&pack, trust)?;
    if manifest.origin != log.origin || manifest.size != log.size || manifest.root != log.root {
        return Err(malformed(MANIFEST_PATH, "origin, size or root is not that of log/checkpoint"));
    }
    if log.org.as_ref().is_some_and(|org| *org != manifest.org) {
        return Err(malformed(MANIFEST_PATH, "org is not that of the entries"));
    }
    check_history(&pack, &log, &keys)?;
    let (mut openings, mut proofs) = (0, 0);
    let mut checker = Proofs { pack: &pack, log: &log, keys: &keys, trust, checked: None };
    for path in pack.members().keys() {
        if let Some(index) = index_of(path, "openings/", ".json")? {
            openings += check_openings(&pack, path, index, log.size)?;
        } else if let Some(index) = index_of(path, "proofs/", ".tlog-proof")? {
            checker.check(path, index)?;
            proofs += 1;
        }
    }
    check_complete(&pack, &manifest)?;
    let bytes = pack.members().values().map(|member| member.bytes).sum();
    let files = pack.members().len() as u64;
    let (created_at, period) = (manifest.created_at, manifest.period);
    Ok(PackReport { log, created_at, period, openings, proofs, files, bytes })
}

fn malformed(place: &str, problem: impl std::fmt::Display) -> VerifyError {
    VerifyError::new(FailureClass::Malformed, place, problem)
}

fn required<R: Read + Seek>(pack: &Pack<R>, path: &str, max_bytes: usize) -> Result<Vec<u8>, VerifyError> {
    let bytes = pack.contents(path, max_bytes).map_err(|e| malformed(path, e))?;
    bytes.ok_or_else(|| malformed(path, "is missing from the pack"))
}

fn read_manifest<R: Read + Seek>(pack: &Pack<R>) -> Result<Manifest, VerifyError> {
    let bytes = required(pack, MANIFEST_PATH, MAX_MANIFEST_BYTES)?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| malformed(MANIFEST_PATH, e))?;
    if manifest.format != PACK_FORMAT {
        let problem = format_args!("format {:?} is not {PACK_FORMAT:?}", manifest.format).to_string();
        return Err(malformed(MANIFEST_PATH, problem));
    }
    if manifest.period.is_some_and(|period| period.from > period.until) {
        return Err(malformed(MANIFEST_PATH, "the period ends before it begins"));
    }
    Ok(manifest)
}

/// The index in a name such as `openings/12.json`; `None` if the name has another prefix.
fn index_of(path: &str, prefix: &str, suffix: &str) -> Result<Option<u64>, VerifyError> {
    let Some(name) = path.strip_prefix(prefix) else { return Ok(None) };
    let index = name.strip_suffix(suffix).and_then(parse_decimal);
    index.map(Some).ok_or_else(|| malformed(path, format_args!("is not named {prefix}<index>{suffix}")))
}

/// The key history must name no key that a trusted key does not vouch for, and every rotation of the log.
fn check_history<R: Read + Seek>(
    pack: &Pack<R>,
    log: &Report,
    keys: &[VerifierKey],
) -> Result<(), VerifyError> {
    let bytes = required(pack, KEY_HISTORY_PATH, MAX_HISTORY_BYTES)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| malformed(KEY_HISTORY_PATH, e))?;
    let history = KeyHistory::parse(text).map_err(|e| malformed(KEY_HISTORY_PATH, e))?;
    for period in history.periods() {
        if !keys.contains(&period.key) {
            let problem = format!("no trusted key vouches for {}", period.key);
            return Err(VerifyError::new(FailureClass::Key, KEY_HISTORY_PATH, problem));
        }
    }
    for rotation in &log.rotations {
        let listed = |p: &&crate::history::KeyPeriod| {
            p.key.to_string() == rotation.new_vkey && p.from == rotation.from_size
        };
        if !history.periods().iter().any(|p| listed(&p)) {
            let problem = format!("lacks the rotation of entry {} to {}", rotation.index, rotation.new_vkey);
            return Err(VerifyError::new(FailureClass::Key, KEY_HISTORY_PATH, problem));
        }
    }
    Ok(())
}

fn check_openings<R: Read + Seek>(
    pack: &Pack<R>,
    path: &str,
    index: u64,
    size: u64,
) -> Result<u64, VerifyError> {
    let refused = |problem: String| VerifyError::new(FailureClass::Opening, path, problem);
    let bytes = required(pack, path, MAX_OPENING_BYTES)?;
    let openings: Vec<Opening> = serde_json::from_slice(&bytes).map_err(|e| malformed(path, e))?;
    if index >= size {
        return Err(refused(format!("the log has no entry {index}")));
    }
    let entry = Entry::from_bytes(&read_entry(pack, index, size)?)
        .map_err(|e| VerifyError::new(FailureClass::Entry, path, e))?;
    for opening in &openings {
        let mut salt = [0; 32];
        hex::decode_to_slice(&opening.salt, &mut salt)
            .map_err(|e| malformed(path, format_args!("salt: {e}")))?;
        let payload =
            STANDARD.decode(&opening.payload).map_err(|e| malformed(path, format_args!("payload: {e}")))?;
        if opening.index != index {
            return Err(refused(format!("is about entry {}", opening.index)));
        }
        let commitment = entry.commitments.iter().find(|c| c.name == opening.name);
        let commitment = commitment
            .ok_or_else(|| refused(format!("entry {index} has no commitment named {:?}", opening.name)))?;
        if !commitment.opens_with(&salt, &payload) {
            let problem = format!("this is not what entry {index} committed to as {:?}", opening.name);
            return Err(refused(problem));
        }
    }
    Ok(openings.len() as u64)
}

/// Checks proof files. Nearly all of a pack have the same checkpoint: it is checked once.
struct Proofs<'a, R> {
    pack: &'a Pack<R>,
    log: &'a Report,
    keys: &'a [VerifierKey],
    trust: &'a Trust,
    /// The last checkpoint that was found to be a signed head of the log.
    checked: Option<SignedCheckpoint>,
}

impl<R: Read + Seek> Proofs<'_, R> {
    fn check(&mut self, path: &str, index: u64) -> Result<(), VerifyError> {
        let refused = |problem: &dyn std::fmt::Display| VerifyError::new(FailureClass::Proof, path, problem);
        let bytes = required(self.pack, path, MAX_PROOF_BYTES)?;
        let proof = TlogProof::parse(&bytes).map_err(|e| malformed(path, e))?;
        let head = proof.checkpoint.checkpoint();
        if proof.index != index || index >= self.log.size || head.origin != self.log.origin {
            return Err(refused(&"index or origin is not that of the file name and the log"));
        }
        if self.checked.as_ref() != Some(&proof.checkpoint) {
            self.check_head(path, &proof.checkpoint)?;
            self.checked = Some(proof.checkpoint.clone());
        }
        proof.verify_leaf(&read_leaf(self.pack, index, self.log.size)?).map_err(|e| refused(&e))
    }

    fn check_head(&self, path: &str, checkpoint: &SignedCheckpoint) -> Result<(), VerifyError> {
        if !is_head_of_log(self.pack, self.log, checkpoint) {
            let problem = "its checkpoint is neither log/checkpoint nor one of log/checkpoints";
            return Err(VerifyError::new(FailureClass::Proof, path, problem));
        }
        checkpoint.verify(self.keys).map_err(|e| VerifyError::new(FailureClass::Key, path, e))?;
        if let Some(policy) = &self.trust.policy {
            let quorum = policy.check_quorum(checkpoint);
            quorum.map_err(|e| VerifyError::new(FailureClass::Quorum, path, e))?;
        }
        Ok(())
    }
}

/// Whether a checkpoint states a head that the walk over the log has confirmed.
fn is_head_of_log<R: Read + Seek>(pack: &Pack<R>, log: &Report, checkpoint: &SignedCheckpoint) -> bool {
    let head = checkpoint.checkpoint();
    if head.size == log.size {
        return head.root == log.root;
    }
    let path = format!("log/checkpoints/{}", head.size);
    let Ok(Some(bytes)) = pack.contents(&path, MAX_NOTE_BYTES) else { return false };
    SignedCheckpoint::parse(&bytes).is_ok_and(|known| known.checkpoint().root == head.root)
}

/// Every file stands in the manifest with its length and digest, and the other way round.
fn check_complete<R: Read + Seek>(pack: &Pack<R>, manifest: &Manifest) -> Result<(), VerifyError> {
    for pair in manifest.files.windows(2) {
        if pair[0].path >= pair[1].path {
            return Err(malformed(MANIFEST_PATH, format_args!("{:?} is listed out of order", pair[1].path)));
        }
    }
    for file in &manifest.files {
        let Some(member) = pack.members().get(&file.path) else {
            return Err(malformed(&file.path, "is listed in pack.json but missing"));
        };
        if member.bytes != file.bytes || member.sha256 != file.sha256 {
            return Err(malformed(&file.path, "was changed: length or SHA-256 is not that of pack.json"));
        }
    }
    // Names are unique on both sides, so equal counts mean equal sets.
    if pack.members().len() != manifest.files.len() + 1 {
        let listed = |path: &str| manifest.files.binary_search_by(|f| f.path.as_str().cmp(path)).is_ok();
        let extra = pack.members().keys().find(|path| *path != MANIFEST_PATH && !listed(path));
        return Err(malformed(extra.map_or(README_PATH, |path| path), "is not listed in pack.json"));
    }
    Ok(())
}
