//! Where things are: the repository, the cargo target folder and the cache for downloaded tools.
//!
//! The cache lies outside the clone, so that a fresh clone finds the tools again. Nothing in it is needed twice
//! for correctness: deleting it only costs the time to install again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

/// The folders every command needs.
pub(crate) struct Workspace {
    /// Root of the repository: the folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// `$XDG_CACHE_HOME/comptroller`, else `~/.cache/comptroller`.
    pub(crate) cache: PathBuf,
    /// Members and target folder as cargo sees them, without dependencies.
    pub(crate) metadata: Metadata,
}

impl Workspace {
    /// Finds the workspace this program was built from and reads its members.
    pub(crate) fn locate() -> Result<Workspace> {
        // Cargo sets this when it runs us; the built-in value serves a binary that is started by hand.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
        let root =
            Path::new(&manifest).parent().context("the xtask crate has no parent folder")?.to_path_buf();
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .context("cannot read the workspace with `cargo metadata`")?;
        Ok(Workspace { root, cache: cache_folder()?, metadata })
    }

    /// Cargo's target folder, outside of which nothing is built.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// A `cargo` command that starts in the root of the repository.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        command.current_dir(&self.root);
        command
    }

    /// Whether a workspace member of that package name exists.
    pub(crate) fn has_package(&self, name: &str) -> bool {
        self.metadata.packages.iter().any(|package| package.name.as_str() == name)
    }

    /// A path below the root as people write it, with `/`.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().replace('\\', "/")
    }
}

fn cache_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder).join("comptroller"));
    }
    let Some(home) = std::env::var_os("HOME").filter(|home| !home.is_empty()) else {
        bail!("neither XDG_CACHE_HOME nor HOME is set; set one, tools are installed below it");
    };
    Ok(PathBuf::from(home).join(".cache").join("comptroller"))
}
