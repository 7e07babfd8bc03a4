//! Tiers computed by rules: what is recorded, what makes it stale, and what a change of the law does to systems.

use crate::world::World;
use comptroller_app::classify::ClassifySystem;
use comptroller_app::gate::CheckGate;
use comptroller_app::systems::UpdateSystem;
use comptroller_app::tiers::{ClassificationView, ClassifyByRules};
use comptroller_app::{AppError, Call, Caller, Receipt};
use comptroller_compliance::classify::questions;
use comptroller_compliance::framework::{Catalogue, Day};
use comptroller_core::private::SystemText;
use comptroller_core::vocab::RiskTier;
use comptroller_core::{Environment, Role};
use serde_json::{Map, Value, json};

/// Every question answered with no by a person, but for these.
fn facts(yes: &[&str], unknown: &[&str]) -> Value {
    let catalogue = Catalogue::builtin().unwrap();
    let act = catalogue.framework("eu-ai-act").unwrap();
    let day: Day = "2026-11-27".parse().unwrap();
    let answers: Map<String, Value> = questions(act, day)
        .into_iter()
        .map(|question| {
            let id = question.id.as_str();
            let answer = if yes.contains(&id) {
                "yes"
            } else if unknown.contains(&id) {
                "unknown"
            } else {
                "no"
            };
            (question.id, json!(answer))
        })
        .collect();
    json!({ "stated": { "source": "human", "by": "Ada", "on": "2026-11-20" }, "answers": answers })
}

struct Office {
    world: World,
    developer: Caller,
    risk: Caller,
}

impl Office {
    async fn new() -> Self {
        let world = World::new().await;
        let developer = world.person("developer", &[Role::Developer], None).await;
        let risk = world.person("risk", &[Role::RiskOfficer], None).await;
        world.system(&developer).await;
        Self { world, developer, risk }
    }

    async fn classify(&self, who: &Caller, facts: Value, as_of: &str) -> Result<Receipt, AppError> {
        let command =
            ClassifyByRules { facts, as_of: Some(as_of.into()), known: None, reason: "as asked".into() };
        self.world.app.classify_by_rules(&Call::new(who.clone()), "scoring".into(), command).await
    }

    /// The rules that stand against its version in production.
    async fn gate(&self) -> Vec<String> {
        self.world.version(&self.developer, "1", 0.8).await;
        let ask =
            CheckGate { version: "scorer@1".into(), environment: Environment::Production, certify: false };
        let answer = self.world.app.check_gate(&Call::new(self.developer.clone()), ask).await.unwrap();
        answer.rules.iter().map(|rule| rule.id.to_string()).collect()
    }

