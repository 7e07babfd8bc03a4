//! `comptroller audit`: auditors from outside, what they see first, and what they ask for.

mod request;
mod text;

use super::Context;
use super::control::moment;
use crate::args::Paging;
use crate::client::path;
use crate::failure::Failure;
use crate::output::write_file;
use clap::{Args, Subcommand};
use comptroller_app::assess::Because;
use comptroller_app::audits::{AuditOverview, EngageAuditor, overview_html};
use comptroller_core::ids::EngagementId;
use comptroller_core::{Slug, Timestamp};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Give an auditor from outside access for a time. They read, ask, and change nothing; every read is recorded.
    ///
    /// Make the person known and invite them first (`person add`, `invitation issue`): the credential is their own.
    Engage(Box<EngageArgs>),
    /// List engagements; an auditor sees their own.
    List(Paging),
    /// Show an engagement.
    Show {
        /// Its id.
        engagement: EngagementId,
    },
    /// End the access of an auditor now.
    End {
        /// The engagement, by id.
        engagement: EngagementId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Show exceptions and what the record cannot show, then the controls, then what was asked for.
    Overview(OverviewArgs),
    /// What an auditor asks for.
    #[command(subcommand)]
    Request(request::Verb),
}

#[derive(Debug, Args)]
pub(crate) struct EngageArgs {
    /// The person, by id. They hold no other role here.
    person: String,
    /// A framework that is audited, for example `soc2`; several with commas.
    #[arg(long = "framework", value_name = "FRAMEWORK", required = true, value_delimiter = ',')]
    frameworks: Vec<Slug>,
    /// A system that may be read, by name or id; several with commas. Without one: the whole organisation.
    #[arg(long = "systems", value_name = "SYSTEM", value_delimiter = ',')]
    systems: Vec<String>,
    /// The first day of the period that is audited, or a time.
    #[arg(long, value_name = "DAY", value_parser = moment)]
    from: Timestamp,
    /// The first day after it, or a time.
    #[arg(long, value_name = "DAY", value_parser = moment)]
    to: Timestamp,
    /// The first day without access, or a time: at most a year from now.
    #[arg(long, value_name = "DAY", value_parser = moment)]
    until: Timestamp,
    /// For example the firm and the letter of engagement.
    #[arg(long)]
    note: String,
}

#[derive(Debug, Args)]
pub(crate) struct OverviewArgs {
    /// The engagement, by id; without one the only one of yours that is open.
    engagement: Option<EngagementId>,
    /// Write the overview as a page to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Engage(arguments) => {
            let EngageArgs { person, frameworks, systems, from, to, until, note } = *arguments;
            let command = EngageAuditor { auditor: person, frameworks, systems, from, to, until, note };
            screen.object(&client.post(&path(&["engagements"]), &command)?)
        }
        Verb::List(paging) => {
            let answer = client.list(&path(&["engagements"]), &[], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("AUDITOR", "/auditor"),
                    ("FRAMEWORKS", "/frameworks"),
                    ("STATE", "/state"),
                    ("UNTIL", "/until"),
                    ("NOTE", "/note"),
                ],
            )
        }
        Verb::Show { engagement } => {
            screen.object(&client.get(&path(&["engagements", &engagement.to_string()]), &[])?)
        }
        Verb::End { engagement, reason } => {
            let at = path(&["engagements", &engagement.to_string(), "end"]);
            screen.object(&client.post(&at, &Because { reason })?)
        }
        Verb::Overview(arguments) => overview(context, &arguments),
        Verb::Request(verb) => request::run(context, verb),
    }
}

fn overview(Context { client, screen }: &Context, arguments: &OverviewArgs) -> anyhow::Result<()> {
    let query = [("engagement", arguments.engagement.map(|id| id.to_string()))];
    let answer = client.get(&path(&["audit-overview"]), &query)?;
    let overview: AuditOverview = serde_json::from_value(answer.value.clone())?;
    if let Some(file) = &arguments.html {
        write_file(file, overview_html(&overview).as_bytes()).map_err(|error| {
            Failure::usage(format!("{}: {error}", file.display()), "name a file that can be written")
        })?;
    }
    screen.print(&answer, |_| text::overview(&overview, screen.style))
}
