//! The store's contract, run on SQLite and on PostgreSQL.

mod round_trip;
mod schema;
mod support;
mod tamper;
mod world;
