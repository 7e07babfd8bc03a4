//! The text and JSON formats: written, read back, and refused when they are not exactly right.

use std::fmt::Write as _;

use comptroller_ledger::cosignature::cosign;
use comptroller_ledger::entry::{EntryError, MAX_SAFE_INTEGER, length_bucket};
use comptroller_ledger::history::HistoryError;
use comptroller_ledger::memory::MemoryLog;
use comptroller_ledger::proof_file::{ProofFileError, TlogProof};
use comptroller_ledger::quorum::{PolicyError, PolicyLineError};
use comptroller_ledger::verify::verify_log;
use comptroller_ledger::witness::{
    AddCheckpointRequest, WitnessState, parse_conflict, parse_response, response,
};
use comptroller_ledger::{
    Commitment, Entry, FailureClass, KeyHistory, Policy, RotationStatement, SignedCheckpoint, SigningKey,
    Trust, leaf_hash,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{ORIGIN, TestLog, entry, key};

fn witness(seed: u8) -> SigningKey {
    SigningKey::new_cosignature(&format!("witness.example/w{seed}"), &[seed; 32]).unwrap()
}

fn cosigned(log: &TestLog, by: &[u8]) -> SignedCheckpoint {
    let mut signed = log.signed();
    for seed in by {
        let line = cosign(signed.note().text(), &witness(*seed), 1_700_000_000).unwrap();
        signed.add_signature(line);
    }
    signed
}

fn policy_text(log: &TestLog) -> String {
    let mut text = format!("# who may vouch\nlog {} https://ledger.example/\n\n", log.vkey());
    for seed in 10..16_u8 {
        writeln!(text, "witness\tW{seed}  {}", witness(seed).verifier_key()).unwrap();
    }
    text + "group X 2 W10 W11 W12\ngroup Y any W13 W14 W15\ngroup both all X Y\nquorum both\n"
}

/// one-vote, and the two-level example of the specification.
#[test]
fn one_vote() {
    let log = TestLog::of(3);
    let text = policy_text(&log);
    let policy = Policy::parse(text.as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().count()), (1, 6));
    let reached = |by: &[u8]| policy.check(&cosigned(&log, by));
    assert_eq!(reached(&[10, 12, 15]).unwrap().witnesses.len(), 3);
    for too_few in [&[][..], &[10, 15], &[10, 11, 12], &[10, 10, 15], &[13, 14, 15], &[90, 91, 92]] {
        assert!(matches!(reached(too_few), Err(PolicyError::Quorum { .. })), "{too_few:?}");
    }
    let mut spoiled = cosigned(&log, &[10, 12, 15]);
    let mut line = spoiled.note().signatures()[2].clone();
    line.bytes[20] ^= 1;
    spoiled.add_signature(line);
    assert!(matches!(policy.check(&spoiled), Err(PolicyError::Cosignature(_))));

    let again = |replace: &str, with: &str| Policy::parse(text.replace(replace, with).as_bytes());
    let line_error = |result: Result<Policy, PolicyError>| match result {
        Err(PolicyError::Line { source, .. }) => source,
        other => panic!("{other:?}"),
    };
    let twin = SigningKey::new_cosignature("witness.example/twin", &[10; 32]).unwrap().verifier_key();
    let twin = format!("witness twin {twin}\nquorum both");
    assert_eq!(line_error(again("quorum both", &twin)), PolicyLineError::DuplicateKey);
    assert!(matches!(line_error(again("any W13", "any W12 W13")), PolicyLineError::MemberTwice(_)));
    assert!(matches!(line_error(again("group Y", "group X")), PolicyLineError::NameTaken(_)));
    assert!(matches!(line_error(again("group Y", "group none")), PolicyLineError::NameTaken(_)));
    assert!(matches!(line_error(again("all X Y", "all X Z")), PolicyLineError::NameUnknown(_)));
    assert!(matches!(line_error(again("all X Y", "all both X Y")), PolicyLineError::NameUnknown(_)));
    for threshold in ["0", "4", "01", "-1", "most"] {
        let threshold = format!("X {threshold} W10");
        assert_eq!(line_error(again("X 2 W10", &threshold)), PolicyLineError::Threshold(3));
    }
    assert_eq!(line_error(again("quorum both", "quorum both\nquorum X")), PolicyLineError::SecondQuorum);
    assert_eq!(again("quorum both\n", ""), Err(PolicyError::NoQuorum));
    assert_eq!(line_error(again("quorum both", "quorum both X")), PolicyLineError::Form);
    assert_eq!(line_error(again("# who", "\r# who")), PolicyLineError::ControlCharacter(b'\r'));
    let swapped = format!("log {}", witness(10).verifier_key());
    assert_eq!(line_error(again("group X 2", &format!("{swapped}\ngroup X 2"))), PolicyLineError::KeyKind);
    assert!(again("quorum both", "quorum none").unwrap().check(&log.signed()).is_ok());
}

