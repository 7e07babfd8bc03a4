//! Evidence packs.

use crate::auth::Authenticated;
use crate::extract::Body;
use crate::problem::Problem;
use crate::state::ServerState;
use axum::body::Body as Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use comptroller_app::App;
use comptroller_app::evidence::ExportPack;
use futures_util::stream::try_unfold;
use tokio::io::AsyncReadExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(export_pack))
}

/// Export an evidence pack
///
/// The whole log up to a signed checkpoint, the private parts that may be shown, proofs, and the population of
/// deployments, in one tar file that verifies offline. The export is recorded first and stands in the pack.
#[utoipa::path(
    post, path = "/evidence/pack", tag = "Ledger", request_body = ExportPack,
    responses((status = 200, description = "The pack", content_type = "application/x-tar", body = Vec<u8>))
)]
async fn export_pack(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Body(command): Body<ExportPack>,
) -> Result<Response, Problem> {
    let pack = app.export_pack(&caller, command).await?;
    let name = format!("attachment; filename=\"evidence-{}.tar\"", pack.size);
    let name = HeaderValue::from_str(&name).map_err(|error| Problem::internal(format!("header: {error}")))?;
    let file = tokio::fs::File::from_std(pack.file);
    let pieces = try_unfold(file, |mut file| async move {
        let mut piece = vec![0; CHUNK];
        let length = file.read(&mut piece).await.inspect_err(|error| {
            tracing::error!(error = %error, "an evidence pack was cut");
        })?;
        piece.truncate(length);
        Ok::<_, std::io::Error>(if length == 0 { None } else { Some((piece, file)) })
    });
    let mut response = Bytes::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(pack.bytes));
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
