//! Invitations and tokens.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{self, Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::access::{IssueOwnToken, IssueToken, IssuedToken, TokenView};
use comptroller_app::invitations::{InvitePerson, Invited};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::TokenId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(invite))
        .routes(routes!(accept_invitation))
        .routes(routes!(issue_own_token, list_own_tokens))
        .routes(routes!(issue_token, list_tokens))
        .routes(routes!(revoke_own_token))
        .routes(routes!(revoke_token))
}

/// Narrows a list of tokens.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TokensQuery {
    /// Only tokens of this principal, by id.
    principal: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Invite a person
///
/// The answer holds the only copy of the invitation. Whoever has it can make a token as the person, once; hand it over
/// in person or by a channel that only the person reads. An earlier invitation of the person ends.
#[utoipa::path(
    post, path = "/invitations", tag = "Access", params(IdempotencyKey), request_body = InvitePerson,
    responses((status = 200, description = "The invitation", body = Invited))
)]
async fn invite(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<InvitePerson>,
) -> Answer<Invited> {
    Ok(Json(app.invite(&call, command).await?))
}

/// Accept an invitation
///
/// Send the invitation as the credential. It works once. Every earlier token and session of the person ends.
#[utoipa::path(
    post, path = "/invitations/accept", tag = "Access", params(IdempotencyKey), request_body = IssueOwnToken,
    responses((status = 200, description = "The person's token, with its secret", body = IssuedToken))
)]
async fn accept_invitation(
    State(app): State<App>,
    auth::Invited(call): auth::Invited,
    Body(command): Body<IssueOwnToken>,
) -> Answer<IssuedToken> {
    Ok(Json(app.accept_invitation(&call, command).await?))
}

/// Issue a token to oneself
///
/// For people. One that is made with a token ends no later than that token, and cannot be made with one that is bound
/// to an environment.
#[utoipa::path(
    post, path = "/whoami/tokens", tag = "Access", params(IdempotencyKey), request_body = IssueOwnToken,
    responses((status = 200, description = "The token, with its secret", body = IssuedToken))
)]
async fn issue_own_token(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<IssueOwnToken>,
) -> Answer<IssuedToken> {
    Ok(Json(app.issue_own_token(&call, command).await?))
}

/// List one's own tokens
///
/// Anybody with a valid credential may ask.
#[utoipa::path(
    get, path = "/whoami/tokens", tag = "Access", params(ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<TokenView>))
)]
async fn list_own_tokens(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<TokenView>> {
    Ok(Json(app.own_tokens(&caller, query.slice()).await?))
}

/// Issue a token to a service account
///
/// People make their own. The answer holds the only copy of the secret. A repeated answer under an idempotency key does not hold it.
#[utoipa::path(
    post, path = "/tokens", tag = "Access", params(IdempotencyKey), request_body = IssueToken,
    responses((status = 200, description = "The token, with its secret", body = IssuedToken))
)]
async fn issue_token(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<IssueToken>,
) -> Answer<IssuedToken> {
    Ok(Json(app.issue_token(&call, command).await?))
}

/// List tokens
///
/// Without their secrets, which nobody has but their owners.
#[utoipa::path(
    get, path = "/tokens", tag = "Access", params(TokensQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<TokenView>))
)]
async fn list_tokens(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<TokensQuery>,
) -> Answer<Page<TokenView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.tokens(&caller, query.principal.as_deref(), slice).await?))
}

/// Revoke a token at once
///
/// People may revoke their own.
#[utoipa::path(
    post, path = "/tokens/{id}/revoke", tag = "Access",
    params(("id" = TokenId, Path, description = "Id of the token"), IdempotencyKey),
    responses((status = 200, description = "The token is revoked", body = Receipt))
)]
async fn revoke_token(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(id): Segment<TokenId>,
) -> Answer<Receipt> {
    Ok(Json(app.revoke_token(&call, id).await?))
}

/// Revoke the credential of this very request
///
/// Anybody may, for example after a leak.
#[utoipa::path(
    post, path = "/tokens/revoke-own", tag = "Access", params(IdempotencyKey),
    responses((status = 200, description = "The credential is revoked", body = Receipt))
)]
async fn revoke_own_token(State(app): State<App>, Keyed(call): Keyed) -> Answer<Receipt> {
    Ok(Json(app.revoke_own(&call).await?))
}
