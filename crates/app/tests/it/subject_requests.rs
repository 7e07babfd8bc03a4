//! Requests of data subjects: clocks of the law, what a closed case needs, and the report on an erasure.

use crate::audits::rules;
use crate::world::{Desk, digest};
use comptroller_app::artifacts::BeginUpload;
use comptroller_app::assess::Because;
use comptroller_app::datasets::RegisterDatasetVersion;
use comptroller_app::deploy::Deploy;
use comptroller_app::evidence::ExportPack;
use comptroller_app::subject_requests::{
    CaseFilter, CloseSubjectRequest, DecideVersion, DeletionReport, NoteSubjectRequest, OpenSubjectRequest,
    SubjectRequestView,
};
use comptroller_app::subjects::{EraseSubject, RegisterSubject};
use comptroller_app::view::Slice;
use comptroller_app::{AppError, Call, Caller};
use comptroller_core::event::DatasetFile;
use comptroller_core::ids::{SubjectId, SubjectRequestId};
use comptroller_core::private::DatasetVersionText;
use comptroller_core::vocab::{
    AffectedDecision, CollectionMethod, ErasureBasis, LegalBasis, RequestOutcome, SubjectRequestKind,
    SubjectRequestStep,
};
use comptroller_core::{Environment, Role, Timestamp};
use comptroller_ledger::pack::PackReader;

const DAY: i64 = 86_400;

impl Desk {
    async fn registered(&self) -> SubjectId {
        let register =
            RegisterSubject { reference: "customer 4711".into(), datasets: vec!["loans@1".into()] };
        let call = Call::new(self.risk.clone());
        self.world.app.register_subject(&call, register).await.unwrap().id.parse().unwrap()
    }

    async fn open(
        &self,
        subject: SubjectId,
        kind: SubjectRequestKind,
        law: Option<&str>,
    ) -> Result<SubjectRequestId, AppError> {
        let command = OpenSubjectRequest {
            subject,
            kind,
            received_at: None,
            law: law.map(|law| law.parse().unwrap()),
            text: "I am Zaphod of customer 4711".into(),
        };
        let call = Call::new(self.risk.clone());
        Ok(self.world.app.open_subject_request(&call, command).await?.id.parse().unwrap())
    }

    async fn checked(&self, id: SubjectRequestId) {
        let command = NoteSubjectRequest {
            step: SubjectRequestStep::IdentityChecked,
            text: "called back under the number on file".into(),
        };
        self.world.app.note_subject_request(&Call::new(self.risk.clone()), id, command).await.unwrap();
    }

    async fn close_case(&self, id: SubjectRequestId, outcome: RequestOutcome) -> Result<u64, AppError> {
        let command = CloseSubjectRequest { outcome, text: "told by letter".into() };
        let call = Call::new(self.risk.clone());
        Ok(self.world.app.close_subject_request(&call, id, command).await?.ledger_index)
    }

    async fn case(&self, id: SubjectRequestId) -> SubjectRequestView {
        self.world.app.subject_request(&self.risk, id).await.unwrap()
    }

    async fn erase_by(&self, subject: SubjectId) -> u64 {
        let erase = EraseSubject {
            subject: format!("subject/{subject}"),
            basis: ErasureBasis::SubjectRequest,
            key_backups_expire_at: None,
        };
        self.world.app.erase_subject(&Call::new(self.risk.clone()), erase).await.unwrap().ledger_index
    }

    async fn decide(
        &self,
        who: &Caller,
        subject: SubjectId,
        decision: AffectedDecision,
        days: Option<u32>,
    ) -> Result<u64, AppError> {
        let command =
            DecideVersion { version: "scorer@1".into(), decision, days, reason: "one of many rows".into() };
        Ok(self
            .world
            .app
            .decide_affected_version(&Call::new(who.clone()), subject, command)
            .await?
            .ledger_index)
    }

    async fn report(&self, subject: SubjectId) -> DeletionReport {
        self.world.app.deletion_report(&self.risk, subject).await.unwrap()
    }

