//! Second factors of people.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::factors::{
    AskChallenge, BeginFactor, BegunFactor, Challenge, EnrolFactor, OwnFactors, RemoveFactor,
};
use comptroller_app::{App, Receipt};
use comptroller_core::ids::FactorId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(enrol_factor, list_own_factors))
        .routes(routes!(begin_factor))
        .routes(routes!(ask_challenge))
        .routes(routes!(remove_factor))
        .routes(routes!(reset_factors))
}

/// List one's own second factors
///
/// Anybody with a valid credential may ask.
#[utoipa::path(
    get, path = "/whoami/factors", tag = "Access",
    responses((status = 200, description = "All of them", body = OwnFactors))
)]
async fn list_own_factors(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Answer<OwnFactors> {
    Ok(Json(app.own_factors(&caller).await?))
}

/// Begin to enrol a second factor
///
/// For people. For an authenticator app the answer holds the only copy of the secret: type it in, and finish within ten
/// minutes with a code that the app shows. For a passkey it holds what `navigator.credentials.create` needs.
#[utoipa::path(
    post, path = "/whoami/factors/begin", tag = "Access", params(IdempotencyKey), request_body = BeginFactor,
    responses((status = 200, description = "The enrolment has begun", body = BegunFactor))
)]
async fn begin_factor(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<BeginFactor>,
) -> Answer<BegunFactor> {
    Ok(Json(app.begin_factor(&call, command).await?))
}

/// Ask for a challenge that a passkey signs
///
/// Made for one act, which is taken only as it is said here, and good once within five minutes. Sign it with
/// `navigator.credentials.get`, and send the assertion with the act.
#[utoipa::path(
    post, path = "/whoami/factors/challenge", tag = "Access", params(IdempotencyKey), request_body = AskChallenge,
    responses((status = 200, description = "The challenge", body = Challenge))
)]
async fn ask_challenge(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<AskChallenge>,
) -> Answer<Challenge> {
    Ok(Json(app.challenge(&call, command).await?))
}

/// Finish the enrolment of a second factor
///
/// From now on votes on production take it. Whoever has one already shows it too.
#[utoipa::path(
    post, path = "/whoami/factors", tag = "Access", params(IdempotencyKey), request_body = EnrolFactor,
    responses((status = 200, description = "The factor is enrolled", body = Receipt))
)]
async fn enrol_factor(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<EnrolFactor>,
) -> Answer<Receipt> {
    Ok(Json(app.enrol_factor(&call, command).await?))
}

/// Take a second factor of one's own away
///
/// With this factor, or another one that is enrolled.
#[utoipa::path(
    post, path = "/whoami/factors/{id}/remove", tag = "Access",
    params(("id" = FactorId, Path, description = "Id of the factor"), IdempotencyKey), request_body = RemoveFactor,
    responses((status = 200, description = "The factor is gone", body = Receipt))
)]
async fn remove_factor(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(id): Segment<FactorId>,
    Body(command): Body<RemoveFactor>,
) -> Answer<Receipt> {
    Ok(Json(app.remove_factor(&call, id, command).await?))
}

/// Take the second factors of a person away
///
/// For somebody who has lost them. Every credential of the person ends.
#[utoipa::path(
    post, path = "/principals/{name}/factors/reset", tag = "People",
    params(("name" = String, Path, description = "Id of the person"), IdempotencyKey),
    responses((status = 200, description = "The person has none", body = Receipt))
)]
async fn reset_factors(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(name): Segment<String>,
) -> Answer<Receipt> {
    Ok(Json(app.reset_factors(&call, name).await?))
}
