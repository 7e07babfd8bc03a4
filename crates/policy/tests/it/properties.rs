//! What holds for every request, however odd.

use crate::cases::{HARD, REVIEW, SCHEMA, shipped_cases, somebody};
use comptroller_core::vocab::{Outcome, PrincipalKind};
use comptroller_core::{Environment, Role};
use comptroller_policy::cases::Cases;
use comptroller_policy::{Action, Bundle, Fact, Facts, Principal, Request};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::sync::LazyLock;

static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| Bundle::builtin().unwrap());
/// The shipped rules and some with every form of head, two of which error.
static ODD: LazyLock<Bundle> = LazyLock::new(|| {
    let heads = [
        "principal, action, resource",
        "principal is Person, action, resource",
        "principal is ServiceAccount in Role::\"ci\", action, resource",
        "principal in Role::\"owner\", action == Action::\"system.read\", resource",
        "principal == Person::\"x\", action in [Action::\"deploy\", Action::\"team.read\"], resource",
        "principal == ServiceAccount::\"x\", action, resource",
        "principal, action, resource == Resource::\"system/1\"",
    ];
    let mut rules = String::from(HARD);
    for (n, head) in heads.iter().enumerate() {
        for (effect, roles) in [("permit", "@roles(\"ci\")"), ("forbid", "")] {
            let named =
                format!("@id(\"odd-{effect}-{n}\") @reason(\"r\") @remedy(\"m\") @control(\"C\") {roles}");
            rules += &format!("{named}\n{effect} ({head}) when {{ context has credential_environment }};\n");
        }
    }
    let sum = "context.approvals_valid + context.approvals_valid > 9223372036854775806";
    for (n, head) in ["principal", "principal is ServiceAccount"].iter().enumerate() {
        let named = format!("@id(\"sum-{n}\") @reason(\"r\") @remedy(\"m\") @control(\"C\")");
        let action = "action in [Action::\"deploy\", Action::\"gate.check\"]";
        rules += &format!("{named}\nforbid ({head}, {action}, resource) when {{ {sum} }};\n");
    }
    Bundle::parse(SCHEMA, &rules, REVIEW).unwrap()
});
static CASES: LazyLock<Cases> = LazyLock::new(shipped_cases);

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        select(vec![i64::MIN, -1, 0, 1, 2, 3, i64::MAX]).prop_map(Fact::Long),
        any::<i64>().prop_map(Fact::Long),
        any::<bool>().prop_map(Fact::Bool),
        ".{0,8}".prop_map(Fact::Text),
        proptest::collection::vec("[a-z]{0,3}", 0..3).prop_map(Fact::Set),
    ]
}

/// A fact of the type that the schema wants, so that most requests get as far as the rules.
fn like(fact: &Fact) -> BoxedStrategy<Fact> {
    match fact {
        Fact::Long(_) => select(vec![i64::MIN, -1, 0, 1, 2, 3, i64::MAX]).prop_map(Fact::Long).boxed(),
        Fact::Bool(_) => any::<bool>().prop_map(Fact::Bool).boxed(),
        Fact::Text(_) => select(vec!["owner", "approver", "ci", "Owner", "x"])
            .prop_map(|t| Fact::Text(t.to_owned()))
            .boxed(),
        Fact::Set(members) => Just(Fact::Set(members.clone())).boxed(),
    }
}

fn facts(action: Action) -> impl Strategy<Value = Facts> {
    let mut strategies = Vec::new();
    for (name, of_baseline) in CASES.baseline(action).facts.iter() {
        let name = name.to_owned();
        // Now and then absent or of a wrong type.
        let value = prop_oneof![
            88 => Just(Some(of_baseline.clone())),
            10 => like(of_baseline).prop_map(Some),
            1 => fact().prop_map(Some),
            1 => Just(None),
        ];
        strategies.push(value.prop_map(move |value| value.map(|value| (name.clone(), value))));
    }
    let extra = proptest::option::weighted(0.03, ("[a-z_]{1,6}", fact()));
    (strategies, extra).prop_map(|(known, extra)| {
        let mut facts = Facts::new();
        for (name, value) in known.into_iter().flatten().chain(extra) {
            facts = facts.with(&name, value);
        }
        facts
    })
}

fn environment() -> impl Strategy<Value = Option<Environment>> {
    proptest::option::weighted(0.9, select(Environment::ALL))
}

fn request_for(action: Action) -> BoxedStrategy<Request> {
    let kind = select(PrincipalKind::ALL);
    let roles = subsequence(Role::ALL, 0..=Role::ALL.len());
    let credential = proptest::option::of(select(Environment::ALL));
    (kind, roles, credential, environment(), facts(action))
        .prop_map(move |(kind, roles, credential_environment, environment, facts)| Request {
            principal: Principal {
                id: somebody(),
                kind,
                roles: roles.into_iter().collect(),
                credential_environment,
            },
            action,
            resource: "system/1".to_owned(),
            environment,
            facts,
        })
        .boxed()
}

