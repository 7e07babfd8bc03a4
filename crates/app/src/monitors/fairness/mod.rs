//! Fairness of running models: decisions are counted by group every day, and a test that may be looked at every day says
//! whether a criterion does not hold.
//!
//! What is watched is laid down before, by a decision, and changes only by another one. Each judgement holds the day's
//! counts and the watch as it stood then, so everything is rebuilt from the log. Nothing here ever says "pass".

mod count;
mod judge;
mod view;

pub use comptroller_stats::fairness::watching::{Shown, Standing};
pub use judge::FairnessWatched;
pub use view::{FairnessDay, FairnessView};

use crate::act::{Act, Call};
use crate::fairness::{Criterion, Measure};
use crate::gate::decision_event;
use crate::models::find_version;
use crate::{App, AppError, Receipt};
use comptroller_core::ids::FairnessMonitorId;
use comptroller_core::{Environment, Event, Slug};
use comptroller_policy::{Action, Facts};
use comptroller_stats::fairness::watching::{Cells, Plan, Watched, Watching};
use comptroller_store::areas::deployments;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The chance of a false alarm over all time, unless another one is asked for.
const ALPHA: f64 = 0.05;
/// One, in millionths.
const MILLION: f64 = 1e6;
/// Bytes of a name or a value, at most.
const MAX_TEXT: usize = 200;

/// Says what the decisions of a version are watched for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchFairness {
    /// The version: its id, or `model@label`.
    pub version: String,
    /// The sensitive attributes, inputs of its records; each alone and every intersection.
    pub attributes: Vec<WatchedAttribute>,
    /// What must hold.
    pub criteria: Vec<WatchedCriterion>,
    /// The favourable value of decisions and labels; 1 or true if not given.
    #[serde(default)]
    pub positive: Option<String>,
    /// The chance of a false alarm over everything that is watched and all time; 0.05 if not given.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 0.5)]
    pub alpha: Option<f64>,
}

/// A sensitive attribute.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchedAttribute {
    /// The input.
    pub name: String,
    /// Its values that are compared, at least two.
    pub values: Vec<String>,
}

/// What must hold: a difference is not above its bound, a ratio not below it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchedCriterion {
    /// The measure, as `comptroller fairness --threshold` names it: for example `impact_ratio`.
    pub measure: String,
    /// The bound, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub bound: f64,
}

/// The private part of the event: groups and criteria, and how decisions are read.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Laid {
    plan: Plan,
    positive: Option<String>,
}

/// The private part of a judgement: what the day counts, and the watch after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Judgement {
    cells: Vec<Cells>,
    watching: Watching,
}

impl App {
    /// Says what the decisions of a version are watched for; the watch begins anew, and every day is judged by it.
    pub async fn watch_fairness(&self, call: &Call, command: WatchFairness) -> Result<Receipt, AppError> {
        let laid = laid(&command)?;
        let inputs = self.inputs_of(&command.version).await?;
        self.act(call, "fairness.watch", command, move |act, command| {
            Box::pin(set(act, command, laid, inputs))
        })
        .await
    }
}

/// Refuses attributes that the records do not have: such a watch would never see a row.
fn check_attributes(command: &WatchFairness, inputs: &[String]) -> Result<(), AppError> {
    match command.attributes.iter().find(|attribute| !inputs.contains(&attribute.name)) {
        Some(WatchedAttribute { name, .. }) => Err(AppError::invalid(
            "attributes",
            format!("the newest records have no input {name:?}; they have {}", inputs.join(", ")),
        )),
        None => Ok(()),
    }
}

async fn set(
    mut act: Act<'_>,
    command: WatchFairness,
    laid: Laid,
    inputs: Option<Vec<String>>,
) -> Result<Receipt, AppError> {
    let (model, version) = find_version(act.conn(), &command.version).await?;
    let (system, version) = (model.system.0, version.id.0);
    let live = deployments::live(act.conn(), model.id.0, Environment::Production).await?;
    let facts = Facts::new().bool("in_production", live.is_some_and(|live| live.version.0 == version));
    let (action, resource) = (Action::MonitorConfigure, format!("version/{version}"));
    let decision = act.authorise(action, &resource, Some(system), None, facts).await?;
    if let Some(inputs) = &inputs {
        check_attributes(&command, inputs)?;
    }
    let (decided, event) = decision_event(&act, action, resource, None, &decision, BTreeMap::new())?;
    let draft = act.draft(event).of_system(system).about("version", &version);
    act.record(draft).await?;
    let monitor = act.new_id(FairnessMonitorId::new)?;
    let mut criteria: BTreeMap<Slug, u32> = BTreeMap::new();
    for criterion in &laid.plan.criteria {
        criteria.insert(criterion.measure.name().parse()?, (criterion.bound * MILLION).round() as u32);
    }
    let event = Event::FairnessWatchSet {
        monitor,
        system,
        version,
        criteria,
        alpha_ppm: (laid.plan.alpha * MILLION).round() as u32,
        decision: decided,
    };
    let draft = act.draft(event).about("version", &version).private("plan", &laid)?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(monitor, index))
}

/// What is laid down, if it can be watched.
fn laid(command: &WatchFairness) -> Result<Laid, AppError> {
    let mut criteria = Vec::new();
    for WatchedCriterion { measure, bound } in &command.criteria {
        let wanted = measure.replace('-', "_");
        let Some(known) = Measure::ALL.into_iter().find(|known| known.name() == wanted) else {
            return Err(AppError::invalid("criteria", format!("there is no measure {measure:?}")));
        };
        if criteria.iter().any(|other: &Criterion| other.measure == known) {
            return Err(AppError::invalid("criteria", format!("{measure} is named twice")));
        }
        let source = match known.sourced_bound() {
            Some((sourced, source)) if sourced.to_bits() == bound.to_bits() => source.to_owned(),
            _ => "stated by whoever set the watch".to_owned(),
        };
        criteria.push(Criterion { measure: known, bound: *bound, source });
    }
    let mut attributes: Vec<Watched> = Vec::new();
    for WatchedAttribute { name, values } in &command.attributes {
        if attributes.iter().any(|other| other.name == *name) {
            return Err(AppError::invalid("attributes", format!("{name:?} is named twice")));
        }
        for text in values.iter().chain([name]).chain(&command.positive) {
            if text.is_empty() || text.len() > MAX_TEXT {
                return Err(AppError::invalid(
                    "attributes",
                    format!("{text:?} has not 1 to {MAX_TEXT} bytes"),
                ));
            }
        }
        attributes.push(Watched { name: name.clone(), values: values.clone() });
    }
    let plan = Plan { attributes, criteria, alpha: command.alpha.unwrap_or(ALPHA) };
    Watching::new(plan.clone()).map_err(|error| AppError::invalid("attributes", error.to_string()))?;
    Ok(Laid { plan, positive: command.positive.clone() })
}
