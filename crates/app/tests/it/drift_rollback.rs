//! From a model that lost its skill to the version before it, by rule and by the server itself.

use crate::governance::Team;
use crate::monitors::{baseline, look, records, stated};
use crate::predictions::bytes;
use crate::promotion::{ask, vote};
use comptroller_app::Call;
use comptroller_app::audit::EntryQuery;
use comptroller_app::deploy::Deploy;
use comptroller_app::monitors::{SetBands, SetBaseline, Watched};
use comptroller_app::operate::Watch;
use comptroller_app::predictions::{Format, SendRecords};
use comptroller_app::view::Slice;
use comptroller_core::Environment;
use comptroller_core::vocab::{DeploymentKind, Outcome, RecordKind};
use serde_json::Value;

/// A rule that lets the server roll back, and thresholds for whatever serves in production.
const CARDS: &str = r#"
title = "ours"
source = "a test"

[monitor.ours-watched]
environment = ["production"]
watch = "0.05"
investigate = "0.2"
rollback = "0.4"
clear = "0.1"
breaches = 1
windows = 2
reason = "a test"
control = ["CTL-MONITOR-01"]

[rule.ours-no-drift]
set = "review"
on = ["operation"]
environment = ["production"]
reason = "drift asks for a rollback"
remedy = "return to the version before"
control = ["CTL-MONITOR-01"]
does_not_prove = "that the version before is better"
waivable = true
lapse = "rollback"
require = [{ fact = "rollback_proposed", is = false }]
[rule.ours-no-drift.test]
passes = [{ rollback_proposed = false }, { rollback_proposed = true, waived = ["ours-no-drift"] }, { environment = "staging", rollback_proposed = true }]
fails = [{ rollback_proposed = true }]
"#;

async fn promote(team: &Team, version: &str) {
    let app = &team.world.app;
    let put = async |environment| {
        let command = Deploy { version: version.into(), environment, reason: "test".into() };
        app.deploy(&Call::new(team.deployer.clone()), command).await.map(|_| ())
    };
    if version != "scorer@1" {
        put(Environment::Staging).await.unwrap();
    }
    let id = ask(app, &team.deployer, version).await;
    vote(app, &team.approver, id).await.unwrap();
    vote(app, &team.risk, id).await.unwrap();
    put(Environment::Production).await.unwrap();
}

async fn entries(team: &Team, kind: &str) -> Vec<(u64, Value)> {
    let query = EntryQuery { kind: Some(kind.into()), ..EntryQuery::default() };
    let page = team.world.app.entries(&team.risk, query, Slice::default()).await.unwrap();
    page.items.into_iter().map(|item| (item.index, item.entry["data"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_lost_its_skill_gives_way_to_the_one_before_where_a_rule_says_so() {
    let team = Team::new().await;
    let app = &team.world.app;
    promote(&team, "scorer@1").await;
    let proposal = team
        .propose(&[], |files| {
            files.insert("cards/ours.toml".into(), CARDS.into());
        })
        .await;
    app.analyse_policies(&Call::new(team.risk.clone()), proposal).await.unwrap();
    team.approve_policies(&team.risk2, proposal).await.unwrap();
    team.activate(proposal).await.unwrap();
    team.world.version(&team.developer, "2", 0.9).await;
    promote(&team, "scorer@2").await;

    // How it is watched is on record before it serves.
    let set = entries(&team, "monitor.set").await;
    let live = entries(&team, "deployment.created").await;
    let of = |place: &str| set.iter().find(|(_, data)| data["environment"] == place);
    let (index, monitor) = of("production").expect("the card is about production");
    assert_eq!((&monitor["rules"][0], &monitor["rollback_ppm"]), (&"ours-watched".into(), &400_000.into()));
    let served = live
        .iter()
        .find(|(_, data)| data["version"] == monitor["version"] && data["environment"] == "production");
    assert!(*index < served.expect("it serves").0);
    assert!(of("staging").is_none(), "and about nothing else");

    let mut watch = Watch::default();
    app.watch_operations(&mut watch).await.unwrap();
    let running = async || app.operations(&team.risk, None, Slice::default()).await.unwrap().items.remove(0);
    assert_eq!(running().await.outcome, Outcome::Allow);
    let profile = baseline(&team.world, &team.developer).await;
    let set = stated("scorer@2", &profile);
    let refused = app.set_baseline(&Call::new(team.developer.clone()), set.clone()).await;
    assert!(refused.is_err(), "what serves is watched by what a risk officer sets");
    let bands = Some(SetBands { watch: 0.05, investigate: 0.3, rollback: 0.4 });
    let weaker = SetBaseline { bands, ..set.clone() };
    let refused = app.set_baseline(&Call::new(team.risk.clone()), weaker).await.unwrap_err().to_string();
    assert!(refused.contains("in production the cards ours-watched lay down 0.05, 0.2 and 0.4"), "{refused}");
    app.set_baseline(&Call::new(team.risk.clone()), set).await.unwrap();

    // Scores as ever, and labels that have nothing to do with them.
    let runtime = team.world.runtime().await;
    let send = async |records: RecordKind, batch: &str, body: &Value| {
        let command = SendRecords {
            records,
            version: "scorer@2".into(),
            environment: Environment::Production,
            batch: batch.into(),
            format: Format::Json,
        };
        app.record_predictions(&runtime, command, bytes(body)).await.unwrap();
    };
    let (rows, labels) = records("2026-03-01", 3_000, 0.0, false);
    send(RecordKind::Prediction, "p", &rows).await;
    let mut watched = Watched::default();
    look(app, &mut watched).await;
    assert!(entries(&team, "alarm.raised").await.is_empty());
    send(RecordKind::Label, "l", &labels).await;
    look(app, &mut watched).await;
    let proposed = entries(&team, "rollback.proposed").await;
    assert_eq!(proposed.len(), 1);
    let before =
        live.iter().map(|(_, data)| &data["version"]).find(|version| **version != monitor["version"]);
    assert_eq!(Some(&proposed[0].1["to"]), before, "the version before, which was approved");
    let alarm = app.alarms(&team.risk, None, true, Slice::default()).await.unwrap().items.remove(0);
    assert!(alarm.rollback_proposed && alarm.rollback_to.is_some());
    assert_eq!(running().await.asks_for.as_deref(), Some("rollback"));

    // The follower decides again, and does what the rule says.
    app.watch_operations(&mut watch).await.unwrap();
    let serving = app.serving(&team.risk, "scoring", Environment::Production, None).await.unwrap().remove(0);
    assert_eq!((serving.kind, serving.label.as_ref().unwrap().as_str()), (DeploymentKind::Rollback, "1"));
    assert_eq!(serving.actor, "system");
    assert!(serving.reason.unwrap().contains("ours-no-drift"));
    let decisions = entries(&team, "decision.recorded").await;
    let rested = decisions.iter().find(|(_, data)| data["decision"] == serving.decision.to_string()).unwrap();
    assert_eq!((&rested.1["action"], &rested.1["outcome"]), (&"rollback".into(), &"allow".into()));
    let asked =
        decisions.iter().any(|(_, data)| data["action"] == "operate" && data["rules"][0] == "ours-no-drift");
    assert!(asked, "the decision that asks for it is on record as well");

    // Nothing more happens, and the version that gave way does not come back by itself.
    app.watch_operations(&mut watch).await.unwrap();
    look(app, &mut watched).await;
    assert_eq!(running().await.outcome, Outcome::Allow);
    assert_eq!(entries(&team, "deployment.created").await.len(), live.len() + 1);
}
