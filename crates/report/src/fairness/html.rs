//! The audit as one HTML file that needs nothing else: verdicts, then each family of groups with its rates and gaps.

use super::{NO_CONCLUSION, cell, demand, gravest, subject, title, uncovered, with_interval, words};
use crate::escape::{cut, markup};
use crate::page::{END, begin};
use crate::svg::Svg;
use comptroller_stats::fairness::metric::Metric;
use comptroller_stats::fairness::report::{Comparison, CompoundMeasure, Family, Report};
use comptroller_stats::fairness::verdict::{State, Verdict};
use std::fmt::Write as _;

/// Groups of a family that are drawn, at most; all stand in the table.
const DRAWN: usize = 40;
/// Groups of a family that are listed, at most.
const LISTED: usize = 500;
/// Families that are shown, at most.
const FAMILIES: usize = 200;
/// Height of a bar with its gap.
const ROW: f64 = 26.0;

/// The measures of inequality: over all rows, between groups, within them.
const ENTROPY: [(&str, [CompoundMeasure; 3]); 3] = [
    (
        "alpha 0 (mean logarithmic deviation)",
        [CompoundMeasure::Entropy0, CompoundMeasure::EntropyBetween0, CompoundMeasure::EntropyWithin0],
    ),
    (
        "alpha 1 (Theil)",
        [CompoundMeasure::Entropy1, CompoundMeasure::EntropyBetween1, CompoundMeasure::EntropyWithin1],
    ),
    (
        "alpha 2 (half the squared coefficient of variation)",
        [CompoundMeasure::Entropy2, CompoundMeasure::EntropyBetween2, CompoundMeasure::EntropyWithin2],
    ),
];

/// Renders the audit of `name`, with notes on its rows.
pub fn html(name: &str, notes: &[String], report: &Report) -> String {
    let mut page = begin(&format!("Fairness: {name}"), "Fairness report");
    let _ = writeln!(
        page,
        "<p class=\"dim\">Data: <strong>{}</strong> ({} rows{})</p>",
        markup(name),
        report.rows.total,
        if report.rows.weighted { ", weighted" } else { "" }
    );
    headline(&mut page, &report.verdicts);
    page.push_str("</header>\n");
    verdicts(&mut page, &report.verdicts);
    for (number, one) in report.families.iter().take(FAMILIES).enumerate() {
        family(&mut page, one, number);
    }
    if report.families.len() > FAMILIES {
        let _ = writeln!(page, "<p>And {} more families, in the JSON.</p>", report.families.len() - FAMILIES);
    }
    method(&mut page, notes, report);
    page.push_str(END);
    page
}

fn class(state: Option<State>) -> &'static str {
    match state {
        Some(State::Pass) => "normal",
        Some(State::Fail) => "rollback",
        Some(State::Inconclusive) => "watch",
        Some(State::InsufficientEvidence | State::NotEvaluable) | None => "unknown",
    }
}

fn headline(page: &mut String, verdicts: &[Verdict]) {
    let state = gravest(verdicts);
    let passed = verdicts.iter().filter(|verdict| verdict.state == State::Pass).count();
    let _ = writeln!(
        page,
        "<div class=\"verdict {}\" role=\"status\"><strong>{}</strong><br>{passed} of {} criteria pass. \
         {NO_CONCLUSION}</div>",
        class(state),
        state.map_or("nothing was demanded", words),
        verdicts.len()
    );
}

fn verdicts(page: &mut String, verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    page.push_str(
        "<section aria-labelledby=\"h-v\"><h2 id=\"h-v\">Verdicts</h2>\n<table><caption>What was demanded, of which \
         groups.</caption><thead><tr><th scope=\"col\">Groups</th><th scope=\"col\">Demanded</th>\
         <th scope=\"col\">State</th><th scope=\"col\">Because</th></tr></thead><tbody>\n",
    );
    for verdict in verdicts {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}<br><span class=\"dim\">{}</span></td><td><strong>{}</strong></td>\
             <td>{}</td></tr>",
            markup(&subject(verdict)),
            markup(&demand(verdict)),
            markup(&verdict.criterion.source),
            words(verdict.state),
            markup(&verdict.because)
        );
    }
    page.push_str("</tbody></table></section>\n");
}

