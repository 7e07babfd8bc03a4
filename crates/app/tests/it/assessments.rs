//! The risk of a system in five dimensions: what the record answers, what people say, who lowers it, and what makes it stale.

use crate::governance::{Team, command};
use crate::world::Desk;
use comptroller_app::assess::{Because, RecordEvidence};
use comptroller_app::assessments::{AssessRisk, AssessmentView};
use comptroller_app::classify::ClassifySystem;
use comptroller_app::documents::document_markdown;
use comptroller_app::gaps::AskGaps;
use comptroller_app::systems::UpdateSystem;
use comptroller_app::view::Slice;
use comptroller_app::{App, AppError, Call, Caller, Receipt};
use comptroller_compliance::framework::Day;
use comptroller_compliance::risk::{Assessment, FROM_RECORD, Scale};
use comptroller_core::private::SystemText;
use comptroller_core::vocab::{EvidenceKind, RiskTier};
use comptroller_core::{Environment, Role};
use serde_json::{Map, Value, json};

const DAY: i64 = 86_400;

fn day(app: &App, days: i64) -> String {
    Day::of(app.store().clock().now().plus_seconds(days * DAY)).to_string()
}

/// Every question that the record of the tests does not answer, by the option of these points from the least on, and these
/// answers besides; said by Ada a week ago.
fn said(app: &App, step: usize, besides: &[(&str, &str)]) -> Value {
    let scale = Scale::builtin().unwrap();
    let mut answers = Map::new();
    for question in scale.questions().filter(|question| !FROM_RECORD.contains(&question.id.as_str())) {
        let mut options: Vec<(&String, &u32)> = question.options.iter().collect();
        options.sort_by_key(|(_, points)| **points);
        answers.insert(question.id.clone(), json!(options[step.min(options.len() - 1)].0));
    }
    for (question, answer) in besides {
        answers.insert((*question).to_owned(), json!(answer));
    }
    json!({ "stated": { "source": "human", "by": "Ada", "on": day(app, -7) }, "answers": answers })
}

async fn assess(app: &App, who: &Caller, facts: Value) -> Result<Receipt, AppError> {
    let command = AssessRisk { facts, reason: "before it is used".into() };
    app.assess_risk(&Call::new(who.clone()), "scoring".into(), command).await
}

async fn classify(app: &App, risk: &Caller, tier: RiskTier) {
    let command = ClassifySystem { tier, reason: "credit".into() };
    app.classify_system(&Call::new(risk.clone()), "scoring".into(), command).await.unwrap();
}

async fn shown(app: &App, who: &Caller) -> AssessmentView {
    app.risk_assessment(who, "scoring").await.unwrap()
}

/// An answer of an assessment: the word, who or what says so, and where.
fn answer(assessment: Option<&Value>, question: &str) -> (String, String, String) {
    let found: Assessment = serde_json::from_value(assessment.unwrap().clone()).unwrap();
    let part =
        found.dimensions.into_iter().flat_map(|each| each.parts).find(|part| part.question == question);
    let part = part.unwrap();
    let stated = part.stated.unwrap();
    (part.answer, stated.source.as_str().to_owned(), format!("{}{}", stated.reference, stated.by))
}

