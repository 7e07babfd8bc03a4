//! A version takes the place of another one: the one way in which deployments, rollbacks and emergencies do it.

use crate::AppError;
use crate::act::Act;
use crate::deploy::Deployed;
use crate::gate::decision_event;
use crate::models::{artifacts_digest, facts};
use crate::monitors::watch::lay_down;
use crate::policies::shadow::Judged;
use comptroller_core::event::FactSource;
use comptroller_core::ids::{ApprovalId, DeploymentId, DrillId};
use comptroller_core::private::Note;
use comptroller_core::vocab::DeploymentKind;
use comptroller_core::{Environment, Event};
use comptroller_policy::Action;
use comptroller_store::areas::deployments;
use comptroller_store::areas::models::{ModelRow, VersionRow};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is put in place of what.
pub(crate) struct Switch {
    pub(crate) model: ModelRow,
    pub(crate) version: VersionRow,
    pub(crate) environment: Environment,
    pub(crate) kind: DeploymentKind,
    pub(crate) approval: Option<ApprovalId>,
    pub(crate) drill: Option<DrillId>,
    pub(crate) reason: String,
}

/// Refuses to put a version where it is.
pub(crate) async fn not_live_yet(
    act: &mut Act<'_>,
    model: &ModelRow,
    version: &VersionRow,
    environment: Environment,
) -> Result<(), AppError> {
    let live = deployments::live(act.conn(), model.id.0, environment).await?;
    if live.is_some_and(|live| live.version.0 == version.id.0) {
        return Err(AppError::Conflict("this version is live in this environment already".into()));
    }
    Ok(())
}

/// Records the decision and the deployment that rests on it.
pub(crate) async fn perform(
    act: &mut Act<'_>,
    action: Action,
    decision: &Judged,
    sources: BTreeMap<String, FactSource>,
    switch: Switch,
) -> Result<Deployed, AppError> {
    let Switch { model, version, environment, kind, approval, drill, reason } = switch;
    let (system, model, version_id) = (model.system.0, model.id.0, version.id.0);
    let resource = format!("version/{version_id}");
    let (decision_id, event) = decision_event(act, action, resource, Some(environment), decision, sources)?;
    let draft = act.draft(event).of_system(system).about("version", &version_id);
    act.record(draft).await?;
    // Before it serves: how it is watched is no afterthought.
    let bundle = Arc::clone(&act.bundle);
    if let Some(event) = lay_down(act.conn(), &bundle, system, version_id, environment).await? {
        let draft = act.draft(event).about("version", &version_id);
        act.record(draft).await?;
    }
    let replaces = deployments::live(act.conn(), model, environment).await?.map(|row| row.id.0);
    let deployment = act.new_id(DeploymentId::new)?;
    let event = Event::DeploymentCreated {
        deployment,
        system,
        model,
        version: version_id,
        environment,
        kind,
        artifacts: artifacts_digest(&facts(&version)?.artifacts),
        approval,
        decision: decision_id,
        replaces,
        drill,
    };
    let draft = act
        .draft(event)
        .about("system", &system)
        .about("model", &model)
        .about("version", &version_id)
        .about("deployment", &deployment)
        .private("reason", &Note { text: reason })?;
    let ledger_index = act.record(draft).await?;
    Ok(Deployed { deployment, version: version_id, replaces, decision: decision_id, ledger_index })
}
