//! Recorded decisions, approval requests and votes.

use crate::StoreError;
use crate::areas::json;
use crate::areas::shadows::{self, Asked};
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{ApprovalId, DecisionId, DelegationId, ModelId, PrincipalId, VersionId};
use comptroller_core::vocab::{Outcome, RiskTier, Vote};
use comptroller_core::{Digest, Environment, Event, Slug};

/// A recorded decision; its facts and rules stand in the entry at `idx`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DecisionRow {
    /// Its id.
    pub id: Text<DecisionId>,
    /// The act that was decided about.
    pub action: Text<Slug>,
    /// The thing acted on.
    pub resource: String,
    /// The environment, if the act has one.
    pub environment: Option<Text<Environment>>,
    /// What was decided.
    pub outcome: Text<Outcome>,
    /// Digest of the policy bundle.
    pub bundle: Text<Digest>,
    /// Who asked.
    pub actor: String,
    /// Its entry.
    pub idx: i64,
    /// When.
    pub decided_at: Micros,
}

/// A request for approval.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ApprovalRow {
    /// Its id.
    pub id: Text<ApprovalId>,
    /// The version it is about.
    pub version: Text<VersionId>,
    /// The environment it is for.
    pub environment: Text<Environment>,
    /// Digest over the version's artifact digests at the time of the request.
    pub artifacts: Text<Digest>,
    /// Policy bundle in force at the time of the request.
    pub bundle: Text<Digest>,
    /// The rules whose approvals are asked for, with the people that each needs: a JSON object.
    pub plan: String,
    /// Ids of the evidence that counted: a JSON list.
    pub evidence: String,
    /// Risk tier of the system.
    pub tier: Option<Text<RiskTier>>,
    /// The rules that fired whatever people approve: a JSON list.
    pub fired: String,
    /// Random.
    pub nonce: Text<Slug>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Micros,
    /// When the request lapses.
    pub expires_at: Micros,
    /// Whether somebody voted against it.
    pub denied: bool,
    /// Index of the event that holds the reason.
    pub private_at: Option<i64>,
}

/// A vote.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VoteRow {
    /// The request.
    pub approval: Text<ApprovalId>,
    /// Who voted.
    pub voter: Text<PrincipalId>,
    /// How.
    pub vote: Text<Vote>,
    /// The decision that allowed the vote.
    pub decision: Text<DecisionId>,
    /// The person in whose stead it was cast.
    pub in_stead_of: Option<Text<PrincipalId>>,
    /// By which the voter was named for that.
    pub delegation: Option<Text<DelegationId>>,
    /// When.
    pub voted_at: Micros,
    /// Index of the event that holds the comment.
    pub private_at: Option<i64>,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        Event::DecisionRecorded {
            decision,
            action,
            resource,
            environment,
            outcome,
            bundle,
            rules,
            shadow,
            ..
        } => {
            change!(
                changes,
                "INSERT INTO decision (id, action, resource, environment, outcome, bundle, actor, idx, decided_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                Text(decision),
                Text(action),
                resource.as_str(),
                environment.map(Text),
                Text(outcome),
                Text(bundle),
                at.actor.as_str(),
                at.idx,
                now
            );
            if let Some(shadow) = shadow {
                let asked = Asked {
                    decision: Some(*decision),
                    action,
                    resource,
                    environment: *environment,
                    outcome: *outcome,
                    rules,
                };
                shadows::decided(changes, at, &asked, shadow)?;
            }
        }
        Event::ApprovalRequested {
            approval,
            version,
            environment,
            artifacts,
            bundle,
            plan,
            evidence,
            tier,
            fired,
            nonce,
            expires_at,
        } => {
            change!(
                changes,
                "INSERT INTO approval (id, version, environment, artifacts, bundle, plan, evidence, tier, fired, \
                 nonce, requested_by, requested_at, expires_at, denied, private_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, FALSE, $14)",
                Text(approval),
                Text(version),
                Text(environment),
                Text(artifacts),
                Text(bundle),
                json(plan)?,
                json(evidence)?,
                tier.map(Text),
                json(fired)?,
                Text(nonce),
                at.actor.as_str(),
                now,
                expires_at.micros(),
                at.private_at()
            );
        }
        Event::ApprovalVoted { approval, voter, vote, decision, in_stead_of, delegation } => {
            change!(
                changes,
                "INSERT INTO vote (approval, voter, vote, decision, in_stead_of, delegation, voted_at, private_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                Text(approval),
                Text(voter),
                Text(vote),
                Text(decision),
                in_stead_of.map(Text),
                delegation.map(Text),
                now,
                at.private_at()
            );
            if *vote == Vote::Deny {
                change!(changes, "UPDATE approval SET denied = TRUE WHERE id = $1", Text(approval));
            }
        }
        _ => {}
    }
    Ok(())
}

