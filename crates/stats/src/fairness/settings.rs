//! What the caller decides: confidence, how many rows are enough, what groups are compared with, what is demanded.

use super::error::FairnessError;
use super::groups::GroupValue;
use super::verdict::Criterion;
use serde::{Deserialize, Serialize};

/// Rows a denominator needs before its rate is compared.
pub const MIN_ROWS: u64 = 30;
/// Confidence of all intervals of one comparison together.
pub const CONFIDENCE: f64 = 0.95;
/// Bootstrap replicates.
pub const REPLICATES: u32 = 1000;
/// Most bootstrap replicates.
pub const MAX_REPLICATES: u32 = 100_000;
/// Share of the data below which 6 RCNY 5-301 (d) lets a category out of the impact ratio.
pub const SMALL_CATEGORY: f64 = 0.02;

/// What each group is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The group with the best rate: the highest, of error rates the lowest.
    #[default]
    Best,
    /// The group with the highest rate.
    HighestRate,
    /// The group with the most rows.
    Largest,
    /// All rows together.
    Overall,
    /// The group with these values.
    Named(Vec<GroupValue>),
}

/// How many replicates, from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// 1 to [`MAX_REPLICATES`].
    pub replicates: u32,
    /// Equal seeds give equal results.
    pub seed: u64,
}

/// All of it. The default is what the documentation describes, without criteria.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Confidence that all intervals of one comparison hold together; above 0.5, below 1.
    pub confidence: f64,
    /// Rows a denominator needs, from 1.
    pub min_rows: u64,
    /// What groups are compared with.
    pub reference: Reference,
    /// Whether the group of the missing value is compared; it is always shown.
    pub compare_missing: bool,
    /// Groups with a smaller share of the rows are left out of the impact ratio and the scoring ratio, 0 to 0.02; none
    /// are without.
    pub leave_out_below: Option<f64>,
    /// The bootstrap of compound measures; none without.
    pub bootstrap: Option<Bootstrap>,
    /// What is demanded.
    pub criteria: Vec<Criterion>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            confidence: CONFIDENCE,
            min_rows: MIN_ROWS,
            reference: Reference::Best,
            compare_missing: true,
            leave_out_below: None,
            bootstrap: Some(Bootstrap { replicates: REPLICATES, seed: 1 }),
            criteria: Vec::new(),
        }
    }
}

impl Settings {
    /// Allowed probability that an interval misses.
    pub(crate) fn alpha(&self) -> f64 {
        1.0 - self.confidence
    }

    /// # Errors
    /// For a setting outside of its range.
    pub(crate) fn check(&self) -> Result<(), FairnessError> {
        let refuse = |name, value, range| Err(FairnessError::Setting { name, value, range });
        if !(self.confidence > 0.5 && self.confidence < 1.0) {
            return refuse("confidence", self.confidence, "above 0.5 and below 1");
        }
        if self.min_rows == 0 {
            return refuse("min_rows", 0.0, "1 or more");
        }
        if let Some(share) = self.leave_out_below
            && !(0.0..=SMALL_CATEGORY).contains(&share)
        {
            return refuse("leave_out_below", share, "0 to 0.02");
        }
        if let Some(bootstrap) = self.bootstrap
            && !(1..=MAX_REPLICATES).contains(&bootstrap.replicates)
        {
            return refuse("bootstrap replicates", f64::from(bootstrap.replicates), "1 to 100000");
        }
        for criterion in &self.criteria {
            if !(0.0..=1.0).contains(&criterion.bound) {
                return refuse("the bound of a criterion", criterion.bound, "0 to 1");
            }
        }
        Ok(())
    }
}
