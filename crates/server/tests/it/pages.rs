//! What operators and browsers see: health, metrics, the reference page, headers.

use crate::support::{Server, get, post, request};
use crate::world::World;
use serde_json::json;

#[test]
fn every_answer_carries_a_request_id_and_security_headers() {
    let server = Server::start();
    for path in ["/healthz", "/docs", "/nowhere", "/api/v1/whoami", "/log/checkpoint"] {
        let answer = server.send(&get(path).header("X-Request-Id", "probe-1.a"));
        assert_eq!(answer.header("x-request-id"), "probe-1.a", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("content-security-policy").is_empty(), "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    let made = server.send(&get("/healthz").header("X-Request-Id", "a b"));
    assert_eq!(made.header("x-request-id").len(), 32);
}

#[test]
fn basic_credentials_are_tokens_as_passwords() {
    use base64::Engine as _;
    let server = Server::start();
    let text = base64::engine::general_purpose::STANDARD.encode(format!("token:{}", server.bootstrap));
    let answer = server.send(&get("/api/v1/whoami").header("Authorization", &format!("Basic {text}")));
    assert_eq!(answer.ok()["slug"], "bootstrap");
}

#[test]
fn the_reference_page_runs_only_its_own_script() {
    let server = Server::start();
    let root = server.send(&get("/"));
    assert_eq!((root.status, root.header("location")), (307, "/docs"));
    let page = server.send(&get("/docs"));
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert!(text.contains(&format!("<script nonce=\"{nonce}\">")));
    assert!(!text.contains("@nonce@"));
    let again = server.send(&get("/docs"));
    assert!(!again.header("content-security-policy").contains(nonce), "a nonce is used once");
}

#[test]
fn metrics_name_routes_and_not_paths() {
    let world = World::with_people();
    world.server.publish();
    world.ok(&world.post("owner", "/teams", &json!({"slug": "a"})));
    world.send(&world.get("auditor", "/systems/secret-name")).problem(404);
    world.send(&get("/secret/path")).problem(404);
    world.send(&request("TRACE", "/api/v1/teams")).problem(405);
    let answer = world.send(&get("/metrics"));
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(answer.body).unwrap();
    for line in [
        "comptroller_http_requests_total{route=\"/api/v1/systems/{system}\",method=\"GET\",status=\"404\"} 1",
        "comptroller_http_requests_total{route=\"unmatched\",method=\"GET\",status=\"404\"} 1",
        "comptroller_http_requests_total{route=\"/api/v1/teams\",method=\"TRACE\",status=\"405\"} 1",
        "comptroller_http_request_seconds_count{route=\"/api/v1/teams\",method=\"POST\"} 1",
        "comptroller_database_up 1",
        "comptroller_read_only 0",
        &format!("comptroller_ledger_size {}", world.server.size()),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("secret"));
}

#[test]
fn ready_means_that_the_store_takes_writes() {
    let server = Server::start();
    assert_eq!(server.send(&get("/readyz")).ok()["status"], "ready");
    assert_eq!(server.send(&get("/healthz")).ok()["status"], "ok");
    // Lists are read in pages.
    for slug in ["a", "b", "c"] {
        server.send(&post("/api/v1/teams", &json!({"slug": slug})).by(&server.bootstrap)).ok();
    }
    let mut path = "/api/v1/teams?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = server.send(&get(&path).by(&server.bootstrap)).ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|team| team["slug"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/teams?limit=2&after={next}");
    }
    assert_eq!(seen, [json!("a"), json!("b"), json!("c")]);
}
