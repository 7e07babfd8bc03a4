//! The shape of every write: idempotency, roles, policy, state change with its event, remembered answer.

use crate::audits::Standing;
use crate::policies::Policies;
use crate::policies::shadow::{self, Differences, Judged, Shadow};
use crate::{App, AppError, Caller};
use comptroller_core::ids::{PrincipalId, SystemId};
use comptroller_core::vocab::{Outcome, PrincipalKind, ReadKind};
use comptroller_core::{Environment, Event, Role, Timestamp};
use comptroller_ledger::hash::Digester;
use comptroller_policy::{Action, Bundle, Decision, Facts, Principal, Request};
use comptroller_store::areas::{people, uploads};
use comptroller_store::{Conn, Draft, Store, Tx};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Longest idempotency key, in bytes.
const MAX_KEY: usize = 128;

/// Who calls, and under which idempotency key.
#[derive(Clone, Debug)]
pub struct Call {
    /// The authenticated caller.
    pub caller: Caller,
    /// The caller's key: the same key and request give the same answer, once.
    pub idempotency_key: Option<String>,
}

impl Call {
    /// A call without an idempotency key.
    pub fn new(caller: Caller) -> Self {
        Self { caller, idempotency_key: None }
    }

    /// A call under an idempotency key of 1 to 128 printable ASCII characters.
    pub fn keyed(caller: Caller, key: Option<String>) -> Result<Self, AppError> {
        if let Some(key) = &key
            && (key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(AppError::invalid(
                "Idempotency-Key",
                format!("use 1 to {MAX_KEY} printable ASCII characters without spaces"),
            ));
        }
        Ok(Self { caller, idempotency_key: key })
    }
}

/// A write under way, as a use case sees it.
pub(crate) struct Act<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) caller: Caller,
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) store: Store,
    /// Whether people can sign in at an identity provider.
    pub(crate) sign_in_offered: bool,
    /// Whether everybody has to show a second factor, and not only those who have one.
    pub(crate) step_up_of_all: bool,
    /// This server's address in browsers, for which passkeys are made.
    pub(crate) origin: Option<String>,
    key: Option<String>,
    shadow: Option<Shadow>,
    differences: Differences,
}

impl Act<'_> {
    /// The recording time of the batch.
    pub(crate) fn now(&self) -> Timestamp {
        self.tx.now()
    }

    /// The connection, to read inside the transaction.
    pub(crate) fn conn(&mut self) -> &mut Conn {
        self.tx.conn()
    }

    /// A new id of any kind.
    pub(crate) fn new_id<T>(&self, make: impl FnOnce(Timestamp, [u8; 10]) -> T) -> Result<T, AppError> {
        Ok(make(self.tx.now(), comptroller_store::keys::random()?))
    }

    /// Asks the policies; answers the decision whatever it is.
    pub(crate) async fn decide(
        &mut self,
        action: Action,
        resource: &str,
        system: Option<SystemId>,
        environment: Option<Environment>,
        facts: Facts,
    ) -> Result<Judged, AppError> {
        let (caller, now) = (self.caller.clone(), self.now());
        let (request, _) =
            request(self.conn(), &caller, action, resource, system, environment, facts, now).await?;
        Ok(self.judge(&request))
    }

    /// Asks the policies a question as it stands.
    pub(crate) fn judge(&self, request: &Request) -> Judged {
        shadow::judge(&self.bundle, self.shadow.as_ref(), request, &self.differences)
    }

    /// Lets the act go on only if the policies allow it.
    pub(crate) async fn authorise(
        &mut self,
        action: Action,
        resource: &str,
        system: Option<SystemId>,
        environment: Option<Environment>,
        facts: Facts,
    ) -> Result<Judged, AppError> {
        let judged = self.decide(action, resource, system, environment, facts).await?;
        allow(action, resource, judged)
    }

    /// Lets an act that needs no facts go on only if the policies allow it.
    pub(crate) async fn may(
        &mut self,
        action: Action,
        resource: &str,
        system: Option<SystemId>,
    ) -> Result<(), AppError> {
        self.authorise(action, resource, system, None, Facts::new()).await.map(|_| ())
    }

    /// A draft by the caller, under the call's idempotency key.
    pub(crate) fn draft(&self, event: Event) -> Draft {
        Draft::new(&self.caller.actor(), event).keyed(self.key.as_deref())
    }

    /// Records an event; answers its index.
    pub(crate) async fn record(&mut self, draft: Draft) -> Result<u64, AppError> {
        if let Event::DecisionRecorded { action, .. } = &draft.event {
            self.differences.recorded(action);
        }
        Ok(self.tx.record(draft).await?)
    }
}

