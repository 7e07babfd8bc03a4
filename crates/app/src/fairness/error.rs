//! Why an audit cannot be made, and what to do.

use comptroller_lake::LakeError;
use comptroller_stats::fairness::FairnessError;

/// An audit that cannot be made. Rows that say too little are never refused: the result says so.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The columns do not make an audit.
    #[error(transparent)]
    Fairness(#[from] FairnessError),
    /// Something is named that is not there, or holds what it cannot.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and where.
        message: String,
        /// What to do.
        remedy: String,
    },
}

impl AuditError {
    pub(super) fn invalid(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), remedy: remedy.into() }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Lake(error) => error.remedy(),
            // The text says it.
            Self::Fairness(_) => "see docs/FAIRNESS.md",
            Self::Invalid { remedy, .. } => remedy,
        }
    }
}
