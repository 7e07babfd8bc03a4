//! What is too old goes, what is held or young stays, and every proof holds.

use crate::governance::{Team, command};
use comptroller_app::assess::{Because, RecordEvidence};
use comptroller_app::audit::EntryQuery;
use comptroller_app::caller::Caller;
use comptroller_app::documents::AnswerDocument;
use comptroller_app::evidence::ExportPack;
use comptroller_app::holds::PlaceHold;
use comptroller_app::predictions::proof::verify;
use comptroller_app::predictions::{Format, SendRecords};
use comptroller_app::retention::{PurgeReport, RunPurge};
use comptroller_app::view::Slice;
use comptroller_app::{AppError, Call};
use comptroller_core::ids::HoldId;
use comptroller_core::vocab::{BundleVerdict, EvidenceKind, RecordKind, RetentionClass};
use comptroller_core::{Digest, Environment, Role};
use comptroller_ledger::pack::verify_pack;
use comptroller_ledger::verify::Trust;

const DAY: i64 = 86_400;
const RULES: &str = r#"
title = "ours"
source = "retention schedule, version 2"
[retention.ours-documents]
class = "evidence-document"
min_days = 30
max_days = 90
reason = "tests older than a quarter say nothing about what runs"
control = ["CTL-RETENTION-01"]
[retention.ours-models]
class = "model-file"
max_days = 60
reason = "what no longer runs"
control = ["CTL-RETENTION-01"]
[retention.ours-unused]
class = "unused-file"
max_days = 7
reason = "nobody registered them"
control = ["CTL-RETENTION-01"]
[retention.ours-records]
class = "prediction-records"
max_days = 40
reason = "what was decided may be questioned for a month"
control = ["CTL-RETENTION-01"]
[retention.ours-notes]
class = "note"
max_days = 90
reason = "free text may hold personal data"
control = ["CTL-RETENTION-01"]
"#;

impl Team {
    /// Puts the pack `baseline` and the rules above in force, the whole way.
    async fn keep(&self) {
        let app = &self.world.app;
        let id = self
            .propose(&["baseline"], |files| {
                files.insert("cards/ours.toml".into(), RULES.into());
            })
            .await;
        let analysed = app.analyse_policies(&Call::new(self.risk.clone()), id).await.unwrap();
        // Nothing new is let in, but something is purged that was not.
        assert_eq!(analysed.verdict, Some(BundleVerdict::Looser));
        self.approve_policies(&self.risk2, id).await.unwrap();
        self.approve_policies(&self.risk3, id).await.unwrap();
        self.activate(id).await.unwrap();
    }

    /// An evaluation with a document.
    async fn evaluation(&self) -> Digest {
        let document = self.world.artifact(&self.developer, b"how it was evaluated").await;
        let now = self.world.app.store().clock().now();
        let recorded = RecordEvidence {
            document: Some(document.clone()),
            note: "on the held-out year".into(),
            ..command(EvidenceKind::Evaluation, &[], now)
        };
        self.world.app.record_evidence(&Call::new(self.developer.clone()), recorded).await.unwrap();
        document
    }

    /// An issued sheet of the dataset.
    async fn issued(&self) -> Digest {
        let app = &self.world.app;
        let (kind, subject) = ("dataset-sheet", "loans@1");
        for open in app.document(&self.developer, kind, subject).await.unwrap().open {
            let answer = AnswerDocument { key: open.key.parse().unwrap(), text: "as it says".into() };
            let call = Call::new(self.developer.clone());
            app.answer_document(&call, kind.into(), subject.into(), answer).await.unwrap();
        }
        let call = Call::new(self.risk.clone());
        app.issue_document(&call, kind.into(), subject.into()).await.unwrap().id.parse().unwrap()
    }

    async fn purge(&self) -> PurgeReport {
        self.world.app.purge(&self.world.owner, RunPurge { dry_run: false }).await.unwrap()
    }

    async fn would_purge(&self) -> PurgeReport {
        self.world.app.purge(&self.risk, RunPurge { dry_run: true }).await.unwrap()
    }

    async fn is_stored(&self, digest: &Digest) -> bool {
        self.world.app.artifact(&self.developer, digest).await.is_ok()
    }

    async fn hold(&self, system: Option<&str>, version: Option<&str>) -> HoldId {
        let command = PlaceHold {
            system: system.map(str::to_owned),
            version: version.map(str::to_owned),
            owner: self.approver.principal.to_string(),
            reason: "a claim was filed".into(),
        };
        let receipt = self.world.app.place_hold(&Call::new(self.risk.clone()), command).await.unwrap();
        receipt.id.parse().unwrap()
    }

