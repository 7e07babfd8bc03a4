//! Reads the files of a framework. Strict: unknown keys are refused, sizes are bounded, every error names file and row.
//!
//! `framework.toml` is the head and names the other files. Each of those holds `date` and `row` tables, and `[defaults]`
//! for the fields that its rows share.

use super::check;
use super::data::{DateRow, Framework, Limit, Reading, Row};
use super::day::Day;
use super::error::{DataError, shown};
use super::words::{Class, Grade, Kind, Route, Status, Who};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// The version of the file format.
const SCHEMA: u32 = 1;
/// Name of the head.
pub(crate) const HEAD: &str = "framework.toml";
/// Largest file, in bytes.
pub(crate) const MAX_FILE: usize = 1 << 20;
/// Most rows and dates of a framework.
const MAX_ROWS: usize = 5000;
/// Most files of a framework besides its head.
pub(crate) const MAX_FILES: usize = 32;

/// The head.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    schema: u32,
    id: String,
    name: String,
    reference: String,
    #[serde(default)]
    uri: String,
    licence: String,
    #[serde(default)]
    note: String,
    files: Vec<String>,
    #[serde(default)]
    counts: BTreeMap<Kind, usize>,
}

/// What the rows of a file share.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    kind: Option<Kind>,
    known_from: Option<Day>,
    dates: Option<Vec<String>>,
    verified_on: Option<Day>,
    grade: Option<Grade>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    #[serde(default)]
    defaults: Defaults,
    #[serde(default)]
    date: Vec<RawDate>,
    #[serde(default)]
    row: Vec<RawRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDate {
    id: String,
    label: String,
    source: String,
    valid_from: Day,
    valid_to: Option<Day>,
    known_from: Option<Day>,
    known_to: Option<Day>,
    route: Option<Route>,
    status: Option<Status>,
    #[serde(default)]
    readings: Vec<Reading>,
    verified_on: Option<Day>,
    grade: Option<Grade>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    id: String,
    kind: Option<Kind>,
    group: Option<String>,
    label: String,
    source: String,
    #[serde(default)]
    who: Vec<Who>,
    class: Option<Class>,
    dates: Option<Vec<String>>,
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    all_of: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    not_only: Vec<String>,
    #[serde(default)]
    routes: Vec<Route>,
    limit: Option<Limit>,
    known_from: Option<Day>,
    known_to: Option<Day>,
    status: Option<Status>,
    #[serde(default)]
    readings: Vec<Reading>,
    verified_on: Option<Day>,
    grade: Option<Grade>,
}

/// Reads a framework from its files by name; `folder` is how errors call their place.
pub(crate) fn framework(folder: &str, files: &BTreeMap<String, String>) -> Result<Framework, DataError> {
    let head: Head = parse(folder, HEAD, files)?;
    let file = path(folder, HEAD);
    if head.schema != SCHEMA {
        let problem = format!("schema {} is not known", head.schema);
        return Err(DataError::new(&file, "schema", problem, format!("write schema = {SCHEMA}")));
    }
    if head.files.is_empty() || head.files.len() > MAX_FILES {
        let problem = format!("{} files are named", head.files.len());
        return Err(DataError::new(&file, "files", problem, format!("name 1 to {MAX_FILES} files of rows")));
    }
    let mut framework = Framework {
        id: head.id,
        name: head.name,
        reference: head.reference,
        uri: head.uri,
        licence: head.licence,
        note: head.note,
        dates: Vec::new(),
        rows: Vec::new(),
    };
    // In which file an id stands, so that errors name the file to open.
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for name in &head.files {
        let part: Part = parse(folder, name, files)?;
        let file = path(folder, name);
        for raw in part.date {
            places.insert(raw.id.clone(), file.clone());
            framework.dates.push(date(&file, raw, &part.defaults)?);
        }
        for raw in part.row {
            places.insert(raw.id.clone(), file.clone());
            framework.rows.push(row(&file, raw, &part.defaults)?);
        }
        if framework.rows.len() + framework.dates.len() > MAX_ROWS {
            let problem = format!("more than {MAX_ROWS} rows and dates");
            return Err(DataError::new(&file, "", problem, "split the framework in two"));
        }
    }
    match check::framework(&file, &framework, &head.counts) {
        Ok(()) => Ok(framework),
        Err(error) => {
            let file = places.remove(&error.place).unwrap_or(error.file);
            Err(DataError { file, ..error })
        }
    }
}

/// Reads one TOML file of a folder.
pub(crate) fn parse<T: DeserializeOwned>(
    folder: &str,
    name: &str,
    files: &BTreeMap<String, String>,
) -> Result<T, DataError> {
    let file = path(folder, name);
    let Some(text) = files.get(name) else {
        return Err(DataError::new(&file, "", "there is no such file", "add it, or take its name out"));
    };
    if text.len() > MAX_FILE {
        let problem = format!("{} bytes are more than the {MAX_FILE} that are allowed", text.len());
        return Err(DataError::new(&file, "", problem, "split the file in two"));
    }
    toml::from_str(text).map_err(|error| {
        let message = error.to_string();
        let remedy = "docs/FRAMEWORKS.md lists the keys, and the words that each of them may hold";
        DataError::new(&file, "", message.trim_end(), remedy)
    })
}

/// A file as errors call it.
pub(crate) fn path(folder: &str, name: &str) -> String {
    format!("{folder}/{}", shown(name))
}

/// A field of a row, or of the defaults of its file.
fn given<T>(file: &str, id: &str, field: &str, own: Option<T>, default: Option<T>) -> Result<T, DataError> {
    own.or(default).ok_or_else(|| {
        let remedy = format!("give it to the row, or to [defaults] of the file: {field} = ...");
        DataError::new(file, shown(id), format!("{field} is missing"), remedy)
    })
}

fn date(file: &str, raw: RawDate, shared: &Defaults) -> Result<DateRow, DataError> {
    let id = raw.id.clone();
    Ok(DateRow {
        known_from: given(file, &id, "known_from", raw.known_from, shared.known_from)?,
        verified_on: given(file, &id, "verified_on", raw.verified_on, shared.verified_on)?,
        grade: given(file, &id, "grade", raw.grade, shared.grade)?,
        id: raw.id,
        label: raw.label,
        source: raw.source,
        valid_from: raw.valid_from,
        valid_to: raw.valid_to,
        known_to: raw.known_to,
        route: raw.route,
        status: raw.status.unwrap_or(Status::Firm),
        readings: raw.readings,
    })
}

fn row(file: &str, raw: RawRow, shared: &Defaults) -> Result<Row, DataError> {
    let id = raw.id.clone();
    Ok(Row {
        kind: given(file, &id, "kind", raw.kind, shared.kind)?,
        dates: given(file, &id, "dates", raw.dates, shared.dates.clone())?,
        known_from: given(file, &id, "known_from", raw.known_from, shared.known_from)?,
        verified_on: given(file, &id, "verified_on", raw.verified_on, shared.verified_on)?,
        grade: given(file, &id, "grade", raw.grade, shared.grade)?,
        group: raw.group.unwrap_or_else(|| id.clone()),
        id: raw.id,
        label: raw.label,
        source: raw.source,
        who: raw.who,
        class: raw.class.unwrap_or(Class::Any),
        any_of: raw.any_of,
        all_of: raw.all_of,
        unless: raw.unless,
        not_only: raw.not_only,
        routes: raw.routes,
        limit: raw.limit,
        known_to: raw.known_to,
        status: raw.status.unwrap_or(Status::Firm),
        readings: raw.readings,
    })
}
