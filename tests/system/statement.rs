//! Signed statements about decisions: our own offline check, and openssl, which knows nothing of us.

use crate::api::{Api, register_scorer, set_up};
use crate::servers::say;
use crate::support::{Ended, Server};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::process::Command;

struct Scene {
    server: Server,
    auditor: String,
    builder: Api,
    vkey: String,
}

impl Scene {
    fn new() -> Self {
        let server = Server::start();
        let tokens = set_up(&server);
        let builder = Api::new(&server.url, &tokens.builder);
        std::fs::write(server.path("model.bin"), b"a model").unwrap();
        let stored = server.call(&tokens.builder, &["artifact", "upload", "model.bin"]).json();
        register_scorer(&builder, stored["id"].as_str().unwrap());
        let status = server.call("", &["ledger", "status"]).json();
        let vkey = status["vkeys"][0].as_str().unwrap().to_owned();
        Self { server, auditor: tokens.auditor, builder, vkey }
    }

    /// Asks the gate, and writes the statement about its decision to a file.
    fn statement(&self, environment: &str, file: &str) -> Value {
        let question = json!({"version": "scorer@v1", "environment": environment});
        let answer = self.builder.post("/gate", &format!("gate-{file}"), &question);
        let words = ["decision", "statement", answer["decision"].as_str().unwrap(), "--out", file];
        let ended = self.server.call(&self.auditor, &words);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        answer
    }

    fn verify(&self, file: &str, words: &[&str]) -> Ended {
        self.server.call("", &[&["verify-statement", file, "--key", &self.vkey], words].concat())
    }

    fn envelope(&self, file: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.server.path(file)).unwrap()).unwrap()
    }
}

#[test]
fn an_allow_is_passed_and_everything_else_is_failed() {
    let scene = Scene::new();
    let allowed = scene.statement("staging", "staging.json");
    let refused = scene.statement("production", "production.json");

    let shown = scene.verify("staging.json", &["--artifact", "model.bin", "--passed"]).json();
    assert_eq!((&shown["passed"], &shown["signed_by"]), (&json!(true), &json!([scene.vkey])));
    let statement = &shown["statement"];
    let ours = &statement["predicate"]["urn:comptroller:decision:v1"];
    assert_eq!((&ours["decision"], &ours["ledgerIndex"]), (&allowed["decision"], &allowed["ledger_index"]));
    assert_eq!(statement["predicate"]["policy"]["digest"]["sha256"], allowed["bundle"]);
    assert_eq!(statement["predicate"]["verifiedLevels"], json!(["COMPTROLLER_GATE_STAGING"]));
    assert_eq!(statement["subject"][0]["name"], "model.bin");
    let resource = statement["predicate"]["resourceUri"].as_str().unwrap();
    assert!(resource.ends_with("/environments/staging"), "{resource}");
    assert_eq!(scene.verify("staging.json", &["--resource", resource]).code, Some(0));

    let shown = scene.verify("production.json", &[]).json();
    assert_eq!(shown["passed"], false);
    let predicate = &shown["statement"]["predicate"];
    assert_eq!(predicate["verificationResult"], "FAILED");
    let rules = predicate["urn:comptroller:decision:v1"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), refused["rules"].as_array().unwrap().len());
    assert!(rules.iter().all(|rule| !rule["reason"].as_str().unwrap().is_empty()));
    assert!(rules.iter().any(|rule| !rule["clauses"].as_array().unwrap().is_empty()), "{rules:?}");
    assert_eq!(scene.verify("production.json", &["--passed"]).code, Some(2));
    assert_eq!(scene.verify("production.json", &["--resource", resource]).code, Some(18));
    // The same decision gives the same statement, and reading it is no act.
    let id = refused["decision"].as_str().unwrap();
    let again = scene.server.call(&scene.auditor, &["decision", "statement", id]).json();
    assert_eq!(again, scene.envelope("production.json"));

    let record = scene.server.call(&scene.auditor, &["decision", "show", id]).json();
    assert_eq!((&record["rules"], &record["facts"]), (&refused["rules"], &refused["facts"]));
    let listed = scene.server.call(&scene.auditor, &["decision", "list", "--limit", "1"]).json();
    assert_eq!(listed["items"][0]["id"], refused["decision"]);
}

#[test]
fn what_was_changed_or_is_another_file_is_refused() {
    let scene = Scene::new();
    scene.statement("production", "good.json");
    let good = scene.envelope("good.json");
    let write = |name: &str, envelope: &Value| {
        std::fs::write(scene.server.path(name), envelope.to_string()).unwrap();
    };
    let mut forged = good.clone();
    let payload = STANDARD.decode(good["payload"].as_str().unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap().replace("\"FAILED\"", "\"PASSED\"");
    forged["payload"] = STANDARD.encode(payload).into();
    write("forged.json", &forged);
    assert_eq!(scene.verify("forged.json", &["--passed"]).refused(11)["code"], "key");
    let mut other = good.clone();
    other["payloadType"] = "application/json".into();
    write("other.json", &other);
    assert_eq!(scene.verify("other.json", &[]).code, Some(10));
    std::fs::write(scene.server.path("other.bin"), b"another model").unwrap();
    let strange = scene.verify("good.json", &["--artifact", "other.bin"]);
    assert!(strange.refused(18)["problem"].as_str().unwrap().contains("not among its artifacts"));
    let name = scene.vkey.split('+').next().unwrap();
    let stranger = comptroller_ledger::SigningKey::new_note(name, &[9; 32]).unwrap().verifier_key();
    let words = ["verify-statement", "good.json", "--key", &stranger.to_string()];
    assert_eq!(scene.server.call("", &words).code, Some(11));

    // A checkpoint by the same key is no statement, and a statement is no checkpoint.
    let note = Api::new(&scene.server.url, "none").read("/log/checkpoint");
    std::fs::write(scene.server.path("checkpoint"), note.1).unwrap();
    assert_eq!(scene.verify("checkpoint", &[]).code, Some(10));
    // Reads of the record are not about artifacts.
    let decisions = scene.builder.all("/decisions?");
    assert!(decisions.iter().all(|item| item["action"] == "gate.check"));
}

/// Envelope and key taken apart by the specifications alone, and judged by openssl.
#[test]
fn openssl_accepts_the_signature_and_refuses_another_message() {
    let scene = Scene::new();
    scene.statement("staging", "statement.json");
    let envelope = scene.envelope("statement.json");
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let kind = envelope["payloadType"].as_str().unwrap();
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    message.extend_from_slice(&payload);
    let signature = STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    // A vkey holds a type byte and the public key; DER puts a fixed head before it (RFC 8410).
    let material = STANDARD.decode(scene.vkey.splitn(3, '+').last().unwrap()).unwrap();
    let mut der = hex::decode("302a300506032b6570032100").unwrap();
    der.extend_from_slice(&material[1..]);
    let path = |name: &str| scene.server.path(name);
    std::fs::write(path("key.der"), der).unwrap();
    std::fs::write(path("signature"), signature).unwrap();
    let judge = |message: &[u8]| {
        std::fs::write(path("message"), message).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey"]);
        openssl.arg(path("key.der")).arg("-sigfile").arg(path("signature"));
        openssl.arg("-in").arg(path("message")).output().map(|output| output.status.success())
    };
    let Ok(accepted) = judge(&message) else {
        assert!(std::env::var_os("CI").is_none(), "CI needs openssl");
        say("SKIPPED: there is no openssl");
        return;
    };
    assert!(accepted);
    message[40] ^= 1;
    assert!(!judge(&message).unwrap());
    assert!(!judge(&payload).unwrap(), "the payload alone is not what was signed");
}
