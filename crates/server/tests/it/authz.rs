//! Who may call what: every documented route stands in the table, or is a reviewed exception.
//!
//! Each row is exercised: without a credential it is 401, by somebody without a role 403, by somebody with another
//! role 403, and by the right one the act happens.

use crate::authz_outside;
use crate::support::{Call, get, post, request};
use crate::world::{World, dataset, dataset_version, enrol, secret, system, version};
use comptroller_app::drift::ProfileRequest;
use comptroller_app::fairness::{Criterion, Measure, Request, Settings};
use comptroller_core::Clock as _;
use comptroller_core::time::SystemClock;
use comptroller_policy::Package;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Routes that need no credential at all.
const PUBLIC: [(&str, &str); 8] = [
    ("get /api/v1/ledger", "sizes, root and keys are what a log publishes"),
    ("get /.well-known/authzen-configuration", "where to ask is no secret; asking takes a credential"),
    ("get /api/v1/openapi.json", "the interface is no secret"),
    ("get /healthz", "a probe has no credential"),
    ("get /readyz", "a probe has no credential"),
    ("get /metrics", "numbers by system and version; who must not see them is kept out in front"),
    ("get /log/checkpoint", "size and root, so that anybody can watch the log"),
    ("get /log/tile/{path}", "hashes only, so that anybody can check proofs"),
];

/// Routes that any valid credential may call.
const ANYBODY: [(&str, &str); 5] = [
    ("get /api/v1/documents", "the kinds of documents come with the product"),
    ("get /api/v1/whoami/factors", "reading one's own"),
    ("get /api/v1/whoami/tokens", "reading one's own"),
    ("get /api/v1/whoami", "reading oneself"),
    ("post /api/v1/tokens/revoke-own", "whoever holds a leaked token may end it"),
];

/// Routes whose credential stands in the body.
const IN_BODY: [&str; 1] = ["post /api/v1/token-exchange"];

/// Routes that take an invitation in place of a token.
const INVITED: [&str; 1] = ["post /api/v1/invitations/accept"];

/// A route, who is allowed and who, with another role, is not.
pub(crate) struct Row {
    route: &'static str,
    path: String,
    body: Option<Value>,
    allowed: &'static str,
    refused: &'static str,
}

pub(crate) fn row(
    route: &'static str,
    path: impl Into<String>,
    allowed: &'static str,
    refused: &'static str,
) -> Row {
    Row { route, path: path.into(), body: None, allowed, refused }
}

impl Row {
    pub(crate) fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn call(&self) -> Call {
        let method = self.route.split(' ').next().unwrap().to_uppercase();
        let call = request(&method, &self.path);
        match &self.body {
            Some(Value::String(bytes)) => call.bytes("application/octet-stream", bytes.clone().into_bytes()),
            Some(body) => call.json(body),
            None if method == "GET" => call,
            None => call.bytes("", Vec::new()),
        }
    }
}

/// Things that the rows name.
struct Named {
    version: String,
    approval: String,
    upload: String,
    digest: String,
    subject: String,
    token: String,
    trust: String,
    evidence: String,
    waiver: String,
    emergency: String,
    delegation: String,
    /// An enrolment that has begun, and its secret.
    factor: (String, String),
    hold: String,
    /// Of `CTL-DATA-01`.
    exception: String,
    proposal: String,
    decision: String,
    profile: String,
    alarm: String,
    /// A report of a fairness audit.
    report: String,
    remediations: [String; 2],
}

/// The profile of a small data set.
fn profile() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.csv");
    let rows: String = (0..500).map(|n| format!("{}\n", f64::from(n * 37 % 101) / 7.0)).collect();
    std::fs::write(&data, format!("x\n{rows}")).unwrap();
    let request = ProfileRequest { data: data.display().to_string(), ..ProfileRequest::default() };
    comptroller_app::drift::profile(&request, None).unwrap().to_bytes().unwrap()
}

/// The report of an audit that passed.
fn report() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("decisions.csv");
    let rows: String = (0..4_000).map(|n| format!("{},{}\n", n % 2, n / 2 % 2)).collect();
    std::fs::write(&data, format!("sex,decision\n{rows}")).unwrap();
    let request = Request {
        data: data.display().to_string(),
        join: None,
        label: None,
        prediction: Some("decision".into()),
        score: None,
        threshold: 0.5,
        positive: None,
        weight: None,
        by: vec!["sex".into()],
        within: Vec::new(),
        settings: Settings {
            criteria: vec![Criterion::sourced(Measure::ImpactRatio).unwrap()],
            ..Settings::default()
        },
    };
    serde_json::to_vec(&comptroller_app::fairness::audit(&request).unwrap()).unwrap()
}

fn workload() -> Value {
    json!({
        "service_account": "pipeline", "issuer": "https://ci.example.org", "audience": "comptroller",
        "claims": {"repository_id": "4711"}
    })
}

/// An exception of a control in operation, as a test of it names the occurrence.
fn exception(world: &World) -> String {
    world.ok(&world.post("risk", "/controls", &json!({"control": "CTL-DATA-01"})));
    let mut version = dataset_version("2017");
    version["legal_basis"] = json!("unstated");
    world.ok(&world.post("developer", "/datasets/loans/versions", &version));
    let window = "from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z&control=CTL-DATA-01";
    let tested = world.ok(&world.get("auditor", &format!("/control-tests?{window}")));
    tested["result"]["controls"][0]["exceptions"][0]["occurrence"].as_str().unwrap().to_owned()
}

