//! Artifacts: resumable uploads in parts, and downloads.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Raw, Segment};
use crate::problem::{Code, Problem};
use crate::state::ServerState;
use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use comptroller_app::artifacts::{ArtifactView, BeginUpload, UploadView};
use comptroller_app::{App, Receipt};
use comptroller_core::Digest;
use comptroller_core::ids::UploadId;
use futures_util::TryStreamExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes(max_part: usize) -> OpenApiRouter<ServerState> {
    let parts = OpenApiRouter::new().routes(routes!(put_part)).layer(DefaultBodyLimit::max(max_part));
    OpenApiRouter::new()
        .routes(routes!(begin_upload))
        .routes(routes!(show_upload))
        .merge(parts)
        .routes(routes!(complete_upload))
        .routes(routes!(show_artifact))
        .routes(routes!(download_artifact))
}

/// Begin an upload, or resume one
///
/// State digest and size first. If the content is stored already, the answer says so and nothing is to be sent.
#[utoipa::path(
    post, path = "/uploads", tag = "Artifacts", params(IdempotencyKey), request_body = BeginUpload,
    responses((status = 200, description = "Which parts are wanted", body = UploadView))
)]
async fn begin_upload(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<BeginUpload>,
) -> Answer<UploadView> {
    Ok(Json(app.begin_upload(&call, command).await?))
}

/// Show where an upload stands
///
/// Only the caller who began it sees it.
#[utoipa::path(
    get, path = "/uploads/{id}", tag = "Artifacts",
    params(("id" = UploadId, Path, description = "Id of the upload")),
    responses((status = 200, description = "Which parts are stored", body = UploadView))
)]
async fn show_upload(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<UploadId>,
) -> Answer<UploadView> {
    Ok(Json(app.upload(&caller, id).await?))
}

/// Send one part of an upload
///
/// In any order, and again if unsure: the same bytes under the same number do no harm, other bytes are a conflict.
/// Every part but the last has `part_bytes` bytes.
#[utoipa::path(
    put, path = "/uploads/{id}/parts/{number}", tag = "Artifacts",
    params(
        ("id" = UploadId, Path, description = "Id of the upload"),
        ("number" = u32, Path, description = "Number of the part, from 1", minimum = 1)
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bytes of the part"),
    responses((status = 200, description = "The part is durably stored", body = UploadView))
)]
async fn put_part(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((id, number)): Segment<(UploadId, u32)>,
    Raw(bytes): Raw,
) -> Answer<UploadView> {
    Ok(Json(app.put_part(&caller, id, number, bytes).await?))
}

/// Complete an upload
///
/// Reads back what is stored, hashes it, and makes the artifact if the digest is the stated one.
#[utoipa::path(
    post, path = "/uploads/{id}/complete", tag = "Artifacts",
    params(("id" = UploadId, Path, description = "Id of the upload"), IdempotencyKey),
    responses((status = 200, description = "The artifact exists; the receipt's id is its digest", body = Receipt))
)]
async fn complete_upload(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(id): Segment<UploadId>,
) -> Answer<Receipt> {
    Ok(Json(app.complete_upload(&call, id).await?))
}

/// Show an artifact
#[utoipa::path(
    get, path = "/artifacts/{digest}", tag = "Artifacts",
    params(("digest" = Digest, Path, description = "SHA-256 of the content, in lower-case hexadecimal digits")),
    responses((status = 200, description = "The artifact", body = ArtifactView))
)]
async fn show_artifact(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(digest): Segment<Digest>,
) -> Answer<ArtifactView> {
    Ok(Json(app.artifact(&caller, &digest).await?))
}

/// Download an artifact
///
/// `Range: bytes=N-` continues a download that was cut. Other ranges are not served: the answer is the whole content,
/// as RFC 9110 allows. A connection that closes early means that the content is not complete.
#[utoipa::path(
    get, path = "/artifacts/{digest}/content", tag = "Artifacts",
    params(
        ("digest" = Digest, Path, description = "SHA-256 of the content, in lower-case hexadecimal digits"),
        ("Range" = Option<String>, Header, description = "`bytes=N-`: from byte N on")
    ),
    responses(
        (status = 200, description = "The whole content", content_type = "*/*", body = Vec<u8>),
        (status = 206, description = "The content from the byte asked for", content_type = "*/*", body = Vec<u8>)
    )
)]
async fn download_artifact(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(digest): Segment<Digest>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let start = range_start(&headers);
    if let Some(start) = start {
        let total = app.artifact(&caller, &digest).await?.bytes;
        if start >= total {
            return Ok(outside(start, total));
        }
    }
    let download = app.download(&caller, &digest, start.unwrap_or(0)).await?;
    let total = download.artifact.bytes;
    let range = download.range;
    let logged = digest.clone();
    // The status is gone when a piece fails: the connection is cut, and the log says why.
    let pieces = download.stream.inspect_err(move |error| {
        tracing::error!(artifact.digest = %logged, error = %error, "a download was cut");
    });
    let mut response = Bytes::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_TYPE, value(download.artifact.media_type.as_str())?);
    headers.insert(header::ETAG, value(&format!("\"{digest}\""))?);
    let name = format!("attachment; filename=\"{digest}\"");
    headers.insert(header::CONTENT_DISPOSITION, value(&name)?);
    if start.is_some() {
        let place = format!("bytes {}-{}/{total}", range.start, range.end - 1);
        headers.insert(header::CONTENT_RANGE, value(&place)?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

fn value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|error| Problem::internal(format!("header {text:?}: {error}")))
}

/// N of `Range: bytes=N-`; every other range is as good as none (RFC 9110 section 14.2).
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::RANGE)?.to_str().ok()?;
    let start = text.strip_prefix("bytes=")?.strip_suffix('-')?;
    if start.is_empty() || !start.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    start.parse().ok()
}

fn outside(start: u64, total: u64) -> Response {
    let detail = format!("the content has {total} bytes, so there is no byte {start}");
    let problem =
        Problem::new(Code::RangeNotSatisfiable, detail, "ask for a range that begins inside the content");
    let mut response = problem.into_response();
    if let Ok(place) = HeaderValue::from_str(&format!("bytes */{total}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, place);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_open_ended_range_is_understood() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(text));
            range_start(&headers)
        };
        assert_eq!(read("bytes=0-"), Some(0));
        assert_eq!(read("bytes=8388608-"), Some(8_388_608));
        for other in [
            "bytes=-5",
            "bytes=0-5",
            "bytes=0-,9-",
            "items=0-",
            "bytes=+1-",
            "bytes=",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
