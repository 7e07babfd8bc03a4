//! `comptroller decision`: recorded decisions, and signed statements about them.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use crate::output::{line, note, print, write_file};
use anyhow::Context as _;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List decisions, newest first.
    List {
        /// Only those about this, for example `version/<id>`.
        #[arg(long)]
        resource: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a decision with its facts and rules.
    Show {
        /// Its id.
        decision: String,
    },
    /// Get a decision of the gate, or on a deployment, as a signed in-toto statement in a DSSE envelope.
    Statement {
        /// Its id.
        decision: String,
        /// Write the envelope to this file instead of stdout.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::List { resource, paging } => {
            let answer = client.list(&path(&["decisions"]), &[("resource", resource)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("ACTION", "/action"),
                    ("RESOURCE", "/resource"),
                    ("ENVIRONMENT", "/environment"),
                    ("OUTCOME", "/outcome"),
                    ("DECIDED", "/decided_at"),
                    ("ENTRY", "/ledger_index"),
                ],
            )
        }
        Verb::Show { decision } => screen.object(&client.get(&path(&["decisions", &decision]), &[])?),
        Verb::Statement { decision, out } => {
            let answer = client.get(&path(&["decisions", &decision, "statement"]), &[])?;
            // The envelope is the answer in every format: it is made for other programs.
            let Some(out) = out else { return print(&line(&answer)) };
            write_file(&out, line(&answer).as_bytes())
                .with_context(|| format!("the statement cannot be written to {}", out.display()))?;
            note(&format!("the statement is in {}", out.display()));
            Ok(())
        }
    }
}
