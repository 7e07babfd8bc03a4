//! Requests for approval, and votes on them.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::approvals::{ApprovalView, CastVote, RequestApproval};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::ApprovalId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(request_approval, list_approvals))
        .routes(routes!(show_approval))
        .routes(routes!(cast_vote))
}

/// Narrows a list of requests.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ApprovalsQuery {
    /// Only requests about this version: its id, or `model@label`.
    version: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Ask for approval of a version in an environment
///
/// The request binds the version's artifacts, the environment and the policy bundle. It stays open for 14 days.
#[utoipa::path(
    post, path = "/approvals", tag = "Governance", params(IdempotencyKey), request_body = RequestApproval,
    responses((status = 200, description = "The request is open", body = Receipt))
)]
async fn request_approval(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RequestApproval>,
) -> Answer<Receipt> {
    Ok(Json(app.request_approval(&call, command).await?))
}

/// List requests for approval
#[utoipa::path(
    get, path = "/approvals", tag = "Governance", params(ApprovalsQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<ApprovalView>))
)]
async fn list_approvals(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ApprovalsQuery>,
) -> Answer<Page<ApprovalView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.approvals(&caller, query.version.as_deref(), slice).await?))
}

/// Show a request for approval with its votes
#[utoipa::path(
    get, path = "/approvals/{id}", tag = "Governance",
    params(("id" = ApprovalId, Path, description = "Id of the request")),
    responses((status = 200, description = "The request", body = ApprovalView))
)]
async fn show_approval(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<ApprovalId>,
) -> Answer<ApprovalView> {
    Ok(Json(app.approval(&caller, id).await?))
}

/// Vote on a request for approval
///
/// Once per person. Who built the version, who asked, and who administers cannot vote. A denial ends the request.
/// `in_stead_of` names a person who has delegated to the caller; the limits hold for both.
#[utoipa::path(
    post, path = "/approvals/{id}/votes", tag = "Governance",
    params(("id" = ApprovalId, Path, description = "Id of the request"), IdempotencyKey), request_body = CastVote,
    responses((status = 200, description = "The vote is recorded", body = Receipt))
)]
async fn cast_vote(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(id): Segment<ApprovalId>,
    Body(command): Body<CastVote>,
) -> Answer<Receipt> {
    Ok(Json(app.vote(&call, id, command).await?))
}
