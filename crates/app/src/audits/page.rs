//! The overview of an audit as one page.

use super::{AuditOverview, BlindSpot, ControlLine, EvidenceRequestView, ExceptionLine};
use comptroller_compliance::framework::Day;
use comptroller_report::sections::{Section, html};

/// The overview as one page that loads nothing: exceptions and blind spots first.
pub fn overview_html(overview: &AuditOverview) -> String {
    let engagement = &overview.engagement;
    let frameworks: Vec<&str> = engagement.frameworks.iter().map(comptroller_core::Slug::as_str).collect();
    let about = [
        format!(
            "{} to {}, the log of {} entries with the root {}. Access until {}.",
            Day::of(overview.from),
            Day::of(overview.to),
            overview.ledger.size,
            overview.ledger.root,
            Day::of(engagement.until)
        ),
        "What the record shows. Whether a criterion is met is a judgement, and not made here.".to_owned(),
    ];
    let sections = [exceptions(overview), blind_spots(overview), controls(overview), requests(overview)];
    html(&format!("Audit: {}", frameworks.join(", ")), &about, &sections)
}

fn exceptions(overview: &AuditOverview) -> Section {
    let open = overview.exceptions.iter().filter(|line| line.closed.is_none()).count();
    Section {
        heading: format!("{} exceptions, {open} open", overview.exceptions.len()),
        note: "Every occurrence that does not meet a test of a control; what is open first.".to_owned(),
        columns: vec![
            "Control",
            "Occurrence",
            "Since",
            "Closed",
            "What is wrong",
            "Entries",
            "Recorded about it",
        ],
        rows: overview.exceptions.iter().map(exception).collect(),
    }
}

fn exception(line: &ExceptionLine) -> Vec<String> {
    let system = line.system.as_ref().map(|slug| format!("\n{slug}")).unwrap_or_default();
    let entries: Vec<String> = line.shown_by.iter().map(u64::to_string).collect();
    vec![
        format!("{}{system}", line.control),
        line.occurrence.clone(),
        Day::of(line.since).to_string(),
        line.closed.map_or_else(|| "open".to_owned(), |at| Day::of(at).to_string()),
        line.says.join("\n"),
        entries.join(", "),
        line.noted.join(", "),
    ]
}

fn blind_spots(overview: &AuditOverview) -> Section {
    let row = |spot: &BlindSpot| vec![spot.about.clone(), spot.kind.clone(), spot.says.clone()];
    Section {
        heading: format!("{} blind spots", overview.blind_spots.len()),
        note: "What the record cannot show: it has to be shown by other means, or asked for.".to_owned(),
        columns: vec!["About", "Kind", "What is not seen"],
        rows: overview.blind_spots.iter().map(row).collect(),
    }
}

fn controls(overview: &AuditOverview) -> Section {
    let row = |line: &ControlLine| {
        let system = line.system.as_ref().map(|slug| format!("\n{slug}")).unwrap_or_default();
        vec![
            format!("{}{system}", line.id),
            line.title.clone(),
            line.serves.join(", "),
            line.expected.to_string(),
            line.met.to_string(),
            format!("{} ({} open)", line.exceptions, line.open),
            line.pending.to_string(),
        ]
    };
    Section {
        heading: format!("{} controls in operation", overview.controls.len()),
        note: String::new(),
        columns: vec!["Control", "Title", "Serves", "Expected", "Met", "Exceptions", "May still come"],
        rows: overview.controls.iter().map(row).collect(),
    }
}

fn requests(overview: &AuditOverview) -> Section {
    let counts = overview.counts;
    let row = |view: &EvidenceRequestView| {
        let late = if view.overdue { ", overdue" } else { "" };
        let about = [
            view.control.as_ref().map(ToString::to_string),
            view.criterion.as_ref().map(ToString::to_string),
        ];
        vec![
            view.title.clone().unwrap_or_else(|| "(its words were erased)".to_owned()),
            format!("{}{late}", view.state),
            Day::of(view.due_at).to_string(),
            about.into_iter().flatten().collect::<Vec<_>>().join(", "),
            view.judgement.clone().unwrap_or_default(),
            view.id.to_string(),
        ]
    };
    Section {
        heading: format!("{} requests", overview.requests.len()),
        note: format!(
            "{} open, {} answered, {} flagged, {} accepted, {} withdrawn; {} overdue.",
            counts.open, counts.answered, counts.flagged, counts.accepted, counts.withdrawn, counts.overdue
        ),
        columns: vec!["Request", "State", "Due", "About", "The auditor says", "Id"],
        rows: overview.requests.iter().map(row).collect(),
    }
}
