//! What the policies learn about a version in an environment: every fact, with where it comes from.
//!
//! A fact that cannot be known is left out, and no rule is satisfied by what is left out. Numbers are scaled integers,
//! rounded against whoever asks when the evidence is recorded (policy research, condition 4).

use crate::AppError;
use crate::models::{artifacts_digest, facts as facts_of};
use comptroller_core::event::{FactSource, VersionFacts};
use comptroller_core::ids::{EvidenceId, PrincipalId};
use comptroller_core::private::VersionText;
use comptroller_core::vocab::{EvidenceKind, LegalBasis, Measure, RiskTier, SystemStatus};
use comptroller_core::{Digest, Environment, Slug, Timestamp};
use comptroller_policy::Facts;
use comptroller_policy::card::{age_fact, measure_fact, passed_fact, rank};
use comptroller_store::areas::evidence::{self, EvidenceRow};
use comptroller_store::areas::models::{self, ModelRow, VersionRow};
use comptroller_store::areas::{datasets, deployments, emergencies, systems};
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, journal};
use std::collections::BTreeMap;

/// Computes facts from evidence; a change of what it computes is another number.
const EVIDENCE: &str = "evidence/1";
/// Computes facts from reports of runtimes.
const RUNTIME: &str = "runtime/1";
/// Most pieces of evidence of one system that are looked at, newest first.
const MAX_EVIDENCE: i64 = 1_000;
/// How much worse a held-out metric may be than that of the version now serving: 0.01, in millionths.
const METRIC_TOLERANCE_PPM: f64 = 10_000.0;
/// Metrics of which less is better. Of all others named in [`MORE_IS_BETTER`] more is better; the rest say nothing.
const LESS_IS_BETTER: [&str; 5] = ["brier", "log_loss", "mae", "rmse", "expected_cost"];
const MORE_IS_BETTER: [&str; 6] = ["accuracy", "auc", "pr_auc", "f1", "precision", "recall"];

/// What is known, apart from approvals and waivers.
pub(crate) struct Known {
    pub(crate) facts: Facts,
    pub(crate) sources: BTreeMap<String, FactSource>,
    pub(crate) version: VersionFacts,
    pub(crate) artifacts: Digest,
    pub(crate) tier: Option<RiskTier>,
    /// The newest valid evidence of every kind.
    pub(crate) evidence: Vec<EvidenceRow>,
    pub(crate) regressions: Vec<String>,
}

/// Reads what is on record about a version, as far as it matters in `environment`.
pub(crate) async fn known(
    conn: &mut Conn,
    key: &OrgKey,
    now: Timestamp,
    model: &ModelRow,
    row: &VersionRow,
    environment: Environment,
) -> Result<Known, AppError> {
    let version = facts_of(row)?;
    let artifacts = artifacts_digest(&version.artifacts);
    let system = systems::system(conn, &model.system.0.to_string()).await?;
    let tier = system.as_ref().and_then(|row| row.risk_tier.as_ref()).map(|tier| tier.0);
    let mut stored = true;
    for artifact in &version.artifacts {
        let row = models::artifact(conn, &artifact.digest).await?;
        stored &= row.is_some_and(|row| row.bytes.unsigned_abs() == artifact.bytes);
    }
    let (mut documented, mut origin_known) = (!version.datasets.is_empty(), true);
    for used in &version.datasets {
        let row = datasets::version(conn, used.dataset_version).await?;
        documented &= row.as_ref().is_some_and(|row| row.legal_basis.0 != LegalBasis::Unstated);
        origin_known &= row.is_some_and(|row| row.private_at.is_some());
    }
    let text: Option<VersionText> = journal::private(conn, key, row.private_at).await?;
    let regressions = regressions(conn, &version, environment).await?;
    let served = deployments::served(conn, row.id.0, Environment::Staging).await?;
    let mut facts = Facts::new()
        .bool("artifacts_stored", stored)
        .bool("has_signature", text.is_some_and(|t| !t.inputs.is_empty() && !t.outputs.is_empty()))
        .bool("datasets_documented", documented)
        .bool("origin_known", origin_known)
        .bool("training_time_known", version.training_ended >= version.training_started)
        .bool("served_in_staging", served)
        .bool("system_retired", system.is_none_or(|row| row.status.0 == SystemStatus::Retired))
        .bool("prohibited", tier == Some(RiskTier::Prohibited))
        .bool("reviews_overdue", emergencies::review_overdue(conn, model.system.0, now).await?)
        .bool("metrics_regressed", !regressions.is_empty());
    if let Some(tier) = tier {
        facts = facts.long("risk_tier", rank(tier));
    }
    let mut sources = BTreeMap::new();
    let runtimes = deployments::runtimes(conn, model.system.0).await?;
    let here = || runtimes.iter().filter(|row| row.environment.0 == environment);
    facts = facts.bool("runtime_mismatch", here().any(|row| !row.matches));
    if let Some(last) = here().map(|row| row.reported_at.0).max() {
        facts = facts.long("runtime_age", seconds_since(last, now));
        let source = FactSource { computer: RUNTIME.to_owned(), evidence: Vec::new(), observed_at: last };
        sources.insert("runtime_age".to_owned(), source);
    }
    let id = row.id.0.to_string();
    let rows = evidence::of_system(conn, model.system.0, &id, MAX_EVIDENCE).await?;
    let evidence = newest(rows, &artifacts, now);
    for row in &evidence {
        facts = of_evidence(facts, &mut sources, row, now);
    }
    Ok(Known { facts, sources, version, artifacts, tier, evidence, regressions })
}

