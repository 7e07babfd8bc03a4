//! What a change of the policies lets in, on small bundles with known answers.

use crate::cases::{HARD, REVIEW, SCHEMA};
use crate::prove::{bundle, forbid, quiet, rule, schema, solver};
use comptroller_core::vocab::BundleVerdict;
use comptroller_core::vocab::Outcome;
use comptroller_policy::Bundle;
use comptroller_policy::prove::{self, Comparison, Finding, Flip};

fn compare(old: &Bundle, new: &Bundle) -> Comparison {
    let comparison = prove::compare(old, new, &solver(), &quiet);
    // Whatever is shown really happens.
    for slice in &comparison.slices {
        for finding in [&slice.lets_in, &slice.keeps_out] {
            if let Finding::Something { flips } = finding {
                for flip in flips {
                    let request = flip.example.request().unwrap();
                    assert_eq!(old.decide(&request).outcome, flip.old, "{flip:?}");
                    assert_eq!(new.decide(&request).outcome, flip.new, "{flip:?}");
                }
            }
        }
    }
    comparison
}

/// One forbid before, one after.
fn changed(old: &str, new: &str) -> Comparison {
    compare(&bundle(&[("gate", &forbid(old))], &[]), &bundle(&[("gate", &forbid(new))], &[]))
}

/// The requests that a comparison shows in one direction.
fn flips(comparison: &Comparison, pick: fn(&prove::SliceProof) -> &Finding) -> Vec<Flip> {
    let findings = comparison.slices.iter().map(pick);
    findings
        .flat_map(|finding| match finding {
            Finding::Something { flips } => flips.clone(),
            _ => Vec::new(),
        })
        .collect()
}

fn let_in(comparison: &Comparison) -> Vec<Flip> {
    flips(comparison, |slice| &slice.lets_in)
}

fn kept_out(comparison: &Comparison) -> Vec<Flip> {
    flips(comparison, |slice| &slice.keeps_out)
}

#[test]
fn a_bundle_lets_in_what_it_lets_in() {
    let bundle = || Bundle::parse(SCHEMA, HARD, REVIEW).unwrap();
    let same = compare(&bundle(), &bundle());
    assert_eq!((same.verdict, same.slices.len()), (BundleVerdict::Equivalent, 0));
    assert!(same.unchanged > 90, "{}", same.unchanged);
    // Other words, another order.
    let reordered = Bundle::parse(SCHEMA, &HARD.replace("@reason(\"", "@reason(\"Now: "), REVIEW).unwrap();
    assert_eq!(compare(&bundle(), &reordered).slices, []);
}

#[test]
fn a_higher_threshold_is_stricter_and_shows_what_is_refused_now() {
    let comparison = changed("context.ratio < 800000", "context.ratio < 850000");
    assert_eq!(comparison.verdict, BundleVerdict::Stricter, "{comparison:?}");
    // Only deployments, by persons and by service accounts.
    assert_eq!(comparison.slices.len(), 2);
    assert_eq!(let_in(&comparison), []);
    for flip in kept_out(&comparison) {
        assert_eq!((flip.old, flip.new), (Outcome::Allow, Outcome::Deny));
        assert_eq!(flip.example.facts["ratio"], 800_000, "{}", flip.example);
    }
}

#[test]
fn a_longer_age_is_looser_and_shows_what_is_let_in() {
    let comparison = changed("context.age_days > 30", "context.age_days > 90");
    assert_eq!(comparison.verdict, BundleVerdict::Looser, "{comparison:?}");
    let flips = let_in(&comparison);
    assert_eq!(flips.len(), 2);
    for flip in flips {
        assert_eq!((flip.old, flip.new), (Outcome::Deny, Outcome::Allow));
        assert_eq!(flip.example.facts["age_days"], 31, "{}", flip.example);
        assert_eq!(
            flip.example.facts["principal.roles"],
            serde_json::json!(["deployer"]),
            "{}",
            flip.example
        );
    }
    assert_eq!(kept_out(&comparison), []);
}

#[test]
fn a_change_in_both_directions_is_looser_and_says_both() {
    let comparison = changed("context.ratio < 800000", "context.ratio > 900000");
    assert_eq!(comparison.verdict, BundleVerdict::Looser, "{comparison:?}");
    assert!(!let_in(&comparison).is_empty() && !kept_out(&comparison).is_empty());
}

#[test]
fn other_words_for_the_same_are_equivalent() {
    let comparison = changed(
        "context.ratio < 800000 || !context.has_signature",
        "!(context.has_signature && 799999 < context.ratio)",
    );
    assert_eq!(comparison.verdict, BundleVerdict::Equivalent, "{comparison:?}");
    assert_eq!(comparison.slices.len(), 2);
    // Two rules for one.
    let split = bundle(
        &[("one", &forbid("context.ratio < 800000")), ("two", &forbid("!context.has_signature"))],
        &[],
    );
    let whole = bundle(&[("gate", &forbid("context.ratio < 800000 || !context.has_signature"))], &[]);
    assert_eq!(compare(&whole, &split).verdict, BundleVerdict::Equivalent);
}

