//! The frame of every page: one file that loads nothing, with one style for screen, paper, light and dark.

use crate::escape::markup;
use std::fmt::Write as _;

/// Begins a page, up to and with its first headline; [`END`] closes it.
pub(crate) fn begin(title: &str, headline: &str) -> String {
    let mut page = String::with_capacity(64 << 10);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{}</title>\n<style>\n{}</style></head>\n<body><main>\n<header><h1>{}</h1>\n",
        markup(title),
        include_str!("style.css"),
        markup(headline)
    );
    page
}

/// The end of a page.
pub(crate) const END: &str = "</main></body></html>\n";
