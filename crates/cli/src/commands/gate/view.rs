//! What every format says about a decision, in the same words and the same order.
//!
//! The lines made here hold text from the server, so they are one line each and free of control characters. Escaping
//! for a format is that format's own.

use crate::output::one_line;
use anyhow::Context as _;
use comptroller_app::gate::{GateAnswer, RuleView};
use comptroller_app::votes::VoteState;
use comptroller_core::event::FactSource;
use comptroller_core::ids::WaiverId;
use comptroller_core::vocab::Outcome;
use comptroller_core::{Environment, Slug};
use comptroller_policy::prove::Minimality;
use comptroller_policy::{Clause, Paths, Step};
use serde_json::Value;
use std::collections::BTreeMap;

/// The gate's answer, and the name under which its version was asked about.
#[derive(Debug)]
pub(super) struct View {
    /// The version as the caller named it.
    pub(super) asked: String,
    /// The answer.
    pub(super) answer: GateAnswer,
}

/// A line with what it is about.
pub(super) type Labelled = (&'static str, String);

impl View {
    /// Takes the server's answer apart.
    pub(super) fn read(asked: &str, value: &Value) -> anyhow::Result<Self> {
        let mut answer: GateAnswer = serde_json::from_value(value.clone()).context(
            "the server's answer is not one of this program's version; update the older of the two",
        )?;
        let system = answer.system.as_ref().map(Slug::as_str);
        fill(&mut answer.rules, &mut answer.paths, asked, system, answer.environment);
        Ok(Self { asked: one_line(asked), answer })
    }

    /// What it says.
    pub(super) fn said(&self) -> Said<'_> {
        let GateAnswer { outcome, rules, sources, errors, regressions, votes, waivers, paths, .. } =
            &self.answer;
        Said { outcome: *outcome, rules, sources: Some(sources), errors, regressions, votes, waivers, paths }
    }

    /// The question and its answer.
    pub(super) fn headline(&self) -> String {
        format!("{}: {} to {}", outcome_words(self.answer.outcome), self.asked, self.answer.environment)
    }

    /// Where the decision stands on record.
    pub(super) fn record(&self) -> String {
        let GateAnswer { decision, ledger_index, bundle, .. } = &self.answer;
        format!("decision {decision} is entry {ledger_index} of the log; policy bundle {bundle}")
    }

    /// See [`Said::clause`].
    pub(super) fn clause(&self, clause: &Clause) -> String {
        self.said().clause(clause)
    }

    /// See [`Said::details`].
    pub(super) fn details(&self, rule: &RuleView) -> Vec<Labelled> {
        self.said().details(rule)
    }

    /// See [`Said::notes`].
    pub(super) fn notes(&self) -> Vec<Labelled> {
        self.said().notes()
    }

    /// See [`Said::path_summary`].
    pub(super) fn path_summary(&self) -> Option<String> {
        self.said().path_summary()
    }

    /// Whether nothing stands against it.
    pub(super) fn is_allowed(&self) -> bool {
        self.answer.outcome == Outcome::Allow
    }
}

/// What an answer says, of a decision on record or of what would come out.
pub(super) struct Said<'a> {
    pub(super) outcome: Outcome,
    pub(super) rules: &'a [RuleView],
    /// Where facts come from, where the answer says so.
    pub(super) sources: Option<&'a BTreeMap<String, FactSource>>,
    pub(super) errors: &'a [String],
    pub(super) regressions: &'a [String],
    pub(super) votes: &'a [VoteState],
    pub(super) waivers: &'a [WaiverId],
    pub(super) paths: &'a Paths,
}

