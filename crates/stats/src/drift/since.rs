//! Since when: by the column that drifts most, else, if what a score means has changed, by the errors of the model.

use crate::cells::Cell;
use crate::outcomes::{Outcomes, name};
use crate::profile::Role;
use crate::stream::{self, Onset, since};

use super::assemble::{Inputs, TimeOrder};
use super::compared::Compared;
use super::report::Column;

/// Dates the drift; nothing without a time, or where no column and no relation of score and label has drifted.
pub(super) fn onset(inputs: &Inputs, columns: &[Column], is_concept: bool) -> Option<Onset> {
    let time = inputs.time.as_ref()?;
    let by_errors = || if is_concept { by_errors(inputs, time) } else { None };
    let (what, place) = by_column(inputs, columns, time).or_else(by_errors)?;
    Some(Onset {
        detector: "page-hinkley",
        column: what,
        time: time.times.get(place)?.clone(),
        before: crate::num::size(place) / crate::num::size(time.order.len()),
        rows: time.order.len(),
    })
}

/// By the column that drifts most of those whose rows can be dated.
fn by_column(inputs: &Inputs, columns: &[Column], time: &TimeOrder) -> Option<(String, usize)> {
    let is_dated =
        |column: &Column| column.coefficient > 0.0 && column.role != Role::Label && column.role.is_compared();
    let mut drifted: Vec<(&Column, &Compared)> = Vec::new();
    for column in columns.iter().filter(|column| is_dated(column)) {
        let found = inputs.columns.iter().find(|compared| compared.name == column.name);
        drifted.extend(found.filter(|found| found.sample.len() == time.rows).map(|found| (column, found)));
    }
    let (column, compared) =
        drifted.into_iter().max_by(|a, b| a.0.coefficient.total_cmp(&b.0.coefficient))?;
    let Compared { grid, reference, current, sample, .. } = compared;
    let place = stream::onset(grid, reference, current, sample, &time.order)?;
    Some((column.name.clone(), place))
}

/// By wrong decisions, else by the squared loss of a score, against their mean in the reference.
fn by_errors(inputs: &Inputs, time: &TimeOrder) -> Option<(String, usize)> {
    let reference: &Outcomes = inputs.outcomes.0.as_ref()?;
    let of = |role: Role| {
        let found = inputs.columns.iter().find(|column| column.role == role && !column.is_absent)?;
        (found.sample.len() == time.rows).then_some(&found.sample)
    };
    let label = of(Role::Label)?;
    let (what, mean, losses): (&str, f64, Vec<Option<f64>>) = if let (Some(decisions), Some(right)) =
        (of(Role::Prediction), reference.accuracy())
    {
        let loss = |row: &usize| {
            let (decision, label) = (name(decisions.cell(*row))?, name(label.cell(*row))?);
            Some(f64::from(u8::from(decision != label)))
        };
        ("wrong decisions", 1.0 - right, time.order.iter().map(loss).collect())
    } else {
        let (scores, positive, brier) = (of(Role::Score)?, reference.positive.as_ref()?, reference.brier()?);
        let loss = |row: &usize| {
            let Cell::Number(score) = scores.cell(*row) else { return None };
            let came_true = f64::from(u8::from(name(label.cell(*row))? == *positive));
            (0.0..=1.0).contains(&score).then(|| (score - came_true).powi(2))
        };
        ("the loss of the score", brier, time.order.iter().map(loss).collect())
    };
    // A row without a label yet is as good as the reference: it neither begins nor ends anything.
    let known: Vec<f64> = losses.iter().flatten().copied().collect();
    let spread =
        known.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / crate::num::size(known.len().max(1));
    let deviation = spread.sqrt().max(1e-6);
    let standard: Vec<f64> =
        losses.iter().map(|loss| loss.map_or(0.0, |loss| (loss - mean) / deviation)).collect();
    Some((what.to_owned(), since(&standard)?))
}