pub(super) fn family(page: &mut String, family: &Family, number: usize) {
    let _ = writeln!(
        page,
        "<section aria-labelledby=\"h-{number}\"><h2 id=\"h-{number}\">By {}</h2>",
        markup(&title(family))
    );
    if let Some(selection) = family.metrics.iter().find(|one| one.metric == Metric::SelectionRate) {
        let _ = writeln!(page, "<figure>{}</figure>", bars(family, selection, number));
    }
    groups(page, family);
    gaps(page, family);
    every_rate(page, family);
    if family.absent_count > 0 {
        let names: Vec<String> = family.absent.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            page,
            "<details><summary>{} combinations have no rows</summary><p>{}</p></details>",
            family.absent_count,
            markup(&names.join("; "))
        );
    }
    page.push_str("</section>\n");
}

/// Selection rates with their intervals, between 0 and 1.
fn bars(family: &Family, selection: &Comparison, number: usize) -> String {
    let shown = family.groups.len().min(DRAWN);
    let described: Vec<String> = (0..shown)
        .map(|group| {
            format!("{}: {}", family.groups[group].name, with_interval(&selection.groups[group].value))
        })
        .collect();
    let height = 24 + shown as u32 * 26;
    let name = format!("Selection rates by {}", title(family));
    let mut svg = Svg::new(&format!("s-{number}"), 720, height, &name, &described.join("; "));
    let scale = |rate: f64| 220.0 + 480.0 * rate;
    for (group, described) in described.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "at most forty bars")]
        let y = ROW * group as f64 + 4.0;
        svg.label("", (210.0, y + 13.0), "end", &cut(&family.groups[group].name.to_string(), 30));
        match selection.groups[group].value.estimate() {
            Some(rate) => svg.bar("current", [220.0, y, 480.0 * rate, 16.0], described),
            None => svg.label("small", (226.0, y + 13.0), "start", &cell(&selection.groups[group].value)),
        }
        if let Some(interval) = selection.groups[group].value.interval() {
            svg.line("axis", [scale(interval.lower), y + 8.0, scale(interval.upper), y + 8.0]);
        }
    }
    let bottom = f64::from(height) - 18.0;
    svg.line("axis", [220.0, bottom, 700.0, bottom]);
    for (rate, label) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
        svg.label("small", (scale(rate), bottom + 14.0), "middle", label);
    }
    svg.finish()
}

fn groups(page: &mut String, family: &Family) {
    let metrics = [
        ("Selected", Metric::SelectionRate),
        ("TPR", Metric::TruePositiveRate),
        ("FPR", Metric::FalsePositiveRate),
        ("FNR", Metric::FalseNegativeRate),
        ("PPV", Metric::PositivePredictiveValue),
        ("FDR", Metric::FalseDiscoveryRate),
        ("FOR", Metric::FalseOmissionRate),
        ("Accuracy", Metric::Accuracy),
    ];
    page.push_str(
        "<div class=\"wide\"><table><caption>Rates by group, with the interval of the selection rate; TPR, FPR and FNR are \
         true positive, false positive and false negative rate, PPV positive predictive value, FDR false discovery rate, FOR \
         false omission rate.</caption><thead><tr><th scope=\"col\">Group</th>\
         <th scope=\"col\" class=\"n\">Rows</th>",
    );
    for (label, _) in metrics {
        let _ = write!(page, "<th scope=\"col\" class=\"n\">{label}</th>");
    }
    page.push_str("<th scope=\"col\" class=\"n\">Impact ratio</th></tr></thead><tbody>\n");
    for (place, group) in family.groups.iter().enumerate().take(LISTED) {
        let name = markup(&group.name.to_string());
        let _ = write!(page, "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td>", group.rows);
        for (_, metric) in metrics {
            let value =
                family.metrics.iter().find(|one| one.metric == metric).map(|one| one.groups[place].value);
            let shown = value.map_or(String::new(), |value| {
                if metric == Metric::SelectionRate { with_interval(&value) } else { cell(&value) }
            });
            let _ = write!(page, "<td class=\"n\">{}</td>", markup(&shown));
        }
        let ratio =
            family.impact_ratio.groups[place].ratio.map_or("reference".to_owned(), |ratio| cell(&ratio));
        let _ = writeln!(page, "<td class=\"n\">{}</td></tr>", markup(&ratio));
    }
    page.push_str("</tbody></table></div>\n");
    if family.groups.len() > LISTED {
        let _ = writeln!(page, "<p>And {} more groups, in the JSON.</p>", family.groups.len() - LISTED);
    }
}