fn prepare(world: &World) -> Named {
    world.server.link(&world.ids["approver2"]);
    let digest = world.upload(b"model 1 again");
    let ask = json!({"version": "scorer@2", "environment": "production", "reason": "for the table"});
    let approval = world.ok(&world.post("developer", "/approvals", &ask));
    let begin = json!({
        "digest": crate::support::sha256(b"open"), "bytes": 4, "media_type": "text/plain"
    });
    let upload = world.ok(&world.post("developer", "/uploads", &begin));
    let subject = world.ok(&world.post("risk", "/subjects", &json!({"reference": "customer 1"})));
    let command = json!({"principal": world.ids["ci"], "label": "spare", "days": 1});
    let token = world.ok(&world.post("owner", "/tokens", &command));
    let trust = world.ok(&world.post("owner", "/workload-trusts", &workload()));
    let shown = world.ok(&world.get("auditor", "/versions/scorer@1"));
    let evidence = world.ok(&world.post("developer", "/evidence", &evaluation()));
    // A rule that can be waived comes with a pack: the whole way of a change of policies.
    let first = propose(world, &["baseline"]);
    world.ok(&world.post("risk", &format!("/policy/proposals/{first}/analysis"), &Value::Null));
    let vote = json!({"vote": "approve", "comment": "stricter"});
    world.ok(&world.post("risk2", &format!("/policy/proposals/{first}/votes"), &vote));
    world.ok(&world.post("admin", &format!("/policy/proposals/{first}/activation"), &Value::Null));
    let waiver = world.ok(&world.post("developer", "/waivers", &waiver(&world.ids["spare"])));
    let emergency = world.ok(&world.post("deployer", "/emergencies", &emergency()));
    let delegation = world.ok(&world.post("risk2", "/delegations", &delegation(&world.ids["spare"])));
    let hold = world.ok(&world.post("risk", "/holds", &hold_on(&world.ids["spare"])));
    let ask = json!({"version": "scorer@1", "environment": "staging"});
    let decision = world.ok(&world.post("ci", "/gate", &ask))["decision"].as_str().unwrap().to_owned();
    // Far from everything that the baseline holds: the day alarms.
    let far: Vec<Value> = (0..200)
        .map(|n| json!({"id": format!("p{n}"), "time": "2026-03-01T10:00:00Z", "inputs": {"x": 1e6}}))
        .collect();
    let record =
        post("/api/v1/predictions?version=scorer@1&environment=staging&batch=b0", &json!({"records": far}));
    world.ok(&record.by(world.token("ci")));
    let profile = world.upload(&profile());
    let watch = json!({"version": "scorer@1", "profile": profile});
    world.ok(&world.post("developer", "/baselines", &watch));
    world.ok(&world.post("developer", "/fairness-watches", &fairness_watch()));
    world.server.seal();
    let alarms = world.ok(&world.get("auditor", "/alarms"));
    let report = world.upload(&report());
    for version in ["scorer@1", "scorer@2"] {
        // Without it nothing goes to staging under the pack.
        world.ok(&world.post("developer", "/bias-tests", &json!({"version": version, "report": report})));
    }
    let finding = json!({"version": "scorer@1", "finding": "people from abroad wait longer"});
    let opened = |_| text_of(&world.ok(&world.post("developer", "/remediations", &finding)));
    let remediations = [0, 1].map(opened);
    let proposal = propose(world, &["baseline", "soc2"]);
    let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
    Named {
        version: text(&shown),
        approval: text(&approval),
        upload: text(&upload),
        digest,
        subject: text(&subject),
        token: text(&token),
        trust: text(&trust),
        evidence: text(&evidence),
        waiver: text(&waiver),
        emergency: text(&emergency),
        delegation: text(&delegation),
        factor: factor(world, "spare"),
        hold: text(&hold),
        exception: exception(world),
        proposal,
        decision,
        profile,
        alarm: text(&alarms["items"][0]),
        report,
        remediations,
    }
}

fn text_of(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

fn fairness_watch() -> Value {
    json!({
        "version": "scorer@1", "attributes": [{"name": "x", "values": ["1", "2"]}],
        "criteria": [{"measure": "impact_ratio", "bound": 0.8}]
    })
}

fn evaluation() -> Value {
    json!({
        "kind": "evaluation", "version": "scorer@1", "observed_at": "2026-01-01T00:00:00Z", "passed": true,
        "measures": {"auc": "0.81"}
    })
}

fn emergency() -> Value {
    json!({
        "version": "scorer@1", "environment": "production", "ticket": "INC-7", "hours": 4, "reason": "all refused"
    })
}

/// Begins to enrol a factor; answers its id and secret.
fn factor(world: &World, who: &str) -> (String, String) {
    let begun = world.ok(&world.post(who, "/whoami/factors/begin", &json!({"kind": "totp"})));
    (begun["id"].as_str().unwrap().to_owned(), secret(&begun))
}

/// The code that an app shows so many seconds from now.
fn code(base32: &str, seconds: i64) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = base32.chars().map(|c| format!("{:05b}", letters.find(c).unwrap())).collect();
    let bytes = bits.as_bytes().chunks_exact(8).map(|byte| std::str::from_utf8(byte).unwrap());
    let secret: Vec<u8> = bytes.map(|byte| u8::from_str_radix(byte, 2).unwrap()).collect();
    comptroller_app::factors::code_at(&secret, SystemClock.now().plus_seconds(seconds))
}

