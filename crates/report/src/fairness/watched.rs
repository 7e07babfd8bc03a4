//! A watch over the decisions of a running version as one HTML page: how each criterion stands, the evidence over the
//! days, and the rates by group over all of them.

use super::html::family;
use crate::escape::{cut, markup};
use crate::page::{END, begin};
use crate::svg::Svg;
use comptroller_stats::fairness::report::Report;
use comptroller_stats::fairness::watching::{Shown, Standing};
use std::fmt::Write as _;

/// Days of the picture, at most: the newest.
const DRAWN: usize = 400;
/// Games that are drawn, at most: the gravest; all stand in the table.
const GAMES: usize = 6;

/// What is drawn over the days.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// Every game as it stands.
    pub games: &'a [Shown],
    /// Each day in its order, with the evidence after it by game: its logarithm to base 10.
    pub days: &'a [(String, Vec<f64>)],
    /// The chance of a false alarm over everything that is watched and all time.
    pub alpha: f64,
}

/// Renders the watch of `name`.
pub fn watched(name: &str, trace: &Trace<'_>, report: &Report) -> String {
    let mut page = begin(&format!("Fairness, watched: {name}"), "Fairness in operation");
    let _ = writeln!(
        page,
        "<p class=\"dim\">Decisions of <strong>{}</strong>: {} rows on {} days</p>",
        markup(name),
        report.rows.total,
        trace.days.len()
    );
    headline(&mut page, trace);
    page.push_str("</header>\n");
    games(&mut page, trace);
    page.push_str("<section aria-labelledby=\"h-e\"><h2 id=\"h-e\">Evidence over the days</h2>\n");
    for (number, place) in gravest(trace.games).into_iter().enumerate() {
        let _ = writeln!(page, "<figure>{}</figure>", evidence(trace, place, number));
    }
    page.push_str("</section>\n");
    for (number, one) in report.families.iter().enumerate() {
        family(&mut page, one, number);
    }
    let _ = writeln!(
        page,
        "<section aria-labelledby=\"h-m\"><h2 id=\"h-m\">How to read this</h2><p>The evidence is the wealth of somebody who bets \
         that the criterion does not hold, and began with 1. While it does hold, the chance that any line here ever reaches \
         the red area, whenever somebody looks, is at most {} in all (auditing by betting, Chugg et al. 2023). A finding \
         stays until the watch is set again. That nothing was found is no pass, and too few rows prove nothing. Intervals of \
         rates are for one look (Wilson). Values that are not watched, and none, are counted as missing and not compared. It \
         is no legal conclusion.</p></section>",
        trace.alpha
    );
    page.push_str(END);
    page
}

/// A standing in words, and the class of its colour.
fn words(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Finding => ("finding", "rollback"),
        Standing::InsufficientEvidence => ("insufficient evidence", "unknown"),
        Standing::NoFinding => ("no finding so far", "normal"),
    }
}

fn headline(page: &mut String, trace: &Trace<'_>) {
    let worst = trace.games.iter().map(|game| game.standing).max().unwrap_or(Standing::InsufficientEvidence);
    let found = trace.games.iter().filter(|game| game.standing == Standing::Finding).count();
    let (text, class) = words(worst);
    let _ = writeln!(
        page,
        "<div class=\"verdict {class}\" role=\"status\"><strong>{text}</strong><br>{found} of {} criteria are shown not to \
         hold.</div>",
        trace.games.len()
    );
}

/// What a game demands, of which groups.
fn title(game: &Shown) -> String {
    let least = if game.criterion.measure.is_ratio() { "at least" } else { "at most" };
    let measure = game.criterion.measure.name().replace('_', " ");
    format!("{measure} {least} {} by {}", game.criterion.bound, game.attributes.join(" and "))
}

fn games(page: &mut String, trace: &Trace<'_>) {
    page.push_str(
        "<section aria-labelledby=\"h-v\"><h2 id=\"h-v\">Criteria</h2>\n<div class=\"wide\"><table><caption>What must hold, and \
         how the evidence against it stands.</caption><thead><tr><th scope=\"col\">Criterion</th><th scope=\"col\">Stands</th>\
         <th scope=\"col\" class=\"n\">p-value, at any time</th><th scope=\"col\">Between</th>\
         <th scope=\"col\">Too few rows</th></tr></thead><tbody>\n",
    );
    for game in trace.games {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td><strong>{}</strong><span class=\"dim\">{}</span></td><td class=\"n\">{}</td>\
             <td>{}</td><td>{}</td></tr>",
            markup(&title(game)),
            words(game.standing).0,
            markup(&game.criterion.source),
            p_value(game.p_value),
            markup(&game.between.join(" and ")),
            markup(&cut(&game.too_few.join("; "), 200))
        );
    }
    page.push_str("</tbody></table></div></section>\n");
}

