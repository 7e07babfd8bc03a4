//! A framework as it is after reading: every row complete, every date resolved by "as known on".
//!
//! // INVARIANT (bitemporal-data): a fact that changed is two rows of one id with adjoining known intervals, so "as
//! known on" an earlier day gives what was known then.

use super::day::Day;
use super::words::{Class, Grade, Kind, Relation, Route, Status, Unit, Who};
use crate::digest::of_json;
use comptroller_core::Digest;
use serde::{Deserialize, Serialize};

/// Name of the format; it is part of what is hashed.
const FORMAT: &str = "comptroller-framework/1";

/// A framework: its rows and the dates on which they begin to apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Framework {
    /// Its short name, for example `eu-ai-act`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The text it is about, with its version.
    pub reference: String,
    /// Where the text stands; empty if nowhere public.
    pub uri: String,
    /// What of the text may be shown.
    pub licence: String,
    /// What a reader must know besides.
    pub note: String,
    /// When its rows begin to apply, in the order of the files.
    pub dates: Vec<DateRow>,
    /// Its rows, in the order of the files.
    pub rows: Vec<Row>,
}

/// A date on which rows begin to apply, as known for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DateRow {
    /// Name of the date; several rows of one id have adjoining known intervals.
    pub id: String,
    /// What begins to apply.
    pub label: String,
    /// The provision.
    pub source: String,
    /// The first day on which it applies.
    pub valid_from: Day,
    /// The first day on which it no longer applies.
    pub valid_to: Option<Day>,
    /// The first day on which this was known.
    pub known_from: Day,
    /// The first day on which something else was known.
    pub known_to: Option<Day>,
    /// Only for systems that became high-risk this way.
    pub route: Option<Route>,
    /// How sure it is.
    pub status: Status,
    /// If contested: every reading.
    pub readings: Vec<Reading>,
    /// When it was last verified.
    pub verified_on: Day,
    /// How it was verified.
    pub grade: Grade,
}

/// One reading of what is contested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Who reads it so.
    pub by: String,
    /// What they say.
    pub says: String,
    /// The date by this reading, if it gives one.
    #[serde(default)]
    pub valid_from: Option<Day>,
}

/// How long something may take, or must be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How many.
    pub amount: u32,
    /// Of what.
    pub unit: Unit,
    /// From when it is counted.
    pub after: String,
}

/// A row: a criterion, a control, a duty, a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its id within the framework; several rows of one id have adjoining known intervals.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The part of the framework it belongs to.
    pub group: String,
    /// What it asks, in our own words.
    pub label: String,
    /// Where it stands.
    pub source: String,
    /// Whom it binds; empty for what binds whoever adopts the framework.
    pub who: Vec<Who>,
    /// Of which systems.
    pub class: Class,
    /// The dates on which it begins to apply, by id.
    pub dates: Vec<String>,
    /// It depends on one of these answers.
    pub any_of: Vec<String>,
    /// It depends on all of these answers.
    pub all_of: Vec<String>,
    /// It does not bind if one of these answers is yes.
    pub unless: Vec<String>,
    /// It does not bind if these are the only use cases.
    pub not_only: Vec<String>,
    /// It binds only systems that became high-risk one of these ways; empty for any.
    pub routes: Vec<Route>,
    /// How long it may take, or must be kept.
    pub limit: Option<Limit>,
    /// The first day on which it was known.
    pub known_from: Day,
    /// The first day on which it was no longer so.
    pub known_to: Option<Day>,
    /// How sure it is.
    pub status: Status,
    /// If contested: every reading.
    pub readings: Vec<Reading>,
    /// When it was last verified.
    pub verified_on: Day,
    /// How it was verified.
    pub grade: Grade,
}

/// A relation between rows of two frameworks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// The crosswalk that says it.
    pub crosswalk: String,
    /// `framework:row`.
    pub from: String,
    /// `framework:row`.
    pub to: String,
    /// The first is ... the second.
    pub relation: Relation,
    /// Why.
    pub rationale: String,
}

/// Whether `day` lies in a known interval, which holds its first day and not its last.
fn is_known(from: Day, to: Option<Day>, day: Day) -> bool {
    from <= day && to.is_none_or(|to| day < to)
}

impl DateRow {
    /// Whether this was what was known on that day.
    pub fn is_known(&self, on: Day) -> bool {
        is_known(self.known_from, self.known_to, on)
    }

    /// Whether it applies on that day, by its date; a contested one by the reading that the row itself gives.
    pub fn applies(&self, on: Day) -> bool {
        self.status != Status::Proposed && is_known(self.valid_from, self.valid_to, on)
    }
}

impl Row {
    /// Whether this was what was known on that day.
    pub fn is_known(&self, on: Day) -> bool {
        is_known(self.known_from, self.known_to, on)
    }

    /// Whether it asks for something; the others say how systems are classified, or what words mean.
    pub fn asks(&self) -> bool {
        let kind = matches!(
            self.kind,
            Kind::Criterion
                | Kind::Control
                | Kind::Clause
                | Kind::Subcategory
                | Kind::Duty
                | Kind::Prohibition
        );
        kind && self.status != Status::Proposed
    }
}

impl Framework {
    /// The rows as known on a day.
    pub fn rows_known(&self, on: Day) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.is_known(on))
    }

    /// The rows of one kind as known on a day.
    pub fn of_kind(&self, kind: Kind, on: Day) -> impl Iterator<Item = &Row> {
        self.rows_known(on).filter(move |row| row.kind == kind)
    }

    /// A row as known on a day.
    pub fn row(&self, id: &str, on: Day) -> Option<&Row> {
        self.rows_known(on).find(|row| row.id == id)
    }

    /// A date as known on a day.
    pub fn date(&self, id: &str, on: Day) -> Option<&DateRow> {
        self.dates.iter().find(|date| date.id == id && date.is_known(on))
    }

    /// The dates of a row as known on a day.
    pub fn dates_of(&self, row: &Row, on: Day) -> Vec<&DateRow> {
        row.dates.iter().filter_map(|id| self.date(id, on)).collect()
    }

    /// Since when anything of it is known.
    pub fn known_since(&self) -> Option<Day> {
        self.rows.iter().map(|row| row.known_from).min()
    }

    /// SHA-256 over the canonical JSON of everything that counts: dates and rows with every field.
    // INVARIANT (as-of): one digest, one meaning; any change to an id, a label, a date or a reading changes it.
    pub fn digest(&self) -> Digest {
        #[derive(Serialize)]
        struct Hashed<'a> {
            format: &'static str,
            framework: &'a Framework,
        }
        let hashed = Hashed { format: FORMAT, framework: self };
        digest_of(&hashed)
    }
}

/// SHA-256 over the RFC 8785 canonical JSON of a value that has one.
pub(crate) fn digest_of(value: &impl Serialize) -> Digest {
    // Proof: strings, small numbers, lists and objects with text keys always have a canonical form.
    of_json(value).expect("canonical JSON of strings and small numbers")
}
