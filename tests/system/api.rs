//! A client of the HTTP interface, and an organisation with two programs to act in.

use crate::support::Server;
use serde_json::{Value, json};
use std::io::Read as _;
use std::time::Duration;
use ureq::Agent;

/// Attempts of a write whose answer was lost or put off.
const ATTEMPTS: u32 = 5;

/// A client of one server in the name of one credential, on connections of its own.
pub(crate) struct Api {
    agent: Agent,
    base: String,
    authorization: String,
}

impl Api {
    pub(crate) fn new(base: &str, token: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .proxy(None)
            .build()
            .into();
        Self { agent, base: base.to_owned(), authorization: format!("Bearer {token}") }
    }

    /// Reads a path of the API; it must succeed.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.read(&format!("/api/v1{path}"));
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// Status and body of any path of the server.
    pub(crate) fn read(&self, path: &str) -> (u16, Vec<u8>) {
        let request = self.agent.get(format!("{}{path}", self.base));
        let mut response = request.header("Authorization", &self.authorization).call().unwrap();
        let mut body = Vec::new();
        response.body_mut().as_reader().read_to_end(&mut body).unwrap();
        (response.status().as_u16(), body)
    }

    /// Does an act under an idempotency key, as often as it takes to get an answer; it must succeed.
    pub(crate) fn post(&self, path: &str, key: &str, body: &Value) -> Value {
        let mut said = String::new();
        for attempt in 0..ATTEMPTS {
            match self.try_post(path, key, body) {
                Ok((200..=299, answer)) => return answer,
                Ok((status @ (429 | 503 | 504), answer)) => said = format!("{status} {answer}"),
                Ok((status, answer)) => panic!("{path}: {status} {answer}"),
                Err(error) => said = error,
            }
            std::thread::sleep(Duration::from_millis(200 << attempt));
        }
        panic!("{path}: {ATTEMPTS} attempts, last: {said}")
    }

    /// One attempt: status and answer, or why there is none.
    pub(crate) fn try_post(&self, path: &str, key: &str, body: &Value) -> Result<(u16, Value), String> {
        let request = self.agent.post(format!("{}/api/v1{path}", self.base));
        let mut response = request
            .header("Authorization", &self.authorization)
            .header("Idempotency-Key", key)
            .send_json(body)
            .map_err(|error| error.to_string())?;
        let answer = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), serde_json::from_str(&answer).unwrap_or(Value::String(answer))))
    }

    /// Every item of a list, over all its pages.
    pub(crate) fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}&limit=200{after}"));
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next"].as_str() else { return items };
            after = format!("&after={next}");
        }
    }
}

/// Tokens of the programs that act in a test.
pub(crate) struct Tokens {
    pub(crate) owner: String,
    /// Registers and deploys.
    pub(crate) builder: String,
    /// Reads and exports.
    pub(crate) auditor: String,
}

/// Makes the programs with their roles, and a team that owns what they register.
pub(crate) fn set_up(server: &Server) -> Tokens {
    let owner = server.bootstrap();
    let api = Api::new(&server.url, &owner);
    let account = |slug: &str, roles: &[&str]| {
        api.post("/service-accounts", slug, &json!({ "slug": slug }));
        for role in roles {
            let grant = json!({"principal": slug, "role": role});
            api.post("/roles/grant", &format!("{slug}-{role}"), &grant);
        }
        let token = json!({"principal": slug, "label": "t", "days": 1});
        api.post("/tokens", &format!("{slug}-token"), &token)["secret"].as_str().unwrap().to_owned()
    };
    let builder = account("builder", &["developer", "deployer"]);
    let auditor = account("watcher", &["auditor"]);
    api.post("/teams", "team", &json!({"slug": "risk-models"}));
    Tokens { owner, builder, auditor }
}

pub(crate) fn system(slug: &str) -> Value {
    json!({
        "slug": slug, "kind": "own", "status": "development", "owner_team": "risk-models",
        "text": {"title": "Credit scoring", "purpose": "Ranks applications for review", "populations": ["applicants"]}
    })
}

pub(crate) fn version(label: &str, digest: &str) -> Value {
    json!({
        "label": label, "artifacts": [{"name": "model.bin", "digest": digest}],
        "training_started": "2026-01-01T10:00:00Z", "training_ended": "2026-01-01T11:00:00Z",
        "code_commit": "9fceb02d0ae598e95dc970b74767f19372d61af8", "datasets": [], "metrics": {"auc": 0.81},
        "text": {"hyperparameters": {"depth": 4}, "reproduce": "python train.py --seed 7"}
    })
}

/// Registers `credit/scorer@v1` with all that staging asks for; production asks for more.
pub(crate) fn register_scorer(builder: &Api, digest: &str) {
    builder.post("/systems", "scorer-system", &system("credit"));
    builder.post("/models", "scorer-model", &json!({"system": "credit", "slug": "scorer"}));
    let data = json!({"slug": "loans", "owner_team": "risk-models", "text": {"title": "Loans"}});
    builder.post("/datasets", "scorer-data", &data);
    let data = json!({
        "label": "2018", "files": [{"name": "loans.csv", "digest": digest, "bytes": 7}], "rows": 1000,
        "licence": "CC-BY-4.0", "collection": "public", "legal_basis": "not-personal",
        "text": {"origin": "Published by the statistical office"},
    });
    builder.post("/datasets/loans/versions", "scorer-data-version", &data);
    let mut scorer = version("v1", digest);
    scorer["datasets"] = json!([{"version": "loans@2018", "purpose": "training"}]);
    scorer["text"]["inputs"] = json!([{"name": "income", "type": "double", "required": true}]);
    scorer["text"]["outputs"] = json!([{"name": "score", "type": "double"}]);
    builder.post("/models/scorer/versions", "scorer-version", &scorer);
}
