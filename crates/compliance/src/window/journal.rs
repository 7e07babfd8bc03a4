//! The part of a journal that controls look at: events of the types that they name, with the fields that they name.
//!
//! A journal of a million events therefore fits into memory. Events come in the order of the log.

use super::value::{Scalar, at_path};
use crate::control::{Ask, Condition, Control, FieldRef, Pattern, Population, Term, When};
use comptroller_core::Timestamp;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// One event of the log, as it is handed over.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Index in the log.
    pub index: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Its type.
    pub kind: &'a str,
    /// Who acted: `principal/<id>` or `system`.
    pub actor: &'a str,
    /// Its stream: `system/<id>` or `org`.
    pub stream: &'a str,
    /// Its clear fields.
    pub data: &'a serde_json::Value,
}

/// Types of events and the fields of each that are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    fields: BTreeMap<String, BTreeSet<String>>,
}

/// Positions of rows by the value of one field.
type Buckets = HashMap<Scalar, Arc<[u32]>>;

/// The events of one type.
#[derive(Debug, Default)]
struct Table {
    paths: Vec<String>,
    rows: Vec<Row>,
    indexes: RefCell<HashMap<usize, Buckets>>,
}

/// One event, with the fields that are looked at.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) index: u64,
    pub(crate) at: i64,
    fields: Box<[Scalar]>,
}

/// The events that controls look at.
#[derive(Debug)]
pub struct Journal {
    tables: BTreeMap<String, Table>,
    texts: HashSet<Arc<str>>,
    counted: u64,
    last: Option<(u64, i64)>,
}

impl Needs {
    /// What these controls look at.
    pub fn of<'a>(controls: impl IntoIterator<Item = &'a Control>) -> Self {
        let mut needs = Self::default();
        for control in controls {
            needs.control(control);
        }
        needs
    }

    /// Whether events of this type are looked at.
    pub fn wants(&self, kind: &str) -> bool {
        self.fields.contains_key(kind)
    }

    /// Types with the fields that are looked at.
    pub fn iter(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.fields.iter().map(|(kind, paths)| (kind.as_str(), paths.iter().map(String::as_str)))
    }

    fn field(&mut self, kind: &str, path: &str) {
        self.fields.entry(kind.to_owned()).or_default().insert(path.to_owned());
    }

    fn control(&mut self, control: &Control) {
        // The types behind the names of references.
        let mut types: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        match &control.population {
            Population::Each { event, conditions, distinct } => {
                types.insert("it", vec![event]);
                self.fields.entry(event.clone()).or_default();
                for path in distinct {
                    self.field(event, path);
                }
                self.conditions(&types, Some(event), conditions);
            }
            Population::Every { subject: Some(subject), .. } => {
                for pattern in std::iter::once(&subject.begins).chain(&subject.ends) {
                    for path in &subject.key {
                        self.field(&pattern.event, path);
                    }
                    self.pattern(&types, pattern);
                }
            }
            Population::Every { subject: None, .. } => {}
        }
        for join in &control.joins {
            self.pattern(&types, &join.pattern);
            types.insert(&join.name, vec![&join.pattern.event]);
        }
        for test in &control.tests {
            let it = types.get("it").and_then(|kinds| kinds.first()).copied();
            self.conditions(&types, it, &test.only_if);
            if let Some(field) = &test.for_each {
                self.reference(&types, it, field);
            }
            match &test.ask {
                Ask::Holds(conditions) => self.conditions(&types, it, conditions),
                Ask::Any { patterns, when, distinct, .. } => {
                    self.when(&types, it, when);
                    for pattern in patterns {
                        self.pattern(&types, pattern);
                        if let Some(path) = distinct {
                            self.field(&pattern.event, path);
                        }
                    }
                }
                Ask::None { patterns, when } => {
                    self.when(&types, it, when);
                    for pattern in patterns {
                        self.pattern(&types, pattern);
                    }
                }
            }
        }
    }

    fn when(&mut self, types: &BTreeMap<&str, Vec<&str>>, it: Option<&str>, when: &When) {
        if let When::By(field) = when {
            self.reference(types, it, field);
        }
    }

    fn pattern<'a>(&mut self, types: &BTreeMap<&str, Vec<&'a str>>, pattern: &'a Pattern) {
        self.fields.entry(pattern.event.clone()).or_default();
        self.conditions(types, Some(&pattern.event), &pattern.conditions);
        if let Some(unless) = &pattern.unless {
            let mut types = types.clone();
            types.insert("found", vec![&pattern.event]);
            self.fields.entry(unless.event.clone()).or_default();
            self.conditions(&types, Some(&unless.event), &unless.conditions);
        }
    }

    fn conditions(&mut self, types: &BTreeMap<&str, Vec<&str>>, own: Option<&str>, conditions: &[Condition]) {
        for condition in conditions {
            self.reference(types, own, &condition.left);
            if let Term::Field { field, .. } = &condition.right {
                self.reference(types, own, field);
            }
        }
    }

    fn reference(&mut self, types: &BTreeMap<&str, Vec<&str>>, own: Option<&str>, field: &FieldRef) {
        let kinds = match &field.of {
            None => own.into_iter().collect(),
            Some(name) => types.get(name.as_str()).cloned().unwrap_or_default(),
        };
        for kind in kinds {
            self.field(kind, &field.path);
        }
    }
}

