//! Past the gate in an emergency: two people, a few hours, and a review whose absence stops promotions.

use crate::world::World;
use comptroller_app::audit::EntryQuery;
use comptroller_app::caller::Caller;
use comptroller_app::classify::ClassifySystem;
use comptroller_app::deploy::{Deploy, Deployed};
use comptroller_app::emergencies::{ConfirmEmergency, EmergencyView, OpenEmergency, ReviewEmergency};
use comptroller_app::population::changes_csv;
use comptroller_app::view::Slice;
use comptroller_app::{AppError, Call};
use comptroller_core::ids::EmergencyId;
use comptroller_core::vocab::{DeploymentKind, RiskTier};
use comptroller_core::{Environment, Role};

const HOUR: i64 = 3_600;

struct Night {
    world: World,
    /// Built the version, and may deploy.
    builder: Caller,
    approver: Caller,
    risk: Caller,
    risk2: Caller,
}

impl Night {
    async fn new() -> Self {
        let world = World::new().await;
        let builder = world.person("builder", &[Role::Developer, Role::Deployer], None).await;
        let approver = world.person("approver", &[Role::Approver], None).await;
        let risk = world.person("risk", &[Role::RiskOfficer], None).await;
        let risk2 = world.person("risk2", &[Role::RiskOfficer], None).await;
        world.system(&builder).await;
        world.version(&builder, "1", 0.9).await;
        Self { world, builder, approver, risk, risk2 }
    }

    async fn open(&self) -> Result<EmergencyId, AppError> {
        let command = OpenEmergency {
            version: "scorer@1".into(),
            environment: Environment::Production,
            ticket: "INC-7".parse().unwrap(),
            hours: 4,
            reason: "the version in production refuses everybody".into(),
        };
        let receipt = self.world.app.open_emergency(&Call::new(self.builder.clone()), command).await?;
        Ok(receipt.id.parse().unwrap())
    }

    async fn confirm(&self, who: &Caller, id: EmergencyId) -> Result<(), AppError> {
        let command = ConfirmEmergency { comment: "seen on the screen".into(), second_factor: None };
        self.world.app.confirm_emergency(&Call::new(who.clone()), id, command).await.map(|_| ())
    }

    async fn deploy(&self, id: EmergencyId) -> Result<Deployed, AppError> {
        self.world.app.deploy_in_emergency(&Call::new(self.builder.clone()), id).await
    }

    async fn review(&self, who: &Caller, id: EmergencyId) -> Result<(), AppError> {
        let command =
            ReviewEmergency { justified: true, findings: "a rehearsed rollback was missing".into() };
        self.world.app.review_emergency(&Call::new(who.clone()), id, command).await.map(|_| ())
    }

    async fn view(&self, id: EmergencyId) -> EmergencyView {
        let slice = Slice { after: None, limit: None };
        let all = self.world.app.emergencies(&self.risk, Some("scoring"), slice).await.unwrap();
        all.items.into_iter().find(|view| view.id == id).unwrap()
    }

    async fn open_incidents(&self) -> usize {
        let slice = Slice { after: None, limit: None };
        let all = self.world.app.incidents(&self.risk, None, slice).await.unwrap();
        all.items.iter().filter(|incident| incident.closed_at.is_none()).count()
    }

    async fn to_staging(&self) -> Result<Deployed, AppError> {
        let command =
            Deploy { version: "scorer@1".into(), environment: Environment::Staging, reason: "test".into() };
        self.world.app.deploy(&Call::new(self.builder.clone()), command).await
    }
}

fn refused_by(result: Result<impl Sized, AppError>) -> Vec<String> {
    match result.err().expect("it is refused") {
        AppError::Denied { decision, .. } => decision.rules.iter().map(|rule| rule.id.to_string()).collect(),
        other => panic!("{other}"),
    }
}

/// INVARIANT (separation-of-duties): the second person is another one, who did not build the version.
#[tokio::test]
async fn an_emergency_takes_two_people_and_is_used_once() {
    let night = Night::new().await;
    let id = night.open().await.unwrap();
    assert_eq!(refused_by(night.deploy(id).await), ["emergency-unconfirmed"]);
    let own = refused_by(night.confirm(&night.builder, id).await);
    assert!(own.contains(&"emergency-of-one-person".to_owned()), "{own:?}");
    assert!(own.contains(&"emergency-confirmed-by-builder".to_owned()), "{own:?}");
    assert_eq!(night.open_incidents().await, 0);
    night.confirm(&night.approver, id).await.unwrap();
    assert_eq!(refused_by(night.confirm(&night.risk, id).await), ["emergency-confirmed-already"]);
    assert_eq!(night.open_incidents().await, 1);

    let deployed = night.deploy(id).await.unwrap();
    let app = &night.world.app;
    let serving = app.serving(&night.risk, "scoring", Environment::Production, None).await.unwrap();
    assert_eq!(serving[0].id, deployed.deployment);
    assert_eq!(serving[0].kind, DeploymentKind::Emergency);
    assert_eq!(refused_by(night.deploy(id).await), ["emergency-ended"]);
    assert_eq!(night.view(id).await.state, "used");
    // The population of changes of production says what it was, and who confirmed it.
    let slice = Slice { after: None, limit: None };
    let change = app.changes(&night.risk, None, None, slice).await.unwrap().items.remove(0);
    assert_eq!((change.emergency, change.confirmed_by), (Some(id), Some(night.approver.principal)));
    assert!(change.approval.is_none() && change.approvers.is_empty());
    assert_eq!(
        night.world.changes_of_pack().await,
        changes_csv(&[change]),
        "the log says the same by itself"
    );
}

