//! `comptroller policy shadow`: a proposal answers every live question too, and nothing comes of it.

use crate::client::path;
use crate::commands::Context;
use crate::output::{Style, cell, table};
use clap::Subcommand;
use comptroller_core::ids::ProposalId;
use serde_json::Value;
use std::fmt::Write as _;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Put a proposal in shadow. One at a time; it ends when the proposal comes in force or is refused.
    Start {
        /// The proposal.
        proposal: ProposalId,
    },
    /// End what is in shadow.
    Stop,
    /// Show how its answers compare with those of the policies in force, and the newest differences.
    Show {
        /// The proposal; without it, whatever is in shadow, or was last.
        #[arg(long)]
        proposal: Option<ProposalId>,
        /// The newest so many differences.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=200))]
        last: u8,
    },
}

pub(super) fn run(context: &Context, verb: &Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Start { proposal } => {
            let place = path(&["policy", "proposals", &proposal.to_string(), "shadow"]);
            screen.object(&client.post(&place, &Value::Null)?)
        }
        Verb::Stop => screen.object(&client.post(&path(&["policy", "shadow", "end"]), &Value::Null)?),
        Verb::Show { proposal, last } => {
            let query = [("proposal", proposal.map(|id| id.to_string())), ("last", Some(last.to_string()))];
            let answer = client.get(&path(&["policy", "shadow"]), &query)?;
            screen.print(&answer, |value| text(value, screen.style))
        }
    }
}

fn text(value: &Value, style: Style) -> String {
    let mut text = String::new();
    for (label, field) in [
        ("proposal", "proposal"),
        ("state", "state"),
        ("since", "started_at"),
        ("until", "ended_at"),
        ("because", "ended_because"),
        ("decided", "decided"),
        ("same", "same"),
        ("stricter", "stricter"),
        ("looser", "looser"),
        ("errors", "errors"),
        ("unrecorded", "unrecorded"),
    ] {
        if !value[field].is_null() {
            let _ = writeln!(text, "{label:10}  {}", cell(&value[field]));
        }
    }
    let differences = value["differences"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !differences.is_empty() {
        text.push('\n');
        text.push_str(&table(
            differences,
            &[
                ("INDEX", "/ledger_index"),
                ("ACT", "/action"),
                ("EFFECT", "/effect"),
                ("OUTCOME", "/outcome"),
                ("SHADOW", "/shadow_outcome"),
                ("ITS RULES", "/shadow_rules"),
                ("DECISION", "/decision"),
            ],
            style,
        ));
    }
    text
}
