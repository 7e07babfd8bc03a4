//! Prediction records over kills and full disks: every acknowledged one is there once, none is there twice; and a proof
//! of one of them, judged by a program that shares no code with ours.
//!
//! INVARIANT (acknowledged-is-durable) and INVARIANT (once-only).

use crate::api::{Api, Tokens, register_scorer, set_up};
use crate::faults::{attach, every_thread_has};
use crate::servers::{provided, say};
use crate::support::{Server, signal};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often the server is killed.
const KILLS: usize = 8;
/// Senders at once; every second one sends labels.
const SENDERS: usize = 4;
/// Records of a batch.
const RECORDS: usize = 20;
/// Waiting for what has to happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// Segments of the log that a full disk may meet.
const SEGMENTS: usize = 64;

/// A batch, as it is sent again until it is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Batch {
    kind: &'static str,
    number: usize,
}

impl Batch {
    fn id(&self, record: usize) -> String {
        format!("p-{}-{record}", self.number)
    }

    fn body(&self) -> Value {
        let record = |at| match self.kind {
            "labels" => json!({"id": self.id(at), "time": "2026-03-02T10:00:00Z", "label": "good"}),
            _ => json!({
                "id": self.id(at), "time": "2026-03-01T10:00:00Z", "prediction": "good", "score": 0.25,
                "inputs": {"income": 1_000 + at, "embedding": [0.1, -0.25, at]}
            }),
        };
        json!({ "records": (0..RECORDS).map(record).collect::<Vec<_>>() })
    }

    fn send(&self, api: &Api) -> Result<(u16, Value), String> {
        let Self { kind, number } = self;
        api.try_post(
            &format!("/{kind}?version=scorer@v1&environment=dev&batch={kind}-{number}"),
            "unused",
            &self.body(),
        )
    }
}

/// A server with `scorer@v1` in dev.
fn serving(settings: &[(&str, &str)]) -> (Server, Tokens) {
    let server = Server::start_with(settings);
    let tokens = set_up(&server);
    std::fs::write(server.path("model.bin"), b"weights").unwrap();
    let stored = server.call(&tokens.builder, &["artifact", "upload", "model.bin"]).json();
    let builder = Api::new(&server.url, &tokens.builder);
    register_scorer(&builder, stored["id"].as_str().unwrap());
    let deploy = json!({"version": "scorer@v1", "environment": "dev", "reason": "a test"});
    builder.post("/deployments", "scorer-deployment", &deploy);
    (server, tokens)
}

/// Kills the server as the machine might, and starts another one on what is left.
fn kill(mut server: Server, settings: &[(&str, &str)]) -> Server {
    let mut child = server.child.take().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
    let working = folder.path().to_owned();
    Server::spawn(folder, &working, settings)
}

/// Records in all sealed blocks of a kind.
fn sealed_rows(auditor: &Api, records: &str) -> u64 {
    let blocks = auditor.all("/ledger/entries?kind=predictions.sealed");
    let of_kind = blocks.iter().filter(|item| item["entry"]["data"]["records"] == records);
    of_kind.map(|item| item["entry"]["data"]["rows"].as_u64().unwrap()).sum()
}

