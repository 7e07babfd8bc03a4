//! Whether a shortest path is one: no request that differs from the present one in fewer steps is allowed.
//!
//! Claims are written as invariants, permits that describe requests, and proven like those. First the cheap way: among
//! the sets of steps of which a rule that fires needs one, as many are looked for as the path has steps, no two with a step
//! in common; for each it is claimed that nothing is allowed while the facts of its steps stay as they are. Then every
//! set that passes needs a step of each. If there are not so many such sets, one claim counts the steps that differ.
//!
//! Steps count with every value that their facts could take, not only with the one that the search tried; what no fired
//! rule looks at may change as well, for nothing. So the proof says more than the search needs.
//!
//! Votes that do not count while a newly fired rule stands count again, without a step, when it is quiet: the claims
//! leave open whether the votes are those of now or those of then.

use super::report::{Minimality, Standing};
use super::solver::Solver;
use super::{Progress, invariants};
use crate::bundle::Bundle;
use crate::path::{GIVEN, Votes, group};
use crate::request::{Fact, Request};
use crate::rule::Described;
use cedar_policy::{Policy, PolicyId};
use comptroller_core::vocab::PrincipalKind;
use std::collections::{BTreeMap, BTreeSet};

/// Most steps of a claim that counts; more make a sum that the compiler takes minutes over.
const MAX_COUNTED: usize = 16;

/// Proves that fewer than `size` steps are not enough.
pub(super) fn prove(
    bundle: &Bundle,
    request: &Request,
    votes: Option<&Votes>,
    size: usize,
    solver: &Solver,
    progress: Progress,
) -> Minimality {
    if let Some(kind) = votes.and_then(|votes| votes.after_new.first()) {
        let why = format!(
            "the {kind} got worse since approval was asked for; whether the votes count again depends on the measures of a new one"
        );
        return Minimality::Unproven { why };
    }
    if bundle.classify_first(request).is_some() {
        let why = "nobody has classified the AI system; fewer may be enough once it is".to_owned();
        return Minimality::Unproven { why };
    }
    let counted = votes.map_or_else(|| request.clone(), |votes| votes.count_in(request));
    let mut present = Present::new(bundle, &counted);
    present.or_votes_of(request);
    let apart = apart(bundle.blockers(&counted));
    let claims: Vec<String> = if apart.len() >= size {
        apart.iter().take(size).map(|steps| present.unchanged(steps)).collect()
    } else if present.steps.len() <= MAX_COUNTED {
        vec![present.fewer(size)]
    } else {
        let why = format!("{} steps could be taken, and {MAX_COUNTED} is the most", present.steps.len());
        return Minimality::Unproven { why };
    };
    let claims = claims.iter().enumerate().map(|(number, when)| present.claim(number, when));
    let claims: Result<Vec<_>, String> = claims.collect();
    let proofs = match claims {
        Ok(claims) => invariants::prove_each(bundle, claims, solver, progress),
        Err(why) => return Minimality::Unproven { why },
    };
    let mut questions = Vec::new();
    for proof in proofs {
        match proof.verdict {
            Standing::Holds => questions.extend(proof.queries.into_iter().map(|query| query.digest)),
            Standing::Violated { example } => return Minimality::Refuted { example: Box::new(example) },
            Standing::Unproven { why } => return Minimality::Unproven { why },
        }
    }
    Minimality::Certified { solver: solver.version().unwrap_or_default().to_owned(), questions }
}

/// The present request, with what may change.
struct Present<'r> {
    request: &'r Request,
    /// The steps that a path is made of.
    steps: BTreeSet<String>,
    /// For each step that is not a waiver, that each of its facts is as it is now.
    same: BTreeMap<String, Vec<String>>,
    /// What no step changes, as it is now.
    given: Vec<String>,
}

impl<'r> Present<'r> {
    fn new(bundle: &Bundle, request: &'r Request) -> Self {
        let steps = bundle.steps(request);
        let mut same: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut given = Vec::new();
        for (name, declaration) in super::world::facts(&bundle.declared, request.action.as_str()) {
            let optional = declaration["required"] == false;
            let unchanged = unchanged(request, &name, optional);
            if GIVEN.contains(&name.as_str()) {
                given.push(unchanged);
            } else if name == "waived" {
                let mut known: Vec<&str> =
                    steps.iter().filter_map(|step| step.strip_prefix("waiver/")).collect();
                if let Some(Fact::Set(present)) = request.facts.get("waived") {
                    known.extend(present.iter().map(String::as_str));
                }
                given.push(format!("{}.containsAll(context.waived)", text_of_set(&known)));
            } else if steps.contains(&group(&name).0) {
                same.entry(group(&name).0).or_default().push(unchanged);
            }
        }
        let roles = comptroller_core::Role::ALL.iter().map(|role| {
            let not = if request.principal.roles.contains(role) { "" } else { "!" };
            format!("{not}(principal in Role::\"{role}\")")
        });
        given.extend(roles);
        Self { request, steps, same, given }
    }

