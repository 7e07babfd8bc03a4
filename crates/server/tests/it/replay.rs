//! Writes that are repeated, cut or sent at the same time.

use crate::support::Call;
use crate::world::World;
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn keyed(call: Call, key: &str) -> Call {
    call.header("Idempotency-Key", key)
}

#[test]
fn the_same_key_and_request_are_done_once() {
    let world = World::with_people();
    let call = keyed(world.post("owner", "/teams", &json!({"slug": "a"})), "k-1");
    let first = world.ok(&call);
    let before = world.server.size();
    assert_eq!(world.ok(&call), first);
    assert_eq!(world.server.size(), before);
    let other = keyed(world.post("owner", "/teams", &json!({"slug": "b"})), "k-1");
    assert_eq!(world.send(&other).problem(409)["code"], "conflict");
    let other_act = keyed(world.post("owner", "/service-accounts", &json!({"slug": "a"})), "k-1");
    world.send(&other_act).problem(409);
    assert_eq!(world.server.size(), before);
    // A key belongs to its caller.
    world.ok(&keyed(world.post("admin", "/teams", &json!({"slug": "b"})), "k-1"));
}

#[test]
fn a_refused_request_may_be_repeated_with_its_key() {
    let world = World::with_people();
    let grant = json!({"principal": world.ids["leaver"], "role": "auditor"});
    let call = keyed(world.post("developer", "/roles/grant", &grant), "k-2");
    world.send(&call).problem(403);
    world.ok(&world.post(
        "owner",
        "/roles/grant",
        &json!({"principal": world.ids["developer"], "role": "admin"}),
    ));
    world.ok(&call);
}

#[test]
fn a_secret_is_shown_once() {
    let world = World::with_people();
    let command = json!({"principal": world.ids["ci"], "label": "t", "days": 1});
    let call = keyed(world.post("owner", "/tokens", &command), "k-3");
    let first = world.ok(&call);
    let again = world.ok(&call);
    assert!(first["secret"].is_string());
    assert!(again["secret"].is_null());
    assert_eq!(first["id"], again["id"]);
}

#[test]
fn keys_have_a_form() {
    let world = World::with_people();
    for key in ["", "a b", &"k".repeat(129)] {
        let call = keyed(world.post("owner", "/teams", &json!({"slug": "a"})), key);
        assert_eq!(world.send(&call).problem(400)["field"], "Idempotency-Key", "{key:?}");
    }
    let twice = keyed(keyed(world.post("owner", "/teams", &json!({"slug": "a"})), "a"), "b");
    world.send(&twice).problem(400);
}

#[test]
fn the_same_key_at_the_same_time_is_one_act() {
    let world = World::with_people();
    let before = world.server.size();
    let call = keyed(world.post("owner", "/teams", &json!({"slug": "a"})), "k-4");
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| world.ok(&call))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(world.server.size(), before + 1);
}

#[test]
fn a_caller_who_hangs_up_does_not_cut_an_act() {
    let world = World::with_people();
    let before = world.server.size();
    let body = json!({"slug": "a"}).to_string();
    let request = format!(
        "POST /api/v1/teams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        world.token("developer"),
        body.len()
    );
    for _ in 0..20 {
        let mut stream = TcpStream::connect(world.server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        drop(stream);
    }
    // Each of the twenty is refused, and each refusal is recorded although nobody waits for it.
    let begun = Instant::now();
    while world.server.size() < before + 20 {
        assert!(begun.elapsed() < Duration::from_secs(20), "refusals were lost");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(world.server.size(), before + 20);
}

#[test]
fn the_server_stops_after_what_it_has_begun() {
    let mut world = World::with_people();
    let before = world.server.size();
    let address = world.server.address;
    let call = world.post("owner", "/teams", &json!({"slug": "a"}));
    world.ok(&call);
    world.server.stop();
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    assert_eq!(world.server.direct_size(), before + 1);
}
