//! Reads a log from its first entry to a head, once, and evaluates a window over it.
//!
//! The same for a server and for an auditor with a pack, so that both come to the same digest.

use super::test::{ControlTest, TestControls};
use super::{library, record};
use crate::AppError;
use crate::tiers::framework_data;
use comptroller_compliance::control::Control;
use comptroller_compliance::digest;
use comptroller_compliance::sample::{SizeTable, draw};
use comptroller_compliance::window::{History, Journal, LedgerPosition, Needs, Question, evaluate};
use comptroller_core::Digest;
use comptroller_ledger::{Entry, Frontier, Hash};

/// A log while it is read.
pub(crate) struct Reading {
    asked: TestControls,
    history: History,
    journal: Journal,
    frontier: Frontier,
    seal: Option<LedgerPosition>,
    /// The only system whose stream is looked at beside that of the organisation; none: all.
    only: Option<String>,
}

impl Reading {
    /// Begins, with every definition that can be read.
    pub(crate) fn new(asked: TestControls, definitions: Vec<Control>) -> Self {
        let journal = Journal::new(&Needs::of(&definitions));
        let mut history = History::default();
        for control in definitions {
            history.define(control);
        }
        Self { asked, history, journal, frontier: Frontier::new(), seal: None, only: None }
    }

    /// Looks at one system, by id, and at what belongs to none.
    pub(crate) fn only(self, system: Option<&str>) -> Self {
        Self { only: system.map(|id| format!("system/{id}")), ..self }
    }

    /// Takes the next entry, with its leaf hash.
    pub(crate) fn push(&mut self, leaf: Hash, entry: &Entry) -> Result<(), AppError> {
        let record = record(self.frontier.size(), entry);
        let is_other = self
            .only
            .as_ref()
            .is_some_and(|only| record.stream.starts_with("system/") && record.stream != only.as_str());
        if is_other {
            self.journal.pass(&record);
        } else {
            self.journal.push(&record);
        }
        self.history.push(&record);
        self.frontier.append(leaf);
        // INVARIANT (nobody-chooses): the seed of samples rests on the first entry after the window, and on no later one.
        if self.seal.is_none() && entry.recorded_at >= self.asked.to.micros() {
            self.seal = Some(self.position()?);
        }
        Ok(())
    }

    fn position(&self) -> Result<LedgerPosition, AppError> {
        let root: Digest = self.frontier.root().to_string().parse()?;
        Ok(LedgerPosition { size: self.frontier.size(), root })
    }

    /// A name that nothing bears is a mistake, and no window without controls.
    fn names_are_known(&self) -> Result<(), AppError> {
        if let Some(framework) = self.asked.framework.as_deref()
            && !self.history.named().any(|control| control.serves_framework(framework))
        {
            framework_data(framework)?;
        }
        let Some(control) = self.asked.control.as_deref() else { return Ok(()) };
        if self.history.changes(control).is_empty()
            && library()?.iter().all(|known| known.id.as_str() != control)
        {
            let remedy = "`comptroller control list` names those that there are";
            return Err(AppError::invalid("control", format!("there is no control {control}; {remedy}")));
        }
        Ok(())
    }

    /// Evaluates the window.
    pub(crate) fn finish(self) -> Result<ControlTest, AppError> {
        let ledger = self.position()?;
        let question = Question {
            from: self.asked.from,
            to: self.asked.to,
            framework: self.asked.framework.as_deref(),
            control: self.asked.control.as_deref(),
            ledger,
        };
        self.names_are_known()?;
        let result = evaluate(&self.journal, &self.history, &library()?, &question)
            .map_err(|error| AppError::invalid("window", error.to_string()))?;
        let table = SizeTable::shipped().map_err(|error| AppError::Internal(error.to_string()))?;
        let mut samples = Vec::new();
        for control in &result.controls {
            let mut changes = control.changes.iter().rev();
            let definition = changes.find_map(|change| self.history.definition(&change.definition));
            if let (Some(definition), Some(seal)) = (definition, &self.seal) {
                samples.push(draw(&table, definition, control, seal)?);
            }
        }
        let definitions = self.history.named().map(|control| (control.digest.clone(), control.text.clone()));
        ControlTest {
            samples,
            seal: self.seal,
            sizes: table.digest().clone(),
            sample_digest: None,
            definitions: definitions.collect(),
            result,
        }
        .sealed()
    }
}

/// SHA-256 over the canonical JSON of samples.
pub(super) fn digest_of(samples: &impl serde::Serialize) -> Result<Digest, AppError> {
    Ok(digest::of_json(samples)?)
}
