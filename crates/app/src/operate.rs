//! Running deployments, decided about again: when a fact changes, when policies come in force, when something lapses,
//! and once a day as proof that somebody looks.
//!
//! Only what changes is recorded, and one decision a day. Decisions are made beside each other on readers, and recorded if
//! the log is still as long as it was before they were made; else they are made again inside the transaction. So two
//! servers of one database never record the same change twice.

use crate::gate::{Parts, situation};
use crate::models::find_version;
use crate::monitors::rollback;
use crate::view::{Page, Slice, page};
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_core::ids::{DecisionId, DeploymentId, PrincipalId, SystemId};
use comptroller_core::vocab::{Outcome, PrincipalKind};
use comptroller_core::{Environment, Event, Label, Slug, Timestamp};
use comptroller_policy::{Action, Bundle, Decision, Lapse, Lapsing, Principal, Request};
use comptroller_store::areas::{approvals, deployments, policies};
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, Draft, Tx, journal};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;

/// A decision of this age is made again.
const DAILY_SECONDS: i64 = 86_400;
/// Deployments of one transaction: others must not wait long for theirs.
const BATCH: usize = 50;
/// Deployments that are decided about before any of them is recorded: what was read must not grow old.
const PART: usize = 500;
/// Shares of a part that are decided about side by side.
const SIDE_BY_SIDE: usize = 2;
/// Most running deployments that are looked at.
const MAX_RUNNING: i64 = 100_000;
/// Entries that are read at a time, to see what they are about.
const WINDOW: i64 = 1_000;

/// A running deployment, as it is decided about now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OperationView {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its system.
    pub system: SystemId,
    /// The version's label.
    pub label: Option<Label>,
    /// Whether it may go on running.
    pub outcome: Outcome,
    /// The rules that stand against it.
    pub rules: Vec<Slug>,
    /// What they ask for: `alert`, `rollback` or `stop`; nothing if it may go on.
    pub asks_for: Option<String>,
    /// Since when that is the outcome on record.
    pub since: Option<Timestamp>,
    /// The last decision on record.
    pub decision: Option<DecisionId>,
    /// The earliest moment at which something lapses if nobody acts.
    pub lapses_at: Option<Timestamp>,
    /// What lapses then.
    pub lapsing: Vec<Slug>,
}

/// What the follower has seen of the log. Starts with nothing, so that everything is looked at once.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Option<i64>,
}

/// What was decided without being recorded yet.
struct Looked {
    found: Vec<(DeploymentId, Slug, Look)>,
    /// Entries of the log as it was read.
    size: u64,
}

/// A decision about a deployment of which something is to be recorded.
struct Look {
    bundle: Arc<Bundle>,
    present: Present,
    /// The outcome on record.
    previous: Option<Outcome>,
    /// Rules that fire and did not by the decision on record.
    began: Vec<Slug>,
}

/// What changed since the last look.
#[derive(Default)]
struct News {
    all: Option<Slug>,
    systems: BTreeSet<String>,
}

impl App {
    /// Decides again about every running deployment that something happened to. Answers how many outcomes changed.
    pub async fn watch_operations(&self, watch: &mut Watch) -> Result<usize, AppError> {
        let mut conn = self.store.read().await?;
        let size = journal::head(&mut conn).await?.map_or(0, |head| head.size);
        let news = match watch.seen {
            None => News { all: Some("start".parse()?), ..News::default() },
            Some(seen) => news(&mut conn, seen, size).await?,
        };
        let now = self.store.clock().now();
        let mut due: Vec<(DeploymentId, Slug)> = Vec::new();
        for row in policies::running(&mut conn, "", "", MAX_RUNNING).await? {
            let trigger = match (&row.decided_at, &row.lapses_at, &news.all) {
                (None, ..) => "deploy",
                (Some(_), _, Some(trigger)) => trigger.as_str(),
                (Some(_), Some(at), _) if at.0 <= now => "lapse",
                (Some(at), ..) if at.0.plus_seconds(DAILY_SECONDS) <= now => "daily",
                _ if news.systems.contains(&row.system.0.to_string()) => "fact-change",
                _ => continue,
            };
            due.push((row.deployment.0, trigger.parse()?));
        }
        drop(conn);
        let mut changed = 0;
        for part in due.chunks(PART) {
            let mut looked = self.look_at_all(part).await?;
            while !looked.found.is_empty() {
                let rest = looked.found.split_off(looked.found.len().min(BATCH));
                let batch = Looked { found: std::mem::replace(&mut looked.found, rest), size: looked.size };
                let (more, size) = self.record_batch(batch).await?;
                changed += more;
                looked.size = size;
            }
        }
        watch.seen = Some(size);
        Ok(changed)
    }

