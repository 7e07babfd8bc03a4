//! Which columns say what the model gave and what came true, and their joint counters.

use comptroller_stats::cells::Block;
use comptroller_stats::grid::Grid;
use comptroller_stats::outcomes::{Columns, Outcomes};
use comptroller_stats::profile::Role;

use super::DriftError;

/// Labels that mean "it came true", if one of two labels is one of them.
const POSITIVE: &[&str] = &["1", "true", "yes", "y", "t", "positive", "pos"];

/// One of the model's own columns, of one side.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub(super) name: &'a str,
    pub(super) role: Role,
    pub(super) grid: &'a Grid,
    pub(super) rows: &'a Block,
}

/// Counts what came true; nothing without a label, or without anything that the model gave.
pub(super) fn count(columns: &[Own<'_>], positive: Option<&str>) -> Option<Outcomes> {
    let of = |role: Role| columns.iter().find(|own| own.role == role).map(|own| (own.grid, own.rows));
    let label = of(Role::Label)?;
    let scores: Vec<&Own<'_>> = columns.iter().filter(|own| own.role == Role::Score).collect();
    let decision = of(Role::Prediction);
    if scores.is_empty() && decision.is_none() {
        return None;
    }
    let by_class = by_class(label.0, &scores);
    // Of one score for each of two classes, the one of the positive class is the score.
    let own =
        by_class.iter().find(|(class, ..)| positive == Some(*class)).map(|(_, grid, rows)| (*grid, *rows));
    let single = if scores.len() == 1 { of(Role::Score) } else { None };
    let score = own.or(single);
    let by_class = if score.is_some() { &[] } else { by_class.as_slice() };
    Some(Outcomes::of(&Columns { score, decision, by_class, label }, positive))
}

/// The scores of a model that gives one for each class: those whose name is that of a label, or ends with it.
fn by_class<'a>(label: &'a Grid, scores: &[&Own<'a>]) -> Vec<(&'a str, &'a Grid, &'a Block)> {
    let Grid::Categorical(labels) = label else { return Vec::new() };
    let mut found = Vec::new();
    for class in labels.names() {
        let plain = class.to_lowercase();
        let is_of = |name: &str| {
            let name = name.to_lowercase();
            name.strip_suffix(&plain).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
        };
        if let Some(score) = scores.iter().find(|score| is_of(score.name)) {
            found.push((class.as_str(), score.grid, score.rows));
        }
    }
    if scores.len() > 1 { found } else { Vec::new() }
}

/// The label that counts as "it came true": the stated one, else a guess if there are two.
pub(super) fn positive(label: &Grid, stated: Option<&str>) -> Result<Option<String>, DriftError> {
    let Grid::Categorical(grid) = label else {
        return match stated {
            None => Ok(None),
            Some(stated) => Err(DriftError::invalid(
                format!("--positive {stated}: the label is a number of many values"),
                "leave it out, or state the label with --categorical",
            )),
        };
    };
    let names = grid.names();
    if let Some(stated) = stated {
        if names.iter().any(|name| name == stated) {
            return Ok(Some(stated.to_owned()));
        }
        let known = names.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(DriftError::invalid(
            format!("--positive {stated}: the reference has no such label"),
            format!("its labels are {known}"),
        ));
    }
    let [first, second] = names else { return Ok(None) };
    let known = |name: &String| POSITIVE.contains(&name.to_lowercase().as_str());
    let number = |name: &String| name.parse::<f64>().ok();
    let first_is_larger = number(first).zip(number(second)).is_some_and(|(a, b)| a > b);
    Ok(Some(if known(first) && !known(second) || first_is_larger { first.clone() } else { second.clone() }))
}
