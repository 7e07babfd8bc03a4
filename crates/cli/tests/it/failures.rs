//! Exit codes and messages of commands that fail.

use crate::support::{Server, ended, run};

#[test]
fn bad_usage_ends_with_5_so_that_2_stays_the_gate_s() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        &["frobnicate"][..],
        &["gate", "credit@1"],
        &["gate", "credit@1", "prod"],
        &["gate", "--model", "credit@1"],
        &["gate", "--model", "credit@1", "credit@1", "--env", "production"],
        &["gate", "credit@1", "production", "--report", "junit"],
        &["gate", "credit@1", "production", "--report", "pdf=gate.pdf"],
        &["whoami", "--format", "junit"],
        &["role", "grant", "x", "king"],
        &["system", "register", "a"],
        &["token", "issue", "x", "--label", "l", "--days", "91"],
        &["version", "register", "m", "--file", "none.json"],
        &["ledger", "status", "--url", "ftp://nowhere"],
        &["verify", "none.tar"],
    ] {
        let ended = run(folder.path(), words);
        assert_eq!(ended.code, Some(5), "{words:?}: {ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{words:?}: {ended:?}");
    }
    insta::assert_snapshot!("bad_environment", run(folder.path(), &["gate", "credit@1", "prod"]).stderr);
    insta::assert_snapshot!("no_key", run(folder.path(), &["verify", "none.tar"]).stderr);
}

#[test]
fn a_server_that_is_not_there_ends_with_9() {
    let folder = tempfile::tempdir().unwrap();
    // Bound and dropped: nobody listens here.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let ended = run(folder.path(), &["whoami", "--url", &url, "--format", "json"]);
    let error = ended.refused(9);
    assert_eq!(error["code"], "unreachable");
    assert!(error["detail"].as_str().unwrap().contains(&url), "{error}");
    assert!(error["remedy"].as_str().unwrap().contains("comptroller serve"), "{error}");
}

#[test]
fn errors_of_the_server_have_codes_of_their_own() {
    let server = Server::start();
    let owner = server.bootstrap();
    assert_eq!(server.call("", &["whoami"]).refused(6)["code"], "unauthenticated");
    assert_eq!(server.call("cmp_org_bad", &["whoami"]).refused(6)["code"], "unauthenticated");
    assert_eq!(server.call(&owner, &["system", "show", "none"]).refused(7)["code"], "not-found");
    server.call(&owner, &["team", "create", "lending"]).json();
    assert_eq!(server.call(&owner, &["team", "create", "lending"]).refused(8)["code"], "conflict");

    // An account without roles is refused, and told by which rule and what to do.
    server.call(&owner, &["service-account", "add", "stranger"]).json();
    let token = server.call(&owner, &["token", "issue", "stranger", "--label", "test"]).json();
    let token = token["secret"].as_str().unwrap().to_owned();
    let denied = server.call(&token, &["team", "create", "other"]).refused(6);
    assert_eq!(denied["code"], "denied");
    assert!(!denied["rules"].as_array().unwrap().is_empty(), "{denied}");
    let text = ended(&mut server.command(&token, &["team", "create", "other"]));
    assert_eq!(text.code, Some(6));
    insta::assert_snapshot!("denied", text.stderr);
}

#[test]
fn one_act_per_command_the_same_key_acts_once() {
    // INVARIANT (one-act-per-command)
    let server = Server::start();
    let owner = server.bootstrap();
    let words = ["team", "create", "lending", "--idempotency-key", "key-1"];
    let first = server.call(&owner, &words).json();
    assert_eq!(server.call(&owner, &words).json(), first);
    let other = server.call(&owner, &["team", "create", "other", "--idempotency-key", "key-1"]);
    assert_eq!(other.refused(8)["code"], "conflict");
    assert_eq!(server.call(&owner, &["team", "list"]).json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_secret_goes_to_a_private_new_file_and_nowhere_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start();
    let owner = server.bootstrap();
    server.call(&owner, &["service-account", "add", "pipeline"]).json();
    let words = ["token", "issue", "pipeline", "--label", "ci", "--out", "token"];
    let ended = server.call(&owner, &words);
    let secret = std::fs::read_to_string(server.path("token")).unwrap();
    assert!(secret.starts_with("cmp_org_"), "{secret}");
    assert!(!ended.stdout.contains(secret.trim()), "{ended:?}");
    let mode = std::fs::metadata(server.path("token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The file is there already: nothing is issued and nothing is overwritten.
    assert_eq!(server.call(&owner, &words).code, Some(1));
    let tokens = server.call(&owner, &["token", "list", "--principal", "pipeline"]).json();
    assert_eq!(tokens["items"].as_array().unwrap().len(), 1);
    // And it works, from the file.
    let who = server.call("", &["whoami", "--token-file", "token"]).json();
    assert_eq!(who["slug"], "pipeline");
}
