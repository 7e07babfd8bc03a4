//! The report as one HTML file that needs nothing else: readable on screen, on paper, light and dark, and by ear, as
//! every picture has its name, its description and the same numbers in a table.

use std::fmt::Write as _;

use comptroller_stats::coefficient::Band;
use comptroller_stats::drift::{Column, Finding, Report, percent};
use comptroller_stats::measures::Method;

use super::{charts, estimated};
use super::{evidence, part, since, vectors, verdict};
use crate::escape::markup;
use crate::page::{END, begin};

/// Columns that are drawn, at most; the others stand in the table.
const DRAWN: usize = 60;
/// Rows of the table of columns, at most.
const LISTED: usize = 2000;

/// Renders the report.
pub fn html(report: &Report) -> String {
    let title = format!("Drift: {} against {}", report.current.name, report.reference.name);
    let mut page = begin(&title, "Drift report");
    sides(&mut page, report);
    headline(&mut page, report);
    page.push_str("</header>\n");
    findings(&mut page, report);
    pillars(&mut page, report);
    columns(&mut page, report);
    details(&mut page, report);
    vectors::html(&mut page, &report.embeddings);
    performance(&mut page, report);
    roles(&mut page, report);
    method(&mut page, report);
    page.push_str(END);
    page
}

fn sides(page: &mut String, report: &Report) {
    for (what, side) in [("Reference", &report.reference), ("Current", &report.current)] {
        let kind = if side.is_profile { ", a stored profile" } else { "" };
        let _ = writeln!(
            page,
            "<p class=\"dim\">{what}: <strong>{}</strong> ({} rows{kind})</p>",
            markup(&side.name),
            side.rows
        );
    }
}

fn headline(page: &mut String, report: &Report) {
    let headline = &report.headline;
    let class = headline.band.map_or("unknown", Band::as_str);
    let _ = write!(
        page,
        "<div class=\"verdict {class}\" role=\"status\"><strong>{}</strong><br>{}</div>\n<figure>{}</figure>\n",
        markup(&verdict(report)),
        markup(&headline.text),
        charts::scale(report)
    );
}

fn findings(page: &mut String, report: &Report) {
    let findings: &[Finding] = &report.findings;
    page.push_str("<section aria-labelledby=\"h-f\"><h2 id=\"h-f\">Diagnosis</h2>\n");
    if let Some(onset) = &report.onset {
        let _ = writeln!(page, "<p>Drift {}.</p>", markup(&since(onset)));
    }
    if findings.is_empty() {
        page.push_str("<p>Nothing was found.</p>\n");
    }
    for finding in findings {
        let _ = write!(
            page,
            "<div class=\"fault\"><p><strong>{}</strong>: {}</p>",
            finding.kind.as_str(),
            markup(&finding.text)
        );
        list(page, &finding.evidence);
        page.push_str("</div>\n");
    }
    page.push_str("</section>\n");
}

fn list(page: &mut String, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    page.push_str("<ul>");
    for line in lines {
        let _ = write!(page, "<li>{}</li>", markup(line));
    }
    page.push_str("</ul>");
}

fn pillars(page: &mut String, report: &Report) {
    page.push_str(
        "<section aria-labelledby=\"h-p\"><h2 id=\"h-p\">Pillars</h2>\n<table><caption>The coefficient is the largest of \
         these.</caption><thead><tr><th scope=\"col\">Pillar</th><th scope=\"col\" class=\"n\">Value</th>\
         <th scope=\"col\">Band</th><th scope=\"col\">About</th></tr></thead><tbody>\n",
    );
    for pillar in &report.pillars {
        let value = pillar.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        let band = pillar.band.map_or("not measured", |band| band.as_str());
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{value}</td><td>{band}</td><td>{}</td></tr>",
            pillar.name.as_str(),
            markup(&pillar.note)
        );
    }
    page.push_str("</tbody></table></section>\n");
}

