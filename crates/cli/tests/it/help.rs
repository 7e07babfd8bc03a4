//! Help texts and the pure commands, which work with nothing around them.

use crate::support::{command, ended, run};
use std::path::Path;

fn help(words: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), words);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a pure command leaves nothing behind");
    ended.stdout
}

#[test]
fn help_texts() {
    insta::assert_snapshot!("help", help(&["--help"]));
    insta::assert_snapshot!("help_gate", help(&["gate", "--help"]));
    insta::assert_snapshot!("help_drift", help(&["drift", "--help"]));
    insta::assert_snapshot!("help_fairness", help(&["fairness", "--help"]));
    insta::assert_snapshot!("help_profile", help(&["profile", "--help"]));
    insta::assert_snapshot!("help_verify", help(&["verify", "--help"]));
    insta::assert_snapshot!("help_serve", help(&["serve", "--help"]));
    insta::assert_snapshot!("help_token_issue", help(&["token", "issue", "-h"]));
}

#[test]
fn there_is_no_option_that_takes_the_token_itself() {
    let text = help(&["docs", "cli"]);
    assert!(text.contains("`--token-file FILE`"), "{text}");
    assert!(!text.contains("`--token "), "a token on the command line is readable by others");
}

#[test]
fn references_are_generated_without_a_store() {
    assert!(help(&["docs", "config"]).contains("COMPTROLLER__SERVER__LISTEN"));
    let document: serde_json::Value = serde_json::from_str(&help(&["docs", "openapi"])).unwrap();
    assert!(document["paths"]["/api/v1/systems"]["post"].is_object(), "the document has no paths");
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(help(&["completions", shell]).contains("service-account"), "{shell}");
    }
}

#[test]
fn the_configuration_is_printed_without_secrets_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let in_force = |words: &[&str]| {
        let mut command = command(folder.path());
        command.args(words).env("COMPTROLLER__STORE__DATABASE", "postgres://u:hunter2@host/name");
        ended(&mut command)
    };
    let printed = in_force(&["config", "print", "--redacted"]);
    assert!(printed.stdout.contains("[redacted]") && !printed.stdout.contains("hunter2"), "{printed:?}");
    assert_eq!(in_force(&["config", "check"]).code, Some(0));

    write(folder.path(), "[server]\nlisten = \"0.0.0.0:8440\"\n");
    let refused = in_force(&["config", "check"]);
    assert_eq!(refused.code, Some(5));
    insta::assert_snapshot!("config_not_loopback", refused.stderr);

    write(folder.path(), "[server]\nlisten = \"0.0.0.0:8440\"\nallow_non_loopback = true\n");
    assert_eq!(in_force(&["config", "check"]).code, Some(0));

    write(folder.path(), "[server]\nlisen = \"127.0.0.1:1\"\n");
    insta::assert_snapshot!("config_unknown_key", in_force(&["config", "check"]).stderr);
    // The server itself refuses the same.
    assert_eq!(in_force(&["serve"]).code, Some(5));
    assert!(!folder.path().join("comptroller-data").exists());
}

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("comptroller.toml"), text).unwrap();
}
