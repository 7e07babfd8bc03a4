//! Asks the stated facts, and keeps the path: which question, which answer, on what it rests.

use super::facts::Facts;
use super::result::{Decides, Finding, Step};
use super::tri::Tri;
use crate::framework::{Day, Framework, Row};

/// Questions and answers so far.
pub(crate) struct Interview<'a> {
    pub(crate) act: &'a Framework,
    pub(crate) known: Day,
    facts: &'a Facts,
    pub(crate) steps: Vec<Step>,
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Interview<'a> {
    /// Begins.
    pub(crate) fn new(act: &'a Framework, known: Day, facts: &'a Facts) -> Self {
        Self { act, known, facts, steps: Vec::new(), findings: Vec::new() }
    }

    /// Asks a question by its id. One that the law did not know on the day is not asked, and is no.
    pub(crate) fn ask(&mut self, id: &str, decides: Decides) -> Tri {
        let Some(row) = self.act.row(id, self.known) else { return Tri::No };
        self.ask_row(row, decides)
    }

    /// Asks the question that a row is.
    pub(crate) fn ask_row(&mut self, row: &Row, decides: Decides) -> Tri {
        let answer = self.facts.answer(&row.id);
        match self.steps.iter_mut().find(|step| step.question == row.id) {
            Some(step) => step.decides = step.decides.min(decides),
            None => self.steps.push(Step {
                question: row.id.clone(),
                kind: row.kind,
                text: row.label.clone(),
                provision: row.source.clone(),
                answer,
                stated: self.facts.stated(&row.id).cloned(),
                decides,
            }),
        }
        answer
    }

    /// Notes a conclusion.
    pub(crate) fn find(&mut self, provision: &str, says: impl Into<String>, holds: Tri, because: &[&str]) {
        self.findings.push(Finding {
            provision: provision.to_owned(),
            says: says.into(),
            holds,
            because: because.iter().map(|id| (*id).to_owned()).collect(),
        });
    }
}
