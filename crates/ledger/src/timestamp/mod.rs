//! RFC 3161 time-stamps of checkpoints: an authority outside states that a head of the log existed at a time.
//!
//! What is stamped is the SHA-256 of a checkpoint's note text: the bytes that the log's keys and the witnesses sign,
//! and none of their signatures. The text holds origin, size and root, so it stands for every entry below that size;
//! and it stays the same when cosignatures are added, so one token fits every copy of the head.
//!
//! A token is verified as RFC 3161 (section 2.3, 2.4.2), RFC 5652 (section 5.4, 5.6) and RFC 5035/5816 say. Must not
//! ask anybody and must not read a clock: a chain is judged at the time in the token. Revocation is not looked up.
//!
//! // INVARIANT (one-signer): what a token states counts only if its one signature verifies under the certificate that
//! // its signed attributes name, and that certificate serves for time-stamping alone.

mod certificate;
mod fields;
mod names;
mod query;
mod token;
mod verify;

pub use query::Query;
pub use verify::{Anchors, Stamp, verify};

/// Largest token, in bytes. Tokens with a chain of large certificates have less than 10 KiB.
pub const MAX_TOKEN_BYTES: usize = 64 << 10;

/// Largest file of trusted certificates, in bytes.
pub const MAX_ANCHOR_BYTES: usize = 1 << 20;

/// Why a time-stamp is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Bytes that do not have the form they must have.
    #[error("{part}: {problem}")]
    Malformed {
        /// Part of the token.
        part: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The authority did not grant the request.
    #[error("the authority refused: {0}")]
    Refused(String),
    /// The token answers another request.
    #[error("the token is not an answer to this request: its nonce differs")]
    Nonce,
    /// The token is about something else.
    #[error("the token is not about this head: {0}")]
    Imprint(&'static str),
    /// The signature, or an attribute that it covers, does not fit.
    #[error("the token is not signed as it must be: {0}")]
    Signature(String),
    /// The signer's certificate is not one of a time-stamp authority.
    #[error("the signer's certificate: {0}")]
    Certificate(String),
    /// No path of certificates leads from the signer to a trusted one.
    #[error("the signer's certificate does not lead to a trusted authority: {0}")]
    Untrusted(String),
    /// The trusted certificates cannot be used.
    #[error("trusted certificates: {0}")]
    Anchors(String),
}

impl TimestampError {
    fn malformed(part: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Malformed { part, problem: problem.to_string() }
    }
}
