//! Datasets, their versions and their lineage.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::datasets::{
    DatasetVersionView, DatasetView, LineageView, RegisterDataset, RegisterDatasetVersion,
};
use comptroller_app::{App, Page, Receipt};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(register_dataset, list_datasets))
        .routes(routes!(show_dataset))
        .routes(routes!(register_dataset_version, list_dataset_versions))
        .routes(routes!(show_lineage))
}

/// Register a dataset
#[utoipa::path(
    post, path = "/datasets", tag = "Datasets", params(IdempotencyKey), request_body = RegisterDataset,
    responses((status = 200, description = "The dataset is registered", body = Receipt))
)]
async fn register_dataset(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RegisterDataset>,
) -> Answer<Receipt> {
    Ok(Json(app.register_dataset(&call, command).await?))
}

/// List datasets
#[utoipa::path(
    get, path = "/datasets", tag = "Datasets", params(ListQuery),
    responses((status = 200, description = "One page, by name", body = Page<DatasetView>))
)]
async fn list_datasets(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<DatasetView>> {
    Ok(Json(app.datasets(&caller, query.slice()).await?))
}

/// Show a dataset
#[utoipa::path(
    get, path = "/datasets/{dataset}", tag = "Datasets",
    params(("dataset" = String, Path, description = "Id or name")),
    responses((status = 200, description = "The dataset", body = DatasetView))
)]
async fn show_dataset(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(dataset): Segment<String>,
) -> Answer<DatasetView> {
    Ok(Json(app.dataset(&caller, &dataset).await?))
}

/// Register a version of a dataset
///
/// Immutable: a correction is a new version. A lineage with a cycle is refused.
#[utoipa::path(
    post, path = "/datasets/{dataset}/versions", tag = "Datasets",
    params(("dataset" = String, Path, description = "Id or name"), IdempotencyKey),
    request_body = RegisterDatasetVersion,
    responses((status = 200, description = "The version is registered", body = Receipt))
)]
async fn register_dataset_version(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(dataset): Segment<String>,
    Body(command): Body<RegisterDatasetVersion>,
) -> Answer<Receipt> {
    Ok(Json(app.register_dataset_version(&call, dataset, command).await?))
}

/// List the versions of a dataset
#[utoipa::path(
    get, path = "/datasets/{dataset}/versions", tag = "Datasets",
    params(("dataset" = String, Path, description = "Id or name")),
    responses((status = 200, description = "All versions, oldest first", body = Vec<DatasetVersionView>))
)]
async fn list_dataset_versions(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(dataset): Segment<String>,
) -> Answer<Vec<DatasetVersionView>> {
    Ok(Json(app.dataset_versions(&caller, &dataset).await?))
}

/// Show what a dataset version was made from
///
/// Directly or not, with the edges of the graph.
#[utoipa::path(
    get, path = "/dataset-versions/{version}/lineage", tag = "Datasets",
    params(("version" = String, Path, description = "Id, or dataset@label")),
    responses((status = 200, description = "The lineage", body = LineageView))
)]
async fn show_lineage(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(version): Segment<String>,
) -> Answer<LineageView> {
    Ok(Json(app.lineage(&caller, &version).await?))
}
