//! What must be true of the entries beyond their hashes: one organisation, dense streams, rising recorded times,
//! true stream heads, and key rotations signed by both keys.
//!
//! Must not touch hashes or files. Memory grows with the number of streams and rotations, not of entries.

use std::collections::{BTreeMap, btree_map};

use serde::Deserialize;

use super::error::{FailureClass, VerifyError};
use crate::entry::{Entry, EntryError, KIND_KEY_ROTATED, KIND_STREAM_HEADS, KIND_TIMESTAMPED};
use crate::hash::Hash;
use crate::history::RotationStatement;
use crate::key::VerifierKey;
use crate::streams::{StreamHead, StreamHeads, StreamMap};

/// A key rotation found in the log, with both signatures checked.
pub(super) struct Rotation {
    pub(super) index: u64,
    pub(super) old: VerifierKey,
    pub(super) new: VerifierKey,
    pub(super) from_size: u64,
}

/// Carries what earlier entries said.
pub(super) struct Events {
    origin: String,
    pub(super) org: Option<String>,
    pub(super) streams: StreamMap,
    pub(super) first_recorded_at: Option<i64>,
    pub(super) last_recorded_at: Option<i64>,
    pub(super) rotations: Vec<Rotation>,
    /// Digests of the tokens that the log recorded, by the size of their head.
    pub(super) timestamps: BTreeMap<u64, Vec<Hash>>,
}

/// What the log records of a time-stamp, as far as it is compared.
#[derive(Deserialize)]
struct Timestamped {
    size: u64,
    token: Hash,
}

impl Events {
    pub(super) fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            org: None,
            streams: StreamMap::new(),
            first_recorded_at: None,
            last_recorded_at: None,
            rotations: Vec::new(),
            timestamps: BTreeMap::new(),
        }
    }

    /// Takes the entry at `index`; entries come in order from 0.
    pub(super) fn take(&mut self, index: u64, entry: Result<Entry, EntryError>) -> Result<(), VerifyError> {
        let entry = entry.map_err(|e| VerifyError::entry(FailureClass::Entry, index, e))?;
        self.check_org(index, &entry)?;
        self.check_time(index, &entry)?;
        match entry.kind.as_str() {
            KIND_STREAM_HEADS => self.check_heads(index, &entry)?,
            KIND_KEY_ROTATED => self.check_rotation(index, &entry)?,
            KIND_TIMESTAMPED => self.take_timestamp(index, &entry)?,
            _ => {}
        }
        self.check_stream(index, entry)
    }

    fn check_org(&mut self, index: u64, entry: &Entry) -> Result<(), VerifyError> {
        match &self.org {
            Some(org) if *org == entry.org => Ok(()),
            Some(org) => {
                let problem =
                    format_args!("belongs to organisation {}, the log to {org}", entry.org).to_string();
                Err(VerifyError::entry(FailureClass::Entry, index, problem))
            }
            None => {
                self.org = Some(entry.org.clone());
                Ok(())
            }
        }
    }

    fn check_time(&mut self, index: u64, entry: &Entry) -> Result<(), VerifyError> {
        if let Some(last) = self.last_recorded_at.filter(|last| entry.recorded_at < *last) {
            let problem =
                format_args!("recorded at {}, the entry before at {last}", entry.recorded_at).to_string();
            return Err(VerifyError::entry(FailureClass::Timestamp, index, problem));
        }
        self.first_recorded_at.get_or_insert(entry.recorded_at);
        self.last_recorded_at = Some(entry.recorded_at);
        Ok(())
    }

    fn check_stream(&mut self, index: u64, entry: Entry) -> Result<(), VerifyError> {
        let stream = self.streams.entry(entry.stream);
        let expected = match &stream {
            btree_map::Entry::Vacant(_) => 0,
            btree_map::Entry::Occupied(known) => known.get().count,
        };
        if entry.stream_seq != expected {
            let problem = format_args!(
                "stream {:?} continues with number {}, expected {expected}",
                stream.key(),
                entry.stream_seq
            )
            .to_string();
            return Err(VerifyError::entry(FailureClass::Stream, index, problem));
        }
        stream.insert_entry(StreamHead { count: expected + 1, last_index: index });
        Ok(())
    }

    fn check_heads(&self, index: u64, entry: &Entry) -> Result<(), VerifyError> {
        let refused = |problem: String| VerifyError::entry(FailureClass::Stream, index, problem);
        let stated: StreamHeads =
            serde_json::from_value(entry.data.clone()).map_err(|e| refused(format!("stream heads: {e}")))?;
        // INVARIANT (heads-cover-all-before)
        let computed = StreamHeads::of(index, &self.streams).map_err(|e| refused(e.to_string()))?;
        if stated == computed {
            return Ok(());
        }
        Err(refused(format!(
            "states {} streams over {} entries with root {}, but the entries before it give {} over {} with root {}",
            stated.streams, stated.size, stated.root, computed.streams, computed.size, computed.root
        )))
    }

    fn check_rotation(&mut self, index: u64, entry: &Entry) -> Result<(), VerifyError> {
        let refused = |problem: String| VerifyError::entry(FailureClass::Key, index, problem);
        let statement: RotationStatement =
            serde_json::from_value(entry.data.clone()).map_err(|e| refused(format!("key rotation: {e}")))?;
        let (old, new) = statement.verify().map_err(|e| refused(format!("key rotation: {e}")))?;
        if statement.origin != self.origin {
            return Err(refused(format!("rotates a key of {}, not of this log", statement.origin)));
        }
        if !self.rotations.is_empty() && self.rotations.iter().all(|r| r.new != old && r.old != old) {
            return Err(refused(format!("rotates from {old}, which no earlier rotation introduced")));
        }
        self.rotations.push(Rotation { index, old, new, from_size: statement.from_size });
        Ok(())
    }

    fn take_timestamp(&mut self, index: u64, entry: &Entry) -> Result<(), VerifyError> {
        let refused = |problem: String| VerifyError::entry(FailureClass::Timestamp, index, problem);
        let stated: Timestamped =
            serde_json::from_value(entry.data.clone()).map_err(|e| refused(format!("time-stamp: {e}")))?;
        if stated.size > index {
            return Err(refused(format!(
                "records a time-stamp of {} entries, which were not there",
                stated.size
            )));
        }
        self.timestamps.entry(stated.size).or_default().push(stated.token);
        Ok(())
    }

    /// `given` and the keys that a trusted key agreed to hand over to.
    ///
    /// Trust goes forward only: a holder of a retired key must not be able to speak for the log again.
    pub(super) fn successors_of(&self, given: &[VerifierKey]) -> Vec<VerifierKey> {
        let mut trusted = given.to_vec();
        for rotation in &self.rotations {
            if trusted.contains(&rotation.old) && !trusted.contains(&rotation.new) {
                trusted.push(rotation.new.clone());
            }
        }
        trusted
    }

    /// As [`Events::successors_of`], and also the keys that handed over to a trusted one. Only for heads whose
    /// root has been recomputed from entries under a trusted head.
    pub(super) fn all_keys_of(&self, given: &[VerifierKey]) -> Vec<VerifierKey> {
        let mut known = self.successors_of(given);
        for rotation in self.rotations.iter().rev() {
            if known.contains(&rotation.new) && !known.contains(&rotation.old) {
                known.push(rotation.old.clone());
            }
        }
        known
    }
}
