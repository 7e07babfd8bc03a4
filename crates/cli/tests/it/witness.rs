//! A witness that we did not write (`aics-witness`) stands beside the real server.

use crate::support::{Server, ended, run};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The Python with packages of others; without it the test is skipped, loudly, but for CI, which must have it.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn python() -> Option<PathBuf> {
    let variable = std::env::var_os("COMPTROLLER_TEST_PYTHON");
    if variable.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI needs COMPTROLLER_TEST_PYTHON");
        eprintln!("skipped: set COMPTROLLER_TEST_PYTHON to a Python with aics-witness and rfc3161-client");
    }
    variable.map(PathBuf::from)
}

/// A running third-party witness; ends with the value.
struct Foreign {
    child: Child,
    vkey: String,
    url: String,
    python: PathBuf,
    folder: PathBuf,
}

impl Foreign {
    /// A witness that trusts one log.
    fn start(python: &Path, folder: &Path, origin: &str, vkey: &str) -> Self {
        let folder = folder.join("witness");
        std::fs::create_dir(&folder).unwrap();
        let command = |words: &[&str]| {
            let mut command = Command::new(python);
            command.args(["-m", "aics_witness"]).args(words).current_dir(&folder);
            command
        };
        let run = |words: &[&str]| {
            let done = ended(&mut command(words));
            assert_eq!(done.code, Some(0), "{done:?}");
            done.stdout
        };
        // Never the default address, which other machines can reach.
        let init = ["init", "-c", "w.json", "--name", "witness.example/w1", "--listen", "127.0.0.1:0"];
        let witness_vkey = run(&init).trim().to_owned();
        run(&["add-log", "-c", "w.json", "--origin", origin, "--vkey", vkey]);
        let mut serve = command(&["serve", "-c", "w.json", "--listen", "127.0.0.1:0"]);
        let mut child = serve.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut url = None;
        while url.is_none() {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the witness ended");
            let found = line.split_once("listening on ").and_then(|(_, rest)| rest.split(' ').next());
            url = found.map(str::to_owned);
        }
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let url = url.unwrap();
        Self { child, vkey: witness_vkey, url, python: python.to_owned(), folder }
    }

    /// Log-signed requests that it refused as inconsistent.
    fn evidence(&self) -> String {
        let mut command = Command::new(&self.python);
        command.args(["-m", "aics_witness", "evidence", "-c", "w.json"]).current_dir(&self.folder);
        ended(&mut command).stdout
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(server: &Server) -> Value {
    server.call("", &["ledger", "status"]).json()
}

/// Waits until the witness has cosigned all that is signed, and that is at least `size` entries.
fn wait_until_witnessed(server: &Server, size: u64) -> u64 {
    let begun = Instant::now();
    loop {
        let status = status(server);
        let witnessed = status["witnessed_size"].as_u64().unwrap_or(0);
        if witnessed >= size && status["signed_size"] == status["size"] && witnessed == status["size"] {
            return witnessed;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn append_only_a_third_party_witness_cosigns_and_stops_a_restored_database() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let first = status(&server);
    let (origin, vkey) = (first["origin"].as_str().unwrap(), first["vkeys"][0].as_str().unwrap());
    let folder = server.stop();
    let witness = Foreign::start(&python, folder.path(), origin, vkey);
    let policy = format!("log {vkey}\nwitness w1 {} {}\nquorum w1\n", witness.vkey, witness.url);
    std::fs::write(folder.path().join("policy"), policy).unwrap();
    let config = "[witness]\npolicy = \"policy\"\nevery_seconds = 1\n";
    std::fs::write(folder.path().join("comptroller.toml"), config).unwrap();

    // Witnessed, and a pack passes the quorum.
    let server = Server::start_in(folder);
    let owner = server.bootstrap();
    server.call(&owner, &["service-account", "add", "audit"]).json();
    server.call(&owner, &["role", "grant", "audit", "auditor"]).json();
    server.call(&owner, &["token", "issue", "audit", "--label", "t", "--out", "audit"]).json();
    let old = wait_until_witnessed(&server, 1);
    server.call("", &["evidence", "pack", "--out", "pack.tar", "--token-file", "audit"]).json();
    let words = ["verify", "pack.tar", "--key", vkey, "--policy", "policy", "--format", "json"];
    let report = run(server.folder(), &words).json();
    assert_eq!(report["log"]["cosigned_by"][0]["vkey"], witness.vkey.as_str());
    wait_until_witnessed(&server, old);
    let folder = server.stop();

    // The whole data folder is kept aside, the log goes on, and the old folder is put back.
    let copy = |from: &str, to: &str| {
        let place = |name: &str| folder.path().join(name);
        let done = Command::new("cp").arg("-r").arg(place(from)).arg(place(to)).status().unwrap();
        assert!(done.success());
    };
    copy("comptroller-data", "backup");
    let server = Server::start_in(folder);
    server.call(&owner, &["team", "create", "later"]).json();
    let seen = wait_until_witnessed(&server, old + 1);
    let folder = server.stop();
    std::fs::rename(folder.path().join("comptroller-data"), folder.path().join("newer")).unwrap();
    std::fs::rename(folder.path().join("backup"), folder.path().join("comptroller-data")).unwrap();
    let server = Server::start_in(folder);
    assert!(server.greeting.contains("read-only"), "{}", server.greeting);
    let refused = server.call(&owner, &["team", "create", "forked"]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let now = status(&server);
    assert_eq!(now["read_only"], true);
    assert!(
        now["witnesses"][0]["last_error"].as_str().unwrap().contains(&format!("{seen} entries")),
        "{now}"
    );
    assert!(now["size"].as_u64().unwrap() < seen);
    // Nothing that contradicts its history was ever signed.
    assert_eq!(witness.evidence().trim(), "[]");
}