/// A p-value in few characters.
fn p_value(value: f64) -> String {
    if value < 0.001 { format!("{value:.1e}") } else { format!("{value:.3}") }
}

/// The places of the games to draw: the smallest p-values first.
fn gravest(games: &[Shown]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..games.len()).collect();
    places.sort_by(|a, b| games[*a].p_value.total_cmp(&games[*b].p_value));
    places.truncate(GAMES);
    places
}

/// The evidence of a game over the days, as its logarithm, with the line from which on it is a finding.
fn evidence(trace: &Trace<'_>, place: usize, number: usize) -> String {
    let game = &trace.games[place];
    let days = &trace.days[trace.days.len().saturating_sub(DRAWN)..];
    let points: Vec<(usize, f64)> =
        days.iter().enumerate().filter_map(|(at, (_, evidence))| Some((at, *evidence.get(place)?))).collect();
    let line = (1.0 / game.alpha).log10();
    let most = points.iter().map(|(_, value)| *value).fold(line * 1.25, f64::max);
    let least = points.iter().map(|(_, value)| *value).fold(0.0, f64::min);
    let first = days.first().map_or("", |(day, _)| day.as_str());
    let last = days.last().map_or("", |(day, _)| day.as_str());
    let now = points.last().map_or(0.0, |(_, value)| *value);
    let described = format!(
        "from {first} to {last}: evidence now 10 to the power of {now:.1}; from {line:.1} on it is a finding"
    );
    let mut svg = Svg::new(&format!("e-{number}"), 720, 190, &title(game), &described);
    let (left, right, top, bottom) = (60.0, 700.0, 28.0, 160.0);
    #[expect(clippy::cast_precision_loss, reason = "at most 400 days")]
    let steps = days.len().saturating_sub(1).max(1) as f64;
    #[expect(clippy::cast_precision_loss, reason = "at most 400 days")]
    let x = |at: usize| left + (right - left) * at as f64 / steps;
    let y = |value: f64| bottom - (bottom - top) * (value - least) / (most - least).max(f64::MIN_POSITIVE);
    svg.label("name", (left, 16.0), "start", &cut(&title(game), 90));
    svg.bar("band rollback", [left, top, right - left, y(line) - top], "a finding");
    svg.line("axis", [left, bottom, right, bottom]);
    svg.line("axis", [left, y(line), right, y(line)]);
    for (value, label) in [(0.0, "1".to_owned()), (line, format!("{:.0}", 1.0 / game.alpha))] {
        svg.label("small", (left - 6.0, y(value) + 4.0), "end", &label);
    }
    if (most - line) > line * 0.4 {
        svg.label("small", (left - 6.0, top + 4.0), "end", &format!("1e{most:.0}"));
    }
    let drawn: Vec<(f64, f64)> = points.iter().map(|(at, value)| (x(*at), y(*value))).collect();
    svg.path("reference", &drawn);
    for ((at, value), (px, py)) in points.iter().zip(&drawn) {
        let hint = format!("{}: 10 to the power of {value:.2}", days[*at].0);
        svg.bar("mark", [px - 2.5, py - 2.5, 5.0, 5.0], &hint);
    }
    svg.label("small", (left, bottom + 16.0), "start", first);
    svg.label("small", (right, bottom + 16.0), "end", if days.len() > 1 { last } else { "" });
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_stats::fairness::verdict::{Criterion, Measure};
    use comptroller_stats::fairness::watching::{Plan, Watched, Watching};

    #[test]
    fn a_page_shows_the_finding_its_line_and_the_groups() {
        let plan = Plan {
            attributes: vec![Watched { name: "sex".into(), values: vec!["<1>".into(), "2".into()] }],
            criteria: vec![Criterion { measure: Measure::ImpactRatio, bound: 0.8, source: "s".into() }],
            alpha: 0.05,
        };
        let mut watching = Watching::new(plan).unwrap();
        let mut days = Vec::new();
        for day in 1..=5 {
            let cells = vec![[0, 0, 0, 0, 0, 0, 50, 50, 0], [0, 0, 0, 0, 0, 0, 80, 20, 0], [0; 9]];
            watching.take(None, &cells, day).unwrap();
            let evidence = watching.shown().iter().map(|one| one.log_evidence / 10_f64.ln()).collect();
            days.push((format!("2026-03-0{day}"), evidence));
        }
        let shown = watching.shown();
        let trace = Trace { games: &shown, days: &days, alpha: 0.05 };
        let page = watched("scorer@1 in production", &trace, &watching.report().unwrap());
        assert!(page.contains("<strong>finding</strong>") && page.contains("1 of 1 criteria"));
        assert!(page.contains("sex=&lt;1&gt;") && !page.contains("<1>"));
        assert_eq!(page.matches("<svg").count(), 2, "the evidence, and the rates of the one family");
        assert!(page.contains("2026-03-05: 10 to the power of"));
        assert!(page.contains("no legal conclusion"));
    }
}
