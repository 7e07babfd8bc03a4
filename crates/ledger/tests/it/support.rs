//! A log of well-formed events, to be verified or spoiled.

use comptroller_ledger::entry::{KIND_KEY_ROTATED, KIND_STREAM_HEADS};
use comptroller_ledger::memory::{LogFiles, MemoryLog};
use comptroller_ledger::streams::{StreamHead, StreamHeads, StreamMap};
use comptroller_ledger::{
    Commitment, Entry, RotationStatement, SignedCheckpoint, SigningKey, Trust, VerifierKey,
};
use serde_json::{Value, json};

pub(crate) const ORG: &str = "0191f2a0-7c1e-7d5a-8a00-00000000c0de";
pub(crate) const ORIGIN: &str = "ledger.example/0191f2a0-7c1e-7d5a-8a00-00000000c0de/1";

pub(crate) struct TestLog {
    pub(crate) log: MemoryLog,
    pub(crate) streams: StreamMap,
    pub(crate) key: SigningKey,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::new_note(ORIGIN, &[seed; 32]).unwrap()
}

pub(crate) fn entry(stream: &str, stream_seq: u64, index: u64, kind: &str, data: Value) -> Entry {
    Entry {
        v: 1,
        org: ORG.to_owned(),
        stream: stream.to_owned(),
        stream_seq,
        kind: kind.to_owned(),
        occurred_at: 1_700_000_000_000_000 + index as i64,
        recorded_at: 1_700_000_000_500_000 + index as i64,
        actor: "user-1".to_owned(),
        subjects: vec![format!("model-{}", index % 5)],
        idempotency_key: Some(format!("request-{index}")),
        data,
        commitments: Vec::new(),
    }
}

impl TestLog {
    pub(crate) fn new() -> Self {
        Self { log: MemoryLog::new(), streams: StreamMap::new(), key: key(1) }
    }

    /// A log of `size` plain events over seven streams.
    pub(crate) fn of(size: u64) -> Self {
        let mut log = Self::new();
        for i in 0..size {
            log.push(
                &format!("system-{}", i % 7),
                "model.version_registered",
                json!({ "number": i, "share": 0.25 }),
            );
        }
        log
    }

    pub(crate) fn push(&mut self, stream: &str, kind: &str, data: Value) -> u64 {
        self.push_with(stream, kind, data, Vec::new())
    }

    pub(crate) fn push_with(&mut self, stream: &str, kind: &str, data: Value, with: Vec<Commitment>) -> u64 {
        let seq = self.streams.get(stream).map_or(0, |head| head.count);
        let mut entry = entry(stream, seq, self.log.size(), kind, data);
        entry.commitments = with;
        self.push_entry(&entry)
    }

    pub(crate) fn push_entry(&mut self, entry: &Entry) -> u64 {
        let index = self.log.append(entry.to_bytes().unwrap());
        let head = StreamHead { count: entry.stream_seq + 1, last_index: index };
        self.streams.insert(entry.stream.clone(), head);
        index
    }

    pub(crate) fn push_heads(&mut self) -> u64 {
        let heads = StreamHeads::of(self.log.size(), &self.streams).unwrap();
        self.push("org", KIND_STREAM_HEADS, serde_json::to_value(heads).unwrap())
    }

    pub(crate) fn rotate(&mut self, new: SigningKey) -> u64 {
        let statement = RotationStatement::sign(&self.key, &new, self.log.size() + 1).unwrap();
        self.key = new;
        self.push("org", KIND_KEY_ROTATED, serde_json::to_value(statement).unwrap())
    }

    pub(crate) fn signed(&self) -> SignedCheckpoint {
        SignedCheckpoint::sign(&self.log.checkpoint(ORIGIN), &[&self.key]).unwrap()
    }

    pub(crate) fn files(&self) -> LogFiles {
        self.log.files(&self.signed()).unwrap()
    }

    pub(crate) fn vkey(&self) -> VerifierKey {
        self.key.verifier_key()
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::of_keys([self.vkey()])
    }
}
