//! What proofs that were made again say about those on record.
//!
//! Another machine, a longer time or a solver where there was none proves more: that contradicts nothing. Only what is
//! proven on one side and refuted on the other does, and one solver that answers the same question in two ways.

use super::report::{Answered, Finding, Query, Report, Standing, Totality};
use std::collections::{BTreeMap, BTreeSet};

/// How proofs made again compare with those on record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// What cannot both be so.
    pub contradicted: Vec<String>,
    /// What was unproven on record, and what it is now.
    pub settled: Vec<String>,
    /// What is on record as proven or refuted, and is unproven now.
    pub not_again: Vec<String>,
}

/// What is known about one thing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Proven,
    Refuted,
    Unproven,
}

impl Known {
    fn word(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Refuted => "refuted",
            Self::Unproven => "unproven",
        }
    }
}

/// One thing that a report says something about.
struct Said<'r> {
    what: String,
    known: Known,
    why: &'r str,
    queries: &'r [Query],
}

impl Again {
    /// Compares a report on record with the one that was made again about the same bundles.
    pub fn of(then: &Report, now: &Report) -> Self {
        let mut again = Self::default();
        if then == now {
            return again;
        }
        let same_solver =
            then.solver.is_some() && (&then.solver, &then.compiler) == (&now.solver, &now.compiler);
        if same_solver {
            again.contradicted.extend(other_answers(then, now));
        }
        again.compare(said(then), said(now), same_solver);
        again.compare_changes(then, now, same_solver);
        again
    }

    fn compare(&mut self, then: Vec<Said>, now: Vec<Said>, same_solver: bool) {
        // By place within the name: an invariant of the product may stand in the bundle once more.
        let mut there: BTreeMap<String, Vec<Said>> = BTreeMap::new();
        for said in now.into_iter().rev() {
            there.entry(said.what.clone()).or_default().push(said);
        }
        for old in then {
            let Some(new) = there.get_mut(&old.what).and_then(Vec::pop) else {
                self.contradicted
                    .push(format!("{} is on record, and is not asked of these policies", old.what));
                continue;
            };
            self.one(&old, &new, same_solver);
        }
        for new in there.into_values().flatten() {
            self.contradicted.push(format!("{} is not on record, and is asked of these policies", new.what));
        }
    }

    fn one(&mut self, old: &Said, new: &Said, same_solver: bool) {
        let what = &old.what;
        match (old.known, new.known) {
            (then, now) if then == now => {}
            // The answers are the same and yet another conclusion is drawn: then one of the two is made up.
            (then, now)
                if same_solver
                    && (then == Known::Proven || now == Known::Proven)
                    && !old.queries.is_empty()
                    && old.queries == new.queries =>
            {
                let (then, now) = (then.word(), now.word());
                self.contradicted.push(format!(
                    "{what}: {then} on record and {now} again, by the same answers of the solver"
                ));
            }
            (Known::Unproven, now) => {
                self.settled.push(format!("{what}: was unproven then ({}), is {} now", old.why, now.word()));
            }
            (then, Known::Unproven) => {
                self.not_again.push(format!("{what}: {} on record, unproven now ({})", then.word(), new.why));
            }
            (then, now) => {
                self.contradicted.push(format!("{what}: {} on record, {} again", then.word(), now.word()));
            }
        }
    }

    /// What a comparison says beside its proofs, which no solver decides, and its slices.
    fn compare_changes(&mut self, then: &Report, now: &Report, same_solver: bool) {
        let (Some(old), Some(new)) = (&then.comparison, &now.comparison) else {
            if then.comparison.is_some() != now.comparison.is_some() {
                self.contradicted.push("only one of the two compares the policies with others".to_owned());
            }
            return;
        };
        if (&old.old, &old.new) != (&new.old, &new.new) {
            self.contradicted.push("the two compare other policies".to_owned());
        }
        if (&old.goes_earlier, &old.watches_less) != (&new.goes_earlier, &new.watches_less) {
            self.contradicted.push("what is purged earlier or watched less is another on record".to_owned());
        }
        // A comparison that broke off says one thing about all of it.
        let broke_off = |slices: &[super::SliceProof]| slices.len() == 1 && slices[0].action == "any";
        match (broke_off(&old.slices), broke_off(&new.slices)) {
            (true, false) => {
                self.settled.push(format!("the comparison: was unproven then, is {} now", new.verdict));
            }
            (false, true) => {
                self.not_again.push(format!("the comparison: {} on record, unproven now", old.verdict));
            }
            _ => {
                if old.unchanged != new.unchanged {
                    self.contradicted.push(format!(
                        "{} slices unchanged on record, {} again",
                        old.unchanged, new.unchanged
                    ));
                }
                self.compare(slices(&old.slices), slices(&new.slices), same_solver);
            }
        }
    }
}

/// Questions that one solver answered with yes here and with no there.
fn other_answers(then: &Report, now: &Report) -> Vec<String> {
    let decided = |report: &Report| -> BTreeSet<(String, &'static str)> {
        let answer = |query: &Query| match query.answered {
            Answered::Sat => Some((query.digest.to_string(), "sat")),
            Answered::Unsat => Some((query.digest.to_string(), "unsat")),
            Answered::Unknown | Answered::Nothing => None,
        };
        queries(report).filter_map(answer).collect()
    };
    let now = decided(now);
    let other = |answer: &str| if answer == "sat" { "unsat" } else { "sat" };
    let contradicts =
        |(digest, answer): &(String, &'static str)| now.contains(&(digest.clone(), other(answer)));
    let then = decided(then).into_iter().filter(contradicts);
    then.map(|(digest, answer)| format!("question {digest}: {answer} on record, {} again", other(answer)))
        .collect()
}

fn queries(report: &Report) -> impl Iterator<Item = &Query> {
    let slices = report.comparison.iter().flat_map(|comparison| &comparison.slices);
    let rules = report.rules.iter().flat_map(|rule| &rule.queries);
    rules.chain(report.invariants.iter().flat_map(|one| &one.queries)).chain(slices.flat_map(|s| &s.queries))
}

fn said(report: &Report) -> Vec<Said<'_>> {
    let rules = report.rules.iter().map(|rule| {
        let (known, why) = match &rule.verdict {
            Totality::Proven => (Known::Proven, ""),
            Totality::CanError { .. } => (Known::Refuted, ""),
            Totality::Unproven { why } => (Known::Unproven, why.as_str()),
        };
        Said { what: format!("rule {} never errors", rule.rule), known, why, queries: &rule.queries }
    });
    let invariants = report.invariants.iter().map(|one| {
        let (known, why) = match &one.verdict {
            Standing::Holds => (Known::Proven, ""),
            Standing::Violated { .. } => (Known::Refuted, ""),
            Standing::Unproven { why } => (Known::Unproven, why.as_str()),
        };
        Said { what: format!("invariant {}", one.id), known, why, queries: &one.queries }
    });
    rules.chain(invariants).collect()
}

fn slices(slices: &[super::SliceProof]) -> Vec<Said<'_>> {
    let mut said = Vec::new();
    for slice in slices {
        for (direction, finding) in [("let in", &slice.lets_in), ("kept out", &slice.keeps_out)] {
            let (known, why) = match finding {
                Finding::Nothing => (Known::Proven, ""),
                Finding::Something { .. } => (Known::Refuted, ""),
                Finding::Unproven { why } => (Known::Unproven, why.as_str()),
            };
            let what = format!(
                "nothing is {direction}, {} by {} on {}",
                slice.action, slice.principal, slice.resource
            );
            said.push(Said { what, known, why, queries: &slice.queries });
        }
    }
    said
}
