//! Evidence packs: deterministic, verifiable, and refused with the right class after any tampering.

use std::io::Cursor;

use comptroller_ledger::pack::{
    KEY_HISTORY_PATH, Manifest, PackError, PackHeader, PackReport, PackWriter, Period, log_paths,
    opening_file, verify_pack,
};
use comptroller_ledger::proof_file::TlogProof;
use comptroller_ledger::{Commitment, FailureClass, KeyHistory, Trust, VerifyError};
use serde_json::json;

use crate::support::{ORG, ORIGIN, TestLog, key};

const SALT: [u8; 32] = [11; 32];
const PAYLOAD: &[u8] = b"{\"reason\":\"approved after review\"}";
const COMMITTED: u64 = 300;

/// A log with a commitment, a rotation and stream heads.
fn log() -> (TestLog, KeyHistory) {
    let mut log = TestLog::of(COMMITTED);
    let commitment = Commitment::new("reason", "application/json", &SALT, PAYLOAD);
    log.push_with("system-1", "approval.granted", json!({ "outcome": "allow" }), vec![commitment]);
    let mut history = KeyHistory::new(log.vkey());
    log.rotate(key(2));
    history.rotate(log.vkey(), 302).unwrap();
    log.push_heads();
    (log, history)
}

fn header(log: &TestLog) -> PackHeader {
    PackHeader {
        origin: ORIGIN.to_owned(),
        org: ORG.to_owned(),
        created_at: 1_700_000_100_000_000,
        size: log.log.size(),
        root: log.log.checkpoint(ORIGIN).root,
        period: Some(Period { from: 0, until: 1 }),
    }
}

/// The files of a pack in order. `spoil` may change them before they are written with a true manifest.
fn write(log: &TestLog, history: &KeyHistory, spoil: impl Fn(&str, &mut Vec<u8>)) -> Vec<u8> {
    let files = log.files();
    let mut members = vec![(KEY_HISTORY_PATH.to_owned(), history.to_string().into_bytes())];
    members.push(("log/checkpoint".to_owned(), files.0["checkpoint"].clone()));
    let earlier = TestLog::of(256).signed().to_string();
    members.push(("log/checkpoints/256".to_owned(), earlier.into_bytes()));
    for path in log_paths(log.log.size()) {
        let bytes = files.0[path.strip_prefix("log/").unwrap()].clone();
        members.push((path, bytes));
    }
    let opening = opening_file(COMMITTED, &[("reason", &SALT, PAYLOAD)]).unwrap();
    members.push((format!("openings/{COMMITTED}.json"), opening));
    members.push(("populations/models.csv".to_owned(), b"model,version\nm-1,1\n".to_vec()));
    let proof = TlogProof {
        extra: None,
        index: COMMITTED,
        hashes: log.log.prove_inclusion(COMMITTED, log.log.size()).unwrap(),
        checkpoint: log.signed(),
    };
    members.push((format!("proofs/{COMMITTED}.tlog-proof"), proof.to_string().into_bytes()));
    let mut writer = PackWriter::new(Vec::new(), header(log)).unwrap();
    for (path, bytes) in &mut members {
        spoil(path, bytes);
        if !bytes.is_empty() {
            writer.add(path, bytes).unwrap();
        }
    }
    writer.finish().unwrap()
}

fn verify(pack: &[u8], trust: &Trust) -> Result<PackReport, VerifyError> {
    verify_pack(Cursor::new(pack), trust)
}

/// same-bytes: equal contents give equal packs.
#[test]
fn same_bytes() {
    let (log, history) = log();
    let pack = write(&log, &history, |_, _| {});
    assert_eq!(pack, write(&log, &history, |_, _| {}));
    let report = verify(&pack, &Trust::of_keys([key(1).verifier_key()])).unwrap();
    assert_eq!((report.openings, report.proofs, report.log.earlier_checkpoints), (1, 1, 1));
    assert_eq!(report.log.size, 303);
    // Any tar program can read it.
    let mut archive = tar::Archive::new(Cursor::new(&pack));
    let names: Vec<String> =
        archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
    assert_eq!(names.len() as u64, report.files);
    assert_eq!((names[0].as_str(), names.last().unwrap().as_str()), ("README.txt", "pack.json"));
}

