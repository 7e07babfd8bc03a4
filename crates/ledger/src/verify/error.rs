//! What verification can find wrong, as classes with stable codes and exit codes.
//!
//! Must not be reordered or renumbered: scripts and auditors rely on the numbers.

use std::fmt;

/// The class of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureClass {
    /// A file has not the form it must have.
    Malformed,
    /// A signature is bad, or no trusted key signed.
    Key,
    /// An entry is not the one that was logged, or is not well-formed.
    Entry,
    /// A tile is not what the signed root commits to.
    Tile,
    /// Entries or tiles below the signed size are missing.
    Truncated,
    /// A signed head does not belong to the tree of these entries.
    Fork,
    /// A stream has a gap or a repeat, or its stated head is not true.
    Stream,
    /// A shown payload is not what an entry committed to.
    Opening,
    /// A proof file does not hold.
    Proof,
    /// Too few witnesses cosigned.
    Quorum,
    /// Recorded times go back, or a time-stamp token does not fit.
    Timestamp,
    /// A file could not be read at all.
    Unreadable,
}

impl FailureClass {
    /// Stable name for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Key => "key",
            Self::Entry => "entry",
            Self::Tile => "tile",
            Self::Truncated => "truncated",
            Self::Fork => "fork",
            Self::Stream => "stream",
            Self::Opening => "opening",
            Self::Proof => "proof",
            Self::Quorum => "quorum",
            Self::Timestamp => "timestamp",
            Self::Unreadable => "unreadable",
        }
    }

    /// Exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Malformed => 10,
            Self::Key => 11,
            Self::Entry => 12,
            Self::Tile => 13,
            Self::Truncated => 14,
            Self::Fork => 15,
            Self::Stream => 16,
            Self::Opening => 17,
            Self::Proof => 18,
            Self::Quorum => 19,
            Self::Timestamp => 20,
            Self::Unreadable => 21,
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The first failure that verification met: its class, where, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {place}: {problem}")]
pub struct VerifyError {
    /// Class, with exit code.
    pub class: FailureClass,
    /// File, entry index or tile.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl VerifyError {
    pub(crate) fn new(class: FailureClass, place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self { class, place: place.to_string(), problem: problem.to_string() }
    }

    pub(crate) fn entry(class: FailureClass, index: u64, problem: impl fmt::Display) -> Self {
        Self::new(class, format_args!("entry {index}"), problem)
    }
}
