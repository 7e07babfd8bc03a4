//! The three pictures: the coefficient against its bands, what each column carries, and both distributions of one.

use comptroller_stats::drift::{Column, Report, percent};
use comptroller_stats::grid::Histogram;

use super::part;
use crate::escape::cut;
use crate::svg::Svg;

/// Columns of the picture of contributions, at most.
pub(super) const CONTRIBUTORS: usize = 20;

const WIDTH: f64 = 640.0;
/// Room of a number under the scale.
const TICK_WIDTH: f64 = 32.0;

/// The coefficient and the pillars on a scale from 0 to 1, with the bands behind.
pub(super) fn scale(report: &Report) -> String {
    let row = 26.0;
    let shown: Vec<_> =
        report.pillars.iter().filter_map(|pillar| Some((pillar.name.as_str(), pillar.value?))).collect();
    let height = 64.0 + row * to_real(shown.len());
    let described: Vec<String> = shown.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
    let mut svg = Svg::new(
        "scale",
        WIDTH as u32,
        height as u32,
        "Coefficient and pillars against the bands",
        &format!("coefficient {:.2}; {}", report.headline.coefficient, described.join(", ")),
    );
    let (left, right) = (110.0, WIDTH - 20.0);
    let x = |value: f64| left + (right - left) * value.clamp(0.0, 1.0);
    let bands = report.method.bands;
    let borders = [0.0, bands.watch, bands.investigate, bands.rollback, 1.0];
    for (at, name) in ["normal", "watch", "investigate", "rollback"].iter().enumerate() {
        let (from, to) = (x(borders[at]), x(borders[at + 1]));
        svg.bar(&format!("band {name}"), [from, 18.0, (to - from).max(0.0), height - 36.0], name);
        svg.label(
            "small",
            (f64::midpoint(from, to), 13.0),
            "middle",
            if to - from < 60.0 { "" } else { name },
        );
    }
    let mut y = 24.0;
    let headline = [("coefficient", report.headline.coefficient)];
    for (name, value) in headline.into_iter().chain(shown) {
        let class = if name == "coefficient" { "mark headline" } else { "mark" };
        svg.label("name", (left - 8.0, y + 15.0), "end", name);
        svg.bar(
            class,
            [left, y + 4.0, (x(value) - left).max(1.5), row - 12.0],
            &format!("{name} {value:.3}"),
        );
        let place = if value > 0.85 { (x(value) - 6.0, "end") } else { (x(value) + 6.0, "start") };
        svg.label(
            if value > 0.85 { "value inside" } else { "value" },
            (place.0, y + 15.0),
            place.1,
            &format!("{value:.2}"),
        );
        y += row;
    }
    let mut free_from = f64::NEG_INFINITY;
    for border in borders {
        // Bands may begin close to each other: a number is left out rather than written over another.
        if x(border) >= free_from {
            svg.label("small", (x(border), height - 4.0), "middle", &format!("{border}"));
            free_from = x(border) + TICK_WIDTH;
        }
    }
    svg.finish()
}

/// What each column carries of the data coefficient.
pub(super) fn contributions(columns: &[Column]) -> String {
    let shown: Vec<&Column> =
        columns.iter().filter(|column| column.contribution > 0.0).take(CONTRIBUTORS).collect();
    if shown.is_empty() {
        return String::new();
    }
    let row = 22.0;
    let height = row * to_real(shown.len()) + 8.0;
    let described: Vec<String> =
        shown.iter().map(|column| format!("{} {}", column.name, part(column))).collect();
    let mut svg =
        Svg::new("parts", WIDTH as u32, height as u32, "Contributions of columns", &described.join(", "));
    let (left, right) = (220.0, WIDTH - 110.0);
    for (at, column) in shown.iter().enumerate() {
        let y = 4.0 + row * to_real(at);
        let width = (right - left) * column.contribution;
        svg.label("name", (left - 8.0, y + 15.0), "end", &cut(&column.name, 30));
        svg.bar("part", [left, y + 3.0, width.max(1.0), row - 8.0], &described[at]);
        let text = format!("{} (V {:.2})", part(column), column.coefficient);
        svg.label("value", (left + width + 6.0, y + 15.0), "start", &text);
    }
    svg.finish()
}

