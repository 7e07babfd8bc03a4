//! Passkeys: what is believed of an authenticator, and that it signs exactly one act.

use crate::authenticator::{Authenticator, ORIGIN, Wrong};
use crate::oidc_server::{TestProvider, User};
use crate::promotion::ask;
use crate::world::World;
use comptroller_app::approvals::CastVote;
use comptroller_app::caller::Caller;
use comptroller_app::emergencies::{ConfirmEmergency, OpenEmergency};
use comptroller_app::factors::step_up::{Purpose, SecondFactor};
use comptroller_app::factors::{AskChallenge, BeginFactor, EnrolFactor, RemoveFactor};
use comptroller_app::sign_in::{Returned, SignInSettings};
use comptroller_app::{App, AppError, Call};
use comptroller_core::ids::{ApprovalId, EmergencyId, FactorId};
use comptroller_core::vocab::{FactorKind, Vote};
use comptroller_core::{Environment, Role};

const ANNA: User =
    User { subject: "u-1", email: Some("anna@example.org"), verified: Some(true), in_token: true };
const EVERY_WRONG: [Wrong; 9] = [
    Wrong::Site,
    Wrong::Origin,
    Wrong::CrossOrigin,
    Wrong::Kind,
    Wrong::Challenge,
    Wrong::Absent,
    Wrong::Unverified,
    Wrong::Short,
    Wrong::Signature,
];

/// A server that asks everybody for a second factor, and an approver who signs in there.
struct Hall {
    world: World,
    _provider: TestProvider,
    deployer: Caller,
    anna: Caller,
    approval: ApprovalId,
    /// Declared by Dora.
    emergency: EmergencyId,
}

impl Hall {
    async fn new() -> Self {
        let mut world = World::new().await;
        let builder = world.person("bea", &[Role::Developer], None).await;
        let deployer = world.person("dora", &[Role::Deployer], None).await;
        world.person("anna", &[Role::Approver], None).await;
        world.system(&builder).await;
        world.version(&builder, "1", 0.8).await;
        let approval = ask(&world.app, &deployer, "scorer@1").await;
        let open = OpenEmergency {
            version: "scorer@1".into(),
            environment: Environment::Production,
            ticket: "INC-7".parse().unwrap(),
            hours: 4,
            reason: "refuses everybody".into(),
        };
        let opened = world.app.open_emergency(&Call::new(deployer.clone()), open).await.unwrap();
        let emergency = opened.id.parse().unwrap();
        let provider = TestProvider::start(ANNA);
        let settings = SignInSettings { step_up: true, public_url: ORIGIN.into(), ..provider.settings() };
        world.app = world.app.clone().with_sign_in(settings).unwrap();
        let begun = world.app.begin_sign_in().await.unwrap();
        provider.set(crate::oidc_server::Wrong::Nothing, &begun.nonce);
        let answer = Returned { state: begun.state.clone(), issuer: None, code: "a code".into() };
        let opened = world.app.finish_sign_in(&begun, answer).await.unwrap();
        let anna = world.app.authenticate(&opened.secret).await.unwrap();
        Self { world, _provider: provider, deployer, anna, approval, emergency }
    }

    fn app(&self) -> &App {
        &self.world.app
    }

    fn call(&self) -> Call {
        Call::new(self.anna.clone())
    }

    async fn enrol(&self, key: &Authenticator, wrong: Wrong) -> Result<FactorId, AppError> {
        let begun = self.app().begin_factor(&self.call(), BeginFactor { kind: FactorKind::Passkey }).await?;
        let challenge = begun.passkey.unwrap();
        assert_eq!((challenge.site.as_deref(), begun.secret), (Some("governance.example.org"), None));
        let command = EnrolFactor {
            id: begun.id,
            label: "laptop".parse().unwrap(),
            code: None,
            passkey: Some(key.create(&challenge.challenge, wrong)),
            second_factor: None,
        };
        self.app().enrol_factor(&self.call(), command).await.map(|_| begun.id)
    }

    async fn challenge(&self, purpose: Purpose) -> String {
        self.app().challenge(&self.call(), AskChallenge { purpose }).await.unwrap().challenge
    }

    fn approve(&self) -> Purpose {
        Purpose::Vote { approval: self.approval, vote: Vote::Approve, in_stead_of: None }
    }

    async fn vote(&self, vote: Vote, shown: SecondFactor) -> Result<(), AppError> {
        let command = CastVote { second_factor: Some(shown), ..CastVote::new(vote, "fine") };
        self.app().vote(&self.call(), self.approval, command).await.map(|_| ())
    }
}

fn signed(key: &mut Authenticator, challenge: &str, wrong: Wrong) -> SecondFactor {
    SecondFactor { code: None, passkey: Some(key.get(challenge, wrong)) }
}