fn gaps(page: &mut String, family: &Family) {
    page.push_str(
        "<div class=\"wide\"><table><caption>Gaps over groups, with intervals that hold together.</caption><thead><tr>\
         <th scope=\"col\">Measure</th><th scope=\"col\">Value</th><th scope=\"col\">Not covered</th></tr></thead><tbody>\n",
    );
    for measure in comptroller_stats::fairness::verdict::Measure::ALL {
        let Some(aggregate) = measure.of(family) else { continue };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
            markup(&measure.name().replace('_', " ")),
            markup(&with_interval(&aggregate.value)),
            markup(&uncovered(family, aggregate).join("; "))
        );
    }
    page.push_str("</tbody></table></div>\n");
}

/// Every rate with its largest difference and smallest ratio, and how unequal outcomes are over all rows.
fn every_rate(page: &mut String, family: &Family) {
    page.push_str(
        "<div class=\"wide\"><table><caption>Largest \
         difference and smallest ratio of each rate over groups.</caption><thead><tr><th scope=\"col\">Rate</th>\
         <th scope=\"col\">Difference</th><th scope=\"col\">Ratio</th></tr></thead><tbody>\n",
    );
    for one in &family.metrics {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
            markup(&one.metric.name().replace('_', " ")),
            markup(&with_interval(&one.difference.value)),
            markup(&with_interval(&one.ratio.value))
        );
    }
    page.push_str(
        "</tbody></table></div>\n<div class=\"wide\"><table><caption>Generalised entropy of benefits (Speicher et al. 2018): 0 \
         is equal; between groups, and within them.</caption><thead><tr><th scope=\"col\">Measure</th>\
         <th scope=\"col\">All</th><th scope=\"col\">Between groups</th><th scope=\"col\">Within groups</th></tr></thead><tbody>\n",
    );
    for (name, [all, between, within]) in ENTROPY {
        let value = |measure| {
            let found = family.compound.iter().find(|one| one.measure == measure);
            found.map_or_else(String::new, |one| with_interval(&one.aggregate.value))
        };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            markup(&value(all)),
            markup(&value(between)),
            markup(&value(within))
        );
    }
    page.push_str("</tbody></table></div>\n");
}

fn method(page: &mut String, notes: &[String], report: &Report) {
    let settings = &report.settings;
    let _ = writeln!(
        page,
        "<section aria-labelledby=\"h-m\"><h2 id=\"h-m\">How to read this</h2><p>Intervals of a comparison hold together at \
         {} % (Bonferroni over pairs of groups and strata): Wilson for rates, Newcombe for differences, logarithmic for \
         ratios. A rate needs {} rows below the line. A criterion passes when its whole interval lies within the bound and \
         every group is covered; it fails when its whole interval lies beyond. {NO_CONCLUSION}</p><ul>",
        settings.confidence * 100.0,
        settings.min_rows
    );
    for note in notes {
        let _ = write!(page, "<li>{}</li>", markup(note));
    }
    page.push_str("</ul></section>\n");
}
