//! `comptroller evidence`: packs for auditors.

use super::Context;
use super::artifact::save;
use crate::client::{Answer, path};
use clap::Subcommand;
use comptroller_app::evidence::ExportPack;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Write the whole log up to now, with proofs and shown payloads, into one file that verifies offline.
    Pack {
        /// The file to write; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Show payloads under a person's or data subject's key too. Needs the right to read personal data.
        #[arg(long)]
        include_personal_data: bool,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Verb::Pack { out, include_personal_data } = verb;
    let command = ExportPack { include_personal_data };
    let (digest, bytes) =
        save(&out, None, |_| context.client.post_for_file(&path(&["evidence", "pack"]), &command))?;
    let summary = serde_json::json!({ "file": out, "bytes": bytes, "sha256": digest });
    context.screen.object(&Answer::of_value(summary))
}