#[tokio::test]
async fn the_rules_that_stood_against_it_are_on_record() {
    let night = Night::new().await;
    let id = night.open().await.unwrap();
    night.confirm(&night.approver, id).await.unwrap();
    night.deploy(id).await.unwrap();
    let query = EntryQuery { kind: Some("emergency.used".into()), ..EntryQuery::default() };
    let slice = Slice { after: None, limit: None };
    let page = night.world.app.entries(&night.risk, query, slice).await.unwrap();
    let bypassed = page.items[0].entry["data"]["bypassed"].to_string();
    for rule in ["approvals-missing", "builder-deploys-to-production", "staging-skipped"] {
        assert!(bypassed.contains(rule), "{bypassed}");
    }
}

#[tokio::test]
async fn an_emergency_ends_with_its_time() {
    let night = Night::new().await;
    let (late, unused) = (night.open().await.unwrap(), night.open().await.unwrap());
    night.confirm(&night.approver, unused).await.unwrap();
    night.world.clock.pass(4 * HOUR);
    assert_eq!(refused_by(night.confirm(&night.approver, late).await), ["emergency-ended"]);
    assert_eq!(refused_by(night.deploy(unused).await), ["emergency-ended"]);
    assert_eq!(night.view(late).await.state, "expired");
}

#[tokio::test]
async fn an_overdue_review_stops_promotions_until_somebody_without_a_part_makes_it() {
    let night = Night::new().await;
    let id = night.open().await.unwrap();
    night.confirm(&night.risk, id).await.unwrap();
    night.deploy(id).await.unwrap();
    night.to_staging().await.unwrap();
    night.world.clock.pass(48 * HOUR);
    assert_eq!(night.view(id).await.state, "review-overdue");
    let again = refused_by(night.to_staging().await);
    assert_eq!(again, ["emergency-review-overdue"]);
    assert_eq!(refused_by(night.open().await), ["emergency-while-review-overdue"]);
    assert_eq!(refused_by(night.review(&night.risk, id).await), ["emergency-reviewed-by-participant"]);
    night.review(&night.risk2, id).await.unwrap();
    assert_eq!(refused_by(night.review(&night.risk2, id).await), ["emergency-not-to-review"]);
    assert_eq!(night.view(id).await.verdict.as_deref(), Some("justified"));
    assert_eq!(night.open_incidents().await, 0);
    night.open().await.unwrap();
}

#[tokio::test]
async fn no_emergency_is_above_a_prohibition() {
    let night = Night::new().await;
    let id = night.open().await.unwrap();
    night.confirm(&night.approver, id).await.unwrap();
    let command = ClassifySystem { tier: RiskTier::Prohibited, reason: "Art. 5(1)(c)".into() };
    let call = Call::new(night.risk.clone());
    night.world.app.classify_system(&call, "scoring".into(), command).await.unwrap();
    assert_eq!(refused_by(night.deploy(id).await), ["prohibited-system"]);
    assert_eq!(refused_by(night.open().await), ["prohibited-system"]);
}

#[tokio::test]
async fn what_is_asked_is_checked_before_anything_is_recorded() {
    let night = Night::new().await;
    let call = Call::new(night.builder.clone());
    let command = OpenEmergency {
        version: "scorer@1".into(),
        environment: Environment::Production,
        ticket: "INC-7".parse().unwrap(),
        hours: 5,
        reason: "x".into(),
    };
    let error = night.world.app.open_emergency(&call, command.clone()).await.unwrap_err();
    assert!(error.to_string().contains("5 is not 1 to 4"), "{error}");
    let command = OpenEmergency { hours: 1, reason: String::new(), ..command };
    assert!(night.world.app.open_emergency(&call, command).await.is_err());
    let nobody = EmergencyId::new(comptroller_core::Timestamp::from_micros(1), [1; 10]);
    let error = night.deploy(nobody).await.unwrap_err();
    assert!(error.to_string().contains("emergency"), "{error}");
}
