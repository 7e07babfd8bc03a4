//! What runtimes say they have loaded, held against the record.

use crate::act::Call;
use crate::{App, AppError, Caller, systems};
use comptroller_core::ids::SystemId;
use comptroller_core::{Digest, Environment, Event, Slug, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::deployments;
use comptroller_store::areas::models;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An unchanged report is recorded again after this long, so that silence is visible.
const REPEAT_MICROS: i64 = 3_600_000_000;

/// A runtime's report.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRuntime {
    /// The AI system, by id or name.
    pub system: String,
    /// Where the runtime runs.
    pub environment: Environment,
    /// Which process or host.
    pub instance: Slug,
    /// SHA-256 of the model file that it has loaded.
    pub loaded: Digest,
}

/// The answer to a report.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RuntimeAnswer {
    /// Whether the file belongs to a version that is live here.
    pub matches: bool,
    /// Digests that would match.
    pub expected: Vec<Digest>,
    /// Index of the event, if the report changed anything or an hour has passed.
    pub ledger_index: Option<u64>,
}

/// What an instance last reported.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RuntimeView {
    /// The AI system.
    pub system: SystemId,
    /// Where.
    pub environment: Environment,
    /// Which process or host.
    pub instance: Slug,
    /// SHA-256 of the file it has loaded.
    pub loaded: Digest,
    /// Whether that file belonged to a version on record.
    pub matches: bool,
    /// When that was last recorded.
    pub reported_at: Timestamp,
}

impl App {
    /// Takes a report; a mismatch between record and runtime is an event of its own kind of state.
    pub async fn report_runtime(
        &self,
        call: &Call,
        command: ReportRuntime,
    ) -> Result<RuntimeAnswer, AppError> {
        self.act(call, "runtime.report", command, |mut act, command| {
            Box::pin(async move {
                let system = systems::find(act.conn(), &command.system).await?.id.0;
                let environment = command.environment;
                let resource = format!("system/{system}");
                act.authorise(Action::RuntimeReport, &resource, Some(system), Some(environment), Facts::new())
                    .await?;
                let now = act.now();
                let mut expected = Vec::new();
                for live in deployments::serving(act.conn(), system, environment, now).await? {
                    if let Some(version) = models::version(act.conn(), live.version.0).await? {
                        let artifacts = crate::models::facts(&version)?.artifacts;
                        expected.extend(artifacts.into_iter().map(|artifact| artifact.digest));
                    }
                }
                let matches = expected.contains(&command.loaded);
                let last = deployments::runtimes(act.conn(), system).await?.into_iter().find(|row| {
                    row.environment.0 == environment && row.instance.0 == command.instance
                });
                let unchanged = last.is_some_and(|row| {
                    row.loaded.0 == command.loaded
                        && row.matches == matches
                        && now.micros() - row.reported_at.0.micros() < REPEAT_MICROS
                });
                if unchanged {
                    return Ok(RuntimeAnswer { matches, expected, ledger_index: None });
                }
                let event = Event::RuntimeReported {
                    system,
                    environment,
                    instance: command.instance,
                    loaded: command.loaded,
                    expected: expected.first().cloned(),
                    matches,
                };
                let draft = act.draft(event).about("system", &system);
                let index = act.record(draft).await?;
                if !matches {
                    tracing::warn!(system.id = %system, environment = %environment, "a runtime has loaded a file that is not on record");
                }
                Ok(RuntimeAnswer { matches, expected, ledger_index: Some(index) })
            })
        })
        .await
    }

    /// What the instances of a system last reported.
    pub async fn runtimes(&self, caller: &Caller, system: &str) -> Result<Vec<RuntimeView>, AppError> {
        let mut conn = self.store.read().await?;
        let system = systems::find(&mut conn, system).await?.id.0;
        drop(conn);
        self.may_read(caller, Action::ServingRead, &format!("system/{system}"), Some(system), None).await?;
        let mut conn = self.store.read().await?;
        let rows = deployments::runtimes(&mut conn, system).await?;
        Ok(rows
            .into_iter()
            .map(|row| RuntimeView {
                system: row.system.0,
                environment: row.environment.0,
                instance: row.instance.0,
                loaded: row.loaded.0,
                matches: row.matches,
                reported_at: row.reported_at.0,
            })
            .collect())
    }
}