    /// Decides about deployments side by side, without keeping others from writing. Answers those of which something is
    /// to be recorded.
    async fn look_at_all(&self, due: &[(DeploymentId, Slug)]) -> Result<Looked, AppError> {
        let mut conn = self.store.read().await?;
        let size = journal::head(&mut conn).await?.map_or(0, |head| head.size).unsigned_abs();
        drop(conn);
        let mut tasks = tokio::task::JoinSet::new();
        for share in due.chunks(due.len().div_ceil(SIDE_BY_SIDE)) {
            let (app, share) = (self.clone(), share.to_vec());
            tasks.spawn(async move {
                let mut conn = app.store.read().await?;
                let bundle = app.policies.in_force(&mut conn, app.store.key()).await?;
                let now = app.store.clock().now();
                let mut found = Vec::new();
                for (deployment, trigger) in share {
                    if let Some(look) = look(&app, &mut conn, now, &bundle, deployment).await? {
                        found.push((deployment, trigger, look));
                    }
                }
                Ok::<_, AppError>(found)
            });
        }
        let mut found = Vec::new();
        while let Some(share) = tasks.join_next().await {
            found.extend(share.map_err(|error| AppError::Internal(format!("a look broke off: {error}")))??);
        }
        // In the order of the deployments, whoever was faster.
        found.sort_by_key(|(deployment, ..)| *deployment);
        Ok(Looked { found, size })
    }

    /// Records what was decided. Where the log has grown since by others, it is decided again first. Answers how many
    /// outcomes changed, and the size of the log afterwards.
    async fn record_batch(&self, batch: Looked) -> Result<(usize, u64), AppError> {
        let app = self.clone();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let mut changed = 0;
                    let mut is_fresh = tx.next_index() == batch.size;
                    for (deployment, trigger, known) in batch.found {
                        let (key, now) = (app.store.key(), tx.now());
                        let known = if is_fresh {
                            Some(known)
                        } else {
                            let bundle = app.policies.in_force(tx.conn(), key).await?;
                            look(&app, tx.conn(), now, &bundle, deployment).await?
                        };
                        let Some(known) = known else { continue };
                        let (is_changed, is_rolled_back) =
                            record(&app, tx, deployment, trigger, known).await?;
                        changed += usize::from(is_changed);
                        // A rollback changes more than what was looked at.
                        is_fresh &= !is_rolled_back;
                    }
                    let size = if is_fresh { tx.next_index() } else { u64::MAX };
                    Ok::<_, AppError>((changed, size))
                })
            })
            .await
    }

    /// Running deployments as they are decided about now, with what lapses next; of one system, or all.
    pub async fn operations(
        &self,
        caller: &Caller,
        system: Option<&str>,
        slice: Slice,
    ) -> Result<Page<OperationView>, AppError> {
        self.may_read(caller, Action::ServingRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let system = match system {
            Some(name) => systems::find(&mut conn, name).await?.id.0.to_string(),
            None => String::new(),
        };
        let bundle = self.policies.in_force(&mut conn, self.store.key()).await?;
        let now = self.store.clock().now();
        let mut views = Vec::new();
        for row in policies::running(&mut conn, &system, slice.after(), limit + 1).await? {
            let id = row.deployment.0;
            let Some(present) = present(&mut conn, self.store.key(), now, &bundle, id).await? else {
                continue;
            };
            let last = policies::operation(&mut conn, id).await?;
            views.push(OperationView {
                deployment: id,
                system: row.system.0,
                label: present.label,
                outcome: present.decision.outcome,
                rules: present.decision.rules.iter().map(|rule| rule.id.clone()).collect(),
                asks_for: asks_for(&bundle, &present.decision).map(|lapse| lapse.as_str().to_owned()),
                since: last.as_ref().map(|last| last.since.0),
                decision: last.as_ref().map(|last| last.decision.0),
                lapses_at: present.lapsing.as_ref().map(|lapsing| now.plus_seconds(lapsing.seconds)),
                lapsing: present.lapsing.map(|lapsing| lapsing.rules).unwrap_or_default(),
            });
        }
        Ok(page(views, limit, |view| view.deployment.to_string()))
    }
}

