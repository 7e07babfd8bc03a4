//! A bundle: the schema and the two sets of policies, checked once, immutable from then on.
//!
//! A bundle that exists has passed every check; nothing half-checked can be asked. The hard set holds the permits and
//! the forbids that nothing overrides; the review set holds forbids that an approval satisfies.

use crate::action::Action;
use crate::card::{self, CardFile, Monitors, Retention};
use crate::decide::NO_PERMIT;
use crate::engine::{ENTITY_TYPES, Names};
use crate::error::BundleError;
use crate::explain::{Clause, Condition};
use crate::index::Index;
use crate::package::{HARD, Package, REVIEW, SCHEMA};
use crate::request::Facts;
use crate::rule::{Effect, RuleInfo, RuleSet};
use crate::source::{self, MAX_FINDINGS, cut};
use cedar_policy::{EntityTypeName, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use comptroller_core::Digest;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Name of what the cards were compiled to, for errors.
const COMPILED: &str = "the compiled cards";
/// Stack of the thread that reads conditions.
const READER_STACK: usize = 64 << 20;
/// How many attribute look-ups deep a policy may go, so that it is known which entities must be loaded.
pub(crate) const MAX_LEVEL: u32 = 2;

/// A schema and two sets of policies that passed every check.
#[derive(Debug)]
pub struct Bundle {
    pub(crate) schema: Schema,
    /// The schema as JSON.
    pub(crate) declared: Value,
    pub(crate) hard: PolicySet,
    pub(crate) review: PolicySet,
    /// The permits of the hard set, alone.
    pub(crate) permits: PolicySet,
    pub(crate) rules: BTreeMap<String, RuleInfo>,
    pub(crate) names: Names,
    conditions: BTreeMap<String, Condition>,
    pub(crate) index: Index,
    retention: Retention,
    monitors: Monitors,
    digest: Digest,
}

impl Bundle {
    /// The bundle that ships with the product: the base policies, without a pack.
    ///
    /// # Errors
    /// [`BundleError`] if the shipped texts were broken; a test reads them.
    pub fn builtin() -> Result<Self, BundleError> {
        Self::of(&Package::builtin()?)
    }

    /// A bundle of three texts without cards, invariants and tests.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn parse(schema: &str, hard: &str, review: &str) -> Result<Self, BundleError> {
        let files = [(SCHEMA, schema), (HARD, hard), (REVIEW, review)];
        Self::of(&Package::new(files.map(|(name, text)| (name.to_owned(), text.to_owned())).into())?)
    }

    /// Reads and checks a bundle: syntax, strict validation without errors and without warnings, at most two levels
    /// of attribute look-ups, unique `@id`, and `@reason`, `@remedy`, `@control` on every policy (`@roles` on permits).
    ///
    /// # Errors
    /// [`BundleError`], which names the rule or the line.
    pub fn of(package: &Package) -> Result<Self, BundleError> {
        Self::under_schema(package, package.text(SCHEMA))
    }

    /// A bundle that came in force under an earlier version of the product, whose schema lacks an act: its rules under
    /// the schema of this version. Acts that it does not know are permitted to nobody, so nobody is let in by it, and
    /// those it knows decide as before, also about its successor.
    ///
    /// # Errors
    /// [`BundleError`] if the rules do not fit this schema either.
    pub fn adapted(package: &Package) -> Result<Self, BundleError> {
        Self::under_schema(package, crate::builtin::SCHEMA)
    }

    fn under_schema(package: &Package, schema: &str) -> Result<Self, BundleError> {
        let (schema, declared) = source::schema(schema)?;
        check_schema(&schema, &Names::new())?;
        let mut rules = BTreeMap::new();
        let read = |set: RuleSet, text: &str, rules: &mut BTreeMap<String, RuleInfo>| {
            named(set, &source::policies(set.file(), text)?, rules)
        };
        let mut hard = read(RuleSet::Hard, package.text(HARD), &mut rules)?;
        let mut review = read(RuleSet::Review, package.text(REVIEW), &mut rules)?;
        let mut read_cards = Vec::new();
        for (file, pack, text) in package.cards() {
            let cards = CardFile::read(file, text)?;
            let refuse = |findings| BundleError::Card { file: file.to_owned(), findings };
            let mut unknown = card::needed_facts(text, &cards, &declared);
            if !unknown.is_empty() {
                unknown.truncate(MAX_FINDINGS);
                return Err(refuse(unknown));
            }
            if let Some((id, other)) = cards.rule.keys().find_map(|id| Some((id, rules.get(id)?))) {
                return Err(refuse(vec![card::at(text, "rule", id, None, &taken(other))]));
            }
            for (set, policies) in [(RuleSet::Hard, &mut hard), (RuleSet::Review, &mut review)] {
                let compiled = source::policies(COMPILED, &card::compile(pack, &cards, set))?;
                let named = named(set, &compiled, &mut rules);
                policies.extend(named.map_err(|error| of_card(file, text, error))?);
            }
            read_cards.push((file, cards));
        }
        let retention =
            Retention::of(read_cards.iter().flat_map(|(file, cards)| {
                cards.retention.iter().map(|(id, card)| (*file, id.as_str(), card))
            }))?;
        let monitors =
            Monitors::of(read_cards.iter().flat_map(|(file, cards)| {
                cards.monitor.iter().map(|(id, card)| (*file, id.as_str(), card))
            }))?;
        let mut bundle = Self::assemble(schema, declared, hard, review, rules, package.digest())?;
        bundle.retention = retention;
        bundle.monitors = monitors;
        Ok(bundle)
    }

    fn assemble(
        schema: Schema,
        declared: Value,
        hard: Vec<Policy>,
        review: Vec<Policy>,
        rules: BTreeMap<String, RuleInfo>,
        digest: Digest,
    ) -> Result<Self, BundleError> {
        let permits: Vec<Policy> =
            hard.iter().filter(|p| p.effect() == cedar_policy::Effect::Permit).cloned().collect();
        let conditions = conditions(hard.iter().chain(&review))?;
        let names = Names::new();
        let hard = validated(RuleSet::Hard.file(), &schema, hard)?;
        let review = validated(RuleSet::Review.file(), &schema, review)?;
        let permits = set_of(RuleSet::Hard.file(), permits)?;
        let index = Index::new(&names, &hard, &review, &permits);
        let (retention, monitors) = (Retention::default(), Monitors::default());
        Ok(Self {
            schema,
            declared,
            hard,
            review,
            permits,
            rules,
            names,
            conditions,
            index,
            retention,
            monitors,
            digest,
        })
    }

    /// The same rules under the schema of another bundle, for a comparison. Keeps its digest.
    pub(crate) fn under(&self, other: &Self) -> Result<Self, BundleError> {
        Self::assemble(
            other.schema.clone(),
            other.declared.clone(),
            self.hard.policies().cloned().collect(),
            self.review.policies().cloned().collect(),
            self.rules.clone(),
            self.digest.clone(),
        )
    }

    /// SHA-256 over the files, in one canonical form.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// How long what is kept.
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// How closely what runs is watched.
    pub fn monitors(&self) -> &Monitors {
        &self.monitors
    }

    /// The parts of a forbid that stand against an act with these facts, with what they require.
    pub fn clauses(&self, rule: &str, facts: &Facts) -> Vec<Clause> {
        let mut clauses = Vec::new();
        if let Some(condition) = self.conditions.get(rule) {
            condition.blame(false, facts, &mut clauses);
        }
        // Where a rule applies, and that nobody has waived it, is not what is wrong.
        let wrong = |clause: &Clause| !["risk_tier", "waived"].contains(&clause.fact.as_str());
        if clauses.iter().any(wrong) {
            clauses.retain(wrong);
        }
        clauses
    }

    /// Whether a forbid compares a fact with a number.
    pub(crate) fn looks_at(&self, rule: &str, fact: &str) -> bool {
        let mut bounds = Vec::new();
        if let Some(condition) = self.conditions.get(rule) {
            condition.bounds(fact, &mut bounds);
        }
        !bounds.is_empty()
    }

    /// Every number that some forbid compares a fact with, sorted: where an outcome may change.
    pub fn bounds(&self, fact: &str) -> Vec<i64> {
        let mut bounds = Vec::new();
        self.conditions.values().for_each(|condition| condition.bounds(fact, &mut bounds));
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    }

    /// Every rule of both sets, by name.
    pub fn rules(&self) -> impl Iterator<Item = &RuleInfo> {
        self.rules.values()
    }
}

