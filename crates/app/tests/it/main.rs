//! The use cases over a real store in a temporary folder.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod credentials;
mod erasure;
mod oidc_server;
mod promotion;
mod rotation;
mod sign_in;
mod witness;
mod witness_server;
mod world;
