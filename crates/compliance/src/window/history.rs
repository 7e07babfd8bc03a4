//! What the journal says about the controls themselves: when each was put in operation, by which definition, and what
//! was recorded about exceptions.
//!
//! A control counts from the entry that puts it in operation. A definition that no entry names does not count, whatever
//! files lie about: a change of a control is a record, or it is none.

use super::journal::Record;
use crate::control::Control;
use comptroller_core::name::ControlId;
use comptroller_core::vocab::ExceptionStep;
use comptroller_core::{Digest, Event, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened to a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was put in operation.
    Adopted,
    /// Another definition took the place of the one before.
    Changed,
    /// It was taken out of operation.
    Retired,
}

/// A change of a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlChange {
    /// The entry that records it.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: ChangeKind,
    /// SHA-256 of the definition that it is about.
    pub definition: Digest,
    /// Who did it.
    pub actor: String,
}

/// Something that was recorded about an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionNote {
    /// The entry that records it; its private part says what.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// What it is.
    pub step: ExceptionStep,
    /// Of a remediation that is planned: the first moment at which it comes too late.
    pub due_at: Option<Timestamp>,
    /// Who recorded it.
    pub actor: String,
}

/// Changes of controls and notes on exceptions, as the journal has them, and the definitions that could be read.
#[derive(Clone, Debug, Default)]
pub struct History {
    changes: BTreeMap<String, Vec<ControlChange>>,
    notes: BTreeMap<Digest, Vec<ExceptionNote>>,
    definitions: BTreeMap<Digest, Control>,
}

/// A time during which one definition of a control held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) definition: Digest,
    /// The first of a time in operation.
    pub(crate) begins: bool,
}

impl History {
    /// Types of the events that it is read from.
    pub const KINDS: [&'static str; 4] =
        ["control.adopted", "control.changed", "control.retired", "exception.noted"];

    /// Makes a definition known; it counts where an entry names its digest.
    pub fn define(&mut self, control: Control) {
        self.definitions.insert(control.digest.clone(), control);
    }

    /// Takes an event of one of [`History::KINDS`]; others say nothing here. In the order of the log.
    pub fn push(&mut self, record: &Record<'_>) {
        if !Self::KINDS.contains(&record.kind) {
            return;
        }
        let Ok(event) = Event::from_parts(record.kind, record.data) else { return };
        let (control, kind, definition) = match event {
            Event::ControlAdopted { control, definition } => (control, ChangeKind::Adopted, definition),
            Event::ControlChanged { control, definition, .. } => (control, ChangeKind::Changed, definition),
            Event::ControlRetired { control, definition } => (control, ChangeKind::Retired, definition),
            Event::ExceptionNoted { exception, step, due_at, .. } => {
                let actor = record.actor.to_owned();
                let note = ExceptionNote { index: record.index, at: record.at, step, due_at, actor };
                self.notes.entry(exception).or_default().push(note);
                return;
            }
            _ => return,
        };
        let actor = record.actor.to_owned();
        let change = ControlChange { index: record.index, at: record.at, kind, definition, actor };
        self.changes.entry(control.to_string()).or_default().push(change);
    }

    /// The controls that were ever in operation.
    pub fn controls(&self) -> impl Iterator<Item = &str> {
        self.changes.keys().map(String::as_str)
    }

    /// Every change of a control, in the order of the log.
    pub fn changes(&self, control: &str) -> &[ControlChange] {
        self.changes.get(control).map_or(&[], Vec::as_slice)
    }

    /// What was recorded about an exception, in the order of the log.
    pub fn notes(&self, exception: &Digest) -> &[ExceptionNote] {
        self.notes.get(exception).map_or(&[], Vec::as_slice)
    }

    /// The definition that holds now; none if the control is not in operation.
    pub fn in_force(&self, control: &ControlId) -> Option<&Digest> {
        let last = self.changes(control.as_str()).last()?;
        (last.kind != ChangeKind::Retired).then_some(&last.definition)
    }

    /// A definition by its digest, if it could be read.
    pub fn definition(&self, digest: &Digest) -> Option<&Control> {
        self.definitions.get(digest)
    }

    /// Every definition that an entry names and that could be read.
    pub fn named(&self) -> impl Iterator<Item = &Control> {
        let named = self.changes.values().flatten().filter_map(|change| self.definition(&change.definition));
        let by_digest: BTreeMap<&Digest, &Control> =
            named.map(|control| (&control.digest, control)).collect();
        by_digest.into_values()
    }

    /// Times during which a definition held, in order.
    pub(crate) fn times(&self, control: &str) -> Vec<InForce> {
        let mut times: Vec<InForce> = Vec::new();
        let mut running = false;
        for change in self.changes(control) {
            let at = change.at.micros();
            if running && let Some(last) = times.last_mut() {
                last.to = at;
            }
            if change.kind == ChangeKind::Retired {
                running = false;
                continue;
            }
            let definition = change.definition.clone();
            times.push(InForce { from: at, to: i64::MAX, definition, begins: !running });
            running = true;
        }
        times
    }
}