/// What is said of a card whose name another rule has.
pub(crate) fn taken(other: &RuleInfo) -> String {
    let place =
        other.pack.as_ref().map_or_else(|| other.set.file().to_owned(), |pack| format!("cards/{pack}.toml"));
    format!("another rule, in {place}, has this id: rename one of them")
}

/// An error about what a card says of itself, which the card was compiled with: it names the card and its line.
fn of_card(file: &str, text: &str, error: BundleError) -> BundleError {
    let (rule, what) = match error {
        BundleError::MissingAnnotation { rule, annotation, .. } => {
            (rule, format!("`{annotation}` is missing or empty"))
        }
        BundleError::BadAnnotation { rule, annotation, detail, .. } => {
            (rule, format!("`{annotation}`: {detail}"))
        }
        BundleError::ReservedId { id } => (id, "the id is reserved: rename the rule".to_owned()),
        other => return other,
    };
    BundleError::Card { file: file.to_owned(), findings: vec![card::at(text, "rule", &rule, None, &what)] }
}

/// The schema must know everything that the product asks about, so that no request fails for want of a definition.
fn check_schema(schema: &Schema, names: &Names) -> Result<(), BundleError> {
    // A group would need its actions loaded as entities with every request; a list of actions says the same.
    if schema.action_groups().next().is_some() {
        let instead = "list the actions in the policy, as in action in [Action::\"a\", Action::\"b\"]";
        return Err(BundleError::UnsupportedSchema { construct: "an action group", instead });
    }
    if !schema.is_complete() {
        let instead = "define the entity type or action here";
        return Err(BundleError::UnsupportedSchema { construct: "an external definition", instead });
    }
    let actions: HashSet<_> = schema.actions().collect();
    for action in Action::ALL {
        if !actions.contains(names.action(*action)) {
            return Err(BundleError::MissingDefinition { missing: format!("action {action}") });
        }
    }
    let types: HashSet<String> = schema.entity_types().map(EntityTypeName::to_string).collect();
    for name in ENTITY_TYPES {
        if !types.contains(name) {
            return Err(BundleError::MissingDefinition { missing: format!("entity {name}") });
        }
    }
    Ok(())
}

