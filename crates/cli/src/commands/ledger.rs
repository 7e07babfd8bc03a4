//! `comptroller ledger`: the log of everything that happened, its proofs and its keys.

use super::Context;
use crate::args::Paging;
use crate::client::{Answer, path};
use crate::output::{Column, clean};
use clap::{Args, Subcommand};
use serde_json::Value;

const COLUMNS: &[Column] = &[
    ("INDEX", "/index"),
    ("RECORDED", "/entry/recorded_at"),
    ("TYPE", "/entry/type"),
    ("ACTOR", "/entry/actor"),
    ("SUBJECTS", "/entry/subjects"),
];

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show size, newest signature and verification keys. Needs no token.
    Status,
    /// List entries, newest first. Reading them is itself recorded.
    Entries(Box<Entries>),
    /// Show an entry. Reading it is itself recorded.
    Show {
        /// Its index.
        index: u64,
    },
    /// Print an entry's proof, as a `tlog-proof` file that other programs verify too.
    Proof {
        /// Its index.
        index: u64,
    },
    /// Print the newest signed checkpoint. Needs no token.
    Checkpoint,
    /// Begin a change of the log's key: old and new key sign side by side from now on.
    RotateKey,
    /// End the overlap: only the new key signs from now on, and the old private key is destroyed.
    RetireKey,
    /// Show who read the records of a model, and how often. Reading this is itself recorded.
    Readers {
        /// The model's id, its name, or SYSTEM/MODEL.
        model: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Entries {
    /// Only of this event type, for example `deployment.created`.
    #[arg(long, value_name = "TYPE")]
    kind: Option<String>,
    /// Only by this actor, `principal/ID`.
    #[arg(long)]
    actor: Option<String>,
    /// Only about this, for example `version/ID`.
    #[arg(long)]
    subject: Option<String>,
    /// Only of this stream, `system/ID` or `org`.
    #[arg(long)]
    stream: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Status => screen.object(&client.get(&path(&["ledger"]), &[])?),
        Verb::Entries(entries) => {
            let query = [
                ("kind", entries.kind),
                ("actor", entries.actor),
                ("subject", entries.subject),
                ("stream", entries.stream),
            ];
            let answer = client.list(&path(&["ledger", "entries"]), &query, &entries.paging)?;
            screen.print(&answer, |value| {
                let mut value = value.clone();
                value["items"].as_array_mut().into_iter().flatten().for_each(times_as_text);
                crate::output::page(&value, COLUMNS, screen.style)
            })
        }
        Verb::Show { index } => screen.object(&entry(context, index)?),
        Verb::Proof { index } => {
            let answer = entry(context, index)?;
            let Some(proof) = answer.value["proof"].as_str() else {
                anyhow::bail!("entry {index} is not under a signed checkpoint yet; try again in a second");
            };
            screen.print(&answer, |_| clean(proof))
        }
        Verb::Checkpoint => {
            let text = client.text("/log/checkpoint")?;
            let answer = Answer::of_value(serde_json::json!({ "checkpoint": text }));
            screen.print(&answer, |_| clean(&text))
        }
        Verb::RotateKey => {
            screen.object(&client.post(&path(&["ledger", "rotate-key"]), &serde_json::json!({}))?)
        }
        Verb::RetireKey => {
            screen.object(&client.post(&path(&["ledger", "retire-key"]), &serde_json::json!({}))?)
        }
        Verb::Readers { model } => {
            let answer = client.get(&path(&["models", &model, "readers"]), &[])?;
            screen.table(&answer, &[("ACTOR", "/actor"), ("READS", "/reads")])
        }
    }
}

fn entry(context: &Context, index: u64) -> anyhow::Result<Answer> {
    context.client.get(&path(&["ledger", "entries", &index.to_string()]), &[])
}

/// Entries carry times as microseconds; people read text.
fn times_as_text(item: &mut Value) {
    for field in ["/entry/recorded_at", "/entry/occurred_at"] {
        if let Some(value) = item.pointer_mut(field)
            && let Some(micros) = value.as_i64()
        {
            *value = comptroller_core::Timestamp::from_micros(micros).to_string().into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_of_entries_are_readable() {
        let mut item = json!({"index": 1, "entry": {"recorded_at": 1_785_000_000_000_000_i64}});
        times_as_text(&mut item);
        assert_eq!(item["entry"]["recorded_at"], "2026-07-25T17:20:00.000000Z");
    }
}
