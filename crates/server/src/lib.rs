//! HTTP: routes, their OpenAPI document and reference page, limits and metrics.
//!
//! Handlers translate and decide nothing: each calls one use case of app. Who may do what, what is recorded and what
//! is refused is decided there. This crate never opens a store and never reads the database.

mod account;
mod auth;
mod docs;
mod extract;
mod html;
mod metrics;
mod observe;
mod openapi;
mod problem;
mod routes;
mod serve;
mod state;
mod unread;

pub use openapi::openapi;
pub use serve::serve;
pub use state::{Limits, ServerConfig};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use comptroller_app::App;
use metrics::Metrics;
use observe::Turns;
use problem::{Code, Problem};
use state::ServerState;
use std::sync::Arc;

/// The whole interface over `app`, which others reach under the address `base`.
pub fn router(app: App, base: &str, limits: &Limits) -> Router {
    let (routes, document) = routes::all(limits.max_part).split_for_parts();
    // Proof: the document is made of maps with text keys, lists, texts and finite numbers.
    let document = serde_json::to_value(openapi::finish(document)).expect("the document is JSON");
    let state = ServerState {
        app,
        metrics: Arc::new(Metrics::new()),
        document: document.to_string().into(),
        page: docs::page(&document).into(),
        base: base.trim_end_matches('/').into(),
    };
    let turns = Turns::new(limits);
    let observed = state.clone();
    routes
        .merge(docs::routes())
        .merge(account::routes())
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(limits.max_body))
        // A caller who hangs up cuts neither the act nor the record of its refusal.
        .layer(from_fn(|request: Request, next: Next| async move {
            tokio::spawn(next.run(request))
                .await
                .unwrap_or_else(|_| axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }))
        .layer(from_fn(move |request: Request, next: Next| {
            observe::observe(observed.clone(), turns.clone(), request, next)
        }))
        .layer(from_fn(unread::receive))
        .with_state(state)
}

async fn no_such_path() -> Problem {
    Problem::new(Code::NotFound, "there is nothing under this path", "/docs lists every path")
}

async fn no_such_method() -> Problem {
    let remedy = "the Allow header names the methods; /docs describes them";
    Problem::new(Code::MethodNotAllowed, "this path does not take this method", remedy)
}