    /// Puts `scorer@1` into staging.
    async fn staged(&self) {
        let deployer = self.world.person("deployer", &[Role::Deployer], None).await;
        let command = Deploy {
            version: "scorer@1".into(),
            environment: Environment::Staging,
            reason: "rehearsal".into(),
        };
        self.world.app.deploy(&Call::new(deployer), command).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_is_due_after_a_month_and_can_be_extended_once_within_it() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let subject = desk.registered().await;
    let id = desk.open(subject, SubjectRequestKind::Access, None).await.unwrap();
    let case = desk.case(id).await;
    let days = |from: Timestamp, to: Timestamp| (to.micros() - from.micros()) / (DAY * 1_000_000);
    let first = case.due_at.unwrap();
    assert!((28..=32).contains(&days(case.received_at, first)), "{case:?}");
    assert!(case.due_by.contains("Art. 12(3)") && case.due_by.contains("1 month"), "{}", case.due_by);
    assert_eq!((case.state.as_str(), case.text.as_deref()), ("open", Some("I am Zaphod of customer 4711")));

    let extend = || Because { reason: "three systems, two of them of vendors".into() };
    let call = Call::new(desk.risk.clone());
    app.extend_subject_request(&call, id, extend()).await.unwrap();
    let later = desk.case(id).await;
    assert!((89..=93).contains(&days(later.received_at, later.due_at.unwrap())), "{later:?}");
    let twice = app.extend_subject_request(&call, id, extend()).await.unwrap_err();
    assert!(twice.to_string().contains("allows it once"), "{twice}");

    let second = desk.open(subject, SubjectRequestKind::Objection, None).await.unwrap();
    desk.world.clock.pass(33 * DAY);
    let late = app.extend_subject_request(&call, second, extend()).await.unwrap_err();
    assert!(late.to_string().contains("within it"), "{late}");
    assert_eq!((desk.case(id).await.state, desk.case(second).await.state), ("open".into(), "overdue".into()));
    let overdue = CaseFilter { overdue: true, ..CaseFilter::default() };
    let listed = app.subject_requests(&desk.risk, overdue, Slice::default()).await.unwrap().items;
    assert_eq!(listed.iter().map(|case| case.id).collect::<Vec<_>>(), [second]);
    assert_eq!((app.remind().await.unwrap(), app.remind().await.unwrap()), (1, 0), "once");
}

#[tokio::test]
async fn a_week_before_it_is_due_people_are_reminded() {
    let desk = Desk::new().await;
    let subject = desk.registered().await;
    desk.open(subject, SubjectRequestKind::Access, None).await.unwrap();
    assert_eq!(desk.world.app.remind().await.unwrap(), 0);
    desk.world.clock.pass(25 * DAY);
    assert_eq!(desk.world.app.remind().await.unwrap(), 1);
}

#[tokio::test]
async fn where_the_law_gives_no_number_there_is_none() {
    let desk = Desk::new().await;
    let subject = desk.registered().await;
    let id = desk.open(subject, SubjectRequestKind::Explanation, Some("eu-ai-act")).await.unwrap();
    let case = desk.case(id).await;
    assert_eq!(case.due_at, None);
    assert!(case.due_by.contains("Art. 86") && case.due_by.contains("gives no number"), "{}", case.due_by);
    let because = Because { reason: "complex".into() };
    let call = Call::new(desk.risk.clone());
    let error = desk.world.app.extend_subject_request(&call, id, because).await.unwrap_err();
    assert!(error.to_string().contains("nothing to extend"), "{error}");
    // The same by the GDPR, which asks for meaningful facts on the logic, has the month.
    let id = desk.open(subject, SubjectRequestKind::Explanation, None).await.unwrap();
    assert!(desk.case(id).await.due_at.is_some());
    let error = desk.open(subject, SubjectRequestKind::Erasure, Some("eu-ai-act")).await.unwrap_err();
    assert!(error.to_string().contains("rests on gdpr"), "{error}");
}

#[tokio::test]
async fn an_erasure_is_fulfilled_when_the_key_is_gone_and_every_version_decided_about() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    desk.world.version(&desk.developer, "1", 0.9).await;
    let subject = desk.registered().await;
    let id = desk.open(subject, SubjectRequestKind::Erasure, None).await.unwrap();
    let open = desk.close_case(id, RequestOutcome::Fulfilled).await.unwrap_err().to_string();
    for missing in ["checked who asks", "is not erased", "nobody decided"] {
        assert!(open.contains(missing), "{missing}: {open}");
    }
    desk.checked(id).await;
    let builder = desk.world.person("both", &[Role::RiskOfficer, Role::Developer], None).await;
    desk.world.version(&builder, "2", 0.8).await;
    let own = DecideVersion {
        version: "scorer@2".into(),
        decision: AffectedDecision::Keep,
        days: None,
        reason: "mine".into(),
    };
    let own = app.decide_affected_version(&Call::new(builder.clone()), subject, own).await;
    assert_eq!(rules(own), ["affected-version-decided-by-builder"]);
    assert_eq!(rules(desk.decide(&desk.auditor, subject, AffectedDecision::Keep, None).await), ["no-permit"]);
    for (decision, days) in [(AffectedDecision::Keep, Some(3)), (AffectedDecision::Retrain, None)] {
        let error = desk.decide(&desk.risk, subject, decision, days).await.unwrap_err();
        assert!(error.to_string().starts_with("days"), "{error}");
    }
    desk.decide(&desk.risk, subject, AffectedDecision::Retrain, Some(30)).await.unwrap();
    let second = DecideVersion {
        version: "scorer@2".into(),
        decision: AffectedDecision::Keep,
        days: None,
        reason: "a single row of a million".into(),
    };
    app.decide_affected_version(&Call::new(desk.risk.clone()), subject, second).await.unwrap();
    let index = desk.erase_by(subject).await;
    desk.close_case(id, RequestOutcome::Fulfilled).await.unwrap();
    let case = desk.case(id).await;
    assert_eq!((case.state.as_str(), case.erasure), ("fulfilled", Some(index)));
    // INVARIANT (no-personal-data-in-entries): what the subject wrote went with the key; the answer came later.
    assert_eq!((case.text.as_deref(), case.steps[0].text.as_deref()), (None, None));
    assert_eq!(case.answer.as_deref(), Some("told by letter"));
    let again = desk.open(subject, SubjectRequestKind::Access, None).await.unwrap_err();
    assert!(again.to_string().contains("registered again"), "{again}");
    let closed = desk.close_case(id, RequestOutcome::Refused).await.unwrap_err();
    assert!(closed.to_string().contains("closed already"), "{closed}");
}

