//! Tests of the ledger through its public interface: against independent programs, published vectors, and tampering.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod authority;
mod foreign;
mod formats;
mod never_panics;
mod packs;
mod support;
mod tamper;
mod timestamped_logs;
mod timestamps;
mod tree;