/// A question in the name of `caller`, with the roles that hold for `system`, and how the engagement of an auditor from
/// outside stands towards it.
#[expect(clippy::too_many_arguments, reason = "the parts of one question")]
pub(crate) async fn request(
    conn: &mut Conn,
    caller: &Caller,
    action: Action,
    resource: &str,
    system: Option<SystemId>,
    environment: Option<Environment>,
    facts: Facts,
    now: Timestamp,
) -> Result<(Request, Option<Standing>), AppError> {
    let mut roles = roles(conn, caller.principal, system).await?;
    let standing = match caller.kind {
        PrincipalKind::Person => Standing::of(conn, caller.principal, action, resource, system, now).await?,
        PrincipalKind::ServiceAccount => None,
    };
    let facts = standing.iter().fold(facts, |facts, standing| standing.bring(facts, &mut roles));
    let principal = Principal {
        id: caller.principal,
        kind: caller.kind,
        roles,
        credential_environment: caller.environment,
    };
    Ok((Request { principal, action, resource: resource.to_owned(), environment, facts }, standing))
}

/// The roles of a principal for the organisation, and for `system`.
pub(crate) async fn roles(
    conn: &mut Conn,
    principal: PrincipalId,
    system: Option<SystemId>,
) -> Result<BTreeSet<Role>, AppError> {
    let system = system.map(|s| s.to_string());
    let grants = people::grants(conn, principal).await?;
    Ok(grants
        .into_iter()
        .filter(|grant| grant.system.is_empty() || Some(&grant.system) == system.as_ref())
        .map(|grant| grant.role.0)
        .collect())
}

pub(crate) fn allow(action: Action, resource: &str, judged: Judged) -> Result<Judged, AppError> {
    if judged.outcome == Outcome::Allow {
        return Ok(judged);
    }
    Err(AppError::Denied { action, resource: resource.to_owned(), decision: Box::new(judged.decision) })
}

