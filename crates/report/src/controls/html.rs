//! The page: what an auditor must know first, then the table of tests, then every control by itself.

use super::strip::{WIDE, excerpt, said, strip};
use super::{minute, noted, percent, timeline};
use crate::escape::markup;
use crate::page::{END, begin};
use comptroller_compliance::sample::Sample;
use comptroller_compliance::window::result::State;
use comptroller_compliance::window::{ControlException, ControlResult, Timeline, WindowResult};
use std::fmt::Write as _;

/// Occurrences of one control that the page lists; the rest stands in the CSV.
pub(super) const SHOWN: usize = 40;

/// What the timelines and tables need beside the style of every page.
const STYLE: &str = ".exc{border-left:.4rem solid \
#c9544d;padding:.2rem .7rem;margin:.5rem 0;background:var(--soft);overflow-wrap:anywhere}.facts td{white-space:normal}\
td.empty{min-width:9rem;border:1px dashed var(--rule)}code{font-size:.85em;overflow-wrap:anywhere}\
section:not(.days){break-inside:avoid-page}@media print{body{max-width:none;font-size:10pt}}";

/// The tests of controls as one page that loads nothing, with their timelines.
pub fn html(result: &WindowResult, samples: &[Sample], timelines: &Timeline) -> String {
    let about = result.framework.as_deref().map_or_else(|| "all frameworks".to_owned(), str::to_owned);
    let mut page = begin("Tests of controls", &format!("Tests of controls: {about}"));
    let _ = writeln!(page, "<style>{}{STYLE}</style>", timeline::style());
    let _ = writeln!(
        page,
        "<p>{} to {} (UTC). Computed from every entry of the log: no sample stands for the rest, and no opinion stands \
         here. The columns for conclusions are the auditor's.</p></header>",
        minute(result.from),
        minute(result.to)
    );
    first(&mut page, result);
    tests(&mut page, result);
    timeline::section(&mut page, timelines);
    for control in &result.controls {
        let sample = samples.iter().find(|sample| sample.control == control.id);
        self::control(&mut page, result, control, sample);
    }
    receipts(&mut page, result);
    page.push_str(END);
    page
}

fn first(page: &mut String, result: &WindowResult) {
    let all = result.controls.iter().map(|control| control.exceptions.len()).sum::<usize>();
    let open = result.controls.iter().map(|control| control.point.open).sum::<u64>();
    let expected = result.controls.iter().map(|control| control.period.expected).sum::<u64>();
    let _ = write!(
        page,
        "<section><h2>To know first</h2><p><strong>{all}</strong> exceptions among <strong>{expected}</strong> expected \
         occurrences of {} controls; <strong>{open}</strong> are open at the end.</p>",
        result.controls.len()
    );
    let with: Vec<&ControlResult> =
        result.controls.iter().filter(|control| !control.exceptions.is_empty()).collect();
    if !with.is_empty() {
        page.push_str("<ul>");
        for control in with {
            let _ = write!(
                page,
                "<li><a href=\"#{id}\">{id}</a> {}: {} of {}</li>",
                markup(&control.title),
                control.exceptions.len(),
                control.period.expected,
                id = markup(&control.id)
            );
        }
        page.push_str("</ul>");
    }
    if !result.not_in_operation.is_empty() {
        let _ = write!(
            page,
            "<p>Not in operation in the window, and therefore not tested: {}.</p>",
            markup(&result.not_in_operation.join(", "))
        );
    }
    page.push_str("</section>\n");
}

