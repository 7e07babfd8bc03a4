//! What if: the gate's answer under other facts, or under the policies of a proposal. Nothing is recorded as a decision,
//! and nothing comes of it.

use crate::gate::{Parts, RuleView, situation};
use crate::models::find_version;
use crate::{App, AppError, Caller, act};
use comptroller_core::ids::ProposalId;
use comptroller_core::vocab::Outcome;
use comptroller_core::{Digest, Environment, Slug};
use comptroller_policy::{Action, Bundle, Fact, Paths};
use comptroller_store::areas::{approvals, policies};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most facts that are supposed to be otherwise.
const MAX_SUPPOSED: usize = 64;

/// Supposes something.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIf {
    /// The version: its id, or `model@label`.
    pub version: String,
    /// Where it should go.
    pub environment: Environment,
    /// Facts that are supposed to be otherwise: a whole number, a truth value or a list of words each.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub facts: BTreeMap<String, serde_json::Value>,
    /// The proposal whose policies are supposed to be in force.
    #[serde(default)]
    pub proposal: Option<ProposalId>,
}

/// What would come out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WhatIfAnswer {
    /// The AI system that the version is a model of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Slug>,
    /// What comes out now.
    pub outcome_now: Outcome,
    /// What would come out.
    pub outcome: Outcome,
    /// Every rule that would stand against it.
    pub rules: Vec<RuleView>,
    /// What would go wrong while deciding.
    pub errors: Vec<String>,
    /// The smallest sets of steps after which nothing would stand against it.
    pub paths: Paths,
    /// The policies that would decide.
    pub bundle: Digest,
}

impl App {
    /// Answers what the gate would say.
    pub async fn what_if(&self, caller: &Caller, command: WhatIf) -> Result<WhatIfAnswer, AppError> {
        let WhatIf { version, environment, facts, proposal } = command;
        if facts.len() > MAX_SUPPOSED {
            return Err(AppError::invalid("facts", format!("at most {MAX_SUPPOSED} can be supposed")));
        }
        let mut supposed = BTreeMap::new();
        for (name, value) in facts {
            let fact =
                Fact::read(&name, &value).map_err(|error| AppError::invalid("facts", error.to_string()))?;
            supposed.insert(name, fact);
        }
        let mut conn = self.store.read().await?;
        let (model, row) = find_version(&mut conn, &version).await?;
        let (system, id) = (model.system.0, row.id.0);
        let resource = format!("version/{id}");
        drop(conn);
        self.may_read(caller, Action::PolicyRead, &resource, Some(system), None).await?;
        let mut conn = self.store.read().await?;
        let (key, now) = (self.store.key(), self.store.clock().now());
        let in_force = self.policies.in_force(&mut conn, key).await?;
        let bundle = match proposal {
            None => in_force.clone(),
            Some(id) => {
                let row = policies::proposal(&mut conn, id).await?;
                let row = row.ok_or_else(|| AppError::not_found("policy proposal", id))?;
                self.policies.bundle(&mut conn, key, &row.bundle.0).await?
            }
        };
        for (name, fact) in &supposed {
            bundle
                .check_fact(Action::GateCheck, name, fact)
                .map_err(|error| AppError::invalid("facts", error))?;
        }
        let approval = approvals::latest_approval(&mut conn, id, environment).await?;
        // What comes out now has facts of its own: which votes count, and whose quorum they fill, is for the rules in
        // force to say, not for those of the proposal.
        let mut asked = async |bundle: &Bundle| {
            let parts = Parts { key, now, bundle, environment, in_operation: false };
            let (model, row, approval) = (model.clone(), row.clone(), approval.clone());
            let present = situation(&mut conn, &parts, model, row, approval, Some(caller.principal)).await?;
            let (action, facts) = (Action::GateCheck, present.facts);
            let (system, environment) = (Some(system), Some(environment));
            let (request, _) =
                act::request(&mut conn, caller, action, &resource, system, environment, facts, now).await?;
            Ok::<_, AppError>((request, present.tally.once_quiet(bundle), present.known.system))
        };
        let (mut request, votes, name) = asked(&bundle).await?;
        let outcome_now = match proposal {
            None => in_force.decide(&request).outcome,
            Some(_) => in_force.decide(&asked(&in_force).await?.0).outcome,
        };
        drop(conn);
        let of_votes = ["approvals_valid", "quorums_met"].iter().any(|name| supposed.contains_key(*name));
        for (name, fact) in supposed {
            request.facts = request.facts.with(&name, fact);
        }
        let decision = bundle.decide(&request);
        Ok(WhatIfAnswer {
            system: name,
            outcome_now,
            outcome: decision.outcome,
            rules: RuleView::of(&bundle, &decision, &request.facts),
            paths: bundle.shortest_paths_of(&request, decision.outcome, (!of_votes).then_some(&votes)),
            errors: decision.errors,
            bundle: decision.bundle,
        })
    }
}
