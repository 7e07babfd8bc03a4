//! What the model lost: skill where there are labels, an estimate of it where there are none, and whether the relation
//! of score and label changed.

use serde::Serialize;

use super::Outcomes;
use super::expected::{Expected, expected, expected_area};
use super::skill::Area;
use crate::measures::balanced;
use crate::num::{Sum, real};
use crate::tail::chi_square_upper;

/// Skill of the reference below which "share of the skill lost" says nothing.
const LEAST_SKILL: f64 = 0.02;
/// Standard deviations of a one-sided bound at 95 %.
const ONE_SIDED_95: f64 = 1.644_853_626_951_472_7;
/// Rows of a score group that its comparison needs on each side.
const ROWS_PER_GROUP: u64 = 10;

/// Share of the model's skill that is lost: (before - now) / (before - chance).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SkillLoss {
    /// The measure: `auc`, `accuracy` or, of numbers, `rmse`.
    pub measure: &'static str,
    /// Its value on the reference.
    pub before: f64,
    /// Its value now.
    pub now: f64,
    /// What needs no model: 0.5, the share of the commonest label, or the error of always saying the mean.
    pub chance: f64,
    /// The loss: 0 none, 1 all; below 0 it became better. Of `rmse` by its squares.
    pub loss: f64,
    /// One-sided 95 % lower bound of the loss; this is what alarms.
    pub lower: f64,
    /// Whether `now` was estimated without labels.
    pub is_estimated: bool,
}

/// How the relation of score (or decision) and label changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Concept {
    /// V of the label within groups of equal score, without what noise alone would make, 0..=1.
    pub corrected: f64,
    /// The same with it.
    pub v: f64,
    /// Chance of this under no change.
    pub p: f64,
    /// Groups that had rows enough on both sides.
    pub groups: usize,
}

/// What the labels say. A pair is before, now; of several classes precision, recall, F1 and both areas are means over
/// the classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Performance {
    /// Skill lost, from labels.
    pub measured: Option<SkillLoss>,
    /// Skill lost, as expected from the scores alone if the relation of score and label had not changed.
    pub estimated: Option<SkillLoss>,
    /// The measures to expect of the current rows, from the scores alone under the same assumption.
    pub expected: Option<Expected>,
    /// Change of the relation of score and label.
    pub concept: Option<Concept>,
    /// Share of the current rows that have a label.
    pub coverage: f64,
    /// Area under the ROC curve.
    pub auc: Option<[f64; 2]>,
    /// Average precision, the area under the curve of precision over recall.
    pub pr_auc: Option<[f64; 2]>,
    /// Share of decisions that are right.
    pub accuracy: Option<[f64; 2]>,
    /// Share of the rows decided for the class that are of it.
    pub precision: Option<[f64; 2]>,
    /// Share of the rows of the class that were decided for it.
    pub recall: Option<[f64; 2]>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<[f64; 2]>,
    /// Brier score.
    pub brier: Option<[f64; 2]>,
    /// Mean logarithmic loss.
    pub log_loss: Option<[f64; 2]>,
    /// Expected calibration error, ten bins of equal width.
    pub calibration_error: Option<[f64; 2]>,
    /// Mean absolute error, in the unit of the label.
    pub mae: Option<[f64; 2]>,
    /// Root of the mean squared error, in the unit of the label.
    pub rmse: Option<[f64; 2]>,
    /// Share of the label's variance that is explained.
    pub r_squared: Option<[f64; 2]>,
}

impl Performance {
    /// Every measure that labels gave on both sides, with its name for people.
    pub fn measures(&self) -> Vec<(&'static str, [f64; 2])> {
        let all = [
            ("Area under the ROC curve", self.auc),
            ("Average precision (PR-AUC)", self.pr_auc),
            ("Accuracy of decisions", self.accuracy),
            ("Precision", self.precision),
            ("Recall", self.recall),
            ("F1", self.f1),
            ("Brier score", self.brier),
            ("Logarithmic loss", self.log_loss),
            ("Calibration error", self.calibration_error),
            ("Mean absolute error", self.mae),
            ("Root mean squared error", self.rmse),
            ("R squared", self.r_squared),
        ];
        all.into_iter().filter_map(|(name, pair)| Some((name, pair?))).collect()
    }
}

/// Compares two samples that both have labels.
pub fn compare(reference: &Outcomes, current: &Outcomes) -> Performance {
    let areas = reference.area().zip(current.area());
    let both = |of: fn(&Outcomes) -> Option<f64>| Some([of(reference)?, of(current)?]);
    Performance {
        measured: areas
            .and_then(|(before, now)| of_areas(before, now.value, now.error, false))
            .or_else(|| of_accuracy(reference, current))
            .or_else(|| of_residuals(reference, current)),
        estimated: None,
        expected: None,
        concept: concept(reference, current),
        coverage: crate::num::share(current.labelled, current.rows),
        auc: areas.map(|(before, now)| [before.value, now.value]),
        pr_auc: both(Outcomes::average_precision),
        accuracy: both(Outcomes::accuracy),
        precision: both(|side| side.decided().precision),
        recall: both(|side| side.decided().recall),
        f1: both(|side| side.decided().f1),
        brier: both(Outcomes::brier),
        log_loss: both(Outcomes::mean_log_loss),
        calibration_error: both(|side| side.reliability.as_ref()?.error()),
        mae: both(|side| side.residuals.as_ref()?.mean_absolute_error()),
        rmse: both(|side| side.residuals.as_ref()?.root_mean_squared_error()),
        r_squared: both(|side| side.residuals.as_ref()?.r_squared()),
    }
}

