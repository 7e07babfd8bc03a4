//! `comptroller hold`: legal holds.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use clap::Subcommand;
use comptroller_app::assess::Because;
use comptroller_app::holds::PlaceHold;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Place a hold on a version, a system, or, without either, on everything.
    Place {
        /// The system: its id or name.
        #[arg(long, conflicts_with = "version")]
        system: Option<String>,
        /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
        #[arg(long)]
        version: Option<String>,
        /// The person who answers for it, by id.
        #[arg(long)]
        owner: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Release a hold. Not by whoever placed it, and by nobody who may purge.
    Release {
        /// Its id.
        hold: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List holds.
    List {
        /// Also those that were released.
        #[arg(long)]
        released: bool,
        #[command(flatten)]
        paging: Paging,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Place { system, version, owner, reason } => {
            let command = PlaceHold { system, version, owner, reason };
            screen.object(&client.post(&path(&["holds"]), &command)?)
        }
        Verb::Release { hold, reason } => {
            screen.object(&client.post(&path(&["holds", &hold, "release"]), &Because { reason })?)
        }
        Verb::List { released, paging } => {
            let query = [("all", released.then(|| "true".to_owned()))];
            let answer = client.list(&path(&["holds"]), &query, &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("SYSTEM", "/system"),
                    ("VERSION", "/version"),
                    ("OWNER", "/owner"),
                    ("PLACED", "/placed_at"),
                    ("RELEASED", "/released_at"),
                    ("REASON", "/reason"),
                ],
            )
        }
    }
}
