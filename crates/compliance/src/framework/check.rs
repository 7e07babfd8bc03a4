//! What must hold in the data of a framework, whoever wrote them.

use super::data::{DateRow, Framework, Reading, Row};
use super::day::Day;
use super::error::{DataError, shown};
use super::words::{Kind, Status};
use std::collections::{BTreeMap, BTreeSet};

/// Longest id, in bytes.
const MAX_ID: usize = 80;
/// Longest label, source or reading, in bytes.
const MAX_TEXT: usize = 1000;

/// Checks a framework; `file` is how errors call it.
pub(crate) fn framework(
    file: &str,
    framework: &Framework,
    counts: &BTreeMap<Kind, usize>,
) -> Result<(), DataError> {
    slug(file, &framework.id)?;
    for (name, text) in
        [("name", &framework.name), ("reference", &framework.reference), ("licence", &framework.licence)]
    {
        words(file, name, text)?;
    }
    let facts = framework.dates.iter().map(|date| (&date.id, date.known_from, date.known_to));
    known_once(file, "date", facts)?;
    let facts = framework.rows.iter().map(|row| (&row.id, row.known_from, row.known_to));
    known_once(file, "row", facts)?;
    for each in &framework.dates {
        date(file, each)?;
    }
    let dates: BTreeSet<&str> = framework.dates.iter().map(|date| date.id.as_str()).collect();
    let rows: BTreeSet<&str> = framework.rows.iter().map(|row| row.id.as_str()).collect();
    for each in &framework.rows {
        row(file, each, &dates, &rows)?;
    }
    counted(file, framework, counts)
}

fn slug(file: &str, id: &str) -> Result<(), DataError> {
    let fits = !id.is_empty()
        && id.len() <= MAX_ID
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        return Ok(());
    }
    let problem = format!("{:?} is no name of a framework", shown(id));
    Err(DataError::new(file, "id", problem, format!("use 1 to {MAX_ID} of a-z, 0-9 and -")))
}

fn id(file: &str, id: &str) -> Result<(), DataError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b" .-()".contains(&b);
    let edges = id.trim() == id && !id.is_empty();
    if edges && id.len() <= MAX_ID && id.bytes().all(allowed) {
        return Ok(());
    }
    let problem = format!("{:?} is no id", shown(id));
    let remedy = format!("use 1 to {MAX_ID} letters, digits, spaces within, and . - ( )");
    Err(DataError::new(file, shown(id), problem, remedy))
}

fn words(file: &str, place: &str, text: &str) -> Result<(), DataError> {
    if !text.trim().is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let problem = "a text is empty, too long or holds control characters";
    Err(DataError::new(file, shown(place), problem, format!("write 1 to {MAX_TEXT} bytes on one line")))
}

/// Rows of one id have known intervals that do not overlap.
fn known_once<'a>(
    file: &str,
    what: &str,
    facts: impl Iterator<Item = (&'a String, Day, Option<Day>)>,
) -> Result<(), DataError> {
    let mut by_id: BTreeMap<&str, Vec<(Day, Option<Day>)>> = BTreeMap::new();
    for (name, from, to) in facts {
        id(file, name)?;
        if to.is_some_and(|to| to <= from) {
            let remedy = "known_to is the first day on which it was no longer so: after known_from";
            return Err(DataError::new(file, name, "it ends before it begins to be known", remedy));
        }
        by_id.entry(name).or_default().push((from, to));
    }
    for (name, mut intervals) in by_id {
        intervals.sort_unstable();
        for pair in intervals.windows(2) {
            let [(_, end), (start, _)] = pair else { continue };
            if end.is_none_or(|end| end > *start) {
                let problem = format!("two {what}s of this id are known on the same day ({start})");
                let remedy =
                    "give the earlier one known_to = the known_from of the later one, or change an id";
                return Err(DataError::new(file, name, problem, remedy));
            }
        }
    }
    Ok(())
}

fn readings(file: &str, place: &str, status: Status, readings: &[Reading]) -> Result<(), DataError> {
    for reading in readings {
        words(file, place, &reading.by)?;
        words(file, place, &reading.says)?;
    }
    let problem = match status {
        Status::Contested if readings.len() < 2 => "it is contested, but does not give both readings",
        Status::Firm | Status::Proposed if !readings.is_empty() => "it gives readings, but is not contested",
        _ => return Ok(()),
    };
    Err(DataError::new(file, place, problem, "give two readings or more, and status = \"contested\""))
}

fn date(file: &str, date: &DateRow) -> Result<(), DataError> {
    words(file, &date.id, &date.label)?;
    words(file, &date.id, &date.source)?;
    if date.valid_to.is_some_and(|to| to <= date.valid_from) {
        let remedy = "valid_to is the first day on which it no longer applies: after valid_from";
        return Err(DataError::new(file, &date.id, "it ends before it begins", remedy));
    }
    readings(file, &date.id, date.status, &date.readings)
}

fn row(file: &str, row: &Row, dates: &BTreeSet<&str>, rows: &BTreeSet<&str>) -> Result<(), DataError> {
    words(file, &row.id, &row.label)?;
    words(file, &row.id, &row.source)?;
    words(file, &row.id, &row.group)?;
    readings(file, &row.id, row.status, &row.readings)?;
    for name in &row.dates {
        if !dates.contains(name.as_str()) {
            let problem = format!("it names the date {:?}, which does not exist", shown(name));
            return Err(DataError::new(file, &row.id, problem, "correct the name, or add the date"));
        }
    }
    for name in row.any_of.iter().chain(&row.all_of).chain(&row.unless).chain(&row.not_only) {
        if !rows.contains(name.as_str()) {
            let problem = format!("it names the row {:?}, which does not exist", shown(name));
            return Err(DataError::new(file, &row.id, problem, "correct the id, or add the row"));
        }
    }
    let dateless = row.status == Status::Proposed || row.kind == Kind::Question;
    if row.dates.is_empty() && !dateless {
        let remedy = "name a date; only questions and what is proposed have none";
        return Err(DataError::new(file, &row.id, "it has no date", remedy));
    }
    if row.kind == Kind::Duty && row.who.is_empty() {
        return Err(DataError::new(
            file,
            &row.id,
            "it is a duty of nobody",
            "say whom it binds: who = [...]",
        ));
    }
    if row.limit.as_ref().is_some_and(|limit| limit.amount == 0 || limit.after.trim().is_empty()) {
        let remedy = "give an amount of 1 or more, and say after what it is counted";
        return Err(DataError::new(file, &row.id, "its limit is empty", remedy));
    }
    Ok(())
}

/// The head states how many ids of a kind there are, so that a row that is lost or doubled is noticed.
fn counted(file: &str, framework: &Framework, counts: &BTreeMap<Kind, usize>) -> Result<(), DataError> {
    for (kind, stated) in counts {
        let ids: BTreeSet<&str> = framework
            .rows
            .iter()
            .filter(|row| row.kind == *kind && row.known_to.is_none())
            .map(|row| row.id.as_str())
            .collect();
        if ids.len() != *stated {
            let problem = format!("{stated} rows of kind {kind} are stated, and there are {}", ids.len());
            let remedy = "look for a row that is missing or too many, and then correct the count";
            return Err(DataError::new(file, "counts", problem, remedy));
        }
    }
    Ok(())
}
