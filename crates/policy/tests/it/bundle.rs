//! What a bundle must be to come into force.

use crate::cases::{HARD, REVIEW, SCHEMA, shipped_cases};
use comptroller_core::vocab::Outcome;
use comptroller_policy::{Action, Bundle, BundleError, Effect, Package};
use std::fmt::Write as _;

/// A rule with every annotation around a head and a condition.
fn rule(body: &str) -> String {
    format!("@id(\"probe\") @reason(\"r\") @remedy(\"m\") @control(\"CTL-X-01\") {body}")
}

fn refused_hard(addition: &str) -> BundleError {
    Bundle::parse(SCHEMA, &format!("{HARD}\n{addition}"), REVIEW).expect_err(addition)
}

#[test]
fn the_shipped_bundle_is_in_order() {
    let bundle = Bundle::builtin().unwrap();
    assert!(bundle.rules().count() > 30);
    for rule in bundle.rules() {
        assert_eq!(rule.effect == Effect::Permit, !rule.roles.is_empty(), "{}", rule.id);
        assert!(rule.control.iter().all(|control| control.starts_with("CTL-")), "{}", rule.id);
    }
}

#[test]
fn every_control_is_described() {
    let readme = include_str!("../../../../policies/base/README.md");
    for rule in Bundle::builtin().unwrap().rules() {
        for control in &rule.control {
            assert!(readme.contains(&format!("| {control} |")), "{control} of {}", rule.id);
        }
    }
}

/// INVARIANT (as-of): any change of a text is another digest.
#[test]
fn any_change_of_a_text_is_another_digest() {
    let digest = |schema: &str, hard: &str, review: &str| {
        Bundle::parse(schema, hard, review).unwrap().digest().clone()
    };
    let base = digest(SCHEMA, HARD, REVIEW);
    assert_eq!(base, digest(SCHEMA, HARD, REVIEW));
    let longer = |text: &str| format!("{text}\n");
    let others = [
        digest(&longer(SCHEMA), HARD, REVIEW),
        digest(SCHEMA, &longer(HARD), REVIEW),
        digest(SCHEMA, HARD, &longer(REVIEW)),
    ];
    for (n, other) in others.iter().enumerate() {
        assert_ne!(other, &base);
        assert!(!others[..n].contains(other));
    }
}

