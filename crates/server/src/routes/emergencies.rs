//! Emergencies and incidents.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::deploy::Deployed;
use comptroller_app::emergencies::{ConfirmEmergency, EmergencyView, OpenEmergency, ReviewEmergency};
use comptroller_app::incidents::IncidentView;
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::EmergencyId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(open_emergency, list_emergencies))
        .routes(routes!(confirm_emergency))
        .routes(routes!(deploy_in_emergency))
        .routes(routes!(review_emergency))
        .routes(routes!(list_incidents))
}

/// Narrows a list to one system.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SystemQuery {
    /// Only those of this system: its id or name.
    system: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Declare an emergency
///
/// For one version and one environment, for at most 4 hours. It is of no use until a second person has confirmed it.
#[utoipa::path(
    post, path = "/emergencies", tag = "Deployment", params(IdempotencyKey), request_body = OpenEmergency,
    responses((status = 200, description = "The emergency is declared", body = Receipt))
)]
async fn open_emergency(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<OpenEmergency>,
) -> Answer<Receipt> {
    Ok(Json(app.open_emergency(&call, command).await?))
}

/// List emergencies
#[utoipa::path(
    get, path = "/emergencies", tag = "Deployment", params(SystemQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<EmergencyView>))
)]
async fn list_emergencies(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<SystemQuery>,
) -> Answer<Page<EmergencyView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.emergencies(&caller, query.system.as_deref(), slice).await?))
}

/// Confirm somebody else's emergency
///
/// Not by whoever declared it or built the version. An incident is open from now on, and the emergency must be
/// reviewed within 48 hours.
#[utoipa::path(
    post, path = "/emergencies/{emergency}/confirmation", tag = "Deployment",
    params(("emergency" = EmergencyId, Path, description = "Its id"), IdempotencyKey),
    request_body = ConfirmEmergency,
    responses((status = 200, description = "The version can be deployed past the gate, once", body = Receipt))
)]
async fn confirm_emergency(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(emergency): Segment<EmergencyId>,
    Body(command): Body<ConfirmEmergency>,
) -> Answer<Receipt> {
    Ok(Json(app.confirm_emergency(&call, emergency, command).await?))
}

/// Deploy in a confirmed emergency
///
/// Once, before it expires. The rules that stand against the deployment at the gate are recorded with it.
#[utoipa::path(
    post, path = "/emergencies/{emergency}/deployment", tag = "Deployment",
    params(("emergency" = EmergencyId, Path, description = "Its id"), IdempotencyKey),
    responses((status = 200, description = "The version is live", body = Deployed))
)]
async fn deploy_in_emergency(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(emergency): Segment<EmergencyId>,
) -> Answer<Deployed> {
    Ok(Json(app.deploy_in_emergency(&call, emergency).await?))
}

/// Judge an emergency
///
/// By a risk officer who took no part in it. It closes the incident. While a review is overdue nothing of the system is
/// promoted.
#[utoipa::path(
    post, path = "/emergencies/{emergency}/review", tag = "Deployment",
    params(("emergency" = EmergencyId, Path, description = "Its id"), IdempotencyKey),
    request_body = ReviewEmergency,
    responses((status = 200, description = "The review is recorded", body = Receipt))
)]
async fn review_emergency(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(emergency): Segment<EmergencyId>,
    Body(command): Body<ReviewEmergency>,
) -> Answer<Receipt> {
    Ok(Json(app.review_emergency(&call, emergency, command).await?))
}

/// List incidents
#[utoipa::path(
    get, path = "/incidents", tag = "Deployment", params(SystemQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<IncidentView>))
)]
async fn list_incidents(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<SystemQuery>,
) -> Answer<Page<IncidentView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.incidents(&caller, query.system.as_deref(), slice).await?))
}
