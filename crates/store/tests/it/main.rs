//! The store's contract, run on SQLite and on PostgreSQL.

mod append_only;
mod copying;
mod crash;
mod erasure;
mod one_transaction;
mod round_trip;
mod schema;
mod support;
mod tamper;
mod world;
