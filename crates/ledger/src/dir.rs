//! A log as files in a folder: the only place of this crate that opens files by name.
//!
//! Must not write. Paths come from tile arithmetic, never from file contents.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::PathBuf;

use crate::checkpoint::parse_decimal;
use crate::verify::LogSource;

/// A folder in the tlog-tiles layout: `checkpoint`, `tile/...`, and perhaps `checkpoints/<size>` and
/// `timestamps/<size>.tst`.
#[derive(Debug, Clone)]
pub struct DirSource {
    root: PathBuf,
}

impl DirSource {
    /// The folder that holds `checkpoint`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl LogSource for DirSource {
    fn read(&self, path: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.root.join(path)) {
            Ok(file) => file,
            // A partial tile's folder `<N>.p` and a full tile's file `<N>` may each be missing.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        read_bounded(file, max_bytes).map(Some)
    }

    fn checkpoint_sizes(&self) -> io::Result<Vec<u64>> {
        self.sizes("checkpoints", "")
    }

    fn timestamp_sizes(&self) -> io::Result<Vec<u64>> {
        self.sizes("timestamps", ".tst")
    }
}

impl DirSource {
    /// The sizes that the files of a folder are named after; none if there is no such folder.
    fn sizes(&self, folder: &str, suffix: &str) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut sizes = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let size = name.to_str().and_then(|name| name.strip_suffix(suffix)).and_then(parse_decimal);
            let size = size.ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{folder}/{} is not named after a size", name.display()),
                )
            })?;
            sizes.push(size);
        }
        sizes.sort_unstable();
        Ok(sizes)
    }
}

/// Reads to the end, but never more than `max_bytes`.
pub(crate) fn read_bounded(reader: impl io::Read, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(max_bytes as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max_bytes {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {max_bytes} bytes")));
    }
    Ok(bytes)
}
