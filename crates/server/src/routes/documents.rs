//! Documents from facts.

use super::{Answer, IdempotencyKey};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::documents::{
    AnswerDocument, DocumentChanges, DocumentKind, DocumentView, document_kinds,
};
use comptroller_app::{App, Receipt};
use comptroller_core::Digest;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(kinds))
        .routes(routes!(document))
        .routes(routes!(answer))
        .routes(routes!(issue))
        .routes(routes!(changes))
}

/// Since when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangesQuery {
    /// SHA-256 of an issued text; without it the last one.
    since: Option<Digest>,
}

/// List the kinds of documents
#[utoipa::path(
    get, path = "/documents", tag = "Documents",
    responses((status = 200, description = "Kinds, and what each is about", body = Vec<DocumentKind>))
)]
async fn kinds(Authenticated(_): Authenticated) -> Answer<Vec<DocumentKind>> {
    Ok(Json(document_kinds()?))
}

/// Read a document as it stands now
///
/// Every block shows a fact with where it is from and since when, or what somebody answered, or is open.
#[utoipa::path(
    get, path = "/documents/{kind}/{subject}", tag = "Documents",
    params(("kind" = String, Path, description = "For example `annex-iv`"),
        ("subject" = String, Path, description = "A system, MODEL@LABEL, DATASET@LABEL, or `organisation`")),
    responses((status = 200, description = "The document, and what is open in it", body = DocumentView))
)]
async fn document(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((kind, subject)): Segment<(String, String)>,
) -> Answer<DocumentView> {
    Ok(Json(app.document(&caller, &kind, &subject).await?))
}

/// Answer a question of a document
///
/// The last answer counts. Who gave it and when is shown with it.
#[utoipa::path(
    post, path = "/documents/{kind}/{subject}/answers", tag = "Documents",
    params(("kind" = String, Path, description = "For example `annex-iv`"),
        ("subject" = String, Path, description = "A system, MODEL@LABEL, DATASET@LABEL, or `organisation`"),
        IdempotencyKey),
    request_body = AnswerDocument,
    responses((status = 200, description = "Recorded", body = Receipt))
)]
async fn answer(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment((kind, subject)): Segment<(String, String)>,
    Body(command): Body<AnswerDocument>,
) -> Answer<Receipt> {
    Ok(Json(app.answer_document(&call, kind, subject, command).await?))
}

/// Issue a document
///
/// Its text becomes an artifact and its digest an entry. Refused while something is open.
#[utoipa::path(
    post, path = "/documents/{kind}/{subject}/issue", tag = "Documents",
    params(("kind" = String, Path, description = "For example `annex-iv`"),
        ("subject" = String, Path, description = "A system, MODEL@LABEL, DATASET@LABEL, or `organisation`"),
        IdempotencyKey),
    responses((status = 200, description = "Issued; the id is the digest of its text", body = Receipt))
)]
async fn issue(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment((kind, subject)): Segment<(String, String)>,
) -> Answer<Receipt> {
    Ok(Json(app.issue_document(&call, kind, subject).await?))
}

/// Show what changed in a document since it was issued
#[utoipa::path(
    get, path = "/documents/{kind}/{subject}/changes", tag = "Documents",
    params(("kind" = String, Path, description = "For example `annex-iv`"),
        ("subject" = String, Path, description = "A system, MODEL@LABEL, DATASET@LABEL, or `organisation`"),
        ChangesQuery),
    responses((status = 200, description = "The lines that differ", body = DocumentChanges))
)]
async fn changes(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((kind, subject)): Segment<(String, String)>,
    Params(query): Params<ChangesQuery>,
) -> Answer<DocumentChanges> {
    Ok(Json(app.document_changes(&caller, &kind, &subject, query.since).await?))
}
