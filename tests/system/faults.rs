//! Every file call of an append fails once, and the process dies once before each that writes: no acknowledged event
//! is lost, and the log never signs two heads that do not fit together.
//!
//! Covered are the calls of `WRITING` and `READING` on the database, its WAL, the guard and the published objects, by
//! their number within a thread. Not covered: `read` and `write` outside the guard's files, because the same calls serve
//! sockets, so the bytes of a new tile are failed at its open, sync and link only.
//!
//! `strace` attaches to a serving process and makes the N-th call of one kind fail with EIO, or kills the process
//! there. The act fills a tile, so that what is published (tile, bundle, guard, checkpoint) is part of it.
//! INVARIANT (append-only) and INVARIANT (one-transaction) are judged afterwards by a start on what is left, by the
//! doctor, and by a verification against every head that was ever shown.

use crate::api::Api;
use crate::servers::{provided, say};
use crate::support::{Server, command, ended, run, signal};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The next entry fills the first tile.
const ENTRIES: u64 = 255;
/// Calls that change files: fail, or kill the process before them.
const WRITING: &[&str] =
    &["pwrite64", "write", "fsync", "fdatasync", "ftruncate", "openat", "link", "linkat", "rename", "unlink"];
/// Calls that only read or lock: fail.
const READING: &[&str] = &["pread64", "read", "fcntl", "flock"];
/// Runs side by side; each mostly waits.
const WORKERS: usize = 4;
const STOP: Duration = Duration::from_secs(40);

/// One fault: the N-th call of this name in a thread, counted from the act on.
#[derive(Clone, Debug)]
struct Fault {
    call: &'static str,
    number: usize,
    what: &'static str,
}

/// A data folder whose log lacks one entry to a full tile, and who may act in it.
struct Base {
    folder: tempfile::TempDir,
    owner: String,
    /// The last signed head before any fault.
    head: PathBuf,
}

#[test]
fn every_file_call_of_an_append_may_fail() {
    let Some(strace) = provided("COMPTROLLER_TEST_STRACE") else { return };
    let base = base();
    let calls = calls_of_an_append(&strace, &base);
    let total: usize = calls.values().sum();
    assert!(total > 60 && calls["pwrite64"] > 10 && calls["fsync"] >= 2, "{calls:?}");
    let mut faults = Vec::new();
    for (call, count) in &calls {
        for number in 1..=*count {
            faults.push(Fault { call, number, what: "error=EIO" });
            if WRITING.contains(call) {
                faults.push(Fault { call, number, what: "signal=SIGKILL" });
            }
        }
    }
    let (next, verdicts) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let verdict = inject(&strace, &base, fault);
                    verdicts.lock().unwrap().push((fault, verdict));
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().unwrap();
    let bad: Vec<_> = verdicts.iter().filter_map(|(f, v)| v.as_ref().err().map(|said| (f, said))).collect();
    assert!(bad.is_empty(), "{} of {} faults: {bad:#?}", bad.len(), faults.len());
    let acknowledged = verdicts.iter().filter(|(_, verdict)| *verdict == Ok(true)).count();
    say(&format!("{} faults in {calls:?}: {acknowledged} acts acknowledged all the same", faults.len()));
    assert!(acknowledged > 0 && acknowledged < faults.len(), "faults hit both sides of the commit");
}

fn base() -> Base {
    let server = Server::start();
    let owner = server.bootstrap();
    let api = Api::new(&server.url, &owner);
    let mut size = api.get("/ledger")["size"].as_u64().unwrap();
    while size < ENTRIES {
        size =
            api.post("/teams", &format!("t-{size}"), &json!({"slug": format!("team-{size}")}))["ledger_index"]
                .as_u64()
                .unwrap() + 1;
    }
    let folder = server.stop();
    let head = folder.path().join("head-before");
    // The orderly stop has signed the head; a server without work shows it.
    let server = Server::start_in(folder);
    std::fs::write(&head, Api::new(&server.url, "none").read("/log/checkpoint").1).unwrap();
    Base { folder: server.stop(), owner, head }
}

/// A copy of the base with a server on it, and strace attached to the server with these words.
struct Patient {
    server: Server,
    strace: Child,
    trace: PathBuf,
}

impl Patient {
    fn admit(strace: &str, base: &Base, words: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = base.folder.path().join("comptroller-data");
        let copied = Command::new("cp").arg("-r").arg(from).arg(folder.path()).status().unwrap();
        assert!(copied.success());
        let server = Server::start_in(folder);
        let trace = server.path("trace");
        let process = server.child.as_ref().unwrap().id();
        let begun = Instant::now();
        let strace = loop {
            let mut strace = attach(strace, process, &trace, words);
            if every_thread_has(process, strace.id()) {
                break strace;
            }
            assert!(begun.elapsed() < STOP, "a thread of the server is never traced");
            signal("TERM", strace.id());
            strace.wait().unwrap();
        };
        Self { server, strace, trace }
    }

    /// The act; the index of its event if it was acknowledged.
    fn act(&self, base: &Base) -> Option<u64> {
        let answer = Api::new(&self.server.url, &base.owner).try_post("/teams", "the-act", &act());
        match answer {
            Ok((200..=299, answer)) => Some(answer["ledger_index"].as_u64().unwrap()),
            _ => None,
        }
    }

