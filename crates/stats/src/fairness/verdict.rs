//! Whether what was demanded holds: a statement about these numbers, never a legal conclusion.
//!
//! The rule, in this order:
//!
//! 1. no value: insufficient evidence if more rows could give one, else not evaluable;
//! 2. **fail**: the estimate is beyond the bound and so is its whole interval (groups without a value cannot undo that);
//! 3. a group without a usable value: insufficient evidence, or not evaluable if more rows would not help;
//! 4. **pass**: the whole interval lies within the bound;
//! 5. **inconclusive**: the interval holds the bound.

use super::groups::GroupName;
use super::report::{Aggregate, CompoundMeasure, Family};
use super::value::Value;
use crate::numeric::interval::Interval;
use serde::{Deserialize, Serialize};

/// The four-fifths rule: a selection rate below 80 % of the highest one is generally regarded as evidence of adverse
/// impact. 29 CFR 1607.4(D), Uniform Guidelines on Employee Selection Procedures, in force since 1978-09-25.
pub const FOUR_FIFTHS: f64 = 0.8;
/// Where [`FOUR_FIFTHS`] stands.
pub const FOUR_FIFTHS_SOURCE: &str = "29 CFR 1607.4(D), four-fifths rule, in force since 1978-09-25";

/// Groups that a reason names, at most; the aggregate lists all.
const NAMED: usize = 5;

/// What can be demanded. A difference must not be above its bound, a ratio not below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Largest difference of selection rates.
    DemographicParityDifference,
    /// Smallest ratio of selection rates.
    DemographicParityRatio,
    /// Smallest ratio of selection rates, without small categories (6 RCNY 5-301).
    ImpactRatio,
    /// Smallest ratio of scoring rates, without small categories (6 RCNY 5-301).
    ScoringRatio,
    /// Largest difference of true positive rates.
    EqualOpportunityDifference,
    /// The larger of the differences of true and false positive rates.
    EqualizedOddsDifference,
    /// The smaller of the ratios of true and false positive rates.
    EqualizedOddsRatio,
    /// Largest mean of the absolute differences of true and false positive rates.
    AverageAbsoluteOddsDifference,
    /// Largest difference of false positive rates.
    FalsePositiveRateDifference,
    /// Largest difference of positive predictive values.
    PredictiveParityDifference,
    /// Largest difference of accuracies.
    AccuracyDifference,
    /// Largest difference of areas under the ROC curve.
    AucDifference,
    /// Largest difference of Brier scores.
    BrierDifference,
    /// Largest difference of mean score minus share of positives.
    CalibrationDifference,
}

impl Measure {
    /// All, in the order of this list.
    pub const ALL: [Self; 14] = [
        Self::DemographicParityDifference,
        Self::DemographicParityRatio,
        Self::ImpactRatio,
        Self::ScoringRatio,
        Self::EqualOpportunityDifference,
        Self::EqualizedOddsDifference,
        Self::EqualizedOddsRatio,
        Self::AverageAbsoluteOddsDifference,
        Self::FalsePositiveRateDifference,
        Self::PredictiveParityDifference,
        Self::AccuracyDifference,
        Self::AucDifference,
        Self::BrierDifference,
        Self::CalibrationDifference,
    ];

