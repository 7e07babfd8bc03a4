//! Every format of four decisions: an allow, one that needs review, a deny, and one full of hostile text.

use super::view::View;
use super::{dotenv, github, junit, markdown, sarif, text};
use crate::output::Style;
use serde_json::{Value, json};

const BUNDLE: &str = "5f3c0a9d1be2b6a4c1f0c8d2e4a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d6e8f0a2";
const VERSION: &str = "01920000-0000-7000-8000-000000000001";
const DECISION: &str = "01920000-0000-7000-8000-000000000002";
const VOTER: &str = "01920000-0000-7000-8000-000000000003";
const WAIVER: &str = "01920000-0000-7000-8000-000000000004";

fn answer(outcome: &str, rules: &Value, paths: &Value) -> Value {
    json!({
        "decision": DECISION, "outcome": outcome, "version": VERSION, "environment": "production", "rules": rules,
        "errors": [], "facts": {}, "regressions": [], "sources": {}, "votes": [], "waivers": [],
        "paths": paths, "bundle": BUNDLE, "ledger_index": 41
    })
}

fn allow() -> View {
    let mut value = answer("allow", &json!([]), &json!({"shortest": [], "hopeless": [], "complete": true}));
    value["waivers"] = json!([WAIVER]);
    View::read("credit/scorer@v2", &value).unwrap()
}

fn needs_review() -> View {
    let rules = json!([{
        "id": "two-approvals", "set": "review", "reason": "1 of 2 approvals", "remedy": "an approver votes on VERSION of SYSTEM",
        "control": ["SOC2:CC8.1"],
        "clauses": [{"fact": "approvals_met", "required": "contains \"two-approvals\"", "actual": []}]
    }]);
    let path = json!({"id": "approvals", "what": "one more approver votes", "remedy": "whoever may", "rules": ["two-approvals"]});
    let paths = json!({"shortest": [[path]], "hopeless": [], "complete": true});
    let mut value = answer("needs-review", &rules, &paths);
    value["sources"] = json!({"approvals_met": {"computer": "votes/1", "evidence": [WAIVER], "observed_at": "2026-02-01T00:00:00Z"}});
    value["votes"] = json!([
        {"voter": VOTER, "counts": false, "cause": "built the version"},
        {"voter": WAIVER, "counts": true, "cause": null}
    ]);
    View::read("credit/scorer@v2", &value).unwrap()
}

fn deny() -> View {
    let rules = json!([
        {
            "id": "bias-test-required", "set": "hard", "reason": "no bias test that passed",
            "remedy": "the builder records evidence of kind bias-test", "control": ["EUAIA:10.2f", "SOC2:CC7.1"],
            "clauses": [
                {"fact": "bias_test_passed", "required": "true", "actual": false},
                {"fact": "bias_test_age", "required": "<= 7776000", "actual": null}
            ]
        },
        {
            "id": "two-approvals", "set": "review", "reason": "0 of 2 approvals", "remedy": "ask for approval",
            "control": [], "clauses": [{"fact": "auc", "required": ">= 800000", "actual": 790_000}]
        }
    ]);
    let test = json!({"id": "evidence/bias-test", "what": "a bias test passes", "remedy": "whoever may", "rules": ["bias-test-required"]});
    let waive = json!({"id": "waiver/bias-test-required", "what": "a waiver", "remedy": "whoever may", "rules": ["bias-test-required"]});
    let vote = json!({"id": "approvals", "what": "two approvers vote", "remedy": "whoever may", "rules": ["two-approvals"]});
    let paths = json!({"shortest": [[vote, test], [vote, waive]], "hopeless": [], "complete": false});
    let mut value = answer("deny", &rules, &paths);
    value["regressions"] = json!(["auc 0.86 -> 0.79"]);
    View::read(VERSION, &value).unwrap()
}

/// Everything that could leave its place in one of the formats.
const HOSTILE: &str = "a\r\n::error::forged\n| cell | <script>alert(1)</script> `code` @everyone https://evil.example \
    \u{1b}[2J\u{0}\u{202e} 100%0A \"quoted\" 'single' &amp; ]]> [link](x), title: \u{ffff}";

fn hostile() -> View {
    let rules = json!([{
        "id": "two-approvals", "set": HOSTILE, "reason": HOSTILE, "remedy": HOSTILE, "control": [HOSTILE],
        "clauses": [{"fact": HOSTILE, "required": HOSTILE, "actual": HOSTILE}]
    }]);
    let paths = json!({"shortest": [[{"id": HOSTILE, "what": HOSTILE, "remedy": HOSTILE, "rules": [HOSTILE]}]], "hopeless": [], "complete": true});
    let mut value = answer("deny", &rules, &paths);
    value["errors"] = json!([HOSTILE]);
    value["regressions"] = json!([HOSTILE]);
    value["votes"] = json!([{"voter": VOTER, "counts": false, "cause": HOSTILE}]);
    View::read(HOSTILE, &value).unwrap()
}

