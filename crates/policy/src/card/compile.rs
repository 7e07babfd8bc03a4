//! From cards to Cedar.

use super::read::{Card, CardFile};
use super::requirement::{Group, Requirement};
use crate::rule::RuleSet;
use comptroller_core::vocab::RiskTier;
use std::fmt::Write as _;

/// Writes the cards of one set as Cedar policies, in the order of their names.
pub(crate) fn compile(pack: &str, cards: &CardFile, set: RuleSet) -> String {
    let mut text = String::new();
    for (id, card) in cards.rule.iter().filter(|(_, card)| card.set == set) {
        text.push_str(&policy(pack, id, card));
    }
    text
}

/// One card as one policy: it forbids where the card applies and not everything that it requires holds.
pub(super) fn policy(pack: &str, id: &str, card: &Card) -> String {
    let mut text = String::new();
    let control = card.control.join(", ");
    let mut annotate = |name: &str, value: &str| {
        let _ = writeln!(text, "@{name}({})", quoted(value));
    };
    annotate("id", id);
    annotate("pack", pack);
    annotate("reason", &card.reason);
    annotate("remedy", &card.remedy);
    annotate("control", &control);
    annotate("does_not_prove", &card.does_not_prove);
    annotate("lapse", card.lapse.as_str());
    if card.waivable {
        annotate("waivable", "yes");
    }
    for requirement in &card.require {
        if let Requirement::Approvals { approvals } = requirement {
            annotate("approvals", &plan(approvals));
        }
    }
    if let Some(silence) = card.silence {
        annotate("silence", &format!("{}, {}", silence.remind_hours, silence.escalate_hours));
    }
    let acts: Vec<String> =
        card.on.iter().flat_map(|occasion| occasion.acts()).map(|act| format!("Action::\"{act}\"")).collect();
    let mut scope = Vec::new();
    if !card.environment.is_empty() {
        let names: Vec<String> = card.environment.iter().map(|e| format!("Environment::\"{e}\"")).collect();
        scope.push(format!("context.environment in [{}]", names.join(", ")));
    }
    if let Some(tier) = card.tier {
        // A system that nobody has classified is not thereby outside the rule.
        scope.push(format!("!(context has risk_tier && context.risk_tier < {})", rank(tier)));
    }
    let holds: Vec<String> = card.require.iter().map(|r| format!("({})", r.condition(id))).collect();
    scope.push(format!("!({})", holds.join(" && ")));
    let _ = writeln!(text, "forbid (principal, action in [{}], resource)", acts.join(", "));
    let _ = write!(text, "when {{ {} }}", scope.join(" && "));
    if card.waivable {
        let _ = write!(text, "\nunless {{ context.waived.contains(\"{id}\") }}");
    }
    text.push_str(";\n\n");
    text
}

/// The number of a tier in facts: its place in the vocabulary.
pub fn rank(tier: RiskTier) -> i64 {
    match tier {
        RiskTier::Minimal => 0,
        RiskTier::Limited => 1,
        RiskTier::High => 2,
        RiskTier::Prohibited => 3,
    }
}

/// The groups as the annotation says them: `2 of approver|risk-officer, 1 of risk-officer`.
fn plan(groups: &[Group]) -> String {
    let group = |group: &Group| {
        let roles: Vec<&str> = group.roles.iter().map(|role| role.as_str()).collect();
        format!("{} of {}", group.count, roles.join("|"))
    };
    groups.iter().map(group).collect::<Vec<String>>().join(", ")
}

/// A Cedar string: quotes, backslashes and control characters escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
