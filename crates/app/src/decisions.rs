//! One recorded decision with everything that it rested on, as the log has it.

use crate::gate::RuleView;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::FactSource;
use comptroller_core::ids::{DecisionId, PrincipalId};
use comptroller_core::vocab::Outcome;
use comptroller_core::{Digest, Environment, Event, Slug, Timestamp};
use comptroller_policy::{Action, Request};
use comptroller_store::areas::approvals;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A recorded decision, whole.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionRecord {
    /// Its id.
    pub id: DecisionId,
    /// The act.
    pub action: Slug,
    /// The thing acted on.
    pub resource: String,
    /// The environment.
    pub environment: Option<Environment>,
    /// What was decided.
    pub outcome: Outcome,
    /// Every rule that stood against it, with the clauses that failed.
    pub rules: Vec<RuleView>,
    /// The facts used.
    #[schema(value_type = Object)]
    pub facts: BTreeMap<String, Value>,
    /// Where facts come from, by name; `*` is for every other fact.
    pub sources: BTreeMap<String, FactSource>,
    /// Digest of the policy bundle.
    pub bundle: Digest,
    /// Who asked.
    pub actor: String,
    /// What the entry is about, for example `version/<id>`; a question about somebody else names them.
    pub about: Vec<String>,
    /// When.
    pub decided_at: Timestamp,
    /// Index in the log.
    pub ledger_index: u64,
}

impl App {
    /// A recorded decision, whole.
    pub async fn decision(&self, caller: &Caller, id: DecisionId) -> Result<DecisionRecord, AppError> {
        self.may_read(caller, Action::ApprovalRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        self.decision_record(&mut conn, id).await
    }

    /// Reads a decision from the log; whether the caller may is checked before.
    pub(crate) async fn decision_record(
        &self,
        conn: &mut Conn,
        id: DecisionId,
    ) -> Result<DecisionRecord, AppError> {
        let row = approvals::decision(conn, id).await?;
        let row = row.ok_or_else(|| AppError::not_found("decision", id))?;
        let entries = journal::entries(conn, row.idx, row.idx + 1).await?;
        let entry =
            entries.first().ok_or_else(|| AppError::Internal(format!("entry {} is missing", row.idx)))?;
        let entry: Value = serde_json::from_str(&entry.entry)?;
        let kind = entry.get("type").and_then(Value::as_str).unwrap_or_default();
        let event = Event::from_parts(kind, entry.get("data").unwrap_or(&Value::Null))?;
        let Event::DecisionRecorded {
            action,
            resource,
            environment,
            outcome,
            bundle,
            facts,
            rules,
            sources,
            ..
        } = event
        else {
            return Err(AppError::Internal(format!("entry {} is not a decision", row.idx)));
        };
        let about = entry.get("subjects").and_then(Value::as_array).into_iter().flatten();
        let about = about.filter_map(Value::as_str).map(str::to_owned).collect();
        let rules = self.rules_of(conn, &action, &resource, environment, &bundle, &facts, rules).await?;
        Ok(DecisionRecord {
            id,
            action,
            resource,
            environment,
            outcome,
            rules,
            facts,
            sources,
            bundle,
            actor: row.actor,
            about,
            decided_at: row.decided_at.0,
            ledger_index: row.idx.unsigned_abs(),
        })
    }

    /// The rules on record, in the words of the bundle that decided.
    #[expect(clippy::too_many_arguments, reason = "the parts of one recorded question")]
    async fn rules_of(
        &self,
        conn: &mut Conn,
        action: &Slug,
        resource: &str,
        environment: Option<Environment>,
        bundle: &Digest,
        facts: &BTreeMap<String, Value>,
        rules: Vec<Slug>,
    ) -> Result<Vec<RuleView>, AppError> {
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        let bundle = self.policies.bundle(conn, self.store.key(), bundle).await?;
        // Who acted is no matter for the words: kind and roles stand among the facts.
        let nobody = PrincipalId::new(Timestamp::from_micros(0), [0; 10]);
        let request = Request::replay(nobody, action.as_str().parse()?, resource, environment, facts)
            .map_err(|error| AppError::Internal(format!("facts of a recorded decision: {error}")))?;
        let worded = RuleView::of(&bundle, &bundle.decide(&request), &request.facts);
        let bare = |id: Slug| RuleView {
            id,
            set: String::new(),
            reason: String::new(),
            remedy: String::new(),
            control: Vec::new(),
            clauses: Vec::new(),
        };
        Ok(rules
            .into_iter()
            .map(|id| worded.iter().find(|rule| rule.id == id).cloned().unwrap_or_else(|| bare(id)))
            .collect())
    }
}