#[test]
fn policies_hold_32_of_each() {
    let mut text = String::new();
    let mut log = TestLog::of(1);
    for seed in 0..32_u8 {
        let log_key = SigningKey::new_note(ORIGIN, &[seed; 32]).unwrap().verifier_key();
        writeln!(text, "log {log_key}").unwrap();
        writeln!(text, "witness w{seed} {}", witness(seed).verifier_key()).unwrap();
        writeln!(text, "group g{seed} all w{seed}").unwrap();
    }
    text.push_str("quorum g31");
    log.key = key(31);
    let policy = Policy::parse(text.as_bytes()).unwrap();
    assert!(policy.check(&cosigned(&log, &[31])).is_ok());
    assert!(policy.check(&cosigned(&log, &[30])).is_err());
}

#[test]
fn verification_asks_for_the_quorum() {
    let log = TestLog::of(30);
    let trust =
        Trust { policy: Some(Policy::parse(policy_text(&log).as_bytes()).unwrap()), ..Trust::default() };
    assert_eq!(verify_log(&log.files(), &trust).unwrap_err().class, FailureClass::Quorum);
    let files = log.log.files(&cosigned(&log, &[10, 11, 13])).unwrap();
    let report = verify_log(&files, &trust).unwrap();
    assert_eq!((report.cosigned_by.len(), report.cosigned_by[0].time), (3, 1_700_000_000));
}

#[test]
fn proof_files_hold_for_their_entry_only() {
    let log = TestLog::of(700);
    let policy = Policy::single_log(log.vkey());
    for (index, extra) in [(0, None), (5, Some(b"note".to_vec())), (699, None)] {
        let hashes = log.log.prove_inclusion(index, 700).unwrap();
        let proof = TlogProof { extra, index, hashes, checkpoint: log.signed() };
        let text = proof.to_string();
        let read = TlogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(read, proof);
        let leaf = leaf_hash(log.log.entry(index).unwrap());
        read.verify(&leaf, &policy).unwrap();
        let other = leaf_hash(log.log.entry((index + 1) % 700).unwrap());
        assert!(matches!(read.verify(&other, &policy), Err(ProofFileError::Inclusion(_))));
        let stranger = Policy::single_log(key(9).verifier_key());
        assert!(matches!(read.verify(&leaf, &stranger), Err(ProofFileError::Policy(_))));
        for (from, to) in [
            ("@v1", "@v2"),
            ("index ", "index 0"),
            ("index ", "index"),
            ("=\n\n", "=\n"),
            ("extra ", "extra !"),
        ] {
            let bad = text.replacen(from, to, 1);
            assert!(bad == text || TlogProof::parse(bad.as_bytes()).is_err(), "{from:?} to {to:?}");
        }
        let long = text.replacen("\n\n", &format!("\n{}\n", format!("{}\n", leaf.to_base64()).repeat(64)), 1);
        assert_eq!(TlogProof::parse(long.as_bytes()), Err(ProofFileError::TooManyHashes));
    }
    // A log of one entry has a proof without hashes.
    let single = TestLog::of(1);
    let proof = TlogProof { extra: None, index: 0, hashes: Vec::new(), checkpoint: single.signed() };
    let read = TlogProof::parse(proof.to_string().as_bytes()).unwrap();
    read.verify(&leaf_hash(single.log.entry(0).unwrap()), &Policy::single_log(single.vkey())).unwrap();
}

