//! The shortest path to approval: the smallest sets of steps after which nothing stands against an act any more.
//!
//! A concrete search. Steps take their values from the constants of the rules that fired, each set is tried in the
//! engine itself, and smaller sets are tried first; so what is answered is a set that passes, of which no smaller one
//! does among the steps that are known.

use crate::bundle::Bundle;
use crate::card::{age_fact, measure_fact, passed_fact};
use crate::prove::Minimality;
use crate::request::{Fact, Facts, Request};
use crate::rule::Effect;
use comptroller_core::vocab::{EvidenceKind, Measure, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most shortest sets that are answered.
const MAX_PATHS: usize = 5;
/// Most sets of steps that block one rule.
const MAX_BLOCKERS: usize = 32;
/// Most sets that are tried.
const MAX_TRIES: usize = 20_000;
/// Facts that no step of anybody changes in order to pass: they say what is asked, not what is there.
pub(crate) const GIVEN: [&str; 7] = [
    "environment",
    "credential_environment",
    "risk_tier",
    "prohibited",
    "actor_is_builder",
    // Of this version they stay what they are: another version is another request.
    "approval_denied",
    "metrics_regressed",
];

/// The votes that were cast, as they count once no rule fires that did not fire when approval was asked for.
///
/// A vote stops counting when such a rule fires and counts again when it is quiet. Where an act is allowed no rule
/// fires, so on the way to an approval these are the votes that count, not those of now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Votes {
    /// What `approvals_valid` is then.
    pub approvals_valid: i64,
    /// What `quorums_met` is then.
    pub quorums_met: Vec<String>,
    /// Kinds of evidence that got worse since approval was asked for: the votes count again only after new ones.
    pub after_new: Vec<EvidenceKind>,
    /// Kinds of evidence with measures that approval was asked for with: new ones must not be worse.
    pub no_worse: Vec<EvidenceKind>,
}

impl Votes {
    /// The request with these votes.
    pub(crate) fn count_in(&self, request: &Request) -> Request {
        let words: Vec<&str> = self.quorums_met.iter().map(String::as_str).collect();
        let facts =
            request.facts.clone().long("approvals_valid", self.approvals_valid).set("quorums_met", &words);
        Request { facts, ..request.clone() }
    }
}

/// Something that somebody can do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// What kind of step: `evidence/bias-test`, `approvals`, `waiver/RULE`, or the fact that must change.
    pub id: String,
    /// What must be so afterwards.
    pub what: String,
    /// Who can do it, and how.
    pub remedy: String,
    /// The rules that it takes part in satisfying.
    pub rules: Vec<String>,
}

/// Every smallest set of steps, as far as the search went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Paths {
    /// The sets, each with the same number of steps. Empty if nothing would help, or nothing is needed.
    pub shortest: Vec<Vec<Step>>,
    /// Rules that no known step satisfies.
    pub hopeless: Vec<String>,
    /// Whether every smaller set was tried.
    pub complete: bool,
    /// Whether there are more sets of this size than are answered.
    #[serde(default)]
    pub more: bool,
    /// What is to be done first. The sets are those of now, and others may be enough after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Step>,
    /// Whether a proof says that no smaller set would do; absent unless it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimal: Option<Minimality>,
}

/// What a step changes.
struct Change {
    facts: BTreeMap<String, Fact>,
    rules: BTreeSet<String>,
}

impl Bundle {
    /// Finds the shortest paths for a request that is not allowed, with the votes as they are.
    pub fn shortest_paths(&self, request: &Request) -> Paths {
        self.shortest_paths_of(request, self.decide(request).outcome, None)
    }

    /// The same for a request that this bundle has decided, with what is known about the votes that were cast.
    pub fn shortest_paths_of(&self, request: &Request, outcome: Outcome, votes: Option<&Votes>) -> Paths {
        if matches!(outcome, Outcome::Allow | Outcome::Unknown) {
            return Paths { complete: true, ..Paths::default() };
        }
        let Some(votes) = votes else { return self.search(request, None, &[]) };
        let counted = votes.count_in(request);
        let needed: Vec<String> = votes.after_new.iter().map(|kind| format!("evidence/{kind}")).collect();
        let again = self.search(&counted, Some(votes), &needed);
        if needed.is_empty() {
            return again;
        }
        // Either people vote anew, or new evidence makes the votes count again.
        let anew = self.search(request, None, &[]);
        match (again.shortest.first(), anew.shortest.first()) {
            (Some(again_first), Some(anew_first)) if again_first.len() > anew_first.len() => anew,
            (Some(_), _) => again,
            _ => anew,
        }
    }