    /// Stops the server, which signs the head on its way, if it still lives; answers its folder.
    fn dismiss(mut self) -> tempfile::TempDir {
        let mut child = self.server.child.take().unwrap();
        if child.try_wait().unwrap().is_none() {
            signal("TERM", child.id());
        }
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > STOP {
                child.kill().unwrap();
                // It can lose a thread that began just when the process was killed, and then holds all the others.
                let _ = self.strace.kill();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.strace.wait().unwrap();
        std::mem::replace(&mut self.server.folder, tempfile::tempdir().unwrap())
    }
}

pub(crate) fn attach(strace: &str, process: u32, trace: &Path, words: &[&str]) -> Child {
    let mut strace = Command::new(strace);
    strace.args(["-f", "-y", "-p", &process.to_string(), "-o"]).arg(trace).args(words);
    let mut strace = strace.stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(strace.stderr.take().unwrap());
    said.read_line(&mut line).unwrap();
    assert!(line.contains("attached"), "{line}");
    // It also tells of every thread that begins, and lets the process go when nobody listens.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    strace
}

/// Whether this tracer has every thread: one that began while it went through the list of them is not followed, and
/// neither is any that it begins.
pub(crate) fn every_thread_has(process: u32, tracer: u32) -> bool {
    let expected = format!("TracerPid:\t{tracer}");
    std::fs::read_dir(format!("/proc/{process}/task")).unwrap().all(|thread| {
        // A thread that ended meanwhile makes no calls.
        let status = std::fs::read_to_string(thread.unwrap().path().join("status"));
        status.map_or(true, |status| status.lines().any(|line| line == expected))
    })
}

fn act() -> Value {
    json!({"slug": "the-act"})
}

/// How often one thread makes each call on files of the data folder, from the act to the end of the server.
fn calls_of_an_append(strace: &str, base: &Base) -> BTreeMap<&'static str, usize> {
    let names: Vec<&str> = WRITING.iter().chain(READING).copied().collect();
    let patient = Patient::admit(strace, base, &["-e", &format!("trace={}", names.join(","))]);
    assert!(patient.act(base).is_some());
    let trace = patient.trace.clone();
    let folder = patient.dismiss();
    let text = std::fs::read(&trace).unwrap();
    drop(folder);
    let mut counts: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    for line in String::from_utf8_lossy(&text).lines().filter(|line| line.contains("comptroller-data")) {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let call = rest.trim_start().split('(').next().unwrap_or_default();
        if let Some(name) = WRITING.iter().chain(READING).find(|name| **name == call) {
            *counts.entry((thread.to_owned(), name)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counts {
        let known = most.entry(call).or_default();
        *known = count.max(*known);
    }
    most
}

/// Whether the act was acknowledged under the fault; an error if anything was lost, doubled or forked.
fn inject(strace: &str, base: &Base, fault: &Fault) -> Result<bool, String> {
    let mut words =
        vec!["-e".to_owned(), format!("inject={}:{}:when={}", fault.call, fault.what, fault.number)];
    if matches!(fault.call, "read" | "write") {
        // These calls also serve sockets and the runtime's own wake-ups, which are no files.
        for path in guard_files(base) {
            words.extend(["-P".to_owned(), path]);
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let patient = Patient::admit(strace, base, &words);
    let acknowledged = patient.act(base);
    let folder = patient.dismiss();
    judge(folder, base, acknowledged).map(|()| acknowledged.is_some())
}

/// The guard's files as the server names them, relative to its working folder.
fn guard_files(base: &Base) -> Vec<String> {
    let folder = base.folder.path().join("comptroller-data/guard");
    let mark = std::fs::read_dir(&folder).unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".head").map(str::to_owned)
    });
    let mark = mark.unwrap();
    [".head", ".new"].map(|end| format!("comptroller-data/guard/{mark}{end}")).to_vec()
}

fn judge(folder: tempfile::TempDir, base: &Base, acknowledged: Option<u64>) -> Result<(), String> {
    let server = Server::start_in(folder);
    let api = Api::new(&server.url, &base.owner);
    if api.get("/ledger")["read_only"] != false {
        return Err(format!("read-only after a restart: {}", server.greeting));
    }
    // Repeated under its key, the act is there exactly once.
    let (status, answer) = api.try_post("/teams", "the-act", &act())?;
    let index = answer["ledger_index"].as_u64().filter(|_| (200..300).contains(&status));
    match (acknowledged, index) {
        (Some(before), Some(now)) if before == now => {}
        (None, Some(_)) => {}
        _ => return Err(format!("acknowledged {acknowledged:?}, repeated: {status} {answer}")),
    }
    let packed = server.call(&base.owner, &["evidence", "pack", "--out", "pack.tar"]);
    if packed.code != Some(0) {
        return Err(format!("{packed:?}"));
    }
    let status = server.call("", &["ledger", "status"]).json();
    let vkey = status["vkeys"][0].as_str().unwrap().to_owned();
    let folder = server.stop();
    verify(folder.path(), &vkey, &base.head)?;
    let doctor = run(folder.path(), &["doctor", "--rebuild-check", "--format", "json"]);
    if doctor.code == Some(0) { Ok(()) } else { Err(format!("doctor: {doctor:?}")) }
}

/// The log holds together and contains the head from before the fault.
fn verify(folder: &Path, vkey: &str, known: &Path) -> Result<(), String> {
    let mut verify = command(folder);
    verify.args(["verify", "pack.tar", "--key", vkey, "--known"]).arg(known);
    let verified = ended(&mut verify);
    if verified.code == Some(0) { Ok(()) } else { Err(format!("verify: {verified:?}")) }
}
