//! What operators and their tools ask: is it alive, is it ready, what does it count, what is its interface.

use super::Answer;
use crate::problem::{Code, Problem};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use comptroller_app::App;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(is_alive))
        .routes(routes!(is_ready))
        .routes(routes!(show_metrics))
        .routes(routes!(show_openapi))
}

/// A word about the server.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok` or `ready`.
    status: &'static str,
}

/// Ask whether the server is alive
///
/// Answers as long as the process does; the database does not matter.
#[utoipa::path(
    get, path = "/healthz", tag = "Operations", security(()),
    responses((status = 200, description = "It is", body = Health))
)]
async fn is_alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Ask whether the server takes work
///
/// 503 while the store refuses writes or the database does not answer.
#[utoipa::path(
    get, path = "/readyz", tag = "Operations", security(()),
    responses((status = 200, description = "It does", body = Health))
)]
async fn is_ready(State(app): State<App>) -> Answer<Health> {
    let log = app.log().await.map_err(|error| {
        let detail = "the database does not answer";
        Problem::new(Code::NotReady, detail, "look at the database and at the server's log")
            .because(error.to_string())
    })?;
    if log.read_only {
        let detail =
            "the store is read-only: the published log is ahead of the database, or damage was found";
        return Err(Problem::new(Code::NotReady, detail, "run `comptroller doctor` and follow what it says"));
    }
    Ok(Json(Health { status: "ready" }))
}

/// Show what was counted
///
/// Prometheus text. Public: numbers, with the names of systems and versions; who must not see them is kept out in front.
#[utoipa::path(
    get, path = "/metrics", tag = "Operations", security(()),
    responses((status = 200, description = "The metrics", content_type = "text/plain", body = String))
)]
async fn show_metrics(State(state): State<ServerState>) -> Response {
    let log = match state.app.log().await {
        Ok(log) => Some(log),
        Err(error) => {
            tracing::error!(error = %error, "the ledger's state could not be read for the metrics");
            None
        }
    };
    let drift = state.app.drift_gauges().await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "the judged days could not be read for the metrics");
        Vec::new()
    });
    let text = state.metrics.text(log.as_ref(), state.app.waiting_records(), &drift);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Show the OpenAPI document
///
/// Of this very server, version 3.1. `/docs` shows it to people.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "Operations", security(()),
    responses((status = 200, description = "The document", body = Object))
)]
async fn show_openapi(State(state): State<ServerState>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], state.document).into_response()
}
