//! Which columns say what the model gave and what came true, and their joint counters.

use comptroller_stats::cells::Block;
use comptroller_stats::grid::Grid;
use comptroller_stats::outcomes::{Columns, Outcomes};
use comptroller_stats::profile::Role;

use super::DriftError;

/// Labels that mean "it came true", if one of two labels is one of them.
const POSITIVE: &[&str] = &["1", "true", "yes", "y", "t", "positive", "pos"];

/// The model's own columns of one side: role, bins and rows.
pub(super) type Own<'a> = (Role, &'a Grid, &'a Block);

/// Counts what came true; nothing without a label, or without anything that the model gave.
pub(super) fn count(columns: &[Own<'_>], positive: Option<&str>) -> Option<Outcomes> {
    let of =
        |role: Role| columns.iter().find(|(own, ..)| *own == role).map(|(_, grid, block)| (*grid, *block));
    let label = of(Role::Label)?;
    let (score, decision) = (of(Role::Score), of(Role::Prediction));
    if score.is_none() && decision.is_none() {
        return None;
    }
    Some(Outcomes::of(&Columns { score, decision, label }, positive))
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
