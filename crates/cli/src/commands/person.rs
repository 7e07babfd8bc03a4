//! `comptroller person` and `comptroller whoami`.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use crate::output::Column;
use clap::Subcommand;
use comptroller_app::people::AddPerson;

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("KIND", "/kind"),
    ("NAME", "/person/name"),
    ("ACCOUNT", "/slug"),
    ("STATUS", "/status"),
    ("ROLES", "/roles"),
];

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a person known.
    Add {
        /// Display name.
        #[arg(long)]
        name: String,
        /// E-mail address; the person signs in by it.
        #[arg(long)]
        email: String,
    },
    /// List people and service accounts.
    List(Paging),
    /// Show a person.
    Show {
        /// The person's id.
        person: String,
    },
    /// Take away all access. Nothing is deleted.
    Disable {
        /// The person's id.
        person: String,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Add { name, email } => {
            screen.object(&client.post(&path(&["persons"]), &AddPerson { name, email })?)
        }
        Verb::List(paging) => list(context, &paging),
        Verb::Show { person } => show(context, &person),
        Verb::Disable { person } => disable(context, &person),
    }
}

/// Lists principals of both kinds.
pub(super) fn list(context: &Context, paging: &Paging) -> anyhow::Result<()> {
    context.screen.table(&context.client.list(&path(&["principals"]), &[], paging)?, COLUMNS)
}

/// Shows a principal of either kind.
pub(super) fn show(context: &Context, principal: &str) -> anyhow::Result<()> {
    context.screen.object(&context.client.get(&path(&["principals", principal]), &[])?)
}

/// Disables a principal of either kind.
pub(super) fn disable(context: &Context, principal: &str) -> anyhow::Result<()> {
    let answer = context.client.post(&path(&["principals", principal, "disable"]), &serde_json::json!({}))?;
    context.screen.object(&answer)
}

pub(crate) fn whoami(context: &Context) -> anyhow::Result<()> {
    context.screen.object(&context.client.get(&path(&["whoami"]), &[])?)
}
