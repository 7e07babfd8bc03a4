//! Reads ahead a few bundles, and hashes and parses their entries on all cores.
//!
//! Must not judge entries: it gives each one's leaf hash and the result of parsing, in order, and the walk decides.
//! Memory is bounded by two windows of [`WINDOW_BYTES`] and one more bundle each.

use std::thread;

use super::error::VerifyError;
use super::source::{Bundle, LogSource};
use crate::entry::{Entry, EntryError};
use crate::hash::{Hash, leaf_hash};
use crate::tile::EntryBundle;

/// Bundles are read ahead until they have this many bytes together.
const WINDOW_BYTES: usize = 1 << 20;

/// Cores that are used at most.
const MAX_THREADS: usize = 16;

/// A bundle whose entries have been hashed and parsed, in order.
pub(crate) struct Prepared {
    pub(crate) bundle: EntryBundle,
    pub(crate) entries: Vec<(Hash, Result<Entry, EntryError>)>,
}

/// Gives every bundle, prepared, to `take` in order. The first failure in that order ends it.
///
/// While one window is being taken, the next one is hashed and parsed.
pub(crate) fn in_windows(
    source: &dyn LogSource,
    mut bundles: impl Iterator<Item = EntryBundle>,
    mut take: impl FnMut(Prepared) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let mut window = Vec::new();
    loop {
        let (read, failure) = read_window(source, &mut bundles);
        let is_last = read.is_empty() || failure.is_some();
        let next = prepare_all(&read, || std::mem::take(&mut window).into_iter().try_for_each(|b| take(b?)))?;
        if is_last {
            next.into_iter().try_for_each(|bundle| take(bundle?))?;
            return failure.map_or(Ok(()), Err);
        }
        window = next;
    }
}

/// The next bundles, and the error that ended the reading, which counts after all of them.
fn read_window(
    source: &dyn LogSource,
    bundles: &mut impl Iterator<Item = EntryBundle>,
) -> (Vec<(EntryBundle, Bundle)>, Option<VerifyError>) {
    let mut read = Vec::new();
    let mut bytes = 0;
    while bytes < WINDOW_BYTES {
        let Some(bundle) = bundles.next() else { break };
        match Bundle::read(source, bundle) {
            Ok(contents) => {
                bytes += contents.len();
                read.push((bundle, contents));
            }
            Err(error) => return (read, Some(error)),
        }
    }
    (read, None)
}

/// Prepares bundles on all cores while `meanwhile` runs here; its failure counts first.
fn prepare_all(
    read: &[(EntryBundle, Bundle)],
    meanwhile: impl FnOnce() -> Result<(), VerifyError>,
) -> Result<Vec<Result<Prepared, VerifyError>>, VerifyError> {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MAX_THREADS);
    let share = read.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let prepare_share = |part: &[(EntryBundle, Bundle)]| part.iter().map(prepare).collect::<Vec<_>>();
        let running: Vec<_> =
            read.chunks(share).map(|part| scope.spawn(move || prepare_share(part))).collect();
        meanwhile()?;
        let joined = running.into_iter().map(thread::ScopedJoinHandle::join);
        Ok(joined.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect())
    })
}

fn prepare((bundle, contents): &(EntryBundle, Bundle)) -> Result<Prepared, VerifyError> {
    let entries = contents.entries()?;
    let entries = entries.into_iter().map(|bytes| (leaf_hash(bytes), Entry::from_bytes(bytes))).collect();
    Ok(Prepared { bundle: *bundle, entries })
}
