//! Days as a strip: colour, height and a letter say the same, so that one of them is enough.

use crate::escape::markup;
use crate::svg::Svg;
use comptroller_compliance::window::result::{DayState, Run};
use comptroller_core::Timestamp;
use std::fmt::Write as _;

/// Width of a strip that has a page for itself, in units of the drawing.
pub(super) const WIDE: f64 = 900.0;
/// Width of a strip in a table.
pub(super) const NARROW: f64 = 400.0;
/// Height of a strip.
const HEIGHT: f64 = 26.0;
/// Height of the head with the months.
const HEAD: f64 = 16.0;
/// From this width on a stretch has its letter.
const LETTER: f64 = 14.0;
/// A stretch is never narrower, so that a single day of eleven years is seen.
const LEAST: f64 = 1.2;
/// Labels of months keep this distance.
const APART: f64 = 56.0;

/// What strips need beside the style of every page.
pub(super) const STYLE: &str = "rect.s-clear{fill:#7fb88a}rect.s-open{fill:#c9544d}rect.s-none{fill:none;stroke:\
var(--dim);stroke-width:1.2;stroke-dasharray:4 3}rect.s-off{fill:var(--dim)}line.month{stroke:var(--rule)}\
svg text.state{font-size:12px;font-weight:600;fill:var(--ink)}svg text.on{fill:#fff}\
.legend svg{display:inline-block;width:2.2rem;height:1.1rem;vertical-align:middle;margin:0 .3rem 0 .9rem}";

/// Name of the class, and how much of the height it fills.
const fn look(state: DayState) -> (&'static str, f64) {
    match state {
        DayState::Clear => ("s-clear", 0.6),
        DayState::NotEvidenced => ("s-none", 0.55),
        DayState::NotInOperation => ("s-off", 0.12),
        DayState::Open => ("s-open", 1.0),
    }
}

/// A strip of a width; `id` is unique in the document.
pub(super) fn strip(id: &str, title: &str, runs: &[Run], width: f64) -> String {
    let total: u32 = runs.iter().map(days).sum();
    let mut svg = Svg::new(id, width as u32, HEIGHT as u32, title, &excerpt(&said(runs)));
    if total == 0 {
        return svg.finish();
    }
    for (x, _) in months(runs, total, width) {
        svg.line("month", [x, 0.0, x, HEIGHT]);
    }
    let mut from = 0;
    for run in runs {
        let to = from + days(run);
        let (x, end) = (place(from, total, width), place(to, total, width));
        draw(&mut svg, run.state, (x, (end - x).max(LEAST)), &words(run));
        from = to;
    }
    svg.finish()
}

fn draw(svg: &mut Svg, state: DayState, (x, width): (f64, f64), hint: &str) {
    let (class, share) = look(state);
    let height = (HEIGHT - 2.0) * share;
    // An outline is drawn around its edge: it stays inside.
    let inset = if state == DayState::NotEvidenced { 0.6 } else { 0.0 };
    let shape = [x + inset, HEIGHT - 1.0 - height, (width - 2.0 * inset).max(0.4), height];
    svg.bar(class, shape, hint);
    if width >= LETTER && state != DayState::Clear {
        let class = if state == DayState::Open { "state on" } else { "state" };
        let y = if state == DayState::NotInOperation { HEIGHT - 6.0 } else { HEIGHT - 5.0 };
        svg.label(class, (x + width / 2.0, y), "middle", &state.sign().to_string());
    }
}

/// The months above strips of the same days.
pub(super) fn head(id: &str, runs: &[Run], width: f64) -> String {
    let total: u32 = runs.iter().map(days).sum();
    let about = match (runs.first(), runs.last()) {
        (Some(first), Some(last)) => format!("{} to {}", first.from, last.through),
        _ => String::new(),
    };
    let mut svg = Svg::new(id, width as u32, HEAD as u32, "Months", &about);
    let mut next = 0.0;
    for (x, month) in months(runs, total.max(1), width) {
        if x >= next && x + APART <= width {
            svg.label("small", (x + 2.0, HEAD - 4.0), "start", &month);
            next = x + APART;
        }
        svg.line("month", [x, 0.0, x, HEAD]);
    }
    svg.finish()
}

/// What the states look like.
pub(super) fn legend(page: &mut String) {
    page.push_str("<p class=\"legend dim\">");
    for state in DayState::ALL {
        let id = format!("key-{}", look(state).0);
        let mut svg = Svg::new(&id, 40, HEIGHT as u32, state.as_str(), "");
        draw(&mut svg, state, (2.0, 36.0), "");
        let _ = write!(page, "{} {} ({})", svg.finish(), markup(state.as_str()), state.sign());
    }
    page.push_str("</p>");
}

fn place(day: u32, total: u32, width: f64) -> f64 {
    width * f64::from(day) / f64::from(total)
}

/// Where months begin, with their names `YYYY-MM`.
fn months(runs: &[Run], total: u32, width: f64) -> Vec<(f64, String)> {
    let Some(first) = runs.first().and_then(|run| start(&run.from)) else { return Vec::new() };
    let mut months = Vec::new();
    for day in 0..total {
        let text = first.plus_seconds(i64::from(day) * 86_400).to_string();
        if text.get(8..10) == Some("01") {
            months.push((place(day, total, width), text.get(..7).unwrap_or_default().to_owned()));
        }
    }
    months
}

fn start(day: &str) -> Option<Timestamp> {
    format!("{day}T00:00:00Z").parse().ok()
}

/// Days of a run.
pub(super) fn days(run: &Run) -> u32 {
    match (start(&run.from), start(&run.through)) {
        (Some(from), Some(through)) => {
            ((through.micros() - from.micros()) / 86_400_000_000 + 1).clamp(1, 100_000) as u32
        }
        _ => 1,
    }
}

/// A run in words.
fn words(run: &Run) -> String {
    let when =
        if run.from == run.through { run.from.clone() } else { format!("{} to {}", run.from, run.through) };
    match run.state {
        DayState::Open => format!("{when}: {} open", run.open),
        other => format!("{when}: {}", other.as_str()),
    }
}

/// The days that are not clear, in words.
pub(super) fn said(runs: &[Run]) -> String {
    let said: Vec<String> = runs.iter().filter(|run| run.state != DayState::Clear).map(words).collect();
    if said.is_empty() { "no exception was open on any day".to_owned() } else { said.join("; ") }
}

/// A long list of days is cut on the page; the whole stands in the JSON.
pub(super) fn excerpt(text: &str) -> String {
    crate::escape::cut(text, 400)
}