    /// The votes may as well be those of this request.
    fn or_votes_of(&mut self, now: &Request) {
        let Some(then) = self.same.get_mut("approvals") else { return };
        let both = ["approvals_valid", "quorums_met"].map(|name| unchanged(now, name, false));
        *then = vec![format!("(({}) || ({}))", then.join(" && "), both.join(" && "))];
    }

    /// None of these steps is taken; everything else is free.
    fn unchanged(&self, steps: &BTreeSet<String>) -> String {
        let mut parts = Vec::new();
        for step in steps {
            match step.strip_prefix("waiver/") {
                Some(rule) => parts.push(format!("!context.waived.contains({rule:?})")),
                None => parts.extend(self.same.get(step).into_iter().flatten().cloned()),
            }
        }
        parts.join(" &&\n  ")
    }

    /// Fewer than `size` steps are taken.
    fn fewer(&self, size: usize) -> String {
        let mut terms: Vec<String> =
            self.same.values().map(|facts| format!("(if {} then 0 else 1)", facts.join(" && "))).collect();
        let waivers = self.steps.iter().filter_map(|step| step.strip_prefix("waiver/"));
        terms.extend(waivers.map(|rule| format!("(if context.waived.contains({rule:?}) then 1 else 0)")));
        format!("{} < {size}", sum(&terms))
    }

    /// The permit for the requests of such a person about which this holds.
    ///
    /// Not read as a bundle is: the bounds of [`crate::source`] are for texts of others.
    fn claim(&self, number: usize, when: &str) -> Result<(Described, Policy), String> {
        let kind =
            if self.request.principal.kind == PrincipalKind::Person { "Person" } else { "ServiceAccount" };
        let id = format!("too-few-steps-{number}");
        let text = format!(
            "@id(\"{id}\") @reason(\"fewer steps are enough\") @control(\"CTL-POLICY-02\")\n\
             permit (principal is {kind}, action == Action::\"{}\", resource)\nwhen {{\n  {} &&\n  {when}\n}};\n",
            self.request.action,
            self.given.join(" &&\n  ")
        );
        let policy = Policy::parse(Some(PolicyId::new(id)), text).map_err(|error| error.to_string())?;
        let described = Described::read("claim", &policy).map_err(|error| error.to_string())?;
        Ok((described, policy))
    }
}

/// Sets that share no step, the smallest first.
fn apart(sets: BTreeSet<BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let mut sets: Vec<BTreeSet<String>> = sets.into_iter().collect();
    sets.sort_by_key(BTreeSet::len);
    let mut apart: Vec<BTreeSet<String>> = Vec::new();
    for set in sets {
        if apart.iter().all(|other| other.is_disjoint(&set)) {
            apart.push(set);
        }
    }
    apart
}

/// A sum as a balanced tree: the compiler writes an operand twice, once for its value and once for its overflow, so a
/// chain would double with every term.
fn sum(terms: &[String]) -> String {
    match terms {
        [] => "0".to_owned(),
        [one] => one.clone(),
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            format!("({} + {})", sum(left), sum(right))
        }
    }
}

/// The condition that a fact is as it is now.
fn unchanged(request: &Request, name: &str, optional: bool) -> String {
    let guard = |value: String| {
        if optional {
            format!("(context has {name} && context.{name} == {value})")
        } else {
            format!("context.{name} == {value}")
        }
    };
    if name == "environment" {
        return request.environment.map_or_else(
            || "true".to_owned(),
            |environment| guard(format!("Environment::\"{environment}\"")),
        );
    }
    if name == "credential_environment" {
        return request.principal.credential_environment.map_or_else(
            || format!("!(context has {name})"),
            |environment| guard(format!("Environment::\"{environment}\"")),
        );
    }
    match request.facts.get(name) {
        None if optional => format!("!(context has {name})"),
        // A request without a fact that must be there is unknown, and has no paths.
        None => "false".to_owned(),
        Some(Fact::Bool(value)) => guard(value.to_string()),
        Some(Fact::Long(value)) => guard(value.to_string()),
        Some(Fact::Text(text)) => guard(format!("{text:?}")),
        Some(Fact::Set(words)) if words.is_empty() => format!("context.{name}.isEmpty()"),
        Some(Fact::Set(words)) => guard(text_of_set(&words.iter().map(String::as_str).collect::<Vec<_>>())),
    }
}

/// A set of words as Cedar writes it. An empty one has no type of its own; the empty word, which no request has, is the
/// same here.
fn text_of_set(words: &[&str]) -> String {
    if words.is_empty() {
        return "[\"\"]".to_owned();
    }
    format!("[{}]", words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", "))
}
