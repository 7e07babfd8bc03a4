//! Every kind of tampering is refused, with its class and a message that names the place.

use std::sync::LazyLock;

use comptroller_ledger::dir::DirSource;
use comptroller_ledger::entry::{KIND_KEY_ROTATED, KIND_STREAM_HEADS};
use comptroller_ledger::memory::LogFiles;
use comptroller_ledger::streams::StreamHeads;
use comptroller_ledger::verify::verify_log;
use comptroller_ledger::{FailureClass, Hash, SignedCheckpoint, Trust, VerifyError, digest};
use serde_json::json;

use crate::support::{ORIGIN, TestLog, entry, key};

fn refusal(files: &LogFiles, trust: &Trust) -> VerifyError {
    verify_log(files, trust).unwrap_err()
}

/// 70,000 entries: three levels of tiles. Built once, because building is slow without optimisation.
fn large() -> (&'static TestLog, LogFiles) {
    static LARGE: LazyLock<(TestLog, LogFiles)> = LazyLock::new(|| {
        let log = TestLog::of(70_000);
        let files = log.files();
        (log, files)
    });
    (&LARGE.0, LARGE.1.clone())
}

fn expect(files: &LogFiles, trust: &Trust, class: FailureClass, place: &str) {
    let error = refusal(files, trust);
    assert_eq!((error.class, error.place.as_str()), (class, place), "{error}");
}

#[test]
fn a_true_log_verifies() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 1000] {
        let mut log = TestLog::of(size);
        if size == 1000 {
            log.push_heads();
            log.push_heads();
        }
        let report = verify_log(&log.files(), &log.trust()).unwrap();
        assert_eq!((report.size, report.root), (log.log.size(), log.log.checkpoint(ORIGIN).root));
        assert_eq!(report.streams, log.streams.len() as u64);
    }
}

/// recompute-everything: any byte of any file matters.
#[test]
fn recompute_everything() {
    let log = TestLog::of(600);
    let files = log.files();
    let trust = log.trust();
    for (path, bytes) in &files.0 {
        for at in [0, 1, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
            let mut spoiled = files.clone();
            spoiled.0.get_mut(path).unwrap()[at] ^= 1;
            let error = refusal(&spoiled, &trust);
            let classes: &[FailureClass] = match path.as_str() {
                "checkpoint" => &[FailureClass::Malformed, FailureClass::Key],
                p if p.starts_with("tile/entries/") => {
                    &[FailureClass::Entry, FailureClass::Malformed, FailureClass::Truncated]
                }
                _ => &[FailureClass::Tile],
            };
            assert!(classes.contains(&error.class), "{path} byte {at}: {error}");
            if error.class == FailureClass::Tile {
                assert_eq!(error.place, *path, "{error}");
            }
        }
    }
}

#[test]
fn flipped_entry_byte_names_the_entry() {
    let (log, mut files) = large();
    // Within the third entry of the second bundle, past two lengths and two entries.
    let bundle = files.0.get_mut("tile/entries/001").unwrap();
    let at = bundle.windows(14).position(|w| w == b"\"number\":258,\"").unwrap();
    bundle[at + 9] ^= 1;
    expect(&files, &log.trust(), FailureClass::Entry, "entry 258");
}

#[test]
fn flipped_tile_byte_names_the_tile() {
    let (log, true_files) = large();
    for path in ["tile/0/007", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
        let mut files = true_files.clone();
        files.0.get_mut(path).unwrap()[5] ^= 1;
        expect(&files, &log.trust(), FailureClass::Tile, path);
    }
}

#[test]
fn entry_and_its_tile_changed_together_are_still_found() {
    let (log, mut files) = large();
    let mut other = TestLog::new();
    for i in 0..600_u64 {
        let number = if i == 300 { 999_999 } else { i };
        other.push(&format!("system-{}", i % 7), "model.version_registered", json!({ "number": number }));
    }
    let forged = other.files();
    // The whole level 0 of the second tile and its entries come from elsewhere.
    for path in ["tile/0/001", "tile/entries/001"] {
        files.0.insert(path.to_owned(), forged.0[path].clone());
    }
    expect(&files, &log.trust(), FailureClass::Tile, "tile/0/001");
}

