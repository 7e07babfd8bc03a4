//! What a proof run found, in a form that somebody else can make again offline and compare byte for byte.
//!
//! No times and no paths: the same bundles, solver and compiler give the same report.

use super::example::Example;
use crate::rule::RuleSet;
use comptroller_core::vocab::{BundleVerdict, Outcome};
use comptroller_core::{Digest, Slug};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Name and version of this form.
const FORMAT: &str = "comptroller-policy-proof/1";
/// What turns policies into logic. A test compares it with the version that is built in.
pub(super) const COMPILER: &str = "cedar-policy-symcc 0.8.1";

/// Everything that was asked and answered about a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// Name and version of the form.
    pub format: String,
    /// The solver and its version; absent if there was none.
    pub solver: Option<String>,
    /// What turned the policies into logic, and its version.
    pub compiler: String,
    /// The bundle that was examined; for a comparison, the new one.
    pub bundle: Digest,
    /// Can a rule error?
    pub rules: Vec<RuleProof>,
    /// Do the standing invariants hold?
    pub invariants: Vec<InvariantProof>,
    /// What a change of the policies lets in.
    pub comparison: Option<Comparison>,
}

impl Report {
    /// A report without findings, to be filled.
    pub fn new(bundle: &crate::Bundle, solver: &super::Solver) -> Self {
        Self {
            format: FORMAT.to_owned(),
            solver: solver.version().map(str::to_owned),
            compiler: COMPILER.to_owned(),
            bundle: bundle.digest().clone(),
            rules: Vec::new(),
            invariants: Vec::new(),
            comparison: None,
        }
    }
}

impl Report {
    /// SHA-256 of its canonical JSON (RFC 8785): the same for whoever makes the same proofs again.
    pub fn digest(&self) -> Digest {
        // Proof: a report has string keys only, and no number that JSON could not hold.
        let bytes = serde_json_canonicalizer::to_vec(self).expect("canonical JSON of a report");
        Digest::from_bytes(Sha256::digest(bytes).into())
    }
}

/// A question to the solver. What the compiler simplifies to an answer is never asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Query {
    /// SHA-256 of its SMT-LIB text.
    pub digest: Digest,
    /// What came back.
    pub answered: Answered,
}

/// What the solver said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// There is such a request.
    Sat,
    /// There is none: a proof.
    Unsat,
    /// It gave up.
    Unknown,
    /// Nothing that counts as an answer.
    Nothing,
}

/// Whether a rule can error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleProof {
    /// The rule.
    pub rule: Slug,
    /// The set it belongs to.
    pub set: RuleSet,
    /// The finding.
    pub verdict: Totality,
    /// What was asked.
    pub queries: Vec<Query>,
}

/// Whether a rule errors on some request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Totality {
    /// It errors on none.
    Proven,
    /// It errors on this one; then the outcome is unknown, whatever the other rules say.
    CanError {
        /// The request, decided again to make sure.
        example: Example,
        /// What went wrong.
        error: String,
    },
    /// Not known.
    Unproven {
        /// Why.
        why: String,
    },
}

/// Whether a standing invariant holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InvariantProof {
    /// Its name.
    pub id: Slug,
    /// What it says.
    pub reason: String,
    /// Our own control ids.
    pub control: Vec<String>,
    /// The finding.
    pub verdict: Standing,
    /// What was asked.
    pub queries: Vec<Query>,
}

/// Whether no request that the invariant describes is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Standing {
    /// None is.
    Holds,
    /// This one is.
    Violated {
        /// The request, decided again to make sure.
        example: Example,
    },
    /// Not known.
    Unproven {
        /// Why.
        why: String,
    },
}

/// Whether no smaller set of steps would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Minimality {
    /// Proven, for every value that the facts of the steps can take.
    Certified {
        /// The solver, with its version.
        solver: String,
        /// SHA-256 of each question that it was asked.
        questions: Vec<Digest>,
    },
    /// A smaller set is enough: this request is allowed.
    Refuted {
        /// The request, decided again to make sure.
        #[schema(value_type = Example)]
        example: Box<Example>,
    },
    /// Not known.
    Unproven {
        /// Why.
        why: String,
    },
}

/// What a change from one bundle to another lets in and keeps out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Comparison {
    /// The bundle before the change.
    pub old: Digest,
    /// The bundle after it.
    pub new: Digest,
    /// The worst of the slices, and looser if anything is purged earlier.
    pub verdict: BundleVerdict,
    /// How many slices have the same rules and facts before and after.
    pub unchanged: usize,
    /// The others.
    pub slices: Vec<SliceProof>,
    /// What is purged earlier than before, in words: that is looser, whatever the slices say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goes_earlier: Vec<String>,
    /// What running versions are watched less closely for than before, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watches_less: Vec<String>,
}

/// One act by one type of principal on one type of resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SliceProof {
    /// Type of whoever acts.
    pub principal: String,
    /// The act.
    pub action: String,
    /// Type of what is acted upon.
    pub resource: String,
    /// The effect of the change here.
    pub verdict: BundleVerdict,
    /// Is something let in that was not?
    pub lets_in: Finding,
    /// Is something kept out that was not?
    pub keeps_out: Finding,
    /// What was asked.
    pub queries: Vec<Query>,
}

/// The answer to one direction of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Finding {
    /// Proven: nothing.
    Nothing,
    /// These, each decided by both bundles to make sure.
    Something {
        /// The requests.
        flips: Vec<Flip>,
    },
    /// Not known.
    Unproven {
        /// Why.
        why: String,
    },
}

/// A request that comes out differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Flip {
    /// The request.
    pub example: Example,
    /// Its outcome before.
    pub old: Outcome,
    /// Its outcome after.
    pub new: Outcome,
}
