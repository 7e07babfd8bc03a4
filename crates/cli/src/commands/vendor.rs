//! `comptroller vendor`: who supplies what is not our own.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use clap::Subcommand;
use comptroller_app::systems::RegisterVendor;
use comptroller_core::Slug;
use comptroller_core::private::VendorText;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Register a vendor.
    Register {
        /// Its short name.
        slug: Slug,
        /// Name of the company.
        #[arg(long)]
        name: String,
        /// Contact for incidents and questions.
        #[arg(long, default_value = "")]
        contact: String,
    },
    /// List vendors.
    List(Paging),
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Register { slug, name, contact } => {
            let command = RegisterVendor { slug, text: VendorText { name, contact } };
            screen.object(&client.post(&path(&["vendors"]), &command)?)
        }
        Verb::List(paging) => {
            let answer = client.list(&path(&["vendors"]), &[], &paging)?;
            screen.table(
                &answer,
                &[("NAME", "/slug"), ("COMPANY", "/text/name"), ("CONTACT", "/text/contact"), ("ID", "/id")],
            )
        }
    }
}
