//! Models and their immutable versions.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::audit::ReaderView;
use comptroller_app::models::{Annotate, ModelView, RegisterModel, RegisterVersion, VersionView};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(register_model, list_models))
        .routes(routes!(show_model))
        .routes(routes!(register_version, list_versions))
        .routes(routes!(list_readers))
        .routes(routes!(show_version))
        .routes(routes!(annotate_version))
}

/// Narrows a list of models.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ModelsQuery {
    /// Only models of this system, by id or name.
    system: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Register a model in a system
#[utoipa::path(
    post, path = "/models", tag = "Models", params(IdempotencyKey), request_body = RegisterModel,
    responses((status = 200, description = "The model is registered", body = Receipt))
)]
async fn register_model(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RegisterModel>,
) -> Answer<Receipt> {
    Ok(Json(app.register_model(&call, command).await?))
}

/// List models
#[utoipa::path(
    get, path = "/models", tag = "Models", params(ModelsQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<ModelView>))
)]
async fn list_models(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ModelsQuery>,
) -> Answer<Page<ModelView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.models(&caller, query.system.as_deref(), slice).await?))
}

/// Show a model
#[utoipa::path(
    get, path = "/models/{model}", tag = "Models",
    params(("model" = String, Path, description = "Id, name, or system/model with the slash written %2F")),
    responses((status = 200, description = "The model", body = ModelView))
)]
async fn show_model(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(model): Segment<String>,
) -> Answer<ModelView> {
    Ok(Json(app.model(&caller, &model).await?))
}

/// Register a version of a model
///
/// Immutable from then on. Its artifacts must be stored and its datasets registered before.
#[utoipa::path(
    post, path = "/models/{model}/versions", tag = "Models",
    params(
        ("model" = String, Path, description = "Id, name, or system/model with the slash written %2F"),
        IdempotencyKey
    ),
    request_body = RegisterVersion,
    responses((status = 200, description = "The version is registered", body = Receipt))
)]
async fn register_version(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(model): Segment<String>,
    Body(command): Body<RegisterVersion>,
) -> Answer<Receipt> {
    Ok(Json(app.register_version(&call, model, command).await?))
}

/// List the versions of a model
///
/// Reading records of a model is itself an event.
#[utoipa::path(
    get, path = "/models/{model}/versions", tag = "Models",
    params(("model" = String, Path, description = "Id, name, or system/model with the slash written %2F"), ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<VersionView>))
)]
async fn list_versions(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(model): Segment<String>,
    Params(query): Params<ListQuery>,
) -> Answer<Page<VersionView>> {
    Ok(Json(app.versions(&caller, &model, query.slice()).await?))
}

/// List who read the records of a model, and how often
///
/// Reading the audit log is itself an event.
#[utoipa::path(
    get, path = "/models/{model}/readers", tag = "Models",
    params(("model" = String, Path, description = "Id, name, or system/model with the slash written %2F")),
    responses((status = 200, description = "One item per reader", body = Vec<ReaderView>))
)]
async fn list_readers(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(model): Segment<String>,
) -> Answer<Vec<ReaderView>> {
    Ok(Json(app.readers(&caller, &model).await?))
}

/// Show a version
///
/// Reading records of a model is itself an event.
#[utoipa::path(
    get, path = "/versions/{version}", tag = "Models",
    params(("version" = String, Path, description = "Id, model@label, or system/model@label with the slash as %2F")),
    responses((status = 200, description = "The version", body = VersionView))
)]
async fn show_version(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(version): Segment<String>,
) -> Answer<VersionView> {
    Ok(Json(app.version(&caller, &version).await?))
}

/// Add a note to a version
///
/// The version itself never changes.
#[utoipa::path(
    post, path = "/versions/{version}/annotations", tag = "Models",
    params(
        ("version" = String, Path, description = "Id, model@label, or system/model@label with the slash as %2F"),
        IdempotencyKey
    ),
    request_body = Annotate,
    responses((status = 200, description = "The note is recorded", body = Receipt))
)]
async fn annotate_version(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(version): Segment<String>,
    Body(command): Body<Annotate>,
) -> Answer<Receipt> {
    Ok(Json(app.annotate(&call, version, command).await?))
}
