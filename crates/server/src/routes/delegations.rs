//! Delegations of votes.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::assess::Because;
use comptroller_app::delegations::{CreateDelegation, DelegationView};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::DelegationId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(create_delegation, list_delegations)).routes(routes!(end_delegation))
}

/// Narrows a list of delegations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DelegationsQuery {
    /// Only those from or to this person, by id.
    person: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Name somebody who votes in your stead
///
/// On requests for approval, everywhere or on one system, for at most 30 days. Only votes that you may cast by a role of
/// your own; whoever is named cannot name somebody else in your stead. What holds for you holds for them: nobody who
/// built the version, asked for the approval or administers.
#[utoipa::path(
    post, path = "/delegations", tag = "Governance", params(IdempotencyKey), request_body = CreateDelegation,
    responses((status = 200, description = "The delegation is on record", body = Receipt))
)]
async fn create_delegation(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<CreateDelegation>,
) -> Answer<Receipt> {
    Ok(Json(app.create_delegation(&call, command).await?))
}

/// List delegations
#[utoipa::path(
    get, path = "/delegations", tag = "Governance", params(DelegationsQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<DelegationView>))
)]
async fn list_delegations(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<DelegationsQuery>,
) -> Answer<Page<DelegationView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.delegations(&caller, query.person.as_deref(), slice).await?))
}

/// End a delegation before its time
///
/// By whoever made it, or an owner or administrator. Votes that were cast by it no longer count.
#[utoipa::path(
    post, path = "/delegations/{id}/end", tag = "Governance",
    params(("id" = DelegationId, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "It is over", body = Receipt))
)]
async fn end_delegation(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(id): Segment<DelegationId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.end_delegation(&call, id, command).await?))
}
