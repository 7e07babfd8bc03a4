//! The AuthZEN interface: the same answers as the acts themselves get, each on record before it is given.

use crate::support::{Answer, post};
use crate::world::World;
use serde_json::{Value, json};

const ONE: &str = "/access/v1/evaluation";
const SEVERAL: &str = "/access/v1/evaluations";

fn ask(world: &World, path: &str, body: &Value) -> Answer {
    world.send(&post(path, body).by(world.token("auditor")))
}

fn question(world: &World, who: &str, action: &str, resource: (&str, &str), environment: &str) -> Value {
    let kind = if who == "ci" { "service-account" } else { "person" };
    json!({
        "subject": {"type": kind, "id": world.ids[who], "properties": {"department": "risk"}},
        "action": {"name": action}, "resource": {"type": resource.0, "id": resource.1},
        "context": {"environment": environment, "time": "2026-01-01T10:00:00Z"},
    })
}

const VERSION: (&str, &str) = ("version", "scorer@1");

#[test]
fn an_answer_is_the_one_that_the_act_gets_and_stands_on_record() {
    let world = World::complete();
    let before = world.server.size();
    let may = ask(&world, ONE, &question(&world, "deployer", "deploy", VERSION, "staging")).ok();
    assert_eq!((&may["decision"], &may["context"]["outcome"]), (&json!(true), &json!("allow")));
    assert_eq!(may["context"]["ledger_index"], before, "recorded, and nothing else");
    assert_eq!(world.server.size(), before + 1);

    let id = may["context"]["decision_id"].as_str().unwrap();
    let record = world.ok(&world.get("auditor", &format!("/decisions/{id}")));
    assert_eq!((&record["action"], &record["environment"]), (&json!("deploy"), &json!("staging")));
    let about = record["about"].as_array().unwrap();
    assert!(about.contains(&json!(format!("person/{}", world.ids["deployer"]))), "{record}");

    // The gate says the same about the same caller, with the same rules.
    let asked = json!({"version": "scorer@1", "environment": "production"});
    let gate = world.ok(&world.post("ci", "/gate", &asked));
    let same = ask(&world, ONE, &question(&world, "ci", "gate.check", VERSION, "production")).ok();
    assert_eq!((&same["decision"], &same["context"]["outcome"]), (&json!(false), &gate["outcome"]));
    assert_eq!(same["context"]["reasons"], gate["rules"]);
    assert!(!gate["rules"].as_array().unwrap().is_empty());

    let builds = ask(&world, ONE, &question(&world, "developer", "deploy", VERSION, "staging")).ok();
    assert_eq!(builds["decision"], false);
    assert_eq!(builds["context"]["reasons"][0]["id"], "no-permit", "{builds}");
    let plain =
        |who, action, resource| ask(&world, ONE, &question(&world, who, action, resource, "dev")).ok();
    assert_eq!(plain("developer", "system.update", ("system", "credit"))["decision"], true);
    assert_eq!(plain("deployer", "system.update", ("system", "credit"))["decision"], false);
    assert_eq!(plain("admin", "team.create", ("org", "own"))["decision"], true);
}

