//! Second factors: how they are enrolled, what is asked of whom, and what a code is good for.

use crate::promotion::ask;
use crate::world::World;
use comptroller_app::approvals::CastVote;
use comptroller_app::caller::Caller;
use comptroller_app::delegations::CreateDelegation;
use comptroller_app::deploy::Deploy;
use comptroller_app::emergencies::{ConfirmEmergency, OpenEmergency};
use comptroller_app::factors::step_up::SecondFactor;
use comptroller_app::factors::{BeginFactor, EnrolFactor, RemoveFactor, code_at};
use comptroller_app::{App, AppError, Call};
use comptroller_core::ids::{ApprovalId, EmergencyId, FactorId};
use comptroller_core::vocab::{FactorKind, Vote};
use comptroller_core::{Environment, Event, Role};
use comptroller_store::journal;

const STEP: i64 = 30;
const MINUTE: i64 = 60;

/// An authenticator app: a secret that was typed in.
pub(crate) struct Phone {
    pub(crate) id: FactorId,
    secret: Vec<u8>,
}

impl Phone {
    /// Types a secret in, as people do: base 32 (RFC 4648).
    pub(crate) fn new(id: FactorId, text: &str) -> Self {
        let mut bits = String::new();
        for letter in text.chars() {
            let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
            bits.push_str(&format!("{value:05b}"));
        }
        let bytes = bits.as_bytes().chunks_exact(8);
        let secret = bytes.map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap());
        Self { id, secret: secret.collect() }
    }

    /// What it shows now.
    pub(crate) fn code(&self, app: &App) -> String {
        code_at(&self.secret, app.store().clock().now())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what the acts take")]
    pub(crate) fn shown(&self, app: &App) -> Option<SecondFactor> {
        Some(SecondFactor::code(self.code(app)))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what the acts take")]
    fn wrong(&self, app: &App) -> Option<SecondFactor> {
        let right: u32 = self.code(app).parse().unwrap();
        // No code of the steps beside it, but for one in a million.
        Some(SecondFactor::code(format!("{:06}", (right + 500_000) % 1_000_000)))
    }
}

pub(crate) async fn begin(app: &App, who: &Caller) -> Result<Phone, AppError> {
    let begun = app.begin_factor(&Call::new(who.clone()), BeginFactor { kind: FactorKind::Totp }).await?;
    Ok(Phone::new(begun.id, &begun.secret.unwrap()))
}

pub(crate) async fn finish(
    app: &App,
    who: &Caller,
    phone: &Phone,
    second_factor: Option<SecondFactor>,
) -> Result<(), AppError> {
    let label = "phone".parse().unwrap();
    let command =
        EnrolFactor { id: phone.id, label, code: Some(phone.code(app)), passkey: None, second_factor };
    app.enrol_factor(&Call::new(who.clone()), command).await.map(|_| ())
}

struct Desk {
    world: World,
    deployer: Caller,
    anna: Caller,
    approval: ApprovalId,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let builder = world.person("builder", &[Role::Developer], None).await;
        let deployer = world.person("deployer", &[Role::Deployer], None).await;
        let anna = world.person("anna", &[Role::Approver], None).await;
        world.system(&builder).await;
        world.version(&builder, "1", 0.9).await;
        let staging =
            Deploy { version: "scorer@1".into(), environment: Environment::Staging, reason: "test".into() };
        world.app.deploy(&Call::new(deployer.clone()), staging).await.unwrap();
        let approval = ask(&world.app, &deployer, "scorer@1").await;
        Self { world, deployer, anna, approval }
    }

    fn app(&self) -> &App {
        &self.world.app
    }

    async fn enrol(&self, who: &Caller) -> Phone {
        let phone = begin(self.app(), who).await.unwrap();
        finish(self.app(), who, &phone, None).await.unwrap();
        self.world.clock.pass(STEP);
        phone
    }

    async fn vote(&self, who: &Caller, second_factor: Option<SecondFactor>) -> Result<(), AppError> {
        let command = CastVote { second_factor, ..CastVote::new(Vote::Approve, "fine") };
        self.app().vote(&Call::new(who.clone()), self.approval, command).await.map(|_| ())
    }

    async fn remove(
        &self,
        who: &Caller,
        id: FactorId,
        second_factor: Option<SecondFactor>,
    ) -> Result<(), AppError> {
        let command = RemoveFactor { second_factor };
        self.app().remove_factor(&Call::new(who.clone()), id, command).await.map(|_| ())
    }

    async fn events(&self) -> Vec<(String, Event)> {
        let mut conn = self.app().store().read().await.unwrap();
        let rows = journal::entries(&mut conn, 0, 1_000).await.unwrap();
        let event = |row: &journal::EntryRow| {
            let entry: serde_json::Value = serde_json::from_str(&row.entry).unwrap();
            Event::from_parts(&row.kind, &entry["data"]).unwrap()
        };
        rows.iter().map(|row| (row.kind.clone(), event(row))).collect()
    }
}

