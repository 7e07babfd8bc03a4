//! Reading segments: whole frames in their order, up to the first that is cut or damaged.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use comptroller_ledger::hash::digest;

use super::error::failed;
use super::{GROUP_BYTES, HEAD, MAX_FRAME, Position, SEAL_ROOM, WalError};

/// Why reading a segment stopped.
#[derive(Debug)]
pub enum Stopped {
    /// The file cannot be read.
    Io(std::io::Error),
    /// Whoever takes the frames does not want this one.
    Refused(String),
}

/// Hands over the frames of a segment; answers how many, and where the last whole one ends.
pub(super) fn replay(
    path: &Path,
    segment: u64,
    take: &mut impl FnMut(Position, Vec<u8>) -> Result<(), String>,
) -> Result<(u32, u64), WalError> {
    let mut file = File::open(path).map_err(|error| failed("open", path, &error))?;
    let length = file.metadata().map_err(|error| failed("read", path, &error))?.len();
    let read = frames(&mut file, length, |frame, bytes| take(Position { segment, frame }, bytes));
    let (count, end) = read.map_err(|stopped| match stopped {
        Stopped::Io(error) => failed("read", path, &error),
        Stopped::Refused(problem) => WalError::Frame(problem),
    })?;
    // Only the last write can have been cut, and a write is one group at most. A damaged frame with more than that behind
    // it was whole once.
    if length - end > (GROUP_BYTES + MAX_FRAME + (1 << 20)) as u64 {
        return Err(WalError::Damaged { path: path.to_owned(), frame: count + 1 });
    }
    Ok((count, end))
}

/// Hands over the whole frames of a segment of `length` bytes with their numbers, up to the first that is cut or
/// damaged; answers how many, and where the last of them ends.
pub fn frames(
    file: &mut impl Read,
    length: u64,
    mut take: impl FnMut(u32, Vec<u8>) -> Result<(), String>,
) -> Result<(u32, u64), Stopped> {
    let (mut at, mut frame) = (0, 0);
    while at < length {
        let Some(bytes) = whole_frame(file, length - at).map_err(Stopped::Io)? else { break };
        at += (HEAD + bytes.len()) as u64;
        frame += 1;
        take(frame, bytes).map_err(Stopped::Refused)?;
    }
    Ok((frame, at))
}

/// The next frame of a file with `left` bytes to go; none if it is cut or damaged.
fn whole_frame(file: &mut impl Read, left: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = [0; HEAD];
    if left < HEAD as u64 {
        return Ok(None);
    }
    file.read_exact(&mut head)?;
    let size = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    if size == 0 || size > MAX_FRAME + SEAL_ROOM || (HEAD + size) as u64 > left {
        return Ok(None);
    }
    let mut bytes = vec![0; size];
    file.read_exact(&mut bytes)?;
    Ok((digest(&bytes).as_bytes()[..8] == head[4..]).then_some(bytes))
}
