//! Offline verification of a whole log: signatures, every tile, every entry, streams, keys and earlier heads.
//!
//! Must not take keys from what it verifies: they come from the auditor in [`Trust`].
//! INVARIANT (keys-from-the-auditor): a key found in a log counts only if a trusted key signed the hand-over to it.

mod blame;
mod error;
mod events;
mod prepare;
mod source;
mod timestamps;
mod walk;

use serde::Serialize;

pub use error::{FailureClass, VerifyError};
pub(crate) use prepare::{Prepared, in_windows};
pub use source::LogSource;
pub use timestamps::{CLOCK_SLACK_MICROS, TimestampReport, clock_problem};

use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::hash::Hash;
use crate::key::{KeyKind, VerifierKey};
use crate::note::Verified;
use crate::quorum::Policy;
use crate::tile::{EntryBundle, Tile};
use crate::timestamp::Anchors;
use events::Events;
use source::{Bundle, read_checkpoint, read_tile};
use walk::{ExpectedHeads, walk};

/// Most earlier checkpoints that are checked.
pub const MAX_EARLIER_CHECKPOINTS: usize = 1_000_000;

/// What the auditor brings along.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys that the auditor trusts for the log's origin.
    pub keys: Vec<VerifierKey>,
    /// Known witnesses and the quorum that the final checkpoint must reach; its logs are trusted as well.
    pub policy: Option<Policy>,
    /// Heads of this log that the auditor knows from before: the log must contain each of them.
    pub known_heads: Vec<Checkpoint>,
    /// Certificates that vouch for time-stamp authorities. With them, the log must have a time-stamp, and each must
    /// lead to one of them.
    pub timestamps: Option<Anchors>,
}

/// What was found true. States facts; draws no conclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Origin of the log.
    pub origin: String,
    /// Organisation of all entries; `None` in an empty log.
    pub org: Option<String>,
    /// Entries, all of them checked.
    pub size: u64,
    /// Root of the tree, recomputed from the entries.
    pub root: Hash,
    /// Streams, all of them dense.
    pub streams: u64,
    /// Recorded time of the first entry, in microseconds since 1970 UTC.
    pub first_recorded_at: Option<i64>,
    /// Recorded time of the last entry.
    pub last_recorded_at: Option<i64>,
    /// Trusted keys that signed the checkpoint.
    pub signed_by: Vec<String>,
    /// Key rotations in the log, each signed by both keys.
    pub rotations: Vec<RotationReport>,
    /// Witnesses of the policy that cosigned the checkpoint.
    pub cosigned_by: Vec<CosignatureReport>,
    /// Earlier checkpoints that were found in this same history.
    pub earlier_checkpoints: u64,
    /// Known heads of the auditor that were found in this same history.
    pub known_heads: u64,
    /// Time-stamps of heads of this history, rising by size.
    pub timestamps: Vec<TimestampReport>,
}

/// A key rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RotationReport {
    /// Index of its entry.
    pub index: u64,
    /// The key before.
    pub old_vkey: String,
    /// The key after.
    pub new_vkey: String,
    /// First size that the new key signs.
    pub from_size: u64,
}

/// A cosignature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CosignatureReport {
    /// Key of the witness.
    pub vkey: String,
    /// POSIX seconds at which the witness cosigned.
    pub time: u64,
}

/// Verifies a log from its checkpoint down to every entry.
///
/// Reads each file once, in order; memory is bounded by a window of bundles, a tile per level, the streams and the heads.
///
/// # Errors
/// The first failure, with its class and place.
pub fn verify_log(source: &dyn LogSource, trust: &Trust) -> Result<Report, VerifyError> {
    verify_log_with_keys(source, trust).map(|(report, _)| report)
}

/// As [`verify_log`]; also gives the keys that may have signed earlier heads of this same history.
pub(crate) fn verify_log_with_keys(
    source: &dyn LogSource,
    trust: &Trust,
) -> Result<(Report, Vec<VerifierKey>), VerifyError> {
    let signed = read_checkpoint(source, "checkpoint")?;
    let head = signed.checkpoint();
    let given = trust.keys_for(&head.origin);
    let key_error = |e: &dyn std::fmt::Display| VerifyError::new(FailureClass::Key, "checkpoint", e);
    // A bad signature by a given key ends it here; none at all may still be explained by a rotation in the log.
    let mut signers = signed.note().verify_any(&given).map_err(|e| key_error(&e))?;
    if given.is_empty() {
        let problem = format!("none of the given keys is for origin {:?}", head.origin);
        return Err(key_error(&problem));
    }
    let (heads, earlier) = expected_heads(source, head, &trust.known_heads)?;
    let mut events = Events::new(&head.origin);
    walk(source, head, &heads, &mut events)?;
    // INVARIANT (keys-from-the-auditor)
    if signers.is_empty() {
        signers = signed.verify(&events.successors_of(&given)).map_err(|e| key_error(&e))?;
    }
    let keys = events.all_keys_of(&given);
    check_earlier_signatures(source, &earlier, &keys)?;
    let witnesses = match &trust.policy {
        Some(policy) => policy
            .check_quorum(&signed)
            .map_err(|e| VerifyError::new(FailureClass::Quorum, "checkpoint", e))?,
        None => Vec::new(),
    };
    let timestamps = timestamps::check(source, head, &earlier, &events, trust)?;
    let report = Report {
        earlier_checkpoints: earlier.len() as u64,
        known_heads: trust.known_heads.len() as u64,
        timestamps,
        ..report(head, &events, &signers, &witnesses)
    };
    Ok((report, keys))
}