    async fn release(&self, who: &Caller, hold: HoldId) -> Result<(), AppError> {
        let because = Because { reason: "it was settled".into() };
        self.world.app.release_hold(&Call::new(who.clone()), hold, because).await.map(|_| ())
    }

    /// The store agrees with itself, and a pack verifies.
    async fn is_whole(&self) {
        let app = &self.world.app;
        app.store().publish().await.unwrap();
        let findings = app.store().doctor(true).await.unwrap();
        assert!(findings.is_clean(), "{:?}", findings.found);
        let findings = app.store().rebuild_check().await.unwrap();
        assert!(findings.is_clean(), "{:?}", findings.found);
        let auditor = self.world.person("auditor", &[Role::Auditor], None).await;
        let pack = app.export_pack(&auditor, ExportPack::default()).await.unwrap();
        let key = app.store().signer().vkey().parse().unwrap();
        let report = verify_pack(pack.file, &Trust::of_keys([key])).unwrap();
        assert_eq!(report.log.size, pack.size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_purged_with_a_record_and_every_proof_holds() {
    let team = Team::new().await;
    let app = &team.world.app;
    // INVARIANT (purge-is-recorded): without a rule nothing goes, however old.
    let unused = team.world.artifact(&team.developer, b"never registered").await;
    team.world.clock.pass(400 * DAY);
    assert_eq!((team.purge().await.files, team.purge().await.notes), (0, 0));

    team.keep().await;
    let document = team.evaluation().await;
    let issued = team.issued().await;
    let fired = team.fired().await;
    assert!(!fired.contains(&"baseline-evaluated".to_owned()), "{fired:?}");
    let dry = team.would_purge().await;
    assert_eq!((dry.due_files, dry.due[0].digest.clone()), (1, unused.clone()));
    assert_eq!(dry.due[0].class, RetentionClass::UnusedFile);
    assert!(dry.notes >= 1, "the reason of the first deployment: {dry:?}");
    assert!(team.is_stored(&unused).await, "a dry run purges nothing");

    let report = team.purge().await;
    assert_eq!((report.files, report.swept, report.notes), (1, 1, dry.notes));
    assert!(!team.is_stored(&unused).await);
    assert!(team.is_stored(&document).await);
    let missing = app.artifact(&team.developer, &unused).await.unwrap_err().to_string();
    assert!(missing.contains("purged"), "{missing}");

    team.world.clock.pass(89 * DAY);
    assert_eq!(team.purge().await.files, 0, "the version's file is in use, the documents young");
    assert!(team.is_stored(&issued).await);
    team.world.clock.pass(DAY);
    let report = team.purge().await;
    assert_eq!(report.purged.iter().filter(|item| item.artifact == Some(document.clone())).count(), 1);
    assert!(!team.is_stored(&document).await);
    assert!(!team.is_stored(&issued).await, "what was issued is kept as long as evidence, and no longer");
    // The evidence without its document is no evidence any more.
    assert!(team.fired().await.contains(&"baseline-evaluated".to_owned()));
    let version = app.version(&team.developer, "scorer@1").await.unwrap();
    assert!(team.is_stored(&version.artifacts[0].digest).await, "what is live stays");

    let query = EntryQuery { kind: Some("data.purged".into()), ..EntryQuery::default() };
    let entries = app.entries(&team.risk, query, Slice::default()).await.unwrap().items;
    let of = |digest: &Digest| {
        let named = entries.iter().find(|view| view.entry["data"]["artifact"]["digest"] == digest.as_str());
        named.unwrap().entry["data"].clone()
    };
    let event = of(&document);
    assert_eq!(event["class"], "evidence-document");
    assert_eq!(event["age_days"], 90);
    assert_eq!(event["rules"], serde_json::json!(["ours-documents"]));
    assert_eq!(of(&unused)["rules"], serde_json::json!(["ours-unused"]));
    team.is_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_held_is_purged() {
    // INVARIANT (nothing-held-is-purged)
    let team = Team::new().await;
    team.keep().await;
    let document = team.evaluation().await;
    let unused = team.world.artifact(&team.developer, b"never registered").await;
    let hold = team.hold(None, Some("scorer@1")).await;
    team.world.clock.pass(400 * DAY);
    let report = team.purge().await;
    // The hold covers the version's evidence and the notes of its system, not what nothing names.
    assert_eq!(report.purged.iter().filter_map(|item| item.artifact.clone()).collect::<Vec<_>>(), [unused]);
    assert!(report.held >= 2, "{report:?}");
    assert!(team.is_stored(&document).await);
    let shown = team.world.app.retention(&team.risk).await.unwrap();
    assert_eq!((shown.held[0].digest.clone(), shown.held[0].hold), (document.clone(), Some(hold)));

    // Neither whoever placed it, nor anybody who may purge, nor anybody else without the role.
    for who in [&team.risk, &team.world.owner, &team.developer, &team.approver] {
        assert!(matches!(team.release(who, hold).await, Err(AppError::Denied { .. })));
    }
    let everything = team.hold(None, None).await;
    team.release(&team.risk2, hold).await.unwrap();
    assert!(matches!(team.release(&team.risk2, hold).await, Err(AppError::Conflict(_))));
    assert_eq!(team.purge().await.files, 0, "the other hold covers everything");
    team.release(&team.risk3, everything).await.unwrap();
    let report = team.purge().await;
    assert_eq!((report.files, report.held), (1, 0), "{report:?}");
    assert!(!team.is_stored(&document).await);
    let holds = team.world.app.holds(&team.risk, false, Slice::default()).await.unwrap().items;
    assert!(holds.is_empty(), "{holds:?}");
    let all = team.world.app.holds(&team.risk, true, Slice::default()).await.unwrap().items;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].reason.as_deref(), Some("a claim was filed"));
    team.is_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_into_use_again_stays() {
    let team = Team::new().await;
    team.keep().await;
    team.world.version(&team.developer, "2", 0.95).await;
    let version = team.world.app.version(&team.developer, "scorer@2").await.unwrap();
    let file = &version.artifacts[0].digest;
    team.world.clock.pass(61 * DAY);
    assert_eq!(team.would_purge().await.due_files, 1);
    // It is deployed before the purge comes: its time begins when it no longer runs.
    let deploy = comptroller_app::deploy::Deploy {
        version: "scorer@2".into(),
        environment: Environment::Dev,
        reason: "again".into(),
    };
    team.world.app.deploy(&Call::new(team.deployer.clone()), deploy).await.unwrap();
    assert_eq!(team.purge().await.files, 0);
    assert!(team.is_stored(file).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_held_is_purged_of_prediction_records_and_a_proof_outlives_them() {
    // INVARIANT (nothing-held-is-purged)
    let team = Team::new().await;
    let app = &team.world.app;
    team.keep().await;
    let runtime = team.world.runtime().await;
    let send = |batch: &str, id: &str| {
        let record =
            serde_json::json!({"records": [{"id": id, "time": "2026-03-01T10:00:00Z", "score": 0.5}]});
        let command = SendRecords {
            records: RecordKind::Prediction,
            version: "scorer@1".into(),
            environment: Environment::Staging,
            batch: batch.into(),
            format: Format::Json,
        };
        app.record_predictions(&runtime, command, record.to_string().into())
    };
    send("b1", "first").await.unwrap();
    app.seal_predictions(true).await.unwrap();
    app.store().publish().await.unwrap();
    let proof = app.prediction_proof(&team.risk, "scoring", "first").await.unwrap();
    team.world.clock.pass(39 * DAY);
    assert_eq!(team.purge().await.days, 0, "it is too young");
    let hold = team.hold(Some("scoring"), None).await;
    team.world.clock.pass(2 * DAY);
    let report = team.purge().await;
    assert_eq!((report.days, report.held >= 1), (0, true), "it is held");
    let shown = app.retention(&team.risk).await.unwrap().next_days;
    assert_eq!((shown.len(), shown[0].rows, shown[0].hold), (1, 1, Some(hold)));
    assert_eq!(shown[0].due_at, Some(shown[0].since.plus_seconds(40 * DAY)));
    team.release(&team.risk2, hold).await.unwrap();
    assert_eq!(team.would_purge().await.days, 1);
    // A late record makes the day younger again.
    send("b2", "late").await.unwrap();
    app.seal_predictions(true).await.unwrap();
    assert_eq!(team.purge().await.days, 0);
    team.world.clock.pass(41 * DAY);
    let report = team.purge().await;
    assert_eq!((report.days, report.swept >= 2), (1, true));
    let error = app.prediction(&team.risk, "scoring", "first").await.unwrap_err();
    assert!(matches!(error, AppError::NotFound { .. }), "{error}");
    let key = app.store().signer().vkey().parse().unwrap();
    let text = serde_json::to_string(&proof).unwrap();
    assert!(verify(text.as_bytes(), &[key], "proof").is_ok(), "whoever kept a proof still has one");
    team.is_whole().await;
    // The same day can be written again, under a key of its own.
    send("b3", "again").await.unwrap();
    app.seal_predictions(true).await.unwrap();
    assert!(app.prediction(&team.risk, "scoring", "again").await.unwrap().block.is_some());
    assert_eq!(team.purge().await.days, 0);
}
