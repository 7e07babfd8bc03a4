//! Tests of the whole system from outside: the real binary, real databases, and programs that we did not write.
//!
//! They are a test binary of `crates/cli`, so that cargo builds the program they start.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod api;
mod artifact;
mod ci;
mod clients;
mod faults;
mod foreign;
mod platform;
mod records;
mod servers;
mod sign_in;
mod statement;
#[path = "../../crates/cli/tests/it/support.rs"]
mod support;
mod verifier;
