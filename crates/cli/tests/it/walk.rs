//! The whole walk through the command line: register, approve, deploy, export, verify; and what a stopped server
//! leaves.

use crate::support::{Server, ended, run};
use comptroller_core::Clock as _;
use comptroller_core::time::SystemClock;
use serde_json::Value;
use std::path::Path;

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} in {value}"))
}

/// Adds a person with roles; answers the id and a token.
pub(crate) fn person(server: &Server, owner: &str, name: &str, roles: &[&str]) -> (String, String) {
    let email = format!("{name}@example.org");
    let added = server.call(owner, &["person", "add", "--name", name, "--email", &email]).json();
    let id = text(&added, "id").to_owned();
    for role in roles {
        server.call(owner, &["role", "grant", &id, role]).json();
    }
    let invited = server.call(owner, &["invitation", "issue", &id]).json();
    let words = ["invitation", "accept", "--label", "walk", "--days", "1"];
    let issued = server.call(text(&invited, "secret"), &words).json();
    (id, text(&issued, "secret").to_owned())
}

/// Registers team, system, dataset, artifact, model and version.
fn register(server: &Server, builder: &str, owner: &str) {
    server.call(owner, &["team", "create", "lending"]).json();
    let words =
        ["system", "register", "credit", "--team", "lending", "--title", "Credit", "--purpose", "Decide."];
    server.call(builder, &words).json();
    server.call(builder, &["system", "tag", "credit", "tier", "high"]).json();
    server.call(builder, &["dataset", "register", "loans", "--team", "lending", "--title", "Loans"]).json();
    let digest = "ab".repeat(32);
    let version = serde_json::json!({
        "label": "2025", "files": [{"name": "loans.parquet", "digest": digest, "bytes": 1000}], "rows": 100,
        "licence": "CC-BY-4.0", "collection": "operational", "legal_basis": "contract",
        "personal_data": ["financial"], "text": {"origin": "core banking, 2025"},
    });
    std::fs::write(server.path("loans.json"), version.to_string()).unwrap();
    server.call(builder, &["dataset", "register-version", "loans", "--file", "loans.json"]).json();
    std::fs::write(server.path("model.txt"), "a small model").unwrap();
    let stored = server.call(builder, &["artifact", "upload", "model.txt"]).json();
    let artifact = format!("model.txt={}", text(&stored, "id"));
    server.call(builder, &["model", "register", "credit", "score"]).json();
    let words = [
        "version",
        "register",
        "score",
        "--label",
        "v1",
        "--artifact",
        &artifact,
        "--training-started",
        "2026-01-01T00:00:00Z",
        "--training-ended",
        "2026-01-01T01:00:00Z",
        "--commit",
        "0123456789ab",
        "--dataset",
        "loans@2025=training",
        "--metric",
        "auc=0.8",
        "--seed",
        "-7",
        "--input",
        "amount=double",
        "--output",
        "score=double",
        "--hyperparameter",
        "depth=3",
        "--reproduce",
        "make train",
    ];
    server.call(builder, &words).json();
    let shown = server.call(builder, &["version", "show", "credit/score@v1"]).json();
    assert_eq!(shown["text"]["hyperparameters"]["depth"], 3);
    assert_eq!(shown["seed"], -7);
}

