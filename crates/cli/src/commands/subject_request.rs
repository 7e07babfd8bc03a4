//! `comptroller subject request`: what data subjects ask for, until when they are answered, and what an erasure came to.

use super::Context;
use super::control::moment;
use crate::args::Paging;
use crate::client::path;
use crate::input::one_of;
use crate::output::{Style, clean};
use clap::{Args, Subcommand};
use comptroller_app::assess::Because;
use comptroller_app::subject_requests::{
    CloseSubjectRequest, DecideVersion, DeletionReport, NoteSubjectRequest, OpenSubjectRequest,
};
use comptroller_core::ids::SubjectId;
use comptroller_core::vocab::{AffectedDecision, RequestOutcome, SubjectRequestKind, SubjectRequestStep};
use comptroller_core::{Slug, Timestamp};
use std::fmt::Write as _;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Open a case. Until when it is answered follows from the dated data of the law.
    Open(OpenArgs),
    /// List cases. Reading them is recorded.
    List {
        /// Only of this subject.
        #[arg(long)]
        subject: Option<SubjectId>,
        /// Only those that are open though they were due.
        #[arg(long)]
        overdue: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a case: what is asked for, until when, what was done, and how it ended. Reading it is recorded.
    Show {
        /// Its id.
        request: String,
    },
    /// Note what was done about a case.
    Note {
        /// The case, by id.
        request: String,
        /// What it was.
        #[arg(value_parser = one_of(SubjectRequestStep::ALL, SubjectRequestStep::as_str))]
        step: SubjectRequestStep,
        /// In words; of a check of identity how it was made, not what was shown.
        #[arg(long)]
        text: String,
    },
    /// Extend the time: once, within the first period, with the reasons that the subject was told.
    Extend {
        /// The case, by id.
        request: String,
        /// The reasons.
        #[arg(long)]
        reason: String,
    },
    /// Close a case. An erasure is fulfilled once the key is destroyed and every affected version decided about.
    Close {
        /// The case, by id.
        request: String,
        /// How it ended.
        #[arg(long, value_parser = one_of(RequestOutcome::ALL, RequestOutcome::as_str))]
        outcome: RequestOutcome,
        /// What the subject was told; of a refusal the reasons.
        #[arg(long)]
        text: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Who asks, by the id of the subject.
    subject: SubjectId,
    /// For what.
    #[arg(value_parser = one_of(SubjectRequestKind::ALL, SubjectRequestKind::as_str))]
    kind: SubjectRequestKind,
    /// The day on which it was received, or the time; without it now.
    #[arg(long, value_name = "DAY", value_parser = moment)]
    received: Option<Timestamp>,
    /// The law that it rests on: `gdpr`, or for an explanation `eu-ai-act`, which gives no number of days.
    #[arg(long, default_value = "gdpr")]
    law: Slug,
    /// What they ask for.
    #[arg(long)]
    text: String,
}

/// Decides what becomes of a version.
#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The subject, by id.
    subject: SubjectId,
    /// The version: its id, or MODEL@LABEL.
    version: String,
    /// What becomes of it.
    #[arg(long, value_parser = one_of(AffectedDecision::ALL, AffectedDecision::as_str))]
    decision: AffectedDecision,
    /// In how many days it is retrained or retired, 1 to 366.
    #[arg(long)]
    days: Option<u32>,
    /// Why. It names nobody: it stays after an erasure.
    #[arg(long)]
    reason: String,
}

pub(super) fn run(Context { client, screen }: &Context, verb: Verb) -> anyhow::Result<()> {
    let of = |request: &str, what: &str| path(&["subject-requests", request, what]);
    match verb {
        Verb::Open(OpenArgs { subject, kind, received, law, text }) => {
            let command = OpenSubjectRequest { subject, kind, received_at: received, law: Some(law), text };
            screen.object(&client.post(&path(&["subject-requests"]), &command)?)
        }
        Verb::List { subject, overdue, paging } => {
            let query = [
                ("subject", subject.map(|id| id.to_string())),
                ("overdue", overdue.then(|| "true".to_owned())),
            ];
            let answer = client.list(&path(&["subject-requests"]), &query, &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("SUBJECT", "/subject"),
                    ("KIND", "/kind"),
                    ("STATE", "/state"),
                    ("RECEIVED", "/received_at"),
                    ("DUE", "/due_at"),
                ],
            )
        }
        Verb::Show { request } => screen.object(&client.get(&path(&["subject-requests", &request]), &[])?),
        Verb::Note { request, step, text } => {
            screen.object(&client.post(&of(&request, "notes"), &NoteSubjectRequest { step, text })?)
        }
        Verb::Extend { request, reason } => {
            screen.object(&client.post(&of(&request, "extension"), &Because { reason })?)
        }
        Verb::Close { request, outcome, text } => {
            screen.object(&client.post(&of(&request, "closure"), &CloseSubjectRequest { outcome, text })?)
        }
    }
}

