//! What the model lost: skill where there are labels, an estimate of it where there are none, and whether the relation
//! of score and label changed.

use serde::Serialize;

use super::Outcomes;
use super::skill::{Area, area, calibration};
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
    /// The measure before, `auc` or `accuracy`.
    pub measure: &'static str,
    /// Its value on the reference.
    pub before: f64,
    /// Its value now.
    pub now: f64,
    /// What needs no model: 0.5, or the share of the commonest label.
    pub chance: f64,
    /// The loss: 0 none, 1 all; below 0 it became better.
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

/// What the labels say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Performance {
    /// Skill lost, from labels.
    pub measured: Option<SkillLoss>,
    /// Skill lost, as expected from the scores alone if the relation of score and label had not changed.
    pub estimated: Option<SkillLoss>,
    /// Change of the relation of score and label.
    pub concept: Option<Concept>,
    /// Share of the current rows that have a label.
    pub coverage: f64,
    /// Area under the ROC curve: before, now.
    pub auc: Option<[f64; 2]>,
    /// Share of decisions that are right: before, now.
    pub accuracy: Option<[f64; 2]>,
    /// Brier score: before, now.
    pub brier: Option<[f64; 2]>,
    /// Mean logarithmic loss: before, now.
    pub log_loss: Option<[f64; 2]>,
}

/// Compares two samples that both have labels.
pub fn compare(reference: &Outcomes, current: &Outcomes) -> Performance {
    let areas = area_of(reference).zip(area_of(current));
    let accuracy = reference.accuracy().zip(current.accuracy());
    Performance {
        measured: areas
            .and_then(|(before, now)| of_areas(before, now, false))
            .or_else(|| of_accuracy(reference, current)),
        estimated: None,
        concept: concept(reference, current),
        coverage: crate::num::share(current.labelled, current.rows),
        auc: areas.map(|(before, now)| [before.value, now.value]),
        accuracy: accuracy.map(|(before, now)| [before, now]),
        brier: reference.brier().zip(current.brier()).map(|(before, now)| [before, now]),
        log_loss: reference.mean_log_loss().zip(current.mean_log_loss()).map(|(before, now)| [before, now]),
    }
}

/// The loss to expect from the current scores alone, given by stored bin of the score: each row counts as positive
/// with the chance that its bin had in the reference (confidence-based estimation). Blind to a change of that chance.
pub fn estimate(reference: &Outcomes, current_scores: &[u64]) -> Option<SkillLoss> {
    if reference.by_score.is_empty() || reference.by_score.len() != current_scores.len() {
        return None;
    }
    let rates = calibration(&reference.by_score);
    let soft = rates.iter().zip(current_scores).map(|(rate, rows)| {
        let rows = real(*rows);
        (rows * (1.0 - rate), rows * rate)
    });
    of_areas(area_of(reference)?, area(soft)?, true)
}

fn area_of(outcomes: &Outcomes) -> Option<Area> {
    area(outcomes.by_score.iter().map(|[other, positive]| (real(*other), real(*positive))))
}

fn of_areas(before: Area, now: Area, is_estimated: bool) -> Option<SkillLoss> {
    let error = (before.error.powi(2) + now.error.powi(2)).sqrt();
    loss("auc", [before.value, now.value, 0.5], error, is_estimated)
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