    /// Its name, as it is serialised.
    pub fn name(self) -> &'static str {
        match self {
            Self::DemographicParityDifference => "demographic_parity_difference",
            Self::DemographicParityRatio => "demographic_parity_ratio",
            Self::ImpactRatio => "impact_ratio",
            Self::ScoringRatio => "scoring_ratio",
            Self::EqualOpportunityDifference => "equal_opportunity_difference",
            Self::EqualizedOddsDifference => "equalized_odds_difference",
            Self::EqualizedOddsRatio => "equalized_odds_ratio",
            Self::AverageAbsoluteOddsDifference => "average_absolute_odds_difference",
            Self::FalsePositiveRateDifference => "false_positive_rate_difference",
            Self::PredictiveParityDifference => "predictive_parity_difference",
            Self::AccuracyDifference => "accuracy_difference",
            Self::AucDifference => "auc_difference",
            Self::BrierDifference => "brier_difference",
            Self::CalibrationDifference => "calibration_difference",
        }
    }

    /// Whether it is a ratio, which has to be large.
    pub fn is_ratio(self) -> bool {
        matches!(
            self,
            Self::DemographicParityRatio | Self::ImpactRatio | Self::ScoringRatio | Self::EqualizedOddsRatio
        )
    }

    /// The bound that a source gives, with the source. Only the four-fifths rule is one; every other bound is the
    /// caller's.
    pub fn sourced_bound(self) -> Option<(f64, &'static str)> {
        let four_fifths =
            matches!(self, Self::DemographicParityRatio | Self::ImpactRatio | Self::ScoringRatio);
        four_fifths.then_some((FOUR_FIFTHS, FOUR_FIFTHS_SOURCE))
    }

    /// Where a family holds it; nothing without scores for what needs them.
    pub fn of(self, family: &Family) -> Option<&Aggregate> {
        let compound = |wanted: CompoundMeasure| {
            family.compound.iter().find(|one| one.measure == wanted).map(|one| &one.aggregate)
        };
        let difference = |wanted: super::metric::Metric| {
            family.metrics.iter().find(|one| one.metric == wanted).map(|one| &one.difference)
        };
        match self {
            Self::DemographicParityDifference => compound(CompoundMeasure::DemographicParityDifference),
            Self::DemographicParityRatio => compound(CompoundMeasure::DemographicParityRatio),
            Self::ImpactRatio => Some(&family.impact_ratio.ratio),
            Self::ScoringRatio => family.scoring_ratio.as_ref().map(|one| &one.ratio),
            Self::EqualOpportunityDifference => difference(super::metric::Metric::TruePositiveRate),
            Self::EqualizedOddsDifference => compound(CompoundMeasure::EqualizedOddsDifference),
            Self::EqualizedOddsRatio => compound(CompoundMeasure::EqualizedOddsRatio),
            Self::AverageAbsoluteOddsDifference => compound(CompoundMeasure::AverageAbsoluteOddsDifference),
            Self::FalsePositiveRateDifference => difference(super::metric::Metric::FalsePositiveRate),
            Self::PredictiveParityDifference => difference(super::metric::Metric::PositivePredictiveValue),
            Self::AccuracyDifference => difference(super::metric::Metric::Accuracy),
            Self::AucDifference => family.scores.as_ref().map(|one| &one.auc_difference),
            Self::BrierDifference => family.scores.as_ref().map(|one| &one.brier_difference),
            Self::CalibrationDifference => family.scores.as_ref().map(|one| &one.calibration_difference),
        }
    }
}

/// Something demanded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// What.
    pub measure: Measure,
    /// The bound, 0..=1: the largest allowed difference, or the smallest allowed ratio.
    pub bound: f64,
    /// Where the bound comes from.
    pub source: String,
}

impl Criterion {
    /// With the bound that a source gives for a measure; nothing where none does.
    pub fn sourced(measure: Measure) -> Option<Self> {
        measure.sourced_bound().map(|(bound, source)| Self { measure, bound, source: source.to_owned() })
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The whole interval lies within the bound, and every group is covered.
    Pass,
    /// The whole interval lies beyond the bound.
    Fail,
    /// The interval holds the bound.
    Inconclusive,
    /// Too few rows, in all or in a group.
    InsufficientEvidence,
    /// There is no such value, in all or for a group.
    NotEvaluable,
}

impl State {
    /// Its name, as it is serialised.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::InsufficientEvidence => "insufficient_evidence",
            Self::NotEvaluable => "not_evaluable",
        }
    }
}

/// A criterion on the groups of a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What was demanded.
    pub criterion: Criterion,
    /// Of the groups of which attributes.
    pub attributes: Vec<String>,
    /// In which stratum; nothing for the whole table.
    pub stratum: Option<GroupName>,
    /// What became of it.
    pub state: State,
    /// What was measured.
    pub value: Value,
    /// Why it is so, in one sentence.
    pub because: String,
}

