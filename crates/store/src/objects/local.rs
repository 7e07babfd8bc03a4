//! Creating and deleting objects in a local directory so that they survive a power cut.
//!
//! Reading is left to the object_store crate; its local back end does not sync files or directories, so it must not
//! write. Names are checked by the caller.

use super::ObjectsError;
use crate::{durable, keys};
use std::collections::HashSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where files are written before they get their name. No object name can start with a dot.
pub(super) const STAGING: &str = ".staging";
/// Staging files older than this were left by a crash; no write takes that long.
const ABANDONED_AFTER: Duration = Duration::from_hours(24);
/// Bound of the list of directories known to be durable; forgetting them costs a few syncs.
const MAX_KNOWN: usize = 4096;

/// The writing half of a local object store.
#[derive(Debug)]
pub(super) struct LocalDir {
    root: PathBuf,
    durable: Mutex<HashSet<PathBuf>>,
}

impl LocalDir {
    /// Opens the directory, creating it (mode 0700) if needed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // One spelling, independent of a later change of the working directory.
        let root = path.canonicalize()?;
        for created in root.ancestors() {
            match durable::sync_parent(created) {
                // What this user may not open, this user did not create.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
                synced => synced?,
            }
        }
        DirBuilder::new().recursive(true).mode(0o700).create(root.join(STAGING))?;
        let this = Self { root, durable: Mutex::new(HashSet::new()) };
        this.remove_abandoned();
        Ok(this)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Creates an object durably; returns false if the name is taken.
    pub(super) fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, ObjectsError> {
        let target = self.root.join(name);
        let disk = |source| ObjectsError::Disk { operation: "write", path: target.clone(), source };
        if let Some(parent) = target.parent() {
            self.ensure_dir(parent).map_err(disk)?;
        }
        let random = keys::random::<16>().map_err(|error| disk(io::Error::other(error)))?;
        let staging = self.root.join(STAGING).join(hex::encode(random));
        durable::create_new(&staging, &target, bytes, 0o600).map_err(disk)
    }

    /// Makes the name of an object that was found existing durable: its writer may have died before doing so.
    pub(super) fn confirm(&self, name: &str) -> Result<(), ObjectsError> {
        let path = self.root.join(name);
        durable::sync_parent(&path).map_err(|source| ObjectsError::Disk { operation: "sync", path, source })
    }

    /// Deletes an object durably; returns false if there was none. Its directory stays.
    pub(super) fn delete(&self, name: &str) -> Result<bool, ObjectsError> {
        let path = self.root.join(name);
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            removed => removed.and_then(|()| durable::sync_parent(&path)),
        };
        removed.map_err(|source| ObjectsError::Disk { operation: "delete", path, source })?;
        Ok(true)
    }

    /// Creates a directory below the root and syncs every new name on the way down.
    fn ensure_dir(&self, dir: &Path) -> io::Result<()> {
        // A poisoned lock only guards a cache of facts that stay true.
        if dir == self.root || self.durable.lock().unwrap_or_else(PoisonError::into_inner).contains(dir) {
            return Ok(());
        }
        if let Some(parent) = dir.parent() {
            self.ensure_dir(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(dir) {
            // One that exists may be another thread's, not yet synced.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => durable::sync_parent(dir)?,
        }
        let mut known = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(dir.to_path_buf());
        Ok(())
    }

    /// Best effort: what cannot be read or removed now is tried again at the next start.
    fn remove_abandoned(&self) {
        let Ok(entries) = fs::read_dir(self.root.join(STAGING)) else { return };
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|m| m.modified()).map(|at| at.elapsed().unwrap_or_default());
            if age.is_ok_and(|age| age > ABANDONED_AFTER) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_staging_file_goes_and_a_fresh_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        LocalDir::open(folder.path()).unwrap();
        let (old, fresh) =
            (folder.path().join(STAGING).join("old"), folder.path().join(STAGING).join("fresh"));
        fs::write(&fresh, b"x").unwrap();
        let file = fs::File::create(&old).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - 2 * ABANDONED_AFTER).unwrap();
        LocalDir::open(folder.path()).unwrap();
        assert!(!old.exists() && fresh.exists());
    }

    #[test]
    fn a_file_where_a_directory_is_needed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let local = LocalDir::open(folder.path()).unwrap();
        assert!(local.create("a", b"x").unwrap());
        let error = local.create("a/b", b"x").unwrap_err();
        assert!(error.to_string().contains("a/b"), "{error}");
    }

    #[test]
    fn a_deleted_object_is_gone_and_its_name_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let local = LocalDir::open(folder.path()).unwrap();
        assert!(local.create("d/a", b"x").unwrap());
        assert!(!local.create("d/a", b"y").unwrap());
        assert!(local.delete("d/a").unwrap());
        assert!(!local.delete("d/a").unwrap());
        assert!(local.create("d/a", b"y").unwrap());
    }
}
