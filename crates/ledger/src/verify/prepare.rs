//! Reads ahead a few bundles, and hashes and parses their entries on all cores.
//!
//! Must not judge entries: it gives each one's leaf hash and the result of parsing, in order, and the walk decides.
//! Memory is bounded by [`WINDOW_BYTES`] and one more bundle.

use std::thread;

use super::error::VerifyError;
use super::source::{Bundle, LogSource};
use crate::entry::{Entry, EntryError};
use crate::hash::{Hash, leaf_hash};
use crate::tile::EntryBundle;

/// Bundles are read ahead until they have this many bytes together.
const WINDOW_BYTES: usize = 4 << 20;

/// Cores that are used at most.
const MAX_THREADS: usize = 16;

/// A bundle whose entries have been hashed and parsed, in order.
pub(super) struct Prepared {
    pub(super) bundle: EntryBundle,
    pub(super) entries: Vec<(Hash, Result<Entry, EntryError>)>,
}

/// The next bundles, and the error that ended the reading, which counts after all of them.
pub(super) fn next_window(
    source: &dyn LogSource,
    bundles: &mut impl Iterator<Item = EntryBundle>,
) -> (Vec<Prepared>, Option<VerifyError>) {
    let mut read = Vec::new();
    let mut bytes = 0;
    let mut failure = None;
    while bytes < WINDOW_BYTES {
        let Some(bundle) = bundles.next() else { break };
        match Bundle::read(source, bundle) {
            Ok(contents) => {
                bytes += contents.len();
                read.push((bundle, contents));
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let (prepared, malformed) = prepare_all(&read);
    (prepared, malformed.or(failure))
}

/// Prepares bundles up to the first malformed one.
fn prepare_all(read: &[(EntryBundle, Bundle)]) -> (Vec<Prepared>, Option<VerifyError>) {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MAX_THREADS);
    let share = read.len().div_ceil(threads).max(1);
    let results: Vec<Result<Prepared, VerifyError>> = thread::scope(|scope| {
        let prepare_share = |part: &[(EntryBundle, Bundle)]| part.iter().map(prepare).collect::<Vec<_>>();
        let running: Vec<_> =
            read.chunks(share).map(|part| scope.spawn(move || prepare_share(part))).collect();
        let joined = running.into_iter().map(thread::ScopedJoinHandle::join);
        joined.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut prepared = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(bundle) => prepared.push(bundle),
            Err(error) => return (prepared, Some(error)),
        }
    }
    (prepared, None)
}

fn prepare((bundle, contents): &(EntryBundle, Bundle)) -> Result<Prepared, VerifyError> {
    let entries = contents.entries()?;
    let entries = entries.into_iter().map(|bytes| (leaf_hash(bytes), Entry::from_bytes(bytes))).collect();
    Ok(Prepared { bundle: *bundle, entries })
}
