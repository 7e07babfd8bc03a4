//! Every finding about the texts of a bundle, with its file and line.

use crate::cases::{HARD, REVIEW, SCHEMA};
use comptroller_policy::{Bundle, Package, lint, prove, unknown_controls};
use std::collections::BTreeSet;

fn shown(schema: &str, hard: &str, review: &str, invariants: &str) -> Vec<String> {
    let findings = lint(&package(schema, hard, review, Some(invariants)));
    findings
        .into_iter()
        .map(|finding| format!("{}:{}: {}", finding.file, finding.line.unwrap_or(0), finding.what))
        .collect()
}

fn has(findings: &[String], start: &str, part: &str) -> bool {
    findings.iter().any(|finding| finding.starts_with(start) && finding.contains(part))
}

#[test]
fn the_shipped_texts_are_in_order() {
    assert_eq!(shown(SCHEMA, HARD, REVIEW, prove::BUILTIN_INVARIANTS), Vec::<String>::new());
}

#[test]
fn everything_is_found_at_once_each_in_its_line() {
    let named = |id: &str, rest: &str| {
        format!("@id(\"{id}\")\n@reason(\"r\")\n@remedy(\"m\")\n@control(\"C\")\n{rest}\n")
    };
    let deploy = "action == Action::\"deploy\", resource)";
    let hard = [
        named("typo", &format!("forbid (principal, {deploy}\nwhen {{ context.aproved }};")),
        named("twice", &format!("forbid (principal, {deploy};")),
        named("twice", &format!("forbid (principal, {deploy};")),
        format!("@id(\"silent\")\nforbid (principal, {deploy};\n"),
        named("never", &format!("forbid (principal, {deploy}\nwhen {{ 1 == 2 }};")),
    ];
    let findings = shown(SCHEMA, &hard.concat(), REVIEW, "permit (principal, action, resource);");
    assert!(has(&findings, "hard.cedar:6:", "aproved"), "{findings:#?}");
    assert!(
        has(&findings, "hard.cedar:7:", "twice") || has(&findings, "hard.cedar:12:", "twice"),
        "{findings:#?}"
    );
    assert!(has(&findings, "hard.cedar:17:", "has no @reason"), "{findings:#?}");
    assert!(
        has(&findings, "hard.cedar:19:", "never") || has(&findings, "hard.cedar:23:", "never"),
        "{findings:#?}"
    );
    assert!(has(&findings, "invariants.cedar:1:", "has no @id"), "{findings:#?}");
}

#[test]
fn what_does_not_parse_or_is_too_much_is_found_in_each_file() {
    let deep = format!("\n{}", "(".repeat(40));
    let findings = shown("entity Person\nentity", &deep, "forbid (principal,\naction resource);", "");
    assert!(has(&findings, "schema.cedarschema:2:", ""), "{findings:#?}");
    assert!(has(&findings, "hard.cedar:2:", "deeper"), "{findings:#?}");
    assert!(has(&findings, "review.cedar:2:", ""), "{findings:#?}");
}

