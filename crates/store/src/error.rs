//! What can go wrong in the store.

use crate::keys::KeysError;
use crate::objects::ObjectsError;
use std::path::Path;

/// An error of the store. Display never carries a secret or a row's content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A setting does not work; the text says which and what to do.
    #[error("{0}")]
    Config(String),
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A file could not be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// Stored data contradict an invariant. Fatal: nothing more is written.
    #[error("stored data are damaged: {0}")]
    Damaged(String),
    /// The store does not accept writes; the text says why and how to leave this state.
    #[error("the store is read-only: {0}")]
    ReadOnly(String),
    /// The machine's clock is behind the last recorded event.
    #[error(
        "the clock went back by {seconds} s behind the last recorded event; correct the clock, nothing was written"
    )]
    ClockWentBack {
        /// How far, in seconds.
        seconds: i64,
    },
    /// A row that must be unique is there already.
    #[error("{0} exists already")]
    Conflict(&'static str),
    /// The writer is gone: the process is stopping, or a commit failed and the store closed itself.
    #[error("the writer has stopped")]
    Stopped,
    /// An entry cannot be written: too large, or not canonical.
    #[error("the event does not fit a ledger entry: {0}")]
    Entry(String),
    /// A key file is missing, does not fit this log, or does not parse.
    #[error("{0}")]
    Key(String),
    /// A key could not be made, or a ciphertext does not open.
    #[error(transparent)]
    Sealed(#[from] KeysError),
    /// The object store failed.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
}

impl StoreError {
    /// Wraps an I/O error with the file that it is about.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), reason: error.to_string() }
    }

    /// Whether the error is a violated UNIQUE constraint.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}
