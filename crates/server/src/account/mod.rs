//! Sign-in and the page of one's own account, for browsers. Not part of the documented interface.
//!
//! The page calls the documented interface, in the name of the session.

pub(crate) mod cookie;

use crate::auth::comes_from;
use crate::html::{self, BASE_STYLE, NONCE, escape};
use crate::problem::Problem;
use crate::state::ServerState;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use comptroller_app::sign_in::{Begun, Opened, Returned, SESSION_HOURS};
use comptroller_app::{App, AppError, Call};
use serde::Deserialize;

const PAGE: &str = include_str!("account.html");
const STYLE: &str = include_str!("account.css");
const SCRIPT: &str = include_str!("account.js");
/// Longest time between the two ends of a sign-in, in seconds.
const SIGN_IN_SECONDS: i64 = 600;

pub(crate) fn routes() -> Router<ServerState> {
    Router::new()
        .route("/account", get(account))
        .route("/auth/sign-in", get(sign_in))
        .route("/auth/callback", get(callback))
        .route("/auth/sign-out", post(sign_out))
}

/// The page of one's own account; it asks the interface whose that is.
async fn account(State(app): State<App>) -> Result<Response, Problem> {
    let offered = app.sign_in_url().is_some();
    let body = PAGE.replace("@sign-in@", if offered { "" } else { "hidden" });
    let body = body.replace("@no-sign-in@", if offered { "hidden" } else { "" });
    let body = format!("{body}<script nonce=\"{NONCE}\">\n{SCRIPT}</script>\n");
    let mut page = html::show(&document("Your account", &body), "'self'", "'self'")?;
    // Without it, older browsers would not say that a request comes from this page.
    page.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(page)
}

/// Sends the browser to the identity provider.
async fn sign_in(State(app): State<App>) -> Result<Response, Problem> {
    let begun = match app.begin_sign_in().await {
        Ok(begun) => begun,
        Err(error) => return failed(error),
    };
    let kept = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&begun).map_err(AppError::from)?);
    let cookie = cookie::set(cookie::SIGN_IN, &kept, SIGN_IN_SECONDS)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&begun.url)).into_response())
}

/// What the identity provider sends back. Whatever else it adds is not ours to judge.
#[derive(Debug, Deserialize)]
struct Answer {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Ends a sign-in.
async fn callback(
    State(app): State<App>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response, Problem> {
    match finish(&app, &headers, answer).await {
        Ok(opened) => {
            let session = cookie::set(cookie::SESSION, &opened.secret, SESSION_HOURS * 3_600)?;
            let cookies = [(header::SET_COOKIE, session), (header::SET_COOKIE, over()?)];
            let mut response = Redirect::to("/account").into_response();
            append(&mut response, cookies);
            Ok(response)
        }
        Err(error) => {
            let mut response = failed(error)?;
            append(&mut response, [(header::SET_COOKIE, over()?)]);
            Ok(response)
        }
    }
}

async fn finish(app: &App, headers: &HeaderMap, answer: Answer) -> Result<Opened, AppError> {
    let begun = cookie::read(headers, cookie::SIGN_IN)?;
    let begun = begun.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let begun: Option<Begun> = begun.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(begun) = begun else {
        return Err(AppError::Unauthenticated(
            "this browser did not begin the sign-in, or more than ten minutes ago",
        ));
    };
    if answer.error.is_some() {
        return Err(AppError::Unauthenticated("the identity provider did not let you in"));
    }
    let (Some(code), Some(state)) = (answer.code, answer.state) else {
        return Err(AppError::Unauthenticated("the identity provider sent an incomplete answer"));
    };
    app.finish_sign_in(&begun, Returned { state, issuer: answer.iss, code }).await
}

/// Closes the session and takes its cookie away.
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    if !comes_from(&headers, app.sign_in_url()) {
        return Err(AppError::Unauthenticated("only this server's own pages sign somebody out").into());
    }
    if let Some(secret) = cookie::read(&headers, cookie::SESSION)?
        && let Ok(caller) = app.authenticate(&secret).await
    {
        app.revoke_own(&Call::new(caller)).await?;
    }
    let mut response = Redirect::to("/account").into_response();
    append(&mut response, [(header::SET_COOKIE, cookie::set(cookie::SESSION, "", 0)?)]);
    Ok(response)
}

fn append<const N: usize>(response: &mut Response, headers: [(HeaderName, HeaderValue); N]) {
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
}

/// Takes the cookie of a sign-in away.
fn over() -> Result<HeaderValue, AppError> {
    cookie::set(cookie::SIGN_IN, "", 0)
}

/// What a person sees when a sign-in did not work.
fn failed(error: AppError) -> Result<Response, Problem> {
    let status = match &error {
        AppError::Outside(_) => StatusCode::BAD_GATEWAY,
        AppError::Unauthenticated(_) => StatusCode::FORBIDDEN,
        _ => return Err(error.into()),
    };
    let mut text = error.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let body = format!(
        "<main>\n<h1>You are not signed in</h1>\n<p role=\"alert\">{}.</p>\n\
         <p><a class=\"button\" href=\"/auth/sign-in\">Sign in again</a></p>\n</main>\n",
        escape(&text)
    );
    let mut page = html::show(&document("Not signed in", &body), "'none'", "'none'")?;
    *page.status_mut() = status;
    Ok(page)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} - Comptroller</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style nonce=\"{NONCE}\">\n{BASE_STYLE}{STYLE}</style>\n</head>\n<body>\n\
         <header><p><a href=\"/account\">Comptroller</a></p><nav><a href=\"/docs\">API reference</a></nav></header>\n\
         {body}</body>\n</html>\n"
    )
}