#[test]
fn whoever_was_disabled_does_nothing_any_more() {
    let world = World::complete();
    let asked = question(&world, "deployer", "deploy", VERSION, "staging");
    assert_eq!(ask(&world, ONE, &asked).ok()["decision"], true);
    let path = format!("/principals/{}/disable", world.ids["deployer"]);
    world.ok(&world.post("admin", &path, &json!({})));
    assert_eq!(ask(&world, ONE, &asked).ok()["decision"], false);
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_is_wrong_and_nothing_is_recorded() {
    let world = World::complete();
    let good = question(&world, "deployer", "deploy", VERSION, "staging");
    let cases = [
        ("/subject/type", json!("service-account"), "subject"),
        ("/subject/type", json!("user"), "subject"),
        ("/subject/id", json!("nobody-here"), "subject"),
        ("/action/name", json!("fly"), "action.name"),
        ("/action/name", json!("approval.vote"), "action.name"),
        ("/action/name", json!("role.grant"), "action.name"),
        ("/action/name", json!("operate"), "action.name"),
        ("/action/name", json!("team.create"), "resource.type"),
        ("/resource/type", json!("system"), "resource.type"),
        ("/resource/type", json!("org"), "resource.type"),
        ("/resource/id", json!("scorer@99"), "resource"),
        ("/resource/id", json!("..//"), "resource"),
        ("/context", json!({}), "context.environment"),
        ("/context/environment", json!("moon"), "context.environment"),
        ("/context/environment", json!(7), "context.environment"),
        ("/subject", json!("anna"), "body"),
    ];
    for (place, value, field) in cases {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value.clone();
        let before = world.server.size();
        let problem = ask(&world, ONE, &bad).problem(400);
        assert_eq!(problem["field"], field, "{place} = {value}: {problem}");
        assert_eq!(world.server.size(), before, "{place} = {value}");
    }
    let elsewhere = question(&world, "admin", "team.create", ("org", "theirs"), "dev");
    assert_eq!(ask(&world, ONE, &elsewhere).problem(400)["field"], "resource.id");
    let mut missing = good;
    missing.as_object_mut().unwrap().remove("resource");
    assert_eq!(ask(&world, ONE, &missing).problem(400)["field"], "body");
}

#[test]
fn several_questions_share_their_parts_and_stop_where_they_are_told() {
    let world = World::complete();
    let mut whole = question(&world, "deployer", "deploy", VERSION, "staging");
    let denied = json!({"context": {"environment": "production"}});
    whole["evaluations"] = json!([{}, denied, {"resource": {"type": "version", "id": "scorer@2"}}]);
    let decisions = |body: &Value| -> Vec<bool> {
        let answer = ask(&world, SEVERAL, body).ok();
        let items = answer["evaluations"].as_array().unwrap().clone();
        items.iter().map(|item| item["decision"].as_bool().unwrap()).collect()
    };
    let semantic = |body: &Value, word: &str| {
        let mut body = body.clone();
        body["options"] = json!({"evaluations_semantic": word, "other": 1});
        body
    };
    let before = world.server.size();
    assert_eq!(decisions(&whole), [true, false, true]);
    assert_eq!(world.server.size(), before + 3);
    assert_eq!(decisions(&semantic(&whole, "execute_all")), [true, false, true]);
    assert_eq!(decisions(&semantic(&whole, "deny_on_first_deny")), [true, false]);
    assert_eq!(decisions(&semantic(&whole, "permit_on_first_permit")), [true]);
    assert_eq!(world.server.size(), before + 9, "what is not answered is not decided either");
    ask(&world, SEVERAL, &semantic(&whole, "majority")).problem(400);

    // A question that cannot be answered is a false of its own, with the reason.
    whole["evaluations"] = json!([{"action": {"name": "fly"}}, {}]);
    let answer = ask(&world, SEVERAL, &whole).ok();
    assert_eq!(answer["evaluations"][0]["decision"], false);
    let error = &answer["evaluations"][0]["context"]["error"];
    assert_eq!(error["status"], 400);
    assert!(error["message"].as_str().unwrap().contains("fly"), "{error}");
    assert_eq!(answer["evaluations"][1]["decision"], true);
    assert_eq!(decisions(&semantic(&whole, "deny_on_first_deny")), [false]);

    // Without questions the request is one itself, and is answered like one.
    whole["evaluations"] = json!([]);
    assert_eq!(ask(&world, SEVERAL, &whole).ok()["decision"], true);
    whole.as_object_mut().unwrap().remove("subject");
    assert_eq!(ask(&world, SEVERAL, &whole).problem(400)["field"], "subject");

    whole["evaluations"] = Value::Array(vec![json!({}); 101]);
    assert_eq!(ask(&world, SEVERAL, &whole).problem(400)["field"], "evaluations");
    whole["evaluations"] = Value::Array(vec![json!({}); 100]);
    let answer = ask(&world, SEVERAL, &whole).ok();
    assert!(answer["evaluations"].as_array().unwrap().iter().all(|item| item["decision"] == false));
}

#[test]
fn a_repeated_request_is_answered_once() {
    let world = World::complete();
    let asked = question(&world, "deployer", "deploy", VERSION, "staging");
    let call = post(ONE, &asked).by(world.token("auditor")).header("idempotency-key", "once");
    let first = world.ok(&call);
    let size = world.server.size();
    assert_eq!(world.ok(&call), first);
    assert_eq!(world.server.size(), size);
}

#[test]
fn an_enforcement_point_finds_the_addresses_at_the_place_that_the_standard_names() {
    let world = World::complete();
    let told = world.send(&crate::support::get("/.well-known/authzen-configuration")).ok();
    let base = told["policy_decision_point"].as_str().unwrap();
    assert_eq!(base, format!("http://{}", world.server.address));
    assert_eq!(told["access_evaluation_endpoint"], format!("{base}{ONE}"));
    assert_eq!(told["access_evaluations_endpoint"], format!("{base}{SEVERAL}"));
}
