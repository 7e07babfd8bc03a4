//! Policies in shadow: since when, how their answers compare, and each answer that was another one.

use crate::StoreError;
use crate::areas::json;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::event::ShadowDecision;
use comptroller_core::ids::{DecisionId, ProposalId};
use comptroller_core::vocab::{Outcome, ShadowEffect, ShadowEnd};
use comptroller_core::{Digest, Environment, Event, Slug};

/// A time that a proposal was in shadow.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ShadowRow {
    /// Index of its start.
    pub idx: i64,
    /// The proposal.
    pub proposal: Text<ProposalId>,
    /// Its bundle.
    pub bundle: Text<Digest>,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// Why.
    pub ended_because: Option<Text<ShadowEnd>>,
    /// Decisions on record that it answered too.
    pub decided: i64,
    /// Those with the same outcome.
    pub same: i64,
    /// Those in which it would have let less happen.
    pub stricter: i64,
    /// Those in which it would have let more happen.
    pub looser: i64,
    /// Those that it could not decide.
    pub errors: i64,
    /// Differences about acts whose decision is not on record by itself, each kind once.
    pub unrecorded: i64,
}

/// An answer in shadow that was another one.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DifferenceRow {
    /// Index of the entry that holds it.
    pub idx: i64,
    /// The decision, if it is on record by itself.
    pub decision: Option<Text<DecisionId>>,
    /// The act.
    pub action: Text<Slug>,
    /// The thing acted on.
    pub resource: String,
    /// The environment, if the act has one.
    pub environment: Option<Text<Environment>>,
    /// What was decided.
    pub outcome: Text<Outcome>,
    /// By which rules, JSON.
    pub rules: String,
    /// What the shadow said.
    pub shadow_outcome: Text<Outcome>,
    /// By which rules, JSON.
    pub shadow_rules: String,
    /// When.
    pub differed_at: Micros,
}

/// A question that both answered.
pub(super) struct Asked<'e> {
    pub(super) decision: Option<DecisionId>,
    pub(super) action: &'e Slug,
    pub(super) resource: &'e str,
    pub(super) environment: Option<Environment>,
    pub(super) outcome: Outcome,
    pub(super) rules: &'e [Slug],
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        Event::PolicyShadowStarted { proposal, bundle } => {
            change!(
                changes,
                "INSERT INTO shadow (idx, proposal, bundle, started_by, started_at, ended_at, ended_because, decided, \
                 same, stricter, looser, errors, unrecorded) \
                 VALUES ($1, $2, $3, $4, $5, NULL, NULL, 0, 0, 0, 0, 0, 0)",
                at.idx,
                Text(proposal),
                Text(bundle),
                at.actor.as_str(),
                now
            );
        }
        Event::PolicyShadowEnded { proposal, because } => {
            change!(
                changes,
                "UPDATE shadow SET ended_at = $1, ended_because = $2 WHERE proposal = $3 AND ended_at IS NULL",
                now,
                Text(because),
                Text(proposal)
            );
        }
        Event::PolicyShadowDiffered { action, resource, outcome, rules, shadow } => {
            let asked =
                Asked { decision: None, action, resource, environment: None, outcome: *outcome, rules };
            differed(changes, at, &asked, shadow)?;
            change!(
                changes,
                "UPDATE shadow SET unrecorded = unrecorded + 1 WHERE proposal = $1 AND ended_at IS NULL",
                Text(shadow.proposal)
            );
        }
        _ => {}
    }
    Ok(())
}

/// Counts a decision that the shadow answered too.
pub(super) fn decided(
    changes: &mut Vec<Change>,
    at: &At,
    asked: &Asked<'_>,
    shadow: &ShadowDecision,
) -> Result<(), StoreError> {
    let effect = shadow.outcome.in_shadow_of(asked.outcome);
    let one = |is: ShadowEffect| i64::from(effect == is);
    change!(
        changes,
        "UPDATE shadow SET decided = decided + 1, same = same + $1, stricter = stricter + $2, looser = looser + $3, \
         errors = errors + $4 WHERE proposal = $5 AND ended_at IS NULL",
        one(ShadowEffect::Same),
        one(ShadowEffect::Stricter),
        one(ShadowEffect::Looser),
        one(ShadowEffect::Error),
        Text(shadow.proposal)
    );
    if effect == ShadowEffect::Same {
        return Ok(());
    }
    differed(changes, at, asked, shadow)
}

fn differed(
    changes: &mut Vec<Change>,
    at: &At,
    asked: &Asked<'_>,
    shadow: &ShadowDecision,
) -> Result<(), StoreError> {
    change!(
        changes,
        "INSERT INTO shadow_difference (idx, proposal, decision, action, resource, environment, outcome, rules, \
         shadow_outcome, shadow_rules, differed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        at.idx,
        Text(shadow.proposal),
        asked.decision.map(Text),
        Text(asked.action),
        asked.resource,
        asked.environment.map(Text),
        Text(asked.outcome),
        json(&asked.rules)?,
        Text(shadow.outcome),
        json(&shadow.rules)?,
        at.recorded_at.micros()
    );
    Ok(())
}

/// What is in shadow now.
pub async fn running(conn: &mut Conn) -> Result<Option<ShadowRow>, StoreError> {
    fetch_optional!(
        conn,
        ShadowRow,
        "SELECT idx, proposal, bundle, started_by, started_at, ended_at, ended_because, decided, same, stricter, \
         looser, errors, unrecorded FROM shadow WHERE ended_at IS NULL ORDER BY idx DESC LIMIT 1"
    )
}

/// The last time that `proposal` was in shadow, or that anything was when it is empty.
pub async fn last(conn: &mut Conn, proposal: &str) -> Result<Option<ShadowRow>, StoreError> {
    fetch_optional!(
        conn,
        ShadowRow,
        "SELECT idx, proposal, bundle, started_by, started_at, ended_at, ended_because, decided, same, stricter, \
         looser, errors, unrecorded FROM shadow WHERE ($1 = '' OR proposal = $1) ORDER BY idx DESC LIMIT 1",
        proposal
    )
}

/// The differences of `proposal` from entry `since` on, newest first.
pub async fn differences(
    conn: &mut Conn,
    proposal: ProposalId,
    since: i64,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    fetch_all!(
        conn,
        DifferenceRow,
        "SELECT idx, decision, action, resource, environment, outcome, rules, shadow_outcome, shadow_rules, \
         differed_at FROM shadow_difference WHERE proposal = $1 AND idx >= $2 ORDER BY idx DESC LIMIT $3",
        Text(proposal),
        since,
        limit
    )
}

/// Whether a difference of this kind, about an act without a decision on record, was noted since entry `since`.
pub async fn noted(
    conn: &mut Conn,
    since: i64,
    action: &Slug,
    outcome: Outcome,
    shadow: &ShadowDecision,
) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT idx FROM shadow_difference WHERE proposal = $1 AND idx >= $2 AND decision IS NULL AND action = $3 \
         AND outcome = $4 AND shadow_outcome = $5 AND shadow_rules = $6 LIMIT 1",
        Text(shadow.proposal),
        since,
        Text(action),
        Text(outcome),
        Text(shadow.outcome),
        json(&shadow.rules)?
    )?;
    Ok(row.is_some())
}
