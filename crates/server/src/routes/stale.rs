//! What is stale.

use super::Answer;
use crate::auth::Authenticated;
use crate::extract::Params;
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::App;
use comptroller_app::stale::Stale;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(stale))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StaleQuery {
    /// Only of this system, by id or name.
    system: Option<String>,
}

/// List what is stale
///
/// Risk assessments that do not stand any more, and documents that were issued before something changed that they may not
/// know of, each with the cause and with what to type.
#[utoipa::path(
    get, path = "/stale", tag = "Inventory", params(StaleQuery),
    responses((status = 200, description = "What is stale now", body = Stale))
)]
async fn stale(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<StaleQuery>,
) -> Answer<Stale> {
    Ok(Json(app.stale(&caller, query.system.as_deref()).await?))
}