#[test]
fn wrong_key_is_refused() {
    let log = TestLog::of(10);
    expect(&log.files(), &Trust::of_keys([key(99).verifier_key()]), FailureClass::Key, "checkpoint");
    expect(&log.files(), &Trust::default(), FailureClass::Key, "checkpoint");
}

#[test]
fn swapped_entries_are_refused() {
    let log = TestLog::of(10);
    let mut files = log.files();
    let a = log.log.entry(3).unwrap();
    let b = log.log.entry(4).unwrap();
    assert_eq!(a.len(), b.len());
    let bundle = files.0.get_mut("tile/entries/000.p/10").unwrap();
    let at = bundle.windows(a.len()).position(|w| w == a).unwrap();
    bundle[at..at + a.len()].copy_from_slice(b);
    bundle[at + a.len() + 2..at + 2 * a.len() + 2].copy_from_slice(a);
    expect(&files, &log.trust(), FailureClass::Entry, "entry 3");
}

#[test]
fn truncated_log_is_refused() {
    let log = TestLog::of(600);
    for path in
        ["tile/entries/001", "tile/entries/002.p/88", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"]
    {
        let mut files = log.files();
        files.0.remove(path);
        let error = refusal(&files, &log.trust());
        assert_eq!((error.class, error.place.as_str()), (FailureClass::Truncated, path), "{error}");
    }
    // A whole but shorter log is refused by an auditor who knows the longer head.
    let shorter = TestLog::of(500);
    let known = log.signed().checkpoint().clone();
    let trust = Trust { known_heads: vec![known], ..log.trust() };
    expect(&shorter.files(), &trust, FailureClass::Truncated, "known head 1");
    assert_eq!(verify_log(&log.files(), &trust).unwrap().known_heads, 1);
}

#[test]
fn forked_head_is_refused() {
    let log = TestLog::of(600);
    // The log's own key signs another root at the same size.
    let mut files = log.files();
    let mut head = log.log.checkpoint(ORIGIN);
    head.root = digest(b"another history");
    let forged = SignedCheckpoint::sign(&head, &[&log.key]).unwrap();
    files.0.insert("checkpoint".to_owned(), forged.to_string().into_bytes());
    expect(&files, &log.trust(), FailureClass::Fork, "checkpoint");
    // An earlier head of another history, in the log's own list or known to the auditor.
    head.size = 300;
    let earlier = SignedCheckpoint::sign(&head, &[&log.key]).unwrap();
    let mut files = log.files();
    files.0.insert("checkpoints/300".to_owned(), earlier.to_string().into_bytes());
    expect(&files, &log.trust(), FailureClass::Fork, "checkpoints/300");
    let trust = Trust { known_heads: vec![head], ..log.trust() };
    expect(&log.files(), &trust, FailureClass::Fork, "known head 1");
}

#[test]
fn earlier_heads_of_this_history_are_accepted() {
    let log = TestLog::of(600);
    let mut files = log.files();
    for size in [0, 1, 256, 300, 599, 600] {
        let earlier = TestLog::of(size).signed();
        files.0.insert(format!("checkpoints/{size}"), earlier.to_string().into_bytes());
    }
    assert_eq!(verify_log(&files, &log.trust()).unwrap().earlier_checkpoints, 6);
    let stranger = SignedCheckpoint::sign(&TestLog::of(5).log.checkpoint(ORIGIN), &[&key(77)]).unwrap();
    files.0.insert("checkpoints/5".to_owned(), stranger.to_string().into_bytes());
    expect(&files, &log.trust(), FailureClass::Key, "checkpoints/5");
}

#[test]
fn streams_and_times_are_checked() {
    let cases: [(&str, u64, i64, FailureClass); 5] = [
        ("system-0", 2, 0, FailureClass::Stream),
        ("system-0", 0, 0, FailureClass::Stream),
        ("new", 1, 0, FailureClass::Stream),
        ("system-0", 1, -100, FailureClass::Timestamp),
        ("system-0", 1, 0, FailureClass::Entry),
    ];
    for (stream, seq, shift, class) in cases {
        let mut log = TestLog::of(7);
        let mut spoiled = entry(stream, seq, 7, "model.version_registered", json!({}));
        spoiled.recorded_at += shift;
        if class == FailureClass::Entry {
            spoiled.org = spoiled.org.replace("c0de", "c0df");
        }
        log.push_entry(&spoiled);
        expect(&log.files(), &log.trust(), class, "entry 7");
    }
    let mut log = TestLog::of(7);
    log.log.append(b"{ \"v\": 1 }".to_vec());
    expect(&log.files(), &log.trust(), FailureClass::Entry, "entry 7");
}

/// heads-cover-all-before: stated stream heads are recomputed.
#[test]
fn heads_cover_all_before() {
    let mut log = TestLog::of(20);
    log.push_heads();
    verify_log(&log.files(), &log.trust()).unwrap();
    let mut other = TestLog::of(20);
    let mut heads = StreamHeads::of(20, &other.streams).unwrap();
    heads.root = Hash::new([0; 32]);
    other.push("org", KIND_STREAM_HEADS, serde_json::to_value(heads).unwrap());
    expect(&other.files(), &other.trust(), FailureClass::Stream, "entry 20");
}

/// keys-from-the-auditor: a new key counts only if a trusted one handed over to it.
#[test]
fn keys_from_the_auditor() {
    let mut log = TestLog::of(300);
    let before = log.signed();
    let first = log.trust();
    log.rotate(key(2));
    log.push("org", "org.note", json!({}));
    let mut files = log.files();
    files.0.insert("checkpoints/300".to_owned(), before.to_string().into_bytes());
    // The auditor has the old key: the hand-over in the log leads to the new one.
    let report = verify_log(&files, &first).unwrap();
    assert_eq!(report.signed_by, [log.vkey().to_string()]);
    assert_eq!((report.rotations.len(), report.rotations[0].index), (1, 300));
    // The auditor has the new key: earlier heads by the old key are of the same history.
    verify_log(&files, &log.trust()).unwrap();
    // The old key alone may not sign the head for an auditor who trusts the new key.
    let by_old = SignedCheckpoint::sign(&log.log.checkpoint(ORIGIN), &[&key(1)]).unwrap();
    files.0.insert("checkpoint".to_owned(), by_old.to_string().into_bytes());
    expect(&files, &log.trust(), FailureClass::Key, "checkpoint");
    // A stranger who signs with a key of the same name is refused.
    expect(&files, &Trust::of_keys([key(50).verifier_key()]), FailureClass::Key, "checkpoint");
    // A rotation without the old key's signature.
    let mut forged = TestLog::of(3);
    let mut statement = comptroller_ledger::RotationStatement::sign(&key(1), &key(9), 4).unwrap();
    statement.old_signature = statement.new_signature.clone();
    forged.push("org", KIND_KEY_ROTATED, serde_json::to_value(statement).unwrap());
    expect(&forged.files(), &forged.trust(), FailureClass::Key, "entry 3");
}

#[test]
fn a_log_in_a_folder_verifies_and_full_tiles_serve_for_partial_ones() {
    let (log, grown) = (TestLog::of(600), TestLog::of(800));
    let folder = tempfile::tempdir().unwrap();
    let mut files = log.files();
    // The log has grown since: the partial tiles and bundles of 600 are gone, full ones stand in their place.
    files.0.retain(|path, _| !path.contains("002.p/"));
    for path in ["tile/0/002", "tile/entries/002"] {
        files.0.insert(path.to_owned(), grown.files().0[path].clone());
    }
    let earlier = TestLog::of(256).signed();
    files.0.insert("checkpoints/256".to_owned(), earlier.to_string().into_bytes());
    for (path, bytes) in &files.0 {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let source = DirSource::new(folder.path());
    let report = verify_log(&source, &log.trust()).unwrap();
    assert_eq!((report.size, report.earlier_checkpoints), (600, 1));
    std::fs::write(folder.path().join("tile/0/001"), vec![0; 9000]).unwrap();
    assert_eq!(verify_log(&source, &log.trust()).unwrap_err().class, FailureClass::Malformed);
    std::fs::remove_file(folder.path().join("tile/0/001")).unwrap();
    assert_eq!(verify_log(&source, &log.trust()).unwrap_err().class, FailureClass::Truncated);
}
