//! Each fact, by mutation: one thing on record is changed, and exactly the facts that rest on it change.

use super::super::DatasetOnRecord;
use super::*;
use comptroller_core::Environment;
use comptroller_core::event::{ArtifactUse, DatasetUsed};
use comptroller_core::ids::{DatasetVersionId, ModelId, SystemId, VersionId};
use comptroller_core::vocab::DatasetUse;
use comptroller_store::areas::deployments::RuntimeRow;
use comptroller_store::{Micros, Text};
use std::collections::BTreeSet;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_seconds(-seconds)
}

fn metrics(pairs: &[(&str, f64)]) -> BTreeMap<Slug, f64> {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), *value)).collect()
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn runtime(reported_at: Timestamp) -> RuntimeRow {
    RuntimeRow {
        system: Text(SystemId::new(NOW, [1; 10])),
        environment: Text(Environment::Production),
        instance: Text("pod-1".parse().unwrap()),
        loaded: Text(digest(1)),
        matches: true,
        reported_at: Micros(reported_at),
    }
}

fn evidence(kind: EvidenceKind, measures: &str) -> EvidenceRow {
    EvidenceRow {
        id: Text(EvidenceId::new(NOW, [kind as u8; 10])),
        kind: Text(kind),
        system: Text(SystemId::new(NOW, [1; 10])),
        version: kind.of_version().then(|| Text(VersionId::new(NOW, [1; 10]))),
        subject: kind.of_version().then(|| Text(digest(9))),
        document: Some(Text(digest(kind as u8))),
        observed_at: Micros(ago(60)),
        passed: true,
        measures: measures.to_owned(),
        recorded_by: "principal/1".to_owned(),
        recorded_at: Micros(ago(30)),
        withdrawn_at: None,
        private_at: None,
        purged_at: None,
    }
}