impl App {
    /// Runs a write. `request` is what the idempotency key stands for.
    ///
    /// A refusal by policy undoes everything and is then recorded in a transaction of its own, before the caller
    /// learns of it; if it cannot be recorded, the caller gets that error instead.
    pub(crate) async fn act<C, R, F>(
        &self,
        call: &Call,
        name: &'static str,
        command: C,
        run: F,
    ) -> Result<R, AppError>
    where
        C: Serialize + Send + 'static,
        R: Serialize + DeserializeOwned + Send + 'static,
        F: for<'t> FnOnce(Act<'t>, C) -> BoxFuture<'t, Result<R, AppError>> + Send + 'static,
    {
        let request = match &call.idempotency_key {
            Some(_) => Some(request_digest(name, &command)?),
            None => None,
        };
        let Call { caller, idempotency_key: key } = call.clone();
        let policies = Arc::clone(&self.policies);
        let store = self.store.clone();
        let sign_in_offered = self.sign_in.is_some();
        let (step_up_of_all, origin) = (self.step_up_of_all(), self.origin());
        let differences = Differences::default();
        let differing = differences.clone();
        let outcome = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let principal = caller.principal;
                    if let (Some(key), Some(request)) = (&key, &request)
                        && let Some(answer) = remembered(tx.conn(), principal, key, request).await?
                    {
                        return Ok(answer);
                    }
                    // Read in the transaction, so that no act is decided by a bundle that is no longer in force.
                    let bundle = policies.in_force(tx.conn(), store.key()).await?;
                    let shadow = policies.in_shadow(tx.conn(), store.key()).await?;
                    let actor = caller.actor();
                    let act = Act {
                        tx: &mut *tx,
                        caller,
                        bundle,
                        policies,
                        store,
                        sign_in_offered,
                        step_up_of_all,
                        origin,
                        key: key.clone(),
                        shadow,
                        differences: differing.clone(),
                    };
                    let answer = run(act, command).await?;
                    shadow::note(tx, &actor, &differing).await?;
                    if let (Some(key), Some(request)) = (&key, &request) {
                        let mut value = serde_json::to_value(&answer)?;
                        // A secret is shown once and never stored.
                        if let Some(fields) = value.as_object_mut()
                            && fields.contains_key("secret")
                        {
                            fields.insert("secret".into(), serde_json::Value::Null);
                        }
                        let now = tx.now();
                        uploads::remember(tx.conn(), principal, key, request, &value.to_string(), now)
                            .await?;
                    }
                    Ok(answer)
                })
            })
            .await;
        if let Err(AppError::Denied { action, resource, decision }) = &outcome {
            self.record_refusal(&call.caller, *action, resource, decision).await?;
            self.note_differences(&call.caller, differences).await;
        }
        outcome
    }

    /// Asks the policies for a read. A refusal is recorded, and so is every read of an auditor from outside; of other reads
    /// those that are acts in themselves (see [`App::note_read`]).
    pub(crate) async fn may_read(
        &self,
        caller: &Caller,
        action: Action,
        resource: &str,
        system: Option<SystemId>,
        environment: Option<Environment>,
    ) -> Result<(), AppError> {
        let mut conn = self.store.read().await?;
        let bundle = self.policies.in_force(&mut conn, self.store.key()).await?;
        let shadow = self.policies.in_shadow(&mut conn, self.store.key()).await?;
        let now = self.store.clock().now();
        let (request, standing) =
            request(&mut conn, caller, action, resource, system, environment, Facts::new(), now).await?;
        let differences = Differences::default();
        let judged = shadow::judge(&bundle, shadow.as_ref(), &request, &differences);
        drop(conn);
        let outcome = allow(action, resource, judged);
        if let Err(AppError::Denied { action, resource, decision }) = &outcome {
            self.record_refusal(caller, *action, resource, decision).await?;
        }
        self.note_differences(caller, differences).await;
        outcome?;
        match standing {
            Some(standing) => self.note_audited(caller, &standing, action, resource).await,
            None => Ok(()),
        }
    }

    /// Records that something was read whose reading is itself an act, before it is shown.
    pub(crate) async fn note_read(
        &self,
        caller: &Caller,
        kind: ReadKind,
        resource: &str,
        count: usize,
    ) -> Result<u64, AppError> {
        let event = Event::RecordRead { kind, resource: resource.to_owned(), count: count as u64 };
        let mut draft = Draft::new(&caller.actor(), event);
        draft.subjects.push(resource.to_owned());
        Ok(self.store.record(draft).await?)
    }

    pub(crate) async fn record_refusal(
        &self,
        caller: &Caller,
        action: Action,
        resource: &str,
        decision: &Decision,
    ) -> Result<(), AppError> {
        let reason = match decision.rules.first() {
            Some(rule) => rule.id.clone(),
            None => "decision-failed".parse()?,
        };
        let event = Event::AccessDenied { action: action.slug(), resource: resource.to_owned(), reason };
        let mut draft = Draft::new(&caller.actor(), event);
        draft.subjects.push(resource.to_owned());
        self.store.record(draft).await?;
        Ok(())
    }
}

async fn remembered<R: DeserializeOwned>(
    conn: &mut Conn,
    principal: PrincipalId,
    key: &str,
    request: &str,
) -> Result<Option<R>, AppError> {
    let Some((digest, response)) = uploads::remembered(conn, principal, key).await? else {
        return Ok(None);
    };
    if digest != request {
        return Err(AppError::Conflict(format!(
            "the idempotency key {key:?} was used for another request; use a new key"
        )));
    }
    Ok(Some(serde_json::from_str(&response)?))
}

fn request_digest(name: &str, command: &impl Serialize) -> Result<String, AppError> {
    let bytes = serde_json_canonicalizer::to_vec(command)?;
    let mut hasher = Digester::new();
    hasher.update(name.as_bytes());
    hasher.update(&[0]);
    hasher.update(&bytes);
    Ok(hasher.finish().to_string())
}

/// Whether a principal is a human.
pub(crate) fn is_person(kind: PrincipalKind) -> bool {
    kind == PrincipalKind::Person
}