/// The newest evidence of every kind that counts: neither withdrawn nor purged, not dated in the future, and
/// about these artifacts.
pub(crate) fn newest(rows: Vec<EvidenceRow>, artifacts: &Digest, now: Timestamp) -> Vec<EvidenceRow> {
    let mut newest: BTreeMap<EvidenceKind, EvidenceRow> = BTreeMap::new();
    for row in rows {
        let about = match (&row.subject, row.kind.0.of_version()) {
            (Some(subject), true) => subject.0 == *artifacts,
            (None, false) => true,
            _ => false,
        };
        // The clock of whoever observed may be ahead: an age below zero is no age.
        if about && row.withdrawn_at.is_none() && row.purged_at.is_none() && row.observed_at.0 <= now {
            newest.entry(row.kind.0).or_insert(row);
        }
    }
    newest.into_values().collect()
}

/// Adds the facts that one piece of evidence states.
fn of_evidence(
    mut facts: Facts,
    sources: &mut BTreeMap<String, FactSource>,
    row: &EvidenceRow,
    now: Timestamp,
) -> Facts {
    let kind = row.kind.0;
    let source = || FactSource {
        computer: EVIDENCE.to_owned(),
        evidence: vec![row.id.0],
        observed_at: row.observed_at.0,
    };
    let (age, passed) = (age_fact(kind), passed_fact(kind));
    facts = facts.long(&age, seconds_since(row.observed_at.0, now)).bool(&passed, row.passed);
    sources.insert(age, source());
    sources.insert(passed, source());
    for (measure, ppm) in measures(row) {
        if measure.stated_by().is_none_or(|by| by == kind) {
            let name = measure_fact(measure);
            facts = facts.long(&name, ppm);
            sources.insert(name, source());
        }
    }
    facts
}

/// What a piece of evidence measures, in millionths. What does not read is not known.
pub(crate) fn measures(row: &EvidenceRow) -> BTreeMap<Measure, i64> {
    serde_json::from_str(&row.measures).unwrap_or_default()
}

/// Whole seconds, rounded up: against whoever asks.
fn seconds_since(then: Timestamp, now: Timestamp) -> i64 {
    let micros = now.micros().saturating_sub(then.micros());
    micros.div_euclid(1_000_000) + i64::from(micros.rem_euclid(1_000_000) > 0)
}

/// Whether a principal is among the builders.
pub(crate) fn is_builder(version: &VersionFacts, principal: PrincipalId) -> bool {
    version.builders.contains(&principal)
}

/// The ids of the evidence that counts.
pub(crate) fn evidence_ids(rows: &[EvidenceRow]) -> Vec<EvidenceId> {
    rows.iter().map(|row| row.id.0).collect()
}

/// Names of metrics that are worse than those of the version now live in `environment`, beyond the tolerance.
async fn regressions(
    conn: &mut Conn,
    facts: &VersionFacts,
    environment: Environment,
) -> Result<Vec<String>, AppError> {
    let Some(live) = deployments::live(conn, facts.model, environment).await? else {
        return Ok(Vec::new());
    };
    let Some(row) = models::version(conn, live.version.0).await? else {
        return Ok(Vec::new());
    };
    if row.label.0 == facts.label {
        return Ok(Vec::new());
    }
    let serving = facts_of(&row)?;
    Ok(regressed(&serving.metrics, &facts.metrics))
}

/// Compares two sets of metrics; a metric that the new version no longer states counts as worse.
fn regressed(old: &BTreeMap<Slug, f64>, new: &BTreeMap<Slug, f64>) -> Vec<String> {
    let mut worse = Vec::new();
    for (name, old) in old {
        let less = LESS_IS_BETTER.contains(&name.as_str());
        if !less && !MORE_IS_BETTER.contains(&name.as_str()) {
            continue;
        }
        let Some(new) = new.get(name) else {
            worse.push(format!("{name}: no longer stated"));
            continue;
        };
        // Rounded against whoever asks: the loss is rounded up.
        let loss = if less { new - old } else { old - new };
        let loss_ppm = (loss * 1e6).ceil();
        if loss_ppm > METRIC_TOLERANCE_PPM {
            worse.push(format!("{name}: {new:.4}, serving {old:.4}"));
        }
    }
    worse
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(pairs: &[(&str, f64)]) -> BTreeMap<Slug, f64> {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), *value)).collect()
    }

    #[test]
    fn a_metric_worse_than_the_tolerance_or_left_out_is_a_regression() {
        let old = metrics(&[("auc", 0.86), ("brier", 0.14), ("rows", 100.0)]);
        assert!(regressed(&old, &metrics(&[("auc", 0.851), ("brier", 0.149)])).is_empty());
        assert_eq!(regressed(&old, &metrics(&[("auc", 0.8499), ("brier", 0.14)])).len(), 1);
        assert_eq!(regressed(&old, &metrics(&[("auc", 0.86), ("brier", 0.1501)])).len(), 1);
        assert_eq!(regressed(&old, &metrics(&[("brier", 0.1)])), ["auc: no longer stated"]);
    }

    #[test]
    fn an_age_is_rounded_up_to_whole_seconds() {
        let then = Timestamp::from_micros(5_000_000);
        assert_eq!(seconds_since(then, then), 0);
        assert_eq!(seconds_since(then, Timestamp::from_micros(5_000_001)), 1);
        assert_eq!(seconds_since(then, Timestamp::from_micros(7_000_000)), 2);
    }
}
