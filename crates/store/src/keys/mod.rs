//! Encryption at rest: the organisation key, data keys under it, sealed payloads and keyed look-up digests.
//!
//! Key bytes never reach `Debug`, a message or a log, and their memory is cleared when dropped. Nothing here decides
//! who may read. Erasure of personal data is the deletion of its wrapped data key from the database: sealed payloads
//! are unreadable without it.
//!
//! INVARIANT (authenticated-at-rest): whatever is opened was sealed under the same key for the same place. Every
//! altered, truncated or displaced byte string is refused, with a message that says nothing about its content.

mod data_key;
mod derive;
mod one_time;
mod org_key;
mod payload;

pub use data_key::DataKey;
pub use one_time::one_time_number;
pub use org_key::OrgKey;
pub use payload::{MAX_PAYLOAD, SALT_BYTES, open_payload, seal_payload};

use std::path::PathBuf;
use zeroize::Zeroizing;

/// Bytes of every key.
pub const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// `N` bytes from the operating system's generator.
pub fn random<const N: usize>() -> Result<[u8; N], KeysError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| KeysError::Randomness)?;
    Ok(bytes)
}

/// HMAC-SHA256 of a message (RFC 2104), by which somebody who shares the key knows who sent it.
pub fn message_code(key: &[u8], message: &[u8]) -> [u8; 32] {
    derive::message_code(key, message)
}

/// Like [`random`], cleared when dropped.
fn random_key() -> Result<Zeroizing<[u8; KEY_BYTES]>, KeysError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| KeysError::Randomness)?;
    Ok(bytes)
}

/// A failed operation with keys. No message depends on a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes; nothing was encrypted")]
    Randomness,
    /// The key file could not be read or written.
    #[error("cannot {operation} the key file {}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// The key file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is a key file where one was to be created.
    #[error(
        "the key file {} already exists and was left as it is: a new key would make existing data unreadable",
        path.display()
    )]
    FileExists {
        /// The key file.
        path: PathBuf,
    },
    /// Other users may read or write the key file.
    #[error("the key file {} is open to other users (mode {mode:03o}); run `chmod 600` on it", path.display())]
    FileMode {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The text is not a key.
    #[error("not a key: expected `{form}` followed by 64 lower-case hexadecimal digits")]
    NotAKey {
        /// How a key starts.
        form: &'static str,
    },
    /// Wrapped by another organisation key.
    #[error("this data key was wrapped by organisation key {found}, but the key in use is {expected}")]
    WrongOrgKey {
        /// Fingerprint of the key that is needed.
        found: String,
        /// Fingerprint of the key in use.
        expected: String,
    },
    /// Not in the form that this version writes.
    #[error("{what} is truncated or not in a known format")]
    Format {
        /// Kind of byte string.
        what: &'static str,
    },
    /// The seal is broken.
    #[error("{what} cannot be opened: it was altered, stored in another place, or sealed under another key")]
    Sealed {
        /// Kind of byte string.
        what: &'static str,
    },
    /// Too many bytes to seal at once.
    #[error("a payload of {bytes} bytes is too large, the limit is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// Largest size.
        limit: usize,
    },
}
