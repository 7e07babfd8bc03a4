//! Pages for browsers: each answer has a nonce of its own, and loads nothing from elsewhere.

use crate::problem::Problem;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Stands where the nonce of an answer goes (Content Security Policy level 3).
pub(crate) const NONCE: &str = "@nonce@";
/// What every page has.
pub(crate) const BASE_STYLE: &str = include_str!("base.css");

/// The answer that shows `page`; its script may send to `connect` and its forms to `form`, as in the policy header.
pub(crate) fn show(page: &str, connect: &str, form: &str) -> Result<Response, Problem> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| Problem::internal(format!("randomness: {error}")))?;
    let nonce = hex::encode(random);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src {connect}; \
         img-src data:; base-uri 'none'; form-action {form}; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok((headers, page.replace(NONCE, &nonce)).into_response())
}

/// HTML text of plain text.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
