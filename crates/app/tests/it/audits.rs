//! Auditors from outside: access for a time and a scope, every read on record, requests, and the overview.

use crate::world::Desk;
use comptroller_app::assess::Because;
use comptroller_app::audit::EntryQuery;
use comptroller_app::audits::{
    AnswerEvidenceRequest, AskEvidence, EngageAuditor, EvidenceRequestView, JudgeEvidenceRequest,
    RequestFilter, overview_html,
};
use comptroller_app::controls::AdoptControl;
use comptroller_app::datasets::RegisterDatasetVersion;
use comptroller_app::people::ChangeRole;
use comptroller_app::systems::RegisterSystem;
use comptroller_app::view::Slice;
use comptroller_app::{AppError, Call, Caller};
use comptroller_core::event::DatasetFile;
use comptroller_core::ids::{EngagementId, EvidenceRequestId};
use comptroller_core::private::{DatasetVersionText, SystemText};
use comptroller_core::vocab::{CollectionMethod, LegalBasis, SystemKind, SystemStatus};
use comptroller_core::{Digest, Role, Timestamp};

const DAY: i64 = 86_400;

/// The rules that stand against an act, by name.
pub(crate) fn rules<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> Vec<String> {
    match outcome {
        Err(AppError::Denied { decision, .. }) => {
            decision.rules.iter().map(|rule| rule.id.to_string()).collect()
        }
        other => panic!("not denied: {other:?}"),
    }
}

impl Desk {
    fn at(&self, days: i64) -> Timestamp {
        self.world.app.store().clock().now().plus_seconds(days * DAY)
    }

    /// Somebody who holds no role.
    async fn outsider(&self, name: &str) -> Caller {
        self.world.person(name, &[], None).await
    }

    fn terms(&self, auditor: &Caller, systems: &[&str]) -> EngageAuditor {
        EngageAuditor {
            auditor: auditor.principal.to_string(),
            frameworks: vec!["soc2".parse().unwrap()],
            systems: systems.iter().map(|&name| name.to_owned()).collect(),
            from: self.at(-30),
            to: self.at(1),
            until: self.at(30),
            note: "Example Audits LLP, letter of 1 November".into(),
        }
    }

    async fn engage(&self, auditor: &Caller, systems: &[&str]) -> EngagementId {
        let terms = self.terms(auditor, systems);
        let call = Call::new(self.risk.clone());
        self.world.app.engage_auditor(&call, terms).await.unwrap().id.parse().unwrap()
    }

    async fn end(&self, engagement: EngagementId) {
        let because = Because { reason: "the report is issued".into() };
        self.world.app.end_engagement(&Call::new(self.risk.clone()), engagement, because).await.unwrap();
    }

    /// What entries of a kind are about an engagement.
    async fn entries(&self, kind: &str, engagement: EngagementId) -> Vec<serde_json::Value> {
        let query = EntryQuery {
            kind: Some(kind.to_owned()),
            subject: Some(format!("engagement/{engagement}")),
            ..EntryQuery::default()
        };
        let page = self.world.app.entries(&self.auditor, query, Slice::default()).await.unwrap();
        page.items.into_iter().map(|view| view.entry).collect()
    }

    async fn other_system(&self) {
        let text = SystemText { title: "Other".into(), purpose: "Other".into(), ..SystemText::default() };
        let system = RegisterSystem {
            slug: "other".parse().unwrap(),
            kind: SystemKind::Own,
            status: SystemStatus::Development,
            owner_team: "risk".into(),
            vendor: None,
            text,
        };
        self.world.app.register_system(&Call::new(self.developer.clone()), system).await.unwrap();
    }

    async fn ask(&self, who: &Caller, title: &str) -> Result<EvidenceRequestId, AppError> {
        let asked = AskEvidence {
            engagement: None,
            title: title.into(),
            text: "for the sample of October".into(),
            control: Some("CTL-CHANGE-02".parse().unwrap()),
            criterion: Some("soc2:CC8.1".parse().unwrap()),
            days: 5,
        };
        Ok(self.world.app.ask_evidence(&Call::new(who.clone()), asked).await?.id.parse().unwrap())
    }

    async fn answer_request(&self, id: EvidenceRequestId, entries: &[u64]) -> Result<u64, AppError> {
        let command = AnswerEvidenceRequest {
            text: "the entries show it".into(),
            entries: entries.to_vec(),
            ..AnswerEvidenceRequest::default()
        };
        let call = Call::new(self.developer.clone());
        Ok(self.world.app.answer_evidence_request(&call, id, command).await?.ledger_index)
    }

