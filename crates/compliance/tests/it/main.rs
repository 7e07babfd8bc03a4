//! Tests of the crate from outside.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod classify;
mod folders;
mod reference;
mod timeline;