fn is_denied(result: &Result<Receipt, AppError>) -> bool {
    matches!(result, Err(AppError::Denied { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_answers_what_it_holds_and_people_the_rest() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    assert_eq!(shown(app, &desk.auditor).await.ledger_index, None);
    classify(app, &desk.risk, RiskTier::High).await;
    desk.world.version(&desk.developer, "1", 0.9).await;
    let receipt = assess(app, &desk.developer, said(app, 1, &[("data.kind", "personal")])).await.unwrap();
    let view = shown(app, &desk.auditor).await;
    assert_eq!(view.ledger_index, Some(receipt.ledger_index));
    assert_eq!((view.reproduced, view.stale.len()), (Some(true), 0), "{:?}", view.stale);
    assert!(view.now.is_none() && view.reason.as_deref() == Some("before it is used"));
    assert_eq!(view.assessed_by, Some(desk.developer.actor()));

    let (tier, source, place) = answer(view.assessment.as_ref(), "law.tier");
    assert_eq!((tier.as_str(), source.as_str()), ("high", "registry"));
    assert!(place.contains("classification, entry "), "{place}");
    let (tested, source, place) = answer(view.assessment.as_ref(), "bias.tested");
    assert_eq!((tested.as_str(), source.as_str()), ("none", "registry"));
    assert!(place.contains("scorer@1, entry ") && place.contains("no bias test"), "{place}");
    let (kind, source, by) = answer(view.assessment.as_ref(), "data.kind");
    assert_eq!((kind.as_str(), source.as_str(), by.as_str()), ("personal", "human", "Ada"));

    // The event holds what the answers come to, and the evidence says that it was made.
    let recorded = view.recorded.unwrap();
    let whole: Assessment = serde_json::from_value(view.assessment.unwrap()).unwrap();
    assert_eq!((recorded.total.least, recorded.total.most), (whole.total.least, whole.total.most));
    assert_eq!(recorded.dimensions.len(), 5);
    let evidence = app.evidence_of(&desk.auditor, Some("scoring"), None, Slice::default()).await.unwrap();
    let made = evidence.items.iter().find(|one| one.id == recorded.evidence).unwrap();
    assert_eq!((made.kind, made.passed), (EvidenceKind::RiskAssessment, true));

    // An answer that is left out is a range: recorded as that, and it proves nothing.
    let open = json!({ "answers": {} });
    assess(app, &desk.developer, open).await.unwrap();
    let view = shown(app, &desk.auditor).await;
    let recorded = view.recorded.unwrap();
    assert_ne!(recorded.lowest, recorded.highest);
    let evidence = app.evidence_of(&desk.auditor, Some("scoring"), None, Slice::default()).await.unwrap();
    assert!(!evidence.items.iter().find(|one| one.id == recorded.evidence).unwrap().passed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_the_record_is_refused_and_named() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    classify(app, &desk.risk, RiskTier::High).await;
    desk.world.version(&desk.developer, "1", 0.9).await;
    let own = |question: &str, answer: &str, source: Value| {
        let mut given = source;
        given["answer"] = json!(answer);
        json!({ "answers": { question: given } })
    };
    let registry = json!({ "source": "registry", "reference": "seen", "on": "2026-01-01" });
    let future = json!({ "source": "human", "by": "Ada", "on": day(app, 2) });
    for (facts, says) in [
        (said(app, 1, &[("law.tier", "minimal")]), "law.tier: minimal contradicts high (registry of"),
        (said(app, 1, &[("bias.tested", "pass")]), "bias.tested: pass contradicts none"),
        (own("data.children", "no", registry), "data.children: nothing on record answers it"),
        (own("data.children", "no", future), "is in the future"),
        (json!({ "answers": { "data.colour": "red" } }), "there is no question"),
    ] {
        let error = assess(app, &desk.developer, facts).await.unwrap_err();
        assert!(matches!(error, AppError::Invalid { field: "facts", .. }), "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    let two = said(app, 1, &[("law.tier", "minimal"), ("bias.tested", "pass")]);
    let error = assess(app, &desk.developer, two).await.unwrap_err().to_string();
    assert!(error.contains("law.tier") && error.contains("bias.tested"), "all at once: {error}");
    assert!(is_denied(&assess(app, &desk.auditor, said(app, 1, &[])).await));
    let by_hand = command(EvidenceKind::RiskAssessment, &[], app.store().clock().now());
    let error = app.record_evidence(&Call::new(desk.developer.clone()), by_hand).await.unwrap_err();
    assert!(error.to_string().contains("comptroller risk assess"), "{error}");
    assert_eq!(shown(app, &desk.auditor).await.ledger_index, None, "nothing was recorded");
    // The same as the record is no contradiction, and the record stays its source.
    assess(app, &desk.developer, said(app, 1, &[("law.tier", "high")])).await.unwrap();
    assert_eq!(answer(shown(app, &desk.auditor).await.assessment.as_ref(), "law.tier").1, "registry");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assessment_is_stale_as_soon_as_something_behind_it_changes() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let known = [("data.kind", "business")];
    classify(app, &desk.risk, RiskTier::Limited).await;
    desk.world.version(&desk.developer, "1", 0.9).await;
    assess(app, &desk.developer, said(app, 1, &known)).await.unwrap();
    let state = || async { app.system(&desk.auditor, "scoring").await.unwrap().assessment.unwrap().state };
    assert_eq!((state().await.as_str(), app.remind().await.unwrap()), ("stands", 0));

    // The tier: both answers are said, and what it would come to.
    classify(app, &desk.risk, RiskTier::High).await;
    let view = shown(app, &desk.auditor).await;
    assert_eq!(view.stale.len(), 1, "{:?}", view.stale);
    let reason = &view.stale[0];
    assert!(
        reason.starts_with("law.tier: limited (registry of") && reason.contains("today high"),
        "{reason}"
    );
    assert_eq!(view.reproduced, Some(true), "as-of: it is still what was recorded");
    assert_eq!(answer(view.assessment.as_ref(), "law.tier").0, "limited");
    assert_eq!(answer(view.now.as_ref(), "law.tier").0, "high");
    assert_eq!(state().await, "assessment stale");
    // It is named where people look, with the cause and what to type.
    let found = app.stale(&desk.auditor, None).await.unwrap().assessments;
    assert_eq!((found.len(), found[0].slug.as_str()), (1, "scoring"), "{found:?}");
    assert_eq!(found[0].causes, view.stale);
    assert_eq!(found[0].command, "comptroller risk assess scoring --facts FILE --reason REASON");
    let asked = AskGaps { framework: "iso-42001".into(), system: None, as_of: None };
    let gaps = app.gaps(&desk.auditor, asked).await.unwrap();
    let step = gaps.steps.iter().find(|step| step.id == "renew assessment of scoring").unwrap();
    assert!(step.says.contains(&view.stale[0]) && step.command == found[0].command, "{step:?}");
    assert_eq!((app.remind().await.unwrap(), app.remind().await.unwrap()), (1, 0), "people are told once");
    assess(app, &desk.developer, said(app, 1, &known)).await.unwrap();
    assert!(shown(app, &desk.auditor).await.stale.is_empty());

    // A bias test that did not pass is a finding.
    let now = app.store().clock().now();
    let test = RecordEvidence { passed: false, ..command(EvidenceKind::BiasTest, &[], now) };
    app.record_evidence(&Call::new(desk.developer.clone()), test).await.unwrap();
    let view = shown(app, &desk.auditor).await;
    assert!(view.stale[0].starts_with("bias.tested: none ("), "{:?}", view.stale);
    let (word, source, place) = answer(view.now.as_ref(), "bias.tested");
    assert_eq!((word.as_str(), source.as_str()), ("fail", "registry"));
    assert!(place.contains("bias test of scorer@1, entry "), "{place}");
    assess(app, &desk.developer, said(app, 1, &known)).await.unwrap();

    // What the system is for.
    let text =
        SystemText { title: "Scoring".into(), purpose: "now of tenants".into(), ..SystemText::default() };
    let update = UpdateSystem { text: Some(text), ..UpdateSystem::default() };
    app.update_system(&Call::new(desk.developer.clone()), "scoring".into(), update).await.unwrap();
    let stale = shown(app, &desk.auditor).await.stale;
    assert!(stale.len() == 1 && stale[0].contains("description"), "{stale:?}");
    assess(app, &desk.developer, said(app, 1, &known)).await.unwrap();

    // A year without anybody saying it again. What the registry says has no age of its own.
    desk.world.clock.pass(358 * DAY);
    assert!(shown(app, &desk.auditor).await.stale.is_empty());
    desk.world.clock.pass(3 * DAY);
    let stale = shown(app, &desk.auditor).await.stale;
    let old = stale.iter().filter(|reason| reason.contains("Ada said so on")).count();
    assert_eq!((old, stale.len()), (13, 13), "{stale:?}");

    // Its evidence withdrawn.
    assess(app, &desk.developer, said(app, 1, &known)).await.unwrap();
    let evidence = shown(app, &desk.auditor).await.recorded.unwrap().evidence;
    let because = Because { reason: "made in error".into() };
    app.withdraw_evidence(&Call::new(desk.developer.clone()), evidence, because).await.unwrap();
    let stale = shown(app, &desk.auditor).await.stale;
    assert!(stale.len() == 1 && stale[0].contains("withdrawn"), "{stale:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn builders_raise_a_band_and_do_not_lower_it() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    classify(app, &desk.risk, RiskTier::High).await;
    desk.world.version(&desk.developer, "1", 0.9).await;
    let (mild, worst) = ([("data.kind", "none")], [("data.kind", "special-categories")]);
    let band = || async { shown(app, &desk.auditor).await.recorded.unwrap().highest.to_string() };
    assess(app, &desk.developer, said(app, 0, &mild)).await.unwrap();
    let low = band().await;
    assess(app, &desk.developer, said(app, 9, &worst)).await.unwrap();
    let high = band().await;
    assert_eq!((low.as_str(), high.as_str()), ("low", "critical"));
    assert!(is_denied(&assess(app, &desk.developer, said(app, 0, &mild)).await));
    // Nor on the way over answers that are left out.
    assess(app, &desk.developer, json!({ "answers": {} })).await.unwrap();
    assert!(is_denied(&assess(app, &desk.developer, said(app, 0, &mild)).await));
    // Who may lower it does not, if they built a version.
    let both = desk.world.person("both", &[Role::Developer, Role::RiskOfficer], None).await;
    desk.world.version(&both, "2", 0.9).await;
    assert!(is_denied(&assess(app, &both, said(app, 0, &mild)).await));
    assert_eq!(band().await, "critical");
    assess(app, &desk.risk, said(app, 0, &mild)).await.unwrap();
    assert_eq!(band().await, "low");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_and_documents_know_of_an_assessment_while_it_stands() {
    let team = Team::new().await;
    let app = &team.world.app;
    let fact = |name: &'static str| {
        let gate = team.gate_of("scorer@1", Environment::Production);
        async move { gate.await.facts.get(name).cloned() }
    };
    assert_eq!(fact("risk_assessment_age").await, None);
    classify(app, &team.risk, RiskTier::Limited).await;
    assess(app, &team.developer, said(app, 1, &[("data.kind", "business")])).await.unwrap();
    assert_eq!(fact("risk_assessment_passed").await, Some(json!(true)));
    assert!(fact("risk_assessment_age").await.is_some());
    let document = app.document(&team.risk, "fria", "scoring").await.unwrap();
    let text = document_markdown(&document.document);
    assert!(text.contains("Risk assessment") && text.contains("bias-potential: "), "{text}");
    assert!(!text.contains("stale: "), "{text}");

    classify(app, &team.risk, RiskTier::High).await;
    assert_eq!((fact("risk_assessment_passed").await, fact("risk_assessment_age").await), (None, None));
    let document = app.document(&team.risk, "fria", "scoring").await.unwrap();
    let text = document_markdown(&document.document);
    assert!(text.contains("stale: law.tier: limited"), "{text}");

    // An open one is there, and does not pass.
    assess(app, &team.developer, json!({ "answers": {} })).await.unwrap();
    assert_eq!(fact("risk_assessment_passed").await, Some(json!(false)));
}