impl Journal {
    /// An empty journal that keeps what is needed.
    pub fn new(needs: &Needs) -> Self {
        let table =
            |paths: &BTreeSet<String>| Table { paths: paths.iter().cloned().collect(), ..Table::default() };
        let tables = needs.fields.iter().map(|(kind, paths)| (kind.clone(), table(paths))).collect();
        Self { tables, texts: HashSet::new(), counted: 0, last: None }
    }

    /// Takes the next event of the log; those that no control names are counted only.
    pub fn push(&mut self, record: &Record<'_>) {
        self.pass(record);
        let Some(table) = self.tables.get_mut(record.kind) else { return };
        let fields = table.paths.iter().map(|path| intern(&mut self.texts, envelope(record, path))).collect();
        table.rows.push(Row { index: record.index, at: record.at.micros(), fields });
    }

    /// Passes an event of the log by that is not looked at, such as one of another system: it is counted only.
    pub fn pass(&mut self, record: &Record<'_>) {
        self.counted += 1;
        self.last = Some((record.index, record.at.micros()));
    }

    /// When the last event was recorded: until then it is known what happened.
    pub fn known_until(&self) -> Option<Timestamp> {
        self.last.map(|(_, at)| Timestamp::from_micros(at))
    }

    /// How many events were taken, whether kept or not.
    pub fn counted(&self) -> u64 {
        self.counted
    }

    pub(crate) fn rows(&self, kind: &str) -> &[Row] {
        self.tables.get(kind).map_or(&[], |table| &table.rows)
    }

    /// The name and the rows of a type that is looked at.
    pub(crate) fn kind(&self, kind: &str) -> Option<(&str, &[Row])> {
        self.tables.get_key_value(kind).map(|(name, table)| (name.as_str(), table.rows.as_slice()))
    }

    /// The value of a field of a row of this type.
    pub(crate) fn value<'a>(&self, kind: &str, row: &'a Row, path: &str) -> &'a Scalar {
        let slot = self.slot(kind, path);
        slot.and_then(|slot| row.fields.get(slot)).unwrap_or(&Scalar::Absent)
    }

    /// Positions of the rows of this type whose field has this value, rising.
    pub(crate) fn having(&self, kind: &str, path: &str, value: &Scalar) -> Arc<[u32]> {
        let (Some(table), Some(slot)) = (self.tables.get(kind), self.slot(kind, path)) else {
            return Arc::default();
        };
        let mut indexes = table.indexes.borrow_mut();
        let buckets = indexes.entry(slot).or_insert_with(|| {
            let mut positions: HashMap<Scalar, Vec<u32>> = HashMap::new();
            for (position, row) in table.rows.iter().enumerate() {
                if let Some(value) = row.fields.get(slot) {
                    positions.entry(value.clone()).or_default().push(position as u32);
                }
            }
            positions.into_iter().map(|(value, positions)| (value, positions.into())).collect()
        });
        buckets.get(value).cloned().unwrap_or_default()
    }

    fn slot(&self, kind: &str, path: &str) -> Option<usize> {
        let paths = &self.tables.get(kind)?.paths;
        paths.binary_search_by(|known| known.as_str().cmp(path)).ok()
    }
}

/// A field of the event, or of the entry around it.
fn envelope(record: &Record<'_>, path: &str) -> Scalar {
    let after = |text: &str, prefix: &str| text.strip_prefix(prefix).map_or(Scalar::Absent, Scalar::text);
    match path {
        "@at" => Scalar::Time(record.at.micros()),
        "@index" => i64::try_from(record.index).map_or(Scalar::Absent, Scalar::Number),
        "@actor" => Scalar::text(record.actor),
        "@principal" => after(record.actor, "principal/"),
        "@system" => after(record.stream, "system/"),
        path => at_path(record.data, path),
    }
}

/// The same text is kept once.
fn intern(texts: &mut HashSet<Arc<str>>, value: Scalar) -> Scalar {
    match value {
        Scalar::Text(text) => match texts.get(&text) {
            Some(known) => Scalar::Text(Arc::clone(known)),
            None => {
                texts.insert(Arc::clone(&text));
                Scalar::Text(text)
            }
        },
        Scalar::List(items) => Scalar::List(items.into_iter().map(|item| intern(texts, item)).collect()),
        other => other,
    }
}