pub(super) fn decide(Context { client, screen }: &Context, arguments: DecideArgs) -> anyhow::Result<()> {
    let DecideArgs { subject, version, decision, days, reason } = arguments;
    let at = path(&["subjects", &subject.to_string(), "affected-versions"]);
    screen.object(&client.post(&at, &DecideVersion { version, decision, days, reason })?)
}

pub(super) fn report(Context { client, screen }: &Context, subject: SubjectId) -> anyhow::Result<()> {
    let answer = client.get(&path(&["subjects", &subject.to_string(), "deletion-report"]), &[])?;
    let report: DeletionReport = serde_json::from_value(answer.value.clone())?;
    screen.print(&answer, |_| text(&report, screen.style))
}

fn text(report: &DeletionReport, style: Style) -> String {
    let mut out = format!(
        "Deletion report of subject {}, {}, log of {} entries\n\n",
        report.subject,
        minute(report.at),
        report.ledger_size
    );
    let _ = writeln!(out, "{}", style.strong(&format!("Open: {}", report.open.len())));
    for open in &report.open {
        let _ = writeln!(out, "  {}", style.bad(&clean(open)));
    }
    let erasure = match &report.erasure {
        Some(line) => format!(
            "key destroyed {} ({}), {} private parts can no longer be read, entry {}",
            minute(line.at),
            line.basis,
            line.payloads,
            line.ledger_index
        ),
        None => "the key is not destroyed".to_owned(),
    };
    let _ = writeln!(out, "\n{}\n  {erasure}", style.strong("Erasure"));
    if let Some(at) = report.erasure.as_ref().and_then(|line| line.key_backups_expire_at) {
        let _ = writeln!(out, "  backups of the keys expire {}", minute(at));
    }
    let _ = writeln!(out, "\n{}", style.strong(&format!("Versions affected: {}", report.versions.len())));
    for version in &report.versions {
        let places: Vec<String> =
            version.serves_in.iter().map(|(place, index)| format!("{place} (entry {index})")).collect();
        let serves = if places.is_empty() { "nowhere".to_owned() } else { places.join(", ") };
        let _ = writeln!(out, "  {:<9} {}, serves {serves}", version.state, clean(&version.name));
        if let Some(decided) = &version.decision {
            let until = decided.until.map(|at| format!(" by {}", minute(at))).unwrap_or_default();
            let reason = decided.reason.as_deref().unwrap_or("(the reason was purged)");
            let _ = writeln!(
                out,
                "            {}{until}: {} (entry {})",
                decided.decision,
                clean(reason),
                decided.ledger_index
            );
        }
    }
    let _ = writeln!(
        out,
        "\n{}",
        style.strong(&format!("Data that held the subject: {}", report.datasets.len()))
    );
    for dataset in &report.datasets {
        let how = if dataset.derived_from.is_empty() { "" } else { ", derived" };
        let entry = dataset.registered.map(|index| format!(", entry {index}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "  {}{how}: {} of {} files stored here{entry}",
            clean(&dataset.name),
            dataset.stored,
            dataset.files
        );
        for purge in &dataset.purged {
            let _ = writeln!(out, "    purged {}, entry {}", minute(purge.at), purge.ledger_index);
        }
    }
    let _ = writeln!(out, "\n{}", style.dim(&report.limits));
    out
}

/// A moment to the minute, UTC.
fn minute(at: Timestamp) -> String {
    at.to_string().chars().take(16).collect::<String>().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_shows_what_is_open_first_and_names_entries() {
        let id = "01900000-0000-7000-8000-000000000000";
        let report: DeletionReport = serde_json::from_value(json!({
            "format": "comptroller-deletion-report/v1", "subject": id, "at": "2026-11-28T10:00:00.000000Z",
            "ledger_size": 90, "open": ["scoring/scorer@1: nobody decided what becomes of it"], "registered": 4,
            "erasure": {
                "at": "2026-11-20T09:30:00.000000Z", "basis": "subject-request", "payloads": 3,
                "key_backups_expire_at": null, "ledger_index": 71
            },
            "requests": [], "limits": "nothing here looks into the files",
            "versions": [{
                "id": id, "name": "scoring/scorer@1", "state": "undecided", "through": [id],
                "serves_in": {"production": 55}, "decision": null, "registered": 20
            }],
            "datasets": [{
                "id": id, "name": "loans@1", "derived_from": [], "registered": 9, "files": 2, "stored": 1,
                "purged": [{
                    "digest": "0".repeat(64), "at": "2026-11-21T00:00:00.000000Z", "ledger_index": 80
                }]
            }]
        }))
        .unwrap();
        let text = text(&report, Style::plain());
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is not in\n{text}"));
        assert!(at("Open: 1") < at("Erasure") && at("Erasure") < at("Versions affected: 1"));
        for shown in ["entry 71", "production (entry 55)", "1 of 2 files stored here, entry 9", "entry 80"] {
            at(shown);
        }
    }
}