/// First in the table, since codes are of this half minute and the next.
fn factors(world: &World, named: &Named) -> Vec<Row> {
    let (id, secret) = &named.factor;
    let (lost, lost_secret) = factor(world, "approver2");
    let enrol = |id: &str, secret: &str| json!({"id": id, "label": "phone", "code": code(secret, 0)});
    world.ok(&world.post("approver2", "/whoami/factors", &enrol(&lost, &lost_secret)));
    let begin = "post /api/v1/whoami/factors/begin";
    let challenge = "post /api/v1/whoami/factors/challenge";
    let purpose = json!({"purpose": {"act": "confirm", "emergency": named.emergency}});
    vec![
        row(begin, "/api/v1/whoami/factors/begin", "spare", "ci").with(json!({"kind": "totp"})),
        row(challenge, "/api/v1/whoami/factors/challenge", "spare", "ci").with(purpose),
        row("post /api/v1/whoami/factors", "/api/v1/whoami/factors", "spare", "ci").with(enrol(id, secret)),
        row(
            "post /api/v1/whoami/factors/{id}/remove",
            format!("/api/v1/whoami/factors/{id}/remove"),
            "spare",
            "ci",
        )
        .with(json!({"second_factor": {"code": code(secret, 30)}})),
        row(
            "post /api/v1/principals/{name}/factors/reset",
            format!("/api/v1/principals/{}/factors/reset", world.ids["approver2"]),
            "admin",
            "risk",
        ),
    ]
}

fn delegation(delegate: &str) -> Value {
    json!({"delegate": delegate, "days": 7, "reason": "on leave"})
}

fn waiver(owner: &str) -> Value {
    json!({
        "rule": "baseline-model-card", "version": "scorer@1", "environment": "production", "owner": owner,
        "ticket": "RISK-7", "days": 7, "reason": "the card is being written"
    })
}

fn bundle(packs: &[&str]) -> Value {
    json!({"files": Package::with_packs(packs).unwrap().files(), "reason": "more evidence"})
}

fn propose(world: &World, packs: &[&str]) -> String {
    let proposed = world.ok(&world.post("risk", "/policy/proposals", &bundle(packs)));
    proposed["id"].as_str().unwrap().to_owned()
}

fn table(world: &World, named: &Named) -> Vec<Row> {
    let (leaver, spare) = (&world.ids["leaver"], &world.ids["spare"]);
    let mut rows = factors(world, named);
    rows.extend(people(leaver, spare, &world.ids["approver2"], named));
    rows.extend(inventory());
    rows.extend(models(named));
    rows.extend(governance(named));
    rows.extend(assessment(world, named));
    rows.extend(delegations(world, named));
    // Before an emergency puts the version into production, where builders move no thresholds.
    rows.extend(fairness());
    rows.extend(emergencies(named));
    rows.extend(remediations(world, named));
    // Before a subject is erased, and before people lose their accounts.
    rows.extend(authz_outside::rows(world));
    rows.extend(policies(named));
    rows.extend(oversight(named));
    rows.extend(retention(world, named));
    rows.extend(controls(&named.exception));
    rows.extend(documents(world));
    rows.extend(risks(world));
    rows.extend(authzen());
    rows
}

fn people(leaver: &str, spare: &str, linked: &str, named: &Named) -> Vec<Row> {
    let Named { token, trust, .. } = named;
    let workload = workload();
    let role = json!({"principal": leaver, "role": "auditor"});
    let member = json!({"team": "risk-models", "principal": spare});
    vec![
        row("post /api/v1/persons", "/api/v1/persons", "admin", "auditor")
            .with(json!({"name": "New", "email": "new@example.org"})),
        row("post /api/v1/service-accounts", "/api/v1/service-accounts", "admin", "developer")
            .with(json!({"slug": "runner"})),
        row("get /api/v1/principals", "/api/v1/principals", "auditor", "developer"),
        row("get /api/v1/principals/{name}", "/api/v1/principals/pipeline", "auditor", "deployer"),
        row("post /api/v1/roles/grant", "/api/v1/roles/grant", "admin", "risk").with(role.clone()),
        row("post /api/v1/roles/revoke", "/api/v1/roles/revoke", "admin", "risk").with(role),
        row("post /api/v1/teams", "/api/v1/teams", "admin", "developer").with(json!({"slug": "another"})),
        row("get /api/v1/teams", "/api/v1/teams", "developer", "nobody"),
        row("post /api/v1/teams/members/add", "/api/v1/teams/members/add", "admin", "developer")
            .with(member.clone()),
        row("post /api/v1/teams/members/remove", "/api/v1/teams/members/remove", "admin", "developer")
            .with(member),
        row("post /api/v1/tokens", "/api/v1/tokens", "admin", "auditor")
            .with(json!({"principal": "pipeline", "label": "t", "days": 1})),
        row("post /api/v1/whoami/tokens", "/api/v1/whoami/tokens", "auditor", "ci")
            .with(json!({"label": "t", "days": 1})),
        row(
            "post /api/v1/principals/{name}/unlink",
            format!("/api/v1/principals/{linked}/unlink"),
            "admin",
            "risk",
        ),
        row("post /api/v1/workload-trusts", "/api/v1/workload-trusts", "admin", "developer").with(workload),
        row("get /api/v1/workload-trusts", "/api/v1/workload-trusts", "auditor", "developer"),
        row(
            "post /api/v1/workload-trusts/{id}/end",
            format!("/api/v1/workload-trusts/{trust}/end"),
            "admin",
            "ci",
        ),
        row("post /api/v1/invitations", "/api/v1/invitations", "admin", "risk")
            .with(json!({"person": leaver, "days": 1})),
        row("get /api/v1/tokens", "/api/v1/tokens", "auditor", "developer"),
        row(
            "post /api/v1/tokens/{id}/revoke",
            format!("/api/v1/tokens/{token}/revoke"),
            "admin",
            "developer",
        ),
        row(
            "post /api/v1/principals/{name}/disable",
            format!("/api/v1/principals/{leaver}/disable"),
            "admin",
            "risk",
        ),
    ]
}