fn request(log: &TestLog, old: u64) -> AddCheckpointRequest {
    let proof = log.log.prove_consistency(old, log.log.size()).unwrap();
    AddCheckpointRequest { old_size: old, proof, checkpoint: log.signed() }
}

/// witness-never-rolls-back, with the statuses of the specification.
#[test]
fn witness_never_rolls_back() {
    let (small, large) = (TestLog::of(5), TestLog::of(12));
    let trusted = [small.vkey()];
    let sent =
        |request: &AddCheckpointRequest| AddCheckpointRequest::parse(request.to_string().as_bytes()).unwrap();
    let state = WitnessState::default().add_checkpoint(&trusted, &sent(&request(&small, 0))).unwrap();
    assert_eq!(state.size, 5);
    let status = |state: &WitnessState, trusted: &[_], request: &AddCheckpointRequest| {
        state.add_checkpoint(trusted, request).map_err(|e| e.status())
    };
    let grown = state.add_checkpoint(&trusted, &sent(&request(&large, 5))).unwrap();
    assert_eq!((grown.size, grown.root), (12, large.log.checkpoint(ORIGIN).root));
    assert_eq!(status(&grown, &trusted, &request(&large, 12)), Ok(grown));
    assert_eq!(status(&state, &[], &request(&large, 5)), Err(404));
    assert_eq!(status(&state, &[key(8).verifier_key()], &request(&large, 5)), Err(403));
    let mut old_above = request(&small, 5);
    old_above.old_size = 6;
    assert_eq!(status(&state, &trusted, &old_above), Err(400));
    let conflict = grown.add_checkpoint(&trusted, &request(&small, 5)).unwrap_err();
    assert_eq!((conflict.status(), conflict.content_type()), (409, "text/x.tlog.size"));
    assert_eq!(parse_conflict(conflict.body().as_bytes()), Some(12));
    // A fork signed with the log's own key.
    let mut fork = TestLog::of(4);
    (0..8).for_each(|i| {
        fork.push("forked", "x.y", json!({ "i": i }));
    });
    assert_eq!(status(&state, &trusted, &request(&fork, 5)), Err(422));
    let mut same_size = TestLog::of(4);
    same_size.push("forked", "x.y", json!({}));
    assert_eq!(status(&state, &trusted, &request(&same_size, 5)), Err(422));
    let mut with_proof = request(&small, 0);
    with_proof.proof.push(leaf_hash(b""));
    assert_eq!(status(&WitnessState::default(), &trusted, &with_proof), Err(422));
    let body = request(&large, 5).to_string();
    for (from, to) in
        [("old 5", "old 05"), ("old 5", "new 5"), ("old 5", "old -5"), ("=\n\n", "=\n"), ("=\n", "\n")]
    {
        assert_eq!(
            AddCheckpointRequest::parse(body.replacen(from, to, 1).as_bytes()).unwrap_err().status(),
            400
        );
    }
}

#[test]
fn witness_answers_are_checked() {
    let log = TestLog::of(5);
    let (one, two) = (witness(1), witness(2));
    let body = response(&log.signed(), &[&one, &two], 99).unwrap();
    let accepted = parse_response(body.as_bytes(), &log.signed(), &[two.verifier_key()]).unwrap();
    assert_eq!((accepted.len(), accepted[0].1.timestamp), (1, Some(99)));
    assert!(parse_response(body.as_bytes(), &log.signed(), &[witness(3).verifier_key()]).is_err());
    assert!(parse_response(body.as_bytes(), &TestLog::of(6).signed(), &[two.verifier_key()]).is_err());
    assert!(parse_response(body.trim_end().as_bytes(), &log.signed(), &[two.verifier_key()]).is_err());
    assert!(parse_response(b"nonsense\n", &log.signed(), &[two.verifier_key()]).is_err());
}

