//! Documents made of facts: what is on record is shown with its source, what is not stays open, and nothing open is issued.

use crate::world::Desk;
use comptroller_app::documents::{AnswerDocument, DocumentView, document_kinds, document_markdown};
use comptroller_app::gaps::AskGaps;
use comptroller_app::systems::UpdateSystem;
use comptroller_app::{AppError, Call, Caller};
use comptroller_compliance::gap::StepKind;
use comptroller_core::private::SystemText;
use comptroller_store::areas::retention;

impl Desk {
    async fn show(&self, kind: &str, subject: &str) -> DocumentView {
        self.world.app.document(&self.auditor, kind, subject).await.unwrap()
    }

    async fn answer(&self, who: &Caller, kind: &str, subject: &str, key: &str) -> Result<u64, AppError> {
        let command =
            AnswerDocument { key: key.parse().unwrap(), text: format!("what is to be said of {key}") };
        let call = Call::new(who.clone());
        let receipt = self.world.app.answer_document(&call, kind.into(), subject.into(), command).await?;
        Ok(receipt.ledger_index)
    }

    /// A subject for each kind of document.
    fn subject(kind: &str) -> &'static str {
        match document_kinds().unwrap().into_iter().find(|known| known.kind == kind).unwrap().subject.as_str()
        {
            "system" => "scoring",
            "version" => "scorer@1",
            "dataset" => "loans@1",
            _ => "organisation",
        }
    }
}

#[tokio::test]
async fn every_kind_shows_what_is_on_record_and_is_issued_once_every_question_is_answered() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    desk.world.version(&desk.developer, "1", 0.9).await;
    for kind in document_kinds().unwrap() {
        let (kind, subject) = (kind.kind.as_str(), Desk::subject(&kind.kind));
        let before = desk.show(kind, subject).await;
        assert!(!before.open.is_empty(), "{kind}: people have to say something in every document");
        let error =
            app.issue_document(&Call::new(desk.risk.clone()), kind.into(), subject.into()).await.unwrap_err();
        assert!(error.to_string().contains(&before.open[0].key), "{kind}: what is open is named: {error}");
        for open in &before.open {
            let who = if subject == "organisation" { &desk.risk } else { &desk.developer };
            desk.answer(who, kind, subject, &open.key).await.unwrap();
        }
        let after = desk.show(kind, subject).await;
        assert_eq!(after.open, [], "{kind}");
        let text = document_markdown(&after.document);
        assert!(text.contains("said by principal/"), "{kind}: an answer names who gave it");
        let issued =
            app.issue_document(&Call::new(desk.risk.clone()), kind.into(), subject.into()).await.unwrap();
        assert_eq!(issued.id, after.digest.to_string(), "{kind}");
        let again =
            app.issue_document(&Call::new(desk.risk.clone()), kind.into(), subject.into()).await.unwrap();
        assert_eq!(again.id, issued.id, "{kind}: nothing changed");
        assert_eq!(desk.show(kind, subject).await.issued.len(), 2);
    }
}

#[tokio::test]
async fn a_fact_names_its_source_and_what_changed_since_the_issue_is_shown() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let before = desk.show("annex-iv", "scoring").await;
    let text = document_markdown(&before.document);
    assert!(text.contains("> Scores") && text.contains("registry, entry"), "{text}");
    assert!(text.contains("**OPEN** `table.versions`"), "no version is registered: {text}");
    let none = app.document_changes(&desk.auditor, "annex-iv", "scoring", None).await.unwrap_err();
    assert!(none.to_string().contains("not issued yet"), "{none}");

    desk.world.version(&desk.developer, "1", 0.9).await;
    for open in desk.show("annex-iv", "scoring").await.open {
        desk.answer(&desk.developer, "annex-iv", "scoring", &open.key).await.unwrap();
    }
    let risk = Call::new(desk.risk.clone());
    app.issue_document(&risk, "annex-iv".into(), "scoring".into()).await.unwrap();
    let same = app.document_changes(&desk.auditor, "annex-iv", "scoring", None).await.unwrap();
    assert!(same.is_same && same.changes.is_empty(), "{}", same.changes);

    desk.world.clock.pass(60);
    let changed = SystemText {
        title: "Scoring".into(),
        purpose: "Scores of companies".into(),
        ..SystemText::default()
    };
    let update = UpdateSystem { status: None, owner_team: None, text: Some(changed) };
    app.update_system(&Call::new(desk.developer.clone()), "scoring".into(), update).await.unwrap();
    let found = app.document_changes(&desk.auditor, "annex-iv", "scoring", None).await.unwrap();
    assert!(!found.is_same && found.changes.contains("+> Scores of companies"), "{}", found.changes);
    let view = desk.show("annex-iv", "scoring").await;
    assert!(!view.stale.is_empty() && view.stale[0].contains("the system was changed"), "{:?}", view.stale);
    desk.answer(&desk.developer, "annex-iv", "scoring", "design").await.unwrap();
    assert!(!desk.show("annex-iv", "scoring").await.stale.iter().any(|stale| stale.starts_with("design:")));
}

