//! Watching decisions day by day: counts in, evidence that may be looked at every day out. No row is kept.
//!
//! What is watched is laid down before: attributes with the values that make groups, criteria with bounds, and the chance
//! of a false alarm over all of it and all time. Each criterion on each family of groups is a game of [`super::betting`];
//! the games share the chance evenly. New rows come as the difference of two counts of the same day. They are played in
//! an order drawn from a seed, which is as good as the order in which they came, since nothing but the counts is used.
//!
//! A finding stays one. Too few rows in a group is insufficient evidence; there is no pass.

use super::betting::{MAX_GROUPS, Margin, Watch};
use super::cells::{CELLS, Confusion, Mass};
use super::error::FairnessError;
use super::groups::subsets;
use super::input::{Attribute, digits};
use super::report::Report;
use super::settings::{MIN_ROWS, Settings};
use super::verdict::{Criterion, Measure};
use serde::{Deserialize, Serialize};

/// Most pairs of groups over all games: what is stored of each day stays small.
pub const MAX_PAIRS: usize = 600;

/// Counts of a combination of values, by label and decision as in [`super::cells`].
pub type Cells = [u64; CELLS];

/// An attribute with the values that make groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Its column.
    pub name: String,
    /// The values that are compared, at least two. Rows with another value or none are counted and not compared.
    pub values: Vec<String>,
}

/// What is watched, laid down before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The attributes: each alone, and every intersection.
    pub attributes: Vec<Watched>,
    /// What must hold.
    pub criteria: Vec<Criterion>,
    /// The chance of a false alarm over all criteria, families, pairs and times; above 0, at most 0.5.
    pub alpha: f64,
}

/// What a game is about: which rows, and which of them are hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Positive decisions of all decisions.
    Selection,
    /// Positive decisions where the label is positive.
    TruePositive,
    /// Positive decisions where the label is negative.
    FalsePositive,
    /// Positive labels of positive decisions.
    PositivePredictive,
    /// Decisions that are as the label.
    Accuracy,
}

impl Rate {
    /// Cells of the rows, and those of the hits.
    fn masks(self) -> (u16, u16) {
        let cell = |label: u16, decision: u16| 1_u16 << (3 * label + decision);
        let selected = cell(0, 1) | cell(1, 1) | cell(2, 1);
        match self {
            Self::Selection => (selected | cell(0, 0) | cell(1, 0) | cell(2, 0), selected),
            Self::TruePositive => (cell(1, 0) | cell(1, 1), cell(1, 1)),
            Self::FalsePositive => (cell(0, 0) | cell(0, 1), cell(0, 1)),
            Self::PositivePredictive => (cell(0, 1) | cell(1, 1), cell(1, 1)),
            Self::Accuracy => (cell(0, 0) | cell(0, 1) | cell(1, 0) | cell(1, 1), cell(0, 0) | cell(1, 1)),
        }
    }
}

/// The rates that a measure compares; nothing for one that cannot be watched by counts of single rows.
fn rates(measure: Measure) -> &'static [Rate] {
    match measure {
        Measure::DemographicParityDifference | Measure::DemographicParityRatio | Measure::ImpactRatio => {
            &[Rate::Selection]
        }
        Measure::EqualOpportunityDifference => &[Rate::TruePositive],
        Measure::EqualizedOddsDifference => &[Rate::TruePositive, Rate::FalsePositive],
        Measure::FalsePositiveRateDifference => &[Rate::FalsePositive],
        Measure::PredictiveParityDifference => &[Rate::PositivePredictive],
        Measure::AccuracyDifference => &[Rate::Accuracy],
        Measure::ScoringRatio
        | Measure::EqualizedOddsRatio
        | Measure::AverageAbsoluteOddsDifference
        | Measure::AucDifference
        | Measure::BrierDifference
        | Measure::CalibrationDifference => &[],
    }
}

/// One criterion on one family of groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Game {
    /// The attributes, as places in the plan.
    pub family: Vec<usize>,
    /// What must hold.
    pub criterion: Criterion,
    /// Which rate is compared.
    pub rate: Rate,
    watch: Watch,
}

/// How a game stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Every group has enough rows, and nothing was found so far. That is no pass.
    NoFinding,
    /// Some group has too few rows for its rate.
    InsufficientEvidence,
    /// A criterion does not hold: shown at the stated chance of error, whenever somebody looks.
    Finding,
}