#[test]
fn key_histories_are_strict() {
    let mut history = KeyHistory::new(key(1).verifier_key());
    history.rotate(key(2).verifier_key(), 10).unwrap();
    assert!(history.retire(&key(1).verifier_key(), 12));
    assert!(!history.retire(&key(1).verifier_key(), 15));
    let text = history.to_string();
    assert_eq!(KeyHistory::parse(&text), Ok(history.clone()));
    let at = |size| history.keys_at(size).len();
    assert_eq!([at(9), at(10), at(11), at(12)], [1, 2, 2, 1]);
    assert!(history.rotate(key(1).verifier_key(), 20).is_err());
    assert!(history.rotate(key(3).verifier_key(), 9).is_err());
    for (from, to) in [("v1", "v2"), ("until 12", "until 0"), ("from 10", "from 010"), ("key ", "key  ")] {
        assert!(KeyHistory::parse(&text.replacen(from, to, 1)).is_err(), "{from}");
    }
}

/// rotation-signed-by-both: no change of the statement survives.
#[test]
fn rotation_signed_by_both() {
    let good = RotationStatement::sign(&key(1), &key(2), 77).unwrap();
    assert_eq!(good.verify().unwrap(), (key(1).verifier_key(), key(2).verifier_key()));
    let spoiled = [
        RotationStatement { from_size: 78, ..good.clone() },
        RotationStatement { new_vkey: key(3).verifier_key().to_string(), ..good.clone() },
        RotationStatement { old_signature: good.new_signature.clone(), ..good.clone() },
        RotationStatement { new_signature: good.old_signature.clone(), ..good.clone() },
        RotationStatement { new_signature: String::new(), ..good.clone() },
    ];
    for statement in spoiled {
        assert!(matches!(statement.verify(), Err(HistoryError::Signature(_))));
    }
    let elsewhere = SigningKey::new_note("other.example/log", &[2; 32]).unwrap();
    assert!(matches!(RotationStatement::sign(&key(1), &elsewhere, 1), Err(HistoryError::Keys { .. })));
    assert!(matches!(RotationStatement::sign(&key(1), &key(1), 1), Err(HistoryError::Keys { .. })));
}

fn with_data(data: Value) -> Entry {
    entry("org", 0, 0, "x.y", data)
}

