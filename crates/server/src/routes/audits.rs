//! Audits by auditors from outside: engagements, what is asked for, and what an auditor sees first.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::assess::Because;
use comptroller_app::audits::{
    AnswerEvidenceRequest, AskEvidence, AuditOverview, EngageAuditor, EngagementView, EvidenceRequestView,
    JudgeEvidenceRequest, RequestFilter,
};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::{EngagementId, EvidenceRequestId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(engage_auditor, list_engagements))
        .routes(routes!(audit_overview))
        .routes(routes!(show_engagement))
        .routes(routes!(end_engagement))
        .routes(routes!(ask_evidence, list_evidence_requests))
        .routes(routes!(show_evidence_request))
        .routes(routes!(answer_evidence_request))
        .routes(routes!(judge_evidence_request))
        .routes(routes!(withdraw_evidence_request))
}

/// Narrows a list of requests.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RequestsQuery {
    /// Only of this engagement.
    engagement: Option<EngagementId>,
    /// Only in this state: open, answered, accepted, flagged or withdrawn.
    state: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Of which engagement.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OverviewQuery {
    /// The engagement; without one the only one of yours that is open.
    engagement: Option<EngagementId>,
}

/// Give an auditor from outside access for a time
///
/// The person reads within the frameworks' record and the systems named, and changes nothing. Access ends by itself, and
/// every read is an event. The credential is the person's own, by an invitation.
#[utoipa::path(
    post, path = "/engagements", tag = "Audits", params(IdempotencyKey), request_body = EngageAuditor,
    responses((status = 200, description = "The auditor has access", body = Receipt))
)]
async fn engage_auditor(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<EngageAuditor>,
) -> Answer<Receipt> {
    Ok(Json(app.engage_auditor(&call, command).await?))
}

/// List engagements
///
/// An auditor from outside sees their own.
#[utoipa::path(
    get, path = "/engagements", tag = "Audits", params(ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<EngagementView>))
)]
async fn list_engagements(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<EngagementView>> {
    Ok(Json(app.engagements(&caller, query.slice()).await?))
}

/// Show an engagement
#[utoipa::path(
    get, path = "/engagements/{engagement}", tag = "Audits",
    params(("engagement" = EngagementId, Path, description = "Its id")),
    responses((status = 200, description = "The engagement", body = EngagementView))
)]
async fn show_engagement(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(engagement): Segment<EngagementId>,
) -> Answer<EngagementView> {
    Ok(Json(app.engagement(&caller, engagement).await?))
}

/// End the access of an auditor
#[utoipa::path(
    post, path = "/engagements/{engagement}/end", tag = "Audits",
    params(("engagement" = EngagementId, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "The auditor reads nothing any more", body = Receipt))
)]
async fn end_engagement(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(engagement): Segment<EngagementId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.end_engagement(&call, engagement, command).await?))
}

/// Show what an auditor sees first
///
/// Exceptions and what the record cannot show, then the controls, then what was asked for: over the period of the
/// engagement, for its systems and frameworks. No conclusion.
#[utoipa::path(
    get, path = "/audit-overview", tag = "Audits", params(OverviewQuery),
    responses((status = 200, description = "The overview", body = AuditOverview))
)]
async fn audit_overview(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<OverviewQuery>,
) -> Answer<AuditOverview> {
    Ok(Json(app.audit_overview(&caller, query.engagement).await?))
}

/// Ask for evidence
///
/// As the auditor of an engagement that gives access now.
#[utoipa::path(
    post, path = "/evidence-requests", tag = "Audits", params(IdempotencyKey), request_body = AskEvidence,
    responses((status = 200, description = "It is asked for", body = Receipt))
)]
async fn ask_evidence(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<AskEvidence>,
) -> Answer<Receipt> {
    Ok(Json(app.ask_evidence(&call, command).await?))
}

/// List what was asked for
#[utoipa::path(
    get, path = "/evidence-requests", tag = "Audits", params(RequestsQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<EvidenceRequestView>))
)]
async fn list_evidence_requests(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<RequestsQuery>,
) -> Answer<Page<EvidenceRequestView>> {
    let RequestsQuery { engagement, state, after, limit } = query;
    let filter = RequestFilter { engagement, state };
    Ok(Json(app.evidence_requests(&caller, filter, Slice { after, limit }).await?))
}

/// Show what was asked for, and its answer
#[utoipa::path(
    get, path = "/evidence-requests/{request}", tag = "Audits",
    params(("request" = EvidenceRequestId, Path, description = "Its id")),
    responses((status = 200, description = "The request", body = EvidenceRequestView))
)]
async fn show_evidence_request(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(request): Segment<EvidenceRequestId>,
) -> Answer<EvidenceRequestView> {
    Ok(Json(app.evidence_request(&caller, request).await?))
}

/// Answer what an auditor asked for
///
/// With evidence, entries of the log or the digest of a pack; the last answer counts.
#[utoipa::path(
    post, path = "/evidence-requests/{request}/answer", tag = "Audits",
    params(("request" = EvidenceRequestId, Path, description = "Its id"), IdempotencyKey),
    request_body = AnswerEvidenceRequest,
    responses((status = 200, description = "It is answered", body = Receipt))
)]
async fn answer_evidence_request(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(request): Segment<EvidenceRequestId>,
    Body(command): Body<AnswerEvidenceRequest>,
) -> Answer<Receipt> {
    Ok(Json(app.answer_evidence_request(&call, request, command).await?))
}

/// Accept an answer, or flag it
#[utoipa::path(
    post, path = "/evidence-requests/{request}/judgement", tag = "Audits",
    params(("request" = EvidenceRequestId, Path, description = "Its id"), IdempotencyKey),
    request_body = JudgeEvidenceRequest,
    responses((status = 200, description = "It is on record", body = Receipt))
)]
async fn judge_evidence_request(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(request): Segment<EvidenceRequestId>,
    Body(command): Body<JudgeEvidenceRequest>,
) -> Answer<Receipt> {
    Ok(Json(app.judge_evidence_request(&call, request, command).await?))
}

/// Withdraw a request
#[utoipa::path(
    post, path = "/evidence-requests/{request}/withdrawal", tag = "Audits",
    params(("request" = EvidenceRequestId, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "It is withdrawn", body = Receipt))
)]
async fn withdraw_evidence_request(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(request): Segment<EvidenceRequestId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.withdraw_evidence_request(&call, request, command).await?))
}