/// A game as people read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The attributes.
    pub attributes: Vec<String>,
    /// What must hold.
    pub criterion: Criterion,
    /// Which rate is compared.
    pub rate: Rate,
    /// How it stands.
    pub standing: Standing,
    /// The p-value that is valid at any time, over all pairs of this game.
    pub p_value: f64,
    /// At or below this it is a finding.
    pub alpha: f64,
    /// Natural logarithm of the evidence now of the pair that differs most; evidence began with 1.
    pub log_evidence: f64,
    /// That pair.
    pub between: [String; 2],
    /// Groups with too few rows for this rate.
    pub too_few: Vec<String>,
}

/// A watch over decisions. It is a value: store it, and go on from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watching {
    plan: Plan,
    games: Vec<Game>,
    totals: Vec<Cells>,
}

impl Plan {
    /// The attributes as the audit takes them.
    pub fn columns(&self) -> Vec<Attribute> {
        let column = |one: &Watched| Attribute {
            name: one.name.clone(),
            levels: one.values.clone(),
            codes: Vec::new(),
        };
        self.attributes.iter().map(column).collect()
    }

    /// Combinations of values: the length of counts. The last value of each attribute stands for none or another one.
    pub fn combinations(&self) -> usize {
        self.attributes.iter().map(|one| one.values.len() + 1).product()
    }

    fn check(&self) -> Result<(), FairnessError> {
        for one in &self.attributes {
            let mut values = one.values.clone();
            values.sort();
            values.dedup();
            if one.values.len() < 2 || values.len() != one.values.len() {
                return Err(FairnessError::Values(one.name.clone()));
            }
        }
        if !(self.alpha > 0.0 && self.alpha <= 0.5) {
            return Err(FairnessError::Setting {
                name: "alpha",
                value: self.alpha,
                range: "above 0 and at most 0.5",
            });
        }
        Settings { criteria: self.criteria.clone(), ..Settings::default() }.check()?;
        if let Some(one) = self.criteria.iter().find(|one| rates(one.measure).is_empty()) {
            return Err(FairnessError::NotWatched(one.measure.name()));
        }
        if self.criteria.is_empty() {
            return Err(FairnessError::NotWatched("nothing"));
        }
        Ok(())
    }
}

