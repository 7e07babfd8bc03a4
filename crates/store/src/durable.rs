//! Files that appear whole and stay: written aside, synced, then linked under a name that was free.
//!
//! Must not overwrite anything: `link` fails on an existing name, which `rename` would replace. Blocking calls;
//! async code wraps them in `spawn_blocking`. Unix only (modes, syncing of directories).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Creates `target` with these bytes and file mode; returns false, changing nothing, if the name is taken.
///
/// `staging` is a free name on the same file system. When this returns true, content and name survive a power cut,
/// provided that the directory of `target` itself was made durable before. After an error the file may exist, whole,
/// but not yet durably.
pub(crate) fn create_new(staging: &Path, target: &Path, bytes: &[u8], mode: u32) -> io::Result<bool> {
    let linked = write_synced(staging, bytes, mode).and_then(|()| fs::hard_link(staging, target));
    // A staging file that stays behind costs only space, so its removal neither decides the result nor is synced.
    let _ = fs::remove_file(staging);
    match linked {
        Ok(()) => {
            sync_parent(target)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in the directory that holds `path` durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        // The parent of a bare file name is the working directory.
        Some(parent) if parent.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_taken_name_is_kept_and_nothing_is_left_aside() {
        let folder = tempfile::tempdir().unwrap();
        let (staging, target) = (folder.path().join("aside"), folder.path().join("target"));
        assert!(create_new(&staging, &target, b"first", 0o600).unwrap());
        assert!(!create_new(&staging, &target, b"second", 0o600).unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"first");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!staging.exists());
    }

    #[test]
    fn a_missing_folder_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let staging = folder.path().join("aside");
        let error = create_new(&staging, &folder.path().join("no/target"), b"x", 0o600).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!staging.exists());
    }
}
