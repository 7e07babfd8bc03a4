//! Performance to expect before labels: marked as estimated, with its band and its assumption.

use std::fmt::Write as _;

use comptroller_stats::outcomes::{Estimate, Expected};

use crate::escape::{markdown as escape, markup};

/// What the scores alone let expect, marked as estimated, with its band and its assumption.
pub(super) fn html(page: &mut String, expected: &Expected) {
    let _ = write!(
        page,
        "<section aria-labelledby=\"h-e\"><h2 id=\"h-e\">Estimated performance</h2>\n<p>{}.</p>\n<table><caption>Band: \
         where labels would put the value, 95 %; {} rows with a score.</caption><thead><tr><th scope=\"col\">Measure</th>\
         <th scope=\"col\" class=\"n\">Reference, measured</th><th scope=\"col\" class=\"n\">Current, estimated</th>\
         <th scope=\"col\" class=\"n\">Band</th></tr></thead><tbody>\n",
        markup(expected.assumption),
        expected.rows
    );
    for estimate in &expected.measures {
        let before = before(estimate);
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{before}</td><td class=\"n\">{:.4}</td>\
             <td class=\"n\">{:.4} to {:.4}</td></tr>",
            estimate.measure, estimate.now, estimate.lower, estimate.upper
        );
    }
    page.push_str("</tbody></table></section>\n");
}

/// The same as Markdown.
pub(super) fn markdown(text: &mut String, expected: &Expected) {
    text.push_str("\n| Estimated without labels | Reference, measured | Current, estimated | Band, 95 % |\n");
    text.push_str("|---|---:|---:|---:|\n");
    for estimate in &expected.measures {
        let before = before(estimate);
        let _ = writeln!(
            text,
            "| {} | {before} | {:.4} | {:.4} to {:.4} |",
            estimate.measure, estimate.now, estimate.lower, estimate.upper
        );
    }
    let _ = writeln!(text, "\n{}.", escape(expected.assumption));
}

/// What was measured on the reference.
fn before(estimate: &Estimate) -> String {
    estimate.before.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}
