//! What lapses next: the earliest moment at which a decision turns worse although nobody does anything.
//!
//! Only time passes: ages grow, waivers end. An outcome can change only where an age passes a constant of some rule, or
//! a waiver ends, so these moments are tried in order, in the engine itself.

use crate::bundle::Bundle;
use crate::decide::Decision;
use crate::request::{Fact, Facts, Request};
use comptroller_core::Slug;
use comptroller_core::vocab::Outcome;
use std::collections::BTreeSet;

/// How the names of ages end.
const AGE: &str = "_age";
/// Most moments that are tried.
const MAX_MOMENTS: usize = 200;

/// What lapses, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lapsing {
    /// In so many seconds from now.
    pub seconds: i64,
    /// The outcome from then on.
    pub outcome: Outcome,
    /// The rules that fire then and do not now.
    pub rules: Vec<Slug>,
}

impl Bundle {
    /// The next moment at which more rules fire. `waivers` are the rules that are waived now, each with the seconds
    /// that are left, and `now` is the decision of this bundle about the request.
    pub fn next_lapse(&self, request: &Request, now: &Decision, waivers: &[(Slug, i64)]) -> Option<Lapsing> {
        let fired: BTreeSet<Slug> = now.rules.iter().map(|rule| rule.id.clone()).collect();
        let mut moments: BTreeSet<i64> = waivers.iter().map(|(_, left)| (*left).max(1)).collect();
        for (name, fact) in request.facts.iter().filter(|(name, _)| name.ends_with(AGE)) {
            let Fact::Long(age) = fact else { continue };
            let passing =
                self.bounds(name).into_iter().map(|bound| bound.saturating_sub(*age).saturating_add(1));
            moments.extend(passing.filter(|seconds| *seconds > 0));
        }
        moments.into_iter().take(MAX_MOMENTS).find_map(|seconds| {
            let later = Request { facts: aged(&request.facts, seconds, waivers), ..request.clone() };
            let then = self.decide(&later);
            let rules: Vec<Slug> =
                then.rules.iter().map(|rule| rule.id.clone()).filter(|rule| !fired.contains(rule)).collect();
            (!rules.is_empty()).then_some(Lapsing { seconds, outcome: then.outcome, rules })
        })
    }
}

/// The same facts so many seconds later.
fn aged(facts: &Facts, seconds: i64, waivers: &[(Slug, i64)]) -> Facts {
    let mut later = facts.clone();
    for (name, fact) in facts.iter() {
        match fact {
            Fact::Long(age) if name.ends_with(AGE) => {
                later = later.long(name, age.saturating_add(seconds));
            }
            Fact::Set(rules) if name == "waived" => {
                let ended =
                    |rule: &str| waivers.iter().any(|(id, left)| id.as_str() == rule && *left <= seconds);
                let left: Vec<String> = rules.iter().filter(|rule| !ended(rule)).cloned().collect();
                later = later.with(name, Fact::Set(left));
            }
            _ => {}
        }
    }
    later
}
