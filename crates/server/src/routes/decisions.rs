//! Recorded decisions, one by one: whole, and as a signed statement for others.

use super::Answer;
use crate::auth::Authenticated;
use crate::extract::Segment;
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::App;
use comptroller_app::decisions::DecisionRecord;
use comptroller_app::statement::SignedStatement;
use comptroller_core::ids::DecisionId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(show_decision)).routes(routes!(sign_decision))
}

/// Show a recorded decision
///
/// With its facts, where they come from, and every rule that stood against the act.
#[utoipa::path(
    get, path = "/decisions/{id}", tag = "Governance",
    params(("id" = DecisionId, Path, description = "Id of the decision")),
    responses((status = 200, description = "The decision", body = DecisionRecord))
)]
async fn show_decision(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<DecisionId>,
) -> Answer<DecisionRecord> {
    Ok(Json(app.decision(&caller, id).await?))
}

/// Show a decision as a signed statement
///
/// An in-toto statement (SLSA verification summary) about the version's artifacts in a DSSE envelope, signed by the
/// ledger's key. `verificationResult` is PASSED only if the outcome was allow. Only for decisions of the gate and on
/// deployments.
#[utoipa::path(
    get, path = "/decisions/{id}/statement", tag = "Governance",
    params(("id" = DecisionId, Path, description = "Id of the decision")),
    responses((status = 200, description = "The envelope", body = SignedStatement))
)]
async fn sign_decision(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<DecisionId>,
) -> Answer<SignedStatement> {
    Ok(Json(app.decision_statement(&caller, id).await?))
}
