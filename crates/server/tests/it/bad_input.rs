//! Bad input: the right status, a problem that says what and where, and nothing changed.

use crate::support::{Answer, Call, Server, get, post, request, sha256};
use crate::world::{PART, World, bound, system, version};
use comptroller_server::Limits;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Sends a call and holds that the ledger grew by no more than a refusal.
fn refused(world: &World, what: &str, call: &Call, status: u16) -> Answer {
    let before = world.server.size();
    let answer = world.send(call);
    assert_eq!(answer.status, status, "{what}: {}", String::from_utf8_lossy(&answer.body));
    answer.problem(status);
    let growth = world.server.size() - before;
    assert_eq!(growth, u64::from(status == 403), "{what}: the ledger grew by {growth}");
    answer
}

#[test]
fn bodies() {
    let world = World::with_people();
    let owner = world.token("owner");
    let send =
        |body: &[u8]| request("POST", "/api/v1/teams").by(owner).bytes("application/json", body.to_vec());
    let deep = "[".repeat(50_000);
    let large = format!("{{\"slug\": \"{}\"}}", "a".repeat(1 << 20));
    let cases: [(&str, &[u8], u16); 14] = [
        ("empty", b"", 400),
        ("truncated", b"{\"slug\": \"a", 400),
        ("not an object", b"[\"a\"]", 400),
        ("wrong type", b"{\"slug\": 7}", 400),
        ("missing field", b"{}", 400),
        ("unknown field", b"{\"slug\": \"a\", \"x\": 1}", 400),
        ("field twice", b"{\"slug\": \"a\", \"slug\": \"b\"}", 400),
        ("trailing text", b"{\"slug\": \"a\"} x", 400),
        ("invalid UTF-8", b"{\"slug\": \"\xff\"}", 400),
        ("NUL", b"{\"slug\": \"a\\u0000\"}", 400),
        ("wrong form", b"{\"slug\": \"../a\"}", 400),
        ("looks like an id", b"{\"slug\": \"01990b2e-7c4f-7a31-9a44-5d3c8f1e2b60\"}", 400),
        ("deep", deep.as_bytes(), 400),
        ("oversized", large.as_bytes(), 413),
    ];
    for (what, body, status) in cases {
        refused(&world, what, &send(body), status);
    }
    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let call =
            request("POST", "/api/v1/teams").by(owner).bytes(media_type, b"{\"slug\": \"a\"}".to_vec());
        refused(&world, "media type", &call, 415);
    }
    let problem = refused(&world, "unknown field", &send(b"{\"slug\": \"a\", \"colour\": 1}"), 400).json();
    assert!(problem["detail"].as_str().unwrap().contains("colour"), "{problem}");
    world.send(&send(b"{\"slug\": \"a\"}")).ok();
    refused(&world, "the same name again", &send(b"{\"slug\": \"a\"}"), 409);
}

#[test]
fn values() {
    let world = World::complete();
    let owner = |path: &str, body| world.post("owner", path, &body);
    let developer = |path: &str, body| world.post("developer", path, &body);
    let account = &world.ids["ci"];
    let token = |days: i64| owner("/tokens", json!({"principal": account, "label": "t", "days": days}));
    let spare = &world.ids["spare"];
    let invitation = |days: i64| owner("/invitations", json!({"person": spare, "days": days}));
    for days in [-1, 0, 91, 1 << 40] {
        refused(&world, "days", &token(days), 400);
        refused(&world, "days", &invitation(days), 400);
    }
    refused(
        &world,
        "a program is invited",
        &owner("/invitations", json!({"person": account, "days": 1})),
        400,
    );
    let digest = sha256(b"model 1");
    let mut backwards = version("9", &digest);
    backwards["training_ended"] = json!("2025-12-31T00:00:00Z");
    let mut from_the_future = version("9", &digest);
    from_the_future["training_ended"] = json!("2999-01-01T00:00:00Z");
    let mut text_too_long = version("9", &digest);
    text_too_long["text"]["notes"] = json!("n".repeat(20_000));
    let mut huge = version("9", &digest).to_string();
    huge = huge.replace("0.81", "1e999");
    let huge = request("POST", "/api/v1/models/scorer/versions")
        .by(world.token("developer"))
        .bytes("application/json", huge.into_bytes());
    let cases = [
        ("training ends before it began", developer("/models/scorer/versions", backwards), 400),
        ("training ends in the future", developer("/models/scorer/versions", from_the_future), 400),
        ("long text", developer("/models/scorer/versions", text_too_long), 400),
        ("a number that is none", huge, 400),
        ("a label again", developer("/models/scorer/versions", version("1", &digest)), 409),
        (
            "an artifact that is not there",
            developer("/models/scorer/versions", version("9", &sha256(b"?"))),
            404,
        ),
        (
            "a system in a team that is not there",
            owner("/systems", {
                let mut command = system("x");
                command["owner_team"] = json!("nobody-home");
                command
            }),
            404,
        ),
        ("an e-mail address", owner("/persons", json!({"name": "x", "email": "not an address"})), 400),
        ("a person again", owner("/persons", json!({"name": "x", "email": "Developer@example.org"})), 409),
        ("a role again", owner("/roles/grant", json!({"principal": spare, "role": "developer"})), 409),
        ("no change", owner("/systems/credit/tags", json!({"key": " a "})), 400),
        (
            "a link to both",
            owner(
                "/systems/credit/links",
                json!({
                    "relation": "supplied-by", "to_vendor": "acme", "to_system": "credit"
                }),
            ),
            400,
        ),
        (
            "an empty reason",
            developer(
                "/approvals",
                json!({
                    "version": "scorer@1", "environment": "production", "reason": "  "
                }),
            ),
            400,
        ),
        (
            "an environment of no kind",
            developer(
                "/approvals",
                json!({
                    "version": "scorer@1", "environment": "prod", "reason": "x"
                }),
            ),
            400,
        ),
        (
            "a subject of no kind",
            world.post(
                "risk",
                "/subjects/erase",
                &json!({
                    "subject": "customer 1", "basis": "subject-request"
                }),
            ),
            400,
        ),
        (
            "live already",
            world.post(
                "deployer",
                "/deployments",
                &json!({
                    "version": "scorer@2", "environment": "staging", "reason": "x"
                }),
            ),
            409,
        ),
        (
            "nothing to roll back",
            world.post(
                "deployer",
                "/rollbacks",
                &json!({
                    "model": "scorer", "environment": "dev", "reason": "x"
                }),
            ),
            409,
        ),
    ];
    for (what, call, status) in cases {
        refused(&world, what, &call, status);
    }
}