/// What is to be expected of the current rows from their scores alone: the measures, and the skill lost by the first of
/// them, the area under the ROC curve. Blind to a change of what a score means.
pub fn estimate(reference: &Outcomes, current: &Outcomes) -> (Option<Expected>, Option<SkillLoss>) {
    let loss = reference.area().zip(expected_area(reference, current));
    let loss = loss.and_then(|(before, (now, error))| of_areas(before, now, error, true));
    (expected(reference, current), loss)
}

fn of_areas(before: Area, now: f64, error: f64, is_estimated: bool) -> Option<SkillLoss> {
    let error = before.error.hypot(error);
    loss("auc", [before.value, now, 0.5], error, is_estimated)
}

/// By the squared error against always saying the mean of the reference's labels.
fn of_residuals(reference: &Outcomes, current: &Outcomes) -> Option<SkillLoss> {
    let (before, now) = (reference.residuals.as_ref()?, current.residuals.as_ref()?);
    let ((first, first_error), (second, second_error)) = (before.squared_error()?, now.squared_error()?);
    let chance = before.label_variance()?;
    let skill = chance - first;
    if skill < LEAST_SKILL * chance {
        return None;
    }
    let lost = (second - first) / skill;
    let lower = lost - ONE_SIDED_95 * first_error.hypot(second_error) / skill;
    let root = |square: f64| square.sqrt() * before.unit();
    let [before, now, chance] = [first, second, chance].map(root);
    Some(SkillLoss { measure: "rmse", before, now, chance, loss: lost, lower, is_estimated: false })
}

fn of_accuracy(reference: &Outcomes, current: &Outcomes) -> Option<SkillLoss> {
    let (before, now) = (reference.accuracy()?, current.accuracy()?);
    let ((_, n1), (_, n2)) = (reference.hits(), current.hits());
    let variance = |share: f64, rows: u64| share * (1.0 - share) / real(rows.max(1));
    let error = (variance(before, n1) + variance(now, n2)).sqrt();
    loss("accuracy", [before, now, reference.majority()?], error, false)
}

fn loss(
    measure: &'static str,
    [before, now, chance]: [f64; 3],
    error: f64,
    is_estimated: bool,
) -> Option<SkillLoss> {
    let skill = before - chance;
    if skill < LEAST_SKILL {
        return None;
    }
    let loss = (before - now) / skill;
    let lower = loss - ONE_SIDED_95 * error / skill;
    Some(SkillLoss { measure, before, now, chance, loss, lower, is_estimated })
}

/// V of the label given the score: sqrt(sum over score groups of m V^2), m being the mean share of the group, each V^2
/// less its own noise; the gate adds the chi-square statistics of the groups.
fn concept(reference: &Outcomes, current: &Outcomes) -> Option<Concept> {
    let total = |outcomes: &Outcomes| real(outcomes.groups.iter().flatten().sum::<u64>());
    let (n1, n2) = (total(reference), total(current));
    if n1 == 0.0 || n2 == 0.0 || reference.groups.len() != current.groups.len() {
        return None;
    }
    let (mut raw, mut corrected, mut weights) = (Sum::default(), Sum::default(), Sum::default());
    let (mut statistic, mut freedom, mut groups) = (Sum::default(), 0, 0);
    for (before, now) in reference.groups.iter().zip(&current.groups) {
        let (rows_before, rows_now) = (before.iter().sum::<u64>(), now.iter().sum::<u64>());
        if rows_before < ROWS_PER_GROUP || rows_now < ROWS_PER_GROUP {
            continue;
        }
        let Some(found) = balanced(before, now) else { continue };
        let weight = f64::midpoint(real(rows_before) / n1, real(rows_now) / n2);
        groups += 1;
        freedom += found.bins - 1;
        statistic.add(found.v * found.v / found.noise);
        weights.add(weight);
        raw.add(weight * found.v * found.v);
        corrected.add(weight * (found.v * found.v - found.noise * real(found.bins as u64 - 1)));
    }
    if groups == 0 {
        return None;
    }
    let root = |sum: Sum| (sum.value() / weights.value()).clamp(0.0, 1.0).sqrt();
    let p = chi_square_upper(statistic.value(), real(freedom as u64));
    Some(Concept { corrected: root(corrected), v: root(raw), p, groups })
}
