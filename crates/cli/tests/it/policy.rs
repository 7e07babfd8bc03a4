//! `comptroller policy`, alone. What is proven needs cvc5, and fails without it.

use crate::support::{Ended, run};
use std::path::Path;
use tempfile::TempDir;

/// The shipped policies in a folder of their own, one text of it changed.
fn folder(file: &str, old: &str, new: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/base");
    for name in ["schema.cedarschema", "hard.cedar", "review.cedar", "invariants.cedar", "tests.toml"] {
        let text = std::fs::read_to_string(base.join(name)).unwrap();
        let changed = if name == file { text.replace(old, new) } else { text.clone() };
        assert_eq!(changed != text, name == file && old != new, "{name}");
        std::fs::write(folder.path().join(name), changed).unwrap();
    }
    folder
}

fn policy(folder: &Path, words: &[&str]) -> Ended {
    let mut all = vec!["policy"];
    all.extend(words);
    // The tests' own solver, else the one on PATH.
    let solver = std::env::var("COMPTROLLER_TEST_CVC5").ok();
    if let Some(solver) = solver.as_deref().filter(|_| matches!(words[0], "prove" | "diff")) {
        all.extend(["--solver", solver]);
    }
    run(folder, &all)
}

#[test]
fn the_shipped_policies_pass_everything() {
    let empty = tempfile::tempdir().unwrap();
    let lint = policy(empty.path(), &["lint"]);
    assert_eq!((lint.code, lint.stdout.as_str()), (Some(0), "in order\n"), "{lint:?}");
    let test = policy(empty.path(), &["test", "--junit", "report.xml", "--format", "json"]).json();
    assert_eq!(test["failed"], 0);
    let xml = std::fs::read_to_string(empty.path().join("report.xml")).unwrap();
    assert!(xml.contains("failures=\"0\"") && xml.contains("classname=\"vote-twice\""), "{xml}");
    let report = policy(empty.path(), &["prove", "--format", "json"]).json();
    assert!(report["solver"].as_str().unwrap().contains("cvc5"), "{report}");
    let rules = report["rules"].as_array().unwrap();
    assert!(rules.len() > 30 && rules.iter().all(|rule| rule["verdict"]["is"] == "proven"), "{report}");
    let text = policy(empty.path(), &["prove"]);
    assert_eq!(text.code, Some(0), "{text:?}");
    assert!(
        text.stdout.contains("holds: administrator-votes: never an owner or administrator votes"),
        "{text:?}"
    );
    // Nothing on stderr, which is no terminal here.
    assert_eq!(text.stderr, "");
    let same = policy(empty.path(), &["diff", "builtin", "builtin"]);
    assert_eq!(same.code, Some(0), "{same:?}");
    assert!(same.stdout.contains("equivalent: 0 pairs"), "{same:?}");
}

#[test]
fn a_mistake_is_named_with_its_line() {
    let folder = folder("hard.cedar", "!context.artifacts_stored", "!context.artefacts_stored");
    let lint = policy(folder.path(), &["lint", "."]);
    assert_eq!(lint.code, Some(1), "{lint:?}");
    assert!(lint.stdout.starts_with("./hard.cedar:") && lint.stdout.contains("artefacts_stored"), "{lint:?}");
    let findings = policy(folder.path(), &["lint", ".", "--format", "json"]);
    assert_eq!(findings.code, Some(1), "{findings:?}");
    let findings: serde_json::Value = serde_json::from_str(&findings.stdout).unwrap();
    assert!(findings["findings"][0]["line"].as_u64().unwrap() > 300, "{findings}");
    for words in [&["test", "."][..], &["prove", "."], &["diff", "builtin", "."]] {
        let ended = policy(folder.path(), words);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("rule artifacts-missing"), "{ended:?}");
    }
    let missing = policy(folder.path(), &["lint", "nothing"]);
    assert_eq!(missing.code, Some(5), "{missing:?}");
    assert!(missing.stderr.contains("nothing is not a folder"), "{missing:?}");
}

#[test]
fn a_weaker_rule_fails_its_cases_its_invariant_and_the_comparison() {
    let folder = folder("review.cedar", "context.approvals_valid < 2", "context.approvals_valid < 1");
    let test = policy(folder.path(), &["test", "."]);
    assert_eq!(test.code, Some(2), "{test:?}");
    assert!(test.stdout.contains("failed: approvals-missing: matches"), "{test:?}");
    let prove = policy(folder.path(), &["prove", "."]);
    assert_eq!(prove.code, Some(2), "{prove:?}");
    assert!(prove.stdout.contains("violated: production-without-two-approvals"), "{prove:?}");
    assert!(prove.stdout.contains("for example deploy in production"), "{prove:?}");
    let diff = policy(folder.path(), &["diff", "builtin", "."]);
    assert_eq!(diff.code, Some(2), "{diff:?}");
    assert!(diff.stdout.contains("newly let in, needs-review before and allow after"), "{diff:?}");
    assert!(diff.stdout.contains("approvals_valid = 1"), "{diff:?}");
    let back = policy(folder.path(), &["diff", ".", "builtin"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert!(back.stdout.contains("stricter"), "{back:?}");
}

/// Whoever distrusts this program asks the questions again without it.
#[test]
fn every_question_can_be_asked_again_by_hand() {
    let folder = folder("review.cedar", "context.approvals_valid < 2", "context.approvals_valid < 1");
    let words = ["diff", "builtin", ".", "--questions", "kept", "--format", "json"];
    let ended = policy(folder.path(), &words);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let solver = std::env::var("COMPTROLLER_TEST_CVC5").unwrap_or_else(|_| "cvc5".to_owned());
    let mut asked = 0;
    for slice in report["comparison"]["slices"].as_array().unwrap() {
        for query in slice["queries"].as_array().unwrap() {
            let file = format!("kept/{}.smt2", query["digest"].as_str().unwrap());
            let sum = std::process::Command::new("sha256sum")
                .arg(&file)
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(file.contains(&String::from_utf8(sum.stdout).unwrap()[..64]), "{file}");
            let again =
                std::process::Command::new(&solver).arg(&file).current_dir(folder.path()).output().unwrap();
            assert_eq!(String::from_utf8(again.stdout).unwrap().trim(), query["answered"].as_str().unwrap());
            asked += 1;
        }
    }
    assert!(asked > 10, "{report}");
}

#[test]
fn without_a_solver_nothing_is_proven() {
    let folder = folder("review.cedar", "approvals_valid < 2", "approvals_valid < 3");
    for words in [&["prove"][..], &["diff", "builtin", "."]] {
        let mut all = vec!["policy"];
        all.extend(words);
        all.extend(["--solver", "/nowhere/cvc5"]);
        let ended = run(folder.path(), &all);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.stdout.contains("/nowhere/cvc5") && ended.stdout.contains("no solver"), "{ended:?}");
    }
}
