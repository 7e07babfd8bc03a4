//! Prints how long it takes to read the shipped bundle and to decide. Asserts nothing: numbers of one machine are no
//! test.

use comptroller_core::ids::PrincipalId;
use comptroller_core::{Environment, Role, Timestamp};
use comptroller_policy::{Action, Bundle, Facts, Principal, PrincipalKind, Request};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

const SCHEMA: &str = include_str!("../../../policies/base/schema.cedarschema");
const ROUNDS: usize = 20_000;

fn request(action: Action, role: Role, facts: Facts) -> Request {
    let principal = Principal {
        id: PrincipalId::new(Timestamp::from_micros(0), [1; 10]),
        kind: PrincipalKind::Person,
        roles: BTreeSet::from([role]),
        credential_environment: None,
    };
    let environment = Some(Environment::Production);
    Request { principal, action, resource: "system/1".to_owned(), environment, facts }
}

fn promotion(valid: i64) -> Facts {
    Facts::new()
        .bool("actor_is_builder", false)
        .bool("artifacts_stored", true)
        .bool("has_signature", true)
        .bool("datasets_documented", true)
        .bool("origin_known", true)
        .bool("training_time_known", true)
        .bool("served_in_staging", true)
        .bool("system_retired", false)
        .long("approvals_valid", valid)
        .bool("approval_denied", false)
        .bool("artifacts_match_approval", true)
        .bool("metrics_regressed", false)
        .bool("prohibited", false)
        .bool("runtime_mismatch", false)
        .bool("has_baseline", true)
        .bool("rollback_proposed", false)
        .set("quorums_met", &["approvals-missing"])
        .set("waived", &[])
}

fn measure(mut work: impl FnMut(), rounds: usize) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[rounds / 2], times[rounds * 99 / 100])
}

fn main() -> std::io::Result<()> {
    // `cargo test --benches` runs this too; a few rounds show that it works.
    let testing = std::env::args().all(|argument| argument != "--bench");
    let rounds = if testing { 20 } else { ROUNDS };
    let mut out = std::io::stdout().lock();
    let mut print = |name: &str, (p50, p99): (Duration, Duration)| {
        writeln!(out, "{name:34} p50 {p50:>9.1?}  p99 {p99:>9.1?}")
    };
    let bundle = Bundle::builtin().map_err(std::io::Error::other)?;
    print("read the bundle", measure(|| drop(black_box(Bundle::builtin())), rounds.div_ceil(200)))?;
    let cases = [
        ("system.read, allow", request(Action::SystemRead, Role::Approver, Facts::new())),
        ("system.register, deny (no permit)", request(Action::SystemRegister, Role::Auditor, Facts::new())),
        ("deploy, allow", request(Action::Deploy, Role::Deployer, promotion(2))),
        ("deploy, needs review", request(Action::Deploy, Role::Deployer, promotion(0))),
        ("deploy, unknown (no facts)", request(Action::Deploy, Role::Deployer, Facts::new())),
    ];
    for (name, request) in &cases {
        print(name, measure(|| drop(black_box(bundle.decide(black_box(request)))), rounds))?;
    }
    for rules in [10, 100, 200, 1_000] {
        let bundle = Bundle::parse(SCHEMA, &many(rules), "").map_err(std::io::Error::other)?;
        let request = request(Action::Deploy, Role::Deployer, promotion(2));
        let rounds = rounds.div_ceil(4);
        let indexed = measure(|| drop(black_box(bundle.decide(black_box(&request)))), rounds);
        print(&format!("{rules} rules, a tenth apply, index"), indexed)?;
        let scanned = measure(|| drop(black_box(bundle.decide_by_scan(black_box(&request)))), rounds);
        print(&format!("{rules} rules, a tenth apply, scan"), scanned)?;
    }
    Ok(())
}

/// One permit of deployments and forbids that never match; every tenth is about deployments.
fn many(rules: usize) -> String {
    let named = |n: usize, body: &str| {
        format!(
            "@id(\"rule-{n}\") @reason(\"r\") @remedy(\"m\") @control(\"C\") @roles(\"deployer\")\n{body}\n"
        )
    };
    let permit = "permit (principal in Role::\"deployer\", action == Action::\"deploy\", resource);";
    let mut text = named(0, permit);
    for n in 1..rules {
        let body = if n % 10 == 0 {
            format!(
                "forbid (principal, action == Action::\"deploy\", resource) when {{ context.approvals_valid > {} }};",
                n + 9
            )
        } else {
            "forbid (principal, action == Action::\"rollback\", resource) when { !context.artifacts_stored };"
                .to_owned()
        };
        text.push_str(&named(n, &body));
    }
    text
}
