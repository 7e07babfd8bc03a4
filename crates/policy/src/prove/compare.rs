//! What a change of the policies lets in, and what it keeps out.
//!
//! Two questions of each slice that differs, in both directions: is a request allowed outright, and is it at least not
//! refused? A rule that moves from the hard to the review set changes only the second.

use super::Progress;
use super::example::{self, Example};
use super::report::{Comparison, Finding, Flip, SliceProof, Totality};
use super::session::Session;
use super::solver::Solver;
use super::{meaning, threads, total, world};
use crate::bundle::Bundle;
use crate::request::Request;
use cedar_policy::{Policy, RequestEnv};
use comptroller_core::vocab::BundleVerdict;
use comptroller_core::vocab::Outcome;
use std::collections::HashSet;

/// How far a request gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Allow.
    Outright,
    /// Allow, or needs review.
    NotRefused,
}

impl Level {
    fn reached(self, outcome: Outcome) -> bool {
        outcome == Outcome::Allow || (self == Self::NotRefused && outcome == Outcome::NeedsReview)
    }
}

/// One bundle's part of a slice.
struct Side<'a> {
    bundle: &'a Bundle,
    hard: Vec<Policy>,
    review: Vec<Policy>,
}

impl<'a> Side<'a> {
    /// What applies there; nothing if the bundle's schema does not know the slice.
    fn new(bundle: &'a Bundle, slice: &RequestEnv, known: bool) -> Self {
        let applying = |set| if known { world::applying(set, slice) } else { Vec::new() };
        Self { bundle, hard: applying(&bundle.hard), review: applying(&bundle.review) }
    }

    fn policies(&self, level: Level) -> Vec<Policy> {
        let review: &[Policy] = if level == Level::Outright { &self.review } else { &[] };
        self.hard.iter().chain(review).cloned().collect()
    }

    fn same(&self, other: &Self) -> bool {
        meaning::of(&self.hard) == meaning::of(&other.hard)
            && meaning::of(&self.review) == meaning::of(&other.review)
    }
}

/// Compares two bundles slice by slice.
///
/// # Errors
/// Why a proof broke off.
pub(super) fn prove(
    old: &Bundle,
    new: &Bundle,
    solver: &Solver,
    progress: Progress,
) -> Result<Comparison, String> {
    let problem = solver.problem().map(str::to_owned);
    let problem = problem.or_else(|| world::check(&old.declared).err());
    let problem = problem.or_else(|| world::check(&new.declared).err());
    // Where they differ, the same rules about the same facts may be asked other requests.
    let entities = meaning::entities(&old.declared, &new.declared);
    let problem = problem.or_else(|| entities.clone().err());
    // The old rules with the facts of the new schema, for slices whose facts changed.
    let moved = if old.declared == new.declared { None } else { Some(old.under(new)) };
    let (before, after) = (world::slices(old), world::slices(new));
    let mut comparison = Comparison {
        old: old.digest().clone(),
        new: new.digest().clone(),
        verdict: BundleVerdict::Equivalent,
        unchanged: 0,
        slices: Vec::new(),
        goes_earlier: new.retention().goes_earlier_than(old.retention()),
        watches_less: new.monitors().watches_less_than(old.monitors()),
    };
    if !comparison.goes_earlier.is_empty() || !comparison.watches_less.is_empty() {
        comparison.verdict = BundleVerdict::Looser;
    }
    let gone = before.iter().filter(|slice| !after.contains(slice));
    let mut questions = Vec::new();
    for slice in after.iter().chain(gone) {
        // A slice that only one of them knows is decided by that one alone: the other refuses all of it.
        let (in_old, in_new) = (before.contains(slice), after.contains(slice));
        let newer = Side::new(new, slice, in_new);
        let mut older = Side::new(old, slice, in_old);
        let mut doubt = problem.clone();
        if in_old && in_new && !meaning::same_facts(&old.declared, &new.declared, slice) {
            let (these, those) = (older.policies(Level::Outright), newer.policies(Level::Outright));
            let comparable = meaning::comparable(&old.declared, &new.declared, slice, &these, &those);
            doubt = doubt.or(comparable.err());
            match &moved {
                Some(Ok(moved)) => older = Side::new(moved, slice, true),
                Some(Err(error)) => {
                    let why = format!("the old rules do not fit the facts of the new schema: {error}");
                    doubt = doubt.or(Some(why));
                }
                None => {}
            }
        } else if in_old == in_new && entities.is_ok() && older.same(&newer) {
            comparison.unchanged += 1;
            continue;
        }
        questions.push(Question { older, newer, slice, schema: if in_new { new } else { old }, doubt });
    }
    comparison.slices = threads::each(&questions, |question| {
        progress(&world::name(question.slice).0);
        question.prove(solver)
    })?;
    for proof in &comparison.slices {
        comparison.verdict = comparison.verdict.max(proof.verdict);
    }
    Ok(comparison)
}

/// A slice that differs, or may.
struct Question<'a> {
    older: Side<'a>,
    newer: Side<'a>,
    slice: &'a RequestEnv,
    schema: &'a Bundle,
    doubt: Option<String>,
}

