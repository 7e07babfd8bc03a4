//! Tests of the ledger through its public interface: against independent programs, published vectors, and tampering.

mod foreign;
mod formats;
mod never_panics;
mod packs;
mod speed;
mod support;
mod tamper;
mod tree;
