//! The route table: one file per area. A handler takes a request apart, calls one use case and shows the answer.
#![expect(unused_qualifications, reason = "the annotation macro qualifies the types named in `params`")]

mod access;
mod approvals;
mod assess;
mod audits;
mod authzen;
mod controls;
mod datasets;
mod decisions;
mod delegations;
mod deploy;
mod documents;
mod emergencies;
mod evidence;
mod factors;
mod fairness;
mod gaps;
mod gate;
mod ledger;
mod log;
mod models;
mod monitors;
mod operations;
mod people;
mod policies;
mod predictions;
mod remediations;
mod retention;
mod risk;
mod risk_assessment;
mod stale;
mod subject_requests;
mod subjects;
mod systems;
mod uploads;
mod workloads;

use crate::openapi::Document;
use crate::problem::Problem;
use crate::state::ServerState;
use axum::Json;
use comptroller_app::view::Slice;
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

/// An answer in JSON, or a problem.
pub(crate) type Answer<T> = Result<Json<T>, Problem>;

/// Every documented route. `max_part` is the largest body of an upload part, in bytes.
pub(crate) fn all(max_part: usize) -> OpenApiRouter<ServerState> {
    let api = OpenApiRouter::new()
        .merge(people::routes())
        .merge(access::routes())
        .merge(factors::routes())
        .merge(workloads::routes())
        .merge(systems::routes())
        .merge(risk::routes())
        .merge(risk_assessment::routes())
        .merge(stale::routes())
        .merge(datasets::routes())
        .merge(uploads::routes(max_part))
        .merge(models::routes())
        .merge(gate::routes())
        .merge(decisions::routes())
        .merge(approvals::routes())
        .merge(delegations::routes())
        .merge(assess::routes())
        .merge(remediations::routes())
        .merge(emergencies::routes())
        .merge(policies::routes())
        .merge(deploy::routes())
        .merge(predictions::routes())
        .merge(monitors::routes())
        .merge(fairness::routes())
        .merge(subjects::routes())
        .merge(subject_requests::routes())
        .merge(audits::routes())
        .merge(retention::routes())
        .merge(controls::routes())
        .merge(documents::routes())
        .merge(gaps::routes())
        .merge(ledger::routes())
        .merge(evidence::routes());
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", api)
        .merge(log::routes())
        .merge(authzen::routes())
        .merge(operations::routes())
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of one page: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

impl ListQuery {
    fn slice(self) -> Slice {
        Slice { after: self.after, limit: self.limit }
    }
}

/// Makes a write safe to repeat.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it documents the header; `auth::Keyed` reads it")]
pub(crate) struct IdempotencyKey {
    /// The same key with the same request is done once and answered the same for 7 days; with another request it is
    /// a conflict. 1 to 128 printable ASCII characters without spaces.
    #[param(
        rename = "Idempotency-Key",
        required = false,
        min_length = 1,
        max_length = 128,
        pattern = "^[!-~]+$"
    )]
    idempotency_key: Option<String>,
}