impl Said<'_> {
    /// What a fact is and what it would have to be, and the evidence that it rests on.
    fn clause(&self, clause: &Clause) -> String {
        let actual = clause.actual.as_ref().filter(|value| !value.is_null());
        let actual = actual.map_or_else(|| "not known".to_owned(), |value| one_line(&value.to_string()));
        let text =
            format!("{} is {actual}; required: {}", one_line(&clause.fact), one_line(&clause.required));
        let source = self.sources.and_then(|sources| sources.get(&clause.fact));
        let evidence = source.map_or(&[][..], |source| &source.evidence);
        if evidence.is_empty() {
            return text;
        }
        let ids: Vec<String> = evidence.iter().map(ToString::to_string).collect();
        format!("{text}; by evidence {}", ids.join(", "))
    }

    /// What is said about a rule besides its name and reason.
    pub(super) fn details(&self, rule: &RuleView) -> Vec<Labelled> {
        let mut lines: Vec<Labelled> =
            rule.clauses.iter().map(|clause| ("fails", self.clause(clause))).collect();
        if !rule.remedy.is_empty() {
            lines.push(("do", one_line(&rule.remedy)));
        }
        if !rule.control.is_empty() {
            let controls: Vec<String> = rule.control.iter().map(|control| one_line(control)).collect();
            lines.push(("controls", controls.join(", ")));
        }
        lines
    }

    /// Everything else that stands against it or explains the outcome, but for rules and paths.
    pub(super) fn notes(&self) -> Vec<Labelled> {
        let Self { errors, regressions, votes, waivers, .. } = self;
        let mut notes: Vec<Labelled> = Vec::new();
        notes.extend(errors.iter().map(|error| ("error", one_line(error))));
        notes.extend(regressions.iter().map(|what| ("worse than what serves now", one_line(what))));
        for vote in votes.iter().filter(|vote| !vote.counts) {
            let cause = vote.cause.as_deref().unwrap_or("no cause was given");
            notes.push(("vote that does not count", format!("of {}: {}", vote.voter, one_line(cause))));
        }
        notes.extend(waivers.iter().map(|id| ("waiver in force", id.to_string())));
        notes
    }

    /// What the shortest paths to approval are, in a sentence; nothing if none is needed.
    pub(super) fn path_summary(&self) -> Option<String> {
        if self.outcome == Outcome::Allow {
            return None;
        }
        let paths = self.paths;
        let before = paths.first.as_ref().map_or_else(String::new, |first| {
            format!("first {} ({}); as it is now: ", one_line(&first.what), one_line(&first.remedy))
        });
        if !paths.hopeless.is_empty() {
            let rules: Vec<String> = paths.hopeless.iter().map(|rule| one_line(rule)).collect();
            return Some(format!("{before}no known step satisfies {}", rules.join(", ")));
        }
        let first = paths.shortest.first()?;
        let steps = if first.len() == 1 { "1 step".to_owned() } else { format!("{} steps", first.len()) };
        let ways = match paths.shortest.len() {
            1 => String::new(),
            count if paths.more => format!(", in one of at least {count} ways"),
            count => format!(", in one of {count} ways"),
        };
        let unsure =
            if paths.complete { "" } else { "; the search was cut off, so there may be a shorter one" };
        let proof = match &paths.minimal {
            None if paths.complete => "; --certify has it proven that fewer are not enough".to_owned(),
            None => String::new(),
            Some(Minimality::Certified { solver, .. }) => {
                format!("; proven with {}: fewer are not enough", one_line(solver))
            }
            Some(Minimality::Refuted { .. }) => "; the solver knows a shorter one".to_owned(),
            Some(Minimality::Unproven { why }) => format!("; not proven the fewest: {}", one_line(why)),
        };
        Some(format!("{before}{steps}{ways}{unsure}{proof}"))
    }
}

/// The outcome for people.
pub(super) fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allow",
        Outcome::NeedsReview => "needs review",
        Outcome::Deny => "deny",
        Outcome::Unknown => "unknown (counts as deny)",
    }
}

/// Whether nobody's review can satisfy the rule.
pub(super) fn is_hard(rule: &RuleView) -> bool {
    rule.set != "review"
}

/// Puts what was asked about into the commands of remedies and steps.
pub(super) fn fill(
    rules: &mut [RuleView],
    paths: &mut Paths,
    asked: &str,
    system: Option<&str>,
    environment: Environment,
) {
    let system = system.or(asked.split_once('/').map(|(system, _)| system));
    let named = |remedy: &str| named(remedy, asked, system, environment);
    for rule in rules {
        rule.remedy = named(&rule.remedy);
    }
    for step in paths.shortest.iter_mut().flatten().chain(&mut paths.first) {
        step.remedy = named(&step.remedy);
    }
}

/// A remedy whose commands name what was asked about.
fn named(remedy: &str, asked: &str, system: Option<&str>, environment: Environment) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in remedy.split(' ') {
        words.push(match (word, system) {
            ("VERSION", _) => asked,
            ("SYSTEM", Some(system)) => system,
            ("ENVIRONMENT", _) => environment.as_str(),
            _ => word,
        });
    }
    words.join(" ")
}

/// A step of a path, with the rules that it helps to satisfy and who can do it.
pub(super) fn step(step: &Step) -> String {
    let rules: Vec<String> = step.rules.iter().map(|rule| one_line(rule)).collect();
    let text = format!("{} ({}), for {}", one_line(&step.what), one_line(&step.id), rules.join(", "));
    if step.remedy.is_empty() { text } else { format!("{text}; do: {}", one_line(&step.remedy)) }
}
