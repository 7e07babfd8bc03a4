//! The use cases over a real store in a temporary folder.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod authenticator;
#[expect(dead_code, reason = "shared with the ledger's tests, which use all of it")]
#[path = "../../../ledger/tests/it/authority.rs"]
mod authority;
mod authority_server;
mod credentials;
mod delegations;
mod email;
mod emergencies;
mod erasure;
mod governance;
mod inbox;
mod monitors;
mod notify;
mod oidc_server;
mod passkeys;
mod postbox;
mod predictions;
mod promotion;
mod retention;
mod rotation;
mod shadow;
mod sign_in;
mod statement;
mod step_up;
mod timestamp;
mod witness;
mod witness_server;
mod workloads;
mod world;
