//! Policies in shadow: a proposal answers every live question too, and nothing comes of it.
//!
//! What it says stands beside the decision in the log, so that the counts can be made again from the log alone. Must
//! not change an answer, and must not make an act fail: what the shadow cannot decide is a difference like any other.
//! Costs one decision in memory, on the facts that were computed for the policies in force.

use crate::act::{Act, Call};
use crate::policies::Policies;
use crate::view::Receipt;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::ShadowDecision;
use comptroller_core::ids::{DecisionId, ProposalId};
use comptroller_core::vocab::{Outcome, ShadowEffect, ShadowEnd};
use comptroller_core::{Digest, Environment, Event, Slug, Timestamp};
use comptroller_policy::{Action, Bundle, Decision, Request};
use comptroller_store::areas::policies;
use comptroller_store::areas::shadows::{self, DifferenceRow};
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, Draft, Tx};
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;

/// Most rules of one answer that are recorded.
const MAX_RULES: usize = 64;
/// Most kinds of differences, about acts without a decision on record, that one time in shadow records.
const MAX_KINDS: i64 = 1_000;
/// Most differences that are shown at once.
const MAX_SHOWN: i64 = 200;

/// The proposal that answers too.
#[derive(Clone, Debug)]
pub(crate) struct Shadow {
    proposal: ProposalId,
    /// None if it cannot be used any more: then it decides nothing, which is a difference.
    bundle: Option<Arc<Bundle>>,
}

/// A live decision with what the shadow said to the same question.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) decision: Decision,
    pub(crate) shadow: Option<ShadowDecision>,
}

impl Deref for Judged {
    type Target = Decision;

    fn deref(&self) -> &Decision {
        &self.decision
    }
}

/// An answer that was another one, as long as no decision on record holds it.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    action: Action,
    resource: String,
    outcome: Outcome,
    rules: Vec<Slug>,
    shadow: ShadowDecision,
}

/// The differences of one act.
#[derive(Clone, Debug, Default)]
pub(crate) struct Differences(Arc<Mutex<Vec<Difference>>>);

impl Differences {
    /// A decision about `action` is recorded, and holds its difference.
    pub(crate) fn recorded(&self, action: &Slug) {
        self.lock().retain(|difference| difference.action.as_str() != action.as_str());
    }

    fn add(&self, difference: Difference) {
        self.lock().push(difference);
    }

