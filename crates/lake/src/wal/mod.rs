//! The write-ahead log of an ingest: opaque frames in segment files, durable before they are acknowledged.
//!
//! One thread writes. It takes whatever waits, writes it, syncs once, and tells everybody: a group commit. A frame is
//! its length (4 bytes, little-endian), the first 8 bytes of its SHA-256, and its bytes. A frame that was cut by a
//! crash was never acknowledged, and reading ends before it.
//!
//! INVARIANT (acknowledged-is-durable): a frame is acknowledged after the file that holds it was synced, and its file
//! is removed only when the caller said of each of its frames that it is kept elsewhere.

mod error;
mod read;

pub use error::WalError;
pub use read::{Stopped, frames};

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use comptroller_ledger::hash::digest;
use error::failed;
use read::replay;

/// Bytes of a frame, at most.
pub const MAX_FRAME: usize = 16 << 20;
/// A segment that has so many bytes is followed by another.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Bytes that are written with one sync, at most.
const GROUP_BYTES: usize = 32 << 20;
/// Frames that wait for the writer, at most.
const WAITING: usize = 1_024;
const HEAD: usize = 12;
/// What sealing may add to the bytes of a frame.
const SEAL_ROOM: usize = 64 << 10;

/// Where a frame stands: number of the segment, and of the frame in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The segment.
    pub segment: u64,
    /// The frame, from 1.
    pub frame: u32,
}

/// What is told when a frame is durable, or could not be made so.
pub type Done = Box<dyn FnOnce(Result<Position, WalError>) + Send>;
/// Makes the bytes of a frame once its position is known.
pub type Make = Box<dyn FnOnce(Position) -> Result<Vec<u8>, String> + Send>;

struct Order {
    make: Make,
    done: Done,
}

/// A log in a folder of its own.
#[derive(Debug)]
pub struct Wal {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
    segments: Arc<Segments>,
    cuts: Vec<Cut>,
    _lock: File,
}

/// The end of a segment that a crash cut off: it was never acknowledged, and is kept beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where it is kept.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
}

#[derive(Debug)]
struct Segments {
    folder: PathBuf,
    /// Frames of each segment that are not kept elsewhere yet; and whether more may come.
    open: Mutex<BTreeMap<u64, Segment>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Segment {
    pending: u32,
    finished: bool,
}

impl Wal {
    /// Opens the log of a folder, makes the folder if there is none, and hands over every frame that stands there.
    pub fn open(
        folder: &Path,
        mut take: impl FnMut(Position, Vec<u8>) -> Result<(), String>,
    ) -> Result<Self, WalError> {
        std::fs::create_dir_all(folder).map_err(|error| failed("make", folder, &error))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(|error| failed("make", &lock_path, &error))?;
        lock.try_lock().map_err(|_| WalError::InUse { path: folder.to_owned() })?;
        let mut open = BTreeMap::new();
        let mut cuts = Vec::new();
        let mut last = 0;
        for number in numbers(folder)? {
            let path = segment_path(folder, number);
            let (pending, end) = replay(&path, number, &mut take)?;
            cuts.extend(set_aside(&path, end)?);
            last = number;
            if pending == 0 {
                std::fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
            } else {
                open.insert(number, Segment { pending, finished: true });
            }
        }
        let segments = Arc::new(Segments { folder: folder.to_owned(), open: Mutex::new(open) });
        let (orders, waiting) = sync_channel(WAITING);
        let shared = Arc::clone(&segments);
        let thread = std::thread::Builder::new()
            .name("ingest-wal".to_owned())
            .spawn(move || write_all(&shared, &waiting, last))
            .map_err(|error| failed("start a thread for", folder, &error))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), segments, cuts, _lock: lock })
    }

    /// Queues a frame. `done` is called once, from the thread that writes.
    pub fn append(&self, make: Make, done: Done) {
        let Some(orders) = &self.orders else { return done(Err(WalError::Ended)) };
        match orders.try_send(Order { make, done }) {
            Ok(()) => {}
            Err(TrySendError::Full(order)) => (order.done)(Err(WalError::Full)),
            Err(TrySendError::Disconnected(order)) => (order.done)(Err(WalError::Ended)),
        }
    }

    /// Says that a frame is kept elsewhere. A segment whose frames all are is removed.
    pub fn release(&self, position: Position) -> Result<(), WalError> {
        self.segments.change(position.segment, |segment| segment.pending = segment.pending.saturating_sub(1))
    }

    /// Ends of segments that a crash had cut off, found when the log was opened.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// Segment files that there are.
    pub fn segments(&self) -> usize {
        self.segments.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Segments {
    fn change(&self, number: u64, change: impl FnOnce(&mut Segment)) -> Result<(), WalError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let segment = open.entry(number).or_default();
        change(segment);
        if segment.pending == 0 && segment.finished {
            open.remove(&number);
            let path = segment_path(&self.folder, number);
            if let Err(error) = std::fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(failed("remove", &path, &error));
            }
        }
        Ok(())
    }
}

fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016}.wal"))
}

/// The segments of a folder, in order.
fn numbers(folder: &Path) -> Result<Vec<u64>, WalError> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| failed("read", folder, &error))? {
        let name = entry.map_err(|error| failed("read", folder, &error))?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.strip_suffix(".wal"))
            && let Ok(number) = number.parse()
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Moves what stands behind `end` to a file of its own, so that nothing is lost in silence.
fn set_aside(path: &Path, end: u64) -> Result<Option<Cut>, WalError> {
    let bytes = std::fs::read(path).map_err(|error| failed("read", path, &error))?;
    let rest = bytes.get(end as usize..).unwrap_or_default();
    if rest.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let aside = path.with_extension("cut");
    std::fs::write(&aside, rest).map_err(|error| failed("write", &aside, &error))?;
    let file = OpenOptions::new().write(true).open(path).map_err(|error| failed("open", path, &error))?;
    file.set_len(end).and_then(|()| file.sync_all()).map_err(|error| failed("cut", path, &error))?;
    Ok(Some(Cut { path: aside, bytes: rest.len() as u64 }))
}

/// The segment that is being written.
struct Current {
    file: File,
    path: PathBuf,
    number: u64,
    frames: u32,
    bytes: u64,
}

fn write_all(segments: &Segments, orders: &Receiver<Order>, mut last: u64) {
    let mut current: Option<Current> = None;
    while let Ok(first) = orders.recv() {
        if current.as_ref().is_some_and(|segment| segment.bytes >= SEGMENT_BYTES) {
            finish(segments, current.take());
        }
        let segment = match current.take() {
            Some(segment) => Ok(segment),
            None => begin(&segments.folder, last + 1),
        };
        let mut segment = match segment {
            Ok(segment) => segment,
            Err(error) => {
                (first.done)(Err(error));
                continue;
            }
        };
        last = segment.number;
        let mut buffer = Vec::new();
        let mut waiting: Vec<(Position, Done)> = Vec::new();
        let mut next = Some(first);
        while let Some(Order { make, done }) = next {
            let frames = segment.frames + waiting.len() as u32;
            let position = Position { segment: segment.number, frame: frames + 1 };
            match make(position) {
                Ok(bytes) if !bytes.is_empty() && bytes.len() <= MAX_FRAME + SEAL_ROOM => {
                    buffer.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
                    buffer.extend_from_slice(&digest(&bytes).as_bytes()[..8]);
                    buffer.extend_from_slice(&bytes);
                    waiting.push((position, done));
                }
                Ok(bytes) => done(Err(WalError::Frame(format!("a frame of {} bytes", bytes.len())))),
                Err(problem) => done(Err(WalError::Frame(problem))),
            }
            next = if buffer.len() < GROUP_BYTES { orders.try_recv().ok() } else { None };
        }
        let written = segment.file.write_all(&buffer).and_then(|()| segment.file.sync_data());
        match written {
            Ok(()) => {
                segment.frames += waiting.len() as u32;
                segment.bytes += buffer.len() as u64;
                let count = waiting.len() as u32;
                let noted = segments.change(segment.number, |segment| segment.pending += count);
                for (position, done) in waiting {
                    done(noted.clone().map(|()| position));
                }
                current = Some(segment);
            }
            Err(error) => {
                // What of the group is on the disk is not known. The file is cut back where it can be, and not used
                // again: after a failed sync nobody can tell what a later one would mean.
                let _ = segment.file.set_len(segment.bytes);
                let error = failed("write", &segment.path, &error);
                for (_, done) in waiting {
                    done(Err(error.clone()));
                }
                finish(segments, Some(segment));
            }
        }
    }
    finish(segments, current);
}

fn begin(folder: &Path, number: u64) -> Result<Current, WalError> {
    let path = segment_path(folder, number);
    let made = OpenOptions::new().write(true).create_new(true).open(&path);
    let file = made.map_err(|error| failed("make", &path, &error))?;
    // The name of the file has to survive a power cut as its bytes do.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("sync", folder, &error))?;
    Ok(Current { file, path, number, frames: 0, bytes: 0 })
}

fn finish(segments: &Segments, current: Option<Current>) {
    if let Some(current) = current {
        // A segment that cannot be removed is read again at the next start, and found to be kept elsewhere.
        let _ = segments.change(current.number, |segment| segment.finished = true);
    }
}
