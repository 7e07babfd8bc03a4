//! An RFC 3161 authority that is not ours (OpenSSL) stamps the log of the real server; an auditor checks it offline.

use crate::authority::{Authority, GOOD, openssl};
use crate::authority_server::{AuthorityServer, Mode};
use crate::support::{Server, ended, run};
use crate::witness::python;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A server whose log is stamped every second, its owner's token, and its folder with the authority's CA in it.
fn start(authority: &AuthorityServer) -> (Server, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = &authority.url;
    let config = format!("[timestamp]\nurl = \"{url}\"\nca = \"ca.pem\"\nevery_seconds = 1\n");
    std::fs::write(folder.path().join("comptroller.toml"), config).unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.authority.ca()).unwrap();
    let server = Server::start_in(folder);
    let owner = server.bootstrap();
    server.call(&owner, &["service-account", "add", "audit"]).json();
    server.call(&owner, &["role", "grant", "audit", "auditor"]).json();
    server.call(&owner, &["token", "issue", "audit", "--label", "t", "--out", "audit"]).json();
    (server, owner)
}

fn status(server: &Server) -> Value {
    server.call("", &["ledger", "status"]).json()
}

/// Waits until a head of at least `size` entries is stamped.
fn wait_until_stamped(server: &Server, size: u64) -> Value {
    let begun = Instant::now();
    loop {
        let status = status(server);
        if status["time_stamp"]["stamped_size"].as_u64().unwrap_or(0) >= size {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The text that was stamped: a signed note up to its first empty line.
fn note_text(note: &str) -> String {
    format!("{}\n", note.split_once("\n\n").unwrap().0)
}

#[test]
fn a_stamped_log_is_exported_and_verified_with_the_authority_and_without() {
    let Some(program) = openssl() else { return };
    let authority = AuthorityServer::start(Authority::new(program.clone(), GOOD));
    let (server, owner) = start(&authority);
    let status = wait_until_stamped(&server, 1);
    assert_eq!(status["time_stamp"]["authority"], "Test Authority");
    assert_eq!(status["time_stamp"]["last_error"], Value::Null);
    assert!(!status["time_stamp"].to_string().contains("127.0.0.1"), "{status}");
    server.call(&owner, &["team", "create", "later"]).json();
    server.call("", &["evidence", "pack", "--out", "pack.tar", "--token-file", "audit"]).json();

    let vkey = status["vkeys"][0].as_str().unwrap();
    let folder = server.folder();
    let verify = |path: &str, more: &[&str]| {
        run(folder, &[&["verify", path, "--key", vkey, "--format", "json"], more].concat())
    };
    let report = verify("pack.tar", &["--timestamp-ca", "ca.pem"]).json();
    let stamps = report["log"]["timestamps"].as_array().unwrap().clone();
    assert!(stamps.len() >= 2, "{report}");
    assert_eq!(stamps.last().unwrap()["size"], report["log"]["size"]);
    assert!(stamps.iter().all(|stamp| stamp["is_trusted"] == true));
    let report = verify("pack.tar", &[]).json();
    assert!(report["log"]["timestamps"][0]["is_trusted"] == false, "{report}");
    let text = run(folder, &["verify", "pack.tar", "--key", vkey]).stdout;
    assert!(text.contains("says Test Authority (authority not checked, see --timestamp-ca)"), "{text}");
    // What an auditor does by hand, and what a client says that we did not write.
    others_agree(&authority, folder, report["log"]["size"].as_u64().unwrap());

    // Another authority, a file that is none, a token that was touched, and tokens that were left out.
    let stranger = Authority::new(program, GOOD);
    std::fs::write(folder.join("stranger.pem"), stranger.ca()).unwrap();
    let refused = verify("pack.tar", &["--timestamp-ca", "stranger.pem"]).refused(20);
    assert!(refused["problem"].as_str().unwrap().contains("trusted authority"), "{refused}");
    let refused = verify("pack.tar", &["--timestamp-ca", "comptroller.toml"]).refused(5);
    assert!(refused["detail"].as_str().unwrap().contains("0 certificates"), "{refused}");
    let name = format!("timestamps/{}.tst", report["log"]["size"]);
    let place = folder.join("unpacked/log").join(&name);
    let token = std::fs::read(&place).unwrap();
    let mut pack = std::fs::read(folder.join("pack.tar")).unwrap();
    let at = pack.windows(token.len()).position(|window| window == token).unwrap();
    pack[at + token.len() - 1] ^= 1;
    std::fs::write(folder.join("tampered.tar"), pack).unwrap();
    for more in [&["--timestamp-ca", "ca.pem"][..], &[]] {
        let refused = verify("tampered.tar", more).refused(20);
        assert_eq!(
            (refused["code"].as_str(), refused["place"].as_str()),
            (Some("timestamp"), Some(&name[..]))
        );
    }
    assert_eq!(verify("unpacked", &["--timestamp-ca", "ca.pem"]).code, Some(0));
    std::fs::remove_dir_all(folder.join("unpacked/log/timestamps")).unwrap();
    verify("unpacked", &["--timestamp-ca", "ca.pem"]).refused(20);
}

/// The token of the pack's head, by OpenSSL and by `rfc3161-client`: good about the text, bad about another one.
fn others_agree(authority: &AuthorityServer, folder: &Path, size: u64) {
    std::fs::create_dir(folder.join("unpacked")).unwrap();
    let mut tar = Command::new("tar");
    assert_eq!(ended(tar.args(["-xf", "pack.tar", "-C", "unpacked"]).current_dir(folder)).code, Some(0));
    let note = std::fs::read_to_string(folder.join("unpacked/log/checkpoint")).unwrap();
    std::fs::write(folder.join("text"), note_text(&note)).unwrap();
    std::fs::write(folder.join("note"), &note).unwrap();
    let token = format!("unpacked/log/timestamps/{size}.tst");
    let bytes = std::fs::read(folder.join(&token)).unwrap();
    assert!(authority.authority.openssl_accepts(&bytes, note_text(&note).as_bytes()));
    assert!(!authority.authority.openssl_accepts(&bytes, note.as_bytes()));
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign/timestamp.py");
    for (text, code) in [("text", 0), ("note", 1)] {
        let mut command = Command::new(&python);
        command.arg("-B").arg(&script).args(["ca.pem", &token, text]).current_dir(folder);
        let verdict = ended(&mut command);
        assert_eq!(verdict.code, Some(code), "{verdict:?}");
    }
}

#[test]
fn a_failing_authority_shows_in_the_status_and_stops_nothing() {
    let Some(program) = openssl() else { return };
    let authority = AuthorityServer::start(Authority::new(program, GOOD));
    authority.set(Mode::Status(503));
    let (server, owner) = start(&authority);
    let begun = Instant::now();
    let mut shown = status(&server);
    while shown["time_stamp"]["last_error"].is_null() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{shown}");
        std::thread::sleep(Duration::from_millis(50));
        shown = status(&server);
    }
    assert_eq!(shown["time_stamp"]["last_error"], "it answered with HTTP status 503");
    assert!(shown["time_stamp"]["stamped_size"].is_null() && shown["read_only"] == false, "{shown}");
    server.call(&owner, &["team", "create", "later"]).json();
    authority.set(Mode::Honest);
    wait_until_stamped(&server, 1);
    assert!(status(&server)["time_stamp"]["last_error"].is_null());
}

#[test]
fn half_a_configuration_is_refused_with_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("none.pem"), "").unwrap();
    for (config, expected) in [
        ("url = \"https://tsa.example/\"", "timestamp.ca is not"),
        ("ca = \"none.pem\"", "timestamp.url is not"),
        ("url = \"http://tsa.example/\"\nca = \"none.pem\"", "timestamp.url: the address is not https"),
        ("url = \"https://tsa.example/\"\nca = \"none.pem\"", "timestamp.ca none.pem: "),
    ] {
        std::fs::write(folder.path().join("comptroller.toml"), format!("[timestamp]\n{config}\n")).unwrap();
        let refused = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
        assert!(!folder.path().join("comptroller-data").exists(), "nothing was made");
    }
}
