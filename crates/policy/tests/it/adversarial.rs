//! Classes of attack that public assessments of policy languages name: the threat model by Trail of Bits (2024) and the
//! dynamic benchmark SPEF by Doyensec for Teleport (2025). One test for each class; where another file has the whole
//! of it, the comment names it.

use crate::cases::{HARD, REVIEW, SCHEMA, shipped_cases};
use comptroller_core::vocab::Outcome;
use comptroller_core::{Environment, Role};
use comptroller_policy::{Action, Bundle, Decision, Fact, Facts, Request};

const NAMED: &str = r#"@reason("r") @remedy("m") @control("CTL-X-01")"#;

/// The shipped bundle with one hard rule more.
fn with(body: &str) -> Result<Bundle, String> {
    let hard = format!("{HARD}\n@id(\"probe\") {NAMED} {body}");
    Bundle::parse(SCHEMA, &hard, REVIEW).map_err(|error| error.to_string())
}

fn deploy() -> Request {
    shipped_cases().baseline(Action::Deploy).clone()
}

fn fired(decision: &Decision) -> Vec<&str> {
    decision.rules.iter().map(|rule| rule.id.as_str()).collect()
}

/// Default deny: no rule, no permission, for every act. See also `bundle.rs`.
#[test]
fn nothing_is_allowed_by_silence() {
    let empty = Bundle::parse(SCHEMA, "", "").unwrap();
    for request in shipped_cases().baselines() {
        assert_eq!(empty.decide(request).outcome, Outcome::Deny, "{}", request.action);
    }
}

/// Rule order and conflicting rules: a forbid wins wherever it stands, and the answer names the same rules.
#[test]
fn a_forbid_wins_whatever_the_order_of_the_rules() {
    let named = |id: &str, body: &str| format!("@id(\"{id}\") {NAMED} {body}\n");
    let permit = named(
        "may",
        r#"@roles("deployer") permit (principal in Role::"deployer", action == Action::"deploy", resource);"#,
    );
    let one = named(
        "no-one",
        r#"forbid (principal, action == Action::"deploy", resource) when { !context.system_retired };"#,
    );
    let two = named(
        "no-two",
        r#"forbid (principal, action == Action::"deploy", resource) when { context.artifacts_stored };"#,
    );
    let mut answers = Vec::new();
    for order in [[&permit, &one, &two], [&two, &permit, &one], [&one, &two, &permit]] {
        let text: String = order.into_iter().map(String::as_str).collect();
        let decision = Bundle::parse(SCHEMA, &text, "").unwrap().decide(&deploy());
        assert_eq!(decision.outcome, Outcome::Deny);
        let mut rules: Vec<String> = fired(&decision).into_iter().map(str::to_owned).collect();
        rules.sort();
        answers.push(rules);
    }
    answers.dedup();
    assert_eq!(answers, [["no-one", "no-two"]]);
}

/// Non-determinism: the same question, asked again and by a bundle read again, has the same answer to the byte.
#[test]
fn the_same_question_has_the_same_answer() {
    let first = Bundle::builtin().unwrap();
    for request in shipped_cases().baselines() {
        let answer = first.decide(request);
        assert_eq!(answer, first.decide(request));
        assert_eq!(answer, Bundle::builtin().unwrap().decide(request));
    }
}

/// Undefined values under negation: `not (fact is good)` must not turn true, or false, because the fact is absent.
#[test]
fn an_absent_fact_is_refused_when_the_rule_is_read_or_denies_when_it_is_asked() {
    for body in ["!(context.auc_ppm >= 800000)", "context.auc_ppm < 800000"] {
        let error =
            with(&format!("forbid (principal, action == Action::\"deploy\", resource) when {{ {body} }};"));
        assert!(error.unwrap_err().contains("auc_ppm"), "{body}");
    }
    let guarded = "forbid (principal, action == Action::\"deploy\", resource)\n\
                   when { !(context has auc_ppm && context.auc_ppm >= 800000) };";
    let bundle = with(guarded).unwrap();
    assert_eq!(fired(&bundle.decide(&deploy())), ["probe"], "absent is not good enough");
    let good = Request { facts: deploy().facts.long("auc_ppm", 800_000), ..deploy() };
    assert_eq!(bundle.decide(&good).outcome, Outcome::Allow);
}

/// Errors at run time, arithmetic at its ends: never an allow. `decisions.rs` and `contexts.rs` have the rest.
#[test]
fn an_error_is_never_an_allow() {
    for sum in [
        "context.approvals_valid * 3 < 0",
        "context.approvals_valid + 9223372036854775807 < 0",
        "-context.approvals_valid - 2 > 0",
    ] {
        let bundle =
            with(&format!("forbid (principal, action == Action::\"deploy\", resource) when {{ {sum} }};"))
                .unwrap();
        for extreme in [i64::MAX, i64::MIN, i64::MIN + 1] {
            let facts = deploy().facts.long("approvals_valid", extreme);
            let decision = bundle.decide(&Request { facts, ..deploy() });
            let erred = decision.outcome == Outcome::Unknown && !decision.errors.is_empty();
            assert!(
                erred || decision.outcome != Outcome::Allow,
                "{sum} of {extreme}: {:?}",
                decision.outcome
            );
        }
    }
}

