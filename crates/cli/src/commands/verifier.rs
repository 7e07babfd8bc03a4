//! `comptroller verifier`: the page that verifies evidence packs in a browser, as a file.
//!
//! Must not change the page: what it does is built in `verifier/`, and a test makes it anew and compares.

use crate::client::Answer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Screen, bytes as human_bytes};
use anyhow::Context as _;
use clap::Args;
use comptroller_ledger::digest;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

/// Script and style are inside; it loads nothing.
const PAGE: &[u8] = include_bytes!("../../../../verifier/dist/verify.html");

#[derive(Debug, Args)]
pub(crate) struct VerifierArgs {
    /// The file to write, such as verify.html. It must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(screen: Screen, VerifierArgs { out }: &VerifierArgs) -> anyhow::Result<Exit> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(out).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            let message = format!("{} exists already", out.display());
            return Failure::usage(message, "name a file that does not exist; nothing is overwritten");
        }
        anyhow::Error::new(error).context(format!("cannot create {}", out.display()))
    })?;
    let written = file.write_all(PAGE).and_then(|()| file.sync_all());
    written.with_context(|| format!("cannot write {}", out.display()))?;
    let digest = digest(PAGE);
    let value = serde_json::json!({ "file": out, "bytes": PAGE.len(), "sha256": digest });
    screen.print(&Answer::of_value(value), |_| {
        format!(
            "{}  {}, SHA-256 {digest}\nopen it in a browser, give it a pack and the verification key; it needs no network\n",
            out.display(),
            human_bytes(PAGE.len() as u64)
        )
    })?;
    Ok(Exit::OK)
}
