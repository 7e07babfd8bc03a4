//! Requests of data subjects, and what an erasure came to.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::assess::Because;
use comptroller_app::subject_requests::{
    CaseFilter, CloseSubjectRequest, DecideVersion, DeletionReport, NoteSubjectRequest, OpenSubjectRequest,
    SubjectRequestView,
};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::{SubjectId, SubjectRequestId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(open_subject_request, list_subject_requests))
        .routes(routes!(show_subject_request))
        .routes(routes!(note_subject_request))
        .routes(routes!(extend_subject_request))
        .routes(routes!(close_subject_request))
        .routes(routes!(decide_affected_version))
        .routes(routes!(deletion_report))
}

/// Narrows a list of cases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CasesQuery {
    /// Only of this subject.
    subject: Option<SubjectId>,
    /// Only those that are open though they were due.
    #[serde(default)]
    overdue: bool,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Open a case about the request of a data subject
///
/// Until when it is answered follows from the dated data of the law; where that gives no number, there is none.
#[utoipa::path(
    post, path = "/subject-requests", tag = "Privacy", params(IdempotencyKey), request_body = OpenSubjectRequest,
    responses((status = 200, description = "The case is open", body = Receipt))
)]
async fn open_subject_request(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<OpenSubjectRequest>,
) -> Answer<Receipt> {
    Ok(Json(app.open_subject_request(&call, command).await?))
}

/// List cases of data subjects
///
/// Reading them is itself an event.
#[utoipa::path(
    get, path = "/subject-requests", tag = "Privacy", params(CasesQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<SubjectRequestView>))
)]
async fn list_subject_requests(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<CasesQuery>,
) -> Answer<Page<SubjectRequestView>> {
    let CasesQuery { subject, overdue, after, limit } = query;
    Ok(Json(app.subject_requests(&caller, CaseFilter { subject, overdue }, Slice { after, limit }).await?))
}

/// Show a case
///
/// Reading it is itself an event.
#[utoipa::path(
    get, path = "/subject-requests/{request}", tag = "Privacy",
    params(("request" = SubjectRequestId, Path, description = "Its id")),
    responses((status = 200, description = "The case", body = SubjectRequestView))
)]
async fn show_subject_request(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(request): Segment<SubjectRequestId>,
) -> Answer<SubjectRequestView> {
    Ok(Json(app.subject_request(&caller, request).await?))
}

/// Note what was done about a case
#[utoipa::path(
    post, path = "/subject-requests/{request}/notes", tag = "Privacy",
    params(("request" = SubjectRequestId, Path, description = "Its id"), IdempotencyKey),
    request_body = NoteSubjectRequest,
    responses((status = 200, description = "It is noted", body = Receipt))
)]
async fn note_subject_request(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(request): Segment<SubjectRequestId>,
    Body(command): Body<NoteSubjectRequest>,
) -> Answer<Receipt> {
    Ok(Json(app.note_subject_request(&call, request, command).await?))
}

/// Extend the time of a case
///
/// Once, within the first period, with the reasons that the subject was told (GDPR Art. 12(3)).
#[utoipa::path(
    post, path = "/subject-requests/{request}/extension", tag = "Privacy",
    params(("request" = SubjectRequestId, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "The time is extended", body = Receipt))
)]
async fn extend_subject_request(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(request): Segment<SubjectRequestId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.extend_subject_request(&call, request, command).await?))
}

/// Close a case
///
/// An erasure was fulfilled when the subject's key is destroyed and it was decided about every version that was trained on
/// data that held the subject.
#[utoipa::path(
    post, path = "/subject-requests/{request}/closure", tag = "Privacy",
    params(("request" = SubjectRequestId, Path, description = "Its id"), IdempotencyKey),
    request_body = CloseSubjectRequest,
    responses((status = 200, description = "The case is closed", body = Receipt))
)]
async fn close_subject_request(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(request): Segment<SubjectRequestId>,
    Body(command): Body<CloseSubjectRequest>,
) -> Answer<Receipt> {
    Ok(Json(app.close_subject_request(&call, request, command).await?))
}

/// Decide what becomes of a version that was trained on data that held a subject
///
/// It is kept with a reason, retrained or retired in so many days; the last decision counts. Not by whoever built it.
#[utoipa::path(
    post, path = "/subjects/{id}/affected-versions", tag = "Privacy",
    params(("id" = SubjectId, Path, description = "Id of the subject"), IdempotencyKey),
    request_body = DecideVersion,
    responses((status = 200, description = "It is decided", body = Receipt))
)]
async fn decide_affected_version(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(id): Segment<SubjectId>,
    Body(command): Body<DecideVersion>,
) -> Answer<Receipt> {
    Ok(Json(app.decide_affected_version(&call, id, command).await?))
}

/// Show what an erasure came to
///
/// Which data held the subject, what was done when, which versions remain affected and what was decided about each; what is
/// open stands first. Reading it is itself an event.
#[utoipa::path(
    get, path = "/subjects/{id}/deletion-report", tag = "Privacy",
    params(("id" = SubjectId, Path, description = "Id of the subject")),
    responses((status = 200, description = "The report", body = DeletionReport))
)]
async fn deletion_report(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<SubjectId>,
) -> Answer<DeletionReport> {
    Ok(Json(app.deletion_report(&caller, id).await?))
}