fn unshown(outcome: Result<(), AppError>) {
    match outcome {
        Err(AppError::Denied { decision, .. }) => {
            let rules: Vec<&str> = decision.rules.iter().map(|rule| rule.id.as_str()).collect();
            assert_eq!(rules, ["vote-without-second-factor"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_passkey_is_enrolled_here_and_now_with_its_owner_recognised() {
    let hall = Hall::new().await;
    let key = Authenticator::p256(1);
    for wrong in EVERY_WRONG.into_iter().filter(|wrong| *wrong != Wrong::Signature) {
        let refused = hall.enrol(&key, wrong).await;
        assert!(
            matches!(&refused, Err(AppError::Invalid { field: "passkey", .. })),
            "{wrong:?}: {refused:?}"
        );
    }
    let id = hall.enrol(&key, Wrong::Nothing).await.unwrap();
    let own = hall.app().own_factors(&hall.anna).await.unwrap();
    assert_eq!((own.items[0].id, own.items[0].kind), (id, FactorKind::Passkey));
    let findings = hall.app().store().doctor(true).await.unwrap();
    assert!(findings.is_clean(), "{findings:#?}");
}

/// INVARIANT (own-credentials): what somebody else made for another page or another moment is no second factor.
#[tokio::test]
async fn a_vote_takes_what_the_key_signed_for_it_and_nothing_else() {
    let hall = Hall::new().await;
    let mut key = Authenticator::p256(1);
    hall.enrol(&key, Wrong::Nothing).await.unwrap();
    for wrong in EVERY_WRONG {
        let challenge = hall.challenge(hall.approve()).await;
        unshown(hall.vote(Vote::Approve, signed(&mut key, &challenge, wrong)).await);
    }
    // Another key under the same name.
    let challenge = hall.challenge(hall.approve()).await;
    let mut other = Authenticator::p256(1);
    unshown(hall.vote(Vote::Approve, signed(&mut other, &challenge, Wrong::Nothing)).await);
    // Signed for a denial, or for a vote in somebody's stead, and shown with an approval.
    let denial =
        hall.challenge(Purpose::Vote { approval: hall.approval, vote: Vote::Deny, in_stead_of: None }).await;
    unshown(hall.vote(Vote::Approve, signed(&mut key, &denial, Wrong::Nothing)).await);
    let approve = hall.approve();
    let stead = Purpose::Vote {
        approval: hall.approval,
        vote: Vote::Approve,
        in_stead_of: Some(hall.deployer.principal),
    };
    let stead = hall.challenge(stead).await;
    unshown(hall.vote(Vote::Approve, signed(&mut key, &stead, Wrong::Nothing)).await);
    // Signed too late.
    let challenge = hall.challenge(approve.clone()).await;
    hall.world.clock.pass(5 * 60);
    unshown(hall.vote(Vote::Approve, signed(&mut key, &challenge, Wrong::Nothing)).await);

    let challenge = hall.challenge(approve).await;
    hall.vote(Vote::Approve, signed(&mut key, &challenge, Wrong::Nothing)).await.unwrap();
}

#[tokio::test]
async fn a_challenge_is_good_once_and_an_authenticator_counts_on() {
    let hall = Hall::new().await;
    let mut key = Authenticator::p256(1);
    let id = hall.enrol(&key, Wrong::Nothing).await.unwrap();
    let emergency = hall.emergency;
    let challenge = hall.challenge(Purpose::Confirm { emergency }).await;
    let shown = signed(&mut key, &challenge, Wrong::Nothing);
    let confirm = ConfirmEmergency { comment: "seen".into(), second_factor: Some(shown.clone()) };
    hall.app().confirm_emergency(&hall.call(), emergency, confirm.clone()).await.unwrap();
    let again = hall.app().confirm_emergency(&hall.call(), emergency, confirm).await;
    let Err(AppError::Denied { decision, .. }) = again else { panic!("{again:?}") };
    assert!(decision.rules.iter().any(|rule| rule.id.as_str() == "emergency-without-second-factor"));
    // A copy that is behind.
    let challenge = hall.challenge(hall.approve()).await;
    unshown(hall.vote(Vote::Approve, signed(&mut key, &challenge, Wrong::Counter)).await);
    // It takes the factor itself to take it away.
    let challenge = hall.challenge(Purpose::Remove { factor: id }).await;
    let remove = RemoveFactor { second_factor: Some(signed(&mut key, &challenge, Wrong::Nothing)) };
    hall.app().remove_factor(&hall.call(), id, remove).await.unwrap();
    assert!(hall.app().own_factors(&hall.anna).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_key_that_does_not_count_and_another_algorithm_are_fine() {
    let hall = Hall::new().await;
    let mut key = Authenticator::ed25519(7);
    hall.enrol(&key, Wrong::Nothing).await.unwrap();
    let challenge = hall.challenge(hall.approve()).await;
    unshown(hall.vote(Vote::Approve, signed(&mut key, &challenge, Wrong::Signature)).await);
    let asked = AskChallenge { purpose: hall.approve() };
    let challenge = hall.app().challenge(&hall.call(), asked).await.unwrap();
    assert_eq!(challenge.credentials, [key.credential()]);
    hall.vote(Vote::Approve, signed(&mut key, &challenge.challenge, Wrong::Nothing)).await.unwrap();
}
