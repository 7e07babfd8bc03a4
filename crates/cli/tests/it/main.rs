//! Tests of the real binary: what it prints, how it ends, and a whole walk against a server that it runs itself.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod failures;
mod help;
mod offline;
mod support;
mod upload;
mod walk;
mod witness;