/// Judges a criterion on a family.
pub(crate) fn judge(criterion: &Criterion, family: &Family) -> Verdict {
    let aggregate = criterion.measure.of(family);
    let none = Value::undefined(super::value::Reason::NoScores, 0.0, 0.0);
    let value = aggregate.map_or(none, |aggregate| aggregate.value);
    let (state, because) = match aggregate {
        Some(aggregate) => {
            let groups: Vec<&GroupName> = family.groups.iter().map(|group| &group.name).collect();
            state_of(criterion.measure.is_ratio(), criterion.bound, aggregate, &groups)
        }
        None => (State::NotEvaluable, "there are no scores".to_owned()),
    };
    let attributes = family.attributes.clone();
    Verdict {
        criterion: criterion.clone(),
        attributes,
        stratum: family.stratum.clone(),
        state,
        value,
        because,
    }
}

/// What becomes of a bound on the largest gap of groups, and why; a ratio must not be below it, anything else not above.
pub(super) fn state_of(
    ratio: bool,
    bound: f64,
    aggregate: &Aggregate,
    groups: &[&GroupName],
) -> (State, String) {
    let (value, interval) = match aggregate.value {
        Value::Estimate { value, interval: Some(interval), .. } => (value, interval),
        Value::InsufficientEvidence { .. } => {
            return (State::InsufficientEvidence, uncovered(aggregate, groups));
        }
        _ => return (State::NotEvaluable, without_value(aggregate, groups)),
    };
    let shown = format!("{value:.4} [{:.4}, {:.4}]", interval.lower, interval.upper);
    if beyond(ratio, value, interval, bound) {
        return (
            State::Fail,
            format!("{shown} lies wholly {} {bound}{}", word(ratio, true), where_found(aggregate, groups)),
        );
    }
    if !aggregate.not_covered.is_empty() {
        let helps = aggregate.not_covered.iter().any(|one| one.more_rows_help);
        let state = if helps { State::InsufficientEvidence } else { State::NotEvaluable };
        return (state, format!("{shown} of the other groups; {}", uncovered(aggregate, groups)));
    }
    if within(ratio, interval, bound) {
        return (State::Pass, format!("{shown} lies wholly {} {bound}", word(ratio, false)));
    }
    (State::Inconclusive, format!("{shown} holds {bound}: more rows would tell"))
}

fn beyond(ratio: bool, value: f64, interval: Interval, bound: f64) -> bool {
    if ratio { value < bound && interval.upper < bound } else { value > bound && interval.lower > bound }
}

fn within(ratio: bool, interval: Interval, bound: f64) -> bool {
    if ratio { interval.lower >= bound } else { interval.upper <= bound }
}

fn word(ratio: bool, beyond: bool) -> &'static str {
    match (ratio, beyond) {
        (true, true) => "below",
        (true, false) => "at or above",
        (false, true) => "above",
        (false, false) => "at or below",
    }
}

fn name(groups: &[&GroupName], group: usize) -> String {
    groups.get(group).map(ToString::to_string).unwrap_or_default()
}

fn where_found(aggregate: &Aggregate, groups: &[&GroupName]) -> String {
    match aggregate.between {
        Some(between) => {
            let other = between.against.map_or("all rows".to_owned(), |group| name(groups, group));
            format!(", found between {} and {other}", name(groups, between.group))
        }
        None => String::new(),
    }
}

fn uncovered(aggregate: &Aggregate, groups: &[&GroupName]) -> String {
    let mut list: Vec<String> = aggregate
        .not_covered
        .iter()
        .take(NAMED)
        .map(|one| format!("{}: {}", name(groups, one.group), one.because))
        .collect();
    if aggregate.not_covered.len() > NAMED {
        list.push(format!("and {} more", aggregate.not_covered.len() - NAMED));
    }
    if list.is_empty() { aggregate.value.because() } else { format!("not covered: {}", list.join("; ")) }
}

fn without_value(aggregate: &Aggregate, groups: &[&GroupName]) -> String {
    let because = aggregate.value.because();
    if aggregate.not_covered.is_empty() {
        because
    } else {
        format!("{because}; {}", uncovered(aggregate, groups))
    }
}
