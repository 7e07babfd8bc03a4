//! What an audit finds: one structure that a gate, a table and a page can read. Names are stable, numbers are finite.

use super::groups::GroupName;
use super::metric::Metric;
use super::settings::Settings;
use super::value::Value;
use super::verdict::{State, Verdict, judge};
use crate::numeric::interval::Interval;
use serde::{Deserialize, Serialize};

/// The form of this structure; a change of a name or a meaning raises it.
pub const FORMAT: u32 = 1;

/// All that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// What was counted.
    pub rows: Rows,
    /// With which settings.
    pub settings: Settings,
    /// Each attribute and each intersection; with control features then again in each stratum.
    pub families: Vec<Family>,
    /// Each criterion for each family.
    pub verdicts: Vec<Verdict>,
}

impl Report {
    /// Whether it has the present form, and its verdicts are those that its own numbers and criteria give: none was
    /// changed, added or left out.
    pub fn is_consistent(&self) -> bool {
        let criteria = &self.settings.criteria;
        let again = self.families.iter().flat_map(|family| criteria.iter().map(|one| judge(one, family)));
        let states: Vec<State> = again.map(|verdict| verdict.state).collect();
        self.format == FORMAT
            && states == self.verdicts.iter().map(|verdict| verdict.state).collect::<Vec<_>>()
    }
}

/// Rows, by what is known of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// All.
    pub total: u64,
    /// Without a decision: they count nowhere.
    pub without_decision: u64,
    /// Without a label: they count for selection rates alone.
    pub without_label: u64,
    /// Without a score; of an audit without scores all.
    pub without_score: u64,
    /// Whether rows had weights.
    pub weighted: bool,
}

/// The groups of some attributes, compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// The attributes.
    pub attributes: Vec<String>,
    /// The stratum; nothing for the whole table.
    pub stratum: Option<GroupName>,
    /// The observed groups. Other parts name a group by its place here.
    pub groups: Vec<Group>,
    /// Combinations that no row has, at most 200 of them.
    pub absent: Vec<GroupName>,
    /// How many there are.
    pub absent_count: u64,
    /// One row a metric.
    pub metrics: Vec<Comparison>,
    /// Selection rates against the highest, without the small categories that were to be left out.
    pub impact_ratio: Comparison,
    /// Scoring rates likewise; nothing without scores.
    pub scoring_ratio: Option<Comparison>,
    /// Measures of several rates.
    pub compound: Vec<Compound>,
    /// Scores by group; nothing without scores.
    pub scores: Option<super::score::Scores>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its values.
    pub name: GroupName,
    /// Its rows.
    pub rows: u64,
    /// Its part of the family's rows (of their weight), 0..=1.
    pub share: f64,
    /// Rows by label and decision.
    pub true_positives: u64,
    /// Labelled negative, decided positive.
    pub false_positives: u64,
    /// Labelled and decided negative.
    pub true_negatives: u64,
    /// Labelled positive, decided negative.
    pub false_negatives: u64,
    /// Rows without a label or without a decision.
    pub incomplete: u64,
}

/// One metric over all groups of a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Which.
    pub metric: Metric,
    /// Of all rows of the family.
    pub overall: Value,
    /// The group compared with; nothing for all rows, or if there is none.
    pub reference: Option<usize>,
    /// By group.
    pub groups: Vec<Compared>,
    /// Largest difference.
    pub difference: Aggregate,
    /// Smallest ratio, the smaller rate over the larger one.
    pub ratio: Aggregate,
    /// Intervals that hold together: each misses with (1 - confidence) over this (Bonferroni).
    pub comparisons: u64,
}

/// One group of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Its own rate; the interval is for this rate alone (Wilson).
    pub value: Value,
    /// Its rate minus that of the reference; nothing for the reference itself.
    pub difference: Option<Value>,
    /// Its rate over that of the reference; nothing for the reference itself.
    pub ratio: Option<Value>,
    /// Of "no difference to the reference": Fisher's exact or the two-proportion z test.
    pub p_value: Option<f64>,
    /// The same, corrected for all groups of this comparison (Holm).
    pub p_holm: Option<f64>,
}

/// The extreme over groups, and what it could not cover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// The value with an interval that holds for all pairs together.
    pub value: Value,
    /// Between which groups; nothing where there is no value.
    pub between: Option<Between>,
    /// Groups without a usable value. An aggregate with such groups never passes.
    pub not_covered: Vec<NotCovered>,
    /// Groups that were left out on request.
    pub left_out: Vec<NotCovered>,
}

/// A pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// A group.
    pub group: usize,
    /// The other one; nothing for all rows together.
    pub against: Option<usize>,
}

/// A group that an aggregate says nothing about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotCovered {
    /// Which.
    pub group: usize,
    /// Why, with numbers.
    pub because: String,
    /// Whether more rows would help.
    pub more_rows_help: bool,
}

/// A measure of several rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compound {
    /// Which.
    pub measure: CompoundMeasure,
    /// The value with the groups it rests on.
    pub aggregate: Aggregate,
    /// The bootstrap, where one was asked for and there is a value.
    pub bootstrap: Option<Resampled>,
}

/// Which measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompoundMeasure {
    /// The larger of the largest differences of true and false positive rates.
    EqualizedOddsDifference,
    /// The smaller of their smallest ratios.
    EqualizedOddsRatio,
    /// The largest mean of the absolute differences of true and false positive rates of two groups.
    AverageAbsoluteOddsDifference,
    /// The largest difference of selection rates: the bootstrap beside the interval of pairs.
    DemographicParityDifference,
    /// The smallest ratio of selection rates: the bootstrap beside the interval of pairs.
    DemographicParityRatio,
    /// Generalised entropy of benefits, alpha 0 (mean logarithmic deviation).
    Entropy0,
    /// Generalised entropy of benefits, alpha 1 (Theil).
    Entropy1,
    /// Generalised entropy of benefits, alpha 2 (half the squared coefficient of variation).
    Entropy2,
    /// The part of [`CompoundMeasure::Entropy0`] between groups.
    EntropyBetween0,
    /// The part of [`CompoundMeasure::Entropy1`] between groups.
    EntropyBetween1,
    /// The part of [`CompoundMeasure::Entropy2`] between groups.
    EntropyBetween2,
    /// The part of [`CompoundMeasure::Entropy0`] within groups.
    EntropyWithin0,
    /// The part of [`CompoundMeasure::Entropy1`] within groups.
    EntropyWithin1,
    /// The part of [`CompoundMeasure::Entropy2`] within groups.
    EntropyWithin2,
}

/// What resampling the cells gave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resampled {
    /// Percentile interval.
    pub interval: Interval,
    /// Mean of the replicates minus the value: how far resampling alone moves a maximum.
    pub bias: f64,
    /// Replicates with a value.
    pub replicates: u32,
    /// Replicates in which a group lost its denominator, so that there was none.
    pub without_value: u32,
}
