//! Votes in somebody's stead: by whose roles, within which limits, and what takes them back.

use crate::promotion::{ask, vote};
use crate::world::World;
use comptroller_app::approvals::CastVote;
use comptroller_app::assess::Because;
use comptroller_app::caller::Caller;
use comptroller_app::delegations::CreateDelegation;
use comptroller_app::deploy::Deploy;
use comptroller_app::gate::CheckGate;
use comptroller_app::people::ChangeRole;
use comptroller_app::view::Slice;
use comptroller_app::votes::VoteState;
use comptroller_app::{AppError, Call};
use comptroller_core::ids::{ApprovalId, DelegationId, PrincipalId};
use comptroller_core::vocab::Vote;
use comptroller_core::{Environment, Role};

const DAY: i64 = 86_400;

/// A version that waits for approval, and the people around it.
struct Office {
    world: World,
    /// Built the version.
    builder: Caller,
    /// Asked for the approval, and deploys.
    deployer: Caller,
    /// Away.
    anna: Caller,
    /// Votes for Anna; develops something else.
    dora: Caller,
    risk: Caller,
    approval: ApprovalId,
}

impl Office {
    async fn new() -> Self {
        let world = World::new().await;
        let builder = world.person("builder", &[Role::Developer, Role::Approver], None).await;
        let deployer = world.person("deployer", &[Role::Deployer, Role::Approver], None).await;
        let anna = world.person("anna", &[Role::Approver], None).await;
        let dora = world.person("dora", &[Role::Developer], None).await;
        let risk = world.person("risk", &[Role::RiskOfficer], None).await;
        world.system(&builder).await;
        world.version(&builder, "1", 0.9).await;
        deploy(&world, &deployer, Environment::Staging).await.unwrap();
        let approval = ask(&world.app, &deployer, "scorer@1").await;
        Self { world, builder, deployer, anna, dora, risk, approval }
    }

    async fn delegate(&self, from: &Caller, to: PrincipalId) -> Result<DelegationId, AppError> {
        self.delegate_with(from, CreateDelegation { delegate: to.to_string(), ..leave() }).await
    }

    async fn delegate_with(
        &self,
        from: &Caller,
        command: CreateDelegation,
    ) -> Result<DelegationId, AppError> {
        let receipt = self.world.app.create_delegation(&Call::new(from.clone()), command).await?;
        Ok(receipt.id.parse().unwrap())
    }

    async fn end(&self, who: &Caller, id: DelegationId) -> Result<(), AppError> {
        let command = Because { reason: "back again".into() };
        self.world.app.end_delegation(&Call::new(who.clone()), id, command).await.map(|_| ())
    }

    /// Votes in favour, in somebody's stead.
    async fn vote_for(&self, voter: &Caller, seat: PrincipalId) -> Result<(), AppError> {
        let command = CastVote { in_stead_of: Some(seat), ..CastVote::new(Vote::Approve, "as agreed") };
        self.world.app.vote(&Call::new(voter.clone()), self.approval, command).await.map(|_| ())
    }

    async fn states(&self) -> Vec<VoteState> {
        let check =
            CheckGate { version: "scorer@1".into(), environment: Environment::Production, certify: false };
        self.world.app.check_gate(&Call::new(self.deployer.clone()), check).await.unwrap().votes
    }

    /// The causes for which votes do not count, in the order of the votes.
    async fn causes(&self) -> Vec<Option<String>> {
        self.states().await.into_iter().map(|state| state.cause).collect()
    }

    async fn role(&self, who: &Caller, role: Role, give: bool) {
        let change = ChangeRole { principal: who.principal.to_string(), role, system: None };
        let (app, owner) = (&self.world.app, self.world.owner());
        if give {
            app.grant_role(&owner, change).await.unwrap();
        } else {
            app.revoke_role(&owner, change).await.unwrap();
        }
    }
}

fn leave() -> CreateDelegation {
    CreateDelegation {
        delegate: String::new(),
        system: None,
        starts_at: None,
        days: 7,
        reason: "on leave".into(),
        second_factor: None,
    }
}