fn inventory() -> Vec<Row> {
    let link = json!({"relation": "supplied-by", "to_vendor": "acme"});
    vec![
        row("post /api/v1/vendors", "/api/v1/vendors", "developer", "auditor")
            .with(json!({"slug": "other", "text": {"name": "Other"}})),
        row("get /api/v1/vendors", "/api/v1/vendors", "auditor", "nobody"),
        row("post /api/v1/systems", "/api/v1/systems", "developer", "deployer").with(system("second")),
        row("get /api/v1/systems", "/api/v1/systems?kind=own&tag=tier", "auditor", "nobody"),
        row("get /api/v1/systems/{system}", "/api/v1/systems/credit", "auditor", "nobody"),
        row("patch /api/v1/systems/{system}", "/api/v1/systems/credit", "developer", "auditor")
            .with(json!({"status": "in-use"})),
        row("post /api/v1/systems/{system}/links", "/api/v1/systems/credit/links", "developer", "auditor")
            .with(link),
        row("post /api/v1/systems/{system}/tags", "/api/v1/systems/credit/tags", "developer", "approver")
            .with(json!({"key": "tier", "value": "1"})),
        row(
            "get /api/v1/systems/{system}/serving",
            "/api/v1/systems/credit/serving?environment=dev",
            "auditor",
            "nobody",
        ),
        row("get /api/v1/systems/{system}/runtimes", "/api/v1/systems/credit/runtimes", "auditor", "nobody"),
        row("post /api/v1/datasets", "/api/v1/datasets", "developer", "owner").with(dataset("second")),
        row("get /api/v1/datasets", "/api/v1/datasets", "auditor", "nobody"),
        row("get /api/v1/datasets/{dataset}", "/api/v1/datasets/loans", "auditor", "nobody"),
        row(
            "post /api/v1/datasets/{dataset}/versions",
            "/api/v1/datasets/loans/versions",
            "developer",
            "auditor",
        )
        .with(dataset_version("2019")),
        row(
            "get /api/v1/datasets/{dataset}/versions",
            "/api/v1/datasets/loans/versions",
            "auditor",
            "nobody",
        ),
        row(
            "get /api/v1/dataset-versions/{version}/lineage",
            "/api/v1/dataset-versions/loans@2018/lineage",
            "auditor",
            "nobody",
        ),
    ]
}

fn models(named: &Named) -> Vec<Row> {
    let Named { version: id, digest, upload, .. } = named;
    let begin = json!({"digest": digest, "bytes": 13, "media_type": "application/octet-stream"});
    vec![
        row("post /api/v1/uploads", "/api/v1/uploads", "developer", "auditor").with(begin),
        row("get /api/v1/uploads/{id}", format!("/api/v1/uploads/{upload}"), "developer", "auditor"),
        row("post /api/v1/baselines", "/api/v1/baselines", "developer", "auditor")
            .with(json!({"version": "scorer@1", "profile": named.profile})),
        row("get /api/v1/baselines", "/api/v1/baselines", "auditor", "nobody"),
        row("get /api/v1/systems/{system}/windows", "/api/v1/systems/credit/windows", "auditor", "nobody"),
        row(
            "get /api/v1/versions/{version}/history/{environment}/page",
            "/api/v1/versions/scorer@1/history/staging/page",
            "auditor",
            "nobody",
        ),
        row("get /api/v1/alarms", "/api/v1/alarms", "auditor", "nobody"),
        row(
            "post /api/v1/alarms/{alarm}/acknowledge",
            format!("/api/v1/alarms/{}/acknowledge", named.alarm),
            "deployer",
            "developer",
        )
        .with(json!({})),
        row(
            "post /api/v1/alarms/{alarm}/snooze",
            format!("/api/v1/alarms/{}/snooze", named.alarm),
            "deployer",
            "developer",
        )
        .with(json!({"days": 1, "reason": "known"})),
        row(
            "get /api/v1/versions/{version}/windows/{environment}/{day}",
            "/api/v1/versions/scorer@1/windows/staging/2026-03-01",
            "auditor",
            "nobody",
        ),
        row(
            "get /api/v1/versions/{version}/windows/{environment}/{day}/page",
            "/api/v1/versions/scorer@1/windows/staging/2026-03-01/page",
            "auditor",
            "nobody",
        ),
        row(
            "post /api/v1/predictions",
            "/api/v1/predictions?version=scorer@1&environment=staging&batch=b1",
            "ci",
            "developer",
        )
        .with(json!({"records": [{"id": "p1", "inputs": {"x": 1.5}}]})),
        row(
            "post /api/v1/labels",
            "/api/v1/labels?version=scorer@1&environment=staging&batch=b1",
            "ci",
            "developer",
        )
        .with(json!({"records": [{"id": "p1", "label": "good"}]})),
        row(
            "get /api/v1/systems/{system}/predictions/{id}",
            "/api/v1/systems/credit/predictions/p0",
            "risk",
            "developer",
        ),
        row(
            "get /api/v1/systems/{system}/predictions/{id}/proof",
            "/api/v1/systems/credit/predictions/p0/proof",
            "auditor",
            "developer",
        ),
        row(
            "put /api/v1/uploads/{id}/parts/{number}",
            format!("/api/v1/uploads/{upload}/parts/1"),
            "developer",
            "risk",
        )
        .with(json!("open")),
        row(
            "post /api/v1/uploads/{id}/complete",
            format!("/api/v1/uploads/{upload}/complete"),
            "developer",
            "risk",
        ),
        row("get /api/v1/artifacts/{digest}", format!("/api/v1/artifacts/{digest}"), "auditor", "owner"),
        row(
            "get /api/v1/artifacts/{digest}/content",
            format!("/api/v1/artifacts/{digest}/content"),
            "ci",
            "admin",
        ),
        row("post /api/v1/models", "/api/v1/models", "developer", "ci")
            .with(json!({"system": "credit", "slug": "second"})),
        row("get /api/v1/models", "/api/v1/models?system=credit", "auditor", "nobody"),
        row("get /api/v1/models/{model}", "/api/v1/models/credit%2Fscorer", "auditor", "nobody"),
        row("post /api/v1/models/{model}/versions", "/api/v1/models/scorer/versions", "ci", "deployer")
            .with(version("3", digest)),
        row("get /api/v1/models/{model}/versions", "/api/v1/models/scorer/versions", "auditor", "nobody"),
        row("get /api/v1/models/{model}/readers", "/api/v1/models/scorer/readers", "auditor", "developer"),
        row("get /api/v1/versions/{version}", format!("/api/v1/versions/{id}"), "auditor", "nobody"),
        row(
            "post /api/v1/versions/{version}/annotations",
            format!("/api/v1/versions/{id}/annotations"),
            "ci",
            "risk",
        )
        .with(json!({"text": "checked"})),
    ]
}