    async fn judge(
        &self,
        who: &Caller,
        id: EvidenceRequestId,
        accepted: bool,
        reason: &str,
    ) -> Result<u64, AppError> {
        let command = JudgeEvidenceRequest { accepted, reason: reason.into() };
        Ok(self.world.app.judge_evidence_request(&Call::new(who.clone()), id, command).await?.ledger_index)
    }

    async fn request(&self, id: EvidenceRequestId) -> EvidenceRequestView {
        self.world.app.evidence_request(&self.risk, id).await.unwrap()
    }
}

#[tokio::test]
async fn an_auditor_reads_for_the_time_of_the_engagement_and_every_read_is_on_record() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let outsider = desk.outsider("alva").await;
    assert_eq!(rules(app.system(&outsider, "scoring").await), ["no-permit"], "before: nothing");

    let engagement = desk.engage(&outsider, &[]).await;
    let system = app.system(&outsider, "scoring").await.unwrap();
    app.teams(&outsider, Slice::default()).await.unwrap();
    app.controls(&outsider).await.unwrap();
    let read: Vec<(String, String)> = desk
        .entries("audit.read", engagement)
        .await
        .iter()
        .rev()
        .map(|entry| {
            assert_eq!(entry["actor"], format!("principal/{}", outsider.principal));
            let text = |name: &str| entry["data"][name].as_str().unwrap().to_owned();
            (text("action"), text("resource"))
        })
        .collect();
    let of = |action: &str, resource: &str| (action.to_owned(), resource.to_owned());
    assert_eq!(
        read,
        [
            of("system.read", &format!("system/{}", system.id)),
            of("team.read", "org/own"),
            of("audit.read", "org/own")
        ],
        "each read, once, in its order"
    );
    // The reads of somebody of the organisation are no reads of an auditor.
    app.system(&desk.auditor, "scoring").await.unwrap();
    assert_eq!(desk.entries("audit.read", engagement).await.len(), 3);

    let text = SystemText::default();
    let system = RegisterSystem {
        slug: "mine".parse().unwrap(),
        kind: SystemKind::Own,
        status: SystemStatus::Development,
        owner_team: "risk".into(),
        vendor: None,
        text,
    };
    let refused = rules(app.register_system(&Call::new(outsider.clone()), system).await);
    assert!(refused.contains(&"auditor-changes-nothing".to_owned()), "{refused:?}");

    desk.world.clock.pass(31 * DAY);
    let over = rules(app.system(&outsider, "scoring").await);
    assert!(over.contains(&"auditor-outside-the-time".to_owned()), "{over:?}");
    let view = app.engagement(&desk.risk, engagement).await.unwrap();
    assert_eq!(view.state, "over");
}

#[tokio::test]
async fn access_ends_at_any_time_and_whoever_audited_may_work_here_later_but_not_audit() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let outsider = desk.outsider("alva").await;
    let engagement = desk.engage(&outsider, &[]).await;
    app.system(&outsider, "scoring").await.unwrap();
    desk.end(engagement).await;
    let over = rules(app.system(&outsider, "scoring").await);
    assert!(over.contains(&"auditor-outside-the-time".to_owned()), "{over:?}");
    let because = Because { reason: "again".into() };
    let twice = app.end_engagement(&Call::new(desk.risk.clone()), engagement, because).await.unwrap_err();
    assert!(twice.to_string().contains("no access any more"), "{twice}");
    let view = app.engagement(&desk.risk, engagement).await.unwrap();
    assert_eq!((view.state.as_str(), view.reason.as_deref()), ("ended", Some("the report is issued")));

    // The role of an auditor, given by hand, does not bring the access back.
    let role = |role| ChangeRole { principal: outsider.principal.to_string(), role, system: None };
    app.grant_role(&desk.world.owner(), role(Role::Auditor)).await.unwrap();
    let over = rules(app.system(&outsider, "scoring").await);
    assert_eq!(over, ["auditor-outside-the-time"]);
    app.revoke_role(&desk.world.owner(), role(Role::Auditor)).await.unwrap();
    app.grant_role(&desk.world.owner(), role(Role::Developer)).await.unwrap();
    app.system(&outsider, "scoring").await.unwrap();
    assert_eq!(desk.entries("audit.read", engagement).await.len(), 1, "that is no read of an auditor");

    // A new engagement is not for somebody who works here.
    let call = Call::new(desk.risk.clone());
    let refused = rules(app.engage_auditor(&call, desk.terms(&outsider, &[])).await);
    assert_eq!(refused, ["auditor-takes-part"]);
}

