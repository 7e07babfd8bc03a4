//! Controls and criteria day by day, with what lapses next: as a page of its own, and as a part of the tests of controls.
//!
//! INVARIANT (no-conclusion): a row shows on which days exceptions were open and on which there was nothing to show.

use super::strip::{NARROW, STYLE, head, legend, strip};
use crate::escape::markup;
use crate::page::{END, begin};
use comptroller_compliance::window::{Lapse, Timeline, TimelineRow};
use std::fmt::Write as _;

/// What tables of strips need beside the strips.
const TABLE: &str = "table.days{table-layout:fixed}table.days td,table.days th{white-space:normal;vertical-align:\
middle;overflow-wrap:anywhere}table.days th:first-child{width:24%}table.days th.stand{width:16%}table.days th.due\
{width:17%}table.days svg{margin:0}table.days span.dim{font-weight:400}";

/// What the words of a timeline mean, for every reader of one.
pub const MEANING: &str = "A day is as it was at its end. \"No exception open\" says no more than this: something that \
the control expects was settled since the window began, and nothing of it was open. Of a day before that nothing is \
evidenced. A criterion is no better than the worst control that serves it. Whether a criterion is met or a law complied \
with is a judgement, and not made here.";

/// The timelines as one page that loads nothing.
pub fn html(timeline: &Timeline) -> String {
    let about = timeline.control.as_deref().or(timeline.framework.as_deref()).unwrap_or("all frameworks");
    let mut page = begin(&format!("Timelines: {about}"), &format!("Timelines: {about}"));
    let _ =
        write!(page, "<style>{STYLE}{TABLE}</style>\n<p>{} to {} (UTC).", timeline.from, timeline.through);
    if let Some(lapse) = &timeline.lapse {
        let _ = write!(page, " Next: {}.", markup(&due(lapse)));
    }
    let _ = writeln!(page, "</p><p class=\"dim\">{}</p></header>", markup(MEANING));
    section(&mut page, timeline);
    let _ = writeln!(page, "<p class=\"dim\">Test of controls <code>{}</code>.</p>", timeline.result);
    page.push_str(END);
    page
}

/// The style of [`section`].
pub(super) fn style() -> String {
    format!("{STYLE}{TABLE}")
}

/// The tables of rows, with a legend.
pub(super) fn section(page: &mut String, timeline: &Timeline) {
    page.push_str("<section class=\"days\"><h2>Timelines</h2>");
    legend(page);
    table(page, "Criteria", "criterion", &timeline.criteria);
    table(page, "Controls", "control", &timeline.controls);
    if !timeline.not_in_operation.is_empty() {
        let _ = write!(
            page,
            "<p class=\"dim\">Not in operation in the window: {}.</p>",
            markup(&timeline.not_in_operation.join(", "))
        );
    }
    page.push_str("</section>\n");
}

fn table(page: &mut String, caption: &str, kind: &str, rows: &[TimelineRow]) {
    let Some(first) = rows.first() else { return };
    let _ = writeln!(
        page,
        "<table class=\"days\"><caption>{caption}</caption><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
         <th scope=\"col\" class=\"stand\">At the end</th><th scope=\"col\" class=\"due\">Due next</th></tr></thead>\
         <tbody>",
        if kind == "criterion" { "Criterion" } else { "Control" },
        head(&format!("head-{kind}"), &first.runs, NARROW)
    );
    for (number, row) in rows.iter().enumerate() {
        let title = format!("{} {}", row.id, row.title);
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}<br><span class=\"dim\">{}</span></th><td>{}</td><td>{}</td><td>{}</td></tr>",
            markup(&row.id),
            markup(&row.title),
            strip(&format!("days-{kind}-{number}"), &title, &row.runs, NARROW),
            markup(&stands(row)),
            markup(&row.lapse.as_ref().map_or_else(|| "-".to_owned(), due))
        );
    }
    page.push_str("</tbody></table>\n");
}

/// How a row stands at the end, since when, and what of it is not in operation.
pub(super) fn stands(row: &TimelineRow) -> String {
    let mut said =
        row.last().map_or_else(String::new, |(state, since)| format!("{} since {since}", state.as_str()));
    if !row.not_in_operation.is_empty() {
        let _ = write!(said, "; not in operation: {}", row.not_in_operation.join(", "));
    }
    said
}

/// By when what must happen.
pub(super) fn due(lapse: &Lapse) -> String {
    format!("by {}: {} of {}", lapse.day, lapse.occurrence, lapse.control)
}
