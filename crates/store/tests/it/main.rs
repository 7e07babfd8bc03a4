//! The store's contract, run on SQLite and on PostgreSQL.

mod append_only;
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests of the ledger, which use all of it")]
#[path = "../../../ledger/tests/it/authority.rs"]
mod authority;
mod copying;
mod crash;
mod erasure;
mod findings;
mod one_transaction;
mod purging;
mod records;
mod round_trip;
mod schema;
mod support;
mod tamper;
mod waiting;
mod world;
mod world_outside;