    fn take(&self) -> Vec<Difference> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Difference>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Policies {
    /// What is in shadow now. Ask inside the transaction of the act that is decided about.
    pub(crate) async fn in_shadow(&self, conn: &mut Conn, key: &OrgKey) -> Result<Option<Shadow>, AppError> {
        let Some(row) = shadows::running(conn).await? else { return Ok(None) };
        let bundle = match self.bundle(conn, key, &row.bundle.0).await {
            Ok(bundle) => Some(bundle),
            Err(error) => {
                tracing::warn!(error = %error, proposal.id = %row.proposal.0, "the policies in shadow cannot be used");
                None
            }
        };
        Ok(Some(Shadow { proposal: row.proposal.0, bundle }))
    }
}

/// Decides by the policies in force, and has the shadow answer the same question.
pub(crate) fn judge(
    bundle: &Bundle,
    shadow: Option<&Shadow>,
    request: &Request,
    differences: &Differences,
) -> Judged {
    let decision = bundle.decide(request);
    let shadow = shadow.map(|shadow| shadow.answer(request, decision.outcome));
    if let Some(shadow) = &shadow
        && shadow.outcome.in_shadow_of(decision.outcome) != ShadowEffect::Same
    {
        differences.add(Difference {
            action: request.action,
            resource: request.resource.clone(),
            outcome: decision.outcome,
            rules: rules(&decision),
            shadow: shadow.clone(),
        });
    }
    Judged { decision, shadow }
}

impl Shadow {
    /// What it says to a question to which the answer is `live`.
    pub(crate) fn answer(&self, request: &Request, live: Outcome) -> ShadowDecision {
        let decision = self.bundle.as_ref().map(|bundle| bundle.decide(request));
        let outcome = decision.as_ref().map_or(Outcome::Unknown, |decision| decision.outcome);
        let rules = match &decision {
            Some(decision) if outcome != live => rules(decision),
            _ => Vec::new(),
        };
        ShadowDecision { proposal: self.proposal, outcome, rules }
    }
}

fn rules(decision: &Decision) -> Vec<Slug> {
    decision.rules.iter().take(MAX_RULES).map(|rule| rule.id.clone()).collect()
}

/// Records the differences of an act that no decision on record holds, each kind once.
pub(crate) async fn note(tx: &mut Tx, actor: &str, differences: &Differences) -> Result<(), AppError> {
    for Difference { action, resource, outcome, rules, shadow } in differences.take() {
        // It may have ended by this very act, or between the question and now.
        let Some(row) = shadows::running(tx.conn()).await? else { return Ok(()) };
        let action = action.slug();
        if row.proposal.0 != shadow.proposal
            || row.unrecorded >= MAX_KINDS
            || shadows::noted(tx.conn(), row.idx, &action, outcome, &shadow).await?
        {
            continue;
        }
        let proposal = shadow.proposal;
        let event = Event::PolicyShadowDiffered { action, resource, outcome, rules, shadow };
        tx.record(Draft::new(actor, event).about("proposal", &proposal)).await?;
    }
    Ok(())
}

/// Ends the shadow of a proposal, if it is in shadow.
pub(crate) async fn end(act: &mut Act<'_>, proposal: ProposalId, because: ShadowEnd) -> Result<(), AppError> {
    let running = shadows::running(act.conn()).await?;
    if running.is_some_and(|row| row.proposal.0 == proposal) {
        let draft = act.draft(Event::PolicyShadowEnded { proposal, because }).about("proposal", &proposal);
        act.record(draft).await?;
    }
    Ok(())
}

/// A time that a proposal was in shadow.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShadowView {
    /// The proposal.
    pub proposal: ProposalId,
    /// Its bundle.
    pub bundle: Digest,
    /// `running` or `ended`.
    pub state: String,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub ended_because: Option<ShadowEnd>,
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
    /// Differences about acts whose decision is not on record by itself, such as reading: each kind once.
    pub unrecorded: i64,
    /// The newest differences.
    pub differences: Vec<ShadowDifference>,
}

/// An answer in shadow that was another one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShadowDifference {
    /// The decision, if it is on record by itself.
    pub decision: Option<DecisionId>,
    /// The act.
    pub action: Slug,
    /// The thing acted on.
    pub resource: String,
    /// Where.
    pub environment: Option<Environment>,
    /// How the two compare.
    pub effect: ShadowEffect,
    /// What was decided.
    pub outcome: Outcome,
    /// By which rules.
    pub rules: Vec<Slug>,
    /// What the shadow said.
    pub shadow_outcome: Outcome,
    /// By which rules.
    pub shadow_rules: Vec<Slug>,
    /// When.
    pub differed_at: Timestamp,
    /// Index of the entry that holds it.
    pub ledger_index: u64,
}

impl App {
    /// Puts a proposal in shadow: from now on it answers every live question too.
    pub async fn start_shadow(&self, call: &Call, id: ProposalId) -> Result<Receipt, AppError> {
        self.act(call, "policy.shadow.start", id, |act, id| Box::pin(start(act, id))).await
    }

    /// Ends what is in shadow.
    pub async fn stop_shadow(&self, call: &Call) -> Result<Receipt, AppError> {
        self.act(call, "policy.shadow.stop", (), |mut act, ()| {
            Box::pin(async move {
                act.may(Action::PolicyPropose, ORG, None).await?;
                let running = shadows::running(act.conn()).await?;
                let running = running.ok_or_else(|| AppError::Conflict("nothing is in shadow".into()))?;
                let proposal = running.proposal.0;
                let event = Event::PolicyShadowEnded { proposal, because: ShadowEnd::Stopped };
                let draft = act.draft(event).about("proposal", &proposal);
                let index = act.record(draft).await?;
                Ok(Receipt::new(proposal, index))
            })
        })
        .await
    }