/// A deployment as the policies see it now.
struct Present {
    system: SystemId,
    label: Option<Label>,
    request: Request,
    decision: Decision,
    sources: BTreeMap<String, comptroller_core::event::FactSource>,
    lapsing: Option<Lapsing>,
}

/// What entries since `seen` are about. What the follower itself recorded is no news.
async fn news(conn: &mut Conn, seen: i64, size: i64) -> Result<News, AppError> {
    let mut news = News::default();
    let mut from = seen;
    while from < size {
        let to = size.min(from + WINDOW);
        for row in journal::entries(conn, from, to).await? {
            let entry: serde_json::Value = serde_json::from_str(&row.entry)?;
            let kind = entry["type"].as_str().unwrap_or_default();
            match kind {
                "policy.activated" => news.all = Some("policy".parse()?),
                // A file may belong to several systems.
                "data.purged" if news.all.is_none() => news.all = Some("purge".parse()?),
                // People of any system.
                "role.granted" | "role.revoked" | "principal.disabled" | "delegation.ended"
                    if news.all.is_none() =>
                {
                    news.all = Some("people".parse()?);
                }
                "operation.decided"
                | "decision.recorded"
                | "record.read"
                | "access.denied"
                | "predictions.sealed"
                | "predictions.compacted" => {}
                _ => {
                    if let Some(system) =
                        entry["stream"].as_str().and_then(|stream| stream.strip_prefix("system/"))
                    {
                        news.systems.insert(system.to_owned());
                    }
                }
            }
        }
        from = to;
    }
    Ok(news)
}

/// Decides about a deployment as it is now; nothing if it is no longer live.
async fn present(
    conn: &mut Conn,
    key: &OrgKey,
    now: Timestamp,
    bundle: &Bundle,
    id: DeploymentId,
) -> Result<Option<Present>, AppError> {
    let row = deployments::deployment(conn, id).await?.filter(|row| row.live_until.is_none());
    let Some(row) = row else { return Ok(None) };
    let (model, version) = find_version(conn, &row.version.0.to_string()).await?;
    let environment = row.environment.0;
    // A rollback has no approval of its own: it rests on that by which the version first came here.
    let approval = match &row.approval {
        Some(id) => approvals::approval(conn, id.0).await?,
        None => approvals::latest_approval(conn, version.id.0, environment).await?,
    };
    let label = Some(version.label.0.clone());
    let parts = Parts { key, now, bundle, environment, in_operation: true };
    let situation = situation(conn, &parts, model, version, approval, None).await?;
    let request = request(&row.actor, id, environment, situation.facts)?;
    let left = |at: Timestamp| (at.micros() - now.micros()).div_euclid(1_000_000).max(0) + 1;
    let waivers: Vec<(Slug, i64)> =
        situation.waivers.iter().map(|row| (row.rule.0.clone(), left(row.expires_at.0))).collect();
    let decision = bundle.decide(&request);
    let lapsing = bundle.next_lapse(&request, &decision, &waivers);
    let (system, sources) = (row.system.0, situation.known.sources);
    Ok(Some(Present { system, label, request, decision, sources, lapsing }))
}

/// Whoever put it there goes on running it, without any role: no rule about running asks for one.
fn request(
    actor: &str,
    id: DeploymentId,
    environment: Environment,
    facts: comptroller_policy::Facts,
) -> Result<Request, AppError> {
    let who = match actor.strip_prefix("principal/") {
        Some(id) => id.parse()?,
        None => PrincipalId::new(Timestamp::from_micros(0), [0; 10]),
    };
    Ok(Request {
        principal: Principal {
            id: who,
            kind: PrincipalKind::ServiceAccount,
            roles: BTreeSet::new(),
            credential_environment: None,
        },
        action: Action::Operate,
        resource: format!("deployment/{id}"),
        environment: Some(environment),
        facts,
    })
}

