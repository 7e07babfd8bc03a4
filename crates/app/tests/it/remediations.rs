//! Findings: opened by a test that fails, planned, put right or accepted, and seen by the gate.

use crate::governance::{Team, command};
use comptroller_app::assess::RecordEvidence;
use comptroller_app::bias_tests::RecordBiasTest;
use comptroller_app::caller::Caller;
use comptroller_app::fairness::{Criterion, Measure as FairnessMeasure, Request, Settings, audit};
use comptroller_app::remediations::{CloseRemediation, OpenRemediation, PlanRemediation, RemediationView};
use comptroller_app::view::Slice;
use comptroller_app::{AppError, Call};
use comptroller_core::ids::{EvidenceId, RemediationId};
use comptroller_core::vocab::{EvidenceKind, Measure, RemediationCause};
use comptroller_core::{Clock as _, Digest, Environment};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

const DAY: i64 = 86_400;
static FILES: AtomicU32 = AtomicU32::new(0);

impl Team {
    /// The report of an audit of two groups of `rows` people each, of whom `selected` are selected; stored.
    async fn report(&self, rows: usize, selected: [usize; 2]) -> Digest {
        let mut text = "sex,decision\n".to_owned();
        for (sex, hits) in selected.iter().enumerate() {
            for row in 0..rows {
                writeln!(text, "{sex},{}", u8::from(row < *hits)).unwrap();
            }
        }
        // The report names its file, so each is a document of its own.
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let file = self.world.folder.path().join(format!("decisions-{number}.csv"));
        std::fs::write(&file, text).unwrap();
        let criteria = vec![Criterion::sourced(FairnessMeasure::ImpactRatio).unwrap()];
        let request = Request {
            data: file.display().to_string(),
            join: None,
            label: None,
            prediction: Some("decision".into()),
            score: None,
            threshold: 0.5,
            positive: None,
            weight: None,
            by: vec!["sex".into()],
            within: Vec::new(),
            settings: Settings { criteria, ..Settings::default() },
        };
        let report = serde_json::to_vec(&audit(&request).unwrap()).unwrap();
        self.world.artifact(&self.developer, &report).await
    }

    async fn bias_test(&self, rows: usize, selected: [usize; 2]) -> EvidenceId {
        let report = self.report(rows, selected).await;
        let command = RecordBiasTest {
            version: "scorer@1".into(),
            report,
            observed_at: None,
            subject: None,
            note: String::new(),
        };
        let call = Call::new(self.developer.clone());
        self.world.app.record_bias_test(&call, command).await.unwrap().id.parse().unwrap()
    }

    /// A risk officer accepts whatever is open.
    pub(crate) async fn accept_findings(&self) {
        for finding in self.remediations().await.iter().filter(|one| one.closed_at.is_none()) {
            self.close(&self.risk, finding.id, None).await.unwrap();
        }
    }

    async fn remediations(&self) -> Vec<RemediationView> {
        self.world.app.remediations(&self.risk, Some("scoring"), Slice::default()).await.unwrap().items
    }

    async fn plan(&self, who: &Caller, id: RemediationId, days: u32) -> Result<(), AppError> {
        let command = PlanRemediation {
            owner: self.developer.principal.to_string(),
            mitigation: "another threshold".into(),
            days,
        };
        self.world.app.plan_remediation(&Call::new(who.clone()), id, command).await.map(|_| ())
    }

    async fn close(
        &self,
        who: &Caller,
        id: RemediationId,
        retest: Option<EvidenceId>,
    ) -> Result<(), AppError> {
        let command = CloseRemediation { retest, reason: "seen".into() };
        self.world.app.close_remediation(&Call::new(who.clone()), id, command).await.map(|_| ())
    }
}

