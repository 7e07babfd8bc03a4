//! Controls, their tests over a window, and what is done about exceptions.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::assess::Because;
use comptroller_app::controls::{AdoptControl, ControlTest, ControlView, NoteException, TestControls};
use comptroller_app::{App, Receipt};
use comptroller_core::Timestamp;
use comptroller_core::name::ControlId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(adopt_control, list_controls))
        .routes(routes!(retire_control))
        .routes(routes!(test_controls))
        .routes(routes!(note_exception))
}

/// Which controls, and over which window.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TestQuery {
    /// First moment of the window, RFC 3339.
    from: Timestamp,
    /// First moment after it.
    to: Timestamp,
    /// Only controls that serve this framework, for example `soc2`.
    framework: Option<String>,
    /// Only this control.
    control: Option<String>,
}

/// Put a control in operation
///
/// By the definition of the product's library, or an own one. It counts from this entry on. A control that is in
/// operation gets another definition this way, and the entry records the change.
#[utoipa::path(
    post, path = "/controls", tag = "Controls", params(IdempotencyKey), request_body = AdoptControl,
    responses((status = 200, description = "It counts from this entry on", body = Receipt))
)]
async fn adopt_control(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<AdoptControl>,
) -> Answer<Receipt> {
    Ok(Json(app.adopt_control(&call, command).await?))
}

/// List controls
///
/// Those of the product's library and those in operation, with the definition that holds.
#[utoipa::path(
    get, path = "/controls", tag = "Controls",
    responses((status = 200, description = "By id", body = Vec<ControlView>))
)]
async fn list_controls(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Answer<Vec<ControlView>> {
    Ok(Json(app.controls(&caller).await?))
}

/// Take a control out of operation
#[utoipa::path(
    post, path = "/controls/{control}/retire", tag = "Controls",
    params(("control" = String, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "It is expected no more from this entry on", body = Receipt))
)]
async fn retire_control(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(control): Segment<ControlId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.retire_control(&call, control, command).await?))
}

/// Test controls over a window
///
/// Every expected occurrence of every control in operation, computed from all entries of the log: populations,
/// exceptions with their causes, a sample that nobody chose, and a receipt for every list. No conclusion.
#[utoipa::path(
    get, path = "/control-tests", tag = "Controls", params(TestQuery),
    responses((status = 200, description = "What was found", body = ControlTest))
)]
async fn test_controls(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<TestQuery>,
) -> Answer<ControlTest> {
    let TestQuery { from, to, framework, control } = query;
    Ok(Json(app.test_controls(&caller, TestControls { from, to, framework, control }).await?))
}

/// Record something about an exception
///
/// Its cause, its effect, what was done about it, a test that was made again, or what management says to it.
#[utoipa::path(
    post, path = "/exceptions", tag = "Controls", params(IdempotencyKey), request_body = NoteException,
    responses((status = 200, description = "Recorded; the id is that of the exception", body = Receipt))
)]
async fn note_exception(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<NoteException>,
) -> Answer<Receipt> {
    Ok(Json(app.note_exception(&call, command).await?))
}
