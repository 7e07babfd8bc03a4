//! Every finding about the texts of a bundle, with its file and line.

use crate::cases::{HARD, REVIEW, SCHEMA};
use comptroller_policy::{Bundle, Package, lint, prove};

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
