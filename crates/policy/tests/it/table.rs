//! Every rule against its cases in `policies/base/tests.toml`, and tables that are not in order.

use crate::cases::{CASES, HARD, REVIEW, SCHEMA, shipped_cases};
use comptroller_policy::Bundle;
use comptroller_policy::cases::{self, Cases, CasesError};

/// What failed, as `rule: name: failure`.
fn failures(bundle: &Bundle, cases: &Cases) -> Vec<String> {
    let failed = cases::run(bundle, cases).into_iter().filter_map(|result| {
        let failure = result.failure?;
        Some(format!("{}: {}: {failure}", result.rule.unwrap_or_default(), result.name))
    });
    failed.collect()
}

#[test]
fn every_shipped_rule_does_what_its_cases_say_and_is_missed_by_one() {
    let bundle = Bundle::builtin().unwrap();
    assert_eq!(failures(&bundle, &shipped_cases()), Vec::<String>::new());
    let results = cases::run(&bundle, &shipped_cases());
    for rule in bundle.rules() {
        let of_rule = results.iter().filter(|result| result.rule.as_deref() == Some(rule.id.as_str()));
        assert!(of_rule.count() >= 4, "{}: cases of both kinds, a match and a miss", rule.id);
    }
}

#[test]
fn a_rule_without_cases_and_cases_without_a_rule_fail() {
    let bundle = Bundle::builtin().unwrap();
    let renamed = CASES.replace("[rule.approvals-missing]", "[rule.approvals-mising]");
    assert_ne!(renamed, CASES);
    let text = failures(&bundle, &Cases::parse(&renamed).unwrap()).join("\n");
    assert!(
        text.contains("approvals-missing: a case matches and a case misses: no case matches it"),
        "{text}"
    );
    assert!(text.contains("approvals-mising: the rule exists: no rule has this name"), "{text}");
}

#[test]
fn a_changed_rule_fails_its_cases() {
    let weaker = REVIEW.replace("context.approvals_valid < 2", "context.approvals_valid < 1");
    let bundle = Bundle::parse(SCHEMA, HARD, &weaker).unwrap();
    let text = failures(&bundle, &shipped_cases()).join("\n");
    assert!(text.contains("approvals-missing: matches"), "{text}");
    assert!(text.contains("the rule missed a request that it should match"), "{text}");
}

/// A rule that another rule makes superfluous can be deleted without a case noticing.
#[test]
fn a_rule_that_no_case_would_miss_fails() {
    let twin = HARD.replace("@id(\"vote-twice\")", "@id(\"vote-twice-again\")");
    let at = twin.find("@id(\"vote-twice-again\")").unwrap();
    let end = at + twin[at..].find(";\n").unwrap() + 2;
    let bundle = Bundle::parse(SCHEMA, &format!("{HARD}\n{}", &twin[at..end]), REVIEW).unwrap();
    let text = failures(&bundle, &shipped_cases()).join("\n");
    assert!(text.contains("vote-twice: without it a case comes out differently"), "{text}");
}

#[test]
fn a_table_that_is_not_in_order_says_where() {
    let baseline = "[act.deploy]\nroles = [\"deployer\"]\nfacts = { approvals_valid = 2 }\n";
    let case = |fields: &str| {
        let text =
            format!("{baseline}[rule.x]\nmatches = [{{ act = \"deploy\", outcome = \"deny\", {fields} }}]\n");
        Cases::parse(&text).unwrap_err().to_string()
    };
    let misspelt = case("facts = { aprovals_valid = 1 }");
    assert!(
        misspelt.contains("rule x, matches 1: the baseline of deploy has no fact aprovals_valid"),
        "{misspelt}"
    );
    let place = case("environment = \"prod\"");
    assert!(place.contains("rule x, matches 1") && place.contains("prod"), "{place}");
    assert!(case("rols = []").contains("line 5"), "{}", case("rols = []"));
    let act = Cases::parse("[act.deplo]\nroles = []\n").unwrap_err().to_string();
    assert!(act.contains("the baseline of deplo"), "{act}");
    let none = Cases::parse("[rule.x]\nmatches = [{ act = \"deploy\", outcome = \"deny\" }]\n").unwrap_err();
    assert!(none.to_string().contains("there is no baseline of deploy"), "{none}");
    let large = Cases::parse(&"#".repeat(2 << 20));
    assert!(matches!(large, Err(CasesError::TooLarge { .. })));
}
