//! The store's contract, run on SQLite and on PostgreSQL.

mod round_trip;
mod support;
