//! Which role may do which act, as a table that a person can read and a change shows up in.

use crate::cases::shipped_cases;
use comptroller_core::vocab::{Outcome, PrincipalKind};
use comptroller_core::{Environment, Role};
use comptroller_policy::cases::Cases;
use comptroller_policy::{Action, Bundle, Effect};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The outcome for a principal with one role, with evidence that is in order.
fn outcome(
    bundle: &Bundle,
    cases: &Cases,
    action: Action,
    place: Option<Environment>,
    role: Role,
) -> Outcome {
    let mut request = cases.baseline(action);
    request.environment = place.or(request.environment);
    request.principal.credential_environment = None;
    request.principal.roles = BTreeSet::from([role]);
    request.principal.kind = match role {
        Role::Ci => PrincipalKind::ServiceAccount,
        _ if matches!(action, Action::RuntimeReport | Action::PredictionRecord) => {
            PrincipalKind::ServiceAccount
        }
        _ => PrincipalKind::Person,
    };
    bundle.decide(&request).outcome
}

/// The rows: an act, and the environment where it makes a difference.
fn rows() -> Vec<(Action, Option<Environment>)> {
    let mut rows = Vec::new();
    for action in Action::ALL {
        if matches!(action, Action::Deploy | Action::Rollback | Action::Drill) {
            rows.extend(Environment::ALL.iter().map(|place| (*action, Some(*place))));
        } else {
            rows.push((*action, None));
        }
    }
    rows
}

#[test]
fn who_may_do_what() {
    let bundle = Bundle::builtin().unwrap();
    let cases = shipped_cases();
    let mut table = format!("{:22}", "");
    for role in Role::ALL {
        write!(table, " {:12}", role.as_str()).unwrap();
    }
    for (action, place) in rows() {
        let name = place.map_or_else(|| action.to_string(), |place| format!("{action} {place}"));
        write!(table, "\n{name:22}").unwrap();
        for role in Role::ALL {
            let word = match outcome(&bundle, &cases, action, place, *role) {
                Outcome::Allow => "yes",
                Outcome::Deny => ".",
                other => other.as_str(),
            };
            write!(table, " {word:12}").unwrap();
        }
    }
    let table: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn the_roles_that_a_permit_names_are_those_that_it_lets_through() {
    let bundle = Bundle::builtin().unwrap();
    let cases = shipped_cases();
    for action in Action::ALL {
        for role in Role::ALL {
            let named = bundle
                .rules()
                .filter(|rule| {
                    rule.effect == Effect::Permit && rule.actions.iter().any(|a| a == action.as_str())
                })
                .any(|rule| rule.roles.contains(role));
            let somewhere = Environment::ALL.iter().any(|place| {
                let place = cases.baseline(*action).environment.map(|_| *place);
                outcome(&bundle, &cases, *action, place, *role) == Outcome::Allow
            });
            assert_eq!(named, somewhere, "{action} {role}");
        }
    }
}

#[test]
fn an_auditor_changes_nothing_and_reads_everything() {
    let bundle = Bundle::builtin().unwrap();
    let cases = shipped_cases();
    let harmless = [
        Action::GateCheck,
        Action::EvidenceExport,
        Action::DoctorRun,
        Action::TokenIssueOwn,
        Action::Operate,
        // Of one's own.
        Action::DelegationEnd,
        Action::FactorEnrol,
        Action::FactorRemove,
        // Asking changes nothing that is asked about.
        Action::AuditAsk,
    ];
    for (action, place) in rows() {
        let reads = action.as_str().rsplit('.').next() == Some("read") || harmless.contains(&action);
        let outcome = outcome(&bundle, &cases, action, place, Role::Auditor);
        assert_eq!(outcome == Outcome::Allow, reads, "{action}");
    }
}

/// The outcome for an auditor from outside, as their engagement stands; `also` are other roles they hold.
fn engaged(bundle: &Bundle, cases: &Cases, action: Action, engagement: &str, also: &[Role]) -> Outcome {
    let mut request = cases.baseline(action);
    request.principal.credential_environment = None;
    request.principal.kind = PrincipalKind::Person;
    request.principal.roles = also.iter().copied().chain([Role::Auditor]).collect();
    request.facts = request.facts.text("engagement", engagement);
    bundle.decide(&request).outcome
}

#[test]
fn an_auditor_from_outside_reads_within_the_engagement_and_does_nothing_else() {
    let bundle = Bundle::builtin().unwrap();
    let cases = shipped_cases();
    let everything: Vec<Role> = Role::ALL.to_vec();
    let mut table = format!("{:22} open  open, every role  elsewhere  over", "");
    for action in Action::ALL {
        let word = |outcome| if outcome == Outcome::Allow { "yes" } else { "." };
        let within = engaged(&bundle, &cases, *action, "open", &[]);
        let with_roles = engaged(&bundle, &cases, *action, "open", &everything);
        let elsewhere = engaged(&bundle, &cases, *action, "elsewhere", &everything);
        let over = engaged(&bundle, &cases, *action, "over", &[]);
        assert_ne!(elsewhere, Outcome::Allow, "{action}");
        assert_ne!(over, Outcome::Allow, "{action}");
        write!(
            table,
            "\n{:22} {:5} {:16}  {:9}  {}",
            action.as_str(),
            word(within),
            word(with_roles),
            word(elsewhere),
            word(over)
        )
        .unwrap();
    }
    let table: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(table.join("\n"));
}
