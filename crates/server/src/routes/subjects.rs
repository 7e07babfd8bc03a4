//! Data subjects and erasure.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::subjects::{EraseSubject, ErasureReport, RegisterSubject, SubjectView};
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::SubjectId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(register_subject, list_subjects))
        .routes(routes!(erase_subject))
        .routes(routes!(show_subject))
}

/// Register a data subject
///
/// Somebody whom records are about. The reference is stored under a key of the subject's own.
#[utoipa::path(
    post, path = "/subjects", tag = "Privacy", params(IdempotencyKey), request_body = RegisterSubject,
    responses((status = 200, description = "The subject is known", body = Receipt))
)]
async fn register_subject(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RegisterSubject>,
) -> Answer<Receipt> {
    Ok(Json(app.register_subject(&call, command).await?))
}

/// List data subjects
///
/// Reading them is itself an event.
#[utoipa::path(
    get, path = "/subjects", tag = "Privacy", params(ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<SubjectView>))
)]
async fn list_subjects(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<SubjectView>> {
    Ok(Json(app.subjects(&caller, query.slice()).await?))
}

/// Show a data subject
///
/// Reading it is itself an event.
#[utoipa::path(
    get, path = "/subjects/{id}", tag = "Privacy",
    params(("id" = SubjectId, Path, description = "Id of the subject")),
    responses((status = 200, description = "The subject", body = SubjectView))
)]
async fn show_subject(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<SubjectId>,
) -> Answer<SubjectView> {
    Ok(Json(app.subject(&caller, id).await?))
}

/// Erase a subject's personal data
///
/// Destroys the subject's key, blanks what it opened, and names the versions that were trained on the subject's data.
/// Every proof still holds afterwards. It cannot be undone.
#[utoipa::path(
    post, path = "/subjects/erase", tag = "Privacy", params(IdempotencyKey), request_body = EraseSubject,
    responses((status = 200, description = "What was erased, and what erasure cannot reach", body = ErasureReport))
)]
async fn erase_subject(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<EraseSubject>,
) -> Answer<ErasureReport> {
    Ok(Json(app.erase_subject(&call, command).await?))
}
