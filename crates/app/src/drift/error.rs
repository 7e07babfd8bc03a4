//! Why a comparison cannot be made, and what to do.

use comptroller_lake::LakeError;
use comptroller_stats::StatsError;

/// A comparison that cannot be made. Data is never refused for its values.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// A file cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A profile cannot be used.
    #[error("{name}: {source}")]
    Profile {
        /// The file.
        name: String,
        /// Why.
        source: StatsError,
    },
    /// A file of another kind than can be read.
    #[error("{name}: {source}")]
    Io {
        /// The file.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// Something is named that is not there, or contradicts itself.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: String,
    },
}

impl DriftError {
    pub(super) fn invalid(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), remedy: remedy.into() }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Lake(error) => error.remedy(),
            // The text says it.
            Self::Profile { .. } => "profiles are made by `comptroller profile`",
            Self::Io { .. } => "make the file readable for this user",
            Self::Invalid { remedy, .. } => remedy,
        }
    }
}