/// canonical-entry: one byte form only.
#[test]
fn canonical_entry() {
    let good = with_data(json!({ "b": 1, "a": [true, null, "é\u{20ac}\n"], "c": 0.1 }));
    let bytes = good.to_bytes().unwrap();
    assert_eq!(Entry::from_bytes(&bytes).unwrap(), good);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with(
        "{\"actor\":\"user-1\",\"commitments\":[],\"data\":{\"a\":[true,null,\"é€\\n\"],\"b\":1,\"c\":0.1}"
    ));
    for (from, to) in [
        ("{\"actor\"", "{ \"actor\""),
        ("\"b\":1,\"c\":0.1", "\"c\":0.1,\"b\":1"),
        ("\"b\":1,", "\"b\":1,\"b\":1,"),
        ("\"c\":0.1", "\"c\":0.10"),
        ("\"c\":0.1", "\"c\":1e-1"),
        ("\"b\":1", "\"b\":1.0"),
        ("é", "\\u00e9"),
        ("}", "}\n"),
    ] {
        let changed = text.replacen(from, to, 1);
        let trailing = if from == "}" { format!("{text}\n") } else { changed };
        assert_eq!(Entry::from_bytes(trailing.as_bytes()), Err(EntryError::NotCanonical), "{to}");
    }
    for (from, to) in
        [("\"v\":1", "\"v\":2"), ("\"v\":1", "\"v\":1,\"w\":1"), ("\"type\":\"x.y\",", ""), ("\"x.y\"", "7")]
    {
        assert!(Entry::from_bytes(text.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
    }
}

/// safe-numbers, and all other bounds of an entry.
#[test]
fn safe_numbers() {
    let refused = |change: &dyn Fn(&mut Entry)| {
        let mut entry = with_data(json!({}));
        change(&mut entry);
        entry.to_bytes().unwrap_err()
    };
    let field = |error: EntryError| match error {
        EntryError::Field { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(field(refused(&|e| e.stream_seq = MAX_SAFE_INTEGER + 1)), "stream_seq");
    assert_eq!(field(refused(&|e| e.occurred_at = i64::MIN)), "occurred_at");
    assert_eq!(field(refused(&|e| e.recorded_at = i64::MAX)), "recorded_at");
    for number in
        [json!(MAX_SAFE_INTEGER + 1), json!(-9_007_199_254_740_992_i64), json!(1e17), json!(u64::MAX)]
    {
        assert_eq!(field(refused(&|e| e.data = json!({ "deep": [number] }))), "data");
    }
    assert!(with_data(json!({ "n": MAX_SAFE_INTEGER, "m": -9_007_199_254_740_991_i64 })).to_bytes().is_ok());
    let nested = (0..40).fold(json!(1), |inner, _| json!({ "x": inner }));
    assert_eq!(field(refused(&|e| e.data = nested.clone())), "data");
    assert_eq!(field(refused(&|e| e.data = json!([1]))), "data");
    assert_eq!(field(refused(&|e| e.org = e.org.to_uppercase())), "org");
    assert_eq!(field(refused(&|e| e.stream.clear())), "stream");
    assert_eq!(field(refused(&|e| e.kind = "a\nb".to_owned())), "type");
    assert_eq!(field(refused(&|e| e.subjects = vec!["x".repeat(513)])), "subjects");
    assert_eq!(field(refused(&|e| e.idempotency_key = Some(String::new()))), "idempotency_key");
    let commitment = Commitment::new("a", "text/plain", &[0; 32], b"x");
    assert_eq!(
        field(refused(&|e| e.commitments = vec![commitment.clone(), commitment.clone()])),
        "commitments"
    );
    let odd = Commitment { length_bucket: 65, ..commitment.clone() };
    assert_eq!(field(refused(&|e| e.commitments = vec![odd.clone()])), "commitments.length_bucket");
    assert!(matches!(refused(&|e| e.data = json!({ "x": "y".repeat(65_536) })), EntryError::TooLong(_)));
    assert!(matches!(refused(&|e| e.v = 2), EntryError::Version(2)));
    assert_eq!([0, 64, 65, 128, 1000].map(length_bucket), [64, 64, 128, 128, 1024]);
    assert!(commitment.opens_with(&[0; 32], b"x"));
    assert!(!commitment.opens_with(&[1; 32], b"x") && !commitment.opens_with(&[0; 32], b"y"));
    assert!(!Commitment { length_bucket: 128, ..commitment }.opens_with(&[0; 32], b"x"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let safe = -(MAX_SAFE_INTEGER as i64)..=MAX_SAFE_INTEGER as i64;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        safe.prop_map(Value::from),
        (-1e15..1e15_f64).prop_map(Value::from),
        any::<f64>().prop_filter("in range", |f| f.abs() < 1.0).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// canonical-entry: whatever we write we read, byte for byte, fractions included.
    #[test]
    fn entries_read_back(value in any_json(), name in "[^\\p{Cc}]{1,40}") {
        let mut entry = with_data(json!({ "value": value }));
        entry.commitments = vec![Commitment::new(name, "text/plain", &[1; 32], b"payload")];
        let bytes = entry.to_bytes().unwrap();
        prop_assert_eq!(&bytes, &serde_json_canonicalizer::to_vec(&entry).unwrap());
        let read = Entry::from_bytes(&bytes);
        prop_assert!(read.is_ok(), "{:?} {}", read, String::from_utf8_lossy(&bytes));
        prop_assert_eq!(read.unwrap().to_bytes().unwrap(), bytes);
    }
}

#[test]
fn a_memory_log_has_no_tiles_beyond_its_size() {
    let log = MemoryLog::new();
    assert!(log.prove_inclusion(0, 2).is_err());
    assert!(log.entry(0).is_none());
}
