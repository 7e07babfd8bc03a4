//! What changed in a framework between what was known on two days.

use super::data::{DateRow, Framework, Row};
use super::day::Day;
use super::words::Status;
use serde::Serialize;

/// How a fact changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was not known before.
    Added,
    /// It is no longer so.
    Removed,
    /// A date became later or earlier.
    Moved,
    /// What was firm is contested, or the other way round.
    Status,
    /// The wording or the conditions changed.
    Reworded,
    /// Nothing changed, but it began to apply between the two days.
    Begins,
}

/// A date that changed.
#[derive(Clone, Debug, Serialize)]
pub struct DateChange {
    /// The date.
    pub id: String,
    /// How it changed.
    pub change: Change,
    /// As known on the first day.
    pub before: Option<DateRow>,
    /// As known on the second day.
    pub after: Option<DateRow>,
    /// The rows that begin to apply on it, by id.
    pub rows: Vec<String>,
}

/// A row that changed.
#[derive(Clone, Debug, Serialize)]
pub struct RowChange {
    /// The row.
    pub id: String,
    /// How it changed.
    pub change: Change,
    /// As known on the first day.
    pub before: Option<Row>,
    /// As known on the second day.
    pub after: Option<Row>,
}

/// Everything that changed.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The framework.
    pub framework: String,
    /// The first day.
    pub before: Day,
    /// The second day.
    pub after: Day,
    /// Dates, in the order of the files.
    pub dates: Vec<DateChange>,
    /// Rows, in the order of the files.
    pub rows: Vec<RowChange>,
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.dates.is_empty() && self.rows.is_empty()
    }
}

/// Compares a framework as known on `before` with the same as known on `after`.
pub fn diff(framework: &Framework, before: Day, after: Day) -> Diff {
    let mut dates = Vec::new();
    for id in ids(framework.dates.iter().map(|date| &date.id)) {
        let (old, new) = (framework.date(id, before), framework.date(id, after));
        let Some(change) = of_dates(old, new, before, after) else { continue };
        let names = |on: Day| framework.rows_known(on).filter(|row| row.dates.iter().any(|date| date == id));
        let rows = ids(names(before).chain(names(after)).map(|row| &row.id));
        dates.push(DateChange {
            id: id.to_owned(),
            change,
            before: old.cloned(),
            after: new.cloned(),
            rows: rows.into_iter().map(str::to_owned).collect(),
        });
    }
    let mut rows = Vec::new();
    for id in ids(framework.rows.iter().map(|row| &row.id)) {
        let (old, new) = (framework.row(id, before), framework.row(id, after));
        let Some(change) = of_rows(old, new) else { continue };
        rows.push(RowChange { id: id.to_owned(), change, before: old.cloned(), after: new.cloned() });
    }
    Diff { framework: framework.id.clone(), before, after, dates, rows }
}

/// Each id once, in the order of its first row.
fn ids<'a>(all: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for id in all {
        if !found.contains(&id.as_str()) {
            found.push(id);
        }
    }
    found
}

fn of_dates(old: Option<&DateRow>, new: Option<&DateRow>, before: Day, after: Day) -> Option<Change> {
    match (old, new) {
        (None, None) => None,
        (None, Some(_)) => Some(Change::Added),
        (Some(_), None) => Some(Change::Removed),
        (Some(old), Some(new)) => {
            if (old.valid_from, old.valid_to) != (new.valid_from, new.valid_to) {
                return Some(Change::Moved);
            }
            if old.status != new.status || old.readings != new.readings {
                return Some(Change::Status);
            }
            let begins = new.status != Status::Proposed && !old.applies(before) && new.applies(after);
            begins.then_some(Change::Begins)
        }
    }
}

fn of_rows(old: Option<&Row>, new: Option<&Row>) -> Option<Change> {
    match (old, new) {
        (None, None) => None,
        (None, Some(_)) => Some(Change::Added),
        (Some(_), None) => Some(Change::Removed),
        (Some(old), Some(new)) if old == new => None,
        (Some(old), Some(new)) if old.status != new.status => Some(Change::Status),
        _ => Some(Change::Reworded),
    }
}
