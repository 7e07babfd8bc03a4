//! The reference page: the OpenAPI document as plain HTML, for people.
//!
//! One page, no outside request: style and script stand in it. Made once at start-up from the document that programs
//! read, so the two never differ. It must not hold anything that the document does not say.
#![expect(
    clippy::format_push_string,
    reason = "the page is made once; `write!` would hide the markup in error handling"
)]
#![expect(clippy::format_collect, reason = "as above")]

mod example;
mod operation;
mod schema;

use crate::html::{self, BASE_STYLE, NONCE, escape};
use crate::problem::Problem;
use crate::state::ServerState;
use axum::Router;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::get;
use serde_json::Value;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page, and the way to it.
pub(crate) fn routes() -> Router<ServerState> {
    Router::new().route("/docs", get(show)).route("/", get(|| async { Redirect::temporary("/docs") }))
}

async fn show(State(state): State<ServerState>) -> Result<Response, Problem> {
    html::show(&state.page, "'none'", "'none'")
}

/// The page, with [`NONCE`] where each answer puts its own.
pub(crate) fn page(document: &Value) -> String {
    let groups = operation::groups(document);
    let mut nav = String::new();
    let mut main = String::new();
    for group in &groups {
        let slug = group.name.to_lowercase();
        nav.push_str(&format!("<section><h2><a href=\"#{slug}\">{}</a></h2><ul>\n", escape(group.name)));
        main.push_str(&format!(
            "<section class=\"group\" id=\"{slug}\"><h2>{}</h2><p class=\"lead\">{}</p>\n",
            escape(group.name),
            prose(group.description)
        ));
        for operation in &group.operations {
            nav.push_str(&operation.link());
            main.push_str(&operation.article(document));
        }
        nav.push_str("</ul></section>\n");
        main.push_str("</section>\n");
    }
    nav.push_str("<section><h2><a href=\"#problems\">Problems</a></h2></section>\n");
    nav.push_str("<section><h2><a href=\"#schemas\">Schemas</a></h2></section>\n");
    main.push_str(&operation::problems(document));
    main.push_str(&schema::all(document));
    let info = &document["info"];
    let intro: String =
        text(&info["description"]).split("\n\n").map(|part| format!("<p>{}</p>\n", prose(part))).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} API reference</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style nonce=\"{NONCE}\">\n{BASE_STYLE}{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
         <header><p class=\"brand\"><a href=\"#main\">{title}</a> <span>API reference {version}</span></p>\n\
         <label class=\"find\"><span>Find</span> <input id=\"find\" type=\"search\" autocomplete=\"off\" \
         placeholder=\"path, word or schema\"></label>\n\
         <button id=\"menu\" type=\"button\" aria-expanded=\"false\" aria-controls=\"nav\">Contents</button></header>\n\
         <div class=\"page\">\n<nav id=\"nav\" aria-label=\"Contents\">\n{nav}</nav>\n\
         <main id=\"main\" tabindex=\"-1\">\n<h1>{title} API</h1>\n{intro}\
         <p>The same as a document for programs: <a href=\"/api/v1/openapi.json\">OpenAPI 3.1</a>.</p>\n\
         <p id=\"none\" role=\"status\" hidden>Nothing matches.</p>\n{main}</main>\n</div>\n\
         <script nonce=\"{NONCE}\">\n{SCRIPT}</script>\n</body>\n</html>\n",
        title = escape(text(&info["title"])),
        version = escape(text(&info["version"])),
    )
}

/// The text of a JSON string; empty for anything else.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// HTML text of prose in which back-ticks enclose code.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for (number, part) in text.split('`').enumerate() {
        let part = escape(part);
        out.push_str(&if number % 2 == 1 { format!("<code>{part}</code>") } else { part });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_document_cannot_become_markup() {
        assert_eq!(prose("use `<id>` & go"), "use <code>&lt;id&gt;</code> &amp; go");
    }

    #[test]
    fn the_page_shows_every_operation_and_asks_nobody_outside() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let page = page(&document);
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = text(&operation["operationId"]);
                assert!(page.contains(&format!("id=\"{id}\"")), "{method} {path}");
            }
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
        }
        let rest = page.replace("http://127.0.0.1:8440", "");
        for outside in ["http:", "https:", "src=\"", "@import", "url("] {
            assert!(!rest.contains(outside), "{outside}");
        }
    }
}