    async fn shown(&self) -> ClassificationView {
        self.world.app.classification(&self.risk, "scoring").await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computed_tier_is_recorded_with_what_it_rests_on() {
    let office = Office::new().await;
    assert_eq!(office.shown().await.tier, None);
    let answers = facts(&["III.5.b", "profiling", "role.provider"], &[]);
    let receipt = office.classify(&office.risk, answers, "2026-11-27").await.unwrap();
    let shown = office.shown().await;
    assert_eq!((shown.tier, shown.by_hand, shown.reproduced), (Some(RiskTier::High), false, Some(true)));
    assert_eq!(shown.ledger_index, Some(receipt.ledger_index));
    let basis = shown.basis.unwrap();
    assert_eq!(basis.as_of.to_string(), "2026-11-27T00:00:00.000000Z");
    let provisions: Vec<String> = basis.provisions.iter().map(ToString::to_string).collect();
    assert_eq!(provisions, ["III.5.b", "profiling", "role.provider"]);
    assert!(shown.stale.is_empty(), "{:?}", shown.stale);
    assert_eq!(shown.now.unwrap()["tier"], "high");
    // A tier stated by hand stays possible, and is shown as that.
    let command = ClassifySystem { tier: RiskTier::High, reason: "by house rule".into() };
    office
        .world
        .app
        .classify_system(&Call::new(office.risk.clone()), "scoring".into(), command)
        .await
        .unwrap();
    let shown = office.shown().await;
    assert!(shown.by_hand && shown.basis.is_none() && shown.now.is_none());
    assert_eq!(shown.reason.as_deref(), Some("by house rule"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_back_by_hand_what_the_answers_on_record_mean() {
    let office = Office::new().await;
    let by_hand = async |tier| {
        let command = ClassifySystem { tier, reason: "by house rule".into() };
        office.world.app.classify_system(&Call::new(office.risk.clone()), "scoring".into(), command).await
    };
    let answers = facts(&["III.5.b", "profiling", "role.provider"], &[]);
    office.classify(&office.risk, answers, "2026-11-27").await.unwrap();
    let error = by_hand(RiskTier::Limited).await.unwrap_err().to_string();
    assert!(error.contains("by the answers on record the tier is high"), "{error}");
    // Not by way of a higher tier either: the answers stay on record.
    by_hand(RiskTier::Prohibited).await.unwrap();
    by_hand(RiskTier::Minimal).await.unwrap_err();
    assert_eq!(office.shown().await.tier, Some(RiskTier::Prohibited));
    by_hand(RiskTier::High).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn open_answers_other_roles_and_nonsense_are_refused() {
    let office = Office::new().await;
    let open = office.classify(&office.risk, facts(&[], &["III.5.b"]), "2026-11-27").await.unwrap_err();
    assert!(open.to_string().contains("III.5.b"), "{open}");
    let denied = office.classify(&office.developer, facts(&[], &[]), "2026-11-27").await.unwrap_err();
    assert!(matches!(denied, AppError::Denied { .. }), "{denied}");
    let unknown = json!({ "answers": { "III.99": "no" } });
    let refused = office.classify(&office.risk, unknown, "2026-11-27").await.unwrap_err();
    assert!(refused.to_string().contains("III.99"), "{refused}");
    let early = office.classify(&office.risk, facts(&[], &[]), "2024-01-01").await.unwrap_err();
    assert!(early.to_string().contains("2024-07-12"), "{early}");
    let day = office.classify(&office.risk, facts(&[], &[]), "soon").await.unwrap_err();
    assert!(matches!(day, AppError::Invalid { field: "as_of", .. }), "{day}");
    let mut ahead = facts(&[], &[]);
    ahead["stated"]["on"] = json!("2099-11-01");
    let refused = office.classify(&office.risk, ahead, "2026-11-27").await.unwrap_err();
    assert!(refused.to_string().contains("is in the future"), "{refused}");
    let both = office.classify(&office.risk, facts(&["III.1.c"], &[]), "2026-11-27").await.unwrap_err();
    assert!(both.to_string().contains("transparency.recognises with no"), "{both}");
    assert_eq!(office.shown().await.tier, None, "nothing of it was recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classification_is_stale_when_what_it_rests_on_changed() {
    let office = Office::new().await;
    // Computed for a day on which the practice was not prohibited yet.
    office.classify(&office.risk, facts(&["5.1.ba", "role.provider"], &[]), "2026-12-01").await.unwrap();
    let shown = office.shown().await;
    assert_eq!((shown.tier, shown.reproduced), (Some(RiskTier::Minimal), Some(true)));
    let days = 60 * 24 * 3600;
    office.world.clock.pass(days);
    let shown = office.shown().await;
    assert!(shown.stale.iter().any(|why| why.contains("another tier: prohibited")), "{:?}", shown.stale);
    assert_eq!(shown.reproduced, Some(true), "for its own day it still holds (as-of)");
    // Nobody recorded that, and it cannot be deployed all the same.
    let gate = office.gate().await;
    assert!(gate.contains(&"prohibited-system".to_owned()), "{gate:?}");
    // Nor is it made to look otherwise by the rules of an earlier day.
    let past = office.classify(&office.risk, facts(&["5.1.ba", "role.provider"], &[]), "2026-12-01").await;
    let past = past.unwrap_err().to_string();
    assert!(past.contains("of 2026-12-01 the tier is minimal, by those of today prohibited"), "{past}");
    let text =
        SystemText { title: "Scoring".into(), purpose: "now of tenants".into(), ..SystemText::default() };
    let update = UpdateSystem { text: Some(text), ..UpdateSystem::default() };
    let developer = Call::new(office.developer.clone());
    office.world.app.update_system(&developer, "scoring".into(), update).await.unwrap();
    let shown = office.shown().await;
    assert!(shown.stale.iter().any(|why| why.contains("description")), "{:?}", shown.stale);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_law_names_the_systems_it_touches() {
    let office = Office::new().await;
    let app = &office.world.app;
    let before = app.law_changes(&office.risk, "2026-07-26", "2026-07-27").await.unwrap();
    assert_eq!((before.changed.len(), before.without_answers.len()), (0, 1), "nothing can be said yet");
    office.classify(&office.risk, facts(&["III.5.b", "role.provider"], &[]), "2026-07-26").await.unwrap();
    let changes = app.law_changes(&office.risk, "2026-07-26", "2026-07-27").await.unwrap();
    assert_eq!(changes.changed.len(), 1);
    let difference = &changes.changed[0].difference;
    assert_eq!((&difference["tier_before"], &difference["tier_after"]), (&json!("high"), &json!("high")));
    let moved = difference["deadlines"].as_array().unwrap();
    let risks = moved.iter().find(|each| each["duty"] == "9").unwrap();
    assert_eq!((&risks["before"], &risks["after"]), (&json!("2026-08-02"), &json!("2027-12-02")));
    let register = moved.iter().find(|each| each["duty"] == "49.1").unwrap();
    assert_eq!(register["status_after"], "contested");
    // Each duty is named in words, and of each it is said whether its evidence is short.
    assert!(changes.duties["9"].starts_with(|first: char| first.is_uppercase()), "{:?}", changes.duties);
    assert!(moved.iter().all(|each| changes.duties.contains_key(each["duty"].as_str().unwrap())));
    let seen = changes.short.unwrap();
    let risks = seen.iter().find(|each| each.duty == "9").unwrap();
    assert_eq!(risks.label, changes.duties["9"]);
    assert!(!risks.because.is_empty() && !risks.next.is_empty(), "{risks:?}");
    let unread = app.law_changes(&office.developer, "2026-07-26", "2026-07-27").await.unwrap();
    assert!(unread.short.is_none());
    let later = app.law_changes(&office.risk, "2026-07-27", "2026-11-27").await.unwrap();
    assert_eq!((later.changed.len(), later.same.len()), (0, 1));
    // The classification of the day before the amendment still verifies.
    assert_eq!(office.shown().await.reproduced, Some(true));
    assert!(app.law_changes(&office.risk, "yesterday", "2026-07-27").await.is_err());
}