impl Watching {
    /// Begins.
    ///
    /// # Errors
    /// For a plan with an attribute of fewer than two values, a measure that cannot be watched, a bound or chance out of
    /// range, and more than [`MAX_PAIRS`] pairs of groups.
    pub fn new(plan: Plan) -> Result<Self, FairnessError> {
        plan.check()?;
        // Also bounds the attributes and their combinations.
        super::input::Keys::of(0, &without_codes(&plan), &[])?;
        let mut wanted = Vec::new();
        for family in subsets(plan.attributes.len()) {
            for criterion in &plan.criteria {
                for rate in rates(criterion.measure) {
                    wanted.push((family.clone(), criterion.clone(), *rate));
                }
            }
        }
        let alpha = plan.alpha / crate::numeric::size(wanted.len());
        let mut games = Vec::new();
        let mut pairs = 0;
        for (family, criterion, rate) in wanted {
            let groups: usize = family.iter().map(|place| plan.attributes[*place].values.len()).product();
            pairs += groups * (groups - 1) / 2;
            if pairs > MAX_PAIRS || groups > MAX_GROUPS {
                return Err(FairnessError::Pairs { most: MAX_PAIRS });
            }
            let margin = if criterion.measure.is_ratio() {
                Margin::Ratio(criterion.bound)
            } else {
                Margin::Difference(criterion.bound)
            };
            games.push(Game { watch: Watch::with_margin(groups, alpha, margin)?, family, criterion, rate });
        }
        let totals = vec![[0; CELLS]; plan.combinations()];
        Ok(Self { plan, games, totals })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes what is new of a day: its counts now, and as they were before (nothing, if it was not counted yet). A row
    /// whose label has come is new for what is asked of labels. What was taken back or corrected is not unplayed.
    ///
    /// # Errors
    /// For counts of another length.
    pub fn take(&mut self, before: Option<&[Cells]>, now: &[Cells], seed: u64) -> Result<(), FairnessError> {
        super::input::same_length("combinations", now.len(), self.totals.len())?;
        let nothing = vec![[0; CELLS]; now.len()];
        let before = before.unwrap_or(&nothing);
        super::input::same_length("combinations", before.len(), now.len())?;
        for ((total, now), before) in self.totals.iter_mut().zip(now).zip(before) {
            for ((total, now), before) in total.iter_mut().zip(now).zip(before) {
                *total = total.saturating_add(*now).saturating_sub(*before);
            }
        }
        let columns = without_codes(&self.plan);
        for (number, game) in self.games.iter_mut().enumerate() {
            let (later, earlier) = (game.counts(now, &columns), game.counts(before, &columns));
            let new = later.iter().zip(&earlier).map(|(later, earlier)| {
                let hits = later.1.saturating_sub(earlier.1);
                let misses = (later.0 - later.1).saturating_sub(earlier.0 - earlier.1);
                (hits + misses, hits)
            });
            let new: Vec<(u64, u64)> = new.collect();
            game.watch.add_counts(&new, seed, number as u64)?;
        }
        Ok(())
    }

    /// All rows so far, audited: rates with intervals, gaps, groups. Its verdicts hold for one look only; what holds for
    /// every look is [`Watching::shown`].
    ///
    /// # Errors
    /// None, unless the stored value was changed.
    pub fn report(&self) -> Result<Report, FairnessError> {
        let settings = Settings {
            criteria: self.plan.criteria.clone(),
            compare_missing: false,
            bootstrap: None,
            ..Settings::default()
        };
        let combinations = self.totals.iter().map(|cells| Confusion { cells: cells.map(Mass::of_rows) });
        super::audit_counts(&without_codes(&self.plan), combinations.collect(), &settings)
    }

    /// Every game as it stands.
    pub fn shown(&self) -> Vec<Shown> {
        let columns = without_codes(&self.plan);
        self.games.iter().map(|game| self.show(game, &columns)).collect()
    }

    /// The gravest standing of all games.
    pub fn standing(&self) -> Standing {
        self.shown().iter().map(|one| one.standing).max().unwrap_or(Standing::InsufficientEvidence)
    }

    fn show(&self, game: &Game, columns: &[Attribute]) -> Shown {
        let states = game.watch.state();
        let finding = states.iter().any(|pair| pair.alarm);
        let counts = game.counts(&self.totals, columns);
        let name = |group: usize| game.group_name(group, &self.plan);
        let few: Vec<String> = counts
            .iter()
            .enumerate()
            .filter(|(_, (rows, _))| *rows < MIN_ROWS)
            .map(|(group, _)| name(group))
            .collect();
        let standing = match (finding, few.is_empty()) {
            (true, _) => Standing::Finding,
            (false, false) => Standing::InsufficientEvidence,
            (false, true) => Standing::NoFinding,
        };
        // The smallest p-value first, then the most evidence now.
        let worst = states
            .iter()
            .min_by(|a, b| a.p_value.total_cmp(&b.p_value).then(b.log_evidence.total_cmp(&a.log_evidence)));
        Shown {
            attributes: game.family.iter().map(|place| self.plan.attributes[*place].name.clone()).collect(),
            criterion: game.criterion.clone(),
            rate: game.rate,
            standing,
            p_value: worst.map_or(1.0, |pair| pair.p_value),
            alpha: game.watch.alpha(),
            log_evidence: worst.map_or(0.0, |pair| pair.log_evidence),
            between: worst.map_or_else(Default::default, |pair| [name(pair.pair.0), name(pair.pair.1)]),
            too_few: few,
        }
    }
}

impl Game {
    /// Rows and hits of each group of the family.
    fn counts(&self, cells: &[Cells], columns: &[Attribute]) -> Vec<(u64, u64)> {
        let groups: usize = self.family.iter().map(|place| columns[*place].levels.len()).product();
        let (rows, hits) = self.rate.masks();
        let sum = |cells: &Cells, mask: u16| -> u64 {
            (0..CELLS).filter(|bit| mask >> bit & 1 == 1).map(|bit| cells[bit]).sum()
        };
        let mut found = vec![(0, 0); groups];
        for (key, cells) in cells.iter().enumerate() {
            let codes = digits(key, columns);
            let group = self.family.iter().try_fold(0, |group, place| {
                codes[*place].map(|code| group * columns[*place].levels.len() + code as usize)
            });
            if let Some(group) = group {
                found[group].0 += sum(cells, rows);
                found[group].1 += sum(cells, hits);
            }
        }
        found
    }

    fn group_name(&self, mut group: usize, plan: &Plan) -> String {
        let mut parts = Vec::new();
        for place in self.family.iter().rev() {
            let one = &plan.attributes[*place];
            parts.push(format!("{}={}", one.name, one.values[group % one.values.len()]));
            group /= one.values.len();
        }
        parts.reverse();
        parts.join(", ")
    }
}

fn without_codes(plan: &Plan) -> Vec<Attribute> {
    plan.columns()
}

#[cfg(test)]
mod tests;
