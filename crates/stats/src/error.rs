//! Why statistics are refused. Data is never refused for its values: a bad column is a finding, not an error.

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatsError {
    /// The bytes are no profile.
    #[error("this is not a profile that can be read: {0}; make it again with `comptroller profile`")]
    Malformed(String),
    /// A profile of another form.
    #[error(
        "the profile has version {found}, this program reads version {known}: make it again with `comptroller profile`"
    )]
    Version {
        /// What it says.
        found: u64,
        /// What is read.
        known: u64,
    },
    /// A profile that contradicts itself.
    #[error("the profile contradicts itself at {place}: {problem}; make it again with `comptroller profile`")]
    Inconsistent {
        /// The column or part.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// Two profiles that do not count into the same bins.
    #[error("the profiles cannot be merged: {0}; make the second with `--grid` of the first")]
    OtherGrid(String),
    /// More than can be counted exactly.
    #[error("more than 2^53 rows cannot be counted exactly: profile them in parts")]
    TooManyRows,
    /// There is nothing to compare.
    #[error("{0}")]
    Nothing(String),
}
