//! Bundles of policies: which are known, which are proposed, which is in force; and running deployments as decided.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{DecisionId, DeploymentId, PrincipalId, ProposalId, SystemId};
use comptroller_core::vocab::{BundleVerdict, Outcome, Vote};
use comptroller_core::{Digest, Event, Slug};

/// A known bundle; its files are the private part of the entry at `private_at`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct BundleRow {
    /// Its digest.
    pub digest: Text<Digest>,
    /// Index of the event that holds the files.
    pub private_at: i64,
    /// Since when it is known.
    pub known_at: Micros,
}

/// A proposal to put a bundle in force.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProposalRow {
    /// Its id.
    pub id: Text<ProposalId>,
    /// The bundle.
    pub bundle: Text<Digest>,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Micros,
    /// Whether every case of it came out as written.
    pub tests_passed: bool,
    /// The bundle that it was last compared with.
    pub against: Option<Text<Digest>>,
    /// How it compares.
    pub verdict: Option<Text<BundleVerdict>>,
    /// Standing invariants that a known request breaks.
    pub invariants_violated: i64,
    /// Standing invariants that are neither proven nor broken.
    pub invariants_unproven: i64,
    /// Rules that a known request makes err.
    pub rules_may_err: i64,
    /// Rules not proven never to err.
    pub rules_unproven: i64,
    /// Index of the event that holds the report.
    pub report_at: Option<i64>,
    /// Whether somebody voted against it.
    pub refused: bool,
    /// When it came in force.
    pub activated_at: Option<Micros>,
    /// Index of the event that holds the reason.
    pub private_at: Option<i64>,
}

/// A vote on a proposal.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProposalVoteRow {
    /// Who voted.
    pub voter: Text<PrincipalId>,
    /// How.
    pub vote: Text<Vote>,
    /// When.
    pub voted_at: Micros,
}

/// A bundle that came in force.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ActivationRow {
    /// Index of the entry from which on it is in force.
    pub idx: i64,
    /// The bundle.
    pub bundle: Text<Digest>,
    /// The one before.
    pub previous: Text<Digest>,
    /// The proposal.
    pub proposal: Text<ProposalId>,
    /// Who activated it.
    pub actor: String,
    /// When.
    pub activated_at: Micros,
}

/// What was last decided about a running deployment.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OperationRow {
    /// The deployment.
    pub deployment: Text<DeploymentId>,
    /// Its system.
    pub system: Text<SystemId>,
    /// The decision.
    pub decision: Text<DecisionId>,
    /// Its outcome.
    pub outcome: Text<Outcome>,
    /// Since when that is the outcome.
    pub since: Micros,
    /// What the rules that fired ask for: `alert`, `rollback` or `stop`.
    pub asks_for: Option<Text<Slug>>,
    /// The earliest moment at which something lapses if nobody acts.
    pub lapses_at: Option<Micros>,
    /// When it was decided.
    pub decided_at: Micros,
    /// The rules that fired, with spaces between.
    pub rules: String,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::PolicyShipped { bundle, .. } => known(changes, at, bundle),
        Event::PolicyProposed { proposal, bundle, tests_passed, new } => {
            if *new {
                known(changes, at, bundle);
            }
            change!(
                changes,
                "INSERT INTO proposal (id, bundle, proposed_by, proposed_at, tests_passed, against, verdict, \
                 invariants_violated, invariants_unproven, rules_may_err, rules_unproven, report_at, refused, \
                 activated_at, private_at) \
                 VALUES ($1, $2, $3, $4, $5, NULL, NULL, 0, 0, 0, 0, NULL, FALSE, NULL, $6)",
                Text(proposal),
                Text(bundle),
                at.actor.as_str(),
                now,
                *tests_passed,
                at.private_at()
            );
        }
        Event::PolicyAnalysed {
            proposal,
            against,
            verdict,
            invariants_violated,
            invariants_unproven,
            rules_may_err,
            rules_unproven,
            ..
        } => {
            change!(
                changes,
                "UPDATE proposal SET against = $1, verdict = $2, invariants_violated = $3, \
                 invariants_unproven = $4, rules_may_err = $5, rules_unproven = $6, report_at = $7 WHERE id = $8",
                Text(against),
                Text(verdict),
                i64::from(*invariants_violated),
                i64::from(*invariants_unproven),
                i64::from(*rules_may_err),
                i64::from(*rules_unproven),
                at.private_at(),
                Text(proposal)
            );
        }
        Event::PolicyVoted { proposal, voter, vote, .. } => {
            change!(
                changes,
                "INSERT INTO proposal_vote (proposal, voter, vote, voted_at, private_at) VALUES ($1, $2, $3, $4, $5)",
                Text(proposal),
                Text(voter),
                Text(vote),
                now,
                at.private_at()
            );
            if *vote == Vote::Deny {
                change!(changes, "UPDATE proposal SET refused = TRUE WHERE id = $1", Text(proposal));
            }
        }
        Event::PolicyActivated { proposal, bundle, previous, .. } => {
            change!(
                changes,
                "INSERT INTO activation (idx, bundle, previous, proposal, actor, activated_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                at.idx,
                Text(bundle),
                Text(previous),
                Text(proposal),
                at.actor.as_str(),
                now
            );
            change!(changes, "UPDATE proposal SET activated_at = $1 WHERE id = $2", now, Text(proposal));
        }
        Event::OperationDecided {
            deployment,
            system,
            decision,
            outcome,
            previous,
            asks_for,
            lapses_at,
            rules,
            ..
        } => {
            let changed = *previous != Some(*outcome);
            change!(
                changes,
                "INSERT INTO operation (deployment, system, decision, outcome, since, asks_for, lapses_at, \
                 decided_at, rules) VALUES ($1, $2, $3, $4, $5, $6, $7, $5, $9) \
                 ON CONFLICT (deployment) DO UPDATE SET decision = excluded.decision, outcome = excluded.outcome, \
                 since = CASE WHEN $8 THEN excluded.since ELSE operation.since END, asks_for = excluded.asks_for, \
                 lapses_at = excluded.lapses_at, decided_at = excluded.decided_at, rules = excluded.rules",
                Text(deployment),
                Text(system),
                Text(decision),
                Text(outcome),
                now,
                asks_for.as_ref().map(Text),
                lapses_at.map(comptroller_core::Timestamp::micros),
                changed,
                rules.iter().map(Slug::as_str).collect::<Vec<_>>().join(" ")
            );
        }
        _ => {}
    }
}

