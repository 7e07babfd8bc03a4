//! Why an audit is refused. Data that says little is never refused: it gets a result that says so.

use super::input::{MAX_ATTRIBUTES, MAX_GROUPS, MAX_STRATA};

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FairnessError {
    /// Two columns of one table do not belong together.
    #[error("column `{column}` has {found} rows where the others have {expected}: pass columns of one table")]
    Length {
        /// The column.
        column: String,
        /// Its rows.
        found: usize,
        /// Theirs.
        expected: usize,
    },
    /// A code that names no level.
    #[error(
        "row {row} of `{column}` has the code {code}, but the column has {levels} levels: pass MISSING for no value"
    )]
    Code {
        /// The attribute.
        column: String,
        /// Row, from 0.
        row: usize,
        /// What it holds.
        code: u32,
        /// Known levels.
        levels: usize,
    },
    /// A weight that weighs nothing sensible.
    #[error("row {row} has the weight {weight}: weights are finite numbers from 0 to 1e15")]
    Weight {
        /// Row, from 0.
        row: usize,
        /// What it holds.
        weight: f64,
    },
    /// No attribute was named, or too many.
    #[error("{0} sensitive attributes were named: name 1 to {max}", max = MAX_ATTRIBUTES)]
    Attributes(usize),
    /// Combinations beyond the bound.
    #[error("the attributes make {0} combinations, at most {max} are counted: join rare values, or name fewer attributes", max = MAX_GROUPS)]
    Groups(u64),
    /// Strata beyond the bound.
    #[error("the control features make {0} strata, at most {max} are counted: join rare values, or name fewer features", max = MAX_STRATA)]
    Strata(u64),
    /// A setting outside of its range.
    #[error("{name} is {value}, it must be {range}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What it was.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// A sequential audit asked for something it does not watch.
    #[error("group {group} is unknown: this audit was begun with {groups} groups")]
    UnknownGroup {
        /// Asked for.
        group: usize,
        /// Known.
        groups: usize,
    },
    /// Two audits that do not continue each other.
    #[error("the audits differ in {0}: continue an audit with the settings it was begun with")]
    OtherAudit(&'static str),
    /// An attribute whose values make no groups.
    #[error("`{0}` needs at least two different values that are compared")]
    Values(String),
    /// A measure that is no mean of single rows, so that it cannot be watched as they come.
    #[error(
        "{0} cannot be watched day by day: watch rates of decisions, such as impact_ratio or equalized_odds_difference"
    )]
    NotWatched(&'static str),
    /// More pairs of groups than are watched.
    #[error(
        "the groups make more pairs than the at most {most} that are watched: name fewer values, attributes or criteria"
    )]
    Pairs {
        /// The bound.
        most: usize,
    },
    /// A value that cannot be bet on.
    #[error("the value {0} is outside of 0..=1: pass outcomes as shares or as 0 and 1")]
    Outside(f64),
}