/// Reads one entry of a log that [`verify_log`] accepted.
pub(crate) fn read_entry(source: &dyn LogSource, index: u64, size: u64) -> Result<Vec<u8>, VerifyError> {
    let outside =
        || VerifyError::entry(FailureClass::Malformed, index, format_args!("is not in a log of {size}"));
    let bundle = EntryBundle::in_tree(index / 256, size).ok_or_else(outside)?;
    let read = Bundle::read(source, bundle)?;
    let entry = read.entries()?.get((index % 256) as usize).map(|entry| entry.to_vec());
    entry.ok_or_else(outside)
}

/// The leaf hash of an entry of a log that [`verify_log`] accepted: the walk found each hash of its tiles to be that of
/// the entry.
pub(crate) fn read_leaf(source: &dyn LogSource, index: u64, size: u64) -> Result<Hash, VerifyError> {
    let outside =
        || VerifyError::entry(FailureClass::Malformed, index, format_args!("is not in a log of {size}"));
    let tile = Tile::in_tree(0, index / 256, size).ok_or_else(outside)?;
    read_tile(source, tile)?.get((index % 256) as usize).copied().ok_or_else(outside)
}

impl Trust {
    /// Trusts these keys and nothing more.
    pub fn of_keys(keys: impl Into<Vec<VerifierKey>>) -> Self {
        Self { keys: keys.into(), ..Self::default() }
    }

    fn keys_for(&self, origin: &str) -> Vec<VerifierKey> {
        let of_policy = self.policy.iter().flat_map(|policy| policy.logs().iter().map(|log| &log.key));
        let mut keys: Vec<VerifierKey> = Vec::new();
        for key in self.keys.iter().chain(of_policy) {
            if key.kind() == KeyKind::Note && key.name() == origin && !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }
}

/// The heads that the walk must pass through, and the sizes of the earlier checkpoints among them.
fn expected_heads(
    source: &dyn LogSource,
    head: &Checkpoint,
    known: &[Checkpoint],
) -> Result<(ExpectedHeads, Vec<u64>), VerifyError> {
    let mut heads = ExpectedHeads::new();
    let mut expect = |place: String, earlier: &Checkpoint| {
        if earlier.origin != head.origin {
            let problem = format!("is of origin {:?}, the log of {:?}", earlier.origin, head.origin);
            return Err(VerifyError::new(FailureClass::Malformed, place, problem));
        }
        if earlier.size > head.size {
            let problem = format!("has size {}, the log ends at {}", earlier.size, head.size);
            return Err(VerifyError::new(FailureClass::Truncated, place, problem));
        }
        heads.entry(earlier.size).or_default().push((place, earlier.root));
        Ok(())
    };
    for (position, earlier) in known.iter().enumerate() {
        expect(format!("known head {}", position + 1), earlier)?;
    }
    let sizes = source
        .checkpoint_sizes()
        .map_err(|e| VerifyError::new(FailureClass::Unreadable, "checkpoints", e))?;
    if sizes.len() > MAX_EARLIER_CHECKPOINTS {
        let problem = format!("{} earlier checkpoints, the limit is {MAX_EARLIER_CHECKPOINTS}", sizes.len());
        return Err(VerifyError::new(FailureClass::Malformed, "checkpoints", problem));
    }
    for size in &sizes {
        let path = format!("checkpoints/{size}");
        let earlier = read_checkpoint(source, &path)?;
        if earlier.checkpoint().size != *size {
            let problem = format!("states size {}", earlier.checkpoint().size);
            return Err(VerifyError::new(FailureClass::Malformed, path, problem));
        }
        expect(path, earlier.checkpoint())?;
    }
    Ok((heads, sizes))
}

fn check_earlier_signatures(
    source: &dyn LogSource,
    sizes: &[u64],
    keys: &[VerifierKey],
) -> Result<(), VerifyError> {
    for size in sizes {
        let path = format!("checkpoints/{size}");
        let earlier: SignedCheckpoint = read_checkpoint(source, &path)?;
        earlier.verify(keys).map_err(|e| VerifyError::new(FailureClass::Key, path, e))?;
    }
    Ok(())
}

/// What the head and the entries say; what was found beside them is counted by the caller.
fn report(head: &Checkpoint, events: &Events, signers: &[Verified], witnesses: &[Verified]) -> Report {
    let rotations = events.rotations.iter().map(|r| RotationReport {
        index: r.index,
        old_vkey: r.old.to_string(),
        new_vkey: r.new.to_string(),
        from_size: r.from_size,
    });
    let cosigned = witnesses
        .iter()
        .map(|w| CosignatureReport { vkey: w.key.to_string(), time: w.timestamp.unwrap_or(0) });
    Report {
        origin: head.origin.clone(),
        org: events.org.clone(),
        size: head.size,
        root: head.root,
        streams: events.streams.len() as u64,
        first_recorded_at: events.first_recorded_at,
        last_recorded_at: events.last_recorded_at,
        signed_by: signers.iter().map(|s| s.key.to_string()).collect(),
        rotations: rotations.collect(),
        cosigned_by: cosigned.collect(),
        earlier_checkpoints: 0,
        known_heads: 0,
        timestamps: Vec::new(),
    }
}
