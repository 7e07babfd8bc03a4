//! Proofs about random rules against asking every request of a small world, one by one.

use crate::cases::shipped_cases;
use crate::prove::{bundle, forbid, quiet, solver};
use comptroller_core::vocab::BundleVerdict;
use comptroller_core::vocab::{Outcome, PrincipalKind};
use comptroller_core::{Environment, Role};
use comptroller_policy::prove::{self};
use comptroller_policy::{Action, Bundle, Facts, Request};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

const ROUNDS: usize = 24;

/// A condition over facts that the small world varies; one of the atoms can error.
fn condition() -> impl Strategy<Value = String> {
    let atoms = select(vec![
        "context.ratio < 5",
        "context.ratio < 6",
        "context.ratio * 2 > 11",
        "context.age_days > 5",
        "context.has_signature",
        "context.waived.contains(\"a\")",
        "(context has tier && context.tier == \"high\")",
        "(context has tier && context.tier != \"low\")",
        "context.environment == Environment::\"production\"",
        "context.environment in [Environment::\"dev\", Environment::\"staging\"]",
        "principal in Role::\"ci\"",
        "principal is ServiceAccount",
        "(context has credential_environment && context.credential_environment == context.environment)",
    ]);
    atoms.prop_map(str::to_owned).prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// Two rules, each in one of the sets.
fn rules() -> impl Strategy<Value = Vec<(bool, String)>> {
    proptest::collection::vec((any::<bool>(), condition()), 2)
}

fn made_of(rules: &[(bool, String)]) -> Bundle {
    let texts: Vec<(bool, String, String)> = rules
        .iter()
        .enumerate()
        .map(|(n, (hard, text))| (*hard, format!("rule-{n}"), forbid(text)))
        .collect();
    let of = |set: bool| {
        texts
            .iter()
            .filter(|rule| rule.0 == set)
            .map(|rule| (rule.1.as_str(), rule.2.as_str()))
            .collect::<Vec<_>>()
    };
    bundle(&of(true), &of(false))
}

/// Every request of the small world.
fn world() -> Vec<Request> {
    let baseline = shipped_cases().baseline(Action::Deploy);
    let mut all = Vec::new();
    let facts = |ratio: i64, age: i64, n: usize| {
        let mut facts: Facts = baseline.facts.clone();
        facts = facts.long("ratio", ratio).long("age_days", age).bool("has_signature", n.is_multiple_of(2));
        facts = facts.set("waived", if n & 2 == 0 { &["b"] } else { &["a", "b"] });
        match n >> 2 {
            0 => facts,
            1 => facts.text("tier", "high"),
            _ => facts.text("tier", "low"),
        }
    };
    let roles: [&[Role]; 2] = [&[Role::Deployer], &[Role::Deployer, Role::Ci]];
    for &kind in PrincipalKind::ALL {
        for roles in roles {
            for (credential, environment) in [
                (None, Environment::Dev),
                (Some(Environment::Dev), Environment::Production),
                (None, Environment::Production),
            ] {
                for ratio in [i64::MIN, 4, 5, 6, i64::MAX] {
                    for (age, n) in [5, 6].into_iter().flat_map(|age| (0..12).map(move |n| (age, n))) {
                        let mut request = Request { environment: Some(environment), ..baseline.clone() };
                        request.principal.kind = kind;
                        request.principal.roles = roles.iter().copied().collect();
                        request.principal.credential_environment = credential;
                        request.facts = facts(ratio, age, n);
                        all.push(request);
                    }
                }
            }
        }
    }
    all
}

/// A change of one kind after the other.
fn changed(round: usize, old: &[(bool, String)], other: &[(bool, String)]) -> Vec<(bool, String)> {
    let mut new = old.to_vec();
    let ((_, text), (_, more)) = (&old[0], &other[0]);
    match round % 6 {
        // Something else altogether.
        0 => new = other.to_vec(),
        // More is refused; less is; the same in other words; from one set to the other; a rule of its own.
        1 => new[0].1 = format!("({text} || {more})"),
        2 => new[0].1 = format!("({text} && {more})"),
        3 => new[0].1 = format!("!(!({text}) && !({text} && {more}))"),
        4 => new[0].0 = !old[0].0,
        _ => new.push(other[0].clone()),
    }
    new
}

/// How far an outcome lets a request.
fn reach(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Allow => 2,
        Outcome::NeedsReview => 1,
        Outcome::Deny | Outcome::Unknown => 0,
    }
}

/// INVARIANT (unproven-by-default)
#[test]
fn what_is_proven_is_true_of_every_request_of_a_small_world() {
    let (solver, world) = (solver(), world());
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::new();
    for round in 0..ROUNDS {
        let old = rules().new_tree(&mut runner).unwrap().current();
        let other = rules().new_tree(&mut runner).unwrap().current();
        let new = changed(round, &old, &other);
        // A rule may be seen to be impossible, which no bundle may hold.
        let texts = [old.clone(), new.clone()];
        let made = std::panic::catch_unwind(|| (made_of(&texts[0]), made_of(&texts[1])));
        let Ok((before, after)) = made else { continue };
        let comparison = prove::compare(&before, &after, &solver, &quiet);
        *seen.entry(comparison.verdict).or_insert(0) += 1;
        let changes: Vec<(u8, u8)> = world
            .iter()
            .map(|request| (reach(before.decide(request).outcome), reach(after.decide(request).outcome)))
            .collect();
        let looser = changes.iter().any(|(old, new)| new > old);
        let stricter = changes.iter().any(|(old, new)| new < old);
        match comparison.verdict {
            BundleVerdict::Equivalent => assert!(!looser && !stricter, "{old:#?} {new:#?} {comparison:#?}"),
            BundleVerdict::Stricter => assert!(!looser, "{old:#?} {new:#?} {comparison:#?}"),
            // That it is so, each shown request says itself.
            BundleVerdict::Looser | BundleVerdict::Unproven => {}
        }
    }
    // The test would be empty if nothing were ever proven, or nothing found.
    assert!(seen.get(&BundleVerdict::Looser).is_some_and(|&n| n >= 5), "{seen:?}");
    let proven = [BundleVerdict::Equivalent, BundleVerdict::Stricter]
        .iter()
        .filter_map(|verdict| seen.get(verdict))
        .sum::<i32>();
    assert!(proven >= 2, "{seen:?}");
}