    /// What is or was last in shadow, with the newest `last` differences; of one proposal, or of any.
    pub async fn shadow(
        &self,
        caller: &Caller,
        proposal: Option<ProposalId>,
        last: i64,
    ) -> Result<ShadowView, AppError> {
        self.may_read(caller, Action::PolicyRead, ORG, None, None).await?;
        if !(0..=MAX_SHOWN).contains(&last) {
            return Err(AppError::invalid("last", format!("{last} is not 0 to {MAX_SHOWN}")));
        }
        let mut conn = self.store.read().await?;
        let name = proposal.map_or_else(String::new, |id| id.to_string());
        let row = shadows::last(&mut conn, &name).await?;
        let row = row.ok_or_else(|| {
            AppError::not_found("policy shadow", if name.is_empty() { "of any proposal" } else { &name })
        })?;
        let rows = shadows::differences(&mut conn, row.proposal.0, row.idx, last).await?;
        let state = if row.ended_at.is_none() { "running" } else { "ended" };
        Ok(ShadowView {
            proposal: row.proposal.0,
            bundle: row.bundle.0,
            state: state.to_owned(),
            started_by: row.started_by,
            started_at: row.started_at.0,
            ended_at: row.ended_at.map(|at| at.0),
            ended_because: row.ended_because.map(|because| because.0),
            decided: row.decided,
            same: row.same,
            stricter: row.stricter,
            looser: row.looser,
            errors: row.errors,
            unrecorded: row.unrecorded,
            differences: rows.into_iter().map(difference).collect::<Result<_, _>>()?,
        })
    }

    /// Notes differences outside of the act that they came from. They never disturb: what fails here is only logged.
    pub(crate) async fn note_differences(&self, caller: &Caller, differences: Differences) {
        if differences.lock().is_empty() || self.store.is_read_only() {
            return;
        }
        let actor = caller.actor();
        let noted =
            self.store.write(move |tx| Box::pin(async move { note(tx, &actor, &differences).await })).await;
        if let Err(error) = noted {
            tracing::warn!(error = %error, "a difference of the policies in shadow could not be recorded");
        }
    }
}

async fn start(mut act: Act<'_>, id: ProposalId) -> Result<Receipt, AppError> {
    act.may(Action::PolicyPropose, ORG, None).await?;
    let row = policies::proposal(act.conn(), id).await?;
    let row = row.ok_or_else(|| AppError::not_found("policy proposal", id))?;
    if row.refused || row.activated_at.is_some() {
        return Err(AppError::Conflict("this proposal was refused, or is in force already".into()));
    }
    if let Some(running) = shadows::running(act.conn()).await? {
        let message = format!("proposal {} is in shadow: stop it first", running.proposal.0);
        return Err(AppError::Conflict(message));
    }
    let (policies, store) = (Arc::clone(&act.policies), act.store.clone());
    policies.bundle(act.conn(), store.key(), &row.bundle.0).await?;
    let event = Event::PolicyShadowStarted { proposal: id, bundle: row.bundle.0 };
    let draft = act.draft(event).about("proposal", &id);
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

fn difference(row: DifferenceRow) -> Result<ShadowDifference, AppError> {
    Ok(ShadowDifference {
        decision: row.decision.map(|id| id.0),
        action: row.action.0,
        resource: row.resource,
        environment: row.environment.map(|environment| environment.0),
        effect: row.shadow_outcome.0.in_shadow_of(row.outcome.0),
        outcome: row.outcome.0,
        rules: serde_json::from_str(&row.rules)?,
        shadow_outcome: row.shadow_outcome.0,
        shadow_rules: serde_json::from_str(&row.shadow_rules)?,
        differed_at: row.differed_at.0,
        ledger_index: row.idx.unsigned_abs(),
    })
}
