//! The overview of an audit as text.

use crate::output::{Style, clean};
use comptroller_app::audits::{AuditOverview, ControlLine, ExceptionLine};
use std::fmt::Write as _;

/// Exceptions, blind spots and requests that are shown each.
const SHOWN: usize = 20;

pub(super) fn overview(overview: &AuditOverview, style: Style) -> String {
    let engagement = &overview.engagement;
    let frameworks: Vec<&str> = engagement.frameworks.iter().map(comptroller_core::Slug::as_str).collect();
    let mut out = format!(
        "{} from {} to {}, log of {} entries; access until {}\n\n",
        frameworks.join(", "),
        day(overview.from),
        day(overview.to),
        overview.ledger.size,
        day(engagement.until)
    );
    let open = overview.exceptions.iter().filter(|line| line.closed.is_none()).count();
    heading(&mut out, style, &format!("Exceptions: {} ({open} open)", overview.exceptions.len()));
    for line in overview.exceptions.iter().take(SHOWN) {
        exception(&mut out, line, style);
    }
    more(&mut out, overview.exceptions.len());
    heading(
        &mut out,
        style,
        &format!("Blind spots: {}, what the record cannot show", overview.blind_spots.len()),
    );
    for spot in overview.blind_spots.iter().take(SHOWN) {
        let _ = writeln!(out, "  {:<20} {}", clean(&spot.about), clean(&spot.says));
    }
    more(&mut out, overview.blind_spots.len());
    heading(&mut out, style, &format!("Controls: {}", overview.controls.len()));
    for line in &overview.controls {
        control(&mut out, line);
    }
    let counts = overview.counts;
    heading(
        &mut out,
        style,
        &format!(
            "Requests: {} open, {} answered, {} flagged, {} accepted, {} withdrawn; {} overdue",
            counts.open, counts.answered, counts.flagged, counts.accepted, counts.withdrawn, counts.overdue
        ),
    );
    for request in overview.requests.iter().take(SHOWN) {
        let late = if request.overdue { style.bad(" overdue") } else { String::new() };
        let title = request.title.as_deref().unwrap_or("(its words were erased)");
        let _ = writeln!(
            out,
            "  {} {:<9} due {}{late}  {}",
            request.id,
            clean(&request.state),
            day(request.due_at),
            clean(title)
        );
    }
    more(&mut out, overview.requests.len());
    out
}

fn heading(out: &mut String, style: Style, text: &str) {
    if out.lines().last().is_some_and(|line| !line.is_empty()) {
        out.push('\n');
    }
    let _ = writeln!(out, "{}", style.strong(text));
}

fn exception(out: &mut String, line: &ExceptionLine, style: Style) {
    let state = match line.closed {
        None => style.bad("open"),
        Some(at) => format!("closed {}", day(at)),
    };
    let system = line.system.as_ref().map(|slug| format!(" in {slug}")).unwrap_or_default();
    let _ = writeln!(
        out,
        "  {} {}{system}, since {}, {state}",
        clean(&line.control),
        clean(&line.occurrence),
        day(line.since)
    );
    for says in &line.says {
        let _ = writeln!(out, "    {}", clean(says));
    }
    let entries: Vec<String> = line.shown_by.iter().map(u64::to_string).collect();
    if !entries.is_empty() {
        let _ = writeln!(out, "    {}", style.dim(&format!("entries {}", entries.join(", "))));
    }
}

fn control(out: &mut String, line: &ControlLine) {
    let system = line.system.as_ref().map(|slug| format!(" in {slug}")).unwrap_or_default();
    let _ = writeln!(
        out,
        "  {:<20} expected {}, met {}, exceptions {} ({} open), may still come {}  {}{system}",
        clean(&line.id),
        line.expected,
        line.met,
        line.exceptions,
        line.open,
        line.pending,
        clean(&line.title)
    );
}

fn more(out: &mut String, count: usize) {
    if count > SHOWN {
        let _ = writeln!(out, "  {} more; `--format json` lists them", count - SHOWN);
    }
}

fn day(at: comptroller_core::Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_went_wrong_and_what_is_not_seen_stand_before_what_there_is() {
        let id = "01900000-0000-7000-8000-000000000000";
        let value = json!({
            "format": "comptroller-audit-overview/v1",
            "engagement": {
                "id": id, "auditor": id, "frameworks": ["soc2"], "systems": [], "from": "2026-01-01T00:00:00.000000Z",
                "to": "2027-01-01T00:00:00.000000Z", "until": "2027-03-01T00:00:00.000000Z", "state": "open",
                "opened_by": "system", "opened_at": "2026-11-01T00:00:00.000000Z", "ended_at": null, "note": null,
                "reason": null
            },
            "from": "2026-01-01T00:00:00.000000Z", "to": "2026-11-28T00:00:00.000000Z",
            "ledger": {"size": 40, "root": "0".repeat(64)},
            "exceptions": [{
                "id": "1".repeat(64), "control": "CTL-DATA-01", "system": null, "occurrence": "event/12",
                "since": "2026-11-02T00:00:00.000000Z", "closed": null, "says": ["no legal \u{1b}[31mbasis"],
                "shown_by": [12], "noted": []
            }],
            "blind_spots": [{"kind": "no-control", "about": "soc2:CC1.1", "says": "no control serves it"}],
            "controls": [{
                "id": "CTL-DATA-01", "title": "Data are documented", "owner": "risk-officer", "system": null,
                "serves": ["soc2:PI1.1"], "expected": 2, "met": 1, "exceptions": 1, "open": 1, "pending": 0
            }],
            "counts": {"open": 1, "answered": 0, "accepted": 0, "flagged": 0, "withdrawn": 0, "overdue": 1},
            "requests": [{
                "id": id, "engagement": id, "title": "licences", "text": null, "control": null, "criterion": null,
                "state": "open", "overdue": true, "due_at": "2026-11-20T00:00:00.000000Z",
                "asked_at": "2026-11-10T00:00:00.000000Z", "evidence": [], "entries": [], "pack": null,
                "answer": null, "answered_by": null, "answered_at": null, "judgement": null, "judged_at": null
            }]
        });
        let overview_of = serde_json::from_value::<AuditOverview>(value).unwrap();
        let text = overview(&overview_of, Style::plain());
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is not in\n{text}"));
        assert!(at("Exceptions: 1 (1 open)") < at("Blind spots: 1"));
        assert!(at("Blind spots: 1") < at("Controls: 1") && at("Controls: 1") < at("Requests: 1 open"));
        assert!(text.contains("due 2026-11-20 overdue  licences") && text.contains("entries 12"), "{text}");
        assert!(!text.contains('\u{1b}'), "what comes from the record moves no cursor");
    }
}