/// The questions of other programs' enforcement points.
fn authzen() -> Vec<Row> {
    let question = json!({
        "subject": {"type": "service-account", "id": "pipeline"}, "action": {"name": "gate.check"},
        "resource": {"type": "version", "id": "scorer@1"}, "context": {"environment": "production"},
    });
    let mut several = question.clone();
    several["evaluations"] = json!([{}, {"context": {"environment": "staging"}}]);
    vec![
        row("post /access/v1/evaluation", "/access/v1/evaluation", "ci", "nobody").with(question),
        row("post /access/v1/evaluations", "/access/v1/evaluations", "auditor", "nobody").with(several),
    ]
}

fn governance(named: &Named) -> Vec<Row> {
    let Named { approval, digest, decision, .. } = named;
    let decision = format!("/api/v1/decisions/{decision}");
    let votes = format!("/api/v1/approvals/{approval}/votes");
    let ask = json!({"version": "scorer@1", "environment": "production", "reason": "please"});
    let report = json!({"system": "credit", "environment": "staging", "instance": "web-1", "loaded": digest});
    let staging = json!({"version": "scorer@1", "environment": "staging", "reason": "again"});
    vec![
        row("post /api/v1/gate", "/api/v1/gate", "ci", "nobody")
            .with(json!({"version": "scorer@1", "environment": "production"})),
        row("post /api/v1/gate/what-if", "/api/v1/gate/what-if", "auditor", "nobody").with(json!({
            "version": "scorer@1", "environment": "production", "facts": {"approvals_valid": 2}
        })),
        row("get /api/v1/decisions", "/api/v1/decisions", "auditor", "nobody"),
        row("get /api/v1/decisions/{id}", decision.clone(), "auditor", "nobody"),
        row("get /api/v1/decisions/{id}/statement", format!("{decision}/statement"), "auditor", "nobody"),
        row("post /api/v1/approvals", "/api/v1/approvals", "deployer", "auditor").with(ask),
        row("get /api/v1/approvals", "/api/v1/approvals?version=scorer@2", "auditor", "nobody"),
        row("get /api/v1/approvals/{id}", format!("/api/v1/approvals/{approval}"), "auditor", "nobody"),
        row("post /api/v1/approvals/{id}/votes", votes, "approver", "owner")
            .with(json!({"vote": "approve", "comment": "complete"})),
        row("post /api/v1/deployments", "/api/v1/deployments", "deployer", "developer").with(staging),
        row("get /api/v1/deployments", "/api/v1/deployments", "auditor", "nobody"),
        row("get /api/v1/changes", "/api/v1/changes", "auditor", "developer"),
        row("get /api/v1/operations", "/api/v1/operations", "auditor", "nobody"),
        row("post /api/v1/rollbacks", "/api/v1/rollbacks", "deployer", "ci")
            .with(json!({"model": "scorer", "environment": "staging", "reason": "back"})),
        row("post /api/v1/drills", "/api/v1/drills", "deployer", "owner")
            .with(json!({"model": "scorer", "environment": "staging"})),
        row("post /api/v1/runtimes", "/api/v1/runtimes", "ci", "developer").with(report),
    ]
}

/// Answers by which a system is high-risk whatever the other questions come to.
fn facts() -> serde_json::Value {
    let mut answers = json!({"III.2": "yes", "profiling": "yes"});
    for practice in ["a", "b", "ba", "bb", "c", "d", "e", "f", "g", "h"] {
        answers[format!("5.1.{practice}")] = json!("no");
    }
    json!({"stated": {"source": "human", "by": "risk", "on": "2026-11-20"}, "answers": answers})
}