fn columns(page: &mut String, report: &Report) {
    page.push_str("<section aria-labelledby=\"h-c\"><h2 id=\"h-c\">Columns</h2>\n");
    let _ = writeln!(page, "<figure>{}</figure>", charts::contributions(&report.columns));
    page.push_str(
        "<div class=\"wide\"><table><caption>Every compared column; contributions add to 100 %.</caption><thead><tr>\
         <th scope=\"col\">Column</th><th scope=\"col\">Role</th><th scope=\"col\" class=\"n\">V</th>\
         <th scope=\"col\" class=\"n\">Vc</th><th scope=\"col\">Band</th><th scope=\"col\">Rows</th>\
         <th scope=\"col\" class=\"n\">Contribution</th><th scope=\"col\">Cause</th></tr></thead><tbody>\n",
    );
    for column in report.columns.iter().take(LISTED) {
        let cause = column.causes.first().map(|cause| cause.text.as_str()).unwrap_or_default();
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{:.3}</td><td class=\"n\">{:.3}</td><td>{}</td>\
             <td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
            markup(&column.name),
            column.role.as_str(),
            column.v,
            column.corrected,
            column.band.map_or("", Band::as_str),
            evidence(column.evidence),
            part(column),
            markup(cause)
        );
    }
    page.push_str("</tbody></table></div>\n");
    left_out(page, report.columns.len(), LISTED, "listed");
    page.push_str("</section>\n");
}

fn left_out(page: &mut String, all: usize, shown: usize, how: &str) {
    if all > shown {
        let _ = writeln!(
            page,
            "<p class=\"dim\">{shown} of {all} columns are {how}; the JSON report has all.</p>"
        );
    }
}

fn details(page: &mut String, report: &Report) {
    page.push_str(
        "<section aria-labelledby=\"h-d\"><h2 id=\"h-d\">Distributions</h2>\n<p class=\"key\"><i class=\"c\"></i>current \
         (filled) <i class=\"b\"></i>reference (outline)</p>\n",
    );
    for (at, column) in report.columns.iter().take(DRAWN).enumerate() {
        detail(page, at, column);
    }
    left_out(page, report.columns.len(), DRAWN, "drawn");
    page.push_str("</section>\n");
}

fn detail(page: &mut String, at: usize, column: &Column) {
    let _ = writeln!(
        page,
        "<section class=\"column\" aria-labelledby=\"c{at}-h\"><h3 id=\"c{at}-h\">{} <span class=\"dim\">{} {}, V {:.3}, \
         {}</span></h3>",
        markup(&column.name),
        column.kind.as_str(),
        column.role.as_str(),
        column.v,
        evidence(column.evidence)
    );
    let causes: Vec<String> = column.causes.iter().map(|cause| cause.text.clone()).collect();
    list(page, &causes);
    let _ = writeln!(
        page,
        "<figure>{}</figure>",
        charts::distribution(&format!("c{at}"), &column.name, &column.histogram)
    );
    let _ = writeln!(page, "<p class=\"dim\">{}</p>", markup(&measures(column)));
    page.push_str(
        "<details><summary>The same as a table</summary><table><thead><tr><th scope=\"col\">Values</th>\
         <th scope=\"col\" class=\"n\">Reference</th><th scope=\"col\" class=\"n\">Current</th></tr></thead><tbody>\n",
    );
    let bars = column.histogram.labels.iter().zip(&column.histogram.reference).zip(&column.histogram.current);
    for ((label, before), now) in bars {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            markup(label),
            percent(*before),
            percent(*now)
        );
    }
    page.push_str("</tbody></table></details></section>\n");
}

