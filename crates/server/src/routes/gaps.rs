//! Gap analyses, and which rows of a framework are applicable.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::gaps::{AskGaps, ScopeCriterion};
use comptroller_app::{App, Receipt};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(gaps)).routes(routes!(scope_criterion))
}

/// Of what, and when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GapQuery {
    /// The framework, for example `soc2`.
    framework: String,
    /// Only this system, by name or id.
    system: Option<String>,
    /// The day, `2026-11-27`; without one today.
    as_of: Option<String>,
}

/// Analyse what of a framework the record shows
///
/// Every row: holds, does not, cannot be evidenced, or not applicable, each with what it rests on; and what to do next, in
/// the order in which it completes most rows. No conclusion: what "holds" means stands in the answer.
#[utoipa::path(
    get, path = "/gaps", tag = "Controls", params(GapQuery),
    responses((status = 200, description = "What was found", body = Object))
)]
async fn gaps(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<GapQuery>,
) -> Answer<serde_json::Value> {
    let GapQuery { framework, system, as_of } = query;
    let found = app.gaps(&caller, AskGaps { framework, system, as_of }).await?;
    Ok(Json(serde_json::to_value(found).map_err(comptroller_app::AppError::from)?))
}

/// State whether a row of a framework is applicable
///
/// With the reason. The last statement counts.
#[utoipa::path(
    post, path = "/criteria/scope", tag = "Controls", params(IdempotencyKey), request_body = ScopeCriterion,
    responses((status = 200, description = "Recorded", body = Receipt))
)]
async fn scope_criterion(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<ScopeCriterion>,
) -> Answer<Receipt> {
    Ok(Json(app.scope_criterion(&call, command).await?))
}
