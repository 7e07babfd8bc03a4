//! The page that verifies packs in a browser: made of its sources, right by itself, and of one opinion with `verify`.

use crate::api::{Api, register_scorer, set_up};
use crate::servers::{provided, say};
use crate::support::Server;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two full bundles and tiles, and a partial one.
const TEAMS: u64 = 520;
/// Fewer would mean that the table of packs was not walked.
const LEAST_FAILING: u64 = 60;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Runs Node.js on a file of the repository; it must succeed. Answers what it printed.
fn node(script: &Path, configure: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let mut node = Command::new("node");
    let output = configure(node.arg(script)).output().unwrap();
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {printed}{said}", script.display());
    printed.into_owned()
}

#[test]
fn the_page_is_what_its_sources_make() {
    let Some(modules) = provided("COMPTROLLER_TEST_NODE_MODULES") else { return };
    node(&at("verifier/build.mjs"), |node| node.args(["--check", "--modules", &modules]));
    let compiler = Path::new(&modules).join("typescript/bin/tsc");
    node(&compiler, |node| node.arg("--project").arg(at("verifier/tsconfig.json")));
    let package: Value =
        serde_json::from_str(&std::fs::read_to_string(at("verifier/package.json")).unwrap()).unwrap();
    let version = node(&compiler, |node| node.arg("--version"));
    assert_eq!(Some(version.trim()), package["devDependencies"]["typescript"].as_str().map(named).as_deref());
}

fn named(version: &str) -> String {
    format!("Version {version}")
}

#[test]
fn the_modules_of_the_page_give_the_published_vectors() {
    let Some(modules) = provided("COMPTROLLER_TEST_NODE_MODULES") else { return };
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("library.mjs");
    node(&at("verifier/build.mjs"), |node| node.args(["--modules", &modules, "--library"]).arg(&library));
    for name in ["bytes", "formats"] {
        let printed = node(&at(&format!("verifier/test/{name}.test.mjs")), |node| {
            node.env("VERIFIER_LIBRARY", &library).env("NODE_OPTIONS", "--test-reporter=tap")
        });
        assert!(printed.contains("# fail 0") && !printed.contains("# pass 0"), "{printed}");
    }
}

/// Makes a log of some hundred entries with payloads and proofs, and exports it.
fn pack(server: &Server) {
    let tokens = set_up(server);
    let (owner, builder) = (Api::new(&server.url, &tokens.owner), Api::new(&server.url, &tokens.builder));
    for number in 0..TEAMS {
        owner.post("/teams", &format!("team-{number}"), &json!({"slug": format!("team-{number}")}));
    }
    std::fs::write(server.path("model.bin"), b"a model").unwrap();
    let stored = server.call(&tokens.builder, &["artifact", "upload", "model.bin"]).json();
    register_scorer(&builder, stored["id"].as_str().unwrap());
    builder.post("/gate", "gate", &json!({"version": "scorer@v1", "environment": "staging"}));
    server.call(&tokens.auditor, &["evidence", "pack", "--out", "pack.tar"]).json();
}

#[test]
fn the_page_and_the_program_agree_about_every_pack() {
    let (Some(modules), Some(chromium)) =
        (provided("COMPTROLLER_TEST_NODE_MODULES"), provided("COMPTROLLER_TEST_CHROMIUM"))
    else {
        return;
    };
    let openssl = std::env::var("COMPTROLLER_TEST_OPENSSL").unwrap_or_else(|_| "openssl".to_owned());
    let server = Server::start();
    pack(&server);
    // The page as people get it: from the program, and never over a file of theirs.
    let words = ["verifier", "--out", "verify.html"];
    let written = server.call("", &words).json();
    let page = std::fs::read(server.path("verify.html")).unwrap();
    assert_eq!(page, std::fs::read(at("verifier/dist/verify.html")).unwrap());
    assert_eq!(written["sha256"], comptroller_ledger::digest(&page).to_string());
    server.call("", &words).refused(5);
    assert_eq!(std::fs::read(server.path("verify.html")).unwrap(), page);

    let printed = node(&at("tests/browser/verifier.mjs"), |node| {
        let files = [server.path("pack.tar"), server.path("comptroller-data/keys/log.key")];
        let program = [env!("CARGO_BIN_EXE_comptroller"), &openssl];
        node.args([&modules, &chromium])
            .arg(server.path("verify.html"))
            .args(program)
            .args(files)
            .arg(server.folder())
    });
    if let Some(folder) = std::env::var_os("COMPTROLLER_TEST_PICTURES") {
        for name in ["light.png", "dark.png", "narrow.png", "failing.png", "asked.png"] {
            let name = format!("verifier-{name}");
            let _ = std::fs::copy(server.path(&name), Path::new(&folder).join(&name));
        }
    }
    let seen: Value = serde_json::from_str(&printed).unwrap();
    say(&format!("the browser saw {seen}"));
    assert!(seen["failed"].as_u64().unwrap() >= LEAST_FAILING && seen["held"].as_u64().unwrap() >= 10);
    assert!(seen["edits"]["fails"].as_u64().unwrap() >= 20, "small edits are found: {}", seen["edits"]);
    assert_eq!(
        (&seen["outside"], &seen["errors"], &seen["fetched"]),
        (&json!([]), &json!([]), &json!("refused"))
    );
    assert_eq!((&seen["asked"], &seen["focused"]), (&json!("Choose a pack."), &json!("file")));
    assert_eq!((&seen["tabbed"], &seen["result"]), (&json!("verify"), &json!("outcome")), "without a mouse");
    assert!(seen["refused"].as_str().unwrap().contains("says identifier"), "{seen}");
    assert_eq!((&seen["unnamed"], &seen["overflow"]), (&json!([]), &json!(false)));
    let holds = json!("This pack holds, as far as it was checked");
    assert_eq!((&seen["headline"], &seen["dropped"]), (&holds, &holds));
    assert_eq!((&seen["saved"], &seen["stopped"]), (&json!("README.txt"), &json!(["incomplete", 0])));
    assert_eq!(seen["blind"], json!(["incomplete", ["signature", "keys", "earlier", "proofs"], true]));
}
