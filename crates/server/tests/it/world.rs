//! An organisation to test in: people with their tokens, a system, a dataset, a model with two versions.

use crate::support::{Answer, Call, Server, get, post, request, sha256};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Bytes of one upload part.
pub(crate) const PART: usize = 8 << 20;

/// A server with people in it, and whatever was set up so far.
pub(crate) struct World {
    pub(crate) server: Server,
    /// Token by the name of who holds it.
    tokens: BTreeMap<&'static str, String>,
    /// Principal id by name.
    pub(crate) ids: BTreeMap<&'static str, String>,
}

/// Each person's name and roles.
const PEOPLE: [(&str, &[&str]); 12] = [
    ("admin", &["admin"]),
    ("developer", &["developer"]),
    ("approver", &["approver"]),
    ("approver2", &["approver"]),
    ("risk", &["risk-officer"]),
    ("risk2", &["risk-officer"]),
    ("deployer", &["deployer"]),
    ("auditor", &["auditor"]),
    ("nobody", &[]),
    ("spare", &["developer"]),
    ("leaver", &[]),
    ("outside", &[]),
];

impl World {
    /// People and their tokens only.
    pub(crate) fn with_people() -> Self {
        let server = Server::start();
        let mut tokens = BTreeMap::from([("owner", server.bootstrap.clone())]);
        let mut ids = BTreeMap::new();
        for (name, roles) in PEOPLE {
            let person = json!({"name": name, "email": format!("{name}@example.org")});
            let id = server.send(&post("/api/v1/persons", &person).by(&tokens["owner"])).ok();
            admit(&server, &mut tokens, name, id["id"].as_str().unwrap(), roles);
            ids.insert(name, id["id"].as_str().unwrap().to_owned());
        }
        let account = json!({"slug": "pipeline"});
        let id = server.send(&post("/api/v1/service-accounts", &account).by(&tokens["owner"])).ok();
        admit(&server, &mut tokens, "ci", id["id"].as_str().unwrap(), &["ci"]);
        ids.insert("ci", id["id"].as_str().unwrap().to_owned());
        Self { server, tokens, ids }
    }

    /// Everything: system, dataset, model, two versions that both served in staging.
    pub(crate) fn complete() -> Self {
        let world = Self::with_people();
        world.register();
        for label in ["1", "2"] {
            let digest = world.upload(format!("model {label}").as_bytes());
            world.ok(&world.post("developer", "/models/scorer/versions", &version(label, &digest)));
            let deploy = json!({"version": format!("scorer@{label}"), "environment": "staging", "reason": "rehearsal"});
            world.ok(&world.post("deployer", "/deployments", &deploy));
        }
        world
    }

    /// Team, vendor, system, dataset with a version, model.
    pub(crate) fn register(&self) {
        self.ok(&self.post("owner", "/teams", &json!({"slug": "risk-models"})));
        self.ok(&self.post("owner", "/vendors", &json!({"slug": "acme", "text": {"name": "Acme"}})));
        self.ok(&self.post("owner", "/systems", &system("credit")));
        self.ok(&self.post("developer", "/datasets", &dataset("loans")));
        self.ok(&self.post("developer", "/datasets/loans/versions", &dataset_version("2018")));
        self.ok(&self.post("developer", "/models", &json!({"system": "credit", "slug": "scorer"})));
    }

    /// Uploads a small content as the developer; answers its digest.
    pub(crate) fn upload(&self, content: &[u8]) -> String {
        let digest = sha256(content);
        let begin =
            json!({"digest": digest, "bytes": content.len(), "media_type": "application/octet-stream"});
        let upload = self.ok(&self.post("developer", "/uploads", &begin));
        let id = upload["id"].as_str().unwrap();
        for (number, part) in content.chunks(PART).enumerate() {
            self.ok(&self.part("developer", id, number + 1, part));
        }
        let receipt = self.ok(&self.post("developer", &format!("/uploads/{id}/complete"), &json!({})));
        assert_eq!(receipt["id"], json!(digest));
        digest
    }

    pub(crate) fn token(&self, who: &str) -> &str {
        &self.tokens[who]
    }

