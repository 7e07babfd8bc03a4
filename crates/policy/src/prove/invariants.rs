//! Standing invariants: what no request may ever be allowed, whatever the rules of the day say.
//!
//! Each is written as a Cedar permit that describes such requests, and proven to have none in common with those that
//! the bundle allows outright.

use super::example::{self, Example};
use super::report::{InvariantProof, Query, Standing};
use super::session::{Compiled, Session};
use super::solver::Solver;
use super::world;
use crate::bundle::Bundle;
use crate::error::BundleError;
use crate::request::Request;
use crate::rule::Described;
use crate::source;
use cedar_policy::{Policy, RequestEnv};
use comptroller_core::vocab::Outcome;

/// The invariants that ship with the product.
pub const BUILTIN: &str = include_str!("../../../../policies/base/invariants.cedar");
/// Name of the file, for errors.
pub(crate) const FILE: &str = "invariants.cedar";

/// Reads invariants and checks them against the schema of a bundle: permits with `@id`, `@reason` and `@control`,
/// unique ids, strict validation without errors and without warnings.
///
/// # Errors
/// [`BundleError`], which names the rule or the line.
pub fn check(bundle: &Bundle, text: &str) -> Result<usize, BundleError> {
    Ok(read(bundle, text)?.len())
}

fn read(bundle: &Bundle, text: &str) -> Result<Vec<(Described, Policy)>, BundleError> {
    let refused = |finding: String| BundleError::Parse { file: FILE, findings: vec![finding] };
    let set = source::policies(FILE, text)?;
    if let Some(template) = set.templates().next() {
        return Err(refused(format!(
            "{} is a template: write it out without ?principal or ?resource",
            template.id()
        )));
    }
    let mut read: Vec<(Described, Policy)> = Vec::new();
    for policy in source::in_order(&set) {
        let described = Described::read(FILE, &policy)?;
        let id = described.id.as_str();
        if policy.effect() != cedar_policy::Effect::Permit {
            return Err(refused(format!(
                "{id} is a forbid: describe with a permit what must never be allowed"
            )));
        }
        if read.iter().any(|(other, _)| other.id == described.id) {
            return Err(BundleError::DuplicateId { id: id.to_owned() });
        }
        let policy = policy.new_id(cedar_policy::PolicyId::new(id));
        read.push((described, policy));
    }
    crate::bundle::validated(FILE, &bundle.schema, read.iter().map(|(_, policy)| policy.clone()).collect())?;
    Ok(read)
}

/// Proves every invariant in every request environment.
pub(super) fn prove(
    bundle: &Bundle,
    text: &str,
    solver: &Solver,
    progress: &dyn Fn(&str),
) -> Result<Vec<InvariantProof>, BundleError> {
    Ok(prove_each(bundle, read(bundle, text)?, solver, progress))
}

/// Proves invariants that were read already.
pub(super) fn prove_each(
    bundle: &Bundle,
    invariants: Vec<(Described, Policy)>,
    solver: &Solver,
    progress: &dyn Fn(&str),
) -> Vec<InvariantProof> {
    let problem = solver.problem().map(str::to_owned).or_else(|| world::check(&bundle.declared).err());
    let mut session = problem.map_or_else(|| Session::new(solver, &bundle.schema), Err);
    let mut found: Vec<(Standing, Vec<Query>)> =
        invariants.iter().map(|_| (Standing::Holds, Vec::new())).collect();
    for slice in world::slices(bundle) {
        progress(&world::name(&slice).0);
        // What the bundle allows here is compiled once, for whichever invariants need it.
        let mut allowed = None;
        for ((_, policy), (standing, queries)) in invariants.iter().zip(&mut found) {
            if matches!(standing, Standing::Violated { .. })
                || !crate::scope::covers(policy, slice.action(), slice.principal())
            {
                continue;
            }
            let finding = match &mut session {
                Ok(session) => {
                    let allowed = allowed.get_or_insert_with(|| compiled(bundle, &slice, session));
                    let finding = in_slice(bundle, policy, &slice, allowed, session);
                    queries.append(&mut session.queries());
                    finding
                }
                Err(why) => Standing::Unproven { why: why.clone() },
            };
            if finding != Standing::Holds {
                *standing = finding;
            }
        }
    }
    let proofs = invariants.into_iter().zip(found);
    proofs
        .map(|((described, _), (verdict, queries))| InvariantProof {
            id: described.id,
            reason: described.reason,
            control: described.control,
            verdict,
            queries,
        })
        .collect()
}

fn compiled(bundle: &Bundle, slice: &RequestEnv, session: &Session) -> Result<Compiled, String> {
    let mut policies = world::applying(&bundle.hard, slice);
    policies.extend(world::applying(&bundle.review, slice));
    policies.extend(world::unfit(&bundle.declared, slice.action().id().unescaped()));
    session.compile(policies, slice)
}

fn in_slice(
    bundle: &Bundle,
    invariant: &Policy,
    slice: &RequestEnv,
    allowed: &Result<Compiled, String>,
    session: &mut Session,
) -> Standing {
    let found = match overlap(invariant, slice, allowed, session) {
        Ok(None) => return Standing::Holds,
        Ok(Some(request)) => request,
        Err(why) => return Standing::Unproven { why },
    };
    let violates = |request: &Request| {
        bundle.decide(request).outcome == Outcome::Allow
            && bundle.ask_one(invariant, request).is_some_and(|verdict| verdict.allowed)
    };
    if !violates(&found) {
        let why = format!("the solver found {}, which is not allowed", Example::of(&found));
        return Standing::Unproven { why };
    }
    Standing::Violated { example: Example::of(&example::plain(found, &violates)) }
}

/// A request that the invariant describes and the bundle allows.
fn overlap(
    invariant: &Policy,
    slice: &RequestEnv,
    allowed: &Result<Compiled, String>,
    session: &mut Session,
) -> Result<Option<Request>, String> {
    let allowed = allowed.as_ref().map_err(Clone::clone)?;
    // Where the invariant errors it describes nothing, and would hold for the wrong reason. An error of a rule only
    // refuses more, so the rules need no such proof here.
    if session.error_of(invariant, slice)?.is_some() {
        return Err("the invariant itself can error: put a guard before what errors".to_owned());
    }
    let described = session.compile(vec![invariant.clone()], slice)?;
    match session.in_both(&described, allowed)? {
        None => Ok(None),
        Some(found) => {
            example::request(&found).map(Some).map_err(|why| format!("the solver found a request, but {why}"))
        }
    }
}
