//! `comptroller token`: API tokens. A secret is shown once and never again.

use super::Context;
use crate::args::{NewToken, Paging};
use crate::client::{Answer, path};
use crate::output::note;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Issue a token; its secret is shown this once.
    Issue(Issue),
    /// List tokens, without their secrets.
    List {
        /// Only those of this person (id) or service account (name or id).
        #[arg(long)]
        principal: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Revoke a token at once.
    Revoke {
        /// The token's id.
        #[arg(required_unless_present = "own")]
        token: Option<String>,
        /// Revoke the token that this command itself presents.
        #[arg(long, conflicts_with = "token")]
        own: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Issue {
    /// The service account that will act with it, by name or id.
    #[arg(required_unless_present = "own")]
    account: Option<String>,
    /// Issue it to yourself. It ends no later than the token that you make it with.
    #[arg(long, conflicts_with = "account")]
    own: bool,
    #[command(flatten)]
    token: NewToken,
    #[command(flatten)]
    secret: Secret,
}

/// Where a new secret goes.
#[derive(Debug, Args)]
pub(crate) struct Secret {
    /// Write the secret to this new file (mode 0600) and do not show it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Issue(issue) => self::issue(context, issue),
        Verb::List { principal, paging } => {
            let answer = client.list(&path(&["tokens"]), &[("principal", principal)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("LABEL", "/label"),
                    ("ENVIRONMENT", "/environment"),
                    ("ORIGIN", "/origin"),
                    ("PRINCIPAL", "/principal"),
                    ("EXPIRES", "/expires_at"),
                    ("REVOKED", "/revoked_at"),
                ],
            )
        }
        Verb::Revoke { token, .. } => {
            let path = match &token {
                Some(token) => path(&["tokens", token, "revoke"]),
                None => path(&["tokens", "revoke-own"]),
            };
            screen.object(&client.post(&path, &serde_json::json!({}))?)
        }
    }
}

fn issue(context: &Context, issue: Issue) -> anyhow::Result<()> {
    let Issue { account, token, secret, .. } = issue;
    match account {
        Some(account) => issue_secret(context, &path(&["tokens"]), &token.of(account), &secret),
        None => issue_secret(context, &path(&["whoami", "tokens"]), &token.own(), &secret),
    }
}

/// Does an act whose answer holds a new secret, and shows or keeps it.
pub(super) fn issue_secret(
    context: &Context,
    path: &str,
    command: &impl Serialize,
    Secret { out }: &Secret,
) -> anyhow::Result<()> {
    // The file is made first: a secret that cannot be kept must not come into being.
    let file = out.as_deref().map(create_private).transpose()?;
    let issued = context.client.post(path, command).inspect_err(|_| {
        if let Some(out) = &out {
            // Ours and still empty.
            let _ = std::fs::remove_file(out);
        }
    });
    let mut answer = issued?;
    if answer.value["secret"].is_null() {
        note(
            "note: this answer was given before, and a secret is shown only once; if it is lost, end this one and issue another",
        );
    }
    if let (Some(mut file), Some(path)) = (file, out) {
        let secret = answer.field("/secret")?.to_owned();
        let written = file.write_all(format!("{secret}\n").as_bytes()).and_then(|()| file.sync_all());
        written.with_context(|| {
            format!("cannot write the secret to {}; it is lost, end it and issue another", path.display())
        })?;
        answer.value["secret"] = format!("written to {}", path.display()).into();
        answer = Answer { text: answer.value.to_string(), value: answer.value };
    }
    context.screen.object(&answer)
}

fn create_private(path: &Path) -> anyhow::Result<std::fs::File> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.with_context(|| format!("cannot create {}", path.display()))
}