    pub(crate) fn get(&self, who: &str, path: &str) -> Call {
        get(&format!("/api/v1{path}")).by(self.token(who))
    }

    pub(crate) fn post(&self, who: &str, path: &str, body: &Value) -> Call {
        post(&format!("/api/v1{path}"), body).by(self.token(who))
    }

    pub(crate) fn part(&self, who: &str, upload: &str, number: usize, bytes: &[u8]) -> Call {
        request("PUT", &format!("/api/v1/uploads/{upload}/parts/{number}"))
            .by(self.token(who))
            .bytes("application/octet-stream", bytes.to_vec())
    }

    pub(crate) fn send(&self, call: &Call) -> Answer {
        self.server.send(call)
    }

    pub(crate) fn ok(&self, call: &Call) -> Value {
        self.server.send(call).ok()
    }
}

fn admit(
    server: &Server,
    tokens: &mut BTreeMap<&'static str, String>,
    name: &'static str,
    id: &str,
    roles: &[&str],
) {
    let owner = tokens["owner"].clone();
    for role in roles {
        let grant = json!({"principal": id, "role": role});
        server.send(&post("/api/v1/roles/grant", &grant).by(&owner)).ok();
    }
    let token = if name == "ci" { issue(server, &owner, id) } else { enrol(server, &owner, id) };
    tokens.insert(name, token);
}

/// Issues a token of 30 days to a service account.
pub(crate) fn issue(server: &Server, by: &str, account: &str) -> String {
    let command = json!({"principal": account, "label": "test", "days": 30});
    secret(&server.send(&post("/api/v1/tokens", &command).by(by)).ok())
}

/// Invites a person and accepts in their name: their token of 30 days.
pub(crate) fn enrol(server: &Server, by: &str, person: &str) -> String {
    let invite = json!({"person": person, "days": 1});
    let invitation = secret(&server.send(&post("/api/v1/invitations", &invite).by(by)).ok());
    let accept = json!({"label": "test", "days": 30});
    secret(&server.send(&post("/api/v1/invitations/accept", &accept).by(&invitation)).ok())
}

/// A person's further token, bound to an environment.
pub(crate) fn bound(server: &Server, by: &str, environment: &str) -> String {
    let command = json!({"environment": environment, "label": "test", "days": 30});
    secret(&server.send(&post("/api/v1/whoami/tokens", &command).by(by)).ok())
}

pub(crate) fn secret(issued: &Value) -> String {
    issued["secret"].as_str().unwrap().to_owned()
}

pub(crate) fn system(slug: &str) -> Value {
    json!({
        "slug": slug, "kind": "own", "status": "development", "owner_team": "risk-models",
        "text": {"title": "Credit scoring", "purpose": "Ranks applications for review", "populations": ["applicants"]}
    })
}

pub(crate) fn dataset(slug: &str) -> Value {
    json!({"slug": slug, "owner_team": "risk-models", "text": {"title": "Loans"}})
}

pub(crate) fn dataset_version(label: &str) -> Value {
    json!({
        "label": label, "files": [{"name": "loans.csv", "digest": sha256(b"loans"), "bytes": 5}], "rows": 1000,
        "licence": "CC-BY-4.0", "collection": "public", "legal_basis": "not-personal",
        "text": {"origin": "Published by the statistical office, read 2026-01-01"}
    })
}

pub(crate) fn version(label: &str, digest: &str) -> Value {
    json!({
        "label": label, "artifacts": [{"name": "model.bin", "digest": digest}],
        "training_started": "2026-01-01T10:00:00Z", "training_ended": "2026-01-01T11:00:00Z",
        "code_commit": "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "datasets": [{"version": "loans@2018", "purpose": "training"}],
        "metrics": {"auc": 0.81}, "seed": 7,
        "text": {
            "hyperparameters": {"depth": 4, "rate": 0.05},
            "inputs": [{"name": "income", "type": "double", "required": true}],
            "outputs": [{"name": "score", "type": "double"}],
            "reproduce": "python train.py --seed 7"
        }
    })
}
