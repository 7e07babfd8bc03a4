//! The private parts of events: personal data and free text. They are stored encrypted, under the subject's own key
//! or a key of the record, and are what erasure destroys. The ledger holds only a salted commitment to them.

use crate::name::InvalidValue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest free text, in bytes.
pub const MAX_TEXT: usize = 16 * 1024;

/// Refuses a free text over [`MAX_TEXT`] bytes, or an empty one where something must be said.
pub fn check_text(what: &'static str, text: &str, may_be_empty: bool) -> Result<(), InvalidValue> {
    if text.len() > MAX_TEXT {
        return Err(InvalidValue::new(what, text, "at most 16 KiB of text"));
    }
    if !may_be_empty && text.trim().is_empty() {
        return Err(InvalidValue::new(what, text, "some text"));
    }
    Ok(())
}

/// Who a person is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonText {
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// What a vendor is called and how it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorText {
    /// Name of the company.
    pub name: String,
    /// Contact for incidents and questions.
    #[serde(default)]
    pub contact: String,
}

/// What an AI system is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemText {
    /// Human title.
    pub title: String,
    /// Why it exists.
    pub purpose: String,
    /// Where and how it is meant to be used, and where not.
    #[serde(default)]
    pub intended_use: String,
    /// Whom its output affects.
    #[serde(default)]
    pub populations: Vec<String>,
    /// Where its data come from.
    #[serde(default)]
    pub data_sources: Vec<String>,
}

/// Why a system has its tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierText {
    /// The reasons, in words.
    pub text: String,
    /// The stated facts from which rules computed it, each with its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<serde_json::Value>,
}

/// Why the risk of a system was assessed, and by which answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssessmentText {
    /// The reason, in words.
    pub text: String,
    /// The answers, each with its source.
    pub answers: serde_json::Value,
}

/// What a dataset is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetText {
    /// Human title.
    pub title: String,
    /// What it holds.
    #[serde(default)]
    pub description: String,
}

/// Where a dataset version came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetVersionText {
    /// Source, with address and date.
    pub origin: String,
    /// Consent or legal basis, in words.
    #[serde(default)]
    pub consent: String,
    /// What was done to the sources, step by step.
    #[serde(default)]
    pub transformations: Vec<String>,
}

/// One input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Name.
    pub name: String,
    /// Type, for example `double`, `long`, `string`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it must be there.
    #[serde(default)]
    pub required: bool,
}

/// Everything else that is fixed about a model version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionText {
    /// Hyperparameters as given to the training run.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, serde_json::Value>,
    /// Inputs.
    #[serde(default)]
    pub inputs: Vec<Port>,
    /// Outputs.
    #[serde(default)]
    pub outputs: Vec<Port>,
    /// How to repeat the training run.
    #[serde(default)]
    pub reproduce: String,
    /// Anything else the builder wants on record.
    #[serde(default)]
    pub notes: String,
}

/// A reason, a comment or a note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The words.
    pub text: String,
}

/// What a workload token has to say to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadText {
    /// Whom the token has to be for.
    pub audience: String,
    /// Claims by name, each with the one value that it has to have.
    pub claims: BTreeMap<String, String>,
}

/// What a workload token said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadClaims {
    /// The claims that were asked for, its subject and its id.
    pub claims: BTreeMap<String, String>,
}

/// How the organisation refers to a data subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectText {
    /// For example a customer number.
    pub reference: String,
}

/// What an auditor asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRequestText {
    /// In one line.
    pub title: String,
    /// In more words.
    #[serde(default)]
    pub text: String,
}
