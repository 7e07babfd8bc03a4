//! `comptroller store copy`: moves everything to another database and object store, and compares.

use super::{doctor, serve};
use crate::client::Answer;
use crate::config::load;
use crate::exit::Exit;
use crate::output::Screen;
use anyhow::Context as _;
use clap::Subcommand;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Copy everything to an empty database and object store, and compare every table and the log's root.
    ///
    /// Stop the server first, and never run one on the old store again: two stores that sign under one key would
    /// fork the log. Keys are not copied: `keys_dir` of the target must hold the same keys already.
    Copy {
        /// Configuration file of the store as it is. Environment variables are not read, so that they cannot mean
        /// both stores.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Configuration file of the store to be.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

pub(crate) fn run(screen: Screen, verb: &Verb) -> anyhow::Result<Exit> {
    let Verb::Copy { from, to } = verb;
    serve::runtime()?.block_on(copy(screen, from, to))
}

async fn copy(screen: Screen, from: &Path, to: &Path) -> anyhow::Result<Exit> {
    let source = serve::store_config(&load(Some(from), std::iter::empty())?.config)?;
    let target = serve::store_config(&load(Some(to), std::iter::empty())?.config)?;
    let store = doctor::open_existing(&source).await?;
    let copied = store.copy_to(&target).await.context("the store was not copied")?;
    store.close().await;
    screen.object(&Answer::of_value(serde_json::to_value(&copied)?))?;
    Ok(Exit::OK)
}