fn tests(page: &mut String, result: &WindowResult) {
    page.push_str(
        "<section><h2>Tests of controls</h2><div class=\"wide\"><table class=\"facts\"><thead><tr><th>Criterion</th>\
         <th>Control</th><th>Test</th><th class=\"n\">Population</th><th class=\"n\">Exceptions</th><th>Result</th>\
         <th>Conclusion</th></tr></thead><tbody>\n",
    );
    for criterion in &result.criteria {
        for control in result.controls.iter().filter(|control| criterion.controls.contains(&control.id)) {
            let period = &control.period;
            let pending =
                if period.pending > 0 { format!(", {} not due yet", period.pending) } else { String::new() };
            // INVARIANT (no-conclusion): the last cell stays empty.
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td><a href=\"#{id}\">{id}</a> {}</td><td>Every occurrence, {}: all tests of the \
                 definition</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{} of {} met ({}){pending}</td>\
                 <td class=\"empty\"></td></tr>",
                markup(&criterion.criterion),
                markup(&control.title),
                markup(&control.rhythm),
                period.expected,
                period.exceptions,
                period.met,
                period.met + period.exceptions,
                percent(period.met_ppm),
                id = markup(&control.id)
            );
        }
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn control(page: &mut String, result: &WindowResult, control: &ControlResult, sample: Option<&Sample>) {
    let _ = write!(
        page,
        "<section id=\"{id}\"><h2>{id} {}</h2><p>{}</p><p class=\"dim\">Owner: {}. Expected {}. Own rule: {} over the \
         period.</p>",
        markup(&control.title),
        markup(&control.objective),
        control.owner,
        markup(&control.rhythm),
        percent(Some(control.period.rule_ppm)),
        id = markup(&control.id)
    );
    for finding in &control.findings {
        let _ = write!(page, "<p><strong>{}</strong>: {}</p>", markup(&finding.kind), markup(&finding.says));
    }
    days(page, control);
    for exception in &control.exceptions {
        self::exception(page, result, exception);
    }
    occurrences(page, control);
    if let Some(sample) = sample {
        let drawn: Vec<String> = sample.drawn.iter().map(|key| markup(key)).collect();
        let _ = write!(
            page,
            "<details><summary>Sample: {} of {}</summary><p>Seed <code>{}</code>, fixed by the log with {} entries.</p>\
             <p><code>{}</code></p></details>",
            sample.drawn.len(),
            sample.population,
            sample.seed,
            sample.seal.size,
            drawn.join("</code>, <code>")
        );
    }
    page.push_str("<p class=\"dim\">What it cannot see: ");
    page.push_str(&markup(&control.blind_spots.join(" ")));
    page.push_str("</p></section>\n");
}

/// Days side by side, and the same in words behind it.
fn days(page: &mut String, control: &ControlResult) {
    let name = format!("{} {}", control.id, control.title);
    page.push_str(&strip(&format!("days-{}", control.id), &name, &control.timeline, WIDE));
    let _ = write!(page, "<p class=\"dim\">{}</p>", markup(&excerpt(&said(&control.timeline))));
}

fn exception(page: &mut String, result: &WindowResult, exception: &ControlException) {
    let closed = exception.closed.map_or_else(|| "open".to_owned(), |at| format!("closed {}", minute(at)));
    let _ = write!(
        page,
        "<div class=\"exc\"><strong>Exception</strong> <code>{}</code><br>{} on {}; since {}, {closed}.<ul>",
        &exception.id.as_str()[..12],
        markup(&exception.occurrence),
        minute(exception.at),
        minute(exception.since)
    );
    for cause in &exception.causes {
        let late = cause.late.map_or_else(String::new, |at| format!(" It was there on {}.", minute(at)));
        let shown: Vec<String> = cause.shown_by.iter().map(u64::to_string).collect();
        let shown = if shown.is_empty() { String::new() } else { format!(" Entries {}.", shown.join(", ")) };
        let _ = write!(page, "<li>Cause: {}.{late}{shown}</li>", markup(&cause.says));
    }
    let _ = write!(page, "<li>Effect to guard against: {}</li>", markup(&exception.effect));
    for note in result.notes.get(&exception.id).map_or(&[][..], Vec::as_slice) {
        let _ = write!(page, "<li>{}</li>", markup(&noted(note)));
    }
    page.push_str("</ul></div>");
}

fn occurrences(page: &mut String, control: &ControlResult) {
    let excluded: Vec<String> =
        control.excluded.iter().map(|one| format!("{} ({})", markup(&one.why), one.count)).collect();
    let _ = write!(page, "<details><summary>Population: {}</summary>", control.population.len());
    if !excluded.is_empty() {
        let _ = write!(page, "<p>Not in it, with the reason: {}.</p>", excluded.join("; "));
    }
    page.push_str("<table><tbody>");
    // Exceptions stand above already; what is shown here is in the order of the log.
    for one in control.population.iter().take(SHOWN) {
        let entries: Vec<String> = one.evidence.iter().map(u64::to_string).collect();
        let state = state(one.state);
        let _ = write!(
            page,
            "<tr><td><code>{}</code></td><td>{}</td><td>{state}</td><td>{}</td></tr>",
            markup(&one.key),
            minute(one.at),
            entries.join(" ")
        );
    }
    page.push_str("</tbody></table>");
    if control.population.len() > SHOWN {
        let _ = write!(
            page,
            "<p>{} more stand in populations/{}.csv.</p>",
            control.population.len() - SHOWN,
            control.id
        );
    }
    page.push_str("</details>");
}

/// Whether an occurrence meets the tests, in words.
pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Met => "met",
        State::Exception => "exception",
        State::Pending => "not due yet",
    }
}

fn receipts(page: &mut String, result: &WindowResult) {
    let _ = write!(
        page,
        "<section><h2>How to make it again</h2><p>Result <code>{}</code>, engine <code>{}</code>, evidence until {}. Log \
         of {} entries with the root <code>{}</code>. <code>comptroller control test PACK</code> computes the same \
         digest from the entries, offline.</p><div class=\"wide\"><table><caption>Receipts</caption><thead><tr>\
         <th>Control</th><th>List</th><th class=\"n\">Rows</th><th class=\"n\">Excluded</th><th>Digest</th></tr></thead>\
         <tbody>",
        result.digest,
        result.engine,
        minute(result.evidence_until),
        result.ledger.size,
        result.ledger.root
    );
    for receipt in &result.receipts {
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td><code>{}</code></td></tr>",
            markup(&receipt.control),
            markup(&receipt.list),
            receipt.rows,
            receipt.excluded,
            receipt.digest
        );
    }
    page.push_str("</tbody></table></div></section>");
}