/// Both distributions of one column: current as filled bars, reference as an outline over them.
pub(super) fn distribution(id: &str, name: &str, histogram: &Histogram) -> String {
    let bars = histogram.labels.len();
    if bars == 0 {
        return String::new();
    }
    if histogram.is_ordered { upright(id, name, histogram) } else { lying(id, name, histogram) }
}

fn upright(id: &str, name: &str, histogram: &Histogram) -> String {
    let height = 170.0;
    let mut svg = picture(id, name, histogram, height);
    let (left, right, top, bottom) = (44.0, WIDTH - 8.0, 10.0, height - 24.0);
    let most = largest(histogram);
    let step = (right - left) / to_real(histogram.labels.len());
    let y = |share: f64| bottom - (bottom - top) * share / most;
    let mut outline = vec![(left, bottom)];
    for (at, label) in histogram.labels.iter().enumerate() {
        let x = left + step * to_real(at);
        let (before, now) = (histogram.reference[at], histogram.current[at]);
        svg.bar(
            "current",
            [x + 0.5, y(now), (step - 1.0).max(0.5), bottom - y(now)],
            &hint(label, before, now),
        );
        outline.extend([(x, y(before)), (x + step, y(before))]);
    }
    outline.push((right, bottom));
    svg.path("reference", &outline);
    svg.line("axis", [left, bottom, right, bottom]);
    svg.label("small", (left - 4.0, top + 8.0), "end", &percent(most));
    svg.label("small", (left - 4.0, bottom), "end", "0 %");
    let last = histogram.labels.len() - 1;
    svg.label("small", (left, height - 8.0), "start", &cut(&histogram.labels[0], 40));
    svg.label("small", (right, height - 8.0), "end", &cut(&histogram.labels[last], 40));
    svg.finish()
}

fn lying(id: &str, name: &str, histogram: &Histogram) -> String {
    let row = 22.0;
    let height = row * to_real(histogram.labels.len()) + 10.0;
    let mut svg = picture(id, name, histogram, height);
    let (left, right) = (200.0, WIDTH - 150.0);
    let most = largest(histogram);
    for (at, label) in histogram.labels.iter().enumerate() {
        let y = 4.0 + row * to_real(at);
        let (before, now) = (histogram.reference[at], histogram.current[at]);
        let width = |share: f64| ((right - left) * share / most).max(0.0);
        svg.label("name", (left - 8.0, y + 14.0), "end", &cut(label, 28));
        svg.bar("current", [left, y + 3.0, width(now), row - 8.0], &hint(label, before, now));
        svg.bar("reference", [left, y + 1.0, width(before), row - 4.0], &hint(label, before, now));
        let x = left + width(before.max(now)) + 6.0;
        svg.label("value", (x, y + 14.0), "start", &format!("{} → {}", percent(before), percent(now)));
    }
    svg.finish()
}

fn picture(id: &str, name: &str, histogram: &Histogram, height: f64) -> Svg {
    let gap = |at: &usize| (histogram.reference[*at] - histogram.current[*at]).abs();
    let most = (0..histogram.labels.len()).max_by(|a, b| gap(a).total_cmp(&gap(b))).unwrap_or(0);
    let description = format!(
        "largest difference at {}; every bar is in the table below",
        hint(&histogram.labels[most], histogram.reference[most], histogram.current[most])
    );
    Svg::new(id, WIDTH as u32, height as u32, &format!("Distributions of {name}"), &description)
}

fn hint(label: &str, before: f64, now: f64) -> String {
    format!("{label}: reference {}, current {}", percent(before), percent(now))
}

fn largest(histogram: &Histogram) -> f64 {
    histogram.reference.iter().chain(&histogram.current).copied().fold(1e-9, f64::max)
}

#[expect(clippy::cast_precision_loss, reason = "a number of rows of a picture")]
fn to_real(count: usize) -> f64 {
    count as f64
}
