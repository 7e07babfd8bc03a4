//! The compact form of a proof: as small as it is said to be, and refused whatever byte of it is altered.

use comptroller_app::predictions::PredictionProof;
use comptroller_app::predictions::proof::{FORMAT, VERSION, verify};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::block::{Block, inclusion, seal};
use comptroller_lake::records::{Format, Records};
use comptroller_ledger::memory::MemoryLog;
use comptroller_ledger::{Entry, SignedCheckpoint, SigningKey, TlogProof, VerifierKey};
use serde_json::json;
use std::fmt::Write as _;

/// Records of the block, as many as one has.
const ROWS: usize = 65_536;
/// Entries of the log: a hundred million predictions in full blocks are 1,526 of them.
const ENTRIES: u64 = 100_000;
const NAMES: [&str; 15] = [
    "age",
    "amount",
    "balance",
    "city",
    "duration",
    "education",
    "employed_for",
    "housing",
    "income",
    "job",
    "loans",
    "purpose",
    "savings",
    "sex",
    "telephone",
];

/// A record of twenty fields: fifteen inputs of which three are texts, and five of its own.
fn line(row: usize) -> String {
    let mut inputs = String::new();
    for (at, name) in NAMES.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        match *name {
            "city" | "job" | "sex" => write!(inputs, "{comma}\"{name}\":\"class-{}\"", row % 7).unwrap(),
            _ => write!(inputs, "{comma}\"{name}\":{}.5", row * 31 + at).unwrap(),
        }
    }
    format!(
        "{{\"id\":\"0190a1b2-c3d4-7000-8000-{row:012}\",\"time\":\"2026-03-01T10:00:00Z\",\"prediction\":\"good\",\
         \"score\":0.{row},\"latency_us\":1200,\"inputs\":{{{inputs}}}}}\n"
    )
}

fn proof(key: &SigningKey) -> PredictionProof {
    let text: String = (0..ROWS).map(line).collect();
    let records = Records::read(RecordKind::Prediction, Format::Ndjson, text.as_bytes(), 0).unwrap();
    let sealed = seal(&records, &[9; 32]).unwrap();
    let block = Block::read(RecordKind::Prediction, sealed.parquet.clone()).unwrap();
    let leaves = block.leaves().unwrap();
    let (id, system) = ("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "0190a1b2-0001-7e5f-8a9b-0c1d2e3f4a5b");
    let (version, org) = ("0190a1b2-0002-7e5f-8a9b-0c1d2e3f4a5b", "0190a1b2-0003-7e5f-8a9b-0c1d2e3f4a5b");
    let entry = Entry {
        v: 1,
        org: org.into(),
        stream: format!("system/{system}"),
        stream_seq: 91_237,
        kind: "predictions.sealed".into(),
        occurred_at: 1_790_000_000_123_456,
        recorded_at: 1_790_000_000_234_567,
        actor: "system".into(),
        subjects: vec![format!("version/{version}"), format!("block/{id}")],
        idempotency_key: None,
        data: json!({
            "block": id, "records": "prediction", "system": system, "version": version, "environment": "production",
            "day": 20_513, "rows": ROWS, "root": sealed.root.to_string(),
            "digest": comptroller_ledger::digest(&sealed.parquet).to_string(), "bytes": sealed.parquet.len(),
            "filter_bytes": sealed.filter.len(), "first_at": "2026-03-01T10:00:00.000000Z",
            "last_at": "2026-03-01T10:00:00.123456Z"
        }),
        commitments: Vec::new(),
    };
    let entry = entry.to_bytes().unwrap();
    let mut log = MemoryLog::new();
    for number in 0..ENTRIES {
        log.append(if number == ENTRIES / 3 { entry.clone() } else { number.to_be_bytes().to_vec() });
    }
    let head = log.checkpoint(key.name());
    let log = TlogProof {
        extra: None,
        index: ENTRIES / 3,
        hashes: log.prove_inclusion(ENTRIES / 3, ENTRIES).unwrap(),
        checkpoint: SignedCheckpoint::sign(&head, &[key]).unwrap(),
    };
    let at = ROWS / 2 + 1;
    PredictionProof {
        format: FORMAT.into(),
        version: VERSION,
        record: block.records.fields(at),
        salt: hex::encode(block.salt(at)),
        index: at as u64,
        hashes: inclusion(&leaves, at),
        entry: String::from_utf8(entry).unwrap(),
        proof: log.to_string(),
    }
}

#[test]
fn a_proof_of_twenty_fields_in_a_full_block_and_a_long_log_takes_two_kilobytes() {
    let origin = "log.example.org/0190a1b2-0003-7e5f-8a9b-0c1d2e3f4a5b/1";
    let key = SigningKey::new_note(origin, &[3; 32]).unwrap();
    let keys: [VerifierKey; 1] = [key.verifier_key()];
    let proof = proof(&key);
    assert_eq!(proof.record.len(), 20);
    let compact = proof.to_compact().unwrap();
    let readable = serde_json::to_string(&proof).unwrap().len();
    println!("{} bytes, {readable} in the readable form", compact.len());
    assert!(compact.len() <= 2_048, "{} bytes, {readable} in the readable form", compact.len());
    assert_eq!(PredictionProof::from_compact(&compact).unwrap(), proof);
    let verified = verify(&compact, &keys, "proof").unwrap();
    assert_eq!((verified.record, verified.ledger_index), (proof.record.clone(), ENTRIES / 3));
    // Whatever byte is another one, it is another proof or none: never the same record with another value.
    for at in 0..compact.len() {
        let mut altered = compact.clone();
        altered[at] ^= 1;
        if let Ok(verified) = verify(&altered, &keys, "proof") {
            assert_eq!(verified.record, proof.record, "byte {at}");
        }
    }
}