fn refused_by(result: Result<impl Sized, AppError>) -> Vec<String> {
    match result.err().expect("it is refused") {
        AppError::Denied { decision, .. } => decision.rules.iter().map(|rule| rule.id.to_string()).collect(),
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staging_waits_for_a_bias_test_of_these_artifacts_that_passed() {
    let team = Team::new().await;
    team.baseline().await;
    let first = "baseline-bias-tested-first";
    team.world.version(&team.developer, "2", 0.9).await;
    // Version 1 serves there; what counts is the gate for it, asked anew.
    let fires = || async {
        let gate = team.gate_of("scorer@1", Environment::Staging).await;
        gate.rules.iter().any(|rule| rule.id.as_str() == first)
    };
    assert!(fires().await);
    // Of other artifacts it proves nothing, too few rows prove nothing, and typed words about a failure neither.
    let other = RecordBiasTest {
        version: "scorer@2".into(),
        report: team.report(2_000, [1_000, 990]).await,
        observed_at: None,
        subject: None,
        note: String::new(),
    };
    team.world.app.record_bias_test(&Call::new(team.developer.clone()), other).await.unwrap();
    assert!(fires().await);
    team.bias_test(20, [10, 10]).await;
    assert!(fires().await, "too few rows never pass");
    assert!(team.remediations().await.is_empty(), "and are no finding");
    team.bias_test(2_000, [1_000, 990]).await;
    assert!(!fires().await);
    let facts = team.gate_of("scorer@1", Environment::Staging).await.facts;
    assert_eq!(facts["impact_ratio_ppm"], 990_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_test_opens_a_finding_that_stops_production_until_it_is_planned() {
    let team = Team::new().await;
    team.baseline().await;
    let failed = team.bias_test(2_000, [1_000, 500]).await;
    team.bias_test(2_000, [1_000, 490]).await;
    let [finding] = &team.remediations().await[..] else { panic!("one finding, however often it is tested") };
    assert_eq!((finding.cause, finding.evidence), (RemediationCause::BiasTest, Some(failed)));
    assert_eq!(finding.state, "open");
    let worked_on = "baseline-findings-worked-on".to_owned();
    assert!(team.fired().await.contains(&worked_on));
    let gate = team.gate().await;
    assert_eq!(
        (&gate.facts["open_remediations"], &gate.facts["remediations_stalled"]),
        (&1.into(), &true.into())
    );

    team.plan(&team.developer, finding.id, 30).await.unwrap();
    assert!(!team.fired().await.contains(&worked_on));
    assert_eq!(team.gate().await.facts["open_remediations"], 1);
    // Sooner by whoever works on it, later by a risk officer only.
    team.plan(&team.developer, finding.id, 10).await.unwrap();
    assert_eq!(refused_by(team.plan(&team.developer, finding.id, 60).await), ["remediation-postponed"]);
    team.plan(&team.risk, finding.id, 20).await.unwrap();
    assert!(team.plan(&team.risk, finding.id, 181).await.is_err());

    let before = team.world.app.remind().await.unwrap();
    team.world.clock.pass(21 * DAY);
    assert_eq!(team.remediations().await[0].state, "overdue");
    assert_eq!((before, team.world.app.remind().await.unwrap()), (0, 1), "people are reminded once");
    assert_eq!(team.world.app.remind().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_ends_by_a_later_test_that_passed_or_by_somebody_without_a_part() {
    let team = Team::new().await;
    let early = team.bias_test(2_000, [1_000, 990]).await;
    team.bias_test(2_000, [1_000, 500]).await;
    let id = team.remediations().await[0].id;
    assert_eq!(refused_by(team.close(&team.developer, id, Some(early)).await), ["remediation-not-retested"]);
    let failed_again = team.bias_test(2_000, [1_000, 480]).await;
    assert_eq!(
        refused_by(team.close(&team.developer, id, Some(failed_again)).await),
        ["remediation-not-retested"]
    );
    // Another kind of evidence is no retest.
    let now = team.world.clock.now();
    let evaluation =
        RecordEvidence { passed: true, ..command(EvidenceKind::Evaluation, &[(Measure::Auc, "0.9")], now) };
    let call = Call::new(team.developer.clone());
    let evaluation = team.world.app.record_evidence(&call, evaluation).await.unwrap().id.parse().unwrap();
    assert_eq!(
        refused_by(team.close(&team.developer, id, Some(evaluation)).await),
        ["remediation-not-retested"]
    );
    let passed = team.bias_test(2_000, [1_000, 970]).await;
    team.close(&team.developer, id, Some(passed)).await.unwrap();
    let view = team.world.app.remediation(&team.risk, id).await.unwrap();
    assert_eq!((view.state.as_str(), view.retest), ("retested", Some(passed)));
    assert_eq!(view.reason.as_deref(), Some("seen"));
    assert!(matches!(team.close(&team.risk, id, None).await, Err(AppError::Conflict(_))));
    assert!(matches!(team.plan(&team.risk, id, 3).await, Err(AppError::Conflict(_))));

    let command = OpenRemediation { version: "scorer@1".into(), finding: "a complaint".into() };
    let opened = team.world.app.open_remediation(&Call::new(team.approver.clone()), command).await.unwrap();
    let id: RemediationId = opened.id.parse().unwrap();
    let refused = refused_by(team.close(&team.developer, id, None).await);
    assert!(refused.contains(&"remediation-accepted-by-participant".to_owned()), "{refused:?}");
    team.close(&team.risk, id, None).await.unwrap();
    assert_eq!(team.remediations().await[1].state, "accepted");
    assert_eq!(team.gate().await.facts["open_remediations"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_is_refused() {
    let team = Team::new().await;
    let report = team.world.artifact(&team.developer, b"{\"report\": {}}").await;
    let command = RecordBiasTest {
        version: "scorer@1".into(),
        report,
        observed_at: None,
        subject: None,
        note: String::new(),
    };
    let error =
        team.world.app.record_bias_test(&Call::new(team.developer.clone()), command).await.unwrap_err();
    assert!(error.to_string().contains("comptroller fairness"), "{error}");
}

#[tokio::test]
async fn what_a_report_failed_is_cleared_by_a_report_and_not_by_a_word() {
    let team = Team::new().await;
    team.bias_test(2_000, [1_000, 400]).await;
    let word = || RecordEvidence {
        kind: EvidenceKind::BiasTest,
        version: Some("scorer@1".into()),
        system: None,
        observed_at: team.world.app.store().clock().now(),
        passed: true,
        measures: BTreeMap::from([(Measure::ImpactRatio, "0.95".into())]),
        document: None,
        subject: None,
        note: String::new(),
    };
    let record = async |command| {
        team.world.app.record_evidence(&Call::new(team.developer.clone()), command).await.map(|_| ())
    };
    let refused = record(word()).await.unwrap_err();
    assert!(refused.to_string().contains("--from-report"), "{refused}");
    record(RecordEvidence { passed: false, ..word() }).await.unwrap();
    team.bias_test(2_000, [1_000, 990]).await;
    record(word()).await.unwrap();
}
