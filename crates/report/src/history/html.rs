//! One page that needs nothing else: pictures first, every number in a table behind them.

use super::{History, MAX_DAYS, charts};
use crate::escape::markup;
use crate::page::{END, begin};
use std::fmt::Write as _;

/// Renders the report over time.
pub fn html(history: &History) -> String {
    let mut page =
        begin(&format!("Drift over time: {} in {}", history.version, history.environment), "Drift over time");
    let _ = writeln!(
        page,
        "<p class=\"dim\"><strong>{}</strong> in {}, {} judged days</p>",
        markup(&history.version),
        markup(&history.environment),
        history.days.len()
    );
    verdict(&mut page, history);
    page.push_str("</header>\n");
    let from = history.days.len().saturating_sub(MAX_DAYS);
    let days = &history.days[from..];
    let _ = write!(
        page,
        "<section aria-labelledby=\"h-t\"><h2 id=\"h-t\">Coefficient</h2>\n<figure>{}</figure>\n<p class=\"dim\">{}</p>\n",
        charts::over_time(days, history.bands, &history.alarms),
        markup(&history.rule)
    );
    if from > 0 {
        let _ = writeln!(page, "<p class=\"dim\">Drawn are the last {MAX_DAYS} days.</p>");
    }
    page.push_str("</section>\n");
    carriers(&mut page, history, from);
    alarms(&mut page, history);
    table(&mut page, history);
    page.push_str(END);
    page
}

fn verdict(page: &mut String, history: &History) {
    let last = history.days.iter().rev().find(|day| day.band.is_some());
    let Some(last) = last else {
        page.push_str("<div class=\"verdict unknown\" role=\"status\">No day has a verdict yet.</div>\n");
        return;
    };
    let band = last.band.as_deref().unwrap_or("unknown");
    let by = last.pillar.as_deref().map_or_else(String::new, |pillar| format!(" by {pillar}"));
    let notes: Vec<String> = last.notes.iter().map(|note| markup(note)).collect();
    let _ = writeln!(
        page,
        "<div class=\"verdict {}\" role=\"status\"><strong>{}: {:.2}{}, {}</strong><br>{}</div>",
        markup(band),
        markup(&last.date),
        last.coefficient.unwrap_or(0.0),
        markup(&by),
        markup(band),
        notes.join("<br>")
    );
}

fn carriers(page: &mut String, history: &History, from: usize) {
    let (picture, named) = charts::carriers(&history.days[from..]);
    if named.is_empty() {
        return;
    }
    page.push_str("<section aria-labelledby=\"h-c\"><h2 id=\"h-c\">What carries it</h2>\n<p class=\"key\">");
    for (shade, name) in named.iter().enumerate() {
        let _ = write!(page, "<i class=\"s{shade}\"></i>{}", markup(name));
    }
    let _ = write!(
        page,
        "<i class=\"s5\"></i>other columns</p>\n<figure>{picture}</figure>\n<p class=\"dim\">The height of a bar is the \
         coefficient of the day; its parts are the shares of the columns in the drift of the data.</p></section>\n"
    );
}

fn alarms(page: &mut String, history: &History) {
    page.push_str("<section aria-labelledby=\"h-a\"><h2 id=\"h-a\">Alarms</h2>\n");
    if history.alarms.is_empty() {
        page.push_str("<p>There was none.</p></section>\n");
        return;
    }
    page.push_str(
        "<table><caption>Newest first.</caption><thead><tr><th scope=\"col\">Raised by</th><th scope=\"col\">Since</th>\
         <th scope=\"col\">About</th><th scope=\"col\">Asks for</th><th scope=\"col\">State</th>\
         <th scope=\"col\">Playbook</th></tr></thead><tbody>\n",
    );
    for alarm in &history.alarms {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            markup(&alarm.day),
            markup(&alarm.since),
            markup(&alarm.topic),
            markup(&alarm.band),
            markup(&alarm.state),
            markup(&alarm.playbook)
        );
    }
    page.push_str("</tbody></table></section>\n");
}

fn table(page: &mut String, history: &History) {
    page.push_str(
        "<section aria-labelledby=\"h-d\"><h2 id=\"h-d\">Days</h2>\n<div class=\"wide\"><table><caption>Every judged day, \
         newest first.</caption><thead><tr><th scope=\"col\">Day</th><th scope=\"col\" class=\"n\">Coefficient</th>\
         <th scope=\"col\">Band</th><th scope=\"col\">By</th><th scope=\"col\" class=\"n\">Records</th>\
         <th scope=\"col\" class=\"n\">Labelled</th><th scope=\"col\">Carried by</th></tr></thead><tbody>\n",
    );
    for day in history.days.iter().rev() {
        let carried: Vec<String> = day
            .carriers
            .iter()
            .take(3)
            .map(|(name, share)| format!("{} {:.0} %", markup(name), share * 100.0))
            .collect();
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td>{}</td></tr>",
            markup(&day.date),
            day.coefficient.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}")),
            markup(day.band.as_deref().unwrap_or("not enough evidence")),
            markup(day.pillar.as_deref().unwrap_or("-")),
            day.rows,
            day.labelled,
            carried.join(", ")
        );
    }
    page.push_str("</tbody></table></div></section>\n");
}