fn assessment(world: &World, named: &Named) -> Vec<Row> {
    let Named { evidence, waiver: id, .. } = named;
    let because = json!({"reason": "made in error"});
    vec![
        row(
            "post /api/v1/systems/{system}/classification",
            "/api/v1/systems/credit/classification",
            "risk",
            "developer",
        )
        .with(json!({"tier": "high", "reason": "creditworthiness, Annex III 5(b)"})),
        row(
            "post /api/v1/systems/{system}/classification/rules",
            "/api/v1/systems/credit/classification/rules",
            "risk",
            "developer",
        )
        .with(json!({"facts": facts()})),
        row(
            "get /api/v1/systems/{system}/classification",
            "/api/v1/systems/credit/classification",
            "auditor",
            "nobody",
        ),
        row(
            "get /api/v1/frameworks/changes",
            "/api/v1/frameworks/changes?before=2026-07-26&after=2026-07-27",
            "auditor",
            "nobody",
        ),
        row("post /api/v1/evidence", "/api/v1/evidence", "ci", "auditor").with(evaluation()),
        row("get /api/v1/evidence", "/api/v1/evidence?version=scorer@1", "auditor", "nobody"),
        row("post /api/v1/bias-tests", "/api/v1/bias-tests", "developer", "auditor")
            .with(json!({"version": "scorer@1", "report": named.report})),
        row(
            "post /api/v1/evidence/{evidence}/withdrawal",
            format!("/api/v1/evidence/{evidence}/withdrawal"),
            "developer",
            "auditor",
        )
        .with(because.clone()),
        row("post /api/v1/waivers", "/api/v1/waivers", "deployer", "ci").with(waiver(&world.ids["spare"])),
        row("get /api/v1/waivers", "/api/v1/waivers?version=scorer@1", "auditor", "nobody"),
        row(
            "post /api/v1/waivers/{waiver}/decision",
            format!("/api/v1/waivers/{id}/decision"),
            "risk",
            "developer",
        )
        .with(json!({"vote": "approve", "comment": "for a week"})),
        row("post /api/v1/waivers/{waiver}/end", format!("/api/v1/waivers/{id}/end"), "developer", "auditor")
            .with(because),
    ]
}

fn delegations(world: &World, named: &Named) -> Vec<Row> {
    let end = format!("/api/v1/delegations/{}/end", named.delegation);
    vec![
        row("post /api/v1/delegations", "/api/v1/delegations", "risk", "developer")
            .with(delegation(&world.ids["spare"])),
        row("get /api/v1/delegations", "/api/v1/delegations", "auditor", "nobody"),
        // By whoever made it; others who vote cannot.
        row("post /api/v1/delegations/{id}/end", end, "risk2", "risk").with(json!({"reason": "back again"})),
    ]
}

fn emergencies(named: &Named) -> Vec<Row> {
    let Named { emergency: id, .. } = named;
    let of = |what: &str| format!("/api/v1/emergencies/{id}/{what}");
    vec![
        row("post /api/v1/emergencies", "/api/v1/emergencies", "deployer", "risk").with(emergency()),
        row("get /api/v1/emergencies", "/api/v1/emergencies", "auditor", "nobody"),
        row("post /api/v1/emergencies/{emergency}/confirmation", of("confirmation"), "risk2", "deployer")
            .with(json!({"comment": "seen"})),
        row("post /api/v1/emergencies/{emergency}/deployment", of("deployment"), "deployer", "risk2"),
        row("post /api/v1/emergencies/{emergency}/review", of("review"), "risk", "auditor")
            .with(json!({"justified": true, "findings": "none"})),
        row("get /api/v1/incidents", "/api/v1/incidents", "auditor", "nobody"),
    ]
}

fn remediations(world: &World, named: &Named) -> Vec<Row> {
    let [planned, accepted] = &named.remediations;
    let of = |id: &str, what: &str| format!("/api/v1/remediations/{id}{what}");
    let plan = json!({"owner": world.ids["spare"], "mitigation": "another threshold", "days": 30});
    vec![
        row("post /api/v1/remediations", "/api/v1/remediations", "developer", "auditor")
            .with(json!({"version": "scorer@1", "finding": "people of one group wait longer"})),
        row("get /api/v1/remediations", "/api/v1/remediations", "auditor", "nobody"),
        row("get /api/v1/remediations/{remediation}", of(planned, ""), "auditor", "nobody"),
        row("post /api/v1/remediations/{remediation}/plan", of(planned, "/plan"), "developer", "auditor")
            .with(plan),
        row("post /api/v1/remediations/{remediation}/closure", of(accepted, "/closure"), "risk", "developer")
            .with(json!({"reason": "the difference is explained by the law"})),
    ]
}

fn fairness() -> Vec<Row> {
    let place = "/api/v1/versions/scorer@1/fairness/staging";
    let route = "get /api/v1/versions/{version}/fairness/{environment}";
    vec![
        row(route, place, "auditor", "nobody"),
        row(
            "get /api/v1/versions/{version}/fairness/{environment}/page",
            format!("{place}/page"),
            "auditor",
            "nobody",
        ),
        // The last, since no day is judged by what it sets.
        row("post /api/v1/fairness-watches", "/api/v1/fairness-watches", "developer", "auditor")
            .with(fairness_watch()),
    ]
}

fn policies(named: &Named) -> Vec<Row> {
    let Named { proposal, decision, .. } = named;
    let of = |rest: &str| format!("/api/v1/policy/proposals/{proposal}{rest}");
    vec![
        row("get /api/v1/policy", "/api/v1/policy", "auditor", "nobody"),
        row("get /api/v1/policy/rules", "/api/v1/policy/rules", "auditor", "nobody"),
        row("post /api/v1/policy/proposals", "/api/v1/policy/proposals", "risk", "developer")
            .with(bundle(&["iso-42001"])),
        row("get /api/v1/policy/proposals", "/api/v1/policy/proposals", "auditor", "nobody"),
        row("get /api/v1/policy/proposals/{proposal}", of(""), "auditor", "nobody"),
        row("post /api/v1/policy/proposals/{proposal}/shadow", of("/shadow"), "risk", "developer"),
        row("get /api/v1/policy/shadow", "/api/v1/policy/shadow?last=5", "auditor", "nobody"),
        row("post /api/v1/policy/shadow/end", "/api/v1/policy/shadow/end", "admin", "auditor"),
        row("post /api/v1/policy/proposals/{proposal}/analysis", of("/analysis"), "risk", "developer"),
        row("post /api/v1/policy/proposals/{proposal}/votes", of("/votes"), "risk2", "approver")
            .with(json!({"vote": "approve", "comment": "stricter"})),
        row("get /api/v1/policy/proposals/{proposal}/history", of("/history?last=50"), "auditor", "nobody"),
        row("post /api/v1/policy/proposals/{proposal}/activation", of("/activation"), "admin", "developer"),
        row(
            "get /api/v1/decisions/{id}/replay",
            format!("/api/v1/decisions/{decision}/replay"),
            "auditor",
            "nobody",
        ),
    ]
}

