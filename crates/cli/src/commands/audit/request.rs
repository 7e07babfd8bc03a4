//! `comptroller audit request`: evidence is asked for, handed over, accepted or flagged.

use super::super::Context;
use crate::args::Paging;
use crate::client::path;
use clap::{Args, Subcommand};
use comptroller_app::assess::Because;
use comptroller_app::audits::{AnswerEvidenceRequest, AskEvidence, JudgeEvidenceRequest};
use comptroller_core::ids::{EngagementId, EvidenceId};
use comptroller_core::name::ControlId;
use comptroller_core::{Digest, TagText};

/// In which state a request can be.
const STATES: [&str; 5] = ["open", "answered", "accepted", "flagged", "withdrawn"];

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Ask for evidence, as the auditor.
    Add(AddArgs),
    /// List what was asked for.
    List {
        /// Only of this engagement.
        #[arg(long)]
        engagement: Option<EngagementId>,
        /// Only in this state.
        #[arg(long, value_parser = STATES)]
        state: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show what was asked for, its answer, and what the auditor said to it.
    Show {
        /// Its id.
        request: String,
    },
    /// Answer, as somebody of the organisation; the last answer counts.
    Answer(AnswerArgs),
    /// Accept what was handed over, as the auditor.
    Accept {
        /// The request, by id.
        request: String,
        /// Why; need not be said.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Flag what was handed over, as the auditor.
    Flag {
        /// The request, by id.
        request: String,
        /// What is wrong with it.
        #[arg(long)]
        reason: String,
    },
    /// Withdraw a request, as the auditor.
    Withdraw {
        /// The request, by id.
        request: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What is asked for, in one line.
    title: String,
    /// In more words.
    #[arg(long, default_value = "")]
    text: String,
    /// The control that it is about.
    #[arg(long)]
    control: Option<ControlId>,
    /// The criterion that it is about, for example `soc2:CC6.1`.
    #[arg(long)]
    criterion: Option<TagText>,
    /// In how many days it is to be answered, 1 to 90.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=90))]
    days: u32,
    /// The engagement; without one the only one of yours that is open.
    #[arg(long)]
    engagement: Option<EngagementId>,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The request, by id.
    request: String,
    /// What it shows, or why there is nothing to show.
    #[arg(long)]
    text: String,
    /// Evidence that was recorded here, by id; may be given several times.
    #[arg(long = "evidence", value_name = "EVIDENCE")]
    evidence: Vec<EvidenceId>,
    /// An entry of the log, by index; may be given several times.
    #[arg(long = "entry", value_name = "INDEX")]
    entries: Vec<u64>,
    /// SHA-256 of an evidence pack that was handed over.
    #[arg(long, value_name = "SHA-256")]
    pack: Option<Digest>,
}

pub(super) fn run(Context { client, screen }: &Context, verb: Verb) -> anyhow::Result<()> {
    let of = |request: &str, what: &str| path(&["evidence-requests", request, what]);
    match verb {
        Verb::Add(AddArgs { title, text, control, criterion, days, engagement }) => {
            let command = AskEvidence { engagement, title, text, control, criterion, days };
            screen.object(&client.post(&path(&["evidence-requests"]), &command)?)
        }
        Verb::List { engagement, state, paging } => {
            let query = [("engagement", engagement.map(|id| id.to_string())), ("state", state)];
            let answer = client.list(&path(&["evidence-requests"]), &query, &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("STATE", "/state"),
                    ("DUE", "/due_at"),
                    ("OVERDUE", "/overdue"),
                    ("CONTROL", "/control"),
                    ("CRITERION", "/criterion"),
                    ("TITLE", "/title"),
                ],
            )
        }
        Verb::Show { request } => screen.object(&client.get(&path(&["evidence-requests", &request]), &[])?),
        Verb::Answer(AnswerArgs { request, text, evidence, entries, pack }) => {
            let command = AnswerEvidenceRequest { text, evidence, entries, pack };
            screen.object(&client.post(&of(&request, "answer"), &command)?)
        }
        Verb::Accept { request, reason } => {
            let command = JudgeEvidenceRequest { accepted: true, reason };
            screen.object(&client.post(&of(&request, "judgement"), &command)?)
        }
        Verb::Flag { request, reason } => {
            let command = JudgeEvidenceRequest { accepted: false, reason };
            screen.object(&client.post(&of(&request, "judgement"), &command)?)
        }
        Verb::Withdraw { request, reason } => {
            screen.object(&client.post(&of(&request, "withdrawal"), &Because { reason })?)
        }
    }
}
