//! Tests of the real binary: what it prints, how it ends, and a whole walk against a server that it runs itself.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod assess;
#[expect(dead_code, reason = "shared with the ledger's tests, which use all of it")]
#[path = "../../../ledger/tests/it/authority.rs"]
mod authority;
#[expect(dead_code, reason = "shared with the tests of the app, which use all of it")]
#[path = "../../../app/tests/it/authority_server.rs"]
mod authority_server;
mod drift;
mod drift_derived;
mod failures;
mod fairness;
mod framework;
mod help;
mod offline;
mod policy;
mod support;
mod timestamp;
mod upload;
mod walk;
mod witness;
