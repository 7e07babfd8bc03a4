//! Deployments, rollbacks, drills, and the reports of runtimes.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::deploy::{Deploy, Deployed, DeploymentView, DrillRollback, Drilled, Rollback};
use comptroller_app::operate::OperationView;
use comptroller_app::population::ChangeView;
use comptroller_app::runtime::{ReportRuntime, RuntimeAnswer};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page};
use comptroller_core::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(deploy_version, list_deployments))
        .routes(routes!(list_operations))
        .routes(routes!(list_changes))
        .routes(routes!(roll_back))
        .routes(routes!(drill_rollback))
        .routes(routes!(report_runtime))
}

/// Narrows a list of deployments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeploymentsQuery {
    /// Only deployments of this system, by id or name.
    system: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Narrows a list of changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangesQuery {
    /// Only changes from this moment on (RFC 3339). A `+` in an offset is written `%2B`.
    #[param(inline)]
    from: Option<Timestamp>,
    /// Only changes before this moment.
    #[param(inline)]
    to: Option<Timestamp>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Deploy a version
///
/// Happens if the gate allows it. A refusal is 403 and names every rule that stands against it.
#[utoipa::path(
    post, path = "/deployments", tag = "Deployment", params(IdempotencyKey), request_body = Deploy,
    responses((status = 200, description = "The version is live", body = Deployed))
)]
async fn deploy_version(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<Deploy>,
) -> Answer<Deployed> {
    Ok(Json(app.deploy(&call, command).await?))
}

/// List deployments
#[utoipa::path(
    get, path = "/deployments", tag = "Deployment", params(DeploymentsQuery),
    responses((status = 200, description = "One page, newest first", body = Page<DeploymentView>))
)]
async fn list_deployments(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<DeploymentsQuery>,
) -> Answer<Page<DeploymentView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.deployments(&caller, query.system.as_deref(), slice).await?))
}

/// List what runs in production, as the policies see it now
///
/// Whether each deployment may go on running, the rules that stand against it, what they ask for, and what lapses next
/// if nobody acts.
#[utoipa::path(
    get, path = "/operations", tag = "Deployment", params(DeploymentsQuery),
    responses((status = 200, description = "One page, oldest deployment first", body = Page<OperationView>))
)]
async fn list_operations(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<DeploymentsQuery>,
) -> Answer<Page<OperationView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.operations(&caller, query.system.as_deref(), slice).await?))
}

/// List the changes of production
///
/// Each with who asked, who built, who approved and when, the evidence, the decision and who put it there. An evidence
/// pack holds the same for the whole log, and `policy recheck` shows that no change of the log is missing in it.
#[utoipa::path(
    get, path = "/changes", tag = "Deployment", params(ChangesQuery),
    responses((status = 200, description = "One page, newest first", body = Page<ChangeView>))
)]
async fn list_changes(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ChangesQuery>,
) -> Answer<Page<ChangeView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.changes(&caller, query.from, query.to, slice).await?))
}

/// Roll back to an earlier version
///
/// To a version that served in this environment before; needs no new approval.
#[utoipa::path(
    post, path = "/rollbacks", tag = "Deployment", params(IdempotencyKey), request_body = Rollback,
    responses((status = 200, description = "The earlier version is live", body = Deployed))
)]
async fn roll_back(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<Rollback>,
) -> Answer<Deployed> {
    Ok(Json(app.rollback(&call, command).await?))
}

/// Rehearse a rollback
///
/// Reads the earlier version's artifacts back and hashes them, switches to it, switches back, and records how long
/// that took. Both switches are real and stand in the history.
#[utoipa::path(
    post, path = "/drills", tag = "Deployment", params(IdempotencyKey), request_body = DrillRollback,
    responses((status = 200, description = "The rehearsal worked", body = Drilled))
)]
async fn drill_rollback(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<DrillRollback>,
) -> Answer<Drilled> {
    Ok(Json(app.drill(&call, command).await?))
}

/// Report what a runtime has loaded
///
/// Held against the record. A change, a mismatch and each hour of the same are events.
#[utoipa::path(
    post, path = "/runtimes", tag = "Deployment", params(IdempotencyKey), request_body = ReportRuntime,
    responses((status = 200, description = "Whether record and runtime agree", body = RuntimeAnswer))
)]
async fn report_runtime(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<ReportRuntime>,
) -> Answer<RuntimeAnswer> {
    Ok(Json(app.report_runtime(&call, command).await?))
}