fn retention(world: &World, named: &Named) -> Vec<Row> {
    let hold = &named.hold;
    vec![
        row("get /api/v1/retention", "/api/v1/retention", "auditor", "developer"),
        row("post /api/v1/retention/purge", "/api/v1/retention/purge", "admin", "risk").with(json!({})),
        row("post /api/v1/holds", "/api/v1/holds", "risk", "owner").with(hold_on(&world.ids["spare"])),
        row("get /api/v1/holds", "/api/v1/holds?all=true", "auditor", "developer"),
        row("post /api/v1/holds/{hold}/release", format!("/api/v1/holds/{hold}/release"), "risk2", "risk")
            .with(json!({"reason": "the case is closed"})),
    ]
}

fn controls(exception: &str) -> Vec<Row> {
    let control = "CTL-AUDIT-01";
    let note =
        json!({"control": "CTL-DATA-01", "occurrence": exception, "step": "cause", "text": "a holiday"});
    let window = "from=2026-01-01T00:00:00Z&to=2026-04-01T00:00:00Z";
    vec![
        row("post /api/v1/controls", "/api/v1/controls", "risk", "developer")
            .with(json!({"control": control})),
        row("get /api/v1/controls", "/api/v1/controls", "auditor", "developer"),
        row("get /api/v1/gaps", "/api/v1/gaps?framework=soc2", "auditor", "developer"),
        row("post /api/v1/criteria/scope", "/api/v1/criteria/scope", "risk", "developer").with(json!(
            {"framework": "soc2", "criterion": "P1.1", "applicable": false, "reason": "no personal data"}
        )),
        row("get /api/v1/control-tests", format!("/api/v1/control-tests?{window}"), "auditor", "developer"),
        row("post /api/v1/exceptions", "/api/v1/exceptions", "developer", "auditor").with(note),
        row(
            "post /api/v1/controls/{control}/retire",
            format!("/api/v1/controls/{control}/retire"),
            "risk",
            "admin",
        )
        .with(json!({"reason": "another one takes its place"})),
    ]
}

fn risks(world: &World) -> Vec<Row> {
    let rated = json!({
        "text": "people from abroad wait longer", "likelihood": 4, "severity": 3, "treatment": "reduce",
        "residual_likelihood": 2, "residual_severity": 3, "owner": world.ids["spare"], "review_days": 90
    });
    let risk = text_of(&world.ok(&world.post("developer", "/systems/credit/risks", &rated)));
    vec![
        row("post /api/v1/systems/{system}/risks", "/api/v1/systems/credit/risks", "developer", "auditor")
            .with(rated.clone()),
        row("get /api/v1/risks", "/api/v1/risks?system=credit", "auditor", "nobody"),
        row("get /api/v1/stale", "/api/v1/stale?system=credit", "auditor", "nobody"),
        row(
            "post /api/v1/systems/{system}/assessment",
            "/api/v1/systems/credit/assessment",
            "developer",
            "auditor",
        )
        .with(json!({"facts": {"answers": {}}, "reason": "before it is used"})),
        row(
            "get /api/v1/systems/{system}/assessment",
            "/api/v1/systems/credit/assessment",
            "auditor",
            "nobody",
        ),
        row(
            "post /api/v1/risks/{risk}/review",
            format!("/api/v1/risks/{risk}/review"),
            "developer",
            "auditor",
        )
        .with(rated),
        row(
            "post /api/v1/risks/{risk}/closure",
            format!("/api/v1/risks/{risk}/closure"),
            "risk",
            "developer",
        )
        .with(json!({"reason": "the rule is gone"})),
    ]
}

fn documents(world: &World) -> Vec<Row> {
    // Everything that a sheet of a dataset asks is answered, so that it can be issued.
    let sheet = "/documents/dataset-sheet/loans@2018";
    let shown = world.ok(&world.get("auditor", sheet));
    let answers = format!("{sheet}/answers");
    for open in shown["open"].as_array().unwrap() {
        let answer = json!({"key": open["key"], "text": "as it says"});
        world.ok(&world.post("developer", &answers, &answer));
    }
    world.ok(&world.post("risk", &format!("{sheet}/issue"), &Value::Null));
    vec![
        row("get /api/v1/documents/{kind}/{subject}", format!("/api/v1{sheet}"), "auditor", "nobody"),
        row(
            "post /api/v1/documents/{kind}/{subject}/answers",
            format!("/api/v1{answers}"),
            "developer",
            "auditor",
        )
        .with(json!({"key": "missing", "text": "nothing"})),
        row(
            "post /api/v1/documents/{kind}/{subject}/issue",
            format!("/api/v1{sheet}/issue"),
            "risk",
            "developer",
        ),
        row(
            "get /api/v1/documents/{kind}/{subject}/changes",
            format!("/api/v1{sheet}/changes"),
            "auditor",
            "nobody",
        ),
    ]
}