fn all() -> [(&'static str, View); 4] {
    [("allow", allow()), ("needs review", needs_review()), ("deny", deny()), ("hostile", hostile())]
}

fn unknown() -> View {
    let mut value = answer("unknown", &json!([]), &json!({"shortest": [], "hopeless": [], "complete": true}));
    value["errors"] = json!(["policy x: overflow"]);
    View::read("scorer@v2", &value).unwrap()
}

/// The four in one format, one below the other.
fn shown(render: impl Fn(&View) -> String) -> String {
    all().iter().map(|(name, view)| format!("===== {name}\n{}", render(view))).collect()
}

#[test]
fn formats() {
    insta::assert_snapshot!("text", shown(|view| text::render(view, Style::plain())));
    insta::assert_snapshot!("junit", shown(junit::render));
    insta::assert_snapshot!("sarif", shown(sarif::render));
    insta::assert_snapshot!("github", shown(github::render));
    insta::assert_snapshot!("markdown", shown(markdown::render));
    insta::assert_snapshot!("dotenv", shown(dotenv::render));
}

#[test]
fn every_format_names_what_was_decided_and_why() {
    let renders: [fn(&View) -> String; 5] = [
        |view| text::render(view, Style::plain()),
        junit::render,
        sarif::render,
        github::render,
        markdown::render,
    ];
    for render in renders {
        let shown = render(&deny());
        for said in [
            "deny",
            VERSION,
            "production",
            DECISION,
            "41",
            BUNDLE,
            "bias-test-required",
            "no bias test that passed",
            "records evidence of kind",
            "EUAIA:10.2f",
            "7776000",
            "790000",
            "800000",
            "a bias test passes",
            "a waiver",
            "two approvers vote",
        ] {
            // Markdown escapes these; what is left is still the same text.
            assert!(shown.replace('\\', "").contains(said), "{said:?} is missing in {shown}");
        }
        assert!(render(&needs_review()).contains("built the version"));
        assert!(render(&allow()).contains(WAIVER));
        assert!(render(&unknown()).contains("overflow"));
        assert!(!render(&hostile()).contains(['\u{1b}', '\u{0}', '\r']));
    }
}

#[test]
fn hostile_text_stays_where_it_was_put() {
    for line in github::render(&hostile()).lines() {
        assert!(line.starts_with("::error title="), "{line}");
        // Two pairs of colons of our own; a title has none.
        assert_eq!(line.split("::").nth(1).unwrap().matches(':').count(), 0, "{line}");
    }
    let xml = junit::render(&hostile());
    assert!(!xml.contains("<script") && !xml.contains("]]>") && !xml.contains('\u{ffff}'), "{xml}");
    let text = markdown::render(&hostile());
    assert!(!text.replace("<br>", "").contains(['<', '>']), "{text}");
    assert!(!text.contains("https://") && !text.contains("@everyone"), "{text}");
    for line in text.lines().filter(|line| line.starts_with("| `two")) {
        assert_eq!(line.replace("\\|", "").matches('|').count(), 5, "{line}");
    }
    let plain = text::render(&hostile(), Style::plain());
    assert!(plain.lines().all(|line| !line.starts_with("::") && !line.starts_with('|')), "{plain}");
    for line in dotenv::render(&hostile()).lines() {
        assert!(line.chars().all(|c| c.is_ascii_alphanumeric() || "=-_:".contains(c)), "{line}");
    }
}

#[test]
fn what_could_not_be_decided_is_no_success_in_any_report() {
    assert!(junit::render(&unknown()).contains("errors=\"1\""));
    assert!(github::render(&unknown()).starts_with("::error "));
    let log: Value = serde_json::from_str(&sarif::render(&unknown())).unwrap();
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

/// The fields that the schema of SARIF 2.1.0 requires, and the relations between them.
#[test]
fn sarif_has_what_its_schema_requires() {
    for (name, view) in all() {
        let log: Value = serde_json::from_str(&sarif::render(&view)).unwrap();
        assert_eq!(log["version"], "2.1.0", "{name}");
        for run in log["runs"].as_array().unwrap() {
            let driver = &run["tool"]["driver"];
            assert!(!driver["name"].as_str().unwrap().is_empty());
            let rules = driver["rules"].as_array().unwrap();
            let results = run["results"].as_array().unwrap();
            assert_eq!(results.len(), view.answer.rules.len());
            for rule in rules {
                assert!(rule["id"].is_string() && rule["help"]["text"].is_string());
                assert!(rule["shortDescription"]["text"].is_string());
            }
            for result in results {
                assert!(!result["message"]["text"].as_str().unwrap().is_empty());
                let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
                assert_eq!(rules[at]["id"], result["ruleId"]);
                assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
                let place = &result["locations"][0]["physicalLocation"];
                let uri = place["artifactLocation"]["uri"].as_str().unwrap();
                assert!(uri.is_ascii() && !uri.contains([' ', ':', '<', '|', '"']), "{uri}");
                assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
                assert!(result["partialFingerprints"].as_object().unwrap().values().all(Value::is_string));
            }
            for invocation in run["invocations"].as_array().unwrap() {
                assert!(invocation["executionSuccessful"].is_boolean());
                for notification in invocation["toolExecutionNotifications"].as_array().unwrap() {
                    assert!(notification["message"]["text"].is_string());
                }
            }
        }
    }
}
