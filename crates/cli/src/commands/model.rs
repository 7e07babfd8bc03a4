//! `comptroller model`.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use clap::Subcommand;
use comptroller_app::models::RegisterModel;
use comptroller_core::Slug;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Register a model in a system.
    Register {
        /// The AI system, by name or id.
        system: String,
        /// Its short name, unique in the system.
        name: Slug,
    },
    /// List models.
    List {
        /// Only those of this system, by name or id.
        #[arg(long)]
        system: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a model.
    Show {
        /// Its id, its name, or SYSTEM/MODEL.
        model: String,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Register { system, name } => {
            let command = RegisterModel { system, slug: name };
            screen.object(&client.post(&path(&["models"]), &command)?)
        }
        Verb::List { system, paging } => {
            let answer = client.list(&path(&["models"]), &[("system", system)], &paging)?;
            screen.table(
                &answer,
                &[("NAME", "/slug"), ("ID", "/id"), ("SYSTEM", "/system"), ("REGISTERED", "/registered_at")],
            )
        }
        Verb::Show { model } => screen.object(&client.get(&path(&["models", &model]), &[])?),
    }
}