#[tokio::test]
async fn who_may_not_answer_and_what_is_not_asked_is_refused_with_what_would_do() {
    let desk = Desk::new().await;
    let denied = desk.answer(&desk.auditor, "annex-iv", "scoring", "design").await;
    assert!(matches!(denied, Err(AppError::Denied { .. })));
    let unknown = desk.answer(&desk.developer, "annex-iv", "scoring", "colour").await.unwrap_err();
    assert!(unknown.to_string().contains("architecture"), "the keys are named: {unknown}");
    let fact = desk.answer(&desk.developer, "annex-iv", "scoring", "system.kind").await.unwrap_err();
    assert!(fact.to_string().contains("asks nothing"), "{fact}");
    let kind = desk.world.app.document(&desk.auditor, "annex-v", "scoring").await.unwrap_err();
    assert!(kind.to_string().contains("eu-declaration"), "the kinds are named: {kind}");
    let subject = desk.world.app.document(&desk.auditor, "annex-iv", "nothing").await.unwrap_err();
    assert!(matches!(subject, AppError::NotFound { .. }), "{subject}");
}

#[tokio::test]
async fn who_may_not_issue_leaves_no_file_and_what_is_issued_is_kept_as_evidence() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    for open in desk.show("dataset-sheet", "loans@1").await.open {
        desk.answer(&desk.developer, "dataset-sheet", "loans@1", &open.key).await.unwrap();
    }
    let files =
        || std::fs::read_dir(desk.world.folder.path().join("objects/artifacts")).map_or(0, Iterator::count);
    let before = files();
    let issue = async |who: &Caller| {
        app.issue_document(&Call::new(who.clone()), "dataset-sheet".into(), "loans@1".into()).await
    };
    assert!(matches!(issue(&desk.developer).await, Err(AppError::Denied { .. })));
    assert_eq!(files(), before);
    let issued = issue(&desk.risk).await.unwrap();
    assert_eq!(files(), before + 1);
    issue(&desk.risk).await.unwrap();
    assert_eq!(files(), before + 1, "the same text is stored once");
    let kept = app.retention(&desk.risk).await.unwrap();
    assert_eq!((kept.files, kept.next.len()), (1, 0), "nothing is due");
    let mut conn = app.store().read().await.unwrap();
    let named = retention::issues_naming(&mut conn, &issued.id.parse().unwrap()).await.unwrap();
    assert_eq!(named.len(), 2, "it was issued twice");
}

/// What was issued is stale by what makes answers stale; each with its cause and what to type.
#[tokio::test]
async fn an_issued_document_is_stale_when_something_changes_that_it_may_not_know_of() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    desk.world.version(&desk.developer, "1", 0.9).await;
    let kinds = ["annex-iv", "processing-record", "system-description", "model-card"];
    let issue_all = async || {
        for kind in kinds {
            let subject = Desk::subject(kind);
            let who = if subject == "organisation" { &desk.risk } else { &desk.developer };
            for open in desk.show(kind, subject).await.open {
                desk.answer(who, kind, subject, &open.key).await.unwrap();
            }
            let risk = Call::new(desk.risk.clone());
            app.issue_document(&risk, kind.into(), subject.into()).await.unwrap();
        }
    };
    desk.world.clock.pass(60);
    issue_all().await;
    assert_eq!(app.stale(&desk.auditor, None).await.unwrap().documents, []);
    for kind in kinds {
        let shown = desk.show(kind, Desk::subject(kind)).await;
        assert_eq!((shown.stale.len(), shown.issued_stale.len()), (0, 0), "{kind}: {shown:?}");
    }

    desk.world.clock.pass(60);
    desk.world.version(&desk.developer, "2", 0.91).await;
    let found = app.stale(&desk.auditor, None).await.unwrap().documents;
    let named: Vec<(&str, &str)> =
        found.iter().map(|one| (one.kind.as_str(), one.subject.as_str())).collect();
    assert_eq!(
        named,
        [
            ("annex-iv", "scoring"),
            ("processing-record", "the organisation"),
            ("system-description", "the organisation"),
        ],
        "a card of a version that did not change stands"
    );
    assert!(found[0].causes[0].contains("before scorer@2 was registered"), "{:?}", found[0]);
    assert!(found[1].causes[0].contains("a version was registered (entry "), "{:?}", found[1]);
    assert_eq!(
        found[2].command,
        "comptroller docs check system-description organisation && comptroller docs issue system-description \
         organisation"
    );
    // `docs check` says the same, of the answers too.
    let shown = desk.show("system-description", "organisation").await;
    assert_eq!(shown.issued_stale, found[2].causes);
    assert!(shown.stale.iter().any(|stale| stale.starts_with("services: answered on")), "{:?}", shown.stale);
    // Of one system only what is its own.
    let of_system = app.stale(&desk.auditor, Some("scoring")).await.unwrap().documents;
    assert_eq!(of_system.len(), 1);
    assert!(matches!(app.stale(&desk.auditor, Some("nothing")).await, Err(AppError::NotFound { .. })));
    // The gap analysis of the framework that asks for it names it, and no other one.
    for (framework, kind) in
        [("soc2", "system-description"), ("gdpr", "processing-record"), ("eu-ai-act", "annex-iv")]
    {
        let asked = AskGaps { framework: framework.into(), system: None, as_of: None };
        let gaps = app.gaps(&desk.auditor, asked).await.unwrap();
        let renewed: Vec<&str> = gaps
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Renew)
            .map(|step| step.id.split(' ').nth(1).unwrap())
            .collect();
        assert_eq!(renewed, [kind], "{framework}");
    }
    desk.world.clock.pass(60);
    issue_all().await;
    assert_eq!(app.stale(&desk.auditor, None).await.unwrap().documents, [], "issued anew");
}
