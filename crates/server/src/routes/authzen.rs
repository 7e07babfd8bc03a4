//! The AuthZEN Authorization API 1.0, at the addresses that the standard gives: any enforcement point can ask.

use super::{Answer, IdempotencyKey};
use crate::auth::Keyed;
use crate::extract::Body;
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::App;
use comptroller_app::authzen::{Evaluation, EvaluationAnswer, Evaluations, EvaluationsAnswer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(evaluate)).routes(routes!(evaluate_all))
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