/// The other distances in one line.
fn measures(column: &Column) -> String {
    let all = &column.measures;
    let mut text = format!(
        "PSI {:.3}, Jensen-Shannon {:.3}, Hellinger {:.3}, total variation {:.3}, chi-square {:.1} ({} df, p {})",
        all.psi,
        all.jensen_shannon,
        all.hellinger,
        all.total_variation,
        all.chi_square,
        all.chi_square_freedom,
        chance(all.chi_square_p)
    );
    if let Some(ks) = &all.ks {
        let how = if ks.method == Method::Exact { "exact" } else { "binned" };
        let _ = write!(text, ", KS {:.4} ({how}, p {})", ks.d, chance(ks.p));
    }
    if let Some(distance) = &all.wasserstein {
        let _ = write!(text, ", Wasserstein-1 {:.4}", distance.distance);
        if let Some(ratio) = distance.per_iqr {
            let _ = write!(text, " ({ratio:.3} of the reference's middle half)");
        }
    }
    text
}

/// A p-value for people.
fn chance(p: f64) -> String {
    if p < 1e-4 { "below 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn performance(page: &mut String, report: &Report) {
    let Some(performance) = &report.performance else { return };
    page.push_str("<section aria-labelledby=\"h-l\"><h2 id=\"h-l\">What labels say</h2>\n");
    let measures = performance.measures();
    if !measures.is_empty() {
        page.push_str(
            "<table><thead><tr><th scope=\"col\">Measure</th><th scope=\"col\" class=\"n\">Reference</th>\
             <th scope=\"col\" class=\"n\">Current</th></tr></thead><tbody>\n",
        );
        for (name, [before, now]) in measures {
            let _ = writeln!(
                page,
                "<tr><th scope=\"row\">{name}</th><td class=\"n\">{before:.4}</td><td class=\"n\">{now:.4}</td></tr>"
            );
        }
        page.push_str("</tbody></table>\n");
    }
    page.push_str("<ul>");
    for (name, loss) in
        [("measured", &performance.measured), ("expected from the scores", &performance.estimated)]
    {
        if let Some(loss) = loss {
            let _ = write!(
                page,
                "<li>Skill lost, {name}: {:.3} (at least {:.3}), by {}</li>",
                loss.loss, loss.lower, loss.measure
            );
        }
    }
    if let Some(concept) = &performance.concept {
        let _ = write!(
            page,
            "<li>V of the label within {} groups of equal score: {:.3} (p {})</li>",
            concept.groups,
            concept.corrected,
            chance(concept.p)
        );
    }
    let _ = writeln!(
        page,
        "<li>Labels cover {} of the current rows</li></ul></section>",
        percent(performance.coverage)
    );
    if let Some(expected) = &performance.expected {
        estimated::html(page, expected);
    }
}

fn roles(page: &mut String, report: &Report) {
    page.push_str(
        "<section aria-labelledby=\"h-r\"><h2 id=\"h-r\">What columns were taken for</h2>\n<details><summary>Every column \
         with its role and why</summary><table><thead><tr><th scope=\"col\">Column</th><th scope=\"col\">Role</th>\
         <th scope=\"col\">Kind</th><th scope=\"col\">Why</th></tr></thead><tbody>\n",
    );
    for role in report.roles.iter().take(LISTED) {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            markup(&role.column),
            role.role.as_str(),
            role.kind.map_or("-", |kind| kind.as_str()),
            markup(&role.why)
        );
    }
    page.push_str("</tbody></table></details>\n");
    left_out(page, report.roles.len(), LISTED, "listed");
    page.push_str("</section>\n");
}

fn method(page: &mut String, report: &Report) {
    page.push_str("<section aria-labelledby=\"h-m\"><h2 id=\"h-m\">Notes and method</h2>\n");
    list(page, &report.notes);
    let bands = report.method.bands;
    let _ = writeln!(
        page,
        "<p>Chance of a false alarm of the whole report: at most {}. Bands begin at {}, {} and {}.</p>",
        percent(report.method.alpha),
        bands.watch,
        bands.investigate,
        bands.rollback
    );
    page.push_str("<details><summary>What each number is</summary>");
    let definitions: Vec<String> = report.method.definitions.iter().map(|text| (*text).to_owned()).collect();
    list(page, &definitions);
    page.push_str("</details></section>\n");
}
