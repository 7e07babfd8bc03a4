//! Retention and legal holds.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::assess::Because;
use comptroller_app::holds::{HoldView, PlaceHold};
use comptroller_app::retention::{PurgeReport, RetentionView, RunPurge};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::HoldId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(show_retention))
        .routes(routes!(run_purge))
        .routes(routes!(place_hold, list_holds))
        .routes(routes!(release_hold))
}

/// Which holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HoldQuery {
    /// Whether released ones are listed too.
    #[serde(default)]
    all: bool,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Show what is kept how long
///
/// By the policies in force and what was said about each data set, what goes next, and what a legal hold keeps.
#[utoipa::path(
    get, path = "/retention", tag = "Retention",
    responses((status = 200, description = "Every class, and the next files to go", body = RetentionView))
)]
async fn show_retention(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Answer<RetentionView> {
    Ok(Json(app.retention(&caller).await?))
}

/// Purge what is older than its maximum
///
/// It happens by itself at the start of a server and once a day. Nothing younger than its minimum, in use or under a
/// legal hold is purged. With `dry_run` it is only said what would go.
#[utoipa::path(
    post, path = "/retention/purge", tag = "Retention", request_body = RunPurge,
    responses((status = 200, description = "What was purged; each is on record", body = PurgeReport))
)]
async fn run_purge(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Body(command): Body<RunPurge>,
) -> Answer<PurgeReport> {
    Ok(Json(app.purge(&caller, command).await?))
}

/// Place a legal hold
///
/// On a version, a system, or everything. Files of the versions, the data sets that they were made from, documents of
/// the evidence and the notes of the system stay until it is released.
#[utoipa::path(
    post, path = "/holds", tag = "Retention", params(IdempotencyKey), request_body = PlaceHold,
    responses((status = 200, description = "It holds from this entry on", body = Receipt))
)]
async fn place_hold(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<PlaceHold>,
) -> Answer<Receipt> {
    Ok(Json(app.place_hold(&call, command).await?))
}

/// List legal holds
#[utoipa::path(
    get, path = "/holds", tag = "Retention", params(HoldQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<HoldView>))
)]
async fn list_holds(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<HoldQuery>,
) -> Answer<Page<HoldView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.holds(&caller, query.all, slice).await?))
}

/// Release a legal hold
///
/// Not by whoever placed it, and by nobody who may purge.
#[utoipa::path(
    post, path = "/holds/{hold}/release", tag = "Retention",
    params(("hold" = HoldId, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "It holds no longer", body = Receipt))
)]
async fn release_hold(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(hold): Segment<HoldId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.release_hold(&call, hold, command).await?))
}
