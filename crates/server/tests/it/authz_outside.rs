//! Rows of the table of routes about auditors from outside and requests of data subjects.

use crate::authz::{Row, row};
use crate::world::World;
use comptroller_core::Clock as _;
use comptroller_core::time::SystemClock;
use serde_json::{Value, json};

const DAY: i64 = 86_400;

pub(crate) fn rows(world: &World) -> Vec<Row> {
    let mut rows = audits(world);
    rows.extend(subject_requests(world));
    rows
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

fn terms(world: &World) -> Value {
    let at = |days: i64| SystemClock.now().plus_seconds(days * DAY).to_string();
    json!({
        "auditor": world.ids["outside"], "frameworks": ["soc2"], "from": at(-30), "to": at(1), "until": at(30),
        "note": "the yearly audit"
    })
}

fn audits(world: &World) -> Vec<Row> {
    let engage = || id(&world.ok(&world.post("risk", "/engagements", &terms(world))));
    let (engagement, ended) = (engage(), engage());
    let asked = json!({"engagement": engagement, "title": "approvals", "days": 10});
    let ask = || id(&world.ok(&world.post("outside", "/evidence-requests", &asked)));
    let (open, answered, dropped) = (ask(), ask(), ask());
    let answer = json!({"text": "the entries show it", "entries": [0]});
    world.ok(&world.post("developer", &format!("/evidence-requests/{answered}/answer"), &answer));
    let of = |id: &str, what: &str| format!("/api/v1/evidence-requests/{id}{what}");
    let reason = json!({"reason": "as agreed"});
    vec![
        row("post /api/v1/engagements", "/api/v1/engagements", "risk", "developer").with(terms(world)),
        row("get /api/v1/engagements", "/api/v1/engagements", "auditor", "ci"),
        row(
            "get /api/v1/engagements/{engagement}",
            format!("/api/v1/engagements/{engagement}"),
            "outside",
            "ci",
        ),
        row(
            "post /api/v1/engagements/{engagement}/end",
            format!("/api/v1/engagements/{ended}/end"),
            "admin",
            "developer",
        )
        .with(reason.clone()),
        row(
            "get /api/v1/audit-overview",
            format!("/api/v1/audit-overview?engagement={engagement}"),
            "outside",
            "ci",
        ),
        row("post /api/v1/evidence-requests", "/api/v1/evidence-requests", "outside", "risk").with(asked),
        row("get /api/v1/evidence-requests", "/api/v1/evidence-requests", "auditor", "ci"),
        row("get /api/v1/evidence-requests/{request}", of(&open, ""), "outside", "ci"),
        row("post /api/v1/evidence-requests/{request}/answer", of(&open, "/answer"), "developer", "auditor")
            .with(answer),
        row(
            "post /api/v1/evidence-requests/{request}/judgement",
            of(&answered, "/judgement"),
            "outside",
            "risk",
        )
        .with(json!({"accepted": true})),
        row(
            "post /api/v1/evidence-requests/{request}/withdrawal",
            of(&dropped, "/withdrawal"),
            "outside",
            "risk",
        )
        .with(reason),
    ]
}

fn subject_requests(world: &World) -> Vec<Row> {
    let registered = json!({"reference": "customer 3", "datasets": ["loans@2018"]});
    let subject = id(&world.ok(&world.post("risk", "/subjects", &registered)));
    let opened = json!({"subject": subject, "kind": "access", "text": "what do you have about me"});
    let open = || id(&world.ok(&world.post("risk", "/subject-requests", &opened)));
    let (first, second) = (open(), open());
    let of = |id: &str, what: &str| format!("/api/v1/subject-requests/{id}{what}");
    vec![
        row("post /api/v1/subject-requests", "/api/v1/subject-requests", "risk", "auditor").with(opened),
        row("get /api/v1/subject-requests", "/api/v1/subject-requests", "auditor", "developer"),
        row("get /api/v1/subject-requests/{request}", of(&first, ""), "auditor", "developer"),
        row("post /api/v1/subject-requests/{request}/notes", of(&first, "/notes"), "risk", "auditor")
            .with(json!({"step": "identity-checked", "text": "called back"})),
        row("post /api/v1/subject-requests/{request}/extension", of(&first, "/extension"), "risk", "auditor")
            .with(json!({"reason": "many systems"})),
        row("post /api/v1/subject-requests/{request}/closure", of(&second, "/closure"), "risk", "auditor")
            .with(json!({"outcome": "refused", "text": "the request repeats the last one"})),
        row(
            "post /api/v1/subjects/{id}/affected-versions",
            format!("/api/v1/subjects/{subject}/affected-versions"),
            "risk",
            "developer",
        )
        .with(json!({"version": "scorer@1", "decision": "keep", "reason": "one row of many"})),
        row(
            "get /api/v1/subjects/{id}/deletion-report",
            format!("/api/v1/subjects/{subject}/deletion-report"),
            "auditor",
            "developer",
        ),
    ]
}
