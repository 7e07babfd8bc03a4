//! Every finding about the texts of a bundle at once, each with its file and line.
//!
//! [`Bundle::parse`] stops at what keeps a bundle from coming into force; whoever writes policies wants to see it all.

use crate::bounds;
use crate::bundle::{Bundle, MAX_LEVEL};
use crate::card::{self, CardFile};
use crate::cases::Cases;
use crate::error::BundleError;
use crate::near;
use crate::package::{self, Package};
use crate::prove;
use crate::rule::{Described, RuleInfo, RuleSet};
use crate::source::{self, cut};
use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The line, from 1; absent if it is about the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub what: String,
}

/// Reads and validates the files of a bundle: schema, rules, standing invariants, cards and cases.
pub fn lint(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    let text = |name: &str| package.files().get(name).map(String::as_str);
    let (schema, hard, review) = (
        text(package::SCHEMA).unwrap_or_default(),
        text(package::HARD).unwrap_or_default(),
        text(package::REVIEW).unwrap_or_default(),
    );
    let invariants = text(package::INVARIANTS);
    let mut cards = Vec::new();
    for (file, pack, text) in package.cards() {
        match CardFile::read(file, text) {
            Ok(read) => cards.push((file, pack, text, read)),
            Err(error) => findings.extend(of_error(file, &error)),
        }
    }
    if let Some(Err(error)) = text(package::TESTS).map(Cases::parse) {
        findings.push(Finding { file: package::TESTS.to_owned(), line: None, what: error.to_string() });
    }
    let schema_read = match source::schema(schema) {
        Ok((schema, declared)) => {
            for (file, _, text, read) in &cards {
                let unknown = BundleError::Card {
                    file: (*file).to_owned(),
                    findings: card::every_fact(text, read, &declared),
                };
                findings.extend(of_error(file, &unknown));
            }
            Some(schema)
        }
        Err(error) => {
            findings.extend(of_error(source::SCHEMA_FILE, &error));
            None
        }
    };
    let mut ids = BTreeSet::new();
    for (set, text) in [(RuleSet::Hard, hard), (RuleSet::Review, review)] {
        let read = |policy: &Policy| RuleInfo::read(set, policy).map(|rule| rule.id.to_string());
        findings.extend(of_file(set.file(), text, schema_read.as_ref(), &mut ids, &read));
    }
    findings.extend(of_names(&cards, &ids));
    if let Some(text) = invariants {
        let file = prove::INVARIANTS_FILE;
        let read = |policy: &Policy| Described::read(file, policy).map(|described| described.id.to_string());
        findings.extend(of_file(file, text, schema_read.as_ref(), &mut BTreeSet::new(), &read));
    }
    // The last word is that of what really loads them; it knows a few things that are not about one line.
    if findings.is_empty() {
        match Bundle::of(package) {
            Ok(bundle) => {
                let error = invariants.and_then(|text| prove::check_invariants(&bundle, text).err());
                findings.extend(error.iter().flat_map(|error| of_error(prove::INVARIANTS_FILE, error)));
            }
            Err(error) => findings.extend(of_error(error.file(), &error)),
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// Rules that say they serve a control or criterion which is not among those that are `known`.
///
/// A criterion is `framework:row`; one of a framework that nobody here knows may be anybody's own.
pub fn unknown_controls(package: &Package, known: &BTreeSet<String>) -> Vec<Finding> {
    let frameworks: BTreeSet<&str> =
        known.iter().filter_map(|one| one.split_once(':')).map(|(framework, _)| framework).collect();
    let what = |table: &str, id: &str, control: &str| {
        let ours = control.split_once(':').is_none_or(|(framework, _)| frameworks.contains(framework));
        (ours && !known.contains(control)).then(|| {
            let near = near::hint(control, known.iter().map(String::as_str));
            format!("{table} {id}: there is no control or criterion {control}{near}")
        })
    };
    let mut findings = Vec::new();
    for (file, _, text) in package.cards() {
        let Ok(cards) = CardFile::read(file, text) else { continue };
        let rules = cards.rule.iter().map(|(id, card)| ("rule", id, &card.control));
        let retention = cards.retention.iter().map(|(id, card)| ("retention", id, &card.control));
        let monitors = cards.monitor.iter().map(|(id, card)| ("monitor", id, &card.control));
        for (table, id, controls) in rules.chain(retention).chain(monitors) {
            for control in controls {
                let Some(what) = what(table, id, control) else { continue };
                let line = card::line_of(text, table, id, control.split_whitespace().next());
                findings.push(Finding { file: file.to_owned(), line, what });
            }
        }
    }
    for set in [RuleSet::Hard, RuleSet::Review] {
        let text = package.files().get(set.file()).map(String::as_str).unwrap_or_default();
        let Ok(policies) = text.parse::<PolicySet>() else { continue };
        for policy in policies.policies() {
            let Ok(rule) = RuleInfo::read(set, policy) else { continue };
            let file = set.file().to_owned();
            let unknown = rule.control.iter().filter_map(|control| what("rule", rule.id.as_str(), control));
            findings.extend(unknown.map(|what| Finding {
                file: file.clone(),
                line: line_of(text, policy),
                what,
            }));
        }
    }
    findings.sort();
    findings
}

/// Cards with the name of another rule: one in Cedar, or a card of an earlier file.
fn of_names(cards: &[(&str, &str, &str, CardFile)], cedar: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&str, &str> =
        cedar.iter().map(|id| (id.as_str(), "hard.cedar or review.cedar")).collect();
    for (file, _, text, read) in cards {
        for id in read.rule.keys() {
            if let Some(other) = seen.get(id.as_str()) {
                let what = format!("rule {id}: another rule, in {other}, has this id: rename one of them");
                let line = card::line_of(text, "rule", id, None);
                findings.push(Finding { file: (*file).to_owned(), line, what });
            } else {
                seen.insert(id, file);
            }
        }
    }
    findings
}

type Read<'a> = &'a dyn Fn(&Policy) -> Result<String, BundleError>;

/// Findings of one file of policies. `read` reads what a policy says about itself and answers its name.
fn of_file(
    file: &'static str,
    text: &str,
    schema: Option<&Schema>,
    ids: &mut BTreeSet<String>,
    read: Read,
) -> Vec<Finding> {
    if let Err(error) = bounds::check(file, text) {
        return of_error(file, &error);
    }
    let set = match text.parse::<PolicySet>() {
        Ok(set) => set,
        Err(errors) => return errors.iter().map(|error| at(file, text, error)).collect(),
    };
    let mut findings = Vec::new();
    let mut named = PolicySet::new();
    for policy in source::in_order(&set) {
        let line = line_of(text, &policy);
        let mut add = |what: String| findings.push(Finding { file: file.to_owned(), line, what });
        let id = match read(&policy) {
            Ok(id) => id,
            Err(error) => {
                add(error.to_string());
                policy.id().to_string()
            }
        };
        if !ids.insert(id.clone()) {
            add(BundleError::DuplicateId { id }.to_string());
        } else if let Err(error) = named.add(policy.new_id(PolicyId::new(&id))) {
            add(error.to_string());
        }
    }
    if let Some(schema) = schema {
        let validator = Validator::new(schema.clone());
        let result = validator.validate_with_level(&named, ValidationMode::Strict, MAX_LEVEL);
        let rule = |id: &PolicyId, error: &dyn Diagnostic| {
            let mut finding = at(file, text, error);
            let policy = named.policy(id);
            finding.line = finding.line.or_else(|| policy.and_then(|policy| line_of(text, policy)));
            finding.what = format!("rule {id}: {}", finding.what);
            finding
        };
        findings.extend(result.validation_errors().map(|error| rule(error.policy_id(), error)));
        findings.extend(result.validation_warnings().map(|warning| rule(warning.policy_id(), warning)));
    }
    findings
}

fn at(file: &str, text: &str, error: &dyn Diagnostic) -> Finding {
    let line = source::place(text, error).map(|(line, _)| line);
    Finding { file: file.to_owned(), line, what: cut(&error.to_string()) }
}

/// The line in which a policy begins. Cedar keeps the text that a policy was read from.
fn line_of(text: &str, policy: &Policy) -> Option<usize> {
    let offset = text.find(policy.to_cedar()?.trim())?;
    Some(text[..offset].matches('\n').count() + 1)
}

fn of_error(file: &str, error: &BundleError) -> Vec<Finding> {
    error.findings().into_iter().map(|(line, what)| Finding { file: file.to_owned(), line, what }).collect()
}