#[tokio::test]
async fn an_engagement_for_some_systems_shows_nothing_of_others() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    desk.other_system().await;
    let outsider = desk.outsider("alva").await;
    let engagement = desk.engage(&outsider, &["scoring"]).await;
    app.system(&outsider, "scoring").await.unwrap();
    for elsewhere in [
        rules(app.system(&outsider, "other").await),
        rules(app.teams(&outsider, Slice::default()).await),
        rules(app.entries(&outsider, EntryQuery::default(), Slice::default()).await),
        rules(app.subjects(&outsider, Slice::default()).await),
    ] {
        assert!(elsewhere.contains(&"auditor-outside-the-scope".to_owned()), "{elsewhere:?}");
    }
    // The engagement itself is theirs to see, and no other one.
    let second = desk.outsider("bela").await;
    let others = desk.engage(&second, &[]).await;
    let listed = app.engagements(&outsider, Slice::default()).await.unwrap().items;
    assert_eq!(listed.iter().map(|view| view.id).collect::<Vec<_>>(), [engagement]);
    assert!(!rules(app.engagement(&second, engagement).await).is_empty());
    assert_eq!(app.engagement(&second, others).await.unwrap().auditor, second.principal);
    assert_eq!(app.engagements(&desk.developer, Slice::default()).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn who_may_engage_whom_and_for_how_long() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let outsider = desk.outsider("alva").await;
    let good = || desk.terms(&outsider, &[]);
    let by = |who: &Caller| Call::new(who.clone());
    assert_eq!(rules(app.engage_auditor(&by(&desk.developer), good()).await), ["no-permit"]);
    let owner = desk.world.owner();
    assert_eq!(rules(app.engage_auditor(&owner, good()).await), ["no-permit"]);
    let insider = desk.terms(&desk.developer, &[]);
    assert_eq!(rules(app.engage_auditor(&by(&desk.risk), insider).await), ["auditor-takes-part"]);
    let myself = desk.terms(&desk.risk, &[]);
    assert_eq!(rules(app.engage_auditor(&by(&desk.risk), myself).await), ["auditor-takes-part"]);
    for (wrong, says) in [
        (EngageAuditor { until: desk.at(400), ..good() }, "at most a year"),
        (EngageAuditor { until: desk.at(-1), ..good() }, "until"),
        (EngageAuditor { to: desk.at(-60), ..good() }, "ends after it begins"),
        (EngageAuditor { frameworks: Vec::new(), ..good() }, "frameworks"),
        (EngageAuditor { frameworks: vec!["sock2".parse().unwrap()], ..good() }, "sock2"),
        (EngageAuditor { systems: vec!["none".into()], ..good() }, "none"),
        (EngageAuditor { note: " ".into(), ..good() }, "note"),
    ] {
        let error = app.engage_auditor(&by(&desk.risk), wrong).await.unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    assert!(
        app.engagements(&desk.risk, Slice::default()).await.unwrap().items.is_empty(),
        "nothing half-written"
    );
}

#[tokio::test]
async fn what_is_asked_for_is_answered_flagged_answered_again_and_accepted() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let outsider = desk.outsider("alva").await;
    assert!(desk.ask(&outsider, "approvals").await.unwrap_err().to_string().contains("name one"));
    desk.engage(&outsider, &["scoring"]).await;
    let id = desk.ask(&outsider, "approvals").await.unwrap();
    assert!(
        !rules(desk.judge(&desk.auditor, id, true, "").await).is_empty(),
        "another auditor does not judge"
    );
    let early = desk.judge(&outsider, id, true, "").await.unwrap_err();
    assert!(early.to_string().contains("is open"), "{early}");

    let beyond = desk.answer_request(id, &[9_999]).await.unwrap_err();
    assert!(beyond.to_string().contains("no entry 9999"), "{beyond}");
    desk.answer_request(id, &[0, 1]).await.unwrap();
    let silent = desk.judge(&outsider, id, false, "").await.unwrap_err();
    assert!(silent.to_string().contains("reason"), "what is flagged is said why: {silent}");
    desk.judge(&outsider, id, false, "October is missing").await.unwrap();
    let flagged = desk.request(id).await;
    assert_eq!(
        (flagged.state.as_str(), flagged.judgement.as_deref(), flagged.entries.as_slice()),
        ("flagged", Some("October is missing"), &[0_u64, 1][..])
    );
    desk.answer_request(id, &[2]).await.unwrap();
    desk.judge(&outsider, id, true, "").await.unwrap();
    let accepted = desk.request(id).await;
    assert_eq!((accepted.state.as_str(), accepted.entries.as_slice()), ("accepted", &[2_u64][..]));
    let late = desk.answer_request(id, &[3]).await.unwrap_err();
    assert!(late.to_string().contains("accepted already"), "{late}");

    let dropped = desk.ask(&outsider, "a list of people").await.unwrap();
    let because = Because { reason: "not needed".into() };
    app.withdraw_evidence_request(&Call::new(outsider.clone()), dropped, because).await.unwrap();
    assert_eq!(desk.request(dropped).await.state, "withdrawn");
    let wrong = AskEvidence {
        engagement: None,
        title: "x".into(),
        text: String::new(),
        control: None,
        criterion: Some("gdpr:15.1".parse().unwrap()),
        days: 5,
    };
    let error = app.ask_evidence(&Call::new(outsider.clone()), wrong).await.unwrap_err();
    assert!(error.to_string().contains("the engagement is about soc2"), "{error}");
}

