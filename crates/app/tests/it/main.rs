//! The use cases over a real store in a temporary folder.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod assessments;
mod audits;
mod authenticator;
#[expect(dead_code, reason = "shared with the ledger's tests, which use all of it")]
#[path = "../../../ledger/tests/it/authority.rs"]
mod authority;
mod authority_server;
mod baselines;
mod compact;
mod controls;
mod credentials;
mod delegations;
mod documents;
mod drift_rollback;
mod email;
mod emergencies;
mod erasure;
mod fairness_watch;
mod governance;
mod inbox;
mod monitors;
mod notify;
mod oidc_server;
mod passkeys;
mod postbox;
mod predictions;
mod promotion;
mod remediations;
mod retention;
mod risks;
mod rotation;
mod shadow;
mod sign_in;
mod statement;
mod step_up;
mod subject_requests;
mod tiers;
mod timestamp;
mod witness;
mod witness_server;
mod workloads;
mod world;
