//! Gaps of what is no yes or no: regressions and rankings in one form, and bounds on their gaps.
//!
//! Intervals hold over all pairs of groups of a family together; a gap with groups that it could not cover never passes.

use super::error::FairnessError;
use super::groups::GroupName;
use super::ranking::RankingFamily;
use super::regression::RegressionFamily;
use super::report::Aggregate;
use super::value::Value;
use super::verdict::{State, state_of};
use serde::{Deserialize, Serialize};

/// What is measured of each group, and whose largest difference is a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapMeasure {
    /// Mean of prediction minus truth.
    MeanError,
    /// Mean of its absolute value.
    MeanAbsoluteError,
    /// Root of the mean of its square.
    RootMeanSquaredError,
    /// Mean over queries of the attention that items of the group get.
    Exposure,
    /// Mean over queries of how well the relevant items of the group are placed.
    Ndcg,
}

impl GapMeasure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::MeanError, Self::MeanAbsoluteError, Self::RootMeanSquaredError, Self::Exposure, Self::Ndcg];

    /// The word for the measure.
    pub fn name(self) -> &'static str {
        match self {
            Self::MeanError => "mean_error",
            Self::MeanAbsoluteError => "mean_absolute_error",
            Self::RootMeanSquaredError => "root_mean_squared_error",
            Self::Exposure => "exposure",
            Self::Ndcg => "ndcg",
        }
    }

    /// The word for its gap, by which a bound is set.
    pub fn gap_name(self) -> String {
        format!("{}_difference", self.name())
    }
}

/// The groups of some attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapFamily {
    /// The attributes.
    pub attributes: Vec<String>,
    /// The observed groups. Gaps name a group by its place here.
    pub groups: Vec<GapGroup>,
    /// Combinations that no row has, at most 200 of them; of rankings none are listed.
    pub absent: Vec<GroupName>,
    /// The largest difference of each measure.
    pub gaps: Vec<Gap>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapGroup {
    /// Its values.
    pub name: GroupName,
    /// Its rows with a prediction and a truth; of rankings the queries that rank one of it.
    pub rows: u64,
    /// What was measured, in the order of the gaps.
    pub values: Vec<Value>,
}

/// The largest difference of a measure over groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Of what.
    pub measure: GapMeasure,
    /// How large, between whom, and whom it does not cover.
    pub largest: Aggregate,
}

/// A bound on a gap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapBound {
    /// The gap of which measure.
    pub measure: GapMeasure,
    /// The largest allowed difference, in the unit of the measure, from 0.
    pub bound: f64,
}

/// A bound on the groups of a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapVerdict {
    /// What was demanded.
    pub demanded: GapBound,
    /// Of the groups of which attributes.
    pub attributes: Vec<String>,
    /// What became of it.
    pub state: State,
    /// Why it is so, in one sentence.
    pub because: String,
}

impl From<RegressionFamily> for GapFamily {
    fn from(family: RegressionFamily) -> Self {
        let group = |group: super::regression::GroupErrors| GapGroup {
            name: group.name,
            rows: group.rows,
            values: vec![group.mean_error, group.mean_absolute_error, group.root_mean_squared_error],
        };
        let gap = |measure, largest| Gap { measure, largest };
        Self {
            attributes: family.attributes,
            groups: family.groups.into_iter().map(group).collect(),
            absent: family.absent,
            gaps: vec![
                gap(GapMeasure::MeanError, family.mean_error_difference),
                gap(GapMeasure::MeanAbsoluteError, family.mean_absolute_error_difference),
                gap(GapMeasure::RootMeanSquaredError, family.root_mean_squared_error_difference),
            ],
        }
    }
}

impl From<RankingFamily> for GapFamily {
    fn from(family: RankingFamily) -> Self {
        let group = |group: super::ranking::GroupRanking| GapGroup {
            name: group.name,
            rows: group.queries,
            values: [Some(group.exposure), group.ndcg].into_iter().flatten().collect(),
        };
        let exposure = Gap { measure: GapMeasure::Exposure, largest: family.exposure_difference };
        let ndcg = family.ndcg_difference.map(|largest| Gap { measure: GapMeasure::Ndcg, largest });
        Self {
            attributes: family.attributes,
            groups: family.groups.into_iter().map(group).collect(),
            absent: Vec::new(),
            gaps: [Some(exposure), ndcg].into_iter().flatten().collect(),
        }
    }
}

/// Judges bounds on every family.
///
/// # Errors
/// For a bound below 0 or without end, and one on a gap that the families do not have.
pub fn judge_gaps(families: &[GapFamily], bounds: &[GapBound]) -> Result<Vec<GapVerdict>, FairnessError> {
    let mut verdicts = Vec::new();
    for demanded in bounds {
        if !(demanded.bound.is_finite() && demanded.bound >= 0.0) {
            return Err(FairnessError::Setting {
                name: "the bound of a gap",
                value: demanded.bound,
                range: "0 or more",
            });
        }
        for family in families {
            let groups: Vec<&GroupName> = family.groups.iter().map(|group| &group.name).collect();
            let gap = family.gaps.iter().find(|gap| gap.measure == demanded.measure);
            let (state, because) = match gap {
                Some(gap) => state_of(false, demanded.bound, &gap.largest, &groups),
                None => (State::NotEvaluable, format!("{} is not measured here", demanded.measure.name())),
            };
            verdicts.push(GapVerdict {
                demanded: *demanded,
                attributes: family.attributes.clone(),
                state,
                because,
            });
        }
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use super::super::input::Attribute;
    use super::super::regression::{Predicted, audit_regression};
    use super::super::settings::Settings;
    use super::*;

    fn families(rows: u32) -> Vec<GapFamily> {
        let codes: Vec<u32> = (0..rows).map(|row| row % 2).collect();
        let truths: Vec<f64> = (0..rows).map(f64::from).collect();
        // Group b is predicted 3 too high on average, group a right; both with some spread.
        let off = |row: u32| f64::from(row % 4 / 2) - 0.5 + if row % 2 == 1 { 3.0 } else { 0.0 };
        let predictions: Vec<f64> = (0..rows).map(|row| f64::from(row) + off(row)).collect();
        let levels = vec!["a".to_owned(), "b".to_owned()];
        let attributes = [Attribute { name: "g".to_owned(), levels, codes }];
        let columns =
            Predicted { predictions: &predictions, truths: &truths, weights: None, attributes: &attributes };
        let found = audit_regression(&columns, &Settings::default()).expect("good columns");
        found.into_iter().map(GapFamily::from).collect()
    }

    #[test]
    fn a_gap_passes_fails_or_has_too_few_rows_and_says_between_whom() {
        let judge = |rows, bound| {
            let bound = GapBound { measure: GapMeasure::MeanError, bound };
            judge_gaps(&families(rows), &[bound]).expect("a good bound").remove(0)
        };
        assert_eq!(judge(400, 3.5).state, State::Pass);
        let failed = judge(400, 1.0);
        assert_eq!(failed.state, State::Fail);
        assert!(failed.because.contains("found between"), "{}", failed.because);
        assert_eq!(judge(400, 3.0).state, State::Inconclusive);
        assert_eq!(judge(20, 9.0).state, State::InsufficientEvidence);
        let ranked = GapBound { measure: GapMeasure::Ndcg, bound: 0.1 };
        assert_eq!(judge_gaps(&families(400), &[ranked]).expect("good")[0].state, State::NotEvaluable);
        let below = GapBound { measure: GapMeasure::MeanError, bound: -1.0 };
        assert!(judge_gaps(&families(400), &[below]).is_err());
    }
}
