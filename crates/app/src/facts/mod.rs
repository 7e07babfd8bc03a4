//! What the policies learn about a version in an environment: every fact, with where it comes from.
//!
//! Two steps: [`known`] reads what is on record, and [`compute::known_of`] computes the facts from nothing else, so that
//! each of them can be tested by changing what it rests on. A fact that cannot be known is left out, and no rule is
//! satisfied by what is left out. Numbers are scaled integers, rounded against whoever asks when the evidence is
//! recorded (policy research, condition 4).

mod compute;

pub(crate) use compute::{evidence_ids, is_builder, measures};

use crate::AppError;
use crate::assessments;
use crate::models::{artifacts_digest, facts as facts_of, with_all_builders};
use crate::tiers::tier_in_force;
use comptroller_core::event::{FactSource, VersionFacts};
use comptroller_core::private::VersionText;
use comptroller_core::vocab::{EvidenceKind, LegalBasis, RiskTier, SystemStatus};
use comptroller_core::{Digest, Environment, Slug, Timestamp};
use comptroller_policy::Facts;
use comptroller_store::areas::deployments::RuntimeRow;
use comptroller_store::areas::evidence::{self, EvidenceRow};
use comptroller_store::areas::models::{self, ModelRow, VersionRow};
use comptroller_store::areas::{datasets, deployments, standing, systems};
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, journal};
use std::collections::BTreeMap;

/// Most pieces of evidence of one system that are looked at, newest first.
const MAX_EVIDENCE: i64 = 1_000;

/// What is known, apart from approvals and waivers.
pub(crate) struct Known {
    pub(crate) facts: Facts,
    pub(crate) sources: BTreeMap<String, FactSource>,
    pub(crate) version: VersionFacts,
    /// The system that it is a model of.
    pub(crate) system: Option<Slug>,
    pub(crate) artifacts: Digest,
    pub(crate) tier: Option<RiskTier>,
    /// The newest valid evidence of every kind.
    pub(crate) evidence: Vec<EvidenceRow>,
    pub(crate) regressions: Vec<String>,
}

/// What is on record about a version in an environment: all that its facts are computed from.
struct OnRecord {
    version: VersionFacts,
    system: Option<Slug>,
    /// Digest over its artifacts.
    artifacts: Digest,
    /// For each of its files, in their order: the bytes that are stored.
    stored_bytes: Vec<Option<u64>>,
    /// For each of its data sets, in their order; none: not on record.
    datasets: Vec<Option<DatasetOnRecord>>,
    /// Whether the form of its inputs and outputs is stated.
    has_signature: bool,
    /// None: nobody has classified the system.
    tier: Option<RiskTier>,
    is_retired: bool,
    served_in_staging: bool,
    reviews_overdue: bool,
    /// Findings about the system that are neither retested nor accepted.
    open_remediations: i64,
    /// One of them has no plan, or its time has passed.
    remediations_stalled: bool,
    /// The metrics of another version that is live there now.
    serving: Option<BTreeMap<Slug, f64>>,
    /// Whether its records are compared with a baseline.
    has_baseline: bool,
    /// Whether an alarm about it here proposes a rollback, and is not silenced.
    rollback_proposed: bool,
    /// What runtimes of the environment reported last.
    runtimes: Vec<RuntimeRow>,
    /// Evidence about the version and about its system, newest first.
    evidence: Vec<EvidenceRow>,
}

/// What is on record about a data set that a version was made from.
#[derive(Clone, Copy)]
struct DatasetOnRecord {
    legal_basis: LegalBasis,
    states_origin: bool,
}

/// Reads what is on record about a version, as far as it matters in `environment`, and computes the facts.
pub(crate) async fn known(
    conn: &mut Conn,
    key: &OrgKey,
    now: Timestamp,
    model: &ModelRow,
    row: &VersionRow,
    environment: Environment,
) -> Result<Known, AppError> {
    Ok(compute::known_of(on_record(conn, key, now, model, row, environment).await?, now))
}

async fn on_record(
    conn: &mut Conn,
    key: &OrgKey,
    now: Timestamp,
    model: &ModelRow,
    row: &VersionRow,
    environment: Environment,
) -> Result<OnRecord, AppError> {
    let version = with_all_builders(conn, row).await?;
    let mut stored_bytes = Vec::new();
    for artifact in &version.artifacts {
        let row = models::artifact(conn, &artifact.digest).await?;
        stored_bytes.push(row.map(|row| row.bytes.unsigned_abs()));
    }
    let mut used = Vec::new();
    for dataset in &version.datasets {
        let row = datasets::version(conn, dataset.dataset_version).await?;
        used.push(row.map(|row| DatasetOnRecord {
            legal_basis: row.legal_basis.0,
            states_origin: row.private_at.is_some(),
        }));
    }
    let system = systems::system(conn, &model.system.0.to_string()).await?;
    let text: Option<VersionText> = journal::private(conn, key, row.private_at).await?;
    let mut runtimes = deployments::runtimes(conn, model.system.0).await?;
    runtimes.retain(|row| row.environment.0 == environment);
    let tier = match &system {
        Some(row) => tier_in_force(conn, key, row, now).await?,
        None => None,
    };
    let standing = standing::of(conn, row.id.0, model.system.0, environment, now).await?;
    let mut evidence = evidence::of_system(conn, model.system.0, &row.id.0.to_string(), MAX_EVIDENCE).await?;
    let assessed = evidence.iter().any(|row| row.kind.0 == EvidenceKind::RiskAssessment);
    if let Some(system) = system.as_ref().filter(|_| assessed)
        && !assessments::stands(conn, key, now, system).await?
    {
        // Nobody may rely on an assessment whose facts have changed, whatever its age.
        evidence.retain(|row| row.kind.0 != EvidenceKind::RiskAssessment);
    }
    Ok(OnRecord {
        artifacts: artifacts_digest(&version.artifacts),
        stored_bytes,
        datasets: used,
        has_signature: text.is_some_and(|text| !text.inputs.is_empty() && !text.outputs.is_empty()),
        tier,
        system: system.as_ref().map(|row| row.slug.0.clone()),
        is_retired: system.is_none_or(|row| row.status.0 == SystemStatus::Retired),
        served_in_staging: standing.served_in_staging > 0,
        reviews_overdue: standing.reviews_overdue > 0,
        open_remediations: standing.open_remediations,
        remediations_stalled: standing.stalled_remediations > 0,
        serving: serving(conn, row, &version, environment).await?,
        has_baseline: standing.has_baseline > 0,
        rollback_proposed: standing.rollback_proposed > 0,
        runtimes,
        evidence,
        version,
    })
}

/// The metrics of the version of the model that is live in `environment`, if that is another one.
async fn serving(
    conn: &mut Conn,
    asked: &VersionRow,
    version: &VersionFacts,
    environment: Environment,
) -> Result<Option<BTreeMap<Slug, f64>>, AppError> {
    let Some(live) = deployments::live(conn, version.model, environment).await? else {
        return Ok(None);
    };
    if live.version.0 == asked.id.0 {
        return Ok(None);
    }
    let Some(row) = models::version(conn, live.version.0).await? else {
        return Ok(None);
    };
    Ok(Some(facts_of(&row)?.metrics))
}
