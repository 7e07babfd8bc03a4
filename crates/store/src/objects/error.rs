//! What can go wrong with objects, each with its place and the way out.

use std::error::Error;
use std::path::PathBuf;

/// A cause that a message does not repeat; it is the error's source.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A failed operation on the object store.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The configuration cannot work.
    #[error("object store setting `{field}` {what}")]
    Config {
        /// Name of the setting.
        field: &'static str,
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// The store could not be opened.
    #[error(
        "cannot open the object store at {place}: check that it exists and that this user may write there"
    )]
    Open {
        /// Directory or bucket.
        place: String,
        /// Why.
        source: Cause,
    },
    /// A name that is not permitted.
    #[error("object name \"{name}\" is not valid: {why}")]
    Name {
        /// Start of the name.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// There is no such object.
    #[error("object {name} does not exist in {place}")]
    NotFound {
        /// Name of the object.
        name: String,
        /// Directory or bucket.
        place: String,
    },
    /// INVARIANT (create-only): an object is never replaced by other bytes.
    #[error(
        "object {name} already exists in {place} with other bytes and was left as it is: two writers use this \
         store, or a backup was restored beside it; stop the other writer before starting again"
    )]
    Conflict {
        /// Name of the object.
        name: String,
        /// Directory or bucket.
        place: String,
    },
    /// More bytes than one object may have.
    #[error("object {name} has {bytes} bytes, the limit here is {limit}")]
    TooLarge {
        /// Name of the object.
        name: String,
        /// Its size.
        bytes: u64,
        /// Largest size.
        limit: u64,
    },
    /// A range outside the object.
    #[error("bytes {from}..{to} do not lie within object {name}")]
    Range {
        /// Name of the object.
        name: String,
        /// First byte.
        from: u64,
        /// One past the last byte.
        to: u64,
    },
    /// The store accepted a second object under one name.
    #[error(
        "the object store at {place} ignores conditional writes (If-None-Match), so a second writer could overwrite \
         evidence; use a store that honours them, as AWS S3 and SeaweedFS do, or a local directory"
    )]
    NotConditional {
        /// Directory or bucket.
        place: String,
    },
    /// The store refuses the operation; trying again will not help.
    #[error(
        "the object store at {place} refused to {operation} {name}: check credentials, bucket and permissions"
    )]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// Name of the object.
        name: String,
        /// Directory or bucket.
        place: String,
        /// Why.
        source: Cause,
    },
    /// The store did not answer, or answered with a passing failure, on every attempt.
    #[error(
        "cannot {operation} object {name} in {place} after {attempts} attempts: the store is unavailable"
    )]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// Name of the object.
        name: String,
        /// Directory or bucket.
        place: String,
        /// How often.
        attempts: u32,
        /// The last failure.
        source: Cause,
    },
    /// The local disk failed.
    #[error("cannot {operation} {}: check free space, permissions and the health of the disk", path.display())]
    Disk {
        /// What was tried.
        operation: &'static str,
        /// File or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