/// Type confusion: a word, a truth value or a list where a number is due is an unknown outcome that names the fact.
#[test]
fn a_fact_of_another_type_is_not_read_as_something_else() {
    let bundle = Bundle::builtin().unwrap();
    let wrong = [Fact::Bool(true), Fact::Text("2".into()), Fact::Set(vec!["2".into()])];
    for fact in wrong {
        let facts = deploy().facts.with("approvals_valid", fact.clone());
        let decision = bundle.decide(&Request { facts, ..deploy() });
        assert_eq!(decision.outcome, Outcome::Unknown, "{fact:?}");
        assert!(decision.errors[0].contains("approvals_valid"), "{:?}", decision.errors);
    }
}

/// Injection: what callers send is data. No name becomes a rule, an entity or a role, and spelling is exact.
#[test]
fn text_of_a_caller_is_never_read_as_policy() {
    let bundle = Bundle::builtin().unwrap();
    let hostile = [
        "version/\"} when { true }; permit (principal, action, resource); //",
        "Role::\"owner\"",
        "version/\u{202e}1",
    ];
    for resource in hostile {
        let plain = bundle.decide(&deploy());
        let decision = bundle.decide(&Request { resource: resource.to_owned(), ..deploy() });
        assert!(decision.outcome == plain.outcome || decision.outcome == Outcome::Unknown, "{resource:?}");
        assert!(decision.outcome == Outcome::Unknown || fired(&decision) == fired(&plain));
    }
    let mut stranger = deploy();
    stranger.principal.roles.clear();
    assert_eq!(bundle.decide(&stranger).outcome, Outcome::Deny);
    for name in [
        "Role",
        "roles",
        "principal",
        "environment",
        "Approvals_valid",
        "approvals_valid ",
        "аpprovals_valid",
    ] {
        let facts = stranger.facts.clone().with(name, Fact::Text("owner".into()));
        let decision = bundle.decide(&Request { facts, ..stranger.clone() });
        assert_ne!(decision.outcome, Outcome::Allow, "{name}");
    }
    assert!("Deployer".parse::<Role>().is_err() && "deployer ".parse::<Role>().is_err());
    assert!("Production".parse::<Environment>().is_err());
}

/// Patterns and wildcards, network, clock, files: what can hang, leak or differ from one moment to the next is not in
/// the language, or a request does not bring it.
#[test]
fn a_rule_reaches_nothing_outside_its_request() {
    for body in [
        "http(\"http://169.254.169.254/\") == \"\"",
        "now() > 0",
        "principal.secret == \"\"",
        "resource.owner == principal",
        "context.environment like \"prod*\"",
        "context.environment == Environment::\"Production\"",
    ] {
        let rule = format!("forbid (principal, action == Action::\"deploy\", resource) when {{ {body} }};");
        assert!(with(&rule).is_err(), "{body}");
    }
}

/// Resources: a request of any size is answered or refused with a reason. Texts of bundles: `bundle.rs`.
#[test]
fn a_request_beyond_its_bounds_is_unknown_and_not_slow() {
    let bundle = Bundle::builtin().unwrap();
    let many = (0..10_000).fold(Facts::new(), |facts, n| facts.long(&format!("f{n}"), n));
    let long = deploy().facts.text("word", &"x".repeat(1 << 20));
    let members: Vec<String> = (0..10_000).map(|n| format!("rule-{n}")).collect();
    let wide = deploy().facts.with("waived", Fact::Set(members));
    for facts in [many, long, wide] {
        let decision = bundle.decide(&Request { facts, ..deploy() });
        assert_eq!(decision.outcome, Outcome::Unknown);
        assert!(
            decision.errors.iter().all(|error| error.len() < 1_000),
            "an error does not repeat what was sent"
        );
    }
    let decision = bundle.decide(&Request { resource: "x".repeat(1 << 20), ..deploy() });
    assert_eq!(decision.outcome, Outcome::Unknown);
}

/// Shadowing: two rules of one name are refused, since the second would hide what the first says.
#[test]
fn a_name_stands_once() {
    let twice = format!("{HARD}\n@id(\"probe\") {NAMED} forbid (principal, action, resource);")
        + &format!("\n@id(\"probe\") {NAMED} forbid (principal, action == Action::\"deploy\", resource);");
    assert!(Bundle::parse(SCHEMA, &twice, REVIEW).unwrap_err().to_string().contains("probe"));
}