    /// Searches among the steps of the rules that fire; each set contains those that are `needed`.
    fn search(&self, request: &Request, votes: Option<&Votes>, needed: &[String]) -> Paths {
        let fired = self.fired(request);
        let changes = self.changes(request, &fired);
        let mut options: Vec<Vec<BTreeSet<usize>>> = Vec::new();
        let mut hopeless = Vec::new();
        let names: Vec<&String> = changes.keys().collect();
        for rule in &fired {
            let of_rule = self.options(request, rule, &changes, &names);
            if of_rule.is_empty() { hopeless.push(rule.clone()) } else { options.push(of_rule) }
        }
        let first = self.classify_first(request);
        if !hopeless.is_empty() {
            return Paths { hopeless, complete: true, first, ..Paths::default() };
        }
        for step in needed {
            let Some(at) = names.iter().position(|name| *name == step) else { return Paths::default() };
            options.push(vec![BTreeSet::from([at])]);
        }
        // Rules with the fewest ways first, so that the search is cut early.
        options.sort_by_key(Vec::len);
        let mut search = Search { best: usize::MAX, found: BTreeSet::new(), tries: 0 };
        search.extend(&options, &BTreeSet::new());
        let complete = search.tries < MAX_TRIES;
        let mut shortest = Vec::new();
        let mut more = false;
        for set in search.found.iter().filter(|set| set.len() == search.best) {
            let mut after = request.clone();
            for at in set {
                after.facts = apply(&after.facts, &changes[names[*at]]);
            }
            // The engine has the last word: a step may make another rule fire.
            if self.decide(&after).outcome != Outcome::Allow {
                continue;
            }
            if shortest.len() == MAX_PATHS {
                more = true;
                break;
            }
            let step = |at: &usize| self.step(names[*at], &changes[names[*at]], request, votes);
            shortest.push(set.iter().map(step).collect());
        }
        let complete = complete && !shortest.is_empty();
        Paths { shortest, complete, more, first, ..Paths::default() }
    }

    /// The rules that fire.
    fn fired(&self, request: &Request) -> Vec<String> {
        self.decide(request).rules.iter().map(|rule| rule.id.to_string()).collect()
    }

    /// The step before all others: a system that nobody has classified, where a rule that fires applies by tier.
    pub(crate) fn classify_first(&self, request: &Request) -> Option<Step> {
        if request.facts.get("risk_tier").is_some() {
            return None;
        }
        let of_tier = |rule: &String| self.looks_at(rule, "risk_tier");
        let rules: Vec<String> = self.fired(request).into_iter().filter(of_tier).collect();
        (!rules.is_empty()).then(|| Step {
            id: "risk_tier".to_owned(),
            what: "the AI system is classified; the path behind it depends on the result".to_owned(),
            remedy: "a risk officer who built nothing of it classifies it: comptroller system classify"
                .to_owned(),
            rules,
        })
    }

    /// The steps that [`Bundle::shortest_paths`] chooses from.
    pub(crate) fn steps(&self, request: &Request) -> BTreeSet<String> {
        self.changes(request, &self.fired(request)).into_keys().collect()
    }

    /// Sets of steps, for every rule that fires, of which at least one has to be taken before it is quiet: the smallest
    /// that meet each of its ways out.
    pub(crate) fn blockers(&self, request: &Request) -> BTreeSet<BTreeSet<String>> {
        let fired = self.fired(request);
        let changes = self.changes(request, &fired);
        let names: Vec<&String> = changes.keys().collect();
        let sets = fired.iter().flat_map(|rule| transversals(&self.options(request, rule, &changes, &names)));
        sets.map(|set| set.iter().map(|at| names[*at].clone()).collect()).collect()
    }

