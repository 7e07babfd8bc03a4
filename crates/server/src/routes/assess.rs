//! Evidence about versions and systems, and waivers.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::assess::{Because, EvidenceView, RecordEvidence};
use comptroller_app::bias_tests::RecordBiasTest;
use comptroller_app::view::Slice;
use comptroller_app::waivers::{DecideWaiver, RequestWaiver, WaiverView};
use comptroller_app::{App, Page, Receipt};
use comptroller_core::ids::{EvidenceId, WaiverId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(record_evidence, list_evidence))
        .routes(routes!(record_bias_test))
        .routes(routes!(withdraw_evidence))
        .routes(routes!(request_waiver, list_waivers))
        .routes(routes!(decide_waiver))
        .routes(routes!(end_waiver))
}

/// Says what evidence is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EvidenceQuery {
    /// Everything about this system and its versions: its id or name.
    system: Option<String>,
    /// What counts for this version: its id, or `model@label`. Takes the place of `system`.
    version: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Narrows a list of waivers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WaiversQuery {
    /// Only waivers for this version: its id, or `model@label`.
    version: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Record evidence about a version or a system
///
/// Evidence about a version is bound to the digest over its artifacts. Measures are decimal numbers as text; they are
/// kept in millionths, rounded against whoever asks.
#[utoipa::path(
    post, path = "/evidence", tag = "Governance", params(IdempotencyKey), request_body = RecordEvidence,
    responses((status = 200, description = "The evidence is recorded", body = Receipt))
)]
async fn record_evidence(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RecordEvidence>,
) -> Answer<Receipt> {
    Ok(Json(app.record_evidence(&call, command).await?))
}

/// Record a report of `comptroller fairness` as the bias test of a version
///
/// Whether it passed and what it measures are read from the report. It passed only if every criterion passed on every
/// family of groups; too few rows never pass. A criterion that failed opens a remediation.
#[utoipa::path(
    post, path = "/bias-tests", tag = "Governance", params(IdempotencyKey), request_body = RecordBiasTest,
    responses((status = 200, description = "The evidence is recorded", body = Receipt))
)]
async fn record_bias_test(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RecordBiasTest>,
) -> Answer<Receipt> {
    Ok(Json(app.record_bias_test(&call, command).await?))
}

/// List evidence
#[utoipa::path(
    get, path = "/evidence", tag = "Governance", params(EvidenceQuery),
    responses((status = 200, description = "One page, the newest observation first", body = Page<EvidenceView>))
)]
async fn list_evidence(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<EvidenceQuery>,
) -> Answer<Page<EvidenceView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.evidence_of(&caller, query.system.as_deref(), query.version.as_deref(), slice).await?))
}

/// Withdraw evidence
///
/// It stays on record and no longer counts.
#[utoipa::path(
    post, path = "/evidence/{evidence}/withdrawal", tag = "Governance",
    params(("evidence" = EvidenceId, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "The evidence no longer counts", body = Receipt))
)]
async fn withdraw_evidence(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(evidence): Segment<EvidenceId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.withdraw_evidence(&call, evidence, command).await?))
}

/// Ask for a waiver
///
/// For one rule that can be waived, one version and one environment, for at most 90 days.
#[utoipa::path(
    post, path = "/waivers", tag = "Governance", params(IdempotencyKey), request_body = RequestWaiver,
    responses((status = 200, description = "The waiver is asked for", body = Receipt))
)]
async fn request_waiver(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<RequestWaiver>,
) -> Answer<Receipt> {
    Ok(Json(app.request_waiver(&call, command).await?))
}

/// List waivers
///
/// A granted waiver warns when less than 30, 14 or 3 days are left.
#[utoipa::path(
    get, path = "/waivers", tag = "Governance", params(WaiversQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<WaiverView>))
)]
async fn list_waivers(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<WaiversQuery>,
) -> Answer<Page<WaiverView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.waivers(&caller, query.version.as_deref(), slice).await?))
}

/// Grant or refuse a waiver
///
/// Not by whoever asked for it, answers for it or built the version.
#[utoipa::path(
    post, path = "/waivers/{waiver}/decision", tag = "Governance",
    params(("waiver" = WaiverId, Path, description = "Its id"), IdempotencyKey), request_body = DecideWaiver,
    responses((status = 200, description = "The decision is recorded", body = Receipt))
)]
async fn decide_waiver(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(waiver): Segment<WaiverId>,
    Body(command): Body<DecideWaiver>,
) -> Answer<Receipt> {
    Ok(Json(app.decide_waiver(&call, waiver, command).await?))
}

/// End a waiver before its time
#[utoipa::path(
    post, path = "/waivers/{waiver}/end", tag = "Governance",
    params(("waiver" = WaiverId, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "The waiver no longer counts", body = Receipt))
)]
async fn end_waiver(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(waiver): Segment<WaiverId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.end_waiver(&call, waiver, command).await?))
}