/// What lint passes loads, and what it refuses does not.
#[test]
fn lint_and_parse_agree() {
    let permit = "@id(\"x\") @reason(\"r\") @remedy(\"m\") @control(\"C\") @roles(\"ci\")
        permit (principal, action == Action::\"deploy\", resource);";
    let cases = [
        (SCHEMA.to_owned(), HARD.to_owned(), REVIEW.to_owned()),
        (SCHEMA.to_owned(), HARD.to_owned(), permit.to_owned()),
        (SCHEMA.replace("\"doctor.run\"", "\"doctor.walk\""), HARD.to_owned(), REVIEW.to_owned()),
        (SCHEMA.to_owned(), permit.replace("\"x\"", "\"no-permit\""), String::new()),
        (SCHEMA.to_owned(), permit.replace("principal, ", "principal == ?principal, "), String::new()),
        (SCHEMA.to_owned(), format!("{HARD}\n{REVIEW}"), REVIEW.to_owned()),
        (SCHEMA.to_owned(), permit.replace("\"ci\"", "\"emperor\""), String::new()),
    ];
    for (n, (schema, hard, review)) in cases.iter().enumerate() {
        let parsed = Bundle::parse(schema, hard, review);
        let findings = lint(&package(schema, hard, review, None));
        assert_eq!(parsed.is_ok(), findings.is_empty(), "{n}: {findings:#?} {parsed:?}");
        assert_eq!(findings.is_empty(), n == 0, "{n}");
    }
}

fn package(schema: &str, hard: &str, review: &str, invariants: Option<&str>) -> Package {
    let mut files = std::collections::BTreeMap::from([
        ("schema.cedarschema".to_owned(), schema.to_owned()),
        ("hard.cedar".to_owned(), hard.to_owned()),
        ("review.cedar".to_owned(), review.to_owned()),
    ]);
    if let Some(text) = invariants {
        files.insert("invariants.cedar".to_owned(), text.to_owned());
    }
    Package::new(files).unwrap()
}

/// The base policies with one file of cards.
fn with_cards(text: &str) -> Vec<String> {
    let mut files = Package::builtin().unwrap().files().clone();
    files.insert("cards/ours.toml".to_owned(), text.to_owned());
    let findings = lint(&Package::new(files).unwrap());
    let line = |finding: &comptroller_policy::Finding| finding.line.unwrap_or(0);
    findings.iter().map(|finding| format!("{}:{}: {}", finding.file, line(finding), finding.what)).collect()
}

const CARDS: &str = "title = \"t\"
source = \"s\"

[rule.ours-a]
set = \"review\"
on = [\"promotion\"]
reason = \"r\"
remedy = \"m\"
control = [\"CTL-CHANGE-02\"]
does_not_prove = \"d\"
require = [
  # Not served_in_stagging but what is below.
  { evidence = \"evaluation\", max_age_days = 90 },
  { fact = \"served_in_staging\", is = true },
]
[rule.ours-a.test]
passes = [{ evaluation_age = 60, evaluation_passed = true, served_in_staging = true }]
fails = [{ evaluation_age = 60, evaluation_passed = true, served_in_staging = false }]
";

/// Nobody sees what a card was compiled to: what is wrong with it is named where its author wrote it.
#[test]
fn a_card_is_found_wrong_in_its_own_file_and_line() {
    assert_eq!(with_cards(CARDS), Vec::<String>::new());

    let typo = CARDS.replacen("fact = \"served_in_staging\"", "fact = \"served_in_stagging\"", 1);
    let findings = with_cards(&typo);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].starts_with("cards/ours.toml:14: rule ours-a: "), "{findings:#?}");
    assert!(findings[0].ends_with("did you mean served_in_staging?"), "{findings:#?}");
    let mut files = Package::builtin().unwrap().files().clone();
    files.insert("cards/ours.toml".to_owned(), typo);
    let refused = Bundle::of(&Package::new(files).unwrap()).unwrap_err().to_string();
    assert!(refused.starts_with("cards/ours.toml: line 14 column 1: rule ours-a: "), "{refused}");

    // A case that names no fact, a number that is none, and a fact that may be absent.
    let findings = with_cards(&CARDS.replace("served_in_staging = false", "served_in_stage = false"));
    assert!(has(&findings, "cards/ours.toml:18:", "did you mean served_in_staging?"), "{findings:#?}");
    let findings = with_cards(&CARDS.replacen("is = true }", "at_most = 3 }", 1));
    assert!(has(&findings, "cards/ours.toml:14:", "used as a number"), "{findings:#?}");
    let findings =
        with_cards(&CARDS.replacen("{ fact = \"served_in_staging\"", "{ fact = \"evaluation_passed\"", 1));
    assert!(has(&findings, "cards/ours.toml:14:", "may be absent"), "{findings:#?}");

    // The card itself, and what is not TOML.
    let findings = with_cards(&CARDS.replacen("on = [\"promotion\"]", "on = []", 1));
    assert!(has(&findings, "cards/ours.toml:4:", "`on` is empty"), "{findings:#?}");
    let findings = with_cards(&CARDS.replacen("set = \"review\"", "set = \"revue\"", 1));
    assert!(has(&findings, "cards/ours.toml:5:", "revue"), "{findings:#?}");
    let findings = with_cards(&CARDS.replacen("reason = \"r\"", "reason = \" \"", 1));
    assert!(has(&findings, "cards/ours.toml:4:", "`reason` is missing or empty"), "{findings:#?}");
}

#[test]
fn a_name_that_is_taken_is_found_in_the_card_that_takes_it() {
    let findings = with_cards(&CARDS.replace("rule.ours-a", "rule.artifacts-missing"));
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].starts_with("cards/ours.toml:4: rule artifacts-missing: "), "{findings:#?}");
    assert!(findings[0].contains("hard.cedar"), "{findings:#?}");

    let mut files = Package::builtin().unwrap().files().clone();
    files.insert("cards/ours.toml".to_owned(), CARDS.to_owned());
    files.insert("cards/theirs.toml".to_owned(), CARDS.to_owned());
    let package = Package::new(files).unwrap();
    let findings = lint(&package);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!((findings[0].file.as_str(), findings[0].line), ("cards/theirs.toml", Some(4)));
    assert!(findings[0].what.contains("in cards/ours.toml"), "{findings:#?}");
    let refused = Bundle::of(&package).unwrap_err().to_string();
    assert!(
        refused.contains("cards/theirs.toml: line 4") && refused.contains("cards/ours.toml"),
        "{refused}"
    );
}

/// An auditor who looks up what a rule serves must find it.
#[test]
fn a_control_that_there_is_not_is_named_with_the_nearest() {
    let known: BTreeSet<String> =
        ["CTL-CHANGE-02", "CTL-POLICY-01", "soc2:CC8.1"].into_iter().map(str::to_owned).collect();
    let mut files = Package::builtin().unwrap().files().clone();
    let cards = CARDS
        .replace("[\"CTL-CHANGE-02\"]", "[\"CTL-CHANGE-2\", \"soc2:CC8.9\", \"ours:7\", \"soc2:CC8.1\"]");
    files.insert("cards/ours.toml".to_owned(), cards);
    let hard = files["hard.cedar"].replacen("@control(\"CTL-POLICY-01\")", "@control(\"CTL-POLICY-77\")", 1);
    let line = hard.lines().position(|line| line.contains("CTL-POLICY-77")).unwrap();
    files.insert("hard.cedar".to_owned(), hard);
    let findings = unknown_controls(&Package::new(files).unwrap(), &known);
    let of = |file: &str| findings.iter().filter(|one| one.file == file).collect::<Vec<_>>();
    let ours = of("cards/ours.toml");
    assert_eq!(ours.len(), 2, "{ours:#?}");
    assert!(ours.iter().all(|one| one.line == Some(9)), "{ours:#?}");
    assert!(ours[0].what.ends_with("CTL-CHANGE-2; did you mean CTL-CHANGE-02?"), "{ours:#?}");
    assert!(ours[1].what.contains("soc2:CC8.9"), "{ours:#?}");
    let one = of("hard.cedar").into_iter().find(|one| one.what.contains("CTL-POLICY-77")).unwrap();
    // The line in which the rule begins.
    assert!(one.line.is_some_and(|begins| begins <= line + 1 && begins + 6 > line), "{one:?}");
}
