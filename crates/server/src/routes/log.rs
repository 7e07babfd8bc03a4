//! The log as plain tlog-tiles (C2SP): checkpoint and tiles for everybody, entries for those who may read the ledger.

use crate::auth::Authenticated;
use crate::extract::Segment;
use crate::problem::{Code, Problem};
use crate::state::ServerState;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use comptroller_app::{App, AppError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A tile never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A checkpoint is signed every second if the log grew.
const ONE_SECOND: &str = "public, max-age=1";
/// Reading entries is an event, so no cache may answer in our place.
const NEVER: &str = "no-store";

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(show_checkpoint))
        .routes(routes!(show_tile))
        .routes(routes!(show_bundle))
}

/// Show the newest signed checkpoint
///
/// A C2SP tlog-checkpoint as a signed note. Public: size and root, no content.
#[utoipa::path(
    get, path = "/log/checkpoint", tag = "Log", security(()),
    responses((status = 200, description = "The signed note", content_type = "text/plain", body = String))
)]
async fn show_checkpoint(State(app): State<App>) -> Result<Response, Problem> {
    let Some(note) = app.checkpoint().await? else {
        let remedy = "the first one is signed within a second of the first event; where a quorum of witnesses is \
                      required, it is shown when they have cosigned it";
        return Err(Problem::new(Code::NotFound, "there is no checkpoint to show yet", remedy));
    };
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, ONE_SECOND)];
    Ok((headers, note).into_response())
}

/// Show a tile of the Merkle tree
///
/// C2SP tlog-tiles: `<L>/<N>` or, for the partial tile at the right edge, `<L>/<N>.p/<W>`. Public: hashes, no content.
#[utoipa::path(
    get, path = "/log/tile/{*path}", tag = "Log", security(()),
    params(("path" = String, Path, description = "Level and number of the tile, for example 0/000 or 0/x001/067.p/8")),
    responses(
        (status = 200, description = "Its hashes, 32 bytes each", content_type = "application/octet-stream",
         body = Vec<u8>)
    )
)]
async fn show_tile(State(app): State<App>, Segment(path): Segment<String>) -> Result<Response, Problem> {
    let bytes = app.tile(&format!("tile/{path}")).await.map_err(no_such_file)?;
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, FOR_EVER)];
    Ok((headers, bytes).into_response())
}

/// Show a bundle of ledger entries
///
/// C2SP tlog-tiles: `<N>` or `<N>.p/<W>`. Entries are the audit log: reading them needs the right to, and is itself an
/// event.
#[utoipa::path(
    get, path = "/log/tile/entries/{*path}", tag = "Log",
    params(("path" = String, Path, description = "Number of the bundle, for example 000 or x001/067.p/8")),
    responses(
        (status = 200, description = "The entries, each after its length in 2 bytes",
         content_type = "application/octet-stream", body = Vec<u8>)
    )
)]
async fn show_bundle(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(path): Segment<String>,
) -> Result<Response, Problem> {
    let bytes = app.bundle_bytes(&caller, &format!("tile/entries/{path}")).await.map_err(no_such_file)?;
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, NEVER)];
    Ok((headers, bytes).into_response())
}

/// A path that is no tile path is a file that does not exist: readers of a log expect 404.
fn no_such_file(error: AppError) -> Problem {
    match error {
        AppError::Invalid { message, .. } => {
            let remedy = "the paths of a log are described in C2SP tlog-tiles";
            Problem::new(Code::NotFound, message, remedy)
        }
        other => other.into(),
    }
}