    /// Every step that changes something which a rule that fired looks at.
    fn changes(&self, request: &Request, fired: &[String]) -> BTreeMap<String, Change> {
        let mut changes: BTreeMap<String, Change> = BTreeMap::new();
        for rule in fired {
            let Some(info) = self.rules.get(rule.as_str()) else { continue };
            for clause in self.clauses(rule, &request.facts) {
                if GIVEN.contains(&clause.fact.as_str()) || clause.fact == "waived" {
                    continue;
                }
                let (id, mut facts) = group(&clause.fact);
                if let Some(repair) = clause.repair {
                    facts.insert(clause.fact.clone(), repair);
                }
                let change = changes
                    .entry(id)
                    .or_insert_with(|| Change { facts: BTreeMap::new(), rules: BTreeSet::new() });
                change.rules.insert(rule.clone());
                for (name, fact) in facts {
                    merge(&mut change.facts, name, fact);
                }
            }
            if info.waivable && info.effect == Effect::Forbid {
                let mut waived = match request.facts.get("waived") {
                    Some(Fact::Set(words)) => words.clone(),
                    _ => Vec::new(),
                };
                waived.push(rule.clone());
                changes.insert(
                    format!("waiver/{rule}"),
                    Change {
                        facts: BTreeMap::from([("waived".to_owned(), Fact::Set(waived))]),
                        rules: BTreeSet::from([rule.clone()]),
                    },
                );
            }
        }
        changes
    }

    /// The smallest sets of steps, of at most three, after which one rule no longer fires.
    fn options(
        &self,
        request: &Request,
        rule: &str,
        changes: &BTreeMap<String, Change>,
        names: &[&String],
    ) -> Vec<BTreeSet<usize>> {
        let relevant: Vec<usize> =
            (0..names.len()).filter(|at| changes[names[*at]].rules.contains(rule)).collect();
        let mut options: Vec<BTreeSet<usize>> = Vec::new();
        for size in 1..=3.min(relevant.len()) {
            for set in subsets(&relevant, size) {
                if options.iter().any(|known| known.is_subset(&set)) {
                    continue;
                }
                let mut facts = request.facts.clone();
                for at in &set {
                    facts = apply(&facts, &changes[names[*at]]);
                }
                let after = Request { facts, ..request.clone() };
                if !self.fires(rule, &after) {
                    options.push(set);
                }
            }
        }
        options
    }

    /// A step in words.
    fn step(&self, id: &str, change: &Change, request: &Request, votes: Option<&Votes>) -> Step {
        let what = match id.split_once('/') {
            Some(("evidence", kind)) => {
                let measures: Vec<String> = change.facts.iter().filter_map(measured).collect();
                let with = if measures.is_empty() {
                    String::new()
                } else {
                    format!(", with {}", measures.join(" and "))
                };
                let old = votes.filter(|votes| votes.no_worse.iter().any(|of| of.as_str() == kind));
                let bound = if old.is_some_and(|votes| votes.approvals_valid > 0) {
                    ", no measure worse than when approval was asked for"
                } else {
                    ""
                };
                format!("a new {kind} is recorded and passed{with}{bound}")
            }
            Some(("waiver", rule)) => format!("a waiver of {rule} is granted"),
            _ if id == "approvals" => match change.facts.get("approvals_valid") {
                Some(Fact::Long(people)) => missing_people(*people, request.facts.get("approvals_valid")),
                _ => "people of the roles that the rule names approve".to_owned(),
            },
            _ => {
                let parts: Vec<String> =
                    change.facts.iter().map(|(name, fact)| format!("{name} = {}", fact.to_json())).collect();
                parts.join(" and ")
            }
        };
        let remedy = match id.split_once('/') {
            Some(("waiver", rule)) => {
                format!(
                    "somebody who neither asks for it nor built the version grants it: comptroller waiver request \
                     {rule} VERSION ENVIRONMENT --owner PERSON --ticket TICKET --days DAYS --reason REASON"
                )
            }
            _ => {
                let of = |rule: &String| self.rules.get(rule.as_str()).map(|info| info.remedy.clone());
                change.rules.iter().find_map(of).unwrap_or_default()
            }
        };
        Step { id: id.to_owned(), what, remedy, rules: change.rules.iter().cloned().collect() }
    }
}

/// How many people still have to approve.
fn missing_people(wanted: i64, present: Option<&Fact>) -> String {
    let Some(Fact::Long(present @ 1..)) = present else {
        return format!("{wanted} people approve whose votes count");
    };
    let missing = match wanted.saturating_sub(*present) {
        1 => "1 more person approves whose vote counts".to_owned(),
        more => format!("{more} more people approve whose votes count"),
    };
    format!("{missing} ({present} of {wanted} do already)")
}

/// What a measure must be, in words; nothing for another fact.
fn measured((name, fact): (&String, &Fact)) -> Option<String> {
    let measure = Measure::ALL.iter().find(|measure| measure_fact(**measure) == *name)?;
    let Fact::Long(ppm) = fact else { return None };
    let sign = if measure.more_is_better() { "at least" } else { "at most" };
    Some(format!("{measure} {sign} {}", decimal(*ppm)))
}