fn known(changes: &mut Vec<Change>, at: &At, bundle: &Digest) {
    change!(
        changes,
        "INSERT INTO bundle (digest, private_at, known_at) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING",
        Text(bundle),
        at.idx,
        at.recorded_at.micros()
    );
}

/// A known bundle.
pub async fn bundle(conn: &mut Conn, digest: &Digest) -> Result<Option<BundleRow>, StoreError> {
    fetch_optional!(
        conn,
        BundleRow,
        "SELECT digest, private_at, known_at FROM bundle WHERE digest = $1",
        Text(digest)
    )
}

/// The last activation; none while the base policies that came with the product are in force.
pub async fn active(conn: &mut Conn) -> Result<Option<ActivationRow>, StoreError> {
    fetch_optional!(
        conn,
        ActivationRow,
        "SELECT idx, bundle, previous, proposal, actor, activated_at FROM activation ORDER BY idx DESC LIMIT 1"
    )
}

/// Activations before `before`, newest first.
pub async fn activations(conn: &mut Conn, before: i64, limit: i64) -> Result<Vec<ActivationRow>, StoreError> {
    fetch_all!(
        conn,
        ActivationRow,
        "SELECT idx, bundle, previous, proposal, actor, activated_at FROM activation WHERE idx < $1 \
         ORDER BY idx DESC LIMIT $2",
        before,
        limit
    )
}

/// A proposal.
pub async fn proposal(conn: &mut Conn, id: ProposalId) -> Result<Option<ProposalRow>, StoreError> {
    fetch_optional!(
        conn,
        ProposalRow,
        "SELECT id, bundle, proposed_by, proposed_at, tests_passed, against, verdict, invariants_violated, \
         invariants_unproven, rules_may_err, rules_unproven, report_at, refused, activated_at, private_at \
         FROM proposal WHERE id = $1",
        Text(id)
    )
}

/// Proposals after `after` by id.
pub async fn proposals(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<ProposalRow>, StoreError> {
    fetch_all!(
        conn,
        ProposalRow,
        "SELECT id, bundle, proposed_by, proposed_at, tests_passed, against, verdict, invariants_violated, \
         invariants_unproven, rules_may_err, rules_unproven, report_at, refused, activated_at, private_at \
         FROM proposal WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    )
}

/// The votes on a proposal, in order.
pub async fn proposal_votes(conn: &mut Conn, id: ProposalId) -> Result<Vec<ProposalVoteRow>, StoreError> {
    fetch_all!(
        conn,
        ProposalVoteRow,
        "SELECT voter, vote, voted_at FROM proposal_vote WHERE proposal = $1 ORDER BY voted_at, voter",
        Text(id)
    )
}

/// What was last decided about a running deployment.
pub async fn operation(
    conn: &mut Conn,
    deployment: DeploymentId,
) -> Result<Option<OperationRow>, StoreError> {
    fetch_optional!(
        conn,
        OperationRow,
        "SELECT deployment, system, decision, outcome, since, asks_for, lapses_at, decided_at, rules FROM operation \
         WHERE deployment = $1",
        Text(deployment)
    )
}

/// A deployment that is live in production, with what was last decided about it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RunningRow {
    /// The deployment.
    pub deployment: Text<DeploymentId>,
    /// Its system.
    pub system: Text<SystemId>,
    /// When it was last decided about.
    pub decided_at: Option<Micros>,
    /// When something was to lapse, by that decision.
    pub lapses_at: Option<Micros>,
}

/// Everything that is live in production, after `after` by deployment id; of one system, or all when empty.
pub async fn running(
    conn: &mut Conn,
    system: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<RunningRow>, StoreError> {
    fetch_all!(
        conn,
        RunningRow,
        "SELECT d.id AS deployment, d.system, o.decided_at, o.lapses_at FROM deployment d \
         LEFT JOIN operation o ON o.deployment = d.id \
         WHERE d.environment = 'production' AND d.live_until IS NULL AND d.id > $1 AND ($2 = '' OR d.system = $2) \
         ORDER BY d.id LIMIT $3",
        after,
        system,
        limit
    )
}
