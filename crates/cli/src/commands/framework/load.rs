//! Reads folders of framework data, bounded in number and size.

use crate::failure::Failure;
use crate::input::read_text;
use anyhow::Context as _;
use clap::Args;
use comptroller_compliance::classify::FRAMEWORK;
use comptroller_compliance::framework::{Catalogue, DataError, Day, Folder, Framework};
use comptroller_core::Clock as _;
use comptroller_core::time::SystemClock;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which data besides the shipped ones.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// A folder with a framework of your own, with licensed texts or with a crosswalk; docs/FRAMEWORKS.md has the form.
    /// May be given several times.
    #[arg(long = "with", value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

/// The shipped data with those of the folders.
pub(crate) fn catalogue(arguments: &DataArgs) -> anyhow::Result<Catalogue> {
    let mut catalogue = Catalogue::builtin().map_err(|error| refused(&error))?;
    for folder in &arguments.folders {
        catalogue.add(&read(folder)?).map_err(|error| refused(&error))?;
    }
    Ok(catalogue)
}

/// The framework by which systems are classified.
pub(crate) fn act() -> anyhow::Result<Framework> {
    let catalogue = Catalogue::builtin().map_err(|error| refused(&error))?;
    catalogue
        .framework(FRAMEWORK)
        .cloned()
        .with_context(|| format!("{FRAMEWORK} is not among the shipped data"))
}

/// Framework data that are not in order, as bad input.
pub(crate) fn refused(error: &DataError) -> anyhow::Error {
    Failure::usage(error.to_string(), error.remedy.clone())
}

/// The present day in UTC.
pub(crate) fn today() -> Day {
    Day::of(SystemClock.now())
}

fn read(path: &Path) -> anyhow::Result<Folder> {
    let name = path.display().to_string();
    let entries = std::fs::read_dir(path).map_err(|error| {
        Failure::usage(format!("{name}: {error}"), "name a folder that holds framework data")
    })?;
    let mut files = BTreeMap::new();
    for entry in entries {
        let file = entry.with_context(|| format!("cannot read {name}"))?.path();
        let Some(file_name) = file.file_name().and_then(|name| name.to_str()) else { continue };
        if file.extension().is_none_or(|end| end != "toml") || !file.is_file() {
            continue;
        }
        if files.len() >= Folder::MAX_FILES {
            let message = format!("{name} holds more than {} TOML files", Folder::MAX_FILES);
            return Err(Failure::usage(message, "split it into several folders"));
        }
        files.insert(file_name.to_owned(), read_text(&file, Folder::MAX_FILE as u64)?);
    }
    Ok(Folder { name, files })
}
