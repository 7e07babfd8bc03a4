//! From registration to production and back, and every refusal on the way.

use crate::world::{World, version};
use bytes::Bytes;
use comptroller_app::approvals::{CastVote, RequestApproval};
use comptroller_app::caller::Caller;
use comptroller_app::deploy::{Deploy, Deployed, DrillRollback, Rollback};
use comptroller_app::evidence::ExportPack;
use comptroller_app::gate::CheckGate;
use comptroller_app::population::changes_csv;
use comptroller_app::predictions::{Format, SendRecords};
use comptroller_app::runtime::ReportRuntime;
use comptroller_app::view::Slice;
use comptroller_app::{App, AppError, Call, Receipt};
use comptroller_core::ids::ApprovalId;
use comptroller_core::vocab::{Outcome, RecordKind, Vote};
use comptroller_core::{Environment, Role};
use comptroller_ledger::pack::verify_pack;
use comptroller_ledger::verify::Trust;
use serde_json::json;

async fn deploy(app: &App, who: &Caller, version: &str, to: Environment) -> Result<Deployed, AppError> {
    let command = Deploy { version: version.into(), environment: to, reason: "test".into() };
    app.deploy(&Call::new(who.clone()), command).await
}

/// Asks for approval of a version in production.
pub(crate) async fn ask(app: &App, requester: &Caller, version: &str) -> ApprovalId {
    let request = RequestApproval {
        version: version.into(),
        environment: Environment::Production,
        reason: "test".into(),
    };
    let receipt = app.request_approval(&Call::new(requester.clone()), request).await.unwrap();
    receipt.id.parse().unwrap()
}

/// Votes in favour.
pub(crate) async fn vote(app: &App, voter: &Caller, approval: ApprovalId) -> Result<Receipt, AppError> {
    let vote = CastVote::new(Vote::Approve, "fine");
    app.vote(&Call::new(voter.clone()), approval, vote).await
}

async fn approve(app: &App, requester: &Caller, voters: &[&Caller], version: &str) {
    let id = ask(app, requester, version).await;
    for voter in voters {
        vote(app, voter, id).await.unwrap();
    }
}