#[test]
fn a_permit_that_somebody_sneaked_in_is_found() {
    let sneaked = rule(
        "helper",
        "permit (principal in Role::\"ci\", action == Action::\"ledger.rotate_key\", resource);",
    );
    let new = Bundle::parse(SCHEMA, &format!("{HARD}\n{sneaked}"), REVIEW).unwrap();
    let comparison = compare(&Bundle::builtin().unwrap(), &new);
    assert_eq!(comparison.verdict, BundleVerdict::Looser);
    assert!(comparison.slices.iter().all(|slice| slice.action == "ledger.rotate_key"));
    for flip in let_in(&comparison) {
        assert_eq!((flip.old, flip.new), (Outcome::Deny, Outcome::Allow));
        assert_eq!(flip.example.facts["principal.roles"], serde_json::json!(["ci"]));
    }
    // For one resource alone.
    let one = rule(
        "helper",
        "permit (principal is ServiceAccount, action == Action::\"system.read\", resource == Resource::\"system/7\");",
    );
    let new = Bundle::parse(SCHEMA, &format!("{HARD}\n{one}"), REVIEW).unwrap();
    let flips = let_in(&compare(&Bundle::builtin().unwrap(), &new));
    assert_eq!((flips.len(), flips[0].example.resource.as_str()), (1, "system/7"));
}

#[test]
fn a_rule_that_moves_from_hard_to_review_is_looser() {
    let gate = forbid("context.ratio < 800000");
    let (hard, review) = (bundle(&[("gate", &gate)], &[]), bundle(&[], &[("gate", &gate)]));
    let comparison = compare(&hard, &review);
    assert_eq!(comparison.verdict, BundleVerdict::Looser, "{comparison:?}");
    for flip in let_in(&comparison) {
        assert_eq!((flip.old, flip.new), (Outcome::Deny, Outcome::NeedsReview));
    }
    let back = compare(&review, &hard);
    assert_eq!(back.verdict, BundleVerdict::Stricter, "{back:?}");
}

/// INVARIANT (deny-on-error): a request on which a rule errors is refused, which the compiler knows nothing of.
#[test]
fn a_guard_for_a_rule_that_errors_is_looser_where_the_error_refused() {
    let sum = "context.ratio * 10 > 7";
    let comparison = changed(sum, &format!("context.ratio < 1000000 && {sum}"));
    assert_eq!(comparison.verdict, BundleVerdict::Looser, "{comparison:?}");
    let comparison = changed(sum, &format!("context.ratio > 1000000 || context.ratio < -1000000 || {sum}"));
    // The error refused, and so does the guard now; but that the rest is alike cannot be shown of a rule that errors.
    assert_eq!(comparison.verdict, BundleVerdict::Unproven, "{comparison:?}");
    // The other way round only refuses more.
    let comparison = changed("context.ratio < 1000000 && context.ratio > 7", sum);
    assert_eq!(comparison.verdict, BundleVerdict::Stricter, "{comparison:?}");
}

#[test]
fn a_new_fact_is_asked_of_the_new_rules_only() {
    let permit = rule(
        "may-deploy",
        "permit (principal in Role::\"deployer\", action == Action::\"deploy\", resource);",
    );
    let old = Bundle::parse(SCHEMA, &permit, "").unwrap();
    let text = permit.clone() + &rule("old", &forbid("context.age_days > 30"));
    let new = Bundle::parse(&schema(), &text, "").unwrap();
    // The request itself cannot be decided by the old bundle, which does not know the fact; its rules can.
    let comparison = prove::compare(&old, &new, &solver(), &quiet);
    assert_eq!(comparison.verdict, BundleVerdict::Stricter, "{comparison:?}");
    assert_eq!(kept_out(&comparison)[0].example.facts["age_days"], 31);
    assert_eq!(comparison.slices.len(), 6, "deploy, gate.check and operate have the fact");

    // Back again, the rule is gone with its fact: what it refused is let in, but the two cannot be asked alike.
    let comparison = prove::compare(&new, &old, &solver(), &quiet);
    assert_eq!(comparison.verdict, BundleVerdict::Unproven, "{comparison:?}");
}

#[test]
fn a_fact_that_became_optional_and_other_entities_are_not_compared() {
    let permit = rule(
        "may-deploy",
        "permit (principal in Role::\"deployer\", action == Action::\"deploy\", resource);",
    );
    let of = |schema: &str| Bundle::parse(schema, &permit, "").unwrap();
    let optional = of(&SCHEMA.replace("has_signature: Bool", "has_signature?: Bool"));
    let comparison = prove::compare(&of(SCHEMA), &optional, &solver(), &quiet);
    assert_eq!(comparison.verdict, BundleVerdict::Unproven);
    let text = format!("{comparison:?}");
    assert!(text.contains("the fact has_signature of deploy changed its type"), "{text}");

    // The same rules and facts, but an environment that was none before: requests there are new.
    let fewer = of(&SCHEMA.replace("[\"dev\", \"staging\", \"production\"]", "[\"dev\", \"staging\"]"));
    let comparison = prove::compare(&fewer, &of(SCHEMA), &solver(), &quiet);
    assert_eq!((comparison.verdict, comparison.unchanged), (BundleVerdict::Unproven, 0));
    assert!(format!("{comparison:?}").contains("entity types Environment"), "{comparison:?}");
}

#[test]
fn an_act_that_becomes_open_to_another_kind_of_principal_is_looser() {
    let permit = rule("may-vote", "permit (principal, action == Action::\"approval.vote\", resource);");
    let narrow = SCHEMA.replace(
        "action \"approval.vote\"\nappliesTo { principal: [Person, ServiceAccount]",
        "action \"approval.vote\"\nappliesTo { principal: [Person]",
    );
    assert_ne!(narrow, SCHEMA);
    let (old, new) =
        (Bundle::parse(&narrow, &permit, "").unwrap(), Bundle::parse(SCHEMA, &permit, "").unwrap());
    let comparison = compare(&old, &new);
    assert_eq!(comparison.verdict, BundleVerdict::Looser, "{comparison:?}");
    assert_eq!((let_in(&comparison)[0].old, let_in(&comparison)[0].new), (Outcome::Unknown, Outcome::Allow));
    assert_eq!(compare(&new, &old).verdict, BundleVerdict::Stricter);
}
