//! Prediction records and labels: taken in batches, found by id, proved.

use super::Answer;
use crate::auth::Authenticated;
use crate::extract::{Params, Records, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use comptroller_app::App;
use comptroller_app::predictions::{PredictionProof, PredictionView, SendRecords, TakenRecords};
use comptroller_core::Environment;
use comptroller_core::vocab::RecordKind;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest batch, in bytes.
const MAX_BATCH: usize = 16 << 20;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    let batches = OpenApiRouter::new()
        .routes(routes!(record_predictions))
        .routes(routes!(record_labels))
        .layer(DefaultBodyLimit::max(MAX_BATCH));
    OpenApiRouter::new().merge(batches).routes(routes!(show_prediction)).routes(routes!(prove_prediction))
}

/// Whose records a batch holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BatchQuery {
    /// The version: its id, or `model@label`.
    version: String,
    /// Where it runs.
    environment: Environment,
    /// Your id of the batch, 1 to 128 printable ASCII characters without spaces. The same id with the same bytes is
    /// taken once and answered the same; with other bytes it is a conflict.
    #[param(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    batch: String,
}

impl BatchQuery {
    fn of(self, records: RecordKind, format: comptroller_app::predictions::Format) -> SendRecords {
        SendRecords {
            records,
            version: self.version,
            environment: self.environment,
            batch: self.batch,
            format,
        }
    }
}

/// Which record of an id is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Earlier {
    /// How many records of the id before the newest, where a sender gave one id to several predictions; 0 without.
    #[serde(default)]
    #[param(maximum = 99)]
    earlier: u32,
}

/// Record predictions
///
/// Answered when every record is durable. In JSON a record is `{"id", "time", "prediction", "score", "latency_us",
/// "error", "caller", "subject", "inputs": {}, "attributions": {}}`, of which only `id` is needed. In Arrow and Parquet
/// these are columns, and every other column is an input. An input
/// may be a list of numbers: an embedding. 429 means that too much waits, 507 that a disk is full: send the same batch
/// again.
#[utoipa::path(
    post, path = "/predictions", tag = "Monitoring", params(BatchQuery),
    request_body(
        description = "`{\"records\": [...]}`, lines of JSON, an Arrow IPC stream, or a Parquet file",
        content((Object = "application/json"), (String = "application/x-ndjson"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"))
    ),
    responses((status = 200, description = "Every record is durable", body = TakenRecords))
)]
async fn record_predictions(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<BatchQuery>,
    Records(format, bytes): Records,
) -> Answer<TakenRecords> {
    Ok(Json(app.record_predictions(&caller, query.of(RecordKind::Prediction, format), bytes).await?))
}

/// Record labels
///
/// What came true, by the id of the prediction: `{"id", "label", "time"}`. The label that was recorded last counts.
#[utoipa::path(
    post, path = "/labels", tag = "Monitoring", params(BatchQuery),
    request_body(
        description = "`{\"records\": [...]}`, lines of JSON, an Arrow IPC stream, or a Parquet file",
        content((Object = "application/json"), (String = "application/x-ndjson"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"))
    ),
    responses((status = 200, description = "Every record is durable", body = TakenRecords))
)]
async fn record_labels(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<BatchQuery>,
    Records(format, bytes): Records,
) -> Answer<TakenRecords> {
    Ok(Json(app.record_predictions(&caller, query.of(RecordKind::Label, format), bytes).await?))
}

/// Show a prediction
///
/// The record, the version with its files and data, who deployed it on whose approval, what came true, and the block
/// that holds it. That somebody looked is an event.
#[utoipa::path(
    get, path = "/systems/{system}/predictions/{id}", tag = "Monitoring",
    params(
        ("system" = String, Path, description = "The AI system, by id or name"),
        ("id" = String, Path, description = "The sender's id of the prediction"),
        Earlier
    ),
    responses((status = 200, description = "The prediction", body = PredictionView))
)]
async fn show_prediction(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((system, id)): Segment<(String, String)>,
    Params(Earlier { earlier }): Params<Earlier>,
) -> Answer<PredictionView> {
    Ok(Json(app.earlier_prediction(&caller, &system, &id, earlier).await?))
}

/// Prove a prediction
///
/// The record with its path through the block into the signed log; `comptroller verify-prediction` checks it offline.
/// 409 until the block is sealed and the head signed.
#[utoipa::path(
    get, path = "/systems/{system}/predictions/{id}/proof", tag = "Monitoring",
    params(
        ("system" = String, Path, description = "The AI system, by id or name"),
        ("id" = String, Path, description = "The sender's id of the prediction"),
        Earlier
    ),
    responses((status = 200, description = "The proof", body = PredictionProof), (status = 409, description = "Not sealed yet"))
)]
async fn prove_prediction(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment((system, id)): Segment<(String, String)>,
    Params(Earlier { earlier }): Params<Earlier>,
) -> Answer<PredictionProof> {
    Ok(Json(app.earlier_prediction_proof(&caller, &system, &id, earlier).await?))
}