fn sealed_within(auditor: &Api, records: &str, rows: u64) {
    let begun = Instant::now();
    loop {
        let sealed = sealed_rows(auditor, records);
        assert!(sealed <= rows, "{records}: {sealed} are sealed, {rows} were sent");
        if sealed == rows {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{records}: {sealed} of {rows} are sealed");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_kill_at_any_moment_loses_and_doubles_no_record() {
    let settings = [("COMPTROLLER__LAKE__SEAL_SECONDS", "1")];
    let (mut server, tokens) = serving(&settings);
    let mut open: BTreeSet<Batch> = BTreeSet::new();
    let (mut next, mut unanswered) = (0, 0);
    let mut sent: BTreeSet<Batch> = BTreeSet::new();
    for _ in 0..KILLS {
        let mut random = [0; 1];
        getrandom::fill(&mut random).unwrap();
        let lost: Mutex<BTreeSet<Batch>> = Mutex::default();
        let url = server.url.clone();
        let work: Vec<Vec<Batch>> = (0..SENDERS)
            .map(|sender| {
                let kind = if sender % 2 == 0 { "predictions" } else { "labels" };
                let again = open.iter().filter(|batch| batch.number % SENDERS == sender).cloned();
                let fresh = (0..400).map(|at| Batch { kind, number: (next + at) * SENDERS + sender });
                again.chain(fresh).collect()
            })
            .collect();
        next += 400;
        let acknowledged: Mutex<BTreeSet<Batch>> = Mutex::default();
        std::thread::scope(|scope| {
            for batches in &work {
                let (lost, acknowledged, url, token) = (&lost, &acknowledged, &url, &tokens.builder);
                scope.spawn(move || {
                    let api = Api::new(url, token);
                    for batch in batches {
                        match batch.send(&api) {
                            Ok((200, _)) => drop(acknowledged.lock().unwrap().insert(batch.clone())),
                            Ok((status, answer)) => panic!("{batch:?}: {status} {answer}"),
                            // It may be on the disk, or not.
                            Err(_) => {
                                lost.lock().unwrap().insert(batch.clone());
                                return;
                            }
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(150 + u64::from(random[0]) * 8));
            signal("KILL", server.child.as_ref().unwrap().id());
        });
        let (lost, acknowledged) = (lost.into_inner().unwrap(), acknowledged.into_inner().unwrap());
        unanswered += lost.len();
        open = open.difference(&acknowledged).cloned().chain(lost).collect();
        sent.extend(acknowledged);
        server = kill(server, &settings);
    }
    let api = Api::new(&server.url, &tokens.builder);
    for batch in &open {
        assert_eq!(batch.send(&api).unwrap().0, 200);
    }
    sent.extend(open);
    assert!(sent.len() > KILLS * SENDERS && unanswered > 0, "{} batches, {unanswered} cut", sent.len());

    let auditor = Api::new(&server.url, &tokens.auditor);
    let (labels, predictions): (Vec<_>, Vec<_>) = sent.iter().partition(|batch| batch.kind == "labels");
    sealed_within(&auditor, "prediction", (predictions.len() * RECORDS) as u64);
    sealed_within(&auditor, "label", (labels.len() * RECORDS) as u64);
    // As many as were sent, and each of these is one of them: so each is there once.
    for batch in predictions {
        for record in [0, RECORDS - 1] {
            let shown = auditor.get(&format!("/systems/credit/predictions/{}", batch.id(record)));
            assert_eq!(shown["id"], json!(batch.id(record)));
        }
    }
    say(&format!("{KILLS} kills: {} batches acknowledged, {unanswered} cut off and sent again", sent.len()));
    let folder = server.stop();
    let doctor = crate::support::run(folder.path(), &["doctor", "--deep", "--rebuild-check"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let Some(strace) = provided("COMPTROLLER_TEST_STRACE") else { return };
    let settings = [("COMPTROLLER__LAKE__SEAL_SECONDS", "3600")];
    let (server, tokens) = serving(&settings);
    let api = Api::new(&server.url, &tokens.builder);
    let batch = |number| Batch { kind: "predictions", number };
    assert_eq!(batch(0).send(&api).unwrap().0, 200);
    let folder = server.folder().canonicalize().unwrap().join("comptroller-data/wal");
    let process = server.child.as_ref().unwrap().id();
    // Full when bytes are written, and full when they are synced: then they stand in the file all the same.
    let mut refused = 0;
    for (round, call) in ["write", "fdatasync"].into_iter().enumerate() {
        let mut words = vec!["-e".to_owned(), format!("inject={call}:error=ENOSPC")];
        for number in 1..=SEGMENTS {
            let segment = folder.join(format!("{number:016}.wal"));
            words.extend(["-P".to_owned(), segment.display().to_string()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut strace = attach(&strace, process, &server.path("trace"), &words);
        assert!(every_thread_has(process, strace.id()));
        for number in 0..3 {
            let (status, answer) = batch(1 + round * 3 + number).send(&api).unwrap();
            assert_eq!((status, answer["code"].as_str()), (507, Some("storage-full")), "{call}: {answer}");
            assert!(answer["detail"].as_str().unwrap().contains("nothing was taken"), "{answer}");
            refused += 1;
        }
        signal("TERM", strace.id());
        strace.wait().unwrap();
    }
    // There is room again: what was refused is sent again, and taken once.
    for number in 1..=refused {
        let (status, answer) = batch(number).send(&api).unwrap();
        assert_eq!((status, answer["repeated"].as_bool()), (200, Some(false)), "{answer}");
    }
    let server = kill(server, &[("COMPTROLLER__LAKE__SEAL_SECONDS", "1")]);
    let auditor = Api::new(&server.url, &tokens.auditor);
    sealed_within(&auditor, "prediction", ((refused + 1) * RECORDS) as u64);
    for number in 0..=refused {
        auditor.get(&format!("/systems/credit/predictions/{}", batch(number).id(RECORDS - 1)));
    }
}

#[test]
fn a_compact_proof_convinces_a_program_that_is_not_ours() {
    let Some(python) = provided("COMPTROLLER_TEST_PYTHON") else { return };
    let (server, tokens) = serving(&[("COMPTROLLER__LAKE__SEAL_SECONDS", "1")]);
    let batch = Batch { kind: "predictions", number: 7 };
    assert_eq!(batch.send(&Api::new(&server.url, &tokens.builder)).unwrap().0, 200);
    let id = batch.id(5);
    let begun = Instant::now();
    while server.call(&tokens.auditor, &["prediction", "prove", "credit", &id, "--out", "record.proof"]).code
        != Some(0)
    {
        assert!(begun.elapsed() < PATIENCE, "it is never proved");
        std::thread::sleep(Duration::from_millis(200));
    }
    let vkey = server.call("", &["ledger", "status"]).json()["vkeys"][0].as_str().unwrap().to_owned();
    let ours = server.call("", &["verify-prediction", "record.proof", "--key", &vkey]).json();
    let shown = ["prediction", "show", "credit", &id, "--prove", "--key", &vkey];
    let shown = server.call(&tokens.auditor, &shown).json();
    assert_eq!((&shown["proof"]["verified"], &shown["record"]), (&true.into(), &ours["record"]));

    let name = vkey.split_once('+').unwrap().0;
    let other = comptroller_ledger::SigningKey::new_note(name, &[9; 32]).unwrap().verifier_key().to_string();
    let refused =
        server.call(&tokens.auditor, &["prediction", "show", "credit", &id, "--prove", "--key", &other]);
    assert_eq!(refused.code, Some(11), "a key that did not sign proves nothing");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/foreign/prediction.py");
    let judge = |name: &str| {
        let mut judge = Command::new(&python);
        let ended = judge.arg("-B").args([script, &vkey]).arg(server.path(name)).output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
    };
    let (code, said) = judge("record.proof");
    assert_eq!(code, Some(0), "{said}");
    let theirs: Value = serde_json::from_str(&said).unwrap();
    for field in ours["record"].as_array().unwrap() {
        assert_eq!(theirs[field["name"].as_str().unwrap()], field["value"], "{field}");
    }
    // One bit anywhere is noticed, unless the record that it says stays the same.
    let whole = std::fs::read(server.path("record.proof")).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut broken = whole.clone();
        broken[at] ^= 4;
        std::fs::write(server.path("broken.proof"), broken).unwrap();
        let (code, said) = judge("broken.proof");
        assert!(
            code == Some(1) || serde_json::from_str::<Value>(&said).unwrap() == theirs,
            "byte {at}: {said}"
        );
    }
}
