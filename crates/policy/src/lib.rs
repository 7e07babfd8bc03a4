//! Decides who may do what, and on what evidence, by Cedar policies.
//!
//! One [`Bundle`] of policies, one [`Request`] with typed facts, one [`Decision`] with every rule that fired. The
//! crate does not collect facts, store decisions or know a clock; its callers do. Nothing of Cedar is visible
//! outside, and the Cedar authoriser is asked in one place (`engine`).
//!
//! Invariants that live here:
//! - deny-on-error: any error while deciding gives [`Outcome::Unknown`], which counts as a deny.
//! - separation-of-duties: a builder, the requester, an owner, an administrator or a program never votes.
//! - environment-segregation: a credential of one environment does not act in another.
//! - unproven-by-default: what the solver did not show is never called proven ([`prove`]).
//! - as-of: a decision names the digest of its bundle and holds its facts, and [`Request::replay`] repeats it.

mod action;
mod bounds;
pub mod builtin;
mod bundle;
pub mod card;
pub mod cases;
mod decide;
mod declared;
mod engine;
mod error;
mod explain;
mod index;
mod lapse;
mod lint;
mod near;
mod package;
mod path;
pub mod prove;
pub mod quorum;
mod request;
mod rule;
mod scope;
mod source;

pub use action::Action;
pub use bundle::Bundle;
pub use comptroller_core::vocab::{Outcome, PrincipalKind};
pub use decide::Decision;
pub use error::{BundleError, ReplayError};
pub use explain::Clause;
pub use lapse::Lapsing;
pub use lint::{Finding, lint, unknown_controls};
pub use package::{PACKS, Package};
pub use path::{Paths, Step, Votes};
pub use request::{Fact, Facts, Principal, Request};
pub use rule::{Effect, FiredRule, Lapse, RuleInfo, RuleSet, Silence};
