//! Pipelines: whose workload tokens are trusted, and their exchange.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::access::IssuedToken;
use comptroller_app::workloads::{ExchangeToken, TrustView, TrustWorkload};
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::TrustId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(exchange_token))
        .routes(routes!(trust_workload, list_trusts))
        .routes(routes!(distrust_workload))
}

/// Change a workload token for a token
///
/// For pipelines without a secret. The platform's token (a JWT of OpenID Connect) is the credential: it works once, and
/// the token that it is changed for ends after ten minutes.
#[utoipa::path(
    post, path = "/token-exchange", tag = "Access", request_body = ExchangeToken, security(()),
    responses((status = 200, description = "The token, with its secret", body = IssuedToken))
)]
async fn exchange_token(State(app): State<App>, Body(command): Body<ExchangeToken>) -> Answer<IssuedToken> {
    Ok(Json(app.exchange_token(command).await?))
}

/// Trust a workload
///
/// From now on, tokens of the issuer for the audience, in which every named claim has the given value, are changed for
/// tokens of the service account.
#[utoipa::path(
    post, path = "/workload-trusts", tag = "Access", params(IdempotencyKey), request_body = TrustWorkload,
    responses((status = 200, description = "The workload is trusted", body = Receipt))
)]
async fn trust_workload(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<TrustWorkload>,
) -> Answer<Receipt> {
    Ok(Json(app.trust_workload(&call, command).await?))
}

/// List trusted workloads
///
/// With those that are no longer trusted.
#[utoipa::path(
    get, path = "/workload-trusts", tag = "Access", params(ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<TrustView>))
)]
async fn list_trusts(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<TrustView>> {
    Ok(Json(app.workload_trusts(&caller, query.slice()).await?))
}

/// Trust a workload no longer
#[utoipa::path(
    post, path = "/workload-trusts/{id}/end", tag = "Access",
    params(("id" = TrustId, Path, description = "Id of the trust"), IdempotencyKey),
    responses((status = 200, description = "The trust is over", body = Receipt))
)]
async fn distrust_workload(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(id): Segment<TrustId>,
) -> Answer<Receipt> {
    Ok(Json(app.distrust_workload(&call, id).await?))
}
