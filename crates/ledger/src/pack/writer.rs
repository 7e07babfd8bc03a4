//! Writes packs as a stream: file after file in rising order of names, the manifest last.
//!
//! Must not buffer files: only names and digests stay in memory.

use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::manifest::{MANIFEST_PATH, Manifest, PACK_FORMAT, PackFile, PackHeader};
use super::verify::Opening;
use super::{BLOCK, MAX_FILE_BYTES, MAX_FILES, README_PATH, path_problem};
use crate::hash::{Digester, excerpt};
use crate::tile::{bundles_of, tiles_of};

/// Why a pack cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A name that cannot stand in a pack.
    #[error("{path:?} cannot stand in a pack: {problem}")]
    Path {
        /// The name.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A name that does not come after the one before.
    #[error("{path:?} does not come after {before:?}: add files in rising order of their names")]
    Order {
        /// The name.
        path: String,
        /// The name of the file before.
        before: String,
    },
    /// A file of another length than was said.
    #[error("{path:?} has {got} bytes or more, {expected} were announced")]
    Length {
        /// The name.
        path: String,
        /// Length announced.
        expected: u64,
        /// Bytes read.
        got: u64,
    },
    /// More than [`MAX_FILES`], or a file larger than ustar can hold.
    #[error("{path:?}: a pack holds at most 4000000 files of at most 8 GiB")]
    TooLarge {
        /// The name.
        path: String,
    },
    /// Reading a file or writing the pack failed.
    #[error("cannot write {path:?} into the pack")]
    Io {
        /// The name.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The manifest could not be written as JSON.
    #[error("cannot write the manifest: {0}")]
    Manifest(String),
}

/// Writes one pack.
#[derive(Debug)]
pub struct PackWriter<W: Write> {
    out: W,
    manifest: Manifest,
}

impl<W: Write> PackWriter<W> {
    /// Begins a pack with its instructions, `README.txt`.
    pub fn new(out: W, header: PackHeader) -> Result<Self, PackError> {
        let manifest = Manifest {
            format: PACK_FORMAT.to_owned(),
            origin: header.origin,
            org: header.org,
            created_at: header.created_at,
            size: header.size,
            root: header.root,
            period: header.period,
            files: Vec::new(),
        };
        let mut writer = Self { out, manifest };
        writer.add(README_PATH, include_bytes!("readme.txt"))?;
        Ok(writer)
    }

    /// Adds a file whose bytes are at hand. Names must rise from call to call.
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), PackError> {
        self.add_reader(path, bytes.len() as u64, bytes)
    }

    /// Adds a file of `length` bytes from a reader. Names must rise from call to call.
    pub fn add_reader(&mut self, path: &str, length: u64, reader: impl Read) -> Result<(), PackError> {
        if let Some(last) = self.manifest.files.last().filter(|last| path <= last.path.as_str()) {
            return Err(PackError::Order { path: excerpt(path), before: last.path.clone() });
        }
        if path == MANIFEST_PATH {
            return Err(PackError::Path { path: excerpt(path), problem: "the writer makes it" });
        }
        if self.manifest.files.len() == MAX_FILES {
            return Err(PackError::TooLarge { path: excerpt(path) });
        }
        let file = self.write_file(path, length, reader)?;
        self.manifest.files.push(file);
        Ok(())
    }

    /// Writes the manifest and the end of the tar; gives back the writer, flushed.
    pub fn finish(mut self) -> Result<W, PackError> {
        let bytes = serde_json_canonicalizer::to_vec(&self.manifest)
            .map_err(|e| PackError::Manifest(e.to_string()))?;
        self.write_file(MANIFEST_PATH, bytes.len() as u64, bytes.as_slice())?;
        let ended = self.out.write_all(&[0; 2 * BLOCK]).and_then(|()| self.out.flush());
        ended.map_err(|source| PackError::Io { path: MANIFEST_PATH.to_owned(), source })?;
        Ok(self.out)
    }

    fn write_file(&mut self, path: &str, length: u64, mut reader: impl Read) -> Result<PackFile, PackError> {
        if let Some(problem) = path_problem(path) {
            return Err(PackError::Path { path: excerpt(path), problem });
        }
        if length > MAX_FILE_BYTES {
            return Err(PackError::TooLarge { path: path.to_owned() });
        }
        let failed = |source| PackError::Io { path: path.to_owned(), source };
        self.out.write_all(header(path, length).map_err(failed)?.as_bytes()).map_err(failed)?;
        let mut digester = Digester::new();
        let mut buffer = vec![0; 64 << 10];
        let mut written: u64 = 0;
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            if count as u64 > length - written || (count == 0 && written < length) {
                let got = written + count as u64;
                return Err(PackError::Length { path: path.to_owned(), expected: length, got });
            }
            if count == 0 {
                break;
            }
            digester.update(&buffer[..count]);
            self.out.write_all(&buffer[..count]).map_err(failed)?;
            written += count as u64;
        }
        let padding = length.next_multiple_of(BLOCK as u64) - length;
        self.out.write_all(&[0; BLOCK][..padding as usize]).map_err(failed)?;
        Ok(PackFile { path: path.to_owned(), sha256: digester.finish(), bytes: length })
    }
}

/// The ustar header of a regular file. INVARIANT (same-bytes): it depends on name and length only.
fn header(path: &str, length: u64) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path)?;
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

/// Names of the tiles and entry bundles of a log of `size` entries, below `log/`, in the order of a pack.
///
/// `log/checkpoint` and `log/checkpoints/<size>` sort before them.
pub fn log_paths(size: u64) -> Vec<String> {
    let tiles = tiles_of(size).map(|tile| tile.path());
    let bundles = bundles_of(size).map(|bundle| bundle.path());
    let mut paths: Vec<String> = tiles.chain(bundles).map(|path| format!("log/{path}")).collect();
    paths.sort_unstable();
    paths
}

/// The bytes of `openings/<index>.json` for the payloads of one entry: name, salt, payload of each.
pub fn opening_file(index: u64, payloads: &[(&str, &[u8; 32], &[u8])]) -> Result<Vec<u8>, PackError> {
    let openings: Vec<Opening> = payloads
        .iter()
        .map(|(name, salt, payload)| Opening {
            index,
            name: (*name).to_owned(),
            salt: hex::encode(salt),
            payload: STANDARD.encode(payload),
        })
        .collect();
    serde_json_canonicalizer::to_vec(&openings).map_err(|e| PackError::Manifest(e.to_string()))
}
