//! What events are made of where an id or a word does not do: files, datasets, the facts of a version, sources of facts.
//!
//! INVARIANT (no-personal-data-in-entries) and the rule about stored formats hold here as in [`crate::event`].

use crate::ids::{DatasetVersionId, EvidenceId, ModelId, PrincipalId, ProposalId, UploadId, VersionId};
use crate::name::{Commit, ControlId};
use crate::vocab::{DatasetUse, Environment, Outcome, RiskTreatment};
use crate::{Digest, Label, Slug, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An artifact of a version: its role in the version, and the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactUse {
    /// Its name inside the version, for example `model.txt` or `environment.lock`.
    pub name: Slug,
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Size in bytes.
    pub bytes: u64,
}

/// A dataset version used by a model version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetUsed {
    /// The dataset version.
    pub dataset_version: DatasetVersionId,
    /// What for.
    pub purpose: DatasetUse,
}

/// A file of a dataset version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetFile {
    /// File name, for example `acs-2014.parquet`.
    pub name: Slug,
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Size in bytes.
    pub bytes: u64,
}

/// How a risk of the register is rated, and what is done about it. Likelihood and severity are 1 to 5.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskRating {
    /// How likely it is before the treatment.
    pub likelihood: u8,
    /// How severe it is then.
    pub severity: u8,
    /// What is done about it.
    pub treatment: RiskTreatment,
    /// How likely it is with the treatment.
    pub residual_likelihood: u8,
    /// How severe it is with it.
    pub residual_severity: u8,
    /// The person who answers for it.
    pub owner: PrincipalId,
    /// Until when it is to be reviewed.
    pub review_at: Timestamp,
    /// The controls that hold it down.
    pub controls: Vec<ControlId>,
}

/// What an assessment of a risk in dimensions came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessedRisk {
    /// Digest of the scale.
    pub scale: Digest,
    /// Digest of the answers with their sources.
    pub answers: Digest,
    /// The total, 0 to 100.
    pub total: PointRange,
    /// The lowest band that it can have, by the scale of its day.
    pub lowest: Slug,
    /// The highest band that it can have; the same if no open question can change it.
    pub highest: Slug,
    /// The points of each dimension, 0 to 100.
    pub dimensions: BTreeMap<Slug, PointRange>,
    /// The evidence of kind `risk-assessment` that was recorded with it.
    pub evidence: EvidenceId,
}

/// The least and the most points that something can come to; equal if no answer is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointRange {
    /// With the most harmless answers to what is unknown.
    pub least: u32,
    /// With the worst ones.
    pub most: u32,
}

/// What a tier rests on that was computed from stated facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierBasis {
    /// The framework whose rules were applied.
    pub framework: Slug,
    /// Digest of its data.
    pub data: Digest,
    /// Digest of the answers with their sources.
    pub answers: Digest,
    /// Beginning of the day for which it was computed, UTC.
    pub as_of: Timestamp,
    /// Beginning of the day on which the law must have been known, UTC.
    pub known: Timestamp,
    /// The rows of the framework that were answered with yes.
    pub provisions: Vec<Label>,
}

/// Facts about a model version that never change after registration (immutable-version).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionFacts {
    /// The model.
    pub model: ModelId,
    /// The label, unique in the model.
    pub label: Label,
    /// Who built it: named so that separation-of-duties can be checked for ever.
    pub builders: Vec<PrincipalId>,
    /// Its files.
    pub artifacts: Vec<ArtifactUse>,
    /// When training began.
    pub training_started: Timestamp,
    /// When training ended.
    pub training_ended: Timestamp,
    /// The source-control commit of the training code.
    pub code_commit: Commit,
    /// The data.
    pub datasets: Vec<DatasetUsed>,
    /// Held-out metrics.
    pub metrics: BTreeMap<Slug, f64>,
    /// SHA-256 of the canonical JSON of the private [`crate::private::VersionText`] record.
    pub record_digest: Digest,
    /// Seed of the training run, if it was fixed.
    pub seed: Option<i64>,
}

/// Where a fact comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactSource {
    /// What computed it, with its version, for example `evidence/1`.
    pub computer: String,
    /// The evidence it rests on.
    pub evidence: Vec<EvidenceId>,
    /// The digests of its documents, of what has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Digest>,
    /// When that was observed.
    pub observed_at: Timestamp,
}

/// What the policies in shadow said to the question that a decision answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowDecision {
    /// The proposal in shadow.
    pub proposal: ProposalId,
    /// What it said.
    pub outcome: Outcome,
    /// Its rules, if it said something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Slug>,
}

/// The records and labels of a day whose key was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgedDay {
    /// The version.
    pub version: VersionId,
    /// Where it ran.
    pub environment: Environment,
    /// Days since 1970-01-01, UTC.
    pub day: u32,
    /// How many blocks there were.
    pub blocks: u32,
}

/// A stored file whose content was purged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgedArtifact {
    /// SHA-256 of the content that was.
    pub digest: Digest,
    /// The upload whose key is destroyed.
    pub upload: UploadId,
    /// Its size.
    pub bytes: u64,
}