fn request() -> impl Strategy<Value = Request> {
    select(Action::ALL).prop_flat_map(request_for)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// INVARIANT (deny-on-error)
    #[test]
    fn an_error_is_never_an_allow_and_an_allow_has_no_reason_against_it(request in request()) {
        let decision = BUNDLE.decide(&request);
        prop_assert_eq!(decision.outcome == Outcome::Unknown, !decision.errors.is_empty());
        match decision.outcome {
            Outcome::Allow => {
                prop_assert!(decision.rules.is_empty());
                prop_assert!(!decision.permits.is_empty());
            }
            Outcome::NeedsReview | Outcome::Deny => prop_assert!(!decision.rules.is_empty()),
            Outcome::Unknown => {}
        }
        prop_assert_eq!(&decision, &BUNDLE.decide(&request));
    }

    /// The index leaves out only rules that could neither match nor error.
    #[test]
    fn the_index_answers_as_every_rule_together_does(request in request()) {
        prop_assert_eq!(BUNDLE.decide(&request), BUNDLE.decide_by_scan(&request));
        prop_assert_eq!(ODD.decide(&request), ODD.decide_by_scan(&request));
    }

    /// INVARIANT (separation-of-duties)
    #[test]
    fn an_owner_or_administrator_never_votes(
        mut request in request_for(Action::ApprovalVote),
        role in select(vec![Role::Owner, Role::Admin]),
    ) {
        request.principal.roles.insert(role);
        let outcome = BUNDLE.decide(&request).outcome;
        prop_assert!(matches!(outcome, Outcome::Deny | Outcome::Unknown));
    }

    /// INVARIANT (separation-of-duties)
    #[test]
    fn a_program_a_builder_and_a_requester_never_vote(
        mut request in request_for(Action::ApprovalVote),
        which in 0..3,
    ) {
        match which {
            0 => request.principal.kind = PrincipalKind::ServiceAccount,
            1 => request.facts = request.facts.bool("voter_is_builder", true),
            _ => request.facts = request.facts.bool("voter_is_requester", true),
        }
        let outcome = BUNDLE.decide(&request).outcome;
        prop_assert!(matches!(outcome, Outcome::Deny | Outcome::Unknown));
    }

    /// INVARIANT (own-credentials)
    #[test]
    fn who_has_to_show_a_second_factor_does_not_act_on_production_without_it(
        mut request in select(vec![Action::ApprovalVote, Action::EmergencyConfirm]).prop_flat_map(request_for),
    ) {
        request.environment = Some(Environment::Production);
        request.facts = request.facts.bool("step_up_required", true).bool("stepped_up", false);
        prop_assert_ne!(BUNDLE.decide(&request).outcome, Outcome::Allow);
    }

    /// INVARIANT (separation-of-duties): a delegation takes no limit away, of the delegate or of the delegator.
    #[test]
    fn nobody_votes_for_a_person_who_had_a_part_in_it(
        mut request in request_for(Action::ApprovalVote),
        which in select(vec!["delegator_is_builder", "delegator_is_requester", "delegator_administers"]),
    ) {
        request.facts = request.facts.bool("by_delegation", true).bool(which, true);
        prop_assert_ne!(BUNDLE.decide(&request).outcome, Outcome::Allow);
    }

    /// INVARIANT (separation-of-duties): production takes two valid approvals, whatever the request says it needs.
    #[test]
    fn nothing_reaches_production_with_fewer_than_two_approvals(
        mut request in request_for(Action::Deploy),
        valid in i64::MIN..2,
    ) {
        request.environment = Some(Environment::Production);
        request.facts = request.facts.long("approvals_valid", valid);
        prop_assert_ne!(BUNDLE.decide(&request).outcome, Outcome::Allow);
    }

    /// INVARIANT (environment-segregation)
    #[test]
    fn no_credential_acts_outside_its_environment(request in request()) {
        let outcome = BUNDLE.decide(&request).outcome;
        if let (Some(credential), Some(place)) = (request.principal.credential_environment, request.environment)
            && credential != place
        {
            prop_assert!(matches!(outcome, Outcome::Deny | Outcome::Unknown));
        }
    }

    /// INVARIANT (as-of)
    #[test]
    fn every_decided_request_is_repeated_from_its_record(request in request()) {
        let decision = BUNDLE.decide(&request);
        prop_assume!(decision.outcome != Outcome::Unknown);
        let replayed = Request::replay(
            request.principal.id,
            request.action,
            &request.resource,
            request.environment,
            &decision.facts,
        );
        let replayed = replayed.unwrap();
        prop_assert_eq!(BUNDLE.decide(&replayed), decision);
    }

    #[test]
    fn nobody_gives_a_role_to_themself(mut request in request_for(Action::RoleGrant)) {
        request.facts = request.facts.bool("target_is_self", true);
        prop_assert_ne!(BUNDLE.decide(&request).outcome, Outcome::Allow);
    }
}

/// The properties above would be empty if random requests were hardly ever allowed.
#[test]
fn random_requests_reach_every_outcome() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    let gates = select(vec![Action::Deploy, Action::GateCheck]).prop_flat_map(request_for).boxed();
    for _ in 0..6_000 {
        for request in [request().boxed(), gates.clone()] {
            let request = request.new_tree(&mut runner).unwrap().current();
            *seen.entry(BUNDLE.decide(&request).outcome).or_insert(0_u32) += 1;
        }
    }
    for outcome in Outcome::ALL {
        assert!(seen.get(outcome).is_some_and(|&n| n >= 10), "{outcome}: {seen:?}");
    }
}