/// A version of which everything is known, and well.
fn record() -> OnRecord {
    let artifact = ArtifactUse { name: "model.txt".parse().unwrap(), digest: digest(1), bytes: 10 };
    let id = DatasetVersionId::new(NOW, [1; 10]);
    OnRecord {
        version: VersionFacts {
            model: ModelId::new(NOW, [1; 10]),
            label: "2".parse().unwrap(),
            builders: vec![PrincipalId::new(NOW, [1; 10])],
            artifacts: vec![artifact],
            training_started: ago(900),
            training_ended: ago(800),
            code_commit: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
            datasets: vec![DatasetUsed { dataset_version: id, purpose: DatasetUse::Training }],
            metrics: metrics(&[("auc", 0.9)]),
            record_digest: digest(2),
            seed: None,
        },
        system: Some("scoring".parse().unwrap()),
        artifacts: digest(9),
        stored_bytes: vec![Some(10)],
        datasets: vec![Some(DatasetOnRecord { legal_basis: LegalBasis::Contract, states_origin: true })],
        has_signature: true,
        tier: Some(RiskTier::High),
        is_retired: false,
        served_in_staging: true,
        reviews_overdue: false,
        open_remediations: 1,
        remediations_stalled: false,
        serving: Some(metrics(&[("auc", 0.9)])),
        has_baseline: true,
        rollback_proposed: false,
        runtimes: vec![runtime(ago(100)), runtime(ago(50))],
        evidence: vec![
            evidence(EvidenceKind::Evaluation, r#"{"auc":900000}"#),
            evidence(EvidenceKind::BiasTest, r#"{"impact-ratio":850000}"#),
            evidence(EvidenceKind::SecurityReview, "{}"),
        ],
    }
}

/// Names of the facts that differ after a change, those that came or went among them.
fn changed(change: impl FnOnce(&mut OnRecord)) -> BTreeSet<String> {
    let facts = |record: OnRecord| {
        let known = known_of(record, NOW);
        known.facts.iter().map(|(name, fact)| (name.to_owned(), fact.clone())).collect::<BTreeMap<_, _>>()
    };
    let mut after = record();
    change(&mut after);
    let (before, after) = (facts(record()), facts(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

type Mutation = (&'static str, fn(&mut OnRecord), &'static [&'static str]);

const EVALUATION: &[&str] = &["auc_ppm", "evaluation_age", "evaluation_passed"];
const BIAS: &[&str] = &["bias_test_age", "bias_test_passed", "impact_ratio_ppm"];

const MUTATIONS: &[Mutation] = &[
    ("a file is not stored", |r| r.stored_bytes = vec![None], &["artifacts_stored"]),
    ("a file has other bytes", |r| r.stored_bytes = vec![Some(11)], &["artifacts_stored"]),
    ("a file was not looked for", |r| r.stored_bytes.clear(), &["artifacts_stored"]),
    ("no form of inputs", |r| r.has_signature = false, &["has_signature"]),
    ("no data set", |r| r.datasets.clear(), &["datasets_documented"]),
    ("an unknown data set", |r| r.datasets.push(None), &["datasets_documented", "origin_known"]),
    (
        "no legal basis",
        |r| {
            r.datasets =
                vec![Some(DatasetOnRecord { legal_basis: LegalBasis::Unstated, states_origin: true })];
        },
        &["datasets_documented"],
    ),
    (
        "no origin",
        |r| {
            r.datasets =
                vec![Some(DatasetOnRecord { legal_basis: LegalBasis::Contract, states_origin: false })];
        },
        &["origin_known"],
    ),
    ("training ends before it begins", |r| r.version.training_ended = ago(901), &["training_time_known"]),
    ("training ends as it begins", |r| r.version.training_ended = ago(900), &[]),
    ("never in staging", |r| r.served_in_staging = false, &["served_in_staging"]),
    ("retired", |r| r.is_retired = true, &["system_retired"]),
    ("prohibited", |r| r.tier = Some(RiskTier::Prohibited), &["prohibited", "risk_tier"]),
    ("another tier", |r| r.tier = Some(RiskTier::Limited), &["risk_tier"]),
    ("nobody classified it", |r| r.tier = None, &["risk_tier"]),
    ("a review is overdue", |r| r.reviews_overdue = true, &["reviews_overdue"]),
    ("another finding", |r| r.open_remediations = 2, &["open_remediations"]),
    ("a finding has stalled", |r| r.remediations_stalled = true, &["remediations_stalled"]),
    ("worse than what serves", |r| r.version.metrics = metrics(&[("auc", 0.88)]), &["metrics_regressed"]),
    ("what serves states more", |r| r.serving = Some(metrics(&[("f1", 0.5)])), &["metrics_regressed"]),
    ("nothing serves", |r| r.serving = None, &[]),
    ("nothing watches it", |r| r.has_baseline = false, &["has_baseline"]),
    ("an alarm proposes a rollback", |r| r.rollback_proposed = true, &["rollback_proposed"]),
    ("another file is loaded", |r| r.runtimes[0].matches = false, &["runtime_mismatch"]),
    ("an older report only", |r| r.runtimes.truncate(1), &["runtime_age"]),
    ("no report", |r| r.runtimes.clear(), &["runtime_age"]),
    ("a report of the future", |r| r.runtimes = vec![runtime(ago(-1))], &["runtime_age"]),
    ("the test is withdrawn", |r| r.evidence[0].withdrawn_at = Some(Micros(NOW)), EVALUATION),
    ("its document is purged", |r| r.evidence[0].purged_at = Some(Micros(NOW)), EVALUATION),
    ("it is dated in the future", |r| r.evidence[0].observed_at = Micros(ago(-1)), EVALUATION),
    ("it is about other files", |r| r.evidence[0].subject = Some(Text(digest(8))), EVALUATION),
    ("it is about no files", |r| r.evidence[0].subject = None, EVALUATION),
    ("it failed", |r| r.evidence[0].passed = false, &["evaluation_passed"]),
    ("it is older", |r| r.evidence[0].observed_at = Micros(ago(61)), &["evaluation_age"]),
    ("it measured another value", |r| r.evidence[0].measures = r#"{"auc":899999}"#.into(), &["auc_ppm"]),
    ("it measured nothing", |r| r.evidence[0].measures = "{}".into(), &["auc_ppm"]),
    ("its measures do not read", |r| r.evidence[0].measures = "auc".into(), &["auc_ppm"]),
    (
        "it states what a bias test states",
        |r| r.evidence[0].measures = r#"{"auc":900000,"impact-ratio":999999}"#.into(),
        &[],
    ),
    ("no bias test", |r| drop(r.evidence.remove(1)), BIAS),
    (
        "a newer test failed",
        |r| {
            let mut newer = evidence(EvidenceKind::BiasTest, r#"{"impact-ratio":700000}"#);
            newer.passed = false;
            newer.observed_at = Micros(ago(1));
            r.evidence.insert(0, newer);
        },
        BIAS,
    ),
    (
        "an older test failed",
        |r| {
            let mut older = evidence(EvidenceKind::BiasTest, r#"{"impact-ratio":700000}"#);
            older.passed = false;
            r.evidence.push(older);
        },
        &[],
    ),
    (
        "the review is of one version",
        |r| r.evidence[2].subject = Some(Text(digest(9))),
        &["security_review_age", "security_review_passed"],
    ),
];

#[test]
fn every_fact_changes_with_what_it_rests_on_and_with_nothing_else() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (what, change, expected) in MUTATIONS {
        let found = changed(change);
        let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(found, expected, "{what}");
        seen.extend(found);
    }
    // The names of evidence are all made by the same lines; what stands in the base record has each form of them.
    let all: BTreeSet<String> =
        known_of(record(), NOW).facts.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(seen, all, "each fact is changed by some mutation");
}

#[test]
fn what_is_known_well_is_said_so_with_its_source() {
    let known = known_of(record(), NOW);
    let bad = [
        "system_retired",
        "prohibited",
        "reviews_overdue",
        "metrics_regressed",
        "runtime_mismatch",
        "rollback_proposed",
        "remediations_stalled",
    ];
    for (name, fact) in known.facts.iter() {
        if let comptroller_policy::Fact::Bool(value) = fact {
            assert_eq!(*value, !bad.contains(&name), "{name}");
        }
    }
    assert_eq!(
        known.facts.get("runtime_age"),
        Some(&comptroller_policy::Fact::Long(50)),
        "the newest report"
    );
    assert_eq!(known.facts.get("auc_ppm"), Some(&comptroller_policy::Fact::Long(900_000)));
    let source = &known.sources["impact_ratio_ppm"];
    assert_eq!(source.evidence, [known.evidence[1].id.0]);
    assert_eq!(source.observed_at, ago(60));
    assert_eq!(source.documents, [digest(EvidenceKind::BiasTest as u8)]);
    // What is from no evidence is from the registry, as it is now.
    assert_eq!((known.sources["*"].computer.as_str(), known.sources["*"].observed_at), ("registry/1", NOW));
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