impl Question<'_> {
    fn prove(&self, solver: &Solver) -> SliceProof {
        let session = match &self.doubt {
            None => Session::new(solver, &self.schema.schema),
            Some(doubt) => Err(doubt.clone()),
        };
        let (lets_in, keeps_out, queries) = match session {
            Err(why) => (Finding::Unproven { why: why.clone() }, Finding::Unproven { why }, Vec::new()),
            Ok(mut session) => {
                let unfit = world::unfit(&self.schema.declared, self.slice.action().id().unescaped());
                let mut ask =
                    Ask { slice: self.slice, unfit: &unfit, session: &mut session, total: HashSet::new() };
                let lets_in = ask.what_gets_through(&self.newer, &self.older, |new, old| (old, new));
                let keeps_out = ask.what_gets_through(&self.older, &self.newer, |old, new| (old, new));
                (lets_in, keeps_out, session.queries())
            }
        };
        let verdict = match (&lets_in, &keeps_out) {
            (Finding::Something { .. }, _) => BundleVerdict::Looser,
            (Finding::Unproven { .. }, _) => BundleVerdict::Unproven,
            (Finding::Nothing, Finding::Nothing) => BundleVerdict::Equivalent,
            // What matters is proven: nothing new is let in.
            (Finding::Nothing, Finding::Something { .. } | Finding::Unproven { .. }) => {
                BundleVerdict::Stricter
            }
        };
        let (action, principal, resource) = world::name(self.slice);
        SliceProof { principal, action, resource, verdict, lets_in, keeps_out, queries }
    }
}

/// The questions of one slice.
struct Ask<'a, 's> {
    slice: &'a RequestEnv,
    unfit: &'a [Policy],
    session: &'a mut Session<'s>,
    /// Texts of the rules that are proven never to error here. The schema of a slice is one, so equal texts mean the
    /// same in both bundles.
    total: HashSet<String>,
}

impl Ask<'_, '_> {
    /// Which requests get through `these` and not through `those`. `flip` puts the two outcomes in the order of old
    /// and new.
    fn what_gets_through(
        &mut self,
        these: &Side,
        those: &Side,
        flip: fn(Outcome, Outcome) -> (Outcome, Outcome),
    ) -> Finding {
        let (mut flips, mut doubts) = (Vec::new(), Vec::new());
        for level in [Level::Outright, Level::NotRefused] {
            let differ = |request: &Request| {
                let (here, there) =
                    (these.bundle.decide(request).outcome, those.bundle.decide(request).outcome);
                level.reached(here) && !level.reached(there)
            };
            let mut keep = |request: Request| {
                let request = example::plain(request, &differ);
                let (old, new) =
                    flip(these.bundle.decide(&request).outcome, those.bundle.decide(&request).outcome);
                let flip = Flip { example: Example::of(&request), old, new };
                if !flips.contains(&flip) {
                    flips.push(flip);
                }
            };
            match self.only_in(these, those, level) {
                // A proof is about requests on which no rule of `those` errors: an error refuses, which the compiler
                // knows nothing of. An error of `these` only refuses more.
                Ok(None) => match self.error_in(those, level) {
                    Ok(None) => {}
                    Ok(Some(request)) if differ(&request) => keep(request),
                    Ok(Some(request)) => doubts.push(format!(
                        "a rule can error, for example on {}: put a guard before it",
                        Example::of(&request)
                    )),
                    Err(why) => doubts.push(why),
                },
                Ok(Some(request)) if differ(&request) => keep(request),
                Ok(Some(request)) => {
                    doubts.push(format!("the solver found {}, which comes out alike", Example::of(&request)));
                }
                Err(why) => doubts.push(why),
            }
        }
        match doubts.into_iter().next() {
            _ if !flips.is_empty() => Finding::Something { flips },
            Some(why) => Finding::Unproven { why },
            None => Finding::Nothing,
        }
    }

    fn only_in(&mut self, these: &Side, those: &Side, level: Level) -> Result<Option<Request>, String> {
        let these = self.compiled(these, level)?;
        let those = self.compiled(those, level)?;
        match self.session.only_in(&these, &those)? {
            None => Ok(None),
            Some(found) => example::request(&found)
                .map(Some)
                .map_err(|why| format!("the solver found a request, but {why}")),
        }
    }

    fn compiled(&self, side: &Side, level: Level) -> Result<super::session::Compiled, String> {
        let mut policies = side.policies(level);
        policies.extend_from_slice(self.unfit);
        self.session.compile(policies, self.slice)
    }

    /// A request on which a rule errors.
    fn error_in(&mut self, side: &Side, level: Level) -> Result<Option<Request>, String> {
        for policy in side.policies(level) {
            let text = policy.to_string();
            if self.total.contains(&text) {
                continue;
            }
            match total::in_slice(side.bundle, &policy, self.slice, self.session) {
                Totality::Proven => {
                    self.total.insert(text);
                }
                Totality::CanError { example, .. } => {
                    return example.request().map(Some).map_err(|error| error.to_string());
                }
                Totality::Unproven { why } => {
                    return Err(format!("rule {}: whether it can error is not known: {why}", policy.id()));
                }
            }
        }
        Ok(None)
    }
}
