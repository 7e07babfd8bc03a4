//! Random contexts, integer extremes among them, against every shipped rule together.
//!
//! `COMPTROLLER_TEST_CONTEXTS` says how many; a million take three minutes in a release build.

use crate::cases::{shipped_cases, somebody};
use comptroller_core::vocab::{EvidenceKind, Measure, Outcome, PrincipalKind};
use comptroller_core::{Environment, Role};
use comptroller_policy::card::{age_fact, measure_fact, passed_fact};
use comptroller_policy::{Action, Bundle, Fact, Facts, PACKS, Package, Principal, Request};
use std::collections::BTreeSet;

/// SplitMix64 (Steele, Lea, Flood 2014): the same contexts each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn number(&mut self, near: &[i64]) -> i64 {
        match self.below(10) {
            0 => [i64::MIN, i64::MIN + 1, -1, i64::MAX - 1, i64::MAX][self.below(5) as usize],
            1 => self.next().cast_signed(),
            _ if near.is_empty() => 0,
            _ => near[self.below(near.len() as u64) as usize] + self.below(3).cast_signed() - 1,
        }
    }
}

fn context(random: &mut Random, bundle: &Bundle, plain: &Facts, rules: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for (name, fact) in plain.iter() {
        let fact = match fact {
            // Mostly harmless, so that many contexts get as far as an allow.
            Fact::Bool(value) => Fact::Bool(if random.one_in(40) { !value } else { *value }),
            Fact::Long(_) => Fact::Long(random.number(&[1, 2, 3])),
            Fact::Set(_) => {
                let words = rules.iter().filter(|_| random.below(4) > 0);
                Fact::Set(words.take(60).map(|word| (*word).to_owned()).collect())
            }
            Fact::Text(word) => Fact::Text(word.clone()),
        };
        facts = facts.with(name, fact);
    }
    let mut optional: Vec<(String, bool)> = vec![("risk_tier".into(), false), ("runtime_age".into(), false)];
    for kind in EvidenceKind::ALL {
        optional.extend([(age_fact(*kind), false), (passed_fact(*kind), true)]);
    }
    optional.extend(Measure::ALL.iter().map(|measure| (measure_fact(*measure), false)));
    for (name, truth) in optional {
        if random.one_in(12) {
            continue;
        }
        let fact = if truth {
            Fact::Bool(!random.one_in(12))
        } else {
            Fact::Long(random.number(&bundle.bounds(&name)))
        };
        facts = facts.with(&name, fact);
    }
    facts
}

fn long(facts: &Facts, name: &str) -> Option<i64> {
    match facts.get(name) {
        Some(Fact::Long(value)) => Some(*value),
        _ => None,
    }
}

fn has(facts: &Facts, name: &str, word: &str) -> bool {
    matches!(facts.get(name), Some(Fact::Set(words)) if words.iter().any(|w| w == word))
}

/// What an allow must mean, written a second time without the rules.
fn must_hold(request: &Request) -> bool {
    let facts = &request.facts;
    let truth = |name: &str| matches!(facts.get(name), Some(Fact::Bool(true)));
    if truth("prohibited") {
        return false;
    }
    if request.environment != Some(Environment::Production) {
        return true;
    }
    let promotes = request.action != Action::Operate;
    if promotes
        && (long(facts, "approvals_valid").unwrap() < 2 || !has(facts, "quorums_met", "approvals-missing"))
    {
        return false;
    }
    let low = long(facts, "risk_tier").is_some_and(|tier| tier < 2);
    if low {
        return true;
    }
    // The EU AI Act pack's rule about bias is hard: no waiver, no approval.
    long(facts, "bias_test_age").is_some_and(|age| age <= 90 * 86_400)
        && truth("bias_test_passed")
        && long(facts, "impact_ratio_ppm").is_some_and(|ratio| ratio >= 800_000)
        && long(facts, "equal_opportunity_gap_ppm").is_some_and(|gap| gap <= 100_000)
}

/// INVARIANT (deny-on-error)
#[test]
fn no_context_that_errs_is_allowed_and_every_allow_means_what_the_rules_say() {
    let names: Vec<&str> = PACKS.iter().map(|(name, _)| *name).collect();
    let bundle = Bundle::of(&Package::with_packs(&names).unwrap()).unwrap();
    let waivable: Vec<String> =
        bundle.rules().filter(|rule| rule.waivable).map(|rule| rule.id.to_string()).collect();
    let quorums: Vec<String> =
        bundle.rules().filter(|rule| !rule.approvals.is_empty()).map(|rule| rule.id.to_string()).collect();
    let words: Vec<&str> = waivable.iter().chain(&quorums).map(String::as_str).collect();
    let contexts = std::env::var("COMPTROLLER_TEST_CONTEXTS").map_or(3_000, |n| n.parse().unwrap());
    let mut random = Random(2026);
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..contexts {
        let action = [Action::Deploy, Action::GateCheck, Action::Operate][random.below(3) as usize];
        let facts = context(&mut random, &bundle, &shipped_facts(), &words);
        let request = Request {
            principal: Principal {
                id: somebody(),
                kind: PrincipalKind::Person,
                roles: BTreeSet::from([Role::Deployer]),
                credential_environment: None,
            },
            action,
            resource: "version/1".to_owned(),
            environment: Some(Environment::ALL[random.below(3) as usize]),
            facts,
        };
        let decision = bundle.decide(&request);
        assert_eq!(decision.errors.is_empty(), decision.outcome != Outcome::Unknown, "{:?}", decision.errors);
        if decision.outcome == Outcome::Allow {
            assert!(must_hold(&request), "{request:?}");
        }
        *seen.entry(decision.outcome).or_insert(0_u32) += 1;
    }
    assert!(seen.get(&Outcome::Allow).is_some_and(|n| *n > 5), "{seen:?}");
    // No shipped rule can err (proven), so no context that fits the schema does.
    assert_eq!(seen.get(&Outcome::Unknown), None, "{seen:?}");
}

fn shipped_facts() -> Facts {
    static FACTS: std::sync::LazyLock<Facts> =
        std::sync::LazyLock::new(|| shipped_cases().baseline(Action::GateCheck).facts.clone());
    FACTS.clone()
}
