//! The restore guard: a high-water mark of the published log, on another path than the database.
//!
//! When a database is restored from an old backup, its head is behind what was already signed and shown to others.
//! Signing on from there would fork the log. The guard file is ahead of such a database, and the store then starts
//! read-only.

use crate::StoreError;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

/// Refuses a head that is behind `mark`, or of its size with another root.
///
/// The mark must have been read before the head: heads only grow, so a head read later cannot be behind in good order.
pub(crate) fn check(mark: Option<&(i64, String)>, size: i64, root: &str) -> Result<(), StoreError> {
    match mark {
        Some((marked, _)) if *marked > size => Err(StoreError::Damaged(format!(
            "the guard file has seen a log of {marked} entries, this database has {size}"
        ))),
        Some((marked, seen)) if *marked == size && seen != root => Err(StoreError::Damaged(format!(
            "the guard file has seen another root for the log of {size} entries"
        ))),
        _ => Ok(()),
    }
}

/// The guard file.
#[derive(Clone, Debug)]
pub struct Guard {
    path: PathBuf,
}

impl Guard {
    /// The guard of the log `origin` in `folder`; creates the folder.
    pub fn open(folder: &std::path::Path, origin: &str) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|error| StoreError::file(folder, &error))?;
        // One organisation may have several epochs; each has a mark of its own.
        let name: String = origin.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Ok(Self { path: folder.join(format!("{name}.head")) })
    }

    /// The mark: size and root (hex).
    pub fn read(&self) -> Result<Option<(i64, String)>, StoreError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::file(&self.path, &error)),
        };
        let parsed =
            text.trim().split_once(' ').and_then(|(size, root)| Some((size.parse().ok()?, root.to_owned())));
        match parsed {
            Some((size, root)) if size >= 0 && root.len() == 64 => Ok(Some((size, root))),
            _ => Err(StoreError::Damaged(format!(
                "guard file {}: expected `<size> <root>`; restore it from the published checkpoint",
                self.path.display()
            ))),
        }
    }

    /// Raises the mark: temporary file, fsync, rename, fsync of the folder. Never lowers it.
    ///
    /// Several processes may share the folder; a lock file beside the mark makes them take turns.
    pub fn raise(&self, size: i64, root: &str) -> Result<(), StoreError> {
        if self.read()?.is_some_and(|mark| mark.0 >= size) {
            return Ok(());
        }
        let lock_path = self.path.with_extension("lock");
        let lock = File::create(&lock_path).map_err(|error| StoreError::file(&lock_path, &error))?;
        lock.lock().map_err(|error| StoreError::file(&lock_path, &error))?;
        if self.read()?.is_some_and(|mark| mark.0 >= size) {
            return Ok(());
        }
        let temporary = self.path.with_extension("new");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(format!("{size} {root}\n").as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)?;
            if let Some(folder) = self.path.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|error| StoreError::file(&self.path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn append_only_guard_refuses_a_head_behind_the_mark() {
        let folder = tempfile::tempdir().unwrap();
        let guard = Guard::open(folder.path(), "example.org/x/1").unwrap();
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        assert!(guard.read().unwrap().is_none());
        guard.raise(10, &a).unwrap();
        guard.raise(9, &b).unwrap();
        let mark = guard.read().unwrap();
        assert_eq!(mark, Some((10, a.clone())), "the mark never falls");
        check(None, 0, &a).unwrap();
        check(mark.as_ref(), 11, &b).unwrap();
        check(mark.as_ref(), 10, &a).unwrap();
        assert!(check(mark.as_ref(), 9, &a).is_err());
        assert!(check(mark.as_ref(), 10, &b).is_err());
    }

    #[test]
    fn a_damaged_guard_file_is_an_error_not_a_fresh_start() {
        let folder = tempfile::tempdir().unwrap();
        let guard = Guard::open(folder.path(), "o").unwrap();
        guard.raise(1, &"a".repeat(64)).unwrap();
        fs::write(&guard.path, "garbage").unwrap();
        assert!(guard.read().is_err());
    }
}
