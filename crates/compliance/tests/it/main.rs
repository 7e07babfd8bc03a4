//! Tests of the crate from outside.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod adoption;
mod cases;
mod catalogue;
mod classify;
mod criteria;
mod days;
mod folders;
mod gap;
mod made;
mod reference;
mod risk;
mod risk_record;
mod timeline;
mod year;
