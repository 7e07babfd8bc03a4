//! A log with time-stamps is verified with them, and every token must be about a head of this very log.

use comptroller_ledger::dir::DirSource;
use comptroller_ledger::memory::LogFiles;
use comptroller_ledger::{
    Anchors, FailureClass, Query, SignedCheckpoint, Trust, VerifyError, digest, verify_log,
};
use serde_json::json;

use crate::authority::{Authority, GOOD, flipped, openssl};
use crate::support::TestLog;

struct Scene {
    authority: Authority,
    log: TestLog,
    files: LogFiles,
}

fn token(authority: &Authority, head: &SignedCheckpoint) -> Vec<u8> {
    let query = Query::new(head.note().text().as_bytes(), [7; 8]);
    authority.token(&authority.answer(&query.to_der()))
}

/// A log of nine entries with time-stamps of its heads of five and nine; the first one is recorded in the log.
fn scene() -> Option<Scene> {
    let authority = Authority::new(openssl()?, GOOD);
    let mut log = TestLog::of(5);
    let earlier = log.signed();
    let first = token(&authority, &earlier);
    for _ in 0..3 {
        log.push("system-1", "model.version_registered", json!({}));
    }
    let stated = json!({ "size": 5, "authority": "Test Authority", "token": digest(&first).to_string() });
    log.push("org", "ledger.timestamped", stated);
    let mut files = log.files();
    files.0.insert("checkpoints/5".to_owned(), earlier.to_string().into_bytes());
    files.0.insert("timestamps/5.tst".to_owned(), first);
    files.0.insert("timestamps/9.tst".to_owned(), token(&authority, &log.signed()));
    Some(Scene { authority, log, files })
}

impl Scene {
    fn trust(&self) -> Trust {
        Trust { timestamps: Some(Anchors::from_pem(&self.authority.ca()).unwrap()), ..self.log.trust() }
    }

    /// How verification ends after a change of the files.
    fn refused(&self, change: impl Fn(&mut LogFiles)) -> VerifyError {
        let mut files = LogFiles(self.files.0.clone());
        change(&mut files);
        verify_log(&files, &self.trust()).unwrap_err()
    }
}

#[test]
fn every_time_stamp_is_reported_with_what_it_covers() {
    let Some(scene) = scene() else { return };
    let report = verify_log(&scene.files, &scene.trust()).unwrap();
    let sizes: Vec<u64> = report.timestamps.iter().map(|stamp| stamp.size).collect();
    assert_eq!(sizes, [5, 9]);
    assert!(report.timestamps.iter().all(|stamp| stamp.is_trusted && stamp.authority == "Test Authority"));
    assert_eq!(report.timestamps[0].last_recorded_at, Some(1_700_000_000_500_004));
    // Who brings no trusted certificate learns the same, and that nobody vouches for it.
    let report = verify_log(&scene.files, &scene.log.trust()).unwrap();
    assert!(report.timestamps.len() == 2 && report.timestamps.iter().all(|stamp| !stamp.is_trusted));
    // The same from a folder.
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in &scene.files.0 {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let report = verify_log(&DirSource::new(folder.path()), &scene.trust()).unwrap();
    assert_eq!(report.timestamps.len(), 2);
    std::fs::write(folder.path().join("timestamps/x"), b"").unwrap();
    let error = verify_log(&DirSource::new(folder.path()), &scene.trust()).unwrap_err();
    assert_eq!(error.class, FailureClass::Unreadable);
}

#[test]
fn a_token_that_is_not_about_its_head_is_refused() {
    let Some(scene) = scene() else { return };
    let swapped = scene.refused(|files| {
        let first = files.0["timestamps/5.tst"].clone();
        files.0.insert("timestamps/9.tst".to_owned(), first);
    });
    assert_eq!((swapped.class, swapped.place.as_str()), (FailureClass::Timestamp, "timestamps/9.tst"));
    assert!(swapped.problem.contains("other bytes"), "{swapped}");
    let changed = scene.refused(|files| {
        let token = flipped(&files.0["timestamps/5.tst"], 200);
        files.0.insert("timestamps/5.tst".to_owned(), token);
    });
    assert_eq!((changed.class, changed.place.as_str()), (FailureClass::Timestamp, "timestamps/5.tst"));
    let homeless = scene.refused(|files| {
        files.0.remove("checkpoints/5");
    });
    assert!(homeless.problem.contains("no checkpoint of 5 entries"), "{homeless}");
    let long = scene.refused(|files| {
        files.0.insert("timestamps/9.tst".to_owned(), vec![0; 70_000]);
    });
    assert_eq!(long.class, FailureClass::Malformed);
}

#[test]
fn who_asks_for_an_authority_gets_one_or_a_refusal() {
    let Some(scene) = scene() else { return };
    let none = scene.refused(|files| {
        files.0.retain(|path, _| !path.starts_with("timestamps/"));
    });
    assert_eq!((none.class, none.place.as_str()), (FailureClass::Timestamp, "timestamps"));
    let stranger = Authority::new(openssl().unwrap(), GOOD);
    let trust = Trust { timestamps: Some(Anchors::from_pem(&stranger.ca()).unwrap()), ..scene.log.trust() };
    let error = verify_log(&scene.files, &trust).unwrap_err();
    assert_eq!(error.class, FailureClass::Timestamp);
    assert!(error.problem.contains("trusted authority"), "{error}");
}

#[test]
fn a_later_token_cannot_take_the_place_of_the_recorded_one() {
    let Some(scene) = scene() else { return };
    let earlier = SignedCheckpoint::parse(&scene.files.0["checkpoints/5"]).unwrap();
    let error = scene.refused(|files| {
        files.0.insert("timestamps/5.tst".to_owned(), token(&scene.authority, &earlier));
    });
    assert_eq!(error.class, FailureClass::Timestamp);
    assert!(error.problem.contains("not the token that the log recorded"), "{error}");
}

#[test]
fn a_log_cannot_record_a_time_stamp_of_what_was_not_there() {
    for (stated, expected) in [
        (json!({ "size": 3, "authority": "x", "token": "00".repeat(32) }), "were not there"),
        (json!({ "size": 2, "authority": "x", "token": "0" }), "time-stamp: "),
    ] {
        let mut log = TestLog::of(2);
        log.push("org", "ledger.timestamped", stated);
        let error = verify_log(&log.files(), &log.trust()).unwrap_err();
        assert_eq!((error.class, error.place.as_str()), (FailureClass::Timestamp, "entry 2"));
        assert!(error.problem.contains(expected), "{error}");
    }
}

#[test]
fn an_entry_that_claims_to_be_younger_than_its_time_stamp_is_refused() {
    let Some(openssl) = openssl() else { return };
    let authority = Authority::new(openssl, GOOD);
    let mut log = TestLog::of(2);
    let mut entry = crate::support::entry("system-9", 0, 2, "model.version_registered", json!({}));
    // In the year 2100.
    entry.recorded_at = 4_102_444_800_000_000;
    log.push_entry(&entry);
    let mut files = log.files();
    files.0.insert("timestamps/3.tst".to_owned(), token(&authority, &log.signed()));
    let error = verify_log(&files, &log.trust()).unwrap_err();
    assert_eq!(error.class, FailureClass::Timestamp);
    assert!(error.problem.contains("one of the clocks is wrong"), "{error}");
}
