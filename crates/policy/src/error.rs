//! Why a bundle is refused, or a recorded decision cannot be repeated.

/// A bundle that must not come into force. Each text says what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A text is larger than we read.
    #[error("{file} has {bytes} bytes, more than the {limit} that are read: split or shorten it")]
    TooLarge {
        /// Which text.
        file: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// A text nests brackets deeper than we read.
    #[error("{file} line {line} nests brackets deeper than {limit}: write the condition flatter")]
    TooDeep {
        /// Which text.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// The greatest depth.
        limit: usize,
    },
    /// A policy chains more operators than we read.
    #[error("{file} line {line} has a policy with more than {limit} operators: split it into several")]
    TooManyOperators {
        /// Which text.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// The largest number.
        limit: usize,
    },
    /// A policy has more conditions than we check.
    #[error("{file} line {line} has a policy with more than {limit} `if`: split it into several")]
    TooManyConditions {
        /// Which text.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// The largest number.
        limit: usize,
    },
    /// A text is not Cedar.
    #[error("{file} does not parse: {}", findings.join("; "))]
    Parse {
        /// Which text.
        file: &'static str,
        /// Every finding, with its line where Cedar gives one.
        findings: Vec<String>,
    },
    /// The schema lacks something the product asks about.
    #[error("schema.cedarschema does not define {missing}: copy its definition from the base schema")]
    MissingDefinition {
        /// An action or an entity type.
        missing: String,
    },
    /// The schema defines an action group, or an entity or action that is defined elsewhere.
    #[error("schema.cedarschema uses {construct}, which is not supported: {instead}")]
    UnsupportedSchema {
        /// What is not supported.
        construct: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// A policy is a template.
    #[error("{file} holds a template, {rule}: write the policy out without ?principal or ?resource")]
    Template {
        /// Which text.
        file: &'static str,
        /// Cedar's name of the template.
        rule: String,
    },
    /// A policy does not say who it is.
    #[error("rule {rule} in {file} has no @{annotation}: add @{annotation}(\"...\") above it")]
    MissingAnnotation {
        /// Which text.
        file: &'static str,
        /// The rule's id, or `policyN` for the Nth policy of the file counted from 0.
        rule: String,
        /// The annotation.
        annotation: &'static str,
    },
    /// An annotation is not of its form.
    #[error("rule {rule} in {file} has a bad @{annotation}: {detail}")]
    BadAnnotation {
        /// Which text.
        file: &'static str,
        /// The rule's id, or `policyN` for the Nth policy of the file counted from 0.
        rule: String,
        /// The annotation.
        annotation: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Two policies have one name.
    #[error("two rules have the id {id}: rename one of them")]
    DuplicateId {
        /// The name.
        id: String,
    },
    /// A policy has a name that the product itself gives.
    #[error("the id {id} is reserved: rename the rule")]
    ReservedId {
        /// The name.
        id: String,
    },
    /// The review set can only ask for review.
    #[error("rule {id} in review.cedar is a permit: move it to hard.cedar, review.cedar holds forbids only")]
    PermitInReview {
        /// The rule.
        id: String,
    },
    /// Strict validation found errors or warnings; a warning counts, because it hides rules that never match.
    #[error("{file} does not validate: {}", findings.join("; "))]
    Validation {
        /// Which text.
        file: &'static str,
        /// Every finding; each names its rule.
        findings: Vec<String>,
    },
}

/// A recorded decision whose request cannot be rebuilt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A part of every record is not there.
    #[error("the recorded facts lack {name}: this is not a decision record of this product")]
    Missing {
        /// The name.
        name: &'static str,
    },
    /// A recorded value has a form that no fact has.
    #[error("the recorded fact {name} is not {expected}")]
    BadValue {
        /// The name.
        name: String,
        /// The form.
        expected: &'static str,
    },
}
