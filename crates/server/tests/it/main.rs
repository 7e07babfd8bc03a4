//! Tests of the whole interface: the real router on a loopback port, over a store in a temporary folder.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod authz;
mod authz_outside;
mod authzen;
mod bad_input;
mod files;
mod pages;
mod replay;
mod support;
mod walk;
mod world;
