//! A result that may be undefined. Undefined is a value with a reason: never 0, never NaN, never a silent omission.

use crate::numeric::interval::Interval;
use serde::{Deserialize, Serialize};

/// A measured value, or why there is none. Every number in it is finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Value {
    /// Measured on enough rows.
    Estimate {
        /// The point estimate.
        value: f64,
        /// Where it lies with the stated confidence; none where no interval is defined for the measure.
        interval: Option<Interval>,
        /// Rows it rests on: of a rate its denominator, of a comparison the smaller one.
        rows: u64,
    },
    /// There are rows, but too few to say anything.
    InsufficientEvidence {
        /// What the few rows give.
        value: Option<f64>,
        /// How little they say.
        interval: Option<Interval>,
        /// Rows there are.
        rows: u64,
        /// Rows it takes.
        rows_needed: u64,
    },
    /// There is no such value.
    NotEvaluable {
        /// Why.
        reason: Reason,
        /// What was to be divided.
        numerator: f64,
        /// By what.
        denominator: f64,
    },
}

/// Why a value does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No row at all.
    NoRows,
    /// No row with a label and a decision.
    NoLabels,
    /// No row is labelled positive.
    NoPositiveLabels,
    /// No row is labelled negative.
    NoNegativeLabels,
    /// No decision is positive.
    NoPositiveDecisions,
    /// No decision is negative.
    NoNegativeDecisions,
    /// No row has a score.
    NoScores,
    /// A score lies outside of 0..=1 and is no probability.
    ScoresAreNoProbabilities,
    /// The rate that is divided by is 0.
    ReferenceIsZero,
    /// No group stands for the named reference.
    NoReference,
    /// The reference group has itself no value.
    ReferenceHasNoValue,
    /// Only one of both labels occurs.
    OneLabel,
    /// Fewer than two groups have a value.
    FewerThanTwoGroups,
    /// The mean benefit is 0, or a benefit of 0 has no logarithm.
    ZeroBenefit,
    /// No query ranks anything of the group.
    NoRankings,
    /// Nothing is relevant.
    NothingRelevant,
}

impl Reason {
    /// As half a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Self::NoRows => "there are no rows",
            Self::NoLabels => "no row has both a label and a decision",
            Self::NoPositiveLabels => "no row is labelled positive",
            Self::NoNegativeLabels => "no row is labelled negative",
            Self::NoPositiveDecisions => "no decision is positive",
            Self::NoNegativeDecisions => "no decision is negative",
            Self::NoScores => "no row has a score",
            Self::ScoresAreNoProbabilities => "scores lie outside of 0 to 1 and are no probabilities",
            Self::ReferenceIsZero => "the rate to divide by is 0",
            Self::NoReference => "no group stands for the named reference",
            Self::ReferenceHasNoValue => "the reference group has no value of its own",
            Self::OneLabel => "only one of both labels occurs",
            Self::FewerThanTwoGroups => "fewer than two groups have a value",
            Self::ZeroBenefit => "a benefit is 0, which this index has no value for",
            Self::NoRankings => "no query ranks anything of the group",
            Self::NothingRelevant => "nothing in the ranking is relevant",
        }
    }
}

impl Value {
    /// An undefined value.
    pub fn undefined(reason: Reason, numerator: f64, denominator: f64) -> Self {
        Self::NotEvaluable { reason, numerator, denominator }
    }

    /// A value on `rows` rows: insufficient below `needed`.
    pub fn on(value: f64, interval: Option<Interval>, rows: u64, needed: u64) -> Self {
        if rows < needed {
            return Self::InsufficientEvidence { value: Some(value), interval, rows, rows_needed: needed };
        }
        Self::Estimate { value, interval, rows }
    }

    /// The value, if it rests on enough rows.
    pub fn estimate(&self) -> Option<f64> {
        match self {
            Self::Estimate { value, .. } => Some(*value),
            _ => None,
        }
    }

    /// The interval, if the value rests on enough rows.
    pub fn interval(&self) -> Option<Interval> {
        match self {
            Self::Estimate { interval, .. } => *interval,
            _ => None,
        }
    }

    /// Why it counts for nothing, in words; empty for an estimate.
    pub fn because(&self) -> String {
        match self {
            Self::Estimate { .. } => String::new(),
            Self::InsufficientEvidence { rows, rows_needed, .. } => {
                format!("{rows} rows, {rows_needed} are needed")
            }
            Self::NotEvaluable { reason, .. } => reason.text().to_owned(),
        }
    }
}
