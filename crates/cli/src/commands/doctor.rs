//! `comptroller doctor`: checks everything that is stored, on the data folder of a stopped server.

use super::config::ConfigArgs;
use super::serve;
use crate::client::Answer;
use crate::config::{Config, load};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Screen, Style, cell, clean};
use anyhow::Context as _;
use clap::Args;
use comptroller_app::store::{DbConfig, Store, StoreConfig};
use comptroller_core::time::SystemClock;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    source: ConfigArgs,
    /// Data folder, instead of `store.data_dir`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Also replay the whole journal and compare every table with it: finds rows that were edited by hand.
    #[arg(long)]
    rebuild_check: bool,
    /// Also decrypt and hash every artifact.
    #[arg(long)]
    deep: bool,
}

pub(crate) fn run(screen: Screen, arguments: &DoctorArgs) -> anyhow::Result<Exit> {
    let mut loaded = load(arguments.source.config.as_deref(), std::env::vars())?;
    if let Some(data_dir) = &arguments.data_dir {
        loaded.config.store.data_dir.clone_from(data_dir);
    }
    serve::runtime()?.block_on(check(screen, arguments, &loaded.config))
}

async fn check(screen: Screen, arguments: &DoctorArgs, config: &Config) -> anyhow::Result<Exit> {
    let store = open_existing(&serve::store_config(config)?).await?;
    let mut findings = store.doctor(arguments.deep).await.context("the store cannot be checked")?;
    if arguments.rebuild_check {
        findings.append(store.rebuild_check().await.context("the journal cannot be replayed")?);
    }
    store.close().await;
    let answer = Answer::of_value(serde_json::to_value(&findings)?);
    screen.print(&answer, |value| text(value, screen.style))?;
    Ok(if findings.is_damaged() { Exit::FAILURE } else { Exit::OK })
}

/// Opens a store that is there; unlike the server, never makes one.
pub(super) async fn open_existing(settings: &StoreConfig) -> anyhow::Result<Store> {
    if let DbConfig::Sqlite(path) = &settings.db
        && !path.exists()
    {
        let message = format!("there is no database at {}", path.display());
        return Err(Failure::usage(
            message,
            "name the data folder with --data-dir, or the configuration with --config",
        ));
    }
    Store::open(settings, Arc::new(SystemClock)).await.context("the store cannot be opened")
}

fn text(value: &Value, style: Style) -> String {
    let mut text = String::new();
    let found = value["found"].as_array().map_or(&[][..], Vec::as_slice);
    for finding in found {
        let severity = cell(&finding["severity"]);
        let severity = if severity == "damage" { style.bad("damage:") } else { style.caution("warning:") };
        let (place, what, remedy) = (&finding["place"], &finding["what"], &finding["remedy"]);
        let _ = writeln!(text, "{severity} {}: {}", style.strong(&cell(place)), cell(what));
        let _ = writeln!(text, "  {} {}", style.dim("do:"), cell(remedy));
    }
    let more = value["more"].as_u64().unwrap_or(0);
    if more > 0 {
        let _ = writeln!(text, "and {more} more");
    }
    if found.is_empty() {
        let _ = writeln!(text, "{}", style.good("nothing found"));
    }
    for (kind, count) in value["checked"].as_object().into_iter().flatten() {
        let _ = writeln!(text, "{}", style.dim(&format!("checked {}: {}", clean(kind), cell(count))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_finding_names_place_and_remedy() {
        let value = json!({
            "found": [{"severity": "damage", "place": "table system, id 1", "what": "edited", "remedy": "restore"}],
            "more": 0, "checked": {"entries": 9},
        });
        assert_eq!(
            text(&value, Style::plain()),
            "damage: table system, id 1: edited\n  do: restore\nchecked entries: 9\n"
        );
        assert!(text(&json!({"found": [], "checked": {}}), Style::plain()).starts_with("nothing found"));
    }
}
