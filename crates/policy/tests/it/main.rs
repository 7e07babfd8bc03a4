//! The crate's behaviour from outside, against the bundle that ships.
#![expect(clippy::unwrap_used, reason = "a fixture that does not read is a failed test, also in a helper")]

mod adversarial;
mod bundle;
mod cards;
mod cases;
mod contexts;
mod decisions;
mod lint;
mod matrix;
mod path;
mod properties;
mod prove;
mod prove_again;
mod prove_compare;
mod prove_oracle;
mod prove_solver;
mod retention;
mod table;