async fn deploy(world: &World, who: &Caller, environment: Environment) -> Result<(), AppError> {
    let command = Deploy { version: "scorer@1".into(), environment, reason: "test".into() };
    world.app.deploy(&Call::new(who.clone()), command).await.map(|_| ())
}

fn refused_by(result: Result<impl Sized, AppError>) -> Vec<String> {
    match result.err().expect("it is refused") {
        AppError::Denied { decision, .. } => decision.rules.iter().map(|rule| rule.id.to_string()).collect(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_delegate_votes_by_the_role_of_the_delegator_and_the_record_names_both() {
    let office = Office::new().await;
    let Office { world, anna, dora, risk, deployer, .. } = &office;
    assert_eq!(refused_by(vote(&world.app, dora, office.approval).await), ["no-permit"]);
    let early = refused_by(office.vote_for(dora, anna.principal).await);
    assert_eq!(early, ["vote-without-delegation"]);
    let delegation = office.delegate(anna, dora.principal).await.unwrap();
    office.vote_for(dora, anna.principal).await.unwrap();
    vote(&world.app, risk, office.approval).await.unwrap();
    assert_eq!(office.causes().await, [None, None]);
    deploy(world, deployer, Environment::Production).await.unwrap();

    let shown = world.app.approval(risk, office.approval).await.unwrap();
    let by = &shown.votes[0];
    assert_eq!((by.voter, by.in_stead_of), (dora.principal, Some(anna.principal)));
    assert_eq!((by.delegation, shown.votes[1].in_stead_of), (Some(delegation), None));
    // The population of changes has it, as a page and as a file.
    let change = world.app.changes(risk, None, None, Slice::default()).await.unwrap().items.remove(0);
    assert_eq!(change.approvers[0].in_stead_of, Some(anna.principal));
    assert_eq!(change.approvers[0].delegation, Some(delegation));
    let listed = world.app.delegations(risk, Some(&dora.principal.to_string()), Slice::default()).await;
    let listed = listed.unwrap().items.remove(0);
    assert_eq!((listed.state.as_str(), listed.reason.as_deref()), ("in-force", Some("on leave")));
    // Once deployed, its end by time takes nothing back, as with the request itself.
    world.clock.pass(8 * DAY);
    assert_eq!(office.causes().await[0].as_deref(), Some("the delegation that it was cast by has expired"));
    let running = world.app.operations(risk, None, Slice::default()).await.unwrap().items.remove(0);
    assert_eq!(running.rules, Vec::<comptroller_core::Slug>::new());
}

/// INVARIANT (separation-of-duties): what was delegated is not delegated on.
#[tokio::test]
async fn there_are_no_chains() {
    let office = Office::new().await;
    let Office { world, anna, dora, .. } = &office;
    let erik = world.person("erik", &[Role::Developer], None).await;
    office.delegate(anna, dora.principal).await.unwrap();
    // A delegate without a role of their own names nobody.
    assert_eq!(refused_by(office.delegate(dora, erik.principal).await), ["no-permit"]);
    // With one they name somebody for their own vote, and not for Anna's.
    office.role(dora, Role::Approver, true).await;
    office.delegate(dora, erik.principal).await.unwrap();
    assert_eq!(refused_by(office.vote_for(&erik, anna.principal).await), ["vote-without-delegation"]);
    // What Anna gave Dora is no role of Dora's own.
    office.role(dora, Role::Approver, false).await;
    assert_eq!(refused_by(office.vote_for(&erik, dora.principal).await), ["vote-for-nobody-who-votes"]);
    office.role(dora, Role::Approver, true).await;
    office.vote_for(&erik, dora.principal).await.unwrap();
}

#[tokio::test]
async fn only_other_people_who_work_here_are_named() {
    let office = Office::new().await;
    let Office { world, anna, dora, .. } = &office;
    let program = world.runtime().await;
    let auditor = world.person("auditor", &[Role::Auditor], None).await;
    let admin = world.person("admin", &[Role::Developer, Role::Admin], None).await;
    let both = world.person("both", &[Role::Approver, Role::Admin], None).await;
    let gone = world.person("gone", &[Role::Developer], None).await;
    world.app.disable_principal(&world.owner(), gone.principal.to_string()).await.unwrap();
    assert_eq!(refused_by(office.delegate(anna, anna.principal).await), ["delegation-to-self"]);
    assert_eq!(refused_by(office.delegate(anna, program.principal).await), ["delegation-to-no-person"]);
    assert_eq!(refused_by(office.delegate(anna, gone.principal).await), ["delegation-to-no-person"]);
    assert_eq!(refused_by(office.delegate(anna, auditor.principal).await), ["delegation-to-outsider"]);
    assert_eq!(refused_by(office.delegate(anna, admin.principal).await), ["delegation-with-administrator"]);
    assert_eq!(refused_by(office.delegate(&both, dora.principal).await), ["delegation-with-administrator"]);
    assert_eq!(refused_by(office.delegate(&auditor, dora.principal).await), ["no-permit"]);

    let command = |days, starts_at| CreateDelegation {
        delegate: dora.principal.to_string(),
        days,
        starts_at,
        ..leave()
    };
    let now = world.app.store().clock().now();
    for (wrong, why) in [
        (command(0, None), "0 is not 1 to 30"),
        (command(31, None), "31 is not 1 to 30"),
        (command(1, Some(now.plus_seconds(-60))), "it has passed"),
        (command(1, Some(now.plus_seconds(91 * DAY))), "90 days ahead"),
    ] {
        let error = office.delegate_with(anna, wrong).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// INVARIANT (separation-of-duties): a delegation takes no limit away, on either side.
#[tokio::test]
async fn neither_the_delegate_nor_the_delegator_had_a_part_in_it() {
    let office = Office::new().await;
    let Office { builder, deployer, anna, dora, .. } = &office;
    for (from, to, rule) in [
        (anna, builder, "vote-by-builder"),
        (builder, dora, "vote-for-conflicted"),
        (anna, deployer, "vote-by-requester"),
        (deployer, dora, "vote-for-conflicted"),
    ] {
        office.delegate(from, to.principal).await.unwrap();
        assert_eq!(refused_by(office.vote_for(to, from.principal).await), [rule]);
    }
    office.delegate(anna, dora.principal).await.unwrap();
    office.role(anna, Role::Admin, true).await;
    assert_eq!(refused_by(office.vote_for(dora, anna.principal).await), ["vote-for-conflicted"]);
    office.role(anna, Role::Admin, false).await;
    office.vote_for(dora, anna.principal).await.unwrap();
    // And at every use.
    office.role(anna, Role::Owner, true).await;
    assert_eq!(office.causes().await[0].as_deref(), Some("the person voted for administers"));
    office.role(anna, Role::Owner, false).await;
    office.role(dora, Role::Admin, true).await;
    assert_eq!(office.causes().await[0].as_deref(), Some("the voter administers"));
    office.role(dora, Role::Admin, false).await;
    assert_eq!(office.causes().await, [None]);
}

/// INVARIANT (separation-of-duties): each human stands behind one vote.
#[tokio::test]
async fn each_human_counts_once_as_voter_or_as_voted_for() {
    let office = Office::new().await;
    let Office { world, anna, dora, risk, deployer, .. } = &office;
    office.role(dora, Role::Approver, true).await;
    let delegation = office.delegate(anna, dora.principal).await.unwrap();
    office.vote_for(dora, anna.principal).await.unwrap();
    // Dora has voted, and Anna's seat is taken; nobody votes for either of them.
    assert_eq!(refused_by(vote(&world.app, dora, office.approval).await), ["vote-twice"]);
    assert_eq!(refused_by(vote(&world.app, anna, office.approval).await), ["vote-twice"]);
    office.delegate(dora, risk.principal).await.unwrap();
    assert_eq!(refused_by(office.vote_for(risk, dora.principal).await), ["vote-twice"]);
    let short = refused_by(deploy(world, deployer, Environment::Production).await);
    assert_eq!(short, ["approvals-missing"]);

    // Anna is back: she takes her vote back, and votes herself.
    office.end(anna, delegation).await.unwrap();
    assert_eq!(office.causes().await[0].as_deref(), Some("the delegation that it was cast by was ended"));
    vote(&world.app, anna, office.approval).await.unwrap();
    assert_eq!(office.states().await.iter().filter(|state| state.counts).count(), 1);
    // Dora's vote for Anna counts no more, and Dora has no second one.
    assert_eq!(refused_by(vote(&world.app, dora, office.approval).await), ["vote-twice"]);
    vote(&world.app, risk, office.approval).await.unwrap();
    deploy(world, deployer, Environment::Production).await.unwrap();
}

#[tokio::test]
async fn a_vote_counts_as_long_as_what_it_rests_on() {
    let office = Office::new().await;
    let Office { world, anna, dora, .. } = &office;
    office.delegate(anna, dora.principal).await.unwrap();
    office.vote_for(dora, anna.principal).await.unwrap();
    office.role(anna, Role::Approver, false).await;
    let lost = "the person voted for no longer holds a role that votes";
    assert_eq!(office.causes().await[0].as_deref(), Some(lost));
    office.role(anna, Role::Approver, true).await;
    office.role(dora, Role::Developer, false).await;
    assert_eq!(office.causes().await[0].as_deref(), Some("the voter holds no role here any more"));
    office.role(dora, Role::Developer, true).await;
    assert_eq!(office.causes().await, [None]);
    world.clock.pass(7 * DAY);
    assert_eq!(office.causes().await[0].as_deref(), Some("the delegation that it was cast by has expired"));
    world.app.disable_principal(&world.owner(), anna.principal.to_string()).await.unwrap();
    assert_eq!(office.causes().await[0].as_deref(), Some("the person voted for no longer acts here"));
}

#[tokio::test]
async fn a_delegation_holds_where_and_when_it_says_and_is_ended_by_whoever_made_it() {
    let office = Office::new().await;
    let Office { world, builder, anna, dora, risk, .. } = &office;
    let other = comptroller_app::systems::RegisterSystem {
        slug: "hiring".parse().unwrap(),
        kind: comptroller_core::vocab::SystemKind::Own,
        status: comptroller_core::vocab::SystemStatus::Development,
        owner_team: "risk".into(),
        vendor: None,
        text: comptroller_core::private::SystemText {
            title: "Hiring".into(),
            purpose: "Ranks".into(),
            ..comptroller_core::private::SystemText::default()
        },
    };
    world.app.register_system(&Call::new(builder.clone()), other).await.unwrap();
    let to_dora = CreateDelegation { delegate: dora.principal.to_string(), ..leave() };
    let elsewhere = CreateDelegation { system: Some("hiring".into()), ..to_dora.clone() };
    office.delegate_with(anna, elsewhere).await.unwrap();
    let later = world.app.store().clock().now().plus_seconds(2 * DAY);
    let ahead =
        CreateDelegation { system: Some("scoring".into()), starts_at: Some(later), days: 1, ..to_dora };
    let ahead = office.delegate_with(anna, ahead).await.unwrap();
    assert_eq!(refused_by(office.vote_for(dora, anna.principal).await), ["vote-without-delegation"]);
    world.clock.pass(2 * DAY + 60);
    office.vote_for(dora, anna.principal).await.unwrap();

    // Neither the delegate nor a colleague ends it; the owner of the organisation may, as with roles.
    for other in [dora, risk] {
        assert_eq!(refused_by(office.end(other, ahead).await), ["no-permit"]);
    }
    office.end(&world.owner, ahead).await.unwrap();
    assert!(matches!(office.end(anna, ahead).await, Err(AppError::Conflict(_))));
    assert_eq!(office.causes().await[0].as_deref(), Some("the delegation that it was cast by was ended"));
}
