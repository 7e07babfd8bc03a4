//! Reads a folder of policies: the one place that knows how files on disk become a package.

use crate::failure::Failure;
use crate::input::read_text;
use anyhow::Context as _;
use comptroller_policy::Package;
use std::collections::BTreeMap;
use std::path::Path;

/// Largest file of a folder, in bytes; what reads it has its own, smaller limits.
const MAX_FILE: u64 = 2 << 20;
/// The folder of rule cards.
const CARDS: &str = "cards";

/// Reads a folder; `None` stands for the policies of this program. Other files than those of a bundle are left alone,
/// so that a README can stand beside them.
pub(super) fn read(folder: Option<&Path>) -> anyhow::Result<Package> {
    let Some(folder) = folder else { return Ok(Package::builtin()?) };
    if !folder.is_dir() {
        return Err(Failure::usage(
            format!("{} is not a folder", folder.display()),
            "name the folder that holds schema.cedarschema, hard.cedar and review.cedar",
        ));
    }
    let mut files = BTreeMap::new();
    for name in Package::FILES {
        let path = folder.join(name);
        if path.exists() {
            files.insert((*name).to_owned(), read_text(&path, MAX_FILE)?);
        }
    }
    let cards = folder.join(CARDS);
    if cards.is_dir() {
        let listing =
            std::fs::read_dir(&cards).with_context(|| format!("cannot list {}", cards.display()))?;
        for file in listing {
            let path = file.with_context(|| format!("cannot list {}", cards.display()))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.insert(format!("{CARDS}/{name}"), read_text(&path, MAX_FILE)?);
            }
        }
    }
    Ok(Package::new(files)?)
}

/// Writes the files of a package into a folder that does not exist yet.
pub(super) fn write(package: &Package, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        return Err(Failure::usage(
            format!("{} exists already", folder.display()),
            "name a folder that does not exist yet; nothing is overwritten",
        ));
    }
    let written = write_files(package, folder);
    if written.is_err() {
        // A part of a bundle must not look like one. What cannot be removed either is named by the error already.
        let _ = std::fs::remove_dir_all(folder);
    }
    written
}

fn write_files(package: &Package, folder: &Path) -> anyhow::Result<()> {
    for (name, text) in package.files() {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
