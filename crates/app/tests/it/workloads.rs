//! Tokens for pipelines: what an issuer says is changed for a short token, once, and only for what is trusted.

use crate::oidc_server::{TestProvider, User};
use crate::world::World;
use comptroller_app::people::{AddServiceAccount, ChangeRole};
use comptroller_app::view::Slice;
use comptroller_app::workloads::{ExchangeToken, TrustWorkload};
use comptroller_app::{AppError, Call};
use comptroller_core::time::SystemClock;
use comptroller_core::vocab::CredentialOrigin;
use comptroller_core::{Clock as _, Environment, Role};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const AUDIENCE: &str = "https://governance.example.org";

async fn world() -> (World, TestProvider) {
    let world = World::new().await;
    let provider = TestProvider::start(User { subject: "w", email: None, verified: None, in_token: false });
    account(&world, "pipeline").await;
    (world, provider)
}

async fn account(world: &World, name: &str) {
    let add = AddServiceAccount { slug: name.parse().unwrap() };
    let added = world.app.add_service_account(&world.owner(), add).await.unwrap();
    let grant = ChangeRole { principal: added.id, role: Role::Ci, system: None };
    world.app.grant_role(&world.owner(), grant).await.unwrap();
}

fn trust(provider: &TestProvider, account: &str, claims: &[(&str, &str)]) -> TrustWorkload {
    TrustWorkload {
        service_account: account.into(),
        issuer: provider.url.clone(),
        audience: AUDIENCE.into(),
        claims: claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        environment: Some(Environment::Staging),
    }
}

const CLAIMS: [(&str, &str); 2] = [("repository_id", "4711"), ("ref", "refs/heads/main")];

/// The claims of a workload as a CI platform states them.
fn claims(provider: &TestProvider) -> Value {
    let now = SystemClock.now().micros() / 1_000_000;
    json!({
        "iss": provider.url, "aud": AUDIENCE, "sub": "repo:example/scorer:ref:refs/heads/main", "iat": now,
        "nbf": now, "exp": now + 300, "jti": "run-1", "repository_id": "4711", "ref": "refs/heads/main",
        "actor": "octocat", "run_attempt": 1,
    })
}

async fn exchange(world: &World, token: &str) -> Result<String, AppError> {
    let command = ExchangeToken { subject_token: token.to_owned(), service_account: None };
    Ok(world.app.exchange_token(command).await?.secret.unwrap())
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, AppError>, why: &str) {
    let Err(AppError::Unauthenticated(what)) = &outcome else { panic!("{why}: {outcome:?}") };
    assert!(what.contains(why), "{why}: {what}");
}

#[tokio::test]
async fn a_workload_gets_a_token_of_ten_minutes_once() {
    let (world, provider) = world().await;
    world.app.trust_workload(&world.owner(), trust(&provider, "pipeline", &CLAIMS)).await.unwrap();
    let token = provider.sign(&claims(&provider));
    let secret = exchange(&world, &token).await.unwrap();
    let caller = world.app.authenticate(&secret).await.unwrap();
    assert_eq!((caller.origin, caller.environment), (CredentialOrigin::Workload, Some(Environment::Staging)));
    refused(exchange(&world, &token).await, "used already");
    world.clock.pass(599);
    world.app.authenticate(&secret).await.unwrap();
    world.clock.pass(2);
    refused(world.app.authenticate(&secret).await, "expired");
}

