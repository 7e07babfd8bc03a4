//! People outside are told: signed, in order, at least once, and given up after a day with an event.

use crate::governance::Team;
use crate::inbox::Inbox;
use crate::promotion::{ask, vote};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comptroller_app::audit::EntryQuery;
use comptroller_app::caller::Caller;
use comptroller_app::notify::{Destination, patterns};
use comptroller_app::view::Slice;
use comptroller_app::{App, Call};
use comptroller_core::Role;
use comptroller_store::keys::message_code;
use std::time::Duration;

const HOUR: i64 = 3_600;
const KEY: [u8; 32] = [9; 32];

fn destination(inbox: &Inbox) -> Destination {
    Destination::webhook(&inbox.url, &format!("whsec_{}", STANDARD.encode(KEY))).unwrap()
}

fn on(app: &App, inbox: &Inbox, events: &str) -> App {
    let events = patterns(events).unwrap();
    app.clone().with_notifications(vec![destination(inbox)], &events).unwrap()
}

/// The types of the messages that came.
fn types(inbox: &Inbox) -> Vec<String> {
    inbox.received().iter().map(|message| message.json()["type"].as_str().unwrap().to_owned()).collect()
}

async fn recorded(app: &App, who: &Caller, kind: &str) -> Vec<serde_json::Value> {
    let query = EntryQuery { kind: Some(kind.into()), ..EntryQuery::default() };
    let page = app.entries(who, query, Slice { after: None, limit: None }).await.unwrap();
    page.items.into_iter().map(|view| view.entry["data"].clone()).collect()
}

pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) developer: Caller,
    pub(crate) approver: Caller,
    risk: Caller,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let developer = world.person("developer", &[Role::Developer], None).await;
        let approver = world.person("approver", &[Role::Approver], None).await;
        let risk = world.person("risk", &[Role::RiskOfficer], None).await;
        world.system(&developer).await;
        world.version(&developer, "1", 0.9).await;
        Self { world, developer, approver, risk }
    }
}

#[tokio::test]
async fn a_message_is_signed_and_says_what_to_do() {
    let desk = Desk::new().await;
    let inbox = Inbox::start();
    let app = on(&desk.world.app, &inbox, "approval.requested");
    // A new channel begins at the present end of the log.
    assert_eq!(app.notify().await.unwrap(), 0);
    let approval = ask(&app, &desk.developer, "scorer@1").await;
    assert_eq!(app.notify().await.unwrap(), 1);
    assert_eq!(app.notify().await.unwrap(), 0, "taken messages are not sent again");

    let message = inbox.received().remove(0);
    let signed = format!(
        "{}.{}.{}",
        message.header("webhook-id"),
        message.header("webhook-timestamp"),
        String::from_utf8(message.body.clone()).unwrap()
    );
    let code = STANDARD.encode(message_code(&KEY, signed.as_bytes()));
    assert_eq!(message.header("webhook-signature"), format!("v1,{code}"));
    assert_eq!(message.header("content-type"), "application/cloudevents+json");
    let event = message.json();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "comptroller.approval.requested");
    assert_eq!(event["data"]["title"], "scoring: approval is asked for");
    assert!(event["data"]["text"].as_str().unwrap().contains(&approval.to_string()), "{event}");
    assert_eq!(event["data"]["for"], serde_json::json!(["approver", "risk-officer"]));
    let index: u64 = event["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(event["data"]["index"], index);
    // The reason was written by a person, and is not in the message.
    assert!(!String::from_utf8(message.body).unwrap().contains("reason"));
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_in_order() {
    let desk = Desk::new().await;
    let inbox = Inbox::start();
    let app = on(&desk.world.app, &inbox, "approval.*");
    app.notify().await.unwrap();
    let approval = ask(&app, &desk.developer, "scorer@1").await;
    vote(&app, &desk.approver, approval).await.unwrap();
    inbox.answer_with(500);
    assert_eq!(app.notify().await.unwrap(), 0);
    let view = app.log().await.unwrap().channels.remove(0);
    assert_eq!(view.last_error.as_deref(), Some("it answered with HTTP status 500"));
    assert!(view.failing_since.is_some() && view.lag >= 2, "{view:?}");
    // Another server of the same database, which has no pause to keep, goes on where this one stopped.
    inbox.answer_with(200);
    let other = on(&desk.world.app, &inbox, "approval.*");
    assert_eq!(other.notify().await.unwrap(), 2);
    assert_eq!(
        types(&inbox),
        ["comptroller.approval.requested", "comptroller.approval.requested", "comptroller.approval.voted"]
    );
    assert_eq!(other.log().await.unwrap().channels[0].failing_since, None);
}

#[tokio::test]
async fn a_message_that_is_not_taken_for_a_day_is_given_up_with_an_event() {
    let desk = Desk::new().await;
    let inbox = Inbox::start();
    on(&desk.world.app, &inbox, "approval.*").notify().await.unwrap();
    let approval = ask(&desk.world.app, &desk.developer, "scorer@1").await;
    vote(&desk.world.app, &desk.approver, approval).await.unwrap();
    inbox.answer_with(410);
    on(&desk.world.app, &inbox, "approval.*").notify().await.unwrap();
    desk.world.clock.pass(23 * HOUR);
    on(&desk.world.app, &inbox, "approval.*").notify().await.unwrap();
    assert!(recorded(&desk.world.app, &desk.risk, "notification.abandoned").await.is_empty());
    desk.world.clock.pass(HOUR + 1);
    on(&desk.world.app, &inbox, "approval.*").notify().await.unwrap();
    let given_up = recorded(&desk.world.app, &desk.risk, "notification.abandoned").await;
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0]["channel"], "webhook");
    // The next one has its own day.
    inbox.answer_with(200);
    assert_eq!(on(&desk.world.app, &inbox, "approval.*").notify().await.unwrap(), 1);
    assert_eq!(types(&inbox).last().unwrap(), "comptroller.approval.voted");
}

