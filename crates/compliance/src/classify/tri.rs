//! Yes, no, or unknown: the logic of statements of which some are not known (Kleene 1938).
//!
//! // INVARIANT (unknown-stays-unknown): an answer that is missing is unknown and never no, and what is concluded from
//! unknown answers stays as it is whatever they turn out to be, or is unknown itself.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An answer, or what follows from answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tri {
    /// It does not hold.
    No,
    /// Nobody has said.
    #[default]
    Unknown,
    /// It holds.
    Yes,
}

impl Tri {
    /// The word as it stands in files and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::No, Self::Unknown, Self::Yes].into_iter().find(|tri| tri.as_str() == word)
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// One of both holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

impl std::ops::Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl fmt::Display for Tri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