/// The smallest sets that have a member in common with every option, as far as there are few.
fn transversals(options: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let mut sets = vec![BTreeSet::new()];
    for option in options {
        let mut longer: Vec<BTreeSet<usize>> = Vec::new();
        for set in &sets {
            if !set.is_disjoint(option) {
                longer.push(set.clone());
                continue;
            }
            longer.extend(option.iter().map(|step| set.iter().chain([step]).copied().collect()));
        }
        longer.sort_by_key(BTreeSet::len);
        sets.clear();
        for set in longer {
            if sets.len() < MAX_BLOCKERS && !sets.iter().any(|smaller| smaller.is_subset(&set)) {
                sets.push(set);
            }
        }
    }
    // Without a way out there is nothing to take a step of.
    sets.retain(|set| !set.is_empty());
    sets
}

/// A search for the smallest union that has an option of every rule.
struct Search {
    best: usize,
    found: BTreeSet<BTreeSet<usize>>,
    tries: usize,
}

impl Search {
    fn extend(&mut self, options: &[Vec<BTreeSet<usize>>], chosen: &BTreeSet<usize>) {
        self.tries += 1;
        if self.tries >= MAX_TRIES || chosen.len() > self.best {
            return;
        }
        let Some((first, rest)) = options.split_first() else {
            if chosen.len() < self.best {
                self.best = chosen.len();
                self.found.clear();
            }
            self.found.insert(chosen.clone());
            return;
        };
        for option in first {
            let union: BTreeSet<usize> = chosen.union(option).copied().collect();
            self.extend(rest, &union);
        }
    }
}

fn subsets(of: &[usize], size: usize) -> Vec<BTreeSet<usize>> {
    let mut sets = vec![BTreeSet::new()];
    for _ in 0..size {
        let mut larger = Vec::new();
        for set in sets {
            let last = set.iter().next_back().copied();
            for &at in of.iter().filter(|at| last.is_none_or(|last| **at > last)) {
                let mut set = set.clone();
                set.insert(at);
                larger.push(set);
            }
        }
        sets = larger;
    }
    sets
}

fn apply(facts: &Facts, change: &Change) -> Facts {
    let mut after = facts.clone();
    for (name, fact) in &change.facts {
        // Words of a set are added: two waivers do not take each other's place.
        let fact = match (after.get(name), fact) {
            (Some(Fact::Set(present)), Fact::Set(more)) => {
                let words: BTreeSet<String> = present.iter().chain(more).cloned().collect();
                Fact::Set(words.into_iter().collect())
            }
            _ => fact.clone(),
        };
        after = after.with(name, fact);
    }
    after
}

/// Two rules may want the same fact at different values: the one further away satisfies both.
fn merge(facts: &mut BTreeMap<String, Fact>, name: String, fact: Fact) {
    let merged = match (facts.remove(&name), fact) {
        (Some(Fact::Long(one)), Fact::Long(other)) => {
            let less_is_wanted = Measure::ALL
                .iter()
                .any(|measure| measure_fact(*measure) == name && !measure.more_is_better())
                || name.ends_with("_age");
            Fact::Long(if less_is_wanted { one.min(other) } else { one.max(other) })
        }
        (Some(Fact::Set(one)), Fact::Set(other)) => {
            let words: BTreeSet<String> = one.into_iter().chain(other).collect();
            Fact::Set(words.into_iter().collect())
        }
        (_, fact) => fact,
    };
    facts.insert(name, merged);
}

/// The step that changes a fact, and what else it changes.
pub(crate) fn group(fact: &str) -> (String, BTreeMap<String, Fact>) {
    for kind in EvidenceKind::ALL {
        let (age, passed) = (age_fact(*kind), passed_fact(*kind));
        let measured = Measure::ALL.iter().any(|m| measure_fact(*m) == fact && m.stated_by() == Some(*kind));
        if fact == age || fact == passed || measured {
            let facts = BTreeMap::from([(age, Fact::Long(0)), (passed, Fact::Bool(true))]);
            return (format!("evidence/{kind}"), facts);
        }
    }
    match fact {
        "approvals_valid" | "quorums_met" => ("approvals".to_owned(), BTreeMap::new()),
        _ => (fact.to_owned(), BTreeMap::new()),
    }
}

/// Millionths as a decimal number without trailing zeros.
pub(crate) fn decimal(ppm: i64) -> String {
    let (whole, part) = (ppm.unsigned_abs() / 1_000_000, ppm.unsigned_abs() % 1_000_000);
    let sign = if ppm < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{part:06}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}
