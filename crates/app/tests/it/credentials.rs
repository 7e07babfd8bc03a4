//! Whose credential it is: nobody makes one of another person.

use crate::world::World;
use comptroller_app::access::{IssueOwnToken, IssueToken};
use comptroller_app::invitations::InvitePerson;
use comptroller_app::{App, AppError, Call, Caller};
use comptroller_core::vocab::CredentialOrigin;
use comptroller_core::{Environment, Role};

fn terms(environment: Option<Environment>, days: u32) -> IssueOwnToken {
    IssueOwnToken { environment, label: "mine".parse().unwrap(), days }
}

async fn invite(world: &World, person: &str) -> String {
    let command = InvitePerson { person: person.to_owned(), days: 1 };
    world.app.invite(&world.owner(), command).await.unwrap().secret.unwrap()
}

async fn accept(app: &App, invitation: &str) -> Result<String, AppError> {
    let caller = app.authenticate_invitation(invitation).await?;
    Ok(app.accept_invitation(&Call::new(caller), terms(None, 1)).await?.secret.unwrap())
}

fn unauthenticated<T: std::fmt::Debug>(outcome: Result<T, AppError>, why: &str) {
    let Err(AppError::Unauthenticated(what)) = outcome else { panic!("{outcome:?}") };
    assert!(what.contains(why), "{what}");
}

#[tokio::test]
async fn nobody_issues_a_token_to_another_person() {
    // INVARIANT (own-credentials)
    let world = World::new().await;
    let anna = world.person("anna", &[Role::Approver], None).await;
    let admin = world.person("adam", &[Role::Admin, Role::Owner], None).await;
    for principal in [anna.principal, admin.principal] {
        let command = IssueToken {
            principal: principal.to_string(),
            environment: None,
            label: "mine".parse().unwrap(),
            days: 1,
        };
        let refused = world.app.issue_token(&Call::new(admin.clone()), command).await;
        assert!(matches!(&refused, Err(AppError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(anna.origin, CredentialOrigin::Invitation);
}

#[tokio::test]
async fn an_invitation_works_once_and_ends_what_the_person_had_before() {
    // INVARIANT (own-credentials): a taken account shows.
    let world = World::new().await;
    let anna = world.person("anna", &[Role::Approver], None).await;
    let further = world.app.issue_own_token(&Call::new(anna.clone()), terms(None, 1)).await.unwrap();
    let further = further.secret.unwrap();
    world.app.authenticate(&further).await.unwrap();

    let replaced = invite(&world, &anna.principal.to_string()).await;
    let invitation = invite(&world, &anna.principal.to_string()).await;
    unauthenticated(accept(&world.app, &replaced).await, "replaced by a later one");
    unauthenticated(world.app.authenticate(&invitation).await, "this is an invitation");
    world.app.authenticate(&further).await.unwrap();
    let token = accept(&world.app, &invitation).await.unwrap();
    unauthenticated(world.app.authenticate(&further).await, "revoked");
    unauthenticated(accept(&world.app, &invitation).await, "used already");
    let now: Caller = world.app.authenticate(&token).await.unwrap();
    assert_eq!(now.principal, anna.principal);
    // A token is no invitation.
    unauthenticated(world.app.authenticate_invitation(&token).await, "no invitation");
}

#[tokio::test]
async fn who_is_disabled_cannot_accept() {
    let world = World::new().await;
    let anna = world.person("anna", &[], None).await;
    let invitation = invite(&world, &anna.principal.to_string()).await;
    world.app.disable_principal(&world.owner(), anna.principal.to_string()).await.unwrap();
    unauthenticated(accept(&world.app, &invitation).await, "disabled");
}

#[tokio::test]
async fn a_token_made_with_a_token_ends_no_later_and_none_is_made_with_a_bound_one() {
    let world = World::new().await;
    let dora = world.person("dora", &[Role::Deployer], None).await;
    let longer = world.app.issue_own_token(&Call::new(dora.clone()), terms(None, 90)).await.unwrap();
    let last = world.app.tokens(&world.owner, None, comptroller_app::view::Slice::default()).await.unwrap();
    let first = last.items.iter().find(|token| token.label.as_str() == "first").unwrap();
    assert_eq!(longer.expires_at, first.expires_at);

    let bound = world.person("dirk", &[Role::Deployer], Some(Environment::Dev)).await;
    let refused = world.app.issue_own_token(&Call::new(bound), terms(Some(Environment::Dev), 1)).await;
    let Err(AppError::Denied { decision, .. }) = refused else { panic!("{refused:?}") };
    assert!(decision.rules.iter().any(|rule| rule.id.as_str() == "organisation-act-by-bound-credential"));
    // A program has nothing of its own to make.
    let runtime = world.runtime().await;
    let refused = world.app.issue_own_token(&Call::new(runtime), terms(None, 1)).await;
    assert!(matches!(refused, Err(AppError::Denied { .. })), "{refused:?}");
}
