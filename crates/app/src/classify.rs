//! The risk tier of a system as a person states it: who may say it, and who may lower it. [`crate::tiers`] computes one.

use crate::act::Call;
use crate::systems::find;
use crate::tiers::lowest_by;
use crate::view::Receipt;
use crate::{App, AppError};
use comptroller_core::Event;
use comptroller_core::event::VersionFacts;
use comptroller_core::ids::{PrincipalId, SystemId};
use comptroller_core::private::{TierText, check_text};
use comptroller_core::vocab::RiskTier;
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::models;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Says which risk tier a system has.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassifySystem {
    /// The tier.
    pub tier: RiskTier,
    /// Why: the use, the article or rule it falls under, and who is affected.
    pub reason: String,
}

impl App {
    /// Says which risk tier a system has.
    pub async fn classify_system(
        &self,
        call: &Call,
        name: String,
        command: ClassifySystem,
    ) -> Result<Receipt, AppError> {
        self.act(call, "system.classify", (name, command), |mut act, (name, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let row = find(act.conn(), &name).await?;
                let system = row.id.0;
                let previous = row.risk_tier.map(|tier| tier.0);
                let caller = act.caller.principal;
                let facts = Facts::new()
                    .bool("lowers", previous.is_some_and(|previous| command.tier < previous))
                    .bool("actor_is_builder", built_a_version(act.conn(), system, caller).await?);
                let resource = format!("system/{system}");
                act.authorise(Action::SystemClassify, &resource, Some(system), None, facts).await?;
                // Nobody's word takes back what answers on record mean; they stay on record when somebody raises it.
                let store = act.store.clone();
                let before: Option<TierText> =
                    journal::private(act.conn(), store.key(), row.classified_in).await?;
                let answers = before.and_then(|text| text.answers);
                let lowest = answers.as_ref().map(|answers| lowest_by(answers, act.now())).transpose()?.flatten();
                if let Some(lowest) = lowest.filter(|lowest| command.tier < *lowest) {
                    return Err(AppError::Conflict(format!(
                        "by the answers on record the tier is {lowest}, and nobody lowers that by hand: answer the \
                         questions anew with `comptroller risk classify`"
                    )));
                }
                let event = Event::SystemClassified { system, tier: command.tier, previous, basis: None };
                let draft = act
                    .draft(event)
                    .about("system", &system)
                    .private("basis", &TierText { text: command.reason, answers })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(system, index))
            })
        })
        .await
    }
}

/// Whether somebody is among the builders of a version of the system.
pub(crate) async fn built_a_version(
    conn: &mut Conn,
    system: SystemId,
    who: PrincipalId,
) -> Result<bool, AppError> {
    for facts in models::facts_of_system(conn, system).await? {
        let facts: VersionFacts = serde_json::from_str(&facts)?;
        if facts.builders.contains(&who) {
            return Ok(true);
        }
    }
    Ok(false)
}
