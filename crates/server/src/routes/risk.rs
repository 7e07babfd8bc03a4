//! The tier of AI systems by rules, what changes of the law do to them, and the register of risks.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::assess::Because;
use comptroller_app::law_changes::LawChanges;
use comptroller_app::risks::{RateRisk, RiskView};
use comptroller_app::tiers::{ClassificationView, ClassifyByRules};
use comptroller_app::{App, Receipt};
use comptroller_core::ids::RiskId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(classify_by_rules))
        .routes(routes!(show_classification))
        .routes(routes!(show_law_changes))
        .routes(routes!(record_risk))
        .routes(routes!(list_risks))
        .routes(routes!(review_risk))
        .routes(routes!(close_risk))
}

/// Between which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangesQuery {
    /// The first day, YYYY-MM-DD.
    before: String,
    /// The second day.
    after: String,
}

/// Classify an AI system by the rules of the AI Act
///
/// From stated facts, each with its source. Refused while an open question could change the tier.
#[utoipa::path(
    post, path = "/systems/{system}/classification/rules", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name"), IdempotencyKey), request_body = ClassifyByRules,
    responses((status = 200, description = "The classification is recorded", body = Receipt))
)]
async fn classify_by_rules(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(system): Segment<String>,
    Body(command): Body<ClassifyByRules>,
) -> Answer<Receipt> {
    Ok(Json(app.classify_by_rules(&call, system, command).await?))
}

/// Show how an AI system is classified
///
/// As recorded, whether that can be made again and still stands, and what the same answers come to today.
#[utoipa::path(
    get, path = "/systems/{system}/classification", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name")),
    responses((status = 200, description = "The classification", body = ClassificationView))
)]
async fn show_classification(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(system): Segment<String>,
) -> Answer<ClassificationView> {
    Ok(Json(app.classification(&caller, &system).await?))
}

/// Show what a change of the law does to the systems
///
/// The recorded answers of every system are classified by the law as known on two days, and the differences listed.
#[utoipa::path(
    get, path = "/frameworks/changes", tag = "Inventory", params(ChangesQuery),
    responses((status = 200, description = "Every system with recorded answers", body = LawChanges))
)]
async fn show_law_changes(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ChangesQuery>,
) -> Answer<LawChanges> {
    Ok(Json(app.law_changes(&caller, &query.before, &query.after).await?))
}

/// Which risks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RisksQuery {
    /// Only those of this system, by id or name.
    system: Option<String>,
    /// Only those whose review is overdue.
    #[serde(default)]
    overdue: bool,
}

/// Put a risk of an AI system into the register
///
/// Likelihood and severity are 1 to 5, before and with the treatment. Whoever built a version of the system does not
/// accept what is high or critical.
#[utoipa::path(
    post, path = "/systems/{system}/risks", tag = "Inventory",
    params(("system" = String, Path, description = "Id or name"), IdempotencyKey), request_body = RateRisk,
    responses((status = 200, description = "It is in the register", body = Receipt))
)]
async fn record_risk(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(system): Segment<String>,
    Body(command): Body<RateRisk>,
) -> Answer<Receipt> {
    Ok(Json(app.record_risk(&call, system, command).await?))
}

/// List the risks of the register
///
/// Those that are rated highest with their treatment first; those that are closed last.
#[utoipa::path(
    get, path = "/risks", tag = "Inventory", params(RisksQuery),
    responses((status = 200, description = "The register", body = Vec<RiskView>))
)]
async fn list_risks(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<RisksQuery>,
) -> Answer<Vec<RiskView>> {
    Ok(Json(app.risks(&caller, query.system.as_deref(), query.overdue).await?))
}

/// Review a risk
///
/// It is rated anew; the text is what the review says.
#[utoipa::path(
    post, path = "/risks/{risk}/review", tag = "Inventory",
    params(("risk" = RiskId, Path, description = "Its id"), IdempotencyKey), request_body = RateRisk,
    responses((status = 200, description = "The new rating counts", body = Receipt))
)]
async fn review_risk(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(risk): Segment<RiskId>,
    Body(command): Body<RateRisk>,
) -> Answer<Receipt> {
    Ok(Json(app.review_risk(&call, risk, command).await?))
}

/// Close a risk: it is none any more
#[utoipa::path(
    post, path = "/risks/{risk}/closure", tag = "Inventory",
    params(("risk" = RiskId, Path, description = "Its id"), IdempotencyKey), request_body = Because,
    responses((status = 200, description = "Closed", body = Receipt))
)]
async fn close_risk(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(risk): Segment<RiskId>,
    Body(command): Body<Because>,
) -> Answer<Receipt> {
    Ok(Json(app.close_risk(&call, risk, command).await?))
}