fn hold_on(owner: &str) -> Value {
    json!({"system": "credit", "owner": owner, "reason": "a claim"})
}

fn oversight(named: &Named) -> Vec<Row> {
    let subject = &named.subject;
    let erase = json!({"subject": format!("subject/{subject}"), "basis": "subject-request"});
    vec![
        row("post /api/v1/subjects", "/api/v1/subjects", "risk", "auditor")
            .with(json!({"reference": "customer 2"})),
        row("get /api/v1/subjects", "/api/v1/subjects", "auditor", "developer"),
        row("get /api/v1/subjects/{id}", format!("/api/v1/subjects/{subject}"), "auditor", "owner"),
        row("post /api/v1/subjects/erase", "/api/v1/subjects/erase", "risk", "owner").with(erase),
        row("get /api/v1/ledger/entries", "/api/v1/ledger/entries?kind=team.created", "auditor", "developer"),
        row("get /api/v1/ledger/entries/{index}", "/api/v1/ledger/entries/0", "auditor", "developer"),
        row("post /api/v1/evidence/pack", "/api/v1/evidence/pack", "auditor", "developer").with(json!({})),
        row("get /log/tile/entries/{path}", "/log/tile/entries/000.p/3", "auditor", "developer"),
        row("post /api/v1/ledger/rotate-key", "/api/v1/ledger/rotate-key", "admin", "auditor"),
        row("post /api/v1/ledger/retire-key", "/api/v1/ledger/retire-key", "admin", "auditor"),
    ]
}

/// `method path` of every operation of the OpenAPI document.
fn documented(world: &World) -> BTreeSet<String> {
    let document = world.ok(&get("/api/v1/openapi.json"));
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        routes.extend(item.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    routes
}

#[test]
fn every_route_asks_who_is_calling() {
    let world = World::complete();
    world.server.publish();
    let named = prepare(&world);
    let rows = table(&world, &named);

    let mut known: BTreeSet<String> = rows.iter().map(|row| row.route.to_owned()).collect();
    known.extend(PUBLIC.iter().chain(&ANYBODY).map(|(route, _)| (*route).to_owned()));
    known.extend(INVITED.iter().chain(&IN_BODY).map(|route| (*route).to_owned()));
    let count = rows.len() + PUBLIC.len() + ANYBODY.len() + INVITED.len() + IN_BODY.len();
    assert_eq!(known.len(), count, "a route stands twice");
    let documented = documented(&world);
    let missing: Vec<&String> = documented.difference(&known).collect();
    assert!(missing.is_empty(), "routes without a row or a reviewed exception: {missing:?}");
    let gone: Vec<&String> = known.difference(&documented).collect();
    assert!(gone.is_empty(), "rows without a route: {gone:?}");

    for row in &rows {
        let route = row.route;
        let bare = world.send(&row.call());
        assert_eq!(bare.problem(401)["code"], "unauthenticated", "{route}");
        assert!(bare.header("www-authenticate").starts_with("Bearer"), "{route}");
        for refused in ["nobody", row.refused] {
            let before = world.server.size();
            let answer = world.send(&row.call().by(world.token(refused)));
            assert_eq!(answer.status, 403, "{route} by {refused}: {}", String::from_utf8_lossy(&answer.body));
            let problem = answer.problem(403);
            assert!(!problem["rules"].as_array().unwrap().is_empty(), "{route} by {refused}: {problem}");
            assert_eq!(world.server.size(), before + 1, "{route}: the refusal is recorded, and nothing else");
        }
        let answer = world.send(&row.call().by(world.token(row.allowed)));
        assert_eq!(
            answer.status,
            200,
            "{route} by {}: {}",
            row.allowed,
            String::from_utf8_lossy(&answer.body)
        );
    }
}

#[test]
fn exceptions_are_what_they_say() {
    let world = World::complete();
    world.server.publish();
    for (route, reason) in PUBLIC {
        assert!(!reason.is_empty());
        let path = route.strip_prefix("get ").unwrap().replace("{path}", "0/000.p/5");
        let answer = world.send(&get(&path));
        assert_eq!(answer.status, 200, "{route}: {}", String::from_utf8_lossy(&answer.body));
    }
    for (route, reason) in ANYBODY {
        assert!(!reason.is_empty());
        let (method, path) = route.split_once(' ').unwrap();
        let call = request(&method.to_uppercase(), path);
        let call = if method == "post" { call.bytes("", Vec::new()) } else { call };
        world.send(&call).problem(401);
        let token = enrol(&world.server, world.token("owner"), &world.ids["nobody"]);
        world.send(&call.clone().by(&token)).ok();
        if path.ends_with("revoke-own") {
            world.send(&call.by(&token)).problem(401);
        }
    }
    for route in IN_BODY {
        let exchange = post(route.strip_prefix("post ").unwrap(), &json!({"subject_token": "a.e30.c"}));
        world.send(&exchange).problem(401);
        world.send(&exchange.by(world.token("owner"))).problem(401);
    }
    for route in INVITED {
        let accept = post(route.strip_prefix("post ").unwrap(), &json!({"label": "t", "days": 1}));
        world.send(&accept).problem(401);
        world.send(&accept.clone().by(world.token("owner"))).problem(401);
        let invite = json!({"person": world.ids["spare"], "days": 1});
        let invitation = secret(&world.ok(&world.post("owner", "/invitations", &invite)));
        world.send(&get("/api/v1/whoami").by(&invitation)).problem(401);
        world.send(&accept.clone().by(&invitation)).ok();
        world.send(&accept.by(&invitation)).problem(401);
    }
}
