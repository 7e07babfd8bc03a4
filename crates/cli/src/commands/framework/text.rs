//! Frameworks as text for people.

use super::{Listed, Shown};
use crate::output::{Column, Style, clean, table};
use comptroller_compliance::framework::{Catalogue, Change, DateRow, Day, Diff, Status};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How much of a digest is shown.
const SHORT: usize = 12;

/// The list of frameworks.
pub(super) fn list(listed: &[Listed<'_>], catalogue: &Catalogue, style: Style) -> String {
    let items: Vec<Value> = listed
        .iter()
        .map(|each| {
            let rows: Vec<String> = each.rows.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            let digest: String = each.digest.as_str().chars().take(SHORT).collect();
            json!({ "id": each.id, "rows": rows.join(", "), "reference": each.reference, "digest": digest })
        })
        .collect();
    let columns: &[Column] =
        &[("FRAMEWORK", "/id"), ("ROWS", "/rows"), ("TEXT", "/reference"), ("DIGEST", "/digest")];
    let mut text = table(&items, columns, style);
    let _ = writeln!(
        text,
        "{} relations between them. Data {}.",
        catalogue.mappings().len(),
        catalogue.digest().as_str().chars().take(SHORT).collect::<String>()
    );
    text
}

/// Rows with their dates.
pub(super) fn rows(shown: &[Shown<'_>], as_of: Day, known: Day, style: Style) -> String {
    let several = shown.windows(2).any(|pair| pair[0].framework != pair[1].framework);
    let items: Vec<Value> = shown
        .iter()
        .map(|each| {
            let who: Vec<&str> = each.row.who.iter().map(|who| who.as_str()).collect();
            json!({
                "framework": each.framework,
                "id": each.row.id,
                "kind": each.row.kind,
                "text": each.licensed_text.map_or_else(|| asked(each), |text| clean(text).replace('\n', " ")),
                "who": who.join(", "),
                "from": from(each),
                "state": state(each, as_of),
            })
        })
        .collect();
    let mut columns: Vec<Column> = Vec::new();
    if several {
        columns.push(("FRAMEWORK", "/framework"));
    }
    columns.push(("ID", "/id"));
    if shown.windows(2).any(|pair| pair[0].row.kind != pair[1].row.kind) {
        columns.push(("KIND", "/kind"));
    }
    if shown.iter().any(|each| !each.row.who.is_empty()) {
        columns.push(("WHO", "/who"));
    }
    columns.extend([("FROM", "/from"), ("STATE", "/state"), ("WHAT", "/text")]);
    let mut text = table(&items, &columns, style);
    let _ =
        writeln!(text, "{}", style.dim(&format!("{} rows, as of {as_of}, as known on {known}", shown.len())));
    text
}

/// What is asked, with its time limit.
fn asked(each: &Shown<'_>) -> String {
    match &each.row.limit {
        Some(limit) => {
            format!("{}: {} {}s after {}", each.row.label, limit.amount, limit.unit, limit.after)
        }
        None => each.row.label.clone(),
    }
}

/// From when, by each of the row's dates.
fn from(each: &Shown<'_>) -> String {
    let one = |date: &&DateRow| match date.route {
        Some(route) if each.applies.len() > 1 => format!("{} ({route})", date.valid_from),
        _ => date.valid_from.to_string(),
    };
    let dates: Vec<String> = each.applies.iter().map(one).collect();
    if dates.is_empty() { "-".to_owned() } else { dates.join(", ") }
}

fn state(each: &Shown<'_>, as_of: Day) -> String {
    let contested = each.applies.iter().any(|date| date.status == Status::Contested);
    if each.row.status == Status::Proposed {
        return "proposed".to_owned();
    }
    if contested || each.row.status == Status::Contested {
        return "contested".to_owned();
    }
    let all = each.applies.iter().all(|date| date.applies(as_of));
    match (each.in_force, all) {
        (true, true) => "applies",
        (true, false) => "applies partly",
        _ => "to come",
    }
    .to_owned()
}

/// What changed in each framework.
pub(super) fn diffs(diffs: &[(&str, Diff)], style: Style) -> String {
    let mut text = String::new();
    for (name, diff) in diffs {
        let heading = format!("{name}: known on {} and on {}", diff.before, diff.after);
        if diff.is_empty() {
            let _ = writeln!(text, "{}: nothing changed", style.strong(&heading));
            continue;
        }
        let _ = writeln!(text, "{}", style.strong(&heading));
        for change in &diff.dates {
            let label = change.after.as_ref().or(change.before.as_ref()).map_or("", |date| &date.label);
            let _ = writeln!(
                text,
                "  {:<9} {:<20} {}  {}",
                word(change.change),
                change.id,
                moved(change.before.as_ref(), change.after.as_ref()),
                label
            );
            for reading in change.after.iter().flat_map(|date| &date.readings) {
                let from = reading.valid_from.map_or_else(|| "no date".to_owned(), |day| day.to_string());
                let _ = writeln!(text, "{:33}{from} by {}: {}", "", reading.by, reading.says);
            }
            let _ = writeln!(text, "{}", style.dim(&format!("{:33}rows: {}", "", change.rows.join(" "))));
        }
        for change in &diff.rows {
            let label = |row: &Option<comptroller_compliance::framework::Row>| {
                row.as_ref().map(|row| row.label.clone()).unwrap_or_default()
            };
            let (before, after) = (label(&change.before), label(&change.after));
            let shown = match change.change {
                Change::Removed => before,
                Change::Reworded if before != after => format!("{after} (before: {before})"),
                _ => after,
            };
            let _ = writeln!(text, "  {:<9} {:<20} {shown}", word(change.change), change.id);
        }
    }
    text
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "new",
        Change::Removed => "gone",
        Change::Moved => "moved",
        Change::Status => "status",
        Change::Reworded => "reworded",
        Change::Begins => "begins",
    }
}

fn moved(before: Option<&DateRow>, after: Option<&DateRow>) -> String {
    let one = |date: &DateRow| match date.status {
        Status::Firm => date.valid_from.to_string(),
        other => format!("{} {other}", date.valid_from),
    };
    match (before, after) {
        (Some(before), Some(after)) if one(before) != one(after) => {
            format!("{} -> {}", one(before), one(after))
        }
        (_, Some(after)) => one(after),
        (Some(before), None) => one(before),
        (None, None) => String::new(),
    }
}
