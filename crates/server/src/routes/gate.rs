//! The gate: may this version go there? And the decisions on record.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::gate::{CheckGate, DecisionView, GateAnswer};
use comptroller_app::view::Slice;
use comptroller_app::what_if::{WhatIf, WhatIfAnswer};
use comptroller_app::{App, Page};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(check_gate)).routes(routes!(what_if)).routes(routes!(list_decisions))
}

/// Narrows a list of decisions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DecisionsQuery {
    /// Only decisions about this resource, for example `version/<id>`.
    resource: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Ask the gate
///
/// May this version go to this environment? The answer is 200 whatever the outcome, and was recorded before it is
/// given. Every rule that stands against the version is named, with who can put it right.
#[utoipa::path(
    post, path = "/gate", tag = "Governance", params(IdempotencyKey), request_body = CheckGate,
    responses((status = 200, description = "The decision; read its outcome", body = GateAnswer))
)]
async fn check_gate(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<CheckGate>,
) -> Answer<GateAnswer> {
    Ok(Json(app.check_gate(&call, command).await?))
}

/// Ask what the gate would say
///
/// Under other facts, or under the policies of a proposal. Nothing is recorded as a decision, and nothing comes of it.
#[utoipa::path(
    post, path = "/gate/what-if", tag = "Governance", request_body = WhatIf,
    responses((status = 200, description = "What would come out, beside what comes out now", body = WhatIfAnswer))
)]
async fn what_if(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Body(command): Body<WhatIf>,
) -> Answer<WhatIfAnswer> {
    Ok(Json(app.what_if(&caller, command).await?))
}

/// List recorded decisions
#[utoipa::path(
    get, path = "/decisions", tag = "Governance", params(DecisionsQuery),
    responses((status = 200, description = "One page, newest first", body = Page<DecisionView>))
)]
async fn list_decisions(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<DecisionsQuery>,
) -> Answer<Page<DecisionView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.decisions(&caller, query.resource.as_deref(), slice).await?))
}