fn rules(error: &AppError) -> Vec<String> {
    match error {
        AppError::Denied { decision, .. } => decision.rules.iter().map(|rule| rule.id.to_string()).collect(),
        other => panic!("not a refusal: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_reaches_production_only_through_staging_and_two_other_people() {
    let world = World::new().await;
    let app = &world.app;
    let builder = world.person("builder", &[Role::Developer, Role::Approver, Role::Deployer], None).await;
    let first = world.person("first", &[Role::Approver], None).await;
    let second = world.person("second", &[Role::RiskOfficer], None).await;
    let deployer = world.person("deployer", &[Role::Deployer], None).await;
    let auditor = world.person("auditor", &[Role::Auditor], None).await;
    world.system(&builder).await;
    let digest = world.version(&builder, "1", 0.9).await;

    let check =
        CheckGate { version: "scorer@1".into(), environment: Environment::Production, certify: false };
    let gate = app.check_gate(&Call::new(deployer.clone()), check).await.unwrap();
    assert_eq!(gate.outcome, Outcome::Deny, "{:?}", gate.rules);
    deploy(app, &deployer, "scorer@1", Environment::Staging).await.unwrap();
    let refused = deploy(app, &deployer, "scorer@1", Environment::Production).await.unwrap_err();
    assert_eq!(rules(&refused), ["approvals-missing"]);

    approve(app, &deployer, &[&first], "scorer@1").await;
    let request = app.approvals(&auditor, Some("scorer@1"), Slice::default()).await.unwrap().items.remove(0);
    // INVARIANT (separation-of-duties): the builder has the role and still may not vote, nor anybody twice.
    for voter in [&builder, &first] {
        let vote = CastVote::new(Vote::Approve, "again");
        assert!(app.vote(&Call::new(voter.clone()), request.id, vote).await.is_err());
    }
    assert!(deploy(app, &deployer, "scorer@1", Environment::Production).await.is_err());
    let vote = CastVote::new(Vote::Approve, "yes");
    app.vote(&Call::new(second.clone()), request.id, vote).await.unwrap();
    // The builder may not deploy it either.
    assert!(deploy(app, &builder, "scorer@1", Environment::Production).await.is_err());
    deploy(app, &deployer, "scorer@1", Environment::Production).await.unwrap();

    let runtime = world.runtime().await;
    let report = ReportRuntime {
        system: "scoring".into(),
        environment: Environment::Production,
        instance: "host-1".parse().unwrap(),
        loaded: digest,
    };
    let answer = app.report_runtime(&Call::new(runtime.clone()), report.clone()).await.unwrap();
    assert!(answer.matches && answer.ledger_index.is_some());
    let again = app.report_runtime(&Call::new(runtime.clone()), report.clone()).await.unwrap();
    assert_eq!(again.ledger_index, None);
    let wrong = ReportRuntime { loaded: crate::world::digest(b"other"), ..report };
    assert!(!app.report_runtime(&Call::new(runtime.clone()), wrong).await.unwrap().matches);

    world.version(&builder, "2", 0.8).await;
    deploy(app, &deployer, "scorer@2", Environment::Staging).await.unwrap();
    approve(app, &deployer, &[&first, &second], "scorer@2").await;
    let refused = deploy(app, &deployer, "scorer@2", Environment::Production).await.unwrap_err();
    assert_eq!(rules(&refused), ["metrics-regressed"]);

    world.version(&builder, "3", 0.95).await;
    deploy(app, &deployer, "scorer@3", Environment::Staging).await.unwrap();
    approve(app, &deployer, &[&first, &second], "scorer@3").await;
    let before = app.store().clock().now();
    deploy(app, &deployer, "scorer@3", Environment::Production).await.unwrap();
    let drill = DrillRollback { model: "scorer".into(), environment: Environment::Production };
    let drilled = app.drill(&Call::new(deployer.clone()), drill).await.unwrap();
    assert_eq!(drilled.verified_artifacts, 1);
    let back = Rollback {
        model: "scorer".into(),
        environment: Environment::Production,
        to: None,
        reason: "worse in practice".into(),
    };
    let rolled = app.rollback(&Call::new(deployer.clone()), back).await.unwrap();
    assert_eq!(rolled.version, drilled.rolled_back_to);
    let production = Environment::Production;
    let then = app.serving(&auditor, "scoring", production, Some(before)).await.unwrap();
    let now = app.serving(&auditor, "scoring", production, None).await.unwrap();
    assert_eq!(then[0].label.as_ref().unwrap().as_str(), "1");
    assert_eq!(now[0].label.as_ref().unwrap().as_str(), "1");
    assert_ne!(then[0].id, now[0].id);

    // What the log makes of itself for a pack is what the server tells, promotions, drill and rollback.
    let mut changes = app.changes(&auditor, None, None, Slice::default()).await.unwrap().items;
    changes.reverse();
    assert!(changes.len() > 3 && changes.iter().any(|change| !change.approvers.is_empty()), "{changes:?}");
    assert_eq!(world.changes_of_pack().await, changes_csv(&changes));

    // What is predicted after the rollback names who approved the version that it went back to.
    let time = app.store().clock().now();
    let records =
        json!({"records": [{"id": "p1", "time": time, "prediction": "good", "inputs": {"amount": 1.5}}]});
    let command = SendRecords {
        records: RecordKind::Prediction,
        version: "scorer@1".into(),
        environment: production,
        batch: "b1".into(),
        format: Format::Json,
    };
    app.record_predictions(&runtime, command, Bytes::from(records.to_string())).await.unwrap();
    let served = app.prediction(&second, "scoring", "p1").await.unwrap().served.unwrap();
    assert_eq!(served.deployment, now[0].id);
    assert_eq!(served.approval, Some(request.id));
    let approvers: Vec<_> = served.approved_by.iter().map(|approver| approver.voter).collect();
    assert_eq!(approvers, [first.principal, second.principal]);

    let pack = app.export_pack(&auditor, ExportPack::default()).await.unwrap();
    let key = app.store().signer().vkey().parse().unwrap();
    let report = verify_pack(pack.file, &Trust::of_keys([key])).unwrap();
    assert_eq!(report.log.size, pack.size);
    assert!(report.openings > 10 && report.proofs > 5, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_of_one_environment_is_refused_in_another_and_recorded() {
    // INVARIANT (environment-segregation)
    let world = World::new().await;
    let builder = world.person("builder", &[Role::Developer], None).await;
    let staging = world.person("deployer", &[Role::Deployer], Some(Environment::Staging)).await;
    world.system(&builder).await;
    world.version(&builder, "1", 0.9).await;
    deploy(&world.app, &staging, "scorer@1", Environment::Staging).await.unwrap();
    let before = world.app.log().await.unwrap().size;
    let refused = deploy(&world.app, &staging, "scorer@1", Environment::Production).await.unwrap_err();
    assert!(rules(&refused).iter().any(|rule| rule.contains("environment")), "{:?}", rules(&refused));
    assert_eq!(world.app.log().await.unwrap().size, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_version_never_changes_and_a_repeated_key_acts_once() {
    // INVARIANT (immutable-version)
    let world = World::new().await;
    let builder = world.person("builder", &[Role::Developer], None).await;
    world.system(&builder).await;
    let digest = world.version(&builder, "1", 0.9).await;
    let call = Call::new(builder.clone());
    let again = world.app.register_version(&call, "scorer".into(), version("1", &digest, 0.99)).await;
    assert!(matches!(again, Err(AppError::Conflict(_))));
    let call = Call::keyed(builder.clone(), Some("key-1".into())).unwrap();
    let command = version("2", &digest, 0.9);
    let one = world.app.register_version(&call, "scorer".into(), command.clone()).await.unwrap();
    let two = world.app.register_version(&call, "scorer".into(), command).await.unwrap();
    assert_eq!(one, two);
    let other = world.app.register_version(&call, "scorer".into(), version("3", &digest, 0.9)).await;
    assert!(matches!(other, Err(AppError::Conflict(_))));
    let seen = world.app.version(&builder, "scorer@1").await.unwrap();
    assert!((seen.metrics["auc"] - 0.9).abs() < f64::EPSILON);
}
