//! Sign-in at an identity provider: what is believed of what it says, whom it stands for, and how long a session lasts.

use crate::oidc_server::{TestProvider, User, Wrong};
use crate::step_up::{begin, finish};
use crate::world::World;
use comptroller_app::approvals::CastVote;
use comptroller_app::people::AddPerson;
use comptroller_app::sign_in::{Opened, Returned, SignInSettings};
use comptroller_app::{App, AppError, Call, Caller};
use comptroller_core::Role;
use comptroller_core::vocab::{CredentialOrigin, Vote};
use comptroller_store::journal;

const ANNA: User =
    User { subject: "u-1", email: Some("Anna@Example.org"), verified: Some(true), in_token: true };

/// Where the server asks everybody for a second factor, nobody is let off for having none.
#[tokio::test]
async fn where_everybody_is_asked_for_a_second_factor_who_has_none_enrols_one_first() {
    // INVARIANT (own-credentials)
    let (mut world, provider) = world().await;
    let builder = world.person("bea", &[Role::Developer], None).await;
    let deployer = world.person("dora", &[Role::Deployer], None).await;
    let invited = world.person("anna", &[Role::Approver], None).await;
    world.system(&builder).await;
    world.version(&builder, "1", 0.8).await;
    let approval = crate::promotion::ask(&world.app, &deployer, "scorer@1").await;
    let settings = SignInSettings { step_up: true, ..provider.settings() };
    world.app = world.app.clone().with_sign_in(settings).unwrap();
    let anna = caller(&world.app, &provider).await;
    let fired = |outcome: AppError| match outcome {
        AppError::Denied { decision, .. } => decision.rules[0].id.to_string(),
        other => panic!("{other}"),
    };
    let without = crate::promotion::vote(&world.app, &anna, approval).await.unwrap_err();
    assert_eq!(fired(without), "vote-without-second-factor");
    // A credential that an administrator has seen does not enrol.
    let by_invitation = begin(&world.app, &invited).await.err().unwrap();
    assert_eq!(fired(by_invitation), "factor-without-sign-in");
    let phone = begin(&world.app, &anna).await.unwrap();
    finish(&world.app, &anna, &phone, None).await.unwrap();
    assert!(world.app.own_factors(&anna).await.unwrap().asked_of_all);
    world.clock.pass(30);
    let vote = CastVote { second_factor: phone.shown(&world.app), ..CastVote::new(Vote::Approve, "fine") };
    world.app.vote(&Call::new(anna), approval, vote).await.unwrap();
}

async fn world() -> (World, TestProvider) {
    let mut world = World::new().await;
    let provider = TestProvider::start(ANNA);
    world.app = world.app.clone().with_sign_in(provider.settings()).unwrap();
    (world, provider)
}

async fn add(world: &World, name: &str) -> String {
    let person = AddPerson { name: name.into(), email: format!("{name}@example.org") };
    world.app.add_person(&world.owner(), person).await.unwrap().id
}

/// Signs in as whom the provider says, which does one thing wrong.
async fn sign_in(app: &App, provider: &TestProvider, wrong: Wrong) -> Result<Opened, AppError> {
    let begun = app.begin_sign_in().await?;
    provider.set(wrong, &begun.nonce);
    app.finish_sign_in(&begun, returned(&begun.state, None)).await
}

fn returned(state: &str, issuer: Option<&str>) -> Returned {
    Returned { state: state.to_owned(), issuer: issuer.map(str::to_owned), code: "a code".into() }
}

async fn caller(app: &App, provider: &TestProvider) -> Caller {
    let opened = sign_in(app, provider, Wrong::Nothing).await.unwrap();
    app.authenticate(&opened.secret).await.unwrap()
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, AppError>, why: &str) {
    match &outcome {
        Err(AppError::Unauthenticated(what)) if what.contains(why) => {}
        Err(AppError::Outside(what)) if what.contains(why) => {}
        _ => panic!("{why}: {outcome:?}"),
    }
}