#[tokio::test]
async fn what_a_subject_wrote_stands_in_an_evidence_pack_only_by_choice() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let subject = desk.registered().await;
    let id = desk.open(subject, SubjectRequestKind::Access, None).await.unwrap();
    desk.checked(id).await;
    desk.close_case(id, RequestOutcome::Fulfilled).await.unwrap();
    let case = desk.case(id).await;
    let of_case = [case.ledger_index, case.steps[0].ledger_index];
    for (chosen, expected) in [(false, 0), (true, 1)] {
        let command = ExportPack { include_personal_data: chosen, controls: None };
        let pack = app.export_pack(&desk.auditor, command).await.unwrap();
        let pack = PackReader::open(pack.file).unwrap();
        for index in of_case {
            assert_eq!(pack.openings(index).unwrap().len(), expected, "entry {index}, chosen: {chosen}");
        }
    }
}

#[tokio::test]
async fn a_refusal_takes_a_reason_and_needs_nothing_else() {
    let desk = Desk::new().await;
    let subject = desk.registered().await;
    let id = desk.open(subject, SubjectRequestKind::Erasure, None).await.unwrap();
    let command = CloseSubjectRequest { outcome: RequestOutcome::Refused, text: "  ".into() };
    let call = Call::new(desk.risk.clone());
    let error = desk.world.app.close_subject_request(&call, id, command).await.unwrap_err();
    assert!(error.to_string().contains("text"), "{error}");
    desk.close_case(id, RequestOutcome::Refused).await.unwrap();
    let case = desk.case(id).await;
    assert_eq!((case.state.as_str(), case.answer.as_deref()), ("refused", Some("told by letter")));
}

