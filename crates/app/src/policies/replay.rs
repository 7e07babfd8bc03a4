//! Recorded decisions, made again: by the bundle that made them, or by another one that is proposed.

use crate::policies::Policies;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{DecisionId, PrincipalId, ProposalId};
use comptroller_core::vocab::Outcome;
use comptroller_core::{Digest, Event, Slug, Timestamp};
use comptroller_policy::{Action, Decision, Request};
use comptroller_store::Conn;
use comptroller_store::areas::approvals::{self, DecisionRow};
use comptroller_store::areas::policies;
use comptroller_store::journal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most decisions of one run.
const MAX_REPLAYED: i64 = 10_000;

/// A recorded decision, made again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReplayedDecision {
    /// The decision.
    pub decision: DecisionId,
    /// When it was made.
    pub decided_at: Timestamp,
    /// Its index in the log.
    pub ledger_index: u64,
    /// The bundle that it was made again by.
    pub bundle: Digest,
    /// The outcome on record.
    pub recorded: Outcome,
    /// The rules on record.
    pub recorded_rules: Vec<Slug>,
    /// The outcome now.
    pub replayed: Outcome,
    /// The rules now.
    pub replayed_rules: Vec<Slug>,
    /// Whether outcome, rules and facts are the same.
    pub same: bool,
}

/// What a proposed bundle would have decided.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReplayedHistory {
    /// The bundle.
    pub bundle: Digest,
    /// How many recorded decisions were made again, newest first.
    pub replayed: u64,
    /// How many could not be asked of it, because their facts do not fit its schema.
    pub unfit: u64,
    /// Those that come out otherwise.
    pub flips: Vec<ReplayedDecision>,
}

struct Recorded {
    request: Request,
    outcome: Outcome,
    bundle: Digest,
    rules: Vec<Slug>,
    facts: std::collections::BTreeMap<String, serde_json::Value>,
}

impl App {
    /// Makes a recorded decision again, by the bundle that made it.
    pub async fn replay_decision(
        &self,
        caller: &Caller,
        id: DecisionId,
    ) -> Result<ReplayedDecision, AppError> {
        self.may_read(caller, Action::PolicyRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = approvals::decision(&mut conn, id).await?;
        let row = row.ok_or_else(|| AppError::not_found("decision", id))?;
        let recorded = recorded(&mut conn, &row).await?;
        let bundle = self.policies.bundle(&mut conn, self.store.key(), &recorded.bundle).await?;
        Ok(compared(&row, &recorded, &bundle.decide(&recorded.request)))
    }

    /// Makes the last recorded decisions again, by a proposed bundle.
    pub async fn replay_history(
        &self,
        caller: &Caller,
        proposal: ProposalId,
        last: i64,
    ) -> Result<ReplayedHistory, AppError> {
        self.may_read(caller, Action::PolicyRead, ORG, None, None).await?;
        if !(1..=MAX_REPLAYED).contains(&last) {
            return Err(AppError::invalid("last", format!("{last} is not 1 to {MAX_REPLAYED}")));
        }
        let mut conn = self.store.read().await?;
        let row = policies::proposal(&mut conn, proposal).await?;
        let row = row.ok_or_else(|| AppError::not_found("policy proposal", proposal))?;
        let policies: &Policies = &self.policies;
        let bundle = policies.bundle(&mut conn, self.store.key(), &row.bundle.0).await?;
        let mut history = ReplayedHistory { bundle: row.bundle.0, replayed: 0, unfit: 0, flips: Vec::new() };
        let mut before = i64::MAX;
        while i64::try_from(history.replayed).unwrap_or(i64::MAX) < last {
            let rows = approvals::decisions(&mut conn, "", before, 200).await?;
            let Some(oldest) = rows.last() else { break };
            before = oldest.idx;
            for row in rows {
                let recorded = recorded(&mut conn, &row).await?;
                let decision = bundle.decide(&recorded.request);
                history.replayed += 1;
                if decision.outcome == Outcome::Unknown && recorded.outcome != Outcome::Unknown {
                    history.unfit += 1;
                } else if decision.outcome != recorded.outcome {
                    history.flips.push(compared(&row, &recorded, &decision));
                }
            }
        }
        Ok(history)
    }
}

fn compared(row: &DecisionRow, recorded: &Recorded, decision: &Decision) -> ReplayedDecision {
    let rules: Vec<Slug> = decision.rules.iter().map(|rule| rule.id.clone()).collect();
    ReplayedDecision {
        decision: row.id.0,
        decided_at: row.decided_at.0,
        ledger_index: row.idx.unsigned_abs(),
        bundle: decision.bundle.clone(),
        recorded: recorded.outcome,
        recorded_rules: recorded.rules.clone(),
        replayed: decision.outcome,
        same: decision.outcome == recorded.outcome
            && rules == recorded.rules
            && decision.facts == recorded.facts
            && decision.bundle == recorded.bundle,
        replayed_rules: rules,
    }
}

/// A decision as the log has it: what was asked, and what came out.
async fn recorded(conn: &mut Conn, row: &DecisionRow) -> Result<Recorded, AppError> {
    let entry = journal::entries(conn, row.idx, row.idx + 1).await?;
    let entry = entry.first().ok_or_else(|| AppError::Internal(format!("entry {} is missing", row.idx)))?;
    let entry: serde_json::Value = serde_json::from_str(&entry.entry)?;
    let kind = entry.get("type").and_then(serde_json::Value::as_str).unwrap_or_default();
    let event = Event::from_parts(kind, entry.get("data").unwrap_or(&serde_json::Value::Null))?;
    let Event::DecisionRecorded { action, resource, environment, outcome, bundle, facts, rules, .. } = event
    else {
        return Err(AppError::Internal(format!("entry {} is not a decision", row.idx)));
    };
    let principal: PrincipalId = match row.actor.strip_prefix("principal/") {
        Some(id) => id.parse()?,
        None => PrincipalId::new(Timestamp::from_micros(0), [0; 10]),
    };
    let action: Action = action.as_str().parse()?;
    let request = Request::replay(principal, action, &resource, environment, &facts)
        .map_err(|error| AppError::Internal(format!("entry {}: {error}", row.idx)))?;
    Ok(Recorded { request, outcome, bundle, rules, facts })
}
