//! A thousand clients at once: nothing is lost, nothing is done twice, and the indexes are dense.

use crate::api::{Api, Tokens, set_up, system, version};
use crate::servers::{fresh_postgres, say};
use crate::support::Server;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::{Duration, Instant};

const CLIENTS: usize = 1_000;
/// What each client does, with the event that proves it.
const ACTS: [(&str, &str); 4] = [
    ("system", "system.registered"),
    ("model", "model.registered"),
    ("version", "version.registered"),
    ("deployment", "deployment.created"),
];

#[test]
fn a_thousand_clients_on_one_server() {
    let server = Server::start();
    storm(&server, &[&server]);
}

#[test]
fn a_thousand_clients_on_two_servers_of_one_database() {
    let Some(database) = fresh_postgres() else { return };
    let settings = [("COMPTROLLER__STORE__DATABASE", database.as_str())];
    let first = Server::start_with(&settings);
    // They share everything but what each has taken and not sealed yet.
    let wal = first.path("second-wal").display().to_string();
    let second = first.beside(&[settings[0], ("COMPTROLLER__LAKE__WAL_DIR", &wal)]);
    storm(&first, &[&first, &second]);
}

/// Every client registers a system, a model and a version, and deploys it; then the log is compared with the answers.
fn storm(server: &Server, all: &[&Server]) {
    let tokens = set_up(server);
    std::fs::write(server.path("model.bin"), b"the model of all clients").unwrap();
    let stored = server.call(&tokens.builder, &["artifact", "upload", "model.bin"]).json();
    let digest = stored["id"].as_str().unwrap();

    let barrier = Barrier::new(CLIENTS);
    let begun = Instant::now();
    let answers: Vec<Vec<(u64, Duration)>> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (barrier, tokens) = (&barrier, &tokens);
                let url = &all[number % all.len()].url;
                let client = std::thread::Builder::new().stack_size(256 << 10);
                client
                    .spawn_scoped(scope, move || {
                        barrier.wait();
                        act(url, tokens, number, digest)
                    })
                    .unwrap()
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let took = begun.elapsed();

    let auditor = Api::new(&server.url, &tokens.auditor);
    for (place, (_, kind)) in ACTS.iter().enumerate() {
        let mut recorded: Vec<u64> = auditor
            .all(&format!("/ledger/entries?kind={kind}"))
            .iter()
            .map(|item| item["index"].as_u64().unwrap())
            .collect();
        let mut answered: Vec<u64> = answers.iter().map(|client| client[place].0).collect();
        recorded.sort_unstable();
        answered.sort_unstable();
        assert_eq!(
            recorded, answered,
            "{kind}: each answer has its own event, and no event is without an answer"
        );
        assert_eq!(recorded.len(), CLIENTS);
    }
    dense(server, &tokens);
    let mut times: Vec<Duration> = answers.iter().flatten().map(|(_, time)| *time).collect();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    say(&format!(
        "{CLIENTS} clients, {} servers, {} acts in {:.1} s ({:.0}/s): p50 {:.0} ms, p99 {:.0} ms",
        all.len(),
        times.len(),
        took.as_secs_f64(),
        f64::from(u32::try_from(times.len()).unwrap()) / took.as_secs_f64(),
        at(50),
        at(99)
    ));
}

fn act(url: &str, tokens: &Tokens, number: usize, digest: &str) -> Vec<(u64, Duration)> {
    let api = Api::new(url, &tokens.builder);
    let (system_slug, model) = (format!("system-{number}"), format!("model-{number}"));
    let deploy = json!({"version": format!("{model}@1"), "environment": "dev", "reason": "a client of many"});
    let commands = BTreeMap::from([
        ("system", ("/systems".to_owned(), system(&system_slug))),
        ("model", ("/models".to_owned(), json!({"system": system_slug, "slug": model}))),
        ("version", (format!("/models/{model}/versions"), version("1", digest))),
        ("deployment", ("/deployments".to_owned(), deploy)),
    ]);
    ACTS.iter()
        .map(|(what, _)| {
            let (path, command) = &commands[what];
            let sent = Instant::now();
            let answer = api.post(path, &format!("{what}-{number}"), command);
            let time = sent.elapsed();
            (answer["ledger_index"].as_u64().unwrap_or_else(|| panic!("{what}: {answer}")), time)
        })
        .collect()
}

/// The whole log, recomputed offline: every index from 0 to the size has its entry.
fn dense(server: &Server, tokens: &Tokens) {
    let status = server.call("", &["ledger", "status"]).json();
    let vkey = status["vkeys"][0].as_str().unwrap();
    server.call(&tokens.auditor, &["evidence", "pack", "--out", "storm.tar"]).json();
    let verified = server.call("", &["verify", "storm.tar", "--key", vkey]).json();
    let size = verified["log"]["size"].as_u64().unwrap();
    // Each deployment brings its decision along.
    assert!(size > (ACTS.len() as u64 + 1) * CLIENTS as u64, "{verified}");
}