#[tokio::test]
async fn two_servers_send_each_message_once() {
    let desk = Desk::new().await;
    let inbox = Inbox::start();
    let (one, two) = (on(&desk.world.app, &inbox, "tag.set"), on(&desk.world.app, &inbox, "tag.set"));
    one.notify().await.unwrap();
    for round in 0..5 {
        for n in 0..3 {
            let command = comptroller_app::systems::SetTag {
                key: format!("k{round}{n}").parse().unwrap(),
                value: Some("v".parse().unwrap()),
            };
            one.tag_system(&comptroller_app::Call::new(desk.developer.clone()), "scoring".into(), command)
                .await
                .unwrap();
        }
        let (a, b) = tokio::join!(one.notify(), two.notify());
        let _ = (a.unwrap(), b.unwrap());
    }
    while one.notify().await.unwrap() + two.notify().await.unwrap() > 0 {}
    let mut ids: Vec<String> =
        inbox.received().iter().map(|m| m.json()["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 15);
    ids.dedup();
    assert_eq!(ids.len(), 15);
}

#[tokio::test]
async fn silence_is_reminded_of_once_and_then_escalated() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let approval = ask(app, &desk.developer, "scorer@1").await;
    assert_eq!(app.remind().await.unwrap(), 0);
    desk.world.clock.pass(24 * HOUR);
    assert_eq!(app.remind().await.unwrap(), 1);
    assert_eq!(app.remind().await.unwrap(), 0);
    let raised = recorded(app, &desk.risk, "reminder.raised").await;
    assert_eq!(raised[0]["kind"], "approval-waiting");
    assert_eq!(raised[0]["subject"], format!("approval/{approval}"));
    desk.world.clock.pass(48 * HOUR);
    assert_eq!(app.remind().await.unwrap(), 1);
    assert_eq!(recorded(app, &desk.risk, "reminder.raised").await[0]["kind"], "approval-escalated");
}

/// Needs cvc5 for the way of the policies.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_says_itself_after_how_much_silence_people_are_reminded() {
    let team = Team::new().await;
    let app = &team.world.app;
    let card = r#"
title = "Ours"
source = "a test"
[rule.ours-people]
set = "review"
on = ["promotion"]
environment = ["production"]
reason = "too few people"
remedy = "ask them"
control = ["CTL-CHANGE-02"]
does_not_prove = "that they thought about it"
silence = { remind_hours = 2, escalate_hours = 5 }
require = [{ approvals = [{ roles = ["risk-officer"], count = 2 }] }]
[rule.ours-people.test]
passes = [{ approvals_valid = 2, quorums_met = ["ours-people"] }]
fails = [{ quorums_met = [] }]
"#;
    let id = team.propose(&[], |files| drop(files.insert("cards/ours.toml".into(), card.into()))).await;
    app.analyse_policies(&Call::new(team.risk.clone()), id).await.unwrap();
    team.approve_policies(&team.risk2, id).await.unwrap();
    team.activate(id).await.unwrap();
    ask(app, &team.developer, "scorer@1").await;
    for (hours, expected) in [(0, 0), (2 * HOUR - 1, 0), (1, 1), (3 * HOUR, 1), (19 * HOUR, 0)] {
        team.world.clock.pass(hours);
        assert_eq!(app.remind().await.unwrap(), expected, "{hours} seconds later");
    }
}

#[tokio::test]
async fn nobody_is_reminded_of_what_has_its_votes() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let approval = ask(app, &desk.developer, "scorer@1").await;
    vote(app, &desk.approver, approval).await.unwrap();
    vote(app, &desk.risk, approval).await.unwrap();
    desk.world.clock.pass(30 * HOUR);
    assert_eq!(app.remind().await.unwrap(), 0);
}

#[tokio::test]
async fn a_chat_gets_a_text_without_links() {
    let desk = Desk::new().await;
    let inbox = Inbox::start();
    let events = patterns("approval.requested").unwrap();
    let slack = Destination::slack(&inbox.url).unwrap();
    let app = desk.world.app.clone().with_notifications(vec![slack], &events).unwrap();
    app.notify().await.unwrap();
    ask(&app, &desk.developer, "scorer@1").await;
    app.notify().await.unwrap();
    let text = inbox.received()[0].json()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("*scoring: approval is asked for*\nscorer@1 is to go to production"), "{text}");
}

/// A receiver that takes a message and says nothing holds up neither the stop nor the message's next attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_silent_receiver() {
    let desk = Desk::new().await;
    let inbox = Inbox::start();
    let app = on(&desk.world.app, &inbox, "approval.requested");
    app.notify().await.unwrap();
    ask(&app, &desk.developer, "scorer@1").await;
    inbox.answer_with(0);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let followers = tokio::spawn(app.clone().run_followers(stopped));
    while inbox.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.send(true).unwrap();
    // One request alone is given ten seconds.
    tokio::time::timeout(Duration::from_secs(8), followers).await.expect("it stops").unwrap();
    inbox.answer_with(200);
    // The hold of whoever died ends by itself.
    desk.world.clock.pass(61);
    assert_eq!(on(&desk.world.app, &inbox, "approval.requested").notify().await.unwrap(), 1);
    assert_eq!(types(&inbox).len(), 2);
}
