//! The AuthZEN Authorization API 1.0, at the addresses that the standard gives: any enforcement point can ask.

use super::{Answer, IdempotencyKey};
use crate::auth::Keyed;
use crate::extract::Body;
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::App;
use comptroller_app::authzen::{Evaluation, EvaluationAnswer, Evaluations, EvaluationsAnswer};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(configuration))
        .routes(routes!(evaluate))
        .routes(routes!(evaluate_all))
}

/// Where this decision point is asked (AuthZEN 1.0, section 9).
#[derive(Debug, Serialize, ToSchema)]
struct Configuration {
    /// The address of the decision point.
    policy_decision_point: String,
    /// Where one question is asked.
    access_evaluation_endpoint: String,
    /// Where several are.
    access_evaluations_endpoint: String,
}

/// Show where this decision point is asked (AuthZEN)
///
/// Public: addresses only. They begin with `server.public_url`, or with the address that the server listens on.
#[utoipa::path(
    get, path = "/.well-known/authzen-configuration", tag = "Governance", security(()),
    responses((status = 200, description = "The addresses", body = Configuration))
)]
async fn configuration(State(state): State<ServerState>) -> Json<Configuration> {
    let base = &state.base;
    Json(Configuration {
        policy_decision_point: base.to_string(),
        access_evaluation_endpoint: format!("{base}/access/v1/evaluation"),
        access_evaluations_endpoint: format!("{base}/access/v1/evaluations"),
    })
}

/// Ask whether a principal may do an act (AuthZEN)
///
/// For enforcement points of other programs. The answer is 200 whatever the decision, and was recorded before it is
/// given. Facts are read by the server; unknown fields are ignored, as the standard asks.
#[utoipa::path(
    post, path = "/access/v1/evaluation", tag = "Governance", params(IdempotencyKey), request_body = Evaluation,
    responses((status = 200, description = "True or false, with the reasons", body = EvaluationAnswer))
)]
async fn evaluate(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<Evaluation>,
) -> Answer<EvaluationAnswer> {
    Ok(Json(app.evaluate(&call, command).await?))
}

/// Ask several such questions at once (AuthZEN)
///
/// At most 100. What a question leaves out is taken from the request. A question that cannot be answered is `false`
/// with `context.error`.
#[utoipa::path(
    post, path = "/access/v1/evaluations", tag = "Governance", params(IdempotencyKey), request_body = Evaluations,
    responses((status = 200, description = "The answers in order", body = EvaluationsAnswer))
)]
async fn evaluate_all(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<Evaluations>,
) -> Answer<EvaluationsAnswer> {
    Ok(Json(app.evaluate_all(&call, command).await?))
}