#[tokio::test]
async fn every_claim_counts_and_a_difference_is_not_told() {
    let (world, provider) = world().await;
    world.app.trust_workload(&world.owner(), trust(&provider, "pipeline", &CLAIMS)).await.unwrap();
    let now = SystemClock.now().micros() / 1_000_000;
    for (name, value) in [
        ("aud", json!("https://another.example.org")),
        ("aud", json!([AUDIENCE, "https://another.example.org"])),
        ("iss", json!("https://issuer.example.org")),
        ("exp", json!(now - 1)),
        ("nbf", json!(now + 3_600)),
        ("repository_id", json!("4712")),
        ("repository_id", json!(["4711"])),
        ("repository_id", Value::Null),
        ("ref", json!("refs/heads/main2")),
    ] {
        let mut changed = claims(&provider);
        changed[name] = value.clone();
        refused(exchange(&world, &provider.sign(&changed)).await, "nothing here trusts");
        assert!(changed[name] == value);
    }
    // Changed after signing, without a signature, and no token at all.
    let token = provider.sign(&claims(&provider));
    let other = provider.sign(&json!({"iss": provider.url}));
    let parts: Vec<&str> = token.split('.').collect();
    let foreign = other.rsplit_once('.').unwrap().1;
    refused(exchange(&world, &format!("{}.{}.{foreign}", parts[0], parts[1])).await, "nothing here trusts");
    for text in ["", "a.b.c", &"x".repeat(20_000), parts[1]] {
        assert!(exchange(&world, text).await.is_err(), "{text}");
    }
    exchange(&world, &token).await.unwrap();
}

#[tokio::test]
async fn a_subject_alone_is_not_trusted_and_people_are_no_workloads() {
    let (world, provider) = world().await;
    let anna = world.person("anna", &[Role::Developer], None).await;
    let mut person = trust(&provider, "pipeline", &CLAIMS);
    person.service_account = anna.principal.to_string();
    let mut plain = trust(&provider, "pipeline", &CLAIMS);
    plain.issuer = "http://issuer.example.org".into();
    let none = TrustWorkload { claims: BTreeMap::new(), ..trust(&provider, "pipeline", &[]) };
    for bad in [
        trust(&provider, "pipeline", &[("sub", "repo:example/scorer:ref:refs/heads/main")]),
        trust(&provider, "pipeline", &[("aud", "x"), ("repository_id", "1")]),
        trust(&provider, "pipeline", &[("repository_id", "")]),
        none,
        person,
        plain,
    ] {
        let refused = world.app.trust_workload(&world.owner(), bad.clone()).await;
        assert!(matches!(refused, Err(AppError::Invalid { .. })), "{bad:?}: {refused:?}");
    }
    let denied = world.app.trust_workload(&Call::new(anna), trust(&provider, "pipeline", &CLAIMS)).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })), "{denied:?}");
}

#[tokio::test]
async fn an_ended_trust_and_a_disabled_account_give_nothing() {
    let (world, provider) = world().await;
    let receipt =
        world.app.trust_workload(&world.owner(), trust(&provider, "pipeline", &CLAIMS)).await.unwrap();
    account(&world, "other").await;
    world.app.trust_workload(&world.owner(), trust(&provider, "other", &CLAIMS)).await.unwrap();
    let token = provider.sign(&claims(&provider));
    let several = exchange(&world, &token).await;
    assert!(matches!(several, Err(AppError::Conflict(_))), "{several:?}");
    let of =
        |account: &str| ExchangeToken { subject_token: token.clone(), service_account: Some(account.into()) };
    world.app.disable_principal(&world.owner(), "other".into()).await.unwrap();
    refused(world.app.exchange_token(of("other")).await, "disabled");
    refused(world.app.exchange_token(of("nobody")).await, "nothing here trusts");
    let id = receipt.id.parse().unwrap();
    world.app.distrust_workload(&world.owner(), id).await.unwrap();
    assert!(world.app.distrust_workload(&world.owner(), id).await.is_err());
    refused(world.app.exchange_token(of("pipeline")).await, "nothing here trusts");
    let shown = world.app.workload_trusts(&world.owner, Slice::default()).await.unwrap();
    assert_eq!(shown.items.len(), 2);
    assert_eq!(shown.items[0].claims["repository_id"], "4711");
    assert!(shown.items[0].distrusted_at.is_some() && shown.items[1].distrusted_at.is_none());
}
