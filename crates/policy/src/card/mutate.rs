//! Damages every card in every small way and asks whether its own cases notice.
//!
//! A rule whose damage nobody notices is not tested, however many cases it has.

use super::read::{Card, CardFile, Occasion};
use super::requirement::{Requirement, Threshold};
use super::test::cases;
use crate::bundle::Bundle;
use crate::cases::CaseResult;
use crate::error::BundleError;
use crate::package::Package;
use comptroller_core::vocab::{Environment, RiskTier};

/// Tries every damage of every card; a damage that no case of its card notices is a failure.
///
/// # Errors
/// [`BundleError`] if the package is not a usable bundle.
pub fn survivors(package: &Package) -> Result<Vec<CaseResult>, BundleError> {
    let bundle = Bundle::of(package)?;
    let mut results = Vec::new();
    for (file, pack, text) in package.cards() {
        for (id, card) in &CardFile::read(file, text)?.rule {
            for (change, mutant) in mutants(card) {
                // The cases are those of the card as written; only the rule is damaged.
                let noticed = cases(card).iter().any(|case| !case.holds(&bundle, pack, id, &mutant));
                let unnoticed = "no case notices: add one at the edge of the rule";
                results.push(CaseResult {
                    rule: Some(id.clone()),
                    name: format!("a case notices that {change}"),
                    failure: (!noticed).then(|| unnoticed.to_owned()),
                });
            }
        }
    }
    Ok(results)
}

/// Every small damage of a card, with what was changed.
fn mutants(card: &Card) -> Vec<(String, Card)> {
    let mut mutants = Vec::new();
    let mut add = |change: String, damage: &dyn Fn(&mut Card)| {
        let mut mutant = card.clone();
        damage(&mut mutant);
        mutants.push((change, mutant));
    };
    for (at, requirement) in card.require.iter().enumerate() {
        if card.require.len() > 1 {
            add(format!("requirement {} is dropped", at + 1), &|card| {
                card.require.remove(at);
            });
        }
        for (change, damaged) in damaged(requirement) {
            add(format!("requirement {}: {change}", at + 1), &|card| card.require[at] = damaged.clone());
        }
    }
    if let Some(tier) = card.tier {
        add("it applies to every tier".into(), &|card| card.tier = None);
        let others = [RiskTier::Limited, RiskTier::High, RiskTier::Prohibited];
        for other in others.into_iter().filter(|other| *other != tier) {
            add(format!("it applies from tier {other} on"), &|card| card.tier = Some(other));
        }
    } else {
        add("it applies from tier limited on".into(), &|card| card.tier = Some(RiskTier::Limited));
    }
    if !card.environment.is_empty() && card.environment.len() < Environment::ALL.len() {
        add("it applies in every environment".into(), &|card| card.environment.clear());
    }
    for (at, occasion) in card.on.iter().enumerate() {
        if card.on.len() > 1 {
            let name = if *occasion == Occasion::Promotion { "promotion" } else { "operation" };
            add(format!("it is not asked on {name}"), &|card| {
                card.on.remove(at);
            });
        }
    }
    add(format!("waivable = {}", !card.waivable), &|card| card.waivable = !card.waivable);
    mutants
}

/// Every small damage of a requirement.
fn damaged(requirement: &Requirement) -> Vec<(String, Requirement)> {
    let mut damaged = Vec::new();
    match requirement {
        Requirement::Evidence { evidence, max_age_days } => {
            for days in [max_age_days - 1, max_age_days + 1] {
                let other = Requirement::Evidence { evidence: *evidence, max_age_days: days };
                damaged.push((format!("max_age_days = {days}"), other));
            }
        }
        Requirement::Measure { measure, at_least, at_most } => {
            let moved = |bound: &Option<Threshold>, by: i64| bound.map(|b| Threshold { ppm: b.ppm + by });
            for by in [-1, 1] {
                let other = Requirement::Measure {
                    measure: *measure,
                    at_least: moved(at_least, by),
                    at_most: moved(at_most, by),
                };
                damaged.push((format!("its threshold moves by {by} millionth"), other));
            }
        }
        Requirement::Flag { fact, is } => {
            damaged.push((format!("is = {}", !is), Requirement::Flag { fact: fact.clone(), is: !is }));
        }
        Requirement::Count { fact, at_most } => {
            for most in [at_most - 1, at_most + 1] {
                let other = Requirement::Count { fact: fact.clone(), at_most: most };
                damaged.push((format!("at_most = {most}"), other));
            }
        }
        Requirement::Heartbeat { heartbeat_hours } => {
            for hours in [heartbeat_hours - 1, heartbeat_hours + 1] {
                let other = Requirement::Heartbeat { heartbeat_hours: hours };
                damaged.push((format!("heartbeat_hours = {hours}"), other));
            }
        }
        Requirement::Approvals { approvals } => {
            for (at, group) in approvals.iter().enumerate() {
                for count in [group.count.saturating_sub(1), group.count + 1] {
                    let mut groups = approvals.clone();
                    groups[at].count = count;
                    let other = Requirement::Approvals { approvals: groups };
                    damaged.push((format!("{count} people in group {}", at + 1), other));
                }
            }
        }
    }
    damaged
}
