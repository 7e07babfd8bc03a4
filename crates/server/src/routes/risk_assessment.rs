//! The risk of AI systems in five dimensions.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::assessments::{AssessRisk, AssessmentView};
use comptroller_app::{App, Receipt};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(assess_risk)).routes(routes!(show_risk_assessment))
}

/// Assess the risk of an AI system
///
/// In five dimensions, from what the record answers and from what people say. An answer that contradicts the record is
/// refused. Whoever built a version of the system does not lower the band.
#[utoipa::path(
    post, path = "/systems/{system}/assessment", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name"), IdempotencyKey), request_body = AssessRisk,
    responses((status = 200, description = "The assessment is recorded", body = Receipt))
)]
async fn assess_risk(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(system): Segment<String>,
    Body(command): Body<AssessRisk>,
) -> Answer<Receipt> {
    Ok(Json(app.assess_risk(&call, system, command).await?))
}

/// Show the newest risk assessment of an AI system
///
/// As recorded, with the contribution and the source of each answer, whether it can be made again, why it is stale, and
/// what it would come to today.
#[utoipa::path(
    get, path = "/systems/{system}/assessment", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name")),
    responses((status = 200, description = "The assessment", body = AssessmentView))
)]
async fn show_risk_assessment(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(system): Segment<String>,
) -> Answer<AssessmentView> {
    Ok(Json(app.risk_assessment(&caller, &system).await?))
}