#[test]
fn addresses() {
    let world = World::complete();
    let id = "01990b2e-7c4f-7a31-9a44-5d3c8f1e2b60";
    let cases = [
        ("/systems/..%2F..%2Fetc%2Fpasswd", 404),
        ("/systems/%2e%2e", 404),
        ("/systems/a%00b", 400),
        ("/systems?q=%00", 400),
        ("/systems/%ff", 400),
        ("/systems?limit=0", 400),
        ("/systems?limit=201", 400),
        ("/systems?limit=ten", 400),
        ("/systems?kind=robot", 400),
        ("/systems?colour=red", 400),
        ("/systems?limit=1&limit=2", 400),
        ("/systems/credit/serving", 400),
        ("/systems/credit/serving?environment=dev&at=yesterday", 400),
        ("/deployments?after=now", 400),
        ("/artifacts/..%2Fkeys", 400),
        ("/artifacts/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 404),
        ("/approvals/1", 400),
        (&format!("/approvals/{id}"), 404),
        (&format!("/approvals/{}", id.to_uppercase()), 400),
        (&format!("/versions/{id}"), 404),
        ("/versions/1", 400),
        ("/versions/scorer@99", 404),
        ("/versions/%2F@1", 404),
        ("/ledger/entries/-1", 400),
        ("/ledger/entries/18446744073709551616", 400),
        ("/ledger/entries/18446744073709551615", 404),
        ("/no-such-thing", 404),
        ("//systems", 404),
    ];
    for (path, status) in cases {
        let answer = refused(&world, path, &world.get("auditor", path), status);
        assert!(!String::from_utf8_lossy(&answer.body).contains("root:"), "{path}");
    }
    for path in
        ["/log/tile/0/..%2F000", "/log/tile/9999/000", "/log/tile/0/1", "/log/tile/0/000.p/0", "/log/x"]
    {
        refused(&world, path, &get(path), 404);
    }
    let answer =
        refused(&world, "method", &request("DELETE", "/api/v1/systems").by(world.token("owner")), 405);
    let mut methods: Vec<&str> = answer.header("allow").split(',').collect();
    methods.sort_unstable();
    assert_eq!(methods, ["GET", "HEAD", "POST"]);
}

#[test]
fn credentials() {
    let world = World::complete();
    let owner = world.token("owner").to_owned();
    // INVARIANT (environment-segregation): a token of dev is refused for staging, and that is recorded.
    let dev = bound(&world.server, world.token("deployer"), "dev");
    let staging = json!({"version": "scorer@1", "environment": "staging", "reason": "x"});
    let answer = refused(&world, "dev token", &post("/api/v1/deployments", &staging).by(&dev), 403);
    let rules = answer.json()["rules"].to_string();
    assert!(rules.contains("environment-segregation"), "{rules}");
    let relabelled = dev.replace("cmp_dev_", "cmp_staging_");
    let person = json!({"name": "x", "email": "x@example.org"});
    let production = bound(&world.server, world.token("admin"), "production");
    refused(&world, "bound admin", &post("/api/v1/persons", &person).by(&production), 403);

    let command = json!({"label": "t", "days": 1});
    let short = world.ok(&world.post("deployer", "/whoami/tokens", &command));
    let revoked = world.ok(&world.post("deployer", "/whoami/tokens", &command));
    let id = revoked["id"].as_str().unwrap();
    world.ok(&world.post("owner", &format!("/tokens/{id}/revoke"), &json!({})));
    let other_digit = if owner.ends_with('0') { '1' } else { '0' };
    let mistyped = format!("{}{other_digit}", &owner[..owner.len() - 1]);
    let tokens = [relabelled.as_str(), &mistyped, revoked["secret"].as_str().unwrap(), "x", &"_".repeat(900)];
    for token in tokens {
        refused(&world, token, &get("/api/v1/whoami").by(token), 401);
    }
    let whoami = get("/api/v1/whoami");
    refused(&world, "no credential", &whoami, 401);
    refused(&world, "two", &whoami.clone().by(&owner).by(&owner), 401);
    let secret = short["secret"].as_str().unwrap();
    world.send(&whoami.clone().by(secret)).ok();
    world.server.pass_days(2);
    let problem = refused(&world, "expired", &whoami.by(secret), 401).json();
    assert!(problem["detail"].as_str().unwrap().contains("expired"), "{problem}");
}

#[test]
fn a_refusal_reaches_whoever_still_sends() {
    let world = World::with_people();
    let call = request("POST", "/api/v1/predictions").bytes("application/x-ndjson", vec![b' '; 12 << 20]);
    for _ in 0..5 {
        refused(&world, "12 MiB without a credential", &call, 401);
    }
    // Who asks first sends nothing, and is told at once.
    let begun = Instant::now();
    let head = "POST /api/v1/predictions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
    let mut stream = TcpStream::connect(world.server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("{head}Content-Length: 12582912\r\n\r\n").as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    assert!(begun.elapsed() < Duration::from_secs(4), "the answer waited for a body that nobody sends");
}

#[test]
fn a_key_rotation_out_of_order_is_a_conflict() {
    let world = World::with_people();
    let (rotate, retire) = ("/ledger/rotate-key", "/ledger/retire-key");
    refused(&world, "nothing to retire", &world.post("owner", retire, &json!({})), 409);
    world.ok(&world.post("owner", rotate, &json!({})));
    refused(&world, "a second rotation", &world.post("owner", rotate, &json!({})), 409);
    world.ok(&world.post("owner", retire, &json!({})));
    refused(&world, "retired already", &world.post("owner", retire, &json!({})), 409);
}

#[test]
fn parts_of_uploads() {
    let world = World::with_people();
    let content = vec![7_u8; PART + 10];
    let begin = json!({"digest": sha256(&content), "bytes": content.len(), "media_type": "text/plain"});
    let id = world.ok(&world.post("developer", "/uploads", &begin))["id"].as_str().unwrap().to_owned();
    let part = |who: &str, number: usize, bytes: &[u8]| world.part(who, &id, number, bytes);
    refused(&world, "part 0", &part("developer", 0, b"x"), 400);
    refused(&world, "part 3", &part("developer", 3, b"x"), 400);
    refused(&world, "short", &part("developer", 1, &content[1..PART]), 400);
    refused(&world, "long", &part("developer", 2, &content[..11]), 400);
    refused(&world, "too large", &part("developer", 1, &vec![7; PART + 2_000]), 413);
    refused(&world, "another's upload", &part("ci", 2, &content[PART..]), 404);
    world.ok(&part("developer", 2, &content[PART..]));
    refused(&world, "other bytes", &part("developer", 2, &[8; 10]), 409);
    let as_text = request("PUT", &format!("/api/v1/uploads/{id}/parts/2"))
        .by(world.token("developer"))
        .bytes("text/plain", content[PART..].to_vec());
    refused(&world, "media type", &as_text, 415);
    for bytes in [0_u64, 1 << 60] {
        let begin = json!({"digest": sha256(b"x"), "bytes": bytes, "media_type": "text/plain"});
        refused(&world, "size", &world.post("developer", "/uploads", &begin), 400);
    }
}

/// Sends raw bytes and reads until the server closes.
fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_hardly_http() {
    let server = Server::start();
    let before = server.size();
    let token = server.bootstrap.clone();
    let head = format!("POST /api/v1/teams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    let truncated =
        format!("{head}Content-Type: application/json\r\nContent-Length: 90\r\n\r\n{{\"slug\": \"a\"}}");
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000));
    let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-A: b\r\n".repeat(5_000));
    let two_lengths = format!("{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx");
    for bytes in [
        truncated.as_bytes(),
        long.as_bytes(),
        many.as_bytes(),
        two_lengths.as_bytes(),
        b"\x16\x03\x01\0\xff",
    ] {
        let answer = raw(&server, bytes);
        assert!(!answer.contains("HTTP/1.1 2") && !answer.contains("HTTP/1.1 5"), "{answer}");
    }
    assert_eq!(server.size(), before);
    server.send(&get("/healthz")).ok();
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let limits = Limits { header_time: Duration::from_millis(300), ..Limits::default() };
    let server = Server::start_with(&limits);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET /healthz HT").unwrap();
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(8), "the server waited for the rest");
}
