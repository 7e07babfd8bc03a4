//! Fairness of running models: what decisions are watched for, and how the watch stands.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Segment};
use crate::problem::Problem;
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use comptroller_app::monitors::fairness::{FairnessView, WatchFairness};
use comptroller_app::{App, Receipt};
use comptroller_core::Environment;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(watch_fairness))
        .routes(routes!(show_fairness))
        .routes(routes!(fairness_page))
}

/// Say what the decisions of a version are watched for
///
/// Groups, criteria and the chance of a false alarm over all time, by a decision on record. The watch begins anew, and
/// every day of records is judged by it. What runs in production is watched by what a risk officer says.
#[utoipa::path(
    post, path = "/fairness-watches", tag = "Monitoring", params(IdempotencyKey), request_body = WatchFairness,
    responses((status = 200, description = "The decisions are watched", body = Receipt))
)]
async fn watch_fairness(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<WatchFairness>,
) -> Answer<Receipt> {
    Ok(Json(app.watch_fairness(&call, command).await?))
}

/// Show how the watch over the decisions of a version stands
///
/// Each criterion with its evidence, which may be looked at every day; the days; and rates by group with intervals. A
/// finding opens a remediation. There is no pass: too few rows are insufficient evidence, and no finding is no finding.
#[utoipa::path(
    get, path = "/versions/{version}/fairness/{environment}", tag = "Monitoring",
    params(
        ("version" = String, Path, description = "The version: its id, or `model@label`"),
        ("environment" = Environment, Path, description = "Where it runs")
    ),
    responses(
        (status = 200, description = "The watch", body = FairnessView),
        (status = 409, description = "No day has been judged yet")
    )
)]
async fn show_fairness(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((version, environment)): Segment<(String, Environment)>,
) -> Answer<FairnessView> {
    Ok(Json(app.fairness_view(&caller, &version, environment).await?))
}

/// Show the watch over the decisions of a version as a page
///
/// One HTML page that needs nothing else.
#[utoipa::path(
    get, path = "/versions/{version}/fairness/{environment}/page", tag = "Monitoring",
    params(
        ("version" = String, Path, description = "The version: its id, or `model@label`"),
        ("environment" = Environment, Path, description = "Where it runs")
    ),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 409, description = "No day has been judged yet")
    )
)]
async fn fairness_page(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((version, environment)): Segment<(String, Environment)>,
) -> Result<impl IntoResponse, Problem> {
    let page = app.fairness_page(&caller, &version, environment).await?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page))
}