/// Gives every policy its own name instead of Cedar's number and notes what it says about itself.
fn named(
    set: RuleSet,
    policies: &PolicySet,
    rules: &mut BTreeMap<String, RuleInfo>,
) -> Result<Vec<Policy>, BundleError> {
    if let Some(template) = policies.templates().next() {
        let rule = template.annotation("id").map_or_else(|| template.id().to_string(), str::to_owned);
        return Err(BundleError::Template { file: set.file(), rule });
    }
    let mut named = Vec::new();
    for policy in source::in_order(policies) {
        let rule = RuleInfo::read(set, &policy)?;
        let id = rule.id.to_string();
        if id == NO_PERMIT {
            return Err(BundleError::ReservedId { id });
        }
        if set == RuleSet::Review && rule.effect == Effect::Permit {
            return Err(BundleError::PermitInReview { id });
        }
        named.push(policy.new_id(PolicyId::new(&id)));
        if rules.insert(id.clone(), rule).is_some() {
            return Err(BundleError::DuplicateId { id });
        }
    }
    Ok(named)
}

/// What each forbid compares, for explanations. On a stack of its own: Cedar's writer recurses over long chains.
fn conditions<'p>(
    policies: impl Iterator<Item = &'p Policy> + Send,
) -> Result<BTreeMap<String, Condition>, BundleError> {
    let forbids = policies.filter(|policy| policy.effect() == cedar_policy::Effect::Forbid);
    let read = move || forbids.map(|policy| (policy.id().to_string(), Condition::of(policy))).collect();
    let failed = || BundleError::Package { detail: "no thread was free to read it: try again".to_owned() };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(READER_STACK).spawn_scoped(scope, read);
        thread.map_err(|_| failed())?.join().map_err(|_| failed())
    })
}

fn set_of(file: &'static str, policies: Vec<Policy>) -> Result<PolicySet, BundleError> {
    PolicySet::from_policies(policies)
        .map_err(|error| BundleError::Validation { file, findings: vec![error.to_string()] })
}

/// Strict validation without errors and without warnings.
pub(crate) fn validated(
    file: &'static str,
    schema: &Schema,
    policies: Vec<Policy>,
) -> Result<PolicySet, BundleError> {
    let policies = set_of(file, policies)?;
    let validator = Validator::new(schema.clone());
    let result = validator.validate_with_level(&policies, ValidationMode::Strict, MAX_LEVEL);
    // Not every text of Cedar's names its rule.
    let errors =
        result.validation_errors().map(|e| format!("rule {}: {}", e.policy_id(), cut(&e.to_string())));
    let warnings =
        result.validation_warnings().map(|w| format!("rule {}: {}", w.policy_id(), cut(&w.to_string())));
    let findings: Vec<String> = errors.chain(warnings).take(MAX_FINDINGS).collect();
    if findings.is_empty() { Ok(policies) } else { Err(BundleError::Validation { file, findings }) }
}
