//! What needs several columns: pairs, labels beside scores, and what the reader has to know.

use comptroller_lake::Source;
use comptroller_stats::cells::Block;
use comptroller_stats::dependence::{MAX_COLUMNS, Pairs};
use comptroller_stats::drift::{Inputs, Side as SideView};
use comptroller_stats::outcomes::Outcomes;
use comptroller_stats::profile::{Profile, Role};

use super::DriftError;
use super::columns::Done;
use super::compare::Request;
use super::outcomes::{self, Own};

/// Puts the columns together with what needs several of them.
pub(super) fn assemble(
    request: &Request,
    done: Vec<Done>,
    profile: Option<&Profile>,
    current: &Source,
    (rows_before, rows_now): (u64, u64),
) -> Result<Inputs, DriftError> {
    let pairs = pairs(&done, profile);
    let outcomes = outcomes_of(request, &done, profile)?;
    let mut notes = notes(&done, profile, current);
    if let (Some(reference), current) = (&outcomes.0, &outcomes.1) {
        notes.extend(label_notes(reference, current.as_ref()));
    }
    let (mut columns, mut roles) = (Vec::new(), Vec::new());
    for column in done {
        roles.push(column.role);
        columns.extend(column.compared);
    }
    let side = |name: &str, rows, is_profile| SideView { name: name.to_owned(), rows, is_profile };
    Ok(Inputs {
        columns,
        pairs,
        outcomes,
        reference: side(&request.reference, rows_before, profile.is_some()),
        current: side(&request.current, rows_now, false),
        roles,
        notes,
        ..Inputs::default()
    })
}

fn pairs(done: &[Done], profile: Option<&Profile>) -> Option<(Pairs, Pairs)> {
    if let Some(profile) = profile {
        let levels = |name: &String| {
            let found = done.iter().find(|column| column.role.column == *name)?;
            found.levels.as_ref().map(|(_, now)| (found.role.column.as_str(), now.as_slice()))
        };
        // A column that is not there takes its pairs with it; the rest cannot be told apart from another set of pairs.
        let columns: Option<Vec<(&str, &[u8])>> = profile.pairs.columns().iter().map(levels).collect();
        return columns.map(|columns| (profile.pairs.clone(), Pairs::of(&columns)));
    }
    let (mut before, mut now) = (Vec::new(), Vec::new());
    for column in done {
        let Some((first, second)) = &column.levels else { continue };
        before.push((column.role.column.as_str(), first.as_slice()));
        now.push((column.role.column.as_str(), second.as_slice()));
        if before.len() == MAX_COLUMNS {
            break;
        }
    }
    Some((Pairs::of(&before), Pairs::of(&now)))
}

/// Joint counters of both sides.
fn outcomes_of(
    request: &Request,
    done: &[Done],
    profile: Option<&Profile>,
) -> Result<(Option<Outcomes>, Option<Outcomes>), DriftError> {
    let mut before: Vec<Own<'_>> = Vec::new();
    let mut now: Option<Vec<Own<'_>>> = Some(Vec::new());
    // Where no label has come, every row is without one; scores and decisions still say what is to be expected.
    let rows = done.iter().filter_map(|column| column.own.as_ref()?.1.as_ref()).map(Block::len).max();
    let unlabelled = Block::of_nulls(rows.unwrap_or(0));
    for column in done {
        let (Some((first, second)), Some(compared)) = (&column.own, &column.compared) else { continue };
        let (name, role, grid) = (column.role.column.as_str(), column.role.role, &compared.grid);
        before.push(Own { name, role, grid, rows: first });
        let second =
            if role == Role::Label { second.as_ref().or(Some(&unlabelled)) } else { second.as_ref() };
        match (second, &mut now) {
            (Some(rows), Some(all)) => all.push(Own { name, role, grid, rows }),
            _ => now = None,
        }
    }
    let Some(label) = before.iter().find(|own| own.role == Role::Label) else {
        return Ok((profile.and_then(|profile| profile.outcomes.clone()), None));
    };
    let positive = match profile.and_then(|profile| profile.outcomes.as_ref()) {
        Some(stored) => stored.positive.clone(),
        None => outcomes::positive(label.grid, request.positive.as_deref())?,
    };
    let reference = match profile {
        Some(profile) => profile.outcomes.clone(),
        None => outcomes::count(&before, positive.as_deref()),
    };
    Ok((reference, now.and_then(|now| outcomes::count(&now, positive.as_deref()))))
}

fn notes(done: &[Done], profile: Option<&Profile>, current: &Source) -> Vec<String> {
    let mut notes = Vec::new();
    let known = |name: &str| {
        done.iter().any(|column| column.role.column == name)
            || profile.is_some_and(|profile| profile.column(name).is_some())
    };
    let new: Vec<&str> =
        current.columns().iter().map(|column| column.name.as_str()).filter(|name| !known(name)).collect();
    if !new.is_empty() {
        let first = new.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if new.len() > 5 { format!(" and {} more", new.len() - 5) } else { String::new() };
        notes.push(format!("schema change: columns that the reference lacks, not compared: {first}{more}"));
    }
    if done.iter().any(|column| column.is_sampled) {
        notes.push(
            "more values than are held at once: every row is counted, bins were frozen from an even sample, KS and \
             Wasserstein-1 are from the stored bins, labels were compared on the sample"
                .to_owned(),
        );
    }
    if profile.is_some() {
        notes.push("the reference is a profile: KS and Wasserstein-1 are from its stored bins".to_owned());
    }
    notes
}

fn label_notes(reference: &Outcomes, current: Option<&Outcomes>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(positive) = &reference.positive {
        notes.push(format!("the label {positive:?} counts as \"it came true\""));
    }
    match current {
        Some(current) if current.labelled > 0 && current.labelled < current.rows => notes.push(format!(
            "labels cover {} of {} current rows; those that come early may differ from the rest",
            current.labelled, current.rows
        )),
        Some(current) if current.labelled > 0 => {}
        _ => notes.push(
            "no labels on the current side: what is said of performance is estimated from the scores, if there are any"
                .to_owned(),
        ),
    }
    notes
}
