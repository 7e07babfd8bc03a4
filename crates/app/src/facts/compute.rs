//! The facts of a version, computed from what is on record and from nothing else.

use super::{Known, OnRecord};
use crate::monitors::rollback;
use comptroller_core::event::{FactSource, VersionFacts};
use comptroller_core::ids::{EvidenceId, PrincipalId};
use comptroller_core::vocab::{EvidenceKind, LegalBasis, Measure, RiskTier};
use comptroller_core::{Digest, Slug, Timestamp};
use comptroller_policy::Facts;
use comptroller_policy::card::{age_fact, measure_fact, passed_fact, rank};
use comptroller_store::areas::evidence::EvidenceRow;
use std::collections::BTreeMap;

/// Computes facts from evidence; a change of what it computes is another number.
const EVIDENCE: &str = "evidence/1";
/// Computes facts from the registry: versions, data sets, systems, deployments, findings.
const REGISTRY: &str = "registry/1";
/// Stands among the sources for every fact that has none of its own.
const OTHERS: &str = "*";
/// Computes facts from reports of runtimes.
const RUNTIME: &str = "runtime/1";
/// How much worse a held-out metric may be than that of the version now serving: 0.01, in millionths.
const METRIC_TOLERANCE_PPM: f64 = 10_000.0;
/// Metrics of which less is better. Of all others named in [`MORE_IS_BETTER`] more is better; the rest say nothing.
const LESS_IS_BETTER: [&str; 5] = ["brier", "log_loss", "mae", "rmse", "expected_cost"];
const MORE_IS_BETTER: [&str; 6] = ["accuracy", "auc", "pr_auc", "f1", "precision", "recall"];

/// Computes what is known about a version from what is on record.
pub(super) fn known_of(record: OnRecord, now: Timestamp) -> Known {
    let regressions =
        record.serving.as_ref().map_or_else(Vec::new, |serving| regressed(serving, &record.version.metrics));
    let version = &record.version;
    let files = version.artifacts.iter().zip(&record.stored_bytes);
    let has_file =
        |(used, stored): (&comptroller_core::event::ArtifactUse, &Option<u64>)| *stored == Some(used.bytes);
    let stored = version.artifacts.len() == record.stored_bytes.len() && files.clone().all(has_file);
    let documented = |used: &Option<super::DatasetOnRecord>| {
        used.is_some_and(|used| used.legal_basis != LegalBasis::Unstated)
    };
    let mut facts = Facts::new()
        .bool("artifacts_stored", stored)
        .bool("has_signature", record.has_signature)
        .bool("datasets_documented", !record.datasets.is_empty() && record.datasets.iter().all(documented))
        .bool("origin_known", record.datasets.iter().all(|used| used.is_some_and(|used| used.states_origin)))
        .bool("training_time_known", version.training_ended >= version.training_started)
        .bool("served_in_staging", record.served_in_staging)
        .bool("system_retired", record.is_retired)
        .bool("prohibited", record.tier == Some(RiskTier::Prohibited))
        .bool("reviews_overdue", record.reviews_overdue)
        .long("open_remediations", record.open_remediations)
        .bool("remediations_stalled", record.remediations_stalled)
        .bool("metrics_regressed", !regressions.is_empty())
        .bool("has_baseline", record.has_baseline)
        .bool(rollback::FACT, record.rollback_proposed)
        .bool("runtime_mismatch", record.runtimes.iter().any(|row| !row.matches));
    if let Some(tier) = record.tier {
        facts = facts.long("risk_tier", rank(tier));
    }
    let mut sources = BTreeMap::from([(OTHERS.to_owned(), source(REGISTRY, now))]);
    if let Some(last) = record.runtimes.iter().map(|row| row.reported_at.0).filter(|at| *at <= now).max() {
        facts = facts.long("runtime_age", seconds_since(last, now));
        sources.insert("runtime_age".to_owned(), source(RUNTIME, last));
    }
    let evidence = newest(record.evidence, &record.artifacts, now);
    for row in &evidence {
        facts = of_evidence(facts, &mut sources, row, now);
    }
    let OnRecord { version, system, artifacts, tier, .. } = record;
    Known { facts, sources, version, system, artifacts, tier, evidence, regressions }
}

/// A source that is no evidence.
fn source(computer: &str, observed_at: Timestamp) -> FactSource {
    FactSource { computer: computer.to_owned(), evidence: Vec::new(), documents: Vec::new(), observed_at }
}

/// The newest evidence of every kind that counts: neither withdrawn nor purged, not dated in the future, and
/// about these artifacts.
fn newest(rows: Vec<EvidenceRow>, artifacts: &Digest, now: Timestamp) -> Vec<EvidenceRow> {
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
        evidence: vec![row.id.0],
        documents: row.document.iter().map(|digest| digest.0.clone()).collect(),
        ..source(EVIDENCE, row.observed_at.0)
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
mod tests;
