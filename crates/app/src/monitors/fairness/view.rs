//! What people read of a watch: every criterion as it stands, the days, and the rates by group over all of them.

use super::judge::state_of;
use super::{Judgement, Laid};
use crate::fairness::Report;
use crate::models::find_version;
use crate::monitors::window::date;
use crate::{App, AppError, Caller};
use comptroller_core::ids::{FairnessMonitorId, SystemId, VersionId};
use comptroller_core::vocab::FairnessState;
use comptroller_core::{Environment, Timestamp};
use comptroller_policy::Action;
use comptroller_report::fairness::{Trace, watched};
use comptroller_stats::fairness::watching::Shown;
use comptroller_store::areas::fairness::{self, FairnessWindowRow};
use comptroller_store::journal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Days that are shown, at most: the newest.
const MAX_SHOWN: i64 = 400;

/// A day of decisions, as it was judged last.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FairnessDay {
    /// The day, `YYYY-MM-DD`, UTC.
    pub day: String,
    /// Records.
    pub rows: u64,
    /// Those whose label has come.
    pub labelled: u64,
    /// How the watch stood after it.
    pub state: FairnessState,
    /// The smallest p-value, valid at any time, over everything that is watched; millionths, rounded up.
    pub p_ppm: u32,
    /// The evidence after it, by game: its logarithm to base 10.
    pub evidence: Vec<f64>,
    /// When it was judged.
    pub judged_at: Timestamp,
    /// The entry that holds the judgement.
    pub ledger_index: u64,
}

/// A watch over the decisions of a version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FairnessView {
    /// The AI system.
    pub system: SystemId,
    /// The version.
    pub version: VersionId,
    /// Where it runs.
    pub environment: Environment,
    /// What it is watched for, as it was laid down.
    pub monitor: FairnessMonitorId,
    /// Who laid it down.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
    /// The chance of a false alarm over everything that is watched and all time.
    pub alpha: f64,
    /// How it stands: the gravest of all games.
    pub state: FairnessState,
    /// Each criterion on each family of groups.
    #[schema(value_type = Vec<Object>)]
    pub games: Vec<Shown>,
    /// The days in their order, the newest 400.
    pub days: Vec<FairnessDay>,
    /// All decisions so far, as `comptroller fairness` shows them. Its verdicts hold for one look only.
    #[schema(value_type = Object)]
    pub report: Report,
}

impl App {
    /// The watch over the decisions of a version in an environment.
    pub async fn fairness_view(
        &self,
        caller: &Caller,
        version: &str,
        environment: Environment,
    ) -> Result<FairnessView, AppError> {
        let mut conn = self.store.read().await?;
        let (model, version) = find_version(&mut conn, version).await?;
        let (system, version) = (model.system.0, version.id.0);
        drop(conn);
        self.may_read(caller, Action::ServingRead, &format!("system/{system}"), Some(system), None).await?;
        let mut conn = self.store.read().await?;
        let missing = || AppError::not_found("fairness watch", format!("{version} in {environment}"));
        let monitor = fairness::of_version(&mut conn, version).await?.ok_or_else(missing)?;
        let latest = fairness::latest(&mut conn, monitor.id.0, environment).await?.ok_or_else(|| {
            AppError::Conflict("no day of its decisions has been judged yet; ask again in a minute".into())
        })?;
        let key = self.store.key();
        let mut days = Vec::new();
        for row in fairness::days(&mut conn, monitor.id.0, environment, MAX_SHOWN).await? {
            let judgement: Option<Judgement> = journal::private(&mut conn, key, Some(row.idx)).await?;
            let evidence = judgement.map_or_else(Vec::new, |one| evidence(&one.watching.shown()));
            days.push(day_view(&row, evidence));
        }
        days.reverse();
        let laid: Option<Laid> = journal::private(&mut conn, key, Some(monitor.idx)).await?;
        let judgement: Option<Judgement> = journal::private(&mut conn, key, Some(latest.idx)).await?;
        let (Some(laid), Some(judgement)) = (laid, judgement) else { return Err(missing()) };
        let watching = judgement.watching;
        Ok(FairnessView {
            system,
            version,
            environment,
            monitor: monitor.id.0,
            set_by: monitor.set_by,
            set_at: monitor.set_at.0,
            alpha: laid.plan.alpha,
            state: state_of(watching.standing()),
            games: watching.shown(),
            days,
            report: watching.report().map_err(|error| AppError::Internal(error.to_string()))?,
        })
    }

    /// The same as one HTML page.
    pub async fn fairness_page(
        &self,
        caller: &Caller,
        version: &str,
        environment: Environment,
    ) -> Result<String, AppError> {
        let view = self.fairness_view(caller, version, environment).await?;
        let days: Vec<(String, Vec<f64>)> =
            view.days.into_iter().map(|day| (day.day, day.evidence)).collect();
        let trace = Trace { games: &view.games, days: &days, alpha: view.alpha };
        Ok(watched(&format!("{version} in {environment}"), &trace, &view.report))
    }
}

fn evidence(shown: &[Shown]) -> Vec<f64> {
    shown.iter().map(|one| one.log_evidence / std::f64::consts::LN_10).collect()
}

fn day_view(row: &FairnessWindowRow, evidence: Vec<f64>) -> FairnessDay {
    FairnessDay {
        day: date(row.day),
        rows: row.row_count.unsigned_abs(),
        labelled: row.labelled.unsigned_abs(),
        state: row.state.0,
        p_ppm: u32::try_from(row.p_ppm).unwrap_or(u32::MAX),
        evidence,
        judged_at: row.judged_at.0,
        ledger_index: row.idx.unsigned_abs(),
    }
}