/// A decision.
pub async fn decision(conn: &mut Conn, id: DecisionId) -> Result<Option<DecisionRow>, StoreError> {
    fetch_optional!(
        conn,
        DecisionRow,
        "SELECT id, action, resource, environment, outcome, bundle, actor, idx, decided_at FROM decision WHERE id = $1",
        Text(id)
    )
}

/// Decisions about `resource` (all when empty) before index `before`, newest first.
pub async fn decisions(
    conn: &mut Conn,
    resource: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<DecisionRow>, StoreError> {
    fetch_all!(
        conn,
        DecisionRow,
        "SELECT id, action, resource, environment, outcome, bundle, actor, idx, decided_at FROM decision \
         WHERE idx < $1 AND ($2 = '' OR resource = $2) ORDER BY idx DESC LIMIT $3",
        before,
        resource,
        limit
    )
}

/// A request for approval.
pub async fn approval(conn: &mut Conn, id: ApprovalId) -> Result<Option<ApprovalRow>, StoreError> {
    fetch_optional!(
        conn,
        ApprovalRow,
        "SELECT id, version, environment, artifacts, bundle, plan, evidence, tier, fired, nonce, requested_by, requested_at, \
         expires_at, denied, private_at FROM approval WHERE id = $1",
        Text(id)
    )
}

/// The requests that deployments `from..=to` of the log name.
pub async fn approvals_of_deployments(
    conn: &mut Conn,
    from: i64,
    to: i64,
) -> Result<Vec<ApprovalRow>, StoreError> {
    fetch_all!(
        conn,
        ApprovalRow,
        "SELECT id, version, environment, artifacts, bundle, plan, evidence, tier, fired, nonce, requested_by, requested_at, \
         expires_at, denied, private_at FROM approval \
         WHERE id IN (SELECT approval FROM deployment WHERE idx >= $1 AND idx <= $2)",
        from,
        to
    )
}

/// The votes on these requests, those on one of them in order.
pub async fn votes_of_deployments(conn: &mut Conn, from: i64, to: i64) -> Result<Vec<VoteRow>, StoreError> {
    fetch_all!(
        conn,
        VoteRow,
        "SELECT approval, voter, vote, decision, in_stead_of, delegation, voted_at, private_at FROM vote \
         WHERE approval IN (SELECT approval FROM deployment WHERE idx >= $1 AND idx <= $2) \
         ORDER BY voted_at, voter",
        from,
        to
    )
}

/// Requests after `after` by id; of one version, or of all when `version` is empty.
pub async fn approvals(
    conn: &mut Conn,
    version: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<ApprovalRow>, StoreError> {
    fetch_all!(
        conn,
        ApprovalRow,
        "SELECT id, version, environment, artifacts, bundle, plan, evidence, tier, fired, nonce, requested_by, requested_at, \
         expires_at, denied, private_at FROM approval WHERE id > $1 AND ($2 = '' OR version = $2) ORDER BY id LIMIT $3",
        after,
        version,
        limit
    )
}

/// The newest request for a version and an environment.
pub async fn latest_approval(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
) -> Result<Option<ApprovalRow>, StoreError> {
    approval_at(conn, version, environment, i64::MAX).await
}

/// The first request that somebody voted against, of those for these artifacts of a model in an environment, whichever
/// version has them.
pub async fn denied_request(
    conn: &mut Conn,
    model: ModelId,
    artifacts: &Digest,
    environment: Environment,
) -> Result<Option<ApprovalId>, StoreError> {
    let row = fetch_optional!(
        conn,
        (Text<ApprovalId>,),
        "SELECT id FROM approval WHERE version IN (SELECT id FROM version WHERE model = $1) AND environment = $2 \
         AND denied AND artifacts = $3 ORDER BY requested_at, id LIMIT 1",
        Text(model),
        Text(environment),
        Text(artifacts)
    )?;
    Ok(row.map(|(id,)| id.0))
}

/// The request for a version and an environment that was the newest at a moment, in microseconds.
pub async fn approval_at(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    until: i64,
) -> Result<Option<ApprovalRow>, StoreError> {
    fetch_optional!(
        conn,
        ApprovalRow,
        "SELECT id, version, environment, artifacts, bundle, plan, evidence, tier, fired, nonce, requested_by, requested_at, \
         expires_at, denied, private_at FROM approval WHERE version = $1 AND environment = $2 AND requested_at <= $3 \
         ORDER BY requested_at DESC, id DESC LIMIT 1",
        Text(version),
        Text(environment),
        until
    )
}

/// The votes on a request, in order.
pub async fn votes(conn: &mut Conn, approval: ApprovalId) -> Result<Vec<VoteRow>, StoreError> {
    fetch_all!(
        conn,
        VoteRow,
        "SELECT approval, voter, vote, decision, in_stead_of, delegation, voted_at, private_at FROM vote \
         WHERE approval = $1 \
         ORDER BY voted_at, voter",
        Text(approval)
    )
}
