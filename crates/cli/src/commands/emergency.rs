//! `comptroller emergency` and `comptroller incident`: past the gate, by two people, and what comes of it.

use super::Context;
use super::factor::Code;
use crate::args::Paging;
use crate::client::path;
use crate::input::one_of;
use clap::{Args, Subcommand};
use comptroller_app::emergencies::{ConfirmEmergency, OpenEmergency, ReviewEmergency};
use comptroller_core::{Environment, TagText};
use serde_json::Value;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Declare that a version must be deployed past the gate. It is of no use until a second person has confirmed it.
    Open(Box<Open>),
    /// Confirm somebody else's emergency. An incident is open from now on, and a review is due within 48 hours.
    Confirm {
        /// Its id.
        emergency: String,
        /// What was checked.
        #[arg(long)]
        comment: String,
        #[command(flatten)]
        code: Code,
    },
    /// Deploy in a confirmed emergency, once.
    Deploy {
        /// Its id.
        emergency: String,
    },
    /// Judge an emergency afterwards. While a review is overdue nothing of the system is promoted.
    Review {
        /// Its id.
        emergency: String,
        /// Whether it was right to go past the gate.
        #[arg(value_parser = ["justified", "not-justified"])]
        verdict: String,
        /// What was found, and what follows from it.
        #[arg(long)]
        findings: String,
    },
    /// List emergencies.
    List(Listing),
}

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentVerb {
    /// List incidents.
    List(Listing),
}

#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Only those of this system.
    #[arg(long)]
    system: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
    version: String,
    /// Where.
    #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Environment,
    /// The ticket that it belongs to.
    #[arg(long)]
    ticket: TagText,
    /// For how many hours, 1 to 4.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=4))]
    hours: u32,
    /// Why it cannot wait for the gate.
    #[arg(long)]
    reason: String,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    let of = |id: &str, what: &str| path(&["emergencies", id, what]);
    match verb {
        Verb::Open(open) => {
            let Open { version, environment, ticket, hours, reason } = *open;
            let command = OpenEmergency { version, environment, ticket, hours, reason };
            screen.object(&client.post(&path(&["emergencies"]), &command)?)
        }
        Verb::Confirm { emergency, comment, code } => {
            let command = ConfirmEmergency { comment, second_factor: code.factor() };
            screen.object(&client.post(&of(&emergency, "confirmation"), &command)?)
        }
        Verb::Deploy { emergency } => {
            screen.object(&client.post(&of(&emergency, "deployment"), &Value::Null)?)
        }
        Verb::Review { emergency, verdict, findings } => {
            let command = ReviewEmergency { justified: verdict == "justified", findings };
            screen.object(&client.post(&of(&emergency, "review"), &command)?)
        }
        Verb::List(Listing { system, paging }) => {
            let answer = client.list(&path(&["emergencies"]), &[("system", system)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("VERSION", "/version"),
                    ("ENVIRONMENT", "/environment"),
                    ("STATE", "/state"),
                    ("EXPIRES", "/expires_at"),
                    ("REVIEW DUE", "/review_due_at"),
                    ("VERDICT", "/verdict"),
                ],
            )
        }
    }
}

pub(crate) fn incidents(context: &Context, verb: IncidentVerb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    let IncidentVerb::List(Listing { system, paging }) = verb;
    let answer = client.list(&path(&["incidents"]), &[("system", system)], &paging)?;
    screen.table(
        &answer,
        &[
            ("ID", "/id"),
            ("SYSTEM", "/system"),
            ("CAUSE", "/cause"),
            ("ABOUT", "/subject"),
            ("OPENED", "/opened_at"),
            ("CLOSED", "/closed_at"),
        ],
    )
}
