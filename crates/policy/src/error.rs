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
    /// The files are not those of a bundle.
    #[error("this is not a bundle of policies: {detail}")]
    Package {
        /// What is wrong.
        detail: String,
    },
    /// A file of rule cards cannot be used.
    #[error("{file}: {}", findings.join("; "))]
    Card {
        /// The file.
        file: String,
        /// Every finding, with its line where it is known.
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

impl BundleError {
    /// The file that it is about, as far as it is about one.
    pub(crate) fn file(&self) -> &str {
        match self {
            Self::TooLarge { file, .. }
            | Self::TooDeep { file, .. }
            | Self::TooManyOperators { file, .. }
            | Self::TooManyConditions { file, .. }
            | Self::Parse { file, .. }
            | Self::Template { file, .. }
            | Self::MissingAnnotation { file, .. }
            | Self::BadAnnotation { file, .. }
            | Self::Validation { file, .. } => file,
            Self::Card { file, .. } => file,
            Self::Package { .. } => "the folder",
            Self::MissingDefinition { .. } | Self::UnsupportedSchema { .. } => "schema.cedarschema",
            Self::PermitInReview { .. } => "review.cedar",
            Self::DuplicateId { .. } | Self::ReservedId { .. } => "hard.cedar",
        }
    }

    /// One text for each thing that is wrong, with its line where it is known.
    pub(crate) fn findings(&self) -> Vec<(Option<usize>, String)> {
        match self {
            Self::Parse { findings, .. }
            | Self::Validation { findings, .. }
            | Self::Card { findings, .. } => findings.iter().map(|finding| split(finding)).collect(),
            Self::TooDeep { line, .. }
            | Self::TooManyOperators { line, .. }
            | Self::TooManyConditions { line, .. } => vec![(Some(*line), self.to_string())],
            _ => vec![(None, self.to_string())],
        }
    }
}

/// Takes the line off a finding of the form `line 3 column 4: what`.
fn split(finding: &str) -> (Option<usize>, String) {
    let parts = finding.strip_prefix("line ").and_then(|rest| rest.split_once(" column "));
    let line = parts.and_then(|(line, rest)| Some((line.parse().ok()?, rest.split_once(": ")?.1)));
    match line {
        Some((line, what)) => (Some(line), what.to_owned()),
        None => (None, finding.to_owned()),
    }
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
    #[error("the fact {name} is not {expected}")]
    BadValue {
        /// The name.
        name: String,
        /// The form.
        expected: &'static str,
    },
}