#[test]
fn tampering_is_named_even_with_a_true_manifest() {
    let (log, history) = log();
    let trust = Trust::of_keys([key(1).verifier_key()]);
    let cases: [(&str, usize, FailureClass, &str); 5] = [
        ("log/tile/entries/000", 60, FailureClass::Entry, "entry 0"),
        ("log/tile/0/000", 9, FailureClass::Tile, "tile/0/000"),
        ("log/checkpoint", 3, FailureClass::Key, "checkpoint"), // another origin, for which no key is given
        ("log/checkpoints/256", 3, FailureClass::Malformed, "checkpoints/256"),
        ("keys/history", 3, FailureClass::Malformed, "keys/history"),
    ];
    for (target, at, class, place) in cases {
        let pack = write(&log, &history, |path, bytes| {
            if path == target {
                bytes[at] ^= 1;
            }
        });
        let error = verify(&pack, &trust).unwrap_err();
        assert_eq!((error.class, error.place.as_str()), (class, place), "{target}: {error}");
    }
    let changed = write(&log, &history, |path, bytes| {
        if path.starts_with("openings/") {
            *bytes = opening_file(COMMITTED, &[("reason", &SALT, b"another reason")]).unwrap();
        }
    });
    let error = verify(&changed, &trust).unwrap_err();
    assert_eq!((error.class, error.place.as_str()), (FailureClass::Opening, "openings/300.json"));
    let missing = write(&log, &history, |path, bytes| {
        if path == "log/tile/entries/001.p/47" {
            bytes.clear();
        }
    });
    assert_eq!(verify(&missing, &trust).unwrap_err().class, FailureClass::Truncated);
    let moved = write(&log, &history, |path, bytes| {
        if path.starts_with("proofs/") {
            *bytes = String::from_utf8(bytes.clone()).unwrap().replace("index 300", "index 299").into_bytes();
        }
    });
    assert_eq!(verify(&moved, &trust).unwrap_err().class, FailureClass::Proof);
    let wrong_key = Trust::of_keys([key(40).verifier_key()]);
    assert_eq!(verify(&write(&log, &history, |_, _| {}), &wrong_key).unwrap_err().class, FailureClass::Key);
}

#[test]
fn a_stranger_in_the_key_history_is_refused() {
    let (log, mut history) = log();
    history.rotate(key(66).verifier_key(), 400).unwrap();
    let error = verify(&write(&log, &history, |_, _| {}), &log.trust()).unwrap_err();
    assert_eq!((error.class, error.place.as_str()), (FailureClass::Key, KEY_HISTORY_PATH));
}

#[test]
fn files_are_those_of_the_manifest() {
    let (log, history) = log();
    let pack = write(&log, &history, |_, _| {});
    // A changed population is found by its digest alone.
    let at = pack.windows(6).position(|w| w == b"m-1,1\n").unwrap();
    let mut changed = pack.clone();
    changed[at] = b'n';
    let error = verify(&changed, &log.trust()).unwrap_err();
    assert_eq!((error.class, error.place.as_str()), (FailureClass::Malformed, "populations/models.csv"));
    let manifest_at = pack.windows(11).position(|w| w == b"{\"created_a").unwrap();
    let end = pack[manifest_at..].iter().position(|b| *b == 0).unwrap();
    let manifest: Manifest = serde_json::from_slice(&pack[manifest_at..manifest_at + end]).unwrap();
    assert!(manifest.files.iter().any(|f| f.path == "populations/models.csv"));
}

/// plain-files-only: what a tar can hold beyond regular files with safe names is refused.
#[test]
fn plain_files_only() {
    let (log, history) = log();
    let pack = write(&log, &history, |_, _| {});
    let trust = log.trust();
    let with = |change: &dyn Fn(&mut tar::Header)| {
        let mut spoiled = pack.clone();
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(&pack[..512]);
        change(&mut header);
        header.set_cksum();
        spoiled[..512].copy_from_slice(header.as_bytes());
        verify(&spoiled, &trust).unwrap_err()
    };
    let name = |text: &'static str| {
        move |header: &mut tar::Header| {
            let field = &mut header.as_mut_bytes()[..100];
            field.fill(0);
            field[..text.len()].copy_from_slice(text.as_bytes());
        }
    };
    for bad in ["/etc/passwd", "../x", "a/../b", "a//b", "./a", "a\\b", "a b", ""] {
        assert_eq!(with(&name(bad)).class, FailureClass::Malformed, "{bad}");
    }
    for kind in
        [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Directory, tar::EntryType::XHeader]
    {
        assert_eq!(with(&|header| header.set_entry_type(kind)).class, FailureClass::Malformed);
    }
    assert_eq!(with(&|header| header.set_size(u64::from(u32::MAX))).class, FailureClass::Malformed);
    assert_eq!(with(&name("keys/history")).problem, "is in the pack twice");
    for cut in [0, 100, 512, 5_000, pack.len() - 1024, pack.len() - 1] {
        assert_eq!(verify(&pack[..cut], &trust).unwrap_err().class, FailureClass::Malformed, "{cut}");
    }
    assert!(verify(&[pack.as_slice(), b"x"].concat(), &trust).is_err());
    assert!(verify(&[pack.as_slice(), &pack].concat(), &trust).is_err());
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let (log, _) = log();
    let mut writer = PackWriter::new(Vec::new(), header(&log)).unwrap();
    assert!(matches!(writer.add("../up", b""), Err(PackError::Order { .. } | PackError::Path { .. })));
    assert!(matches!(writer.add("z/../up", b""), Err(PackError::Path { .. })));
    assert!(matches!(writer.add("pack.json", b""), Err(PackError::Path { .. })));
    writer.add("b", b"1").unwrap();
    assert!(matches!(writer.add("b", b"1"), Err(PackError::Order { .. })));
    assert!(matches!(writer.add("a", b"1"), Err(PackError::Order { .. })));
    assert!(matches!(writer.add_reader("c", 3, &b"12"[..]), Err(PackError::Length { .. })));
    assert!(matches!(writer.add_reader("d", 1, &b"12"[..]), Err(PackError::Length { .. })));
}