#[tokio::test]
async fn the_deletion_report_names_data_versions_and_decisions_with_their_entries_and_what_is_open_first() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    // A dataset that derives from the one that holds the subject, with a file that is stored here.
    let content = b"rows about customers";
    let begin = BeginUpload {
        digest: digest(content),
        bytes: content.len() as u64,
        media_type: "text/csv".parse().unwrap(),
    };
    let call = Call::new(desk.developer.clone());
    let upload = app.begin_upload(&call, begin).await.unwrap();
    app.put_part(&desk.developer, upload.id, 1, bytes::Bytes::from_static(content)).await.unwrap();
    app.complete_upload(&call, upload.id).await.unwrap();
    let derived = RegisterDatasetVersion {
        label: "2".parse().unwrap(),
        files: vec![DatasetFile {
            name: "clean.csv".parse().unwrap(),
            digest: digest(content),
            bytes: content.len() as u64,
        }],
        rows: 1,
        licence: "CC0".parse().unwrap(),
        collection: CollectionMethod::Public,
        legal_basis: LegalBasis::NotPersonal,
        personal_data: Vec::new(),
        retention_days: None,
        derived_from: vec!["loans@1".into()],
        text: DatasetVersionText { origin: "loans@1".into(), ..DatasetVersionText::default() },
    };
    app.register_dataset_version(&call, "loans".into(), derived).await.unwrap();
    desk.world.version(&desk.developer, "1", 0.9).await;
    desk.staged().await;
    let subject = desk.registered().await;

    let report = desk.report(subject).await;
    assert_eq!(report.open.len(), 3, "{:?}", report.open);
    assert!(report.open[0].contains("key is not destroyed"));
    assert!(report.open[1].contains("scoring/scorer@1: nobody decided"));
    assert!(report.open[2].contains("loans@2: 1 of 1 files"));
    let names: Vec<(&str, bool)> =
        report.datasets.iter().map(|held| (held.name.as_str(), held.derived_from.is_empty())).collect();
    assert_eq!(names, [("loans@2", false), ("loans@1", true)], "what is stored still is first");
    assert!(report.datasets.iter().all(|held| held.registered.is_some()) && report.registered.is_some());

    let decided = desk.decide(&desk.risk, subject, AffectedDecision::Retire, Some(10)).await.unwrap();
    let erased = desk.erase_by(subject).await;
    let report = desk.report(subject).await;
    assert_eq!(report.open.len(), 1, "{:?}", report.open);
    assert_eq!(report.erasure.as_ref().map(|line| line.ledger_index), Some(erased));
    let version = &report.versions[0];
    let decision = version.decision.as_ref().unwrap();
    assert_eq!((version.state.as_str(), decision.ledger_index), ("decided", decided));
    assert_eq!(
        decision.reason.as_deref(),
        Some("one of many rows"),
        "the reason is about the version, and stays"
    );
    assert!(version.serves_in.contains_key(&Environment::Staging));
    assert_eq!(
        report,
        DeletionReport { at: report.at, ledger_size: report.ledger_size, ..desk.report(subject).await }
    );

    desk.world.clock.pass(11 * DAY);
    let late = desk.report(subject).await;
    assert_eq!(late.versions[0].state, "overdue");
    assert!(late.open[0].contains("retire was to be done by"), "{:?}", late.open);
    assert_eq!((app.remind().await.unwrap(), app.remind().await.unwrap()), (1, 0));
    assert!(!rules(app.deletion_report(&desk.developer, subject).await).is_empty());
}