#[test]
fn strict_validation_refuses_what_can_only_be_a_mistake() {
    let cases = [
        // An attribute that no context has.
        (
            r#"forbid (principal, action == Action::"deploy", resource) when { context.aproval_denied };"#,
            "aproval_denied",
        ),
        // A fact that only some acts have, without asking whether it is there.
        ("forbid (principal, action, resource) when { context.approval_denied };", "approval_denied"),
        // An optional fact without `has`.
        (
            r#"forbid (principal, action == Action::"deploy", resource)
               when { context.credential_environment == Environment::"dev" };"#,
            "credential_environment",
        ),
        // A number compared with a word.
        (
            r#"forbid (principal, action == Action::"deploy", resource) when { context.approvals_valid == "2" };"#,
            "",
        ),
        // A role, an environment and an act that do not exist.
        (r#"forbid (principal in Role::"emperor", action, resource);"#, "emperor"),
        (
            r#"forbid (principal, action == Action::"deploy", resource)
               when { context.environment == Environment::"prod" };"#,
            "prod",
        ),
        (r#"forbid (principal, action == Action::"deploi", resource);"#, "deploi"),
        // Only a warning to Cedar: the rule can never match.
        (r#"forbid (principal is Resource, action == Action::"deploy", resource);"#, ""),
        (r#"forbid (principal, action == Action::"deploy", resource) when { 1 == 2 };"#, ""),
    ];
    for (body, named) in cases {
        let error = refused_hard(&rule(body));
        assert!(matches!(error, BundleError::Validation { file: "hard.cedar", .. }), "{body}: {error}");
        let text = error.to_string();
        assert!(text.contains("probe") && text.contains(named), "{text}");
    }
}

#[test]
fn a_rule_must_say_who_it_is() {
    let head = r#"forbid (principal, action == Action::"deploy", resource);"#;
    let all = [("id", "probe"), ("reason", "r"), ("remedy", "m"), ("control", "CTL-X-01")];
    for missing in all {
        let mut text = String::new();
        for (name, value) in all.iter().filter(|(name, _)| *name != missing.0) {
            write!(text, "@{name}(\"{value}\") ").unwrap();
        }
        let error = refused_hard(&format!("{text}{head}"));
        assert!(
            matches!(&error, BundleError::MissingAnnotation { annotation, .. } if *annotation == missing.0),
            "{error}"
        );
        // An empty one is none.
        let error = refused_hard(&format!("@{}(\" \") {text}{head}", missing.0));
        assert!(matches!(error, BundleError::MissingAnnotation { .. }), "{error}");
    }
    let permit = refused_hard(&rule(r#"permit (principal, action == Action::"deploy", resource);"#));
    assert!(matches!(permit, BundleError::MissingAnnotation { annotation: "roles", .. }), "{permit}");
}

#[test]
fn bad_names_and_lists_are_refused() {
    let head = r#"forbid (principal, action == Action::"deploy", resource);"#;
    let permit = r#"permit (principal, action == Action::"deploy", resource);"#;
    let with = |id: &str, control: &str, rest: &str| {
        refused_hard(&format!("@id(\"{id}\") @reason(\"r\") @remedy(\"m\") @control(\"{control}\") {rest}"))
    };
    assert!(matches!(with("Not A Slug", "C", head), BundleError::BadAnnotation { annotation: "id", .. }));
    assert!(matches!(with("x", "C,,D", head), BundleError::BadAnnotation { annotation: "control", .. }));
    assert!(matches!(with("x", &"C".repeat(2_000), head), BundleError::BadAnnotation { .. }));
    let roles = with("x", "C", &format!("@roles(\"owner, emperor\") {permit}"));
    assert!(roles.to_string().contains("emperor"), "{roles}");
    assert_eq!(with("no-permit", "C", head), BundleError::ReservedId { id: "no-permit".to_owned() });
    assert_eq!(with("vote-twice", "C", head), BundleError::DuplicateId { id: "vote-twice".to_owned() });
    // Also across the two sets.
    assert_eq!(
        with("approvals-missing", "C", head),
        BundleError::DuplicateId { id: "approvals-missing".to_owned() }
    );
}

#[test]
fn the_review_set_permits_nothing_and_templates_are_refused() {
    let permit = r#"@id("probe") @roles("owner") @reason("r") @remedy("m") @control("C") permit (principal, action, resource);"#;
    let error = Bundle::parse(SCHEMA, HARD, &format!("{REVIEW}\n{permit}")).unwrap_err();
    assert_eq!(error, BundleError::PermitInReview { id: "probe".to_owned() });
    let template = refused_hard(&rule("forbid (principal == ?principal, action, resource);"));
    assert_eq!(template, BundleError::Template { file: "hard.cedar", rule: "probe".to_owned() });
}

#[test]
fn a_syntax_error_says_where() {
    let lines = HARD.matches('\n').count() + 2;
    let error = refused_hard("forbid (principal, action, resource) when { 1 + };").to_string();
    assert!(error.starts_with(&format!("hard.cedar does not parse: line {lines} column ")), "{error}");
    let error = Bundle::parse("entity A;\nentity B = ;", HARD, REVIEW).unwrap_err().to_string();
    assert!(error.starts_with("schema.cedarschema does not parse: line 2 column "), "{error}");
    let error = Bundle::parse("entity A in [Nowhere];", HARD, REVIEW).unwrap_err().to_string();
    assert!(error.contains("Nowhere"), "{error}");
}

#[test]
fn size_and_depth_are_bounded() {
    let error = refused_hard(&" ".repeat(300_000));
    assert!(matches!(error, BundleError::TooLarge { file: "hard.cedar", .. }), "{error}");
    let deep = format!("{}1 == 1{}", "(".repeat(10_000), ")".repeat(10_000));
    let error = refused_hard(&rule(&format!("forbid (principal, action, resource) when {{ {deep} }};")));
    assert!(matches!(error, BundleError::TooDeep { file: "hard.cedar", .. }), "{error}");
    let error =
        Bundle::parse(&format!("type T = {}Long{};", "Set<".repeat(50_000), ">".repeat(50_000)), "", "");
    assert!(matches!(error, Err(BundleError::TooDeep { .. })), "deep types");
}

#[test]
fn a_schema_must_know_what_the_product_asks_about() {
    let without_act = SCHEMA.replace("\"policy.read\", ", "");
    let error = Bundle::parse(&without_act, "", "").unwrap_err();
    assert_eq!(error, BundleError::MissingDefinition { missing: "action policy.read".to_owned() });
    let renamed = SCHEMA.replace("ServiceAccount", "Robot");
    let error = Bundle::parse(&renamed, "", "").unwrap_err();
    assert_eq!(error, BundleError::MissingDefinition { missing: "entity ServiceAccount".to_owned() });
    let grouped = format!("{SCHEMA}\naction all; action probe in [all];");
    let error = Bundle::parse(&grouped, "", "").unwrap_err();
    assert!(matches!(error, BundleError::UnsupportedSchema { .. }), "{error}");
}

#[test]
fn a_bundle_without_rules_permits_nothing() {
    let bundle = Bundle::parse(SCHEMA, "", "").unwrap();
    let request = crate::cases::shipped_cases().baseline(comptroller_policy::Action::SystemRead);
    let decision = bundle.decide(&request);
    assert_eq!(decision.outcome, comptroller_policy::Outcome::Deny);
    assert_eq!(decision.rules[0].reason, "nobody may do system.read: no rule permits it");
}

/// Most of these nest without brackets, where a reader that recurses could run out of stack.
#[test]
fn long_chains_are_read_or_refused_but_never_crash() {
    let chains = [
        "true && ".repeat(250) + "true",
        "1 + ".repeat(250) + "1 == 251",
        "-".repeat(250) + "1 == 1",
        "!".repeat(250) + "true",
        "if true then ".repeat(12) + "true" + &" else true".repeat(12),
        "if true then true else ".repeat(12) + "true",
        "if true then ".repeat(13) + "true" + &" else true".repeat(13),
        "if principal == resource then true else ".repeat(250) + "true",
        "context".to_owned() + &".x".repeat(250),
        "A::".repeat(60_000) + "\"a\" == principal",
        "[".repeat(33) + &"]".repeat(33) + " == []",
        "[1".to_owned() + &", 1".repeat(60_000) + "].contains(1)",
        "true && ".repeat(20_000) + "true",
        "1 + ".repeat(20_000) + "1 == 1",
        "!".repeat(100_000) + "true",
        "-".repeat(100_000) + "1 == 1",
        "if true then ".repeat(5_000) + "true" + &" else true".repeat(5_000),
        "if true then true else ".repeat(5_000) + "true",
        "context".to_owned() + &".x".repeat(50_000),
    ];
    let request = crate::cases::shipped_cases().baseline(comptroller_policy::Action::SystemRead);
    let (mut read, mut refused) = (0, 0);
    for chain in chains {
        let hard = rule(&format!("forbid (principal, action, resource) when {{ {chain} }};"));
        match Bundle::parse(SCHEMA, &hard, "") {
            Ok(bundle) => {
                assert_ne!(bundle.decide(&request).outcome, comptroller_policy::Outcome::Allow);
                read += 1;
            }
            Err(error) => {
                assert!(error.to_string().len() < 10_000, "a finding does not repeat the whole text");
                refused += 1;
            }
        }
    }
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
}

/// After an update of the product, policies of before must neither let anybody in nor lock everybody out.
#[test]
fn policies_of_an_earlier_version_permit_nobody_an_act_that_they_do_not_know() {
    let mut files = Package::builtin().unwrap().files().clone();
    // An earlier version that knew no waivers.
    let schema = files.get_mut("schema.cedarschema").unwrap();
    for (act, context) in [("request", "Placed"), ("decide", "Exception"), ("end", "Placed")] {
        let definition = format!(
            "action \"waiver.{act}\"\nappliesTo {{ principal: [Person, ServiceAccount], resource: [Resource], \
             context: {context} }};\n"
        );
        assert!(schema.contains(&definition), "{definition}");
        *schema = schema.replace(&definition, "");
    }
    let strip = |text: &str| {
        let policies = text.split(";\n").filter(|policy| !policy.contains("waiver."));
        policies.collect::<Vec<_>>().join(";\n")
    };
    let hard = strip(&files["hard.cedar"]);
    files.insert("hard.cedar".into(), hard);
    let package = Package::new(files).unwrap();
    assert!(Bundle::of(&package).is_err());
    let adapted = Bundle::adapted(&package).unwrap();
    assert_eq!(adapted.digest(), &package.digest());
    let cases = shipped_cases();
    assert_eq!(adapted.decide(&cases.baseline(Action::WaiverDecide)).outcome, Outcome::Deny);
    assert_eq!(adapted.decide(&cases.baseline(Action::PolicyActivate)).outcome, Outcome::Allow);
}
