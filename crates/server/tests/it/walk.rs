//! One system's life through the interface, with every answer in a snapshot.

use crate::support::{Answer, Call, request, sha256};
use crate::world::{PART, World, dataset_version, version};
use serde_json::{Value, json};

/// The requests and answers so far, as text.
struct Transcript<'w> {
    world: &'w World,
    text: String,
}

impl Transcript<'_> {
    /// Sends a request and writes down what came back.
    fn step(&mut self, what: &str, call: &Call) -> Answer {
        let answer = self.world.send(call);
        let shown = serde_json::from_slice::<Value>(&answer.body).map_or_else(
            |_| format!("{} bytes of {}", answer.body.len(), answer.header("content-type")),
            |value| format!("{value:#}"),
        );
        self.text.push_str(&format!("# {what}: {}\n{shown}\n\n", answer.status));
        answer
    }

    fn ok(&mut self, what: &str, call: &Call) -> Value {
        self.step(what, call).ok()
    }
}

/// Compares with the snapshot; what differs from run to run is named by its kind.
fn compare(name: &str, text: &str) {
    let filters = [
        (r"cmp_[a-z]+_[0-9a-f_]+", "[token]"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]"),
        (r"[0-9a-f]{64}", "[sha-256]"),
        (r"n-[0-9a-f]{32}", "n-[random]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "[time]"),
        (r#""(occurred_at|recorded_at)": \d{16}"#, r#""$1": "[micros]""#),
        (r#""millis": \d+"#, r#""millis": "[number]""#),
        (r#""(salt|vkeys?|proof)": "[^"]*""#, r#""$1": "[$1]""#),
        (r"\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{40,}", "[vkey]"),
    ];
    insta::with_settings!({ filters => filters, omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn the_whole_walk() {
    let world = World::with_people();
    let mut log = Transcript { world: &world, text: String::new() };
    log.ok("who the developer is", &world.get("developer", "/whoami"));
    world.register();
    log.ok("the system, with a tag and a link", &{
        world.ok(&world.post("owner", "/systems/credit/tags", &json!({"key": "tier", "value": "1"})));
        world.ok(&world.post(
            "owner",
            "/systems/credit/links",
            &json!({"relation": "supplied-by", "to_vendor": "acme"}),
        ));
        let change = json!({"status": "in-use"});
        let update = request("PATCH", "/api/v1/systems/credit").by(world.token("owner")).json(&change);
        world.ok(&update);
        world.get("auditor", "/systems/credit")
    });
    let mut derived = dataset_version("2018-clean");
    derived["derived_from"] = json!(["loans@2018"]);
    log.ok("a derived dataset version", &world.post("developer", "/datasets/loans/versions", &derived));
    log.ok("its lineage", &world.get("auditor", "/dataset-versions/loans@2018-clean/lineage"));

    let digest = upload_with_a_cut(&mut log);
    log.ok("a version", &world.post("developer", "/models/credit%2Fscorer/versions", &version("1", &digest)));
    log.ok("the version", &world.get("auditor", "/versions/credit%2Fscorer@1"));
    promote(&mut log, "scorer@1");
    second_version(&mut log);
    look_back(&mut log);
    compare("walk", &log.text);
}

/// Part 2 of 2, a second begin that says so, part 1, complete.
fn upload_with_a_cut(log: &mut Transcript<'_>) -> String {
    let world = log.world;
    let content: Vec<u8> = (0..PART + 1_000).map(|index| (index % 251) as u8).collect();
    let digest = sha256(&content);
    let begin = json!({"digest": digest, "bytes": content.len(), "media_type": "application/octet-stream"});
    let upload = log.ok("an upload begins", &world.post("developer", "/uploads", &begin));
    let id = upload["id"].as_str().unwrap();
    log.ok("its second part", &world.part("developer", id, 2, &content[PART..]));
    let complete = world.post("developer", &format!("/uploads/{id}/complete"), &json!({}));
    log.step("complete too early", &complete).problem(409);
    let resumed = log.ok("the upload resumes", &world.post("developer", "/uploads", &begin));
    assert_eq!((&resumed["id"], &resumed["stored"]), (&upload["id"], &json!([2])));
    log.ok("its first part", &world.part("developer", id, 1, &content[..PART]));
    log.ok("the artifact", &complete);
    let download = world.send(&world.get("auditor", &format!("/artifacts/{digest}/content")));
    assert_eq!(sha256(&download.body), digest);
    digest
}

/// Gate, staging, approval by two people, production.
fn promote(log: &mut Transcript<'_>, version: &str) {
    let world = log.world;
    let production = json!({"version": version, "environment": "production"});
    log.ok("the gate, too early", &world.post("ci", "/gate", &production));
    let deploy = json!({"version": version, "environment": "production", "reason": "go live"});
    let too_early =
        log.step("production, too early", &world.post("deployer", "/deployments", &deploy)).problem(403);
    assert!(too_early["rules"].as_array().unwrap().iter().any(|rule| rule["id"] == "staging-skipped"));
    let staging = json!({"version": version, "environment": "staging", "reason": "rehearsal"});
    log.ok("staging", &world.post("deployer", "/deployments", &staging));
    let ask = json!({"version": version, "environment": "production", "reason": "passed rehearsal"});
    let approval = log.ok("a request for approval", &world.post("developer", "/approvals", &ask));
    let votes = format!("/approvals/{}/votes", approval["id"].as_str().unwrap());
    let vote = json!({"vote": "approve", "comment": "complete"});
    log.ok("a vote", &world.post("approver", &votes, &vote));
    // INVARIANT (separation-of-duties): each human counts once, and the builder not at all.
    log.step("the same voter again", &world.post("approver", &votes, &vote)).problem(403);
    log.step("the builder's vote", &world.post("developer", &votes, &vote)).problem(403);
    log.ok("the second vote", &world.post("risk", &votes, &vote));
    log.ok("the request", &world.get("auditor", &format!("/approvals/{}", approval["id"].as_str().unwrap())));
    let gate = log.ok("the gate", &world.post("ci", "/gate", &production));
    assert_eq!(gate["outcome"], "allow");
    log.ok("production", &world.post("deployer", "/deployments", &deploy));
}

/// A second version in staging, a rollback, a drill and a runtime that has loaded something else.
fn second_version(log: &mut Transcript<'_>) {
    let world = log.world;
    let digest = world.upload(b"the second model");
    world.ok(&world.post("developer", "/models/scorer/versions", &version("2", &digest)));
    let staging = json!({"version": "scorer@2", "environment": "staging", "reason": "rehearsal"});
    log.ok("version 2 in staging", &world.post("deployer", "/deployments", &staging));
    let back = json!({"model": "scorer", "environment": "staging", "reason": "worse than expected"});
    log.ok("rolled back", &world.post("deployer", "/rollbacks", &back));
    log.ok(
        "a drill",
        &world.post("deployer", "/drills", &json!({"model": "scorer", "environment": "staging"})),
    );
    let report = json!({"system": "credit", "environment": "staging", "instance": "web-1", "loaded": digest});
    let answer = log.ok("a runtime that did not follow", &world.post("ci", "/runtimes", &report));
    assert_eq!(answer["matches"], false);
}

/// What the record says afterwards.
fn look_back(log: &mut Transcript<'_>) {
    let world = log.world;
    log.ok(
        "what serves in production",
        &world.get("auditor", "/systems/credit/serving?environment=production"),
    );
    log.ok("what the runtimes say", &world.get("auditor", "/systems/credit/runtimes"));
    log.ok("deployments", &world.get("auditor", "/deployments?system=credit&limit=3"));
    log.ok("who read the model", &world.get("auditor", "/models/scorer/readers"));
    let subject = json!({"reference": "customer 4711", "datasets": ["loans@2018"]});
    let subject = log.ok("a data subject", &world.post("risk", "/subjects", &subject));
    let id = format!("subject/{}", subject["id"].as_str().unwrap());
    let erase = json!({"subject": id, "basis": "subject-request"});
    let report = log.ok("erased", &world.post("risk", "/subjects/erase", &erase));
    assert_eq!(report["versions"].as_array().unwrap().len(), 2, "both versions were trained on the data");
    world.server.publish();
    let index = subject["ledger_index"].as_u64().unwrap();
    let entry =
        log.ok("the entry of what was erased", &world.get("auditor", &format!("/ledger/entries/{index}")));
    assert!(entry["opening"].is_null() && entry["proof"].is_string());
    log.ok("the state of the ledger", &world.get("auditor", "/ledger"));
}
