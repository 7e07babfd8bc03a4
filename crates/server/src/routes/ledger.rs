//! The ledger as people and programs of the organisation read it, and the rotation of its key.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::audit::{EntryQuery, EntryView};
use comptroller_app::ledger::{LogView, ProvenEntry, RetiredKey};
use comptroller_app::view::Slice;
use comptroller_app::{App, Page, Receipt};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(show_ledger))
        .routes(routes!(list_entries))
        .routes(routes!(show_entry))
        .routes(routes!(rotate_key))
        .routes(routes!(retire_key))
}

/// Narrows a list of entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EntriesQuery {
    /// Only this event type, for example `deployment.created`.
    kind: Option<String>,
    /// Only what this actor did: `principal/<id>`.
    actor: Option<String>,
    /// Only what is about this, for example `version/<id>`.
    subject: Option<String>,
    /// Only this stream: `system/<id>` or `org`.
    stream: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Show the state of the ledger
///
/// Public: sizes, root and verification keys, no content.
#[utoipa::path(
    get, path = "/ledger", tag = "Ledger", security(()),
    responses((status = 200, description = "The state", body = LogView))
)]
async fn show_ledger(State(app): State<App>) -> Answer<LogView> {
    Ok(Json(app.log().await?))
}

/// List entries of the ledger
///
/// Reading the audit log is itself an event.
#[utoipa::path(
    get, path = "/ledger/entries", tag = "Ledger", params(EntriesQuery),
    responses((status = 200, description = "One page, newest first", body = Page<EntryView>))
)]
async fn list_entries(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<EntriesQuery>,
) -> Answer<Page<EntryView>> {
    let slice = Slice { after: query.after, limit: query.limit };
    let EntriesQuery { kind, actor, subject, stream, .. } = query;
    let query = EntryQuery { kind, actor, subject, stream };
    Ok(Json(app.entries(&caller, query, slice).await?))
}

/// Show an entry with its proof
///
/// With the inclusion proof under the newest signed checkpoint and, if it still can be read, the private part. An
/// event itself.
#[utoipa::path(
    get, path = "/ledger/entries/{index}", tag = "Ledger",
    params(("index" = u64, Path, description = "Index in the log, from 0", minimum = 0)),
    responses((status = 200, description = "The entry and what proves it", body = ProvenEntry))
)]
async fn show_entry(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(index): Segment<u64>,
) -> Answer<ProvenEntry> {
    Ok(Json(app.entry(&caller, index).await?))
}

/// Begin the rotation of the ledger's key
///
/// From now on the new key signs beside the old one, and the ledger says so. The receipt's id is the new vkey.
#[utoipa::path(
    post, path = "/ledger/rotate-key", tag = "Ledger", params(IdempotencyKey),
    responses((status = 200, description = "Both keys sign", body = Receipt))
)]
async fn rotate_key(State(app): State<App>, Keyed(call): Keyed) -> Answer<Receipt> {
    Ok(Json(app.rotate_key(&call).await?))
}

/// End the rotation of the ledger's key
///
/// Destroys the old key. Do it when every verifier knows the new one.
#[utoipa::path(
    post, path = "/ledger/retire-key", tag = "Ledger", params(IdempotencyKey),
    responses((status = 200, description = "The new key signs alone", body = RetiredKey))
)]
async fn retire_key(State(app): State<App>, Keyed(call): Keyed) -> Answer<RetiredKey> {
    Ok(Json(app.retire_key(&call).await?))
}