/// The most that a rule which fired asks for.
fn asks_for(bundle: &Bundle, decision: &Decision) -> Option<Lapse> {
    if decision.outcome == Outcome::Allow {
        return None;
    }
    let lapse = |id: &Slug| bundle.rules().find(|rule| rule.id == *id).map(|rule| rule.lapse);
    Some(decision.rules.iter().filter_map(|rule| lapse(&rule.id)).max().unwrap_or_default())
}

/// Decides about a deployment; nothing if it is not live, or it is not due and its outcome, with the rules that fire, is
/// on record.
async fn look(
    app: &App,
    conn: &mut Conn,
    now: Timestamp,
    bundle: &Arc<Bundle>,
    id: DeploymentId,
) -> Result<Option<Look>, AppError> {
    let Some(present) = present(conn, app.store.key(), now, bundle, id).await? else { return Ok(None) };
    // Read here, after the size of the log: another server may have decided since the deployments were listed.
    let last = policies::operation(conn, id).await?;
    let previous = last.as_ref().map(|last| last.outcome.0);
    let rules: BTreeSet<Slug> = present.decision.rules.iter().map(|rule| rule.id.clone()).collect();
    let before = last.as_ref().map_or("", |last| last.rules.as_str());
    let before = before.split_whitespace().map(str::parse).collect::<Result<BTreeSet<Slug>, _>>()?;
    let due = last.is_none_or(|last| {
        last.decided_at.0.plus_seconds(DAILY_SECONDS) <= now || last.lapses_at.is_some_and(|at| at.0 <= now)
    });
    let is_news = due || previous != Some(present.decision.outcome) || rules != before;
    let began = rules.difference(&before).cloned().collect();
    Ok(is_news.then(|| Look { bundle: Arc::clone(bundle), present, previous, began }))
}

/// Records a decision about a deployment. Whether the outcome changed, and whether a rollback was made.
async fn record(
    app: &App,
    tx: &mut Tx,
    id: DeploymentId,
    trigger: Slug,
    look: Look,
) -> Result<(bool, bool), AppError> {
    let Look { bundle, present, previous, began } = look;
    let (key, now) = (app.store.key(), tx.now());
    let outcome = present.decision.outcome;
    let changed = previous != Some(outcome);
    let decision = DecisionId::new(now, comptroller_store::keys::random()?);
    let asks_for = asks_for(&bundle, &present.decision);
    let shadow = app.policies.in_shadow(tx.conn(), key).await?;
    let rules: Vec<Slug> = present.decision.rules.iter().map(|rule| rule.id.clone()).collect();
    let event = Event::DecisionRecorded {
        decision,
        action: Action::Operate.slug(),
        resource: format!("deployment/{id}"),
        environment: Some(Environment::Production),
        outcome,
        bundle: present.decision.bundle.clone(),
        facts: present.decision.facts.clone(),
        rules: rules.clone(),
        sources: present.sources,
        shadow: shadow.map(|shadow| shadow.answer(&present.request, outcome)),
    };
    tx.record(Draft::new("system", event).of_system(present.system).about("deployment", &id)).await?;
    let is_worse = outcome != Outcome::Allow && (changed || !began.is_empty());
    let fired = rules.iter().map(Slug::as_str).collect::<Vec<_>>().join(",");
    let event = Event::OperationDecided {
        deployment: id,
        system: present.system,
        decision,
        outcome,
        previous,
        trigger,
        asks_for: asks_for.map(|lapse| lapse.as_str().parse()).transpose()?,
        lapses_at: present.lapsing.as_ref().map(|lapsing| now.plus_seconds(lapsing.seconds)),
        rules,
        began,
    };
    tx.record(Draft::new("system", event).about("deployment", &id)).await?;
    if is_worse {
        tracing::warn!(
            deployment.id = %id, system.id = %present.system, outcome = %outcome, rules = fired,
            asks_for = asks_for.map_or("", Lapse::as_str),
            "a running deployment no longer satisfies the policies"
        );
    }
    if let Some(rule) = rollback::asks(&bundle, &present.decision, &present.request.facts) {
        let row = deployments::deployment(tx.conn(), id).await?.filter(|row| row.live_until.is_none());
        if let Some(row) = row {
            rollback::perform(app, tx, &bundle, &row, &rule).await?;
            return Ok((changed, true));
        }
    }
    Ok((changed, false))
}
