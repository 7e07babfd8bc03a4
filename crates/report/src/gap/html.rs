//! The page: how many rows stand how, what to do next, then every row with what it rests on.

use crate::escape::markup;
use crate::page::{END, begin};
use comptroller_compliance::gap::{GapAnalysis, GapRow, Standing, Step, StepKind};
use std::fmt::Write as _;

/// Width and height of the bar of counts, in units of the drawing.
const BAR: (usize, usize) = (900, 34);
/// Steps that the page lists; the rest stands in the JSON.
const SHOWN: usize = 25;

const STYLE: &str = "<style>.does-not{fill:#c9544d}.cannot-be-evidenced{fill:#d9a441}.holds{fill:#7fb88a}.not-applicable\
{fill:var(--rule)}.tag{display:inline-block;padding:0 .4rem;border-radius:.2rem;border:1px solid var(--rule);\
white-space:nowrap}.tag.t-does-not{background:var(--r)}.tag.t-cannot-be-evidenced{background:var(--w)}\
.tag.t-holds{background:var(--n)}td{white-space:normal}code{font-size:.85em;overflow-wrap:anywhere}\
ol li{margin:.3rem 0}</style>\n";

/// The analysis as one page that loads nothing.
pub fn html(analysis: &GapAnalysis) -> String {
    let about = analysis.system.as_deref().unwrap_or("the organisation");
    let mut page =
        begin(&format!("Gaps: {} of {about}", analysis.name), &format!("{}: {about}", analysis.name));
    page.push_str(STYLE);
    let _ = writeln!(
        page,
        "<p class=\"dim\">What the record shows on {}, looked at over a year.</p><p>{}</p></header>",
        analysis.as_of,
        markup(&analysis.meaning)
    );
    counts(&mut page, analysis);
    steps(&mut page, analysis);
    rows(&mut page, analysis);
    let _ = writeln!(
        page,
        "<p class=\"dim\">Framework data <code>{}</code>, test of controls <code>{}</code>.</p>",
        analysis.framework_digest, analysis.controls_digest
    );
    page.push_str(END);
    page
}

fn class(standing: Standing) -> String {
    standing.as_str().replace(' ', "-")
}

fn counts(page: &mut String, analysis: &GapAnalysis) {
    let (width, height) = BAR;
    let total = analysis.rows.len().max(1);
    let said: Vec<String> = Standing::ALL
        .iter()
        .map(|standing| {
            format!("{} {}", analysis.counts.get(standing).copied().unwrap_or(0), standing.as_str())
        })
        .collect();
    let _ = write!(
        page,
        "<section><h2>{} rows</h2><figure><svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
        analysis.rows.len(),
        said.join(", ")
    );
    let mut before = 0;
    for standing in Standing::ALL {
        let count = analysis.counts.get(&standing).copied().unwrap_or(0);
        let (from, to) = (before * width / total, (before + count) * width / total);
        before += count;
        if to > from {
            let _ = write!(
                page,
                "<rect class=\"{}\" x=\"{from}\" y=\"0\" width=\"{}\" height=\"{height}\"/>",
                class(standing),
                to - from
            );
        }
        // Wide enough for its number.
        if to > from + 24 {
            let _ = write!(page, "<text x=\"{}\" y=\"22\">{count}</text>", from + 8);
        }
    }
    page.push_str("</svg></figure><ul>");
    for (standing, said) in Standing::ALL.iter().zip(said) {
        let (count, words) = said.split_once(' ').unwrap_or_default();
        let _ = write!(
            page,
            "<li><strong>{count}</strong> <span class=\"tag t-{}\">{words}</span></li>",
            class(*standing)
        );
    }
    page.push_str("</ul></section>\n");
}

fn steps(page: &mut String, analysis: &GapAnalysis) {
    let (stale, next): (Vec<&Step>, Vec<&Step>) =
        analysis.steps.iter().partition(|step| step.kind == StepKind::Renew);
    renewals(page, &stale);
    if next.is_empty() {
        return;
    }
    page.push_str(
        "<section><h2>What to do next</h2><p class=\"dim\">In the order in which each step completes most rows, after \
         those before it.</p><ol>",
    );
    for step in next.iter().take(SHOWN) {
        let completes = match step.completes.len() {
            0 if step.waits.len() == 1 => format!("one of several for {}", step.waits[0]),
            0 => format!("one of several for {} rows", step.waits.len()),
            1 => format!("completes {}", step.completes[0]),
            count => format!("completes {count} rows: {}", step.completes.join(", ")),
        };
        let _ = write!(
            page,
            "<li>{} <span class=\"dim\">({})</span><br><code>{}</code></li>",
            markup(&step.says),
            markup(&completes),
            markup(&step.command)
        );
    }
    page.push_str("</ol>");
    if next.len() > SHOWN {
        let _ = write!(page, "<p class=\"dim\">{} more stand in the JSON.</p>", next.len() - SHOWN);
    }
    page.push_str("</section>\n");
}

/// What is stale: no row waits for it, and rows rest on it.
fn renewals(page: &mut String, stale: &[&Step]) {
    if stale.is_empty() {
        return;
    }
    page.push_str("<section><h2>Stale, to be made anew</h2><ul>");
    for step in stale {
        let _ = write!(page, "<li>{}<br><code>{}</code></li>", markup(&step.says), markup(&step.command));
    }
    page.push_str("</ul></section>\n");
}

fn rows(page: &mut String, analysis: &GapAnalysis) {
    page.push_str(
        "<section><h2>Every row</h2><div class=\"wide\"><table><thead><tr><th scope=\"col\">Row</th>\
         <th scope=\"col\">Asks</th><th scope=\"col\">Stands</th><th scope=\"col\">Because</th></tr></thead><tbody>\n",
    );
    for row in &analysis.rows {
        one(page, row);
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn one(page: &mut String, row: &GapRow) {
    let part = if row.standing == Standing::Holds && !row.is_seen_whole { " (in part)" } else { "" };
    let mut because: Vec<String> = row.because.iter().map(|because| markup(because)).collect();
    if let Some(from) = row.applies_from {
        because.push(format!("applies from {from}"));
    }
    let _ = writeln!(
        page,
        "<tr><th scope=\"row\">{}<br><span class=\"dim\">{}</span></th><td>{}</td>\
         <td><span class=\"tag t-{}\">{}{part}</span></td><td>{}</td></tr>",
        markup(&row.id),
        markup(&row.source),
        markup(&row.label),
        class(row.standing),
        row.standing.as_str(),
        because.join("<br>")
    );
}
