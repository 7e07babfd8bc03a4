//! The inventory: AI systems and vendors, and what served in a system.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::classify::ClassifySystem;
use comptroller_app::deploy::DeploymentView;
use comptroller_app::runtime::RuntimeView;
use comptroller_app::systems::{
    LinkSystem, RegisterSystem, RegisterVendor, SetTag, SystemQuery, SystemView, UpdateSystem, VendorView,
};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::vocab::{SystemKind, SystemStatus};
use comptroller_core::{Environment, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(register_vendor, list_vendors))
        .routes(routes!(register_system, list_systems))
        .routes(routes!(show_system, update_system))
        .routes(routes!(link_system))
        .routes(routes!(classify_system))
        .routes(routes!(tag_system))
        .routes(routes!(show_serving))
        .routes(routes!(list_runtimes))
}

/// Narrows a list of systems.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SystemsQuery {
    /// Only systems of this kind.
    #[param(inline)]
    kind: Option<SystemKind>,
    /// Only systems of this status.
    #[param(inline)]
    status: Option<SystemStatus>,
    /// Only systems of this team, by id or name.
    team: Option<String>,
    /// Part of the short name.
    q: Option<String>,
    /// `key` or `key=value`.
    tag: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Where and when something served.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ServingQuery {
    /// Where.
    #[param(inline)]
    environment: Environment,
    /// The moment (RFC 3339); now if not given. A `+` in an offset is written `%2B`.
    #[param(inline)]
    at: Option<Timestamp>,
}

/// Register a vendor
#[utoipa::path(
    post, path = "/vendors", tag = "Inventory", params(IdempotencyKey), request_body = RegisterVendor,
    responses((status = 200, description = "The vendor is registered", body = Receipt))
)]
async fn register_vendor(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RegisterVendor>,
) -> Answer<Receipt> {
    Ok(Json(app.register_vendor(&call, command).await?))
}

/// List vendors
#[utoipa::path(
    get, path = "/vendors", tag = "Inventory", params(ListQuery),
    responses((status = 200, description = "One page, by name", body = Page<VendorView>))
)]
async fn list_vendors(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<VendorView>> {
    Ok(Json(app.vendors(&caller, query.slice()).await?))
}

/// Register an AI system
///
/// Own, behind a third party's API, or found in use without having been registered.
#[utoipa::path(
    post, path = "/systems", tag = "Inventory", params(IdempotencyKey), request_body = RegisterSystem,
    responses((status = 200, description = "The system is registered", body = Receipt))
)]
async fn register_system(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RegisterSystem>,
) -> Answer<Receipt> {
    Ok(Json(app.register_system(&call, command).await?))
}

/// List AI systems
#[utoipa::path(
    get, path = "/systems", tag = "Inventory", params(SystemsQuery),
    responses((status = 200, description = "One page, by name", body = Page<SystemView>))
)]
async fn list_systems(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<SystemsQuery>,
) -> Answer<Page<SystemView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    let SystemsQuery { kind, status, team, q, tag, .. } = query;
    let query = SystemQuery { kind, status, team, q, tag };
    Ok(Json(app.systems(&caller, query, slice).await?))
}

/// Show an AI system
#[utoipa::path(
    get, path = "/systems/{system}", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name")),
    responses((status = 200, description = "The system", body = SystemView))
)]
async fn show_system(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(system): Segment<String>,
) -> Answer<SystemView> {
    Ok(Json(app.system(&caller, &system).await?))
}

/// Change facts of an AI system
///
/// What is absent stays as it is. At least one field must be there.
#[utoipa::path(
    patch, path = "/systems/{system}", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name"), IdempotencyKey), request_body = UpdateSystem,
    responses((status = 200, description = "The change is recorded", body = Receipt))
)]
async fn update_system(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(system): Segment<String>,
    Body(command): Body<UpdateSystem>,
) -> Answer<Receipt> {
    Ok(Json(app.update_system(&call, system, command).await?))
}

/// Link an AI system
///
/// To another system or to a vendor: name exactly one.
#[utoipa::path(
    post, path = "/systems/{system}/links", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name"), IdempotencyKey), request_body = LinkSystem,
    responses((status = 200, description = "The link is recorded", body = Receipt))
)]
async fn link_system(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(system): Segment<String>,
    Body(command): Body<LinkSystem>,
) -> Answer<Receipt> {
    Ok(Json(app.link_system(&call, system, command).await?))
}

/// Classify the risk of an AI system
///
/// Which tier it has, with the reasons. Rules for a tier hold for a system without one too.
#[utoipa::path(
    post, path = "/systems/{system}/classification", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name"), IdempotencyKey), request_body = ClassifySystem,
    responses((status = 200, description = "The classification is recorded", body = Receipt))
)]
async fn classify_system(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(system): Segment<String>,
    Body(command): Body<ClassifySystem>,
) -> Answer<Receipt> {
    Ok(Json(app.classify_system(&call, system, command).await?))
}

/// Set or remove a tag of an AI system
///
/// Without a value the tag is removed. Tags stand in the ledger in clear: no personal data in them.
#[utoipa::path(
    post, path = "/systems/{system}/tags", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name"), IdempotencyKey), request_body = SetTag,
    responses((status = 200, description = "The tag is set or removed", body = Receipt))
)]
async fn tag_system(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(system): Segment<String>,
    Body(command): Body<SetTag>,
) -> Answer<Receipt> {
    Ok(Json(app.tag_system(&call, system, command).await?))
}

/// Show what served in a system at a moment
///
/// One deployment per model: which version answered then, who put it there, and on what decision.
#[utoipa::path(
    get, path = "/systems/{system}/serving", tag = "Deployment",
    params(("system" = String, Path, description = "Id or name"), ServingQuery),
    responses((status = 200, description = "What served, one item per model", body = Vec<DeploymentView>))
)]
async fn show_serving(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(system): Segment<String>,
    Params(query): Params<ServingQuery>,
) -> Answer<Vec<DeploymentView>> {
    Ok(Json(app.serving(&caller, &system, query.environment, query.at).await?))
}

/// List what the runtimes of a system last reported
#[utoipa::path(
    get, path = "/systems/{system}/runtimes", tag = "Deployment",
    params(("system" = String, Path, description = "Id or name")),
    responses((status = 200, description = "One item per instance", body = Vec<RuntimeView>))
)]
async fn list_runtimes(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(system): Segment<String>,
) -> Answer<Vec<RuntimeView>> {
    Ok(Json(app.runtimes(&caller, &system).await?))
}
