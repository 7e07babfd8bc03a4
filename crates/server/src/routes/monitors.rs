//! Monitoring: what versions are watched against, and what each day of their records came to.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::problem::Problem;
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use comptroller_app::monitors::{AlarmView, BaselineView, SetBaseline, SnoozeAlarm, WindowView};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use comptroller_core::Environment;
use comptroller_core::ids::AlarmId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(set_baseline))
        .routes(routes!(list_baselines))
        .routes(routes!(list_windows))
        .routes(routes!(show_window))
        .routes(routes!(window_page))
        .routes(routes!(history_page))
        .routes(routes!(list_alarms))
        .routes(routes!(acknowledge_alarm))
        .routes(routes!(snooze_alarm))
}

/// Narrows a list of baselines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BaselinesQuery {
    /// Only of this AI system, by id or name.
    system: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Set the baseline of a version
///
/// The profile is an artifact, made by `comptroller profile`. Every day of records is compared with it, and judged again
/// when the baseline changes. What runs in production is watched by what a risk officer sets.
#[utoipa::path(
    post, path = "/baselines", tag = "Monitoring", params(IdempotencyKey), request_body = SetBaseline,
    responses((status = 200, description = "The version is watched against it", body = Receipt))
)]
async fn set_baseline(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<SetBaseline>,
) -> Answer<Receipt> {
    Ok(Json(app.set_baseline(&call, command).await?))
}

/// List baselines
#[utoipa::path(
    get, path = "/baselines", tag = "Monitoring", params(BaselinesQuery),
    responses((status = 200, description = "One page, newest first", body = Page<BaselineView>))
)]
async fn list_baselines(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<BaselinesQuery>,
) -> Answer<Page<BaselineView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.baselines(&caller, query.system.as_deref(), slice).await?))
}

/// List the judged days of a system
///
/// Each day of each version in each environment: the drift coefficient, what it asks for, in which way the model drifts,
/// and what to do. No value means that there is not enough evidence.
#[utoipa::path(
    get, path = "/systems/{system}/windows", tag = "Monitoring",
    params(("system" = String, Path, description = "The AI system, by id or name"), ListQuery),
    responses((status = 200, description = "One page, newest first", body = Page<WindowView>))
)]
async fn list_windows(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(system): Segment<String>,
    Params(query): Params<ListQuery>,
) -> Answer<Page<WindowView>> {
    Ok(Json(app.windows(&caller, &system, query.slice()).await?))
}

/// Show the report on a day
///
/// The same report as `comptroller drift` writes, made again from the blocks that the day was judged by.
#[utoipa::path(
    get, path = "/versions/{version}/windows/{environment}/{day}", tag = "Monitoring",
    params(
        ("version" = String, Path, description = "The version: its id, or `model@label`"),
        ("environment" = Environment, Path, description = "Where it ran"),
        ("day" = String, Path, description = "The day, `YYYY-MM-DD`, UTC")
    ),
    responses((status = 200, description = "The report", body = Object), (status = 409, description = "Nothing can be compared"))
)]
async fn show_window(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((version, environment, day)): Segment<(String, Environment, String)>,
) -> Result<impl IntoResponse, Problem> {
    Ok(Json(app.window_page(&caller, &version, environment, &day).await?))
}

/// Show the report on a day as a page
///
/// One HTML page that needs nothing else.
#[utoipa::path(
    get, path = "/versions/{version}/windows/{environment}/{day}/page", tag = "Monitoring",
    params(
        ("version" = String, Path, description = "The version: its id, or `model@label`"),
        ("environment" = Environment, Path, description = "Where it ran"),
        ("day" = String, Path, description = "The day, `YYYY-MM-DD`, UTC")
    ),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 409, description = "Nothing can be compared")
    )
)]
async fn window_page(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((version, environment, day)): Segment<(String, Environment, String)>,
) -> Result<impl IntoResponse, Problem> {
    let page = app.window_html(&caller, &version, environment, &day).await?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page))
}

/// Show the days of a version as a page
///
/// The coefficient over time with its bands, what carries it, and the alarms: one HTML page that needs nothing else.
#[utoipa::path(
    get, path = "/versions/{version}/history/{environment}/page", tag = "Monitoring",
    params(
        ("version" = String, Path, description = "The version: its id, or `model@label`"),
        ("environment" = Environment, Path, description = "Where it ran")
    ),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 409, description = "The version has no baseline")
    )
)]
async fn history_page(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((version, environment)): Segment<(String, Environment)>,
) -> Result<impl IntoResponse, Problem> {
    let page = app.history_html(&caller, &version, environment).await?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page))
}

/// Narrows a list of alarms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AlarmsQuery {
    /// Only of this AI system, by id or name.
    system: Option<String>,
    /// Only those that have not ended.
    #[serde(default)]
    open: bool,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// List alarms
///
/// What they are about, since when it shows, what to do, who has taken them on, and whether they propose a rollback.
#[utoipa::path(
    get, path = "/alarms", tag = "Monitoring", params(AlarmsQuery),
    responses((status = 200, description = "One page, newest first", body = Page<AlarmView>))
)]
async fn list_alarms(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<AlarmsQuery>,
) -> Answer<Page<AlarmView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    Ok(Json(app.alarms(&caller, query.system.as_deref(), query.open, slice).await?))
}

/// Take an alarm on
///
/// From now on it is on record who looks after it, and how long that took.
#[utoipa::path(
    post, path = "/alarms/{alarm}/acknowledge", tag = "Monitoring",
    params(("alarm" = AlarmId, Path, description = "The alarm"), IdempotencyKey),
    responses(
        (status = 200, description = "It is taken on", body = Receipt),
        (status = 409, description = "It ended, or somebody else has")
    )
)]
async fn acknowledge_alarm(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(alarm): Segment<AlarmId>,
) -> Answer<Receipt> {
    Ok(Json(app.acknowledge_alarm(&call, alarm).await?))
}

/// Silence an alarm for a time
///
/// It is told again when that time is over and it still holds, or at once if it gets worse.
#[utoipa::path(
    post, path = "/alarms/{alarm}/snooze", tag = "Monitoring",
    params(("alarm" = AlarmId, Path, description = "The alarm"), IdempotencyKey), request_body = SnoozeAlarm,
    responses(
        (status = 200, description = "It is silent", body = Receipt),
        (status = 409, description = "It ended")
    )
)]
async fn snooze_alarm(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(alarm): Segment<AlarmId>,
    Body(command): Body<SnoozeAlarm>,
) -> Answer<Receipt> {
    Ok(Json(app.snooze_alarm(&call, alarm, command).await?))
}