fn refused_by(result: Result<impl Sized, AppError>) -> Vec<String> {
    match result.err().expect("it is refused") {
        AppError::Denied { decision, .. } => decision.rules.iter().map(|rule| rule.id.to_string()).collect(),
        other => panic!("{other}"),
    }
}

/// INVARIANT (own-credentials): whoever has a second factor shows it with the vote itself.
#[tokio::test]
async fn a_vote_on_production_takes_the_factor_of_whoever_has_one() {
    let desk = Desk::new().await;
    let Desk { anna, .. } = &desk;
    let phone = desk.enrol(anna).await;
    assert_eq!(refused_by(desk.vote(anna, None).await), ["vote-without-second-factor"]);
    let wrong = refused_by(desk.vote(anna, phone.wrong(desk.app())).await);
    assert_eq!(wrong, ["vote-without-second-factor"]);
    // Of somebody else's it is no use.
    let other = desk.enrol(&desk.deployer).await;
    let foreign = refused_by(desk.vote(anna, other.shown(desk.app())).await);
    assert_eq!(foreign, ["vote-without-second-factor"]);
    desk.vote(anna, phone.shown(desk.app())).await.unwrap();

    let events = desk.events().await;
    let used: Vec<&Event> =
        events.iter().filter(|(kind, _)| kind == "factor.used").map(|(_, event)| event).collect();
    let expected = Event::FactorUsed {
        factor: phone.id,
        kind: FactorKind::Totp,
        subject: format!("approval/{}", desk.approval),
    };
    assert_eq!(used, [&expected]);
}

#[tokio::test]
async fn a_code_works_once_and_near_its_time() {
    let desk = Desk::new().await;
    let Desk { anna, .. } = &desk;
    let phone = begin(desk.app(), anna).await.unwrap();
    let of_enrolment = phone.shown(desk.app());
    finish(desk.app(), anna, &phone, None).await.unwrap();
    assert_eq!(refused_by(desk.vote(anna, of_enrolment).await), ["vote-without-second-factor"]);
    desk.world.clock.pass(STEP);
    let late = phone.shown(desk.app());
    desk.world.clock.pass(2 * STEP + 1);
    assert_eq!(refused_by(desk.vote(anna, late).await), ["vote-without-second-factor"]);
    let used = phone.shown(desk.app());
    desk.vote(anna, used.clone()).await.unwrap();
    let removed = refused_by(desk.remove(anna, phone.id, used).await);
    assert_eq!(removed, ["own-factor-removed-unshown"]);
}

#[tokio::test]
async fn nobody_guesses_codes() {
    let desk = Desk::new().await;
    let Desk { anna, .. } = &desk;
    let phone = desk.enrol(anna).await;
    // Many at once have no more attempts than one after another.
    let guesses = (0..20).map(|_| desk.vote(anna, phone.wrong(desk.app())));
    let outcomes = futures_util::future::join_all(guesses).await;
    let tried = outcomes.iter().filter(|outcome| matches!(outcome, Err(AppError::Denied { .. }))).count();
    let kept_out = outcomes.iter().filter(|outcome| matches!(outcome, Err(AppError::Conflict(_)))).count();
    assert_eq!((tried, kept_out), (5, 15));
    let right = desk.vote(anna, phone.shown(desk.app())).await;
    assert!(matches!(&right, Err(AppError::Conflict(what)) if what.contains("wait 15 minutes")), "{right:?}");
    desk.world.clock.pass(15 * MINUTE);
    desk.vote(anna, phone.shown(desk.app())).await.unwrap();
}

#[tokio::test]
async fn a_factor_is_enrolled_by_showing_it_and_guards_the_next_one() {
    let desk = Desk::new().await;
    let Desk { world, anna, .. } = &desk;
    let app = desk.app();
    let phone = begin(app, anna).await.unwrap();
    let command = |code: String| EnrolFactor {
        id: phone.id,
        label: "phone".parse().unwrap(),
        code: Some(code),
        passkey: None,
        second_factor: None,
    };
    let wrong = phone.wrong(app).unwrap().code.unwrap();
    let refused = app.enrol_factor(&Call::new(anna.clone()), command(wrong)).await.unwrap_err();
    assert!(refused.to_string().contains("not the present code"), "{refused}");
    // An enrolment that was begun is of use to nobody else, and for ten minutes.
    let foreign = app.enrol_factor(&Call::new(desk.deployer.clone()), command(phone.code(app))).await;
    assert!(matches!(foreign, Err(AppError::NotFound { .. })), "{foreign:?}");
    finish(app, anna, &phone, None).await.unwrap();
    let again = finish(app, anna, &phone, None).await;
    assert_eq!(refused_by(again), ["factor-beside-another-unshown"]);
    world.clock.pass(STEP);

    let second = begin(app, anna).await.unwrap();
    assert_eq!(refused_by(finish(app, anna, &second, None).await), ["factor-beside-another-unshown"]);
    finish(app, anna, &second, phone.shown(app)).await.unwrap();
    let listed = app.own_factors(anna).await.unwrap();
    assert_eq!(listed.items.iter().map(|item| item.id).collect::<Vec<_>>(), [phone.id, second.id]);
    assert!(!listed.asked_of_all);
    world.clock.pass(STEP);
    desk.remove(anna, phone.id, second.shown(app)).await.unwrap();
    world.clock.pass(STEP);
    assert_eq!(refused_by(desk.vote(anna, phone.shown(app)).await), ["vote-without-second-factor"]);
    desk.vote(anna, second.shown(app)).await.unwrap();

    let late = begin(app, &desk.deployer).await.unwrap();
    world.clock.pass(11 * MINUTE);
    assert!(matches!(finish(app, &desk.deployer, &late, None).await, Err(AppError::NotFound { .. })));
}

