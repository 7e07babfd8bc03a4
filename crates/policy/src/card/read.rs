//! The text form of rule cards, and what is checked before anything is compiled.

use super::monitor::MonitorCard;
use super::place::{at, line_at};
use super::requirement::Requirement;
use super::retention::RetentionCard;
use crate::error::BundleError;
use crate::rule::{Lapse, RuleSet, Silence};
use crate::source::MAX_FINDINGS;
use comptroller_core::vocab::{Environment, RiskTier};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A file of rule cards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFile {
    /// What the pack is, in a line.
    pub title: String,
    /// Where its rules come from, with version or date.
    pub source: String,
    /// The rules by name.
    #[serde(default)]
    pub rule: BTreeMap<String, Card>,
    /// How long what is kept, by name.
    #[serde(default)]
    pub retention: BTreeMap<String, RetentionCard>,
    /// How closely what runs is watched, by name.
    #[serde(default)]
    pub monitor: BTreeMap<String, MonitorCard>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// `hard`: nothing overrides it. `review`: people's approval satisfies it.
    pub set: RuleSet,
    /// When it is asked: on a promotion, of a running deployment, or both.
    pub on: Vec<Occasion>,
    /// The environments it is about; every one if not given.
    #[serde(default)]
    pub environment: Vec<Environment>,
    /// The tier from which on it applies. A system without a tier counts as having the highest.
    #[serde(default)]
    pub tier: Option<RiskTier>,
    /// What is wrong when it fires.
    pub reason: String,
    /// Who can put it right, and how.
    pub remedy: String,
    /// The controls that it serves.
    pub control: Vec<String>,
    /// What a reader must not conclude from the rule being satisfied.
    pub does_not_prove: String,
    /// Whether a waiver can take its place for a time.
    #[serde(default)]
    pub waivable: bool,
    /// What happens to a running deployment that no longer satisfies it.
    #[serde(default)]
    pub lapse: Lapse,
    /// After how much silence people are reminded of a request for their approval.
    #[serde(default)]
    pub silence: Option<Silence>,
    /// Everything that must hold; at least one.
    pub require: Vec<Requirement>,
    /// Cases: facts, over those of an allowed promotion, under which the rule stays silent or fires.
    pub test: CardTest,
}

/// When a rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// The gate is asked, or a version is put into an environment.
    Promotion,
    /// A running deployment is decided about again.
    Operation,
}

/// The cases of a rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardTest {
    /// The rule stays silent.
    pub passes: Vec<BTreeMap<String, toml::Value>>,
    /// The rule fires.
    pub fails: Vec<BTreeMap<String, toml::Value>>,
}

impl Occasion {
    /// The acts of the occasion.
    pub(crate) const fn acts(self) -> &'static [&'static str] {
        match self {
            Self::Promotion => &["gate.check", "deploy"],
            Self::Operation => &["operate"],
        }
    }
}

impl CardFile {
    /// Reads a file of cards.
    ///
    /// # Errors
    /// [`BundleError::Card`], which names the file, and the rule or line.
    pub fn read(file: &str, text: &str) -> Result<Self, BundleError> {
        let refuse = |detail: String| BundleError::Card { file: file.to_owned(), findings: vec![detail] };
        let cards: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| line_at(text, span.start));
            let line = line.map(|line| format!("line {line} column 1: ")).unwrap_or_default();
            refuse(line + error.message().trim())
        })?;
        let mut findings = Vec::new();
        for (id, card) in &cards.rule {
            findings.extend(card.findings().iter().map(|finding| at(text, "rule", id, None, finding)));
        }
        for (id, card) in &cards.retention {
            findings.extend(card.findings(id).iter().map(|finding| at(text, "retention", id, None, finding)));
        }
        for (id, card) in &cards.monitor {
            findings.extend(card.findings(id).iter().map(|finding| at(text, "monitor", id, None, finding)));
        }
        findings.truncate(MAX_FINDINGS);
        if findings.is_empty() {
            Ok(cards)
        } else {
            Err(BundleError::Card { file: file.to_owned(), findings })
        }
    }
}

impl Card {
    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if self.on.is_empty() {
            findings.push("`on` is empty: name promotion, operation or both".to_owned());
        }
        if self.require.is_empty() {
            findings.push("`require` is empty: a rule that requires nothing never fires".to_owned());
        }
        if self.control.is_empty() {
            findings.push("`control` is empty: name at least one control".to_owned());
        }
        if self.test.passes.is_empty() || self.test.fails.is_empty() {
            findings.push("`test` needs a case that passes and one that fails".to_owned());
        }
        if self.waivable && self.set == RuleSet::Hard {
            findings.push("a hard rule cannot be waived: drop `waivable` or use set = \"review\"".to_owned());
        }
        if self.lapse != Lapse::Alert && !self.on.contains(&Occasion::Operation) {
            findings.push("`lapse` is about what runs: add \"operation\" to `on`, or drop it".to_owned());
        }
        for requirement in &self.require {
            findings.extend(requirement.findings());
        }
        let plans = self.require.iter().filter(|r| matches!(r, Requirement::Approvals { .. })).count();
        if plans > 1 {
            findings.push("two requirements ask for approvals: list every group in one".to_owned());
        }
        if plans == 0 && self.silence.is_some() {
            findings
                .push("`silence` is about requests for approval: require approvals, or drop it".to_owned());
        }
        findings.extend(self.silence.and_then(Silence::finding));
        if plans == 1 && self.set == RuleSet::Hard {
            findings.push("approvals satisfy review rules: use set = \"review\"".to_owned());
        }
        findings
    }
}