async fn kinds(world: &World) -> Vec<String> {
    let mut conn = world.app.store().read().await.unwrap();
    let rows = journal::entries(&mut conn, 0, 1_000).await.unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

#[tokio::test]
async fn a_person_is_found_by_the_verified_address_and_linked_once() {
    let (world, provider) = world().await;
    let anna = add(&world, "anna").await;
    let first = caller(&world.app, &provider).await;
    assert_eq!((first.principal.to_string(), first.origin), (anna.clone(), CredentialOrigin::SignIn));
    // The provider was asked with the proof of possession, and with the code.
    let request = provider.requests().remove(0);
    assert!(request.contains("code=a+code") && request.contains("code_verifier="), "{request}");
    // From now on the provider's own id counts, whatever the address.
    provider.set_user(User { email: Some("anna.new@example.org"), ..ANNA });
    assert_eq!(caller(&world.app, &provider).await.principal, first.principal);
    let kinds = kinds(&world).await;
    let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
    assert_eq!((count("identity.linked"), count("session.opened")), (1, 2));
    // And the address, given to somebody else, opens nothing.
    provider.set_user(User { subject: "u-2", ..ANNA });
    refused(sign_in(&world.app, &provider, Wrong::Nothing).await, "belongs to somebody who signs in with");
}

#[tokio::test]
async fn the_address_may_stand_in_the_user_info_only() {
    let (world, provider) = world().await;
    let anna = add(&world, "anna").await;
    provider.set_user(User { in_token: false, ..ANNA });
    refused(sign_in(&world.app, &provider, Wrong::OtherUser).await, "sent no user info");
    assert_eq!(caller(&world.app, &provider).await.principal.to_string(), anna);
}

#[tokio::test]
async fn nobody_becomes_known_by_signing_in() {
    let (world, provider) = world().await;
    let before = kinds(&world).await.len();
    refused(sign_in(&world.app, &provider, Wrong::Nothing).await, "nobody with your e-mail address");
    add(&world, "anna").await;
    for user in [
        User { verified: Some(false), ..ANNA },
        User { verified: None, ..ANNA },
        User { email: None, ..ANNA },
    ] {
        provider.set_user(user);
        refused(sign_in(&world.app, &provider, Wrong::Nothing).await, "has not verified an e-mail address");
    }
    assert_eq!(kinds(&world).await.len(), before + 1, "nothing but the person was recorded");
}

#[tokio::test]
async fn an_address_of_which_the_provider_says_nothing_counts_only_if_the_operator_says_so() {
    let (world, provider) = world().await;
    add(&world, "anna").await;
    let settings = SignInSettings { assume_verified_email: true, ..provider.settings() };
    let app = world.app.clone().with_sign_in(settings).unwrap();
    provider.set_user(User { verified: Some(false), ..ANNA });
    refused(sign_in(&app, &provider, Wrong::Nothing).await, "has not verified an e-mail address");
    provider.set_user(User { verified: None, ..ANNA });
    caller(&app, &provider).await;
}

#[tokio::test]
async fn addresses_that_cannot_be_right_are_refused_at_the_start() {
    let (world, provider) = world().await;
    for public_url in
        ["", "http://governance.example.org", "https://x.example.org/", "https://x.example.org/a"]
    {
        let settings = SignInSettings { public_url: public_url.into(), ..provider.settings() };
        assert!(world.app.clone().with_sign_in(settings).is_err(), "{public_url}");
    }
    let settings = SignInSettings { issuer: "http://id.example.org".into(), ..provider.settings() };
    assert!(world.app.clone().with_sign_in(settings).is_err());
}

#[tokio::test]
async fn what_the_provider_says_must_hold() {
    let (world, provider) = world().await;
    add(&world, "anna").await;
    for (wrong, why) in [
        (Wrong::Nonce, "nonce"),
        (Wrong::Audience, "audience"),
        (Wrong::Audiences, "audience"),
        (Wrong::Issuer, "issuer"),
        (Wrong::Expired, "expired"),
        (Wrong::AlgorithmNone, "sent an ID token that is not valid"),
        (Wrong::SharedSecret, "sent an ID token that is not valid"),
        (Wrong::Key, "sent an ID token that is not valid"),
        (Wrong::Changed, "sent an ID token that is not valid"),
        (Wrong::Missing, "sent no ID token"),
        (Wrong::Status, "did not change the code for a token"),
        (Wrong::Huge, "did not change the code for a token"),
        (Wrong::AccessToken, "mixed up two answers"),
    ] {
        refused(sign_in(&world.app, &provider, wrong).await, why);
    }
    let begun = world.app.begin_sign_in().await.unwrap();
    provider.set(Wrong::Nothing, &begun.nonce);
    for answer in [returned("another", None), returned(&begun.state, Some("https://id.example.org"))] {
        refused(world.app.finish_sign_in(&begun, answer).await, "another sign-in");
    }
    assert!(!kinds(&world).await.iter().any(|kind| kind == "session.opened"));
    sign_in(&world.app, &provider, Wrong::Nothing).await.unwrap();
}

#[tokio::test]
async fn the_provider_may_change_its_key() {
    let (world, provider) = world().await;
    add(&world, "anna").await;
    caller(&world.app, &provider).await;
    provider.rotate_key();
    caller(&world.app, &provider).await;
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_at_the_latest_after_half_a_day() {
    let (world, provider) = world().await;
    add(&world, "anna").await;
    let opened = sign_in(&world.app, &provider, Wrong::Nothing).await.unwrap();
    for _ in 0..24 {
        world.clock.pass(29 * 60);
        world.app.authenticate(&opened.secret).await.unwrap();
    }
    world.clock.pass(25 * 60);
    refused(world.app.authenticate(&opened.secret).await, "expired");

    let opened = sign_in(&world.app, &provider, Wrong::Nothing).await.unwrap();
    world.clock.pass(31 * 60);
    refused(world.app.authenticate(&opened.secret).await, "not used for 30 minutes");

    let opened = sign_in(&world.app, &provider, Wrong::Nothing).await.unwrap();
    let call = Call::new(world.app.authenticate(&opened.secret).await.unwrap());
    world.app.revoke_own(&call).await.unwrap();
    refused(world.app.authenticate(&opened.secret).await, "revoked");
}

#[tokio::test]
async fn who_is_disabled_is_refused_and_the_attempt_is_recorded() {
    let (world, provider) = world().await;
    let anna = add(&world, "anna").await;
    caller(&world.app, &provider).await;
    world.app.disable_principal(&world.owner(), anna).await.unwrap();
    refused(sign_in(&world.app, &provider, Wrong::Nothing).await, "disabled");
    assert_eq!(kinds(&world).await.last().unwrap(), "access.denied");
}

#[tokio::test]
async fn unlinking_ends_everything_and_lets_the_address_be_linked_again() {
    let (world, provider) = world().await;
    let anna = add(&world, "anna").await;
    let opened = sign_in(&world.app, &provider, Wrong::Nothing).await.unwrap();
    world.app.unlink_identity(&world.owner(), anna.clone()).await.unwrap();
    refused(world.app.authenticate(&opened.secret).await, "revoked");
    let again = world.app.unlink_identity(&world.owner(), anna.clone()).await;
    assert!(matches!(again, Err(AppError::Conflict(_))), "{again:?}");
    provider.set_user(User { subject: "u-2", ..ANNA });
    assert_eq!(caller(&world.app, &provider).await.principal.to_string(), anna);
}

#[tokio::test]
async fn where_people_sign_in_an_invitation_is_not_enough_to_vote() {
    // INVARIANT (own-credentials)
    let (world, provider) = world().await;
    let builder = world.person("bea", &[Role::Developer], None).await;
    let deployer = world.person("dora", &[Role::Deployer], None).await;
    let invited = world.person("anna", &[Role::Approver], None).await;
    let signed_in = caller(&world.app, &provider).await;
    assert_eq!(signed_in.principal, invited.principal);
    world.system(&builder).await;
    world.version(&builder, "1", 0.8).await;
    let approval = crate::promotion::ask(&world.app, &deployer, "scorer@1").await;
    let refused = crate::promotion::vote(&world.app, &invited, approval).await;
    let Err(AppError::Denied { decision, .. }) = refused else { panic!("{refused:?}") };
    assert!(decision.rules.iter().any(|rule| rule.id.as_str() == "vote-without-sign-in"));
    crate::promotion::vote(&world.app, &signed_in, approval).await.unwrap();
}