#[tokio::test]
async fn a_lost_factor_is_reset_by_an_administrator_and_every_credential_ends() {
    let desk = Desk::new().await;
    let Desk { world, anna, .. } = &desk;
    let app = desk.app();
    desk.enrol(anna).await;
    let other = app.reset_factors(&Call::new(desk.deployer.clone()), anna.principal.to_string()).await;
    assert_eq!(refused_by(other), ["no-permit"]);
    let before = desk.events().await.len();
    app.reset_factors(&world.owner(), anna.principal.to_string()).await.unwrap();
    let kinds: Vec<String> = desk.events().await.drain(before..).map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["factor.removed", "token.revoked"]);
    assert!(app.own_factors(anna).await.unwrap().items.is_empty());
    let none = app.reset_factors(&world.owner(), anna.principal.to_string()).await;
    assert!(matches!(none, Err(AppError::Conflict(_))), "{none:?}");
    // With a new credential the person begins anew.
    let anna = world.enrol(&anna.principal.to_string()).await;
    desk.enrol(&anna).await;
}

/// An administrator's own factor is no exception.
#[tokio::test]
async fn administrators_show_their_own_factor_to_take_it_away() {
    let desk = Desk::new().await;
    let admin = desk.world.person("admin", &[Role::Admin], None).await;
    let phone = desk.enrol(&admin).await;
    let reset = desk.app().reset_factors(&Call::new(admin.clone()), admin.principal.to_string()).await;
    assert_eq!(refused_by(reset), ["own-factor-removed-unshown"]);
    desk.remove(&admin, phone.id, phone.shown(desk.app())).await.unwrap();
}

#[tokio::test]
async fn emergencies_and_delegations_take_it_too() {
    let desk = Desk::new().await;
    let Desk { world, deployer, anna, .. } = &desk;
    let app = desk.app();
    let phone = desk.enrol(anna).await;
    let open = OpenEmergency {
        version: "scorer@1".into(),
        environment: Environment::Production,
        ticket: "INC-7".parse().unwrap(),
        hours: 4,
        reason: "refuses everybody".into(),
    };
    let opened = app.open_emergency(&Call::new(deployer.clone()), open).await.unwrap();
    let id: EmergencyId = opened.id.parse().unwrap();
    let confirm = async |second_factor| {
        let command = ConfirmEmergency { comment: "seen".into(), second_factor };
        app.confirm_emergency(&Call::new(anna.clone()), id, command).await
    };
    assert_eq!(refused_by(confirm(None).await), ["emergency-without-second-factor"]);
    confirm(phone.shown(app)).await.unwrap();
    world.clock.pass(STEP);
    let delegate = async |second_factor| {
        let command = CreateDelegation {
            delegate: deployer.principal.to_string(),
            system: None,
            starts_at: None,
            days: 1,
            reason: "on leave".into(),
            second_factor,
        };
        app.create_delegation(&Call::new(anna.clone()), command).await
    };
    assert_eq!(refused_by(delegate(None).await), ["delegation-without-second-factor"]);
    delegate(phone.shown(app)).await.unwrap();
    let used = desk.events().await.into_iter().filter(|(kind, _)| kind == "factor.used").count();
    assert_eq!(used, 2);
}

#[tokio::test]
async fn the_secret_leaves_the_server_once_and_stands_nowhere_in_clear() {
    let desk = Desk::new().await;
    let Desk { world, anna, .. } = &desk;
    let app = desk.app();
    let call = Call::keyed(anna.clone(), Some("enrolment".into())).unwrap();
    let first = app.begin_factor(&call, BeginFactor { kind: FactorKind::Totp }).await.unwrap();
    let text = first.secret.unwrap();
    let phone = Phone::new(first.id, &text);
    let again = app.begin_factor(&call, BeginFactor { kind: FactorKind::Totp }).await.unwrap();
    assert_eq!((again.id, again.secret), (first.id, None));
    finish(app, anna, &phone, None).await.unwrap();
    let forms = [text.as_bytes().to_vec(), phone.secret.clone(), hex::encode(&phone.secret).into_bytes()];
    let mut read = 0;
    for file in std::fs::read_dir(world.folder.path().join("db")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        read += bytes.len();
        for form in &forms {
            assert!(!bytes.windows(form.len()).any(|window| window == form), "a secret in clear");
        }
    }
    assert!(read > 100_000, "{read} bytes were looked at");
    let findings = app.store().doctor(true).await.unwrap();
    assert!(findings.is_clean(), "{findings:#?}");
    assert!(app.store().rebuild_check().await.unwrap().is_clean());
}