#[test]
fn from_registration_to_a_pack_that_verifies_without_a_server() {
    let server = Server::start();
    assert!(server.greeting.contains("log key: ") && server.greeting.contains("bootstrap-token"));
    let bootstrap = server.bootstrap();
    let (_, owner) = person(&server, &bootstrap, "olga", &["owner"]);
    let (_, builder) = person(&server, &owner, "bea", &["developer", "approver"]);
    let (_, anna) = person(&server, &owner, "anna", &["approver"]);
    let (arne_id, arne) = person(&server, &owner, "arne", &["risk-officer"]);
    let (dirk_id, dirk) = person(&server, &owner, "dirk", &["developer"]);
    let (_, deployer) = person(&server, &owner, "dora", &["deployer"]);
    let (_, auditor) = person(&server, &owner, "ali", &["auditor"]);
    server.call(&owner, &["service-account", "disable", "bootstrap"]).json();
    assert_eq!(server.call(&bootstrap, &["whoami"]).code, Some(6));
    register(&server, &builder, &owner);

    // The gate's answer is its exit code.
    let gate = ["gate", "score@v1", "production"];
    assert_eq!(server.call(&builder, &gate).code, Some(2), "staging comes first");
    server.call(&deployer, &["deploy", "score@v1", "staging", "--reason", "rehearsal"]).json();
    let review = server.call(&builder, &gate);
    assert_eq!(review.code, Some(3), "{review:?}");
    assert!(review.stdout.contains("approvals-missing"), "{review:?}");
    let shown = ended(&mut server.command(&builder, &gate));
    assert!(shown.stdout.starts_with("needs review: ") && shown.stdout.contains("  do: "), "{shown:?}");
    let early = server.call(&deployer, &["deploy", "score@v1", "production", "--reason", "early"]).refused(6);
    assert_eq!(text(&early, "code"), "denied");

    let words = ["approval", "request", "score@v1", "production", "--reason", "first version"];
    let approval = server.call(&builder, &words).json();
    let vote = |token: &str| {
        server.call(token, &["approval", "vote", text(&approval, "id"), "approve", "--comment", "read"])
    };
    assert_eq!(vote(&builder).code, Some(6), "the builder's own vote");
    // Anna has an authenticator app, and shows its code with her vote.
    let begun = server.call(&anna, &["factor", "begin"]).json();
    let enrol = ["factor", "enrol", text(&begun, "id"), "--label", "phone", "--first-code", &code(&begun, 0)];
    server.call(&anna, &enrol).json();
    assert_eq!(vote(&anna).code, Some(6), "without the code");
    let next = code(&begun, 30);
    let words = ["approval", "vote", text(&approval, "id"), "approve", "--comment", "read", "--code", &next];
    server.call(&anna, &words).json();
    // Arne is away, and Dirk votes for him.
    server.call(&arne, &["delegation", "create", &dirk_id, "--days", "7", "--reason", "on leave"]).json();
    let words = [
        "approval",
        "vote",
        text(&approval, "id"),
        "approve",
        "--comment",
        "read",
        "--in-stead-of",
        &arne_id,
    ];
    server.call(&dirk, &words).json();
    let listed = server.call(&auditor, &["delegation", "list", "--person", &dirk_id]).json();
    assert_eq!(listed["items"][0]["state"], "in-force");
    assert_eq!(server.call(&builder, &gate).code, Some(0));
    let words = ["deploy", "score@v1", "production", "--reason", "approved"];
    let deployed = server.call(&deployer, &words).json();

    let serving = server.call(&auditor, &["serving", "--system", "credit"]).json();
    assert_eq!(serving[0]["label"], "v1");
    let before =
        server.call(&auditor, &["serving", "--system", "credit", "--at", "2020-01-01T00:00:00Z"]).json();
    assert_eq!(before, serde_json::json!([]));
    let list = server.call(&auditor, &["ledger", "entries", "--all", "--limit", "7"]).json();
    let status = server.call("", &["ledger", "status"]).json();
    assert!(list["items"].as_array().unwrap().len() as u64 > 20);
    assert!(list["next"].is_null());

    server.call(&auditor, &["evidence", "pack", "--out", "evidence.tar"]).json();
    let vkey = status["vkeys"][0].as_str().unwrap().to_owned();
    verify(server, &vkey, deployed["ledger_index"].as_u64().unwrap());
}

/// The code that an app shows so many seconds from now, by the secret of its enrolment.
fn code(begun: &serde_json::Value, seconds: i64) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String =
        text(begun, "secret").chars().map(|c| format!("{:05b}", letters.find(c).unwrap())).collect();
    let bytes = bits.as_bytes().chunks_exact(8).map(|byte| std::str::from_utf8(byte).unwrap());
    let secret: Vec<u8> = bytes.map(|byte| u8::from_str_radix(byte, 2).unwrap()).collect();
    comptroller_app::factors::code_at(&secret, SystemClock.now().plus_seconds(seconds))
}

/// The server stops; the pack is verified in an empty folder, changed, and refused; the data folder is sound.
fn verify(server: Server, vkey: &str, index: u64) {
    let folder = server.stop();
    let home = tempfile::tempdir().unwrap();
    let pack = home.path().join("evidence.tar");
    std::fs::copy(folder.path().join("evidence.tar"), &pack).unwrap();
    let words = ["verify", "evidence.tar", "--key", vkey, "--format", "json"];
    let report = run(home.path(), &words).json();
    assert!(report["log"]["size"].as_u64().unwrap() > index, "{report}");
    assert!(report["proofs"].as_u64().unwrap() > 0);
    let shown = run(home.path(), &words[..4]);
    assert!(shown.stdout.starts_with("verified: "), "{shown:?}");

    let other = "comptroller.localhost/x/1+12345678+AZ";
    assert_eq!(run(home.path(), &["verify", "evidence.tar", "--key", other]).code, Some(5));
    change(&pack);
    let refused = run(home.path(), &words).refused(12);
    assert_eq!(text(&refused, "code"), "entry");
    assert!(text(&refused, "place").contains("entry"), "{refused}");

    let doctor = ["doctor", "--rebuild-check", "--deep", "--format", "json"];
    let found = run(folder.path(), &doctor).json();
    assert_eq!(found["found"], serde_json::json!([]), "{found}");
    assert!(found["checked"].as_object().unwrap().values().all(|count| count.as_u64().is_some()));

    // A second start finds everything, and makes no second owner.
    let server = Server::start_in(folder);
    assert!(!server.greeting.contains("first start"), "{}", server.greeting);
    assert_eq!(server.call("", &["ledger", "status"]).json()["read_only"], false);
    let second = run(server.folder(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.stderr.contains("in use by another process"), "{second:?}");
}

/// Turns one vote's word in the pack into another of the same length.
fn change(pack: &Path) {
    let mut bytes = std::fs::read(pack).unwrap();
    let word = b"\"vote\":\"approve\"";
    let at = bytes.windows(word.len()).position(|window| window == word).unwrap();
    bytes[at + 9] ^= 1;
    std::fs::write(pack, bytes).unwrap();
}