#[tokio::test]
async fn what_is_not_answered_in_time_shows_and_reminds_once() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let outsider = desk.outsider("alva").await;
    desk.engage(&outsider, &[]).await;
    let id = desk.ask(&outsider, "approvals").await.unwrap();
    assert_eq!(app.remind().await.unwrap(), 0);
    desk.world.clock.pass(6 * DAY);
    assert!(desk.request(id).await.overdue);
    assert_eq!((app.remind().await.unwrap(), app.remind().await.unwrap()), (1, 0));
    desk.answer_request(id, &[0]).await.unwrap();
    assert!(!desk.request(id).await.overdue, "it waits for the auditor now");
    let open = RequestFilter { state: Some("open".into()), ..RequestFilter::default() };
    assert!(app.evidence_requests(&desk.risk, open, Slice::default()).await.unwrap().items.is_empty());
    assert_eq!(
        app.evidence_requests(&outsider, RequestFilter::default(), Slice::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}

#[tokio::test]
async fn an_auditor_sees_exceptions_and_blind_spots_first() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let adopt = AdoptControl { control: "CTL-DATA-01".parse().unwrap(), definition: None };
    app.adopt_control(&Call::new(desk.risk.clone()), adopt).await.unwrap();
    let version = RegisterDatasetVersion {
        label: "2".parse().unwrap(),
        files: vec![DatasetFile {
            name: "a.csv".parse().unwrap(),
            digest: Digest::from_bytes([7; 32]),
            bytes: 10,
        }],
        rows: 1,
        licence: "CC0".parse().unwrap(),
        collection: CollectionMethod::Public,
        legal_basis: LegalBasis::Unstated,
        personal_data: Vec::new(),
        retention_days: None,
        derived_from: Vec::new(),
        text: DatasetVersionText { origin: "published".into(), ..DatasetVersionText::default() },
    };
    let call = Call::new(desk.developer.clone());
    let index = app.register_dataset_version(&call, "loans".into(), version).await.unwrap().ledger_index;
    let outsider = desk.outsider("alva").await;
    desk.engage(&outsider, &[]).await;
    let asked = desk.ask(&outsider, "licences of data").await.unwrap();
    desk.world.clock.pass(6 * DAY);

    let overview = app.audit_overview(&outsider, None).await.unwrap();
    let exception = &overview.exceptions[0];
    assert_eq!((exception.control.as_str(), exception.closed), ("CTL-DATA-01", None));
    assert_eq!(exception.occurrence, format!("event/{index}"));
    let line = overview.controls.iter().find(|line| line.id == "CTL-DATA-01").unwrap();
    assert_eq!((line.expected, line.met, line.exceptions, line.open), (1, 0, 1, 1));
    assert!(line.serves.iter().all(|row| row.starts_with("soc2:")), "{:?}", line.serves);
    for kind in ["no-control", "not-in-operation", "cannot-see"] {
        assert!(overview.blind_spots.iter().any(|spot| spot.kind == kind), "{kind}");
    }
    assert!(overview.blind_spots.iter().any(|spot| spot.about == "CTL-CHANGE-02"), "it is not in operation");
    assert_eq!((overview.counts.open, overview.counts.overdue), (1, 1));
    assert_eq!((overview.requests[0].id, overview.requests[0].overdue), (asked, true));

    let page = overview_html(&overview);
    let at = |what: &str| page.find(what).unwrap_or_else(|| panic!("{what}"));
    assert!(at("1 exceptions, 1 open") < at("blind spots"));
    assert!(
        at("blind spots") < at("controls in operation") && at("controls in operation") < at("1 requests")
    );
    // Looking again, at the same log and moment, gives the same.
    let again = app.audit_overview(&desk.risk, Some(overview.engagement.id)).await.unwrap();
    assert_eq!((again.exceptions, again.blind_spots), (overview.exceptions, overview.blind_spots));
}
