//! Reads a pack's tar once: where each file lies, and its digest. Then serves files by name.
//!
//! Must not unpack anything to disk and must not hold file contents.
//! INVARIANT (plain-files-only): every member is a regular ustar file with a checked name that occurs once; links,
//! folders, devices and extension headers are refused.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::{BLOCK, MAX_FILES, path_problem};
use crate::checkpoint::parse_decimal;
use crate::hash::{Digester, Hash, excerpt};
use crate::verify::{FailureClass, LogSource, VerifyError};

/// Bytes that are digested at a time.
const BUFFER: usize = 64 << 10;

/// Where a file lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    offset: u64,
    pub(super) bytes: u64,
    pub(super) sha256: Hash,
}

/// An indexed pack.
pub(super) struct Pack<R> {
    reader: RefCell<R>,
    members: BTreeMap<String, Member>,
}

impl<R: Read + Seek> Pack<R> {
    /// Reads the whole tar once.
    pub(super) fn open(mut reader: R) -> Result<Self, VerifyError> {
        let mut members = BTreeMap::new();
        let mut offset: u64 = 0;
        let mut buffer = vec![0; BUFFER];
        loop {
            let mut block = [0; BLOCK];
            reader.read_exact(&mut block).map_err(|e| broken(&e, "the pack", offset))?;
            offset += BLOCK as u64;
            if block == [0; BLOCK] {
                check_end(&mut reader, offset)?;
                return Ok(Self { reader: RefCell::new(reader), members });
            }
            let (path, bytes) = read_header(&block, offset - BLOCK as u64)?;
            let sha256 = digest_member(&mut reader, &mut buffer, &path, bytes, offset)?;
            if members.len() == MAX_FILES {
                return Err(malformed(&path, format!("a pack has at most {MAX_FILES} files")));
            }
            if members.insert(path.clone(), Member { offset, bytes, sha256 }).is_some() {
                return Err(malformed(&path, "is in the pack twice".to_owned()));
            }
            offset += bytes.next_multiple_of(BLOCK as u64);
        }
    }

    /// All files, names rising.
    pub(super) fn members(&self) -> &BTreeMap<String, Member> {
        &self.members
    }

    /// The contents of a file; `None` if it is not there.
    pub(super) fn contents(&self, path: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(member) = self.members.get(path) else { return Ok(None) };
        let too_large =
            || io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {max_bytes} bytes"));
        let length = usize::try_from(member.bytes).map_err(|_| too_large())?;
        if length > max_bytes {
            return Err(too_large());
        }
        let mut reader = self.reader.borrow_mut();
        reader.seek(SeekFrom::Start(member.offset))?;
        let mut bytes = vec![0; length];
        reader.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// The log within a pack.
impl<R: Read + Seek> LogSource for Pack<R> {
    fn read(&self, path: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        self.contents(&format!("log/{path}"), max_bytes)
    }

    fn checkpoint_sizes(&self) -> io::Result<Vec<u64>> {
        self.sizes("log/checkpoints/", "")
    }

    fn timestamp_sizes(&self) -> io::Result<Vec<u64>> {
        self.sizes("log/timestamps/", ".tst")
    }
}

impl<R> Pack<R> {
    /// The sizes that the files below `prefix` are named after.
    fn sizes(&self, prefix: &str, suffix: &str) -> io::Result<Vec<u64>> {
        let mut sizes = Vec::new();
        for path in self.members.range(prefix.to_owned()..).map(|(path, _)| path) {
            let Some(name) = path.strip_prefix(prefix) else { break };
            let size = name.strip_suffix(suffix).and_then(parse_decimal).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{path} is not named after a size"))
            })?;
            sizes.push(size);
        }
        sizes.sort_unstable();
        Ok(sizes)
    }
}

fn malformed(place: &str, problem: String) -> VerifyError {
    VerifyError::new(FailureClass::Malformed, place, problem)
}

fn broken(error: &io::Error, place: &str, offset: u64) -> VerifyError {
    let class = match error.kind() {
        io::ErrorKind::UnexpectedEof => FailureClass::Malformed,
        _ => FailureClass::Unreadable,
    };
    VerifyError::new(class, place, format_args!("the tar ends or fails at byte {offset}: {error}"))
}

/// Name and length of a member from its header block.
fn read_header(block: &[u8; BLOCK], offset: u64) -> Result<(String, u64), VerifyError> {
    let place = format!("tar header at byte {offset}");
    let header = tar::Header::from_byte_slice(block);
    // The checksum field itself counts as spaces.
    let sum: u32 = block[..148].iter().chain(&block[156..]).map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
    if header.cksum().ok() != Some(sum) {
        return Err(malformed(&place, "its checksum is wrong".to_owned()));
    }
    let path = String::from_utf8_lossy(&header.path_bytes()).into_owned();
    // INVARIANT (plain-files-only)
    if header.as_ustar().is_none() || header.entry_type() != tar::EntryType::Regular {
        return Err(malformed(&excerpt(&path), "is not a regular ustar file".to_owned()));
    }
    if let Some(problem) = path_problem(&path) {
        return Err(malformed(&place, format!("name {:?}: {problem}", excerpt(&path))));
    }
    let bytes = header.entry_size().map_err(|e| malformed(&path, format!("length: {e}")))?;
    if bytes > super::MAX_FILE_BYTES {
        return Err(malformed(&path, "is larger than 8 GiB".to_owned()));
    }
    Ok((path, bytes))
}

/// Reads the contents and the padding behind them.
fn digest_member(
    reader: &mut impl Read,
    buffer: &mut [u8],
    path: &str,
    bytes: u64,
    offset: u64,
) -> Result<Hash, VerifyError> {
    let mut digester = Digester::new();
    let mut left = bytes;
    while left > 0 {
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        reader.read_exact(&mut buffer[..count]).map_err(|e| broken(&e, path, offset))?;
        digester.update(&buffer[..count]);
        left -= count as u64;
    }
    let padding = (bytes.next_multiple_of(BLOCK as u64) - bytes) as usize;
    let mut block = [0; BLOCK];
    reader.read_exact(&mut block[..padding]).map_err(|e| broken(&e, path, offset))?;
    if block != [0; BLOCK] {
        return Err(malformed(path, "the bytes behind it are not zero".to_owned()));
    }
    Ok(digester.finish())
}

/// After the first zero block only zeros may follow, at least one block of them.
fn check_end(reader: &mut impl Read, offset: u64) -> Result<(), VerifyError> {
    const MAX_PADDING: u64 = 1 << 20;
    let mut rest = Vec::new();
    reader.take(MAX_PADDING).read_to_end(&mut rest).map_err(|e| broken(&e, "the pack", offset))?;
    if rest.len() < BLOCK || rest.len() as u64 == MAX_PADDING || rest.iter().any(|b| *b != 0) {
        let problem = "must end in two zero blocks with nothing behind them".to_owned();
        return Err(malformed("the pack", problem));
    }
    Ok(())
}
