//! People, service accounts, roles and teams.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::people::{
    AddPerson, AddServiceAccount, ChangeMember, ChangeRole, CreateTeam, PrincipalView, TeamView,
};
use comptroller_app::{App, Page, Receipt};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(whoami))
        .routes(routes!(add_person))
        .routes(routes!(add_service_account))
        .routes(routes!(list_principals))
        .routes(routes!(show_principal))
        .routes(routes!(disable_principal))
        .routes(routes!(unlink_identity))
        .routes(routes!(grant_role))
        .routes(routes!(revoke_role))
        .routes(routes!(create_team, list_teams))
        .routes(routes!(add_team_member))
        .routes(routes!(remove_team_member))
}

/// Who the caller is
///
/// Anybody with a valid credential may ask. Reading oneself is no event.
#[utoipa::path(
    get, path = "/whoami", tag = "People",
    responses((status = 200, description = "The caller", body = PrincipalView))
)]
async fn whoami(State(app): State<App>, Authenticated(caller): Authenticated) -> Answer<PrincipalView> {
    Ok(Json(app.whoami(&caller).await?))
}

/// Add a person
///
/// Name and address are stored under a key of the person's own; the ledger holds only a commitment to them.
#[utoipa::path(
    post, path = "/persons", tag = "People", params(IdempotencyKey), request_body = AddPerson,
    responses((status = 200, description = "The person is known", body = Receipt))
)]
async fn add_person(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<AddPerson>,
) -> Answer<Receipt> {
    Ok(Json(app.add_person(&call, command).await?))
}

/// Add a service account
///
/// A program that acts under its own name. It never counts in a quorum.
#[utoipa::path(
    post, path = "/service-accounts", tag = "People", params(IdempotencyKey), request_body = AddServiceAccount,
    responses((status = 200, description = "The service account is known", body = Receipt))
)]
async fn add_service_account(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<AddServiceAccount>,
) -> Answer<Receipt> {
    Ok(Json(app.add_service_account(&call, command).await?))
}

/// List people and service accounts
///
/// Reading people is itself an event.
#[utoipa::path(
    get, path = "/principals", tag = "People", params(ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<PrincipalView>))
)]
async fn list_principals(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<PrincipalView>> {
    Ok(Json(app.principals(&caller, query.slice()).await?))
}

/// Show a person or a service account
///
/// Reading a person is itself an event.
#[utoipa::path(
    get, path = "/principals/{name}", tag = "People",
    params(("name" = String, Path, description = "Id, or the name of a service account")),
    responses((status = 200, description = "The principal", body = PrincipalView))
)]
async fn show_principal(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(name): Segment<String>,
) -> Answer<PrincipalView> {
    Ok(Json(app.principal(&caller, &name).await?))
}

/// Disable a person or a service account
///
/// It can no longer act, and its credentials are refused. What it did stays.
#[utoipa::path(
    post, path = "/principals/{name}/disable", tag = "People",
    params(("name" = String, Path, description = "Id, or the name of a service account"), IdempotencyKey),
    responses((status = 200, description = "The account is disabled", body = Receipt))
)]
async fn disable_principal(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(name): Segment<String>,
) -> Answer<Receipt> {
    Ok(Json(app.disable_principal(&call, name).await?))
}

/// Unlink a person's account at the identity provider
///
/// For an account that is gone, or in wrong hands. Every credential of the person ends; at the next sign-in the person
/// is found by the verified e-mail address again.
#[utoipa::path(
    post, path = "/principals/{name}/unlink", tag = "People",
    params(("name" = String, Path, description = "Id of the person"), IdempotencyKey),
    responses((status = 200, description = "No account is linked", body = Receipt))
)]
async fn unlink_identity(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(name): Segment<String>,
) -> Answer<Receipt> {
    Ok(Json(app.unlink_identity(&call, name).await?))
}

/// Grant a role
///
/// For the whole organisation, or for one system.
#[utoipa::path(
    post, path = "/roles/grant", tag = "People", params(IdempotencyKey), request_body = ChangeRole,
    responses((status = 200, description = "The role is granted", body = Receipt))
)]
async fn grant_role(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<ChangeRole>,
) -> Answer<Receipt> {
    Ok(Json(app.grant_role(&call, command).await?))
}

/// Revoke a role
#[utoipa::path(
    post, path = "/roles/revoke", tag = "People", params(IdempotencyKey), request_body = ChangeRole,
    responses((status = 200, description = "The role is revoked", body = Receipt))
)]
async fn revoke_role(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<ChangeRole>,
) -> Answer<Receipt> {
    Ok(Json(app.revoke_role(&call, command).await?))
}

/// Create a team
#[utoipa::path(
    post, path = "/teams", tag = "People", params(IdempotencyKey), request_body = CreateTeam,
    responses((status = 200, description = "The team exists", body = Receipt))
)]
async fn create_team(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<CreateTeam>,
) -> Answer<Receipt> {
    Ok(Json(app.create_team(&call, command).await?))
}

/// List teams with their members
#[utoipa::path(
    get, path = "/teams", tag = "People", params(ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<TeamView>))
)]
async fn list_teams(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<TeamView>> {
    Ok(Json(app.teams(&caller, query.slice()).await?))
}

/// Add a member to a team
#[utoipa::path(
    post, path = "/teams/members/add", tag = "People", params(IdempotencyKey), request_body = ChangeMember,
    responses((status = 200, description = "The member is in the team", body = Receipt))
)]
async fn add_team_member(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<ChangeMember>,
) -> Answer<Receipt> {
    Ok(Json(app.add_member(&call, command).await?))
}

/// Remove a member from a team
#[utoipa::path(
    post, path = "/teams/members/remove", tag = "People", params(IdempotencyKey), request_body = ChangeMember,
    responses((status = 200, description = "The member is out of the team", body = Receipt))
)]
async fn remove_team_member(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<ChangeMember>,
) -> Answer<Receipt> {
    Ok(Json(app.remove_member(&call, command).await?))
}
