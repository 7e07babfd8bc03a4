//! Remediations: what is done about findings.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::remediations::{CloseRemediation, OpenRemediation, PlanRemediation, RemediationView};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::RemediationId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(open_remediation, list_remediations))
        .routes(routes!(show_remediation))
        .routes(routes!(plan_remediation))
        .routes(routes!(close_remediation))
}

/// Narrows a list of remediations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RemediationsQuery {
    /// Only those of this system: its id or name.
    system: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Say that something must be put right
///
/// A bias test that fails and a finding in operation open a remediation by themselves.
#[utoipa::path(
    post, path = "/remediations", tag = "Governance", params(IdempotencyKey), request_body = OpenRemediation,
    responses((status = 200, description = "The remediation is open", body = Receipt))
)]
async fn open_remediation(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<OpenRemediation>,
) -> Answer<Receipt> {
    Ok(Json(app.open_remediation(&call, command).await?))
}

/// List remediations
#[utoipa::path(
    get, path = "/remediations", tag = "Governance", params(RemediationsQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<RemediationView>))
)]
async fn list_remediations(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<RemediationsQuery>,
) -> Answer<Page<RemediationView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.remediations(&caller, query.system.as_deref(), slice).await?))
}

/// Show a remediation
#[utoipa::path(
    get, path = "/remediations/{remediation}", tag = "Governance",
    params(("remediation" = RemediationId, Path, description = "Its id")),
    responses((status = 200, description = "What was found, what is done, and how it ended", body = RemediationView))
)]
async fn show_remediation(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(remediation): Segment<RemediationId>,
) -> Answer<RemediationView> {
    Ok(Json(app.remediation(&caller, remediation).await?))
}

/// Plan a remediation
///
/// Who does what, and until when; the last plan counts. Only a risk officer moves the end to later.
#[utoipa::path(
    post, path = "/remediations/{remediation}/plan", tag = "Governance",
    params(("remediation" = RemediationId, Path, description = "Its id"), IdempotencyKey),
    request_body = PlanRemediation,
    responses((status = 200, description = "The plan is on record", body = Receipt))
)]
async fn plan_remediation(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(remediation): Segment<RemediationId>,
    Body(command): Body<PlanRemediation>,
) -> Answer<Receipt> {
    Ok(Json(app.plan_remediation(&call, remediation, command).await?))
}

/// Close a remediation
///
/// By a bias test of a version of the system that was made after the finding and passed; or a risk officer who neither
/// built the version nor answers for the remediation accepts what remains.
#[utoipa::path(
    post, path = "/remediations/{remediation}/closure", tag = "Governance",
    params(("remediation" = RemediationId, Path, description = "Its id"), IdempotencyKey),
    request_body = CloseRemediation,
    responses((status = 200, description = "It is closed", body = Receipt))
)]
async fn close_remediation(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(remediation): Segment<RemediationId>,
    Body(command): Body<CloseRemediation>,
) -> Answer<Receipt> {
    Ok(Json(app.close_remediation(&call, remediation, command).await?))
}
