//! Cases of a bundle's rules: a table of requests, each with the outcome that somebody expects, and what came of them.
//!
//! Proofs say what no request can do; cases say, in requests that people can read, what the rules are meant to do.

mod run;
mod table;

pub use run::{CaseResult, run};
pub use table::{Case, Cases, CasesError, RuleCases};
