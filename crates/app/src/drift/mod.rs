//! Drift without a server: two data sets (or profiles of them) in, a report out. Opens no store.
//!
//! Columns are read and judged one group after the other, so that memory is bounded by a group and not by the data.

mod assemble;
mod columns;
mod compare;
mod derived;
mod error;
mod gathered;
mod outcomes;
pub(crate) mod part;
mod profile;
mod side;
mod times;

pub use compare::{Request, compare};
pub use comptroller_lake::roles::Stated;
pub use comptroller_report::{html, junit, markdown};
pub use comptroller_stats::coefficient::{Band, Bands};
pub use comptroller_stats::drift as report;
pub use comptroller_stats::drift::{Report, Settings};
pub use comptroller_stats::grid::Kind;
pub use comptroller_stats::profile::{Profile, Role};
pub use error::DriftError;
pub(crate) use profile::of_blocks as profile_of_blocks;
pub use profile::{ProfileRequest, merge, profile, read_profile};

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Values of a column that are held at once on each side, at most. Beyond, the column is counted while it streams by,
/// and what needs single values is taken from an even sample of at most this size.
const MAX_VALUES: usize = 4 << 20;
/// Cells that are held at once on each side when a format cannot be read column by column.
const MAX_CELLS: usize = 16 << 20;
/// Columns of one group, at most.
const GROUP: usize = 4096;
/// Rows of the sample by which columns are compared with each other, at most, and at least.
const SAMPLE: std::ops::RangeInclusive<usize> = 256..=8192;
/// Cells of all those samples together.
const SAMPLE_CELLS: usize = 4 << 20;

/// How columns are read.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Columns of a group.
    group: usize,
    /// Values of a column that are held at once.
    capacity: usize,
    /// Rows of a column's sample.
    sample: usize,
    /// Groups that are worked on at a time; the columns of a group share what is left of the cores.
    groups_at_once: usize,
}

impl Plan {
    /// For a table of so many columns and, if it is known, rows.
    fn of(columns: usize, rows: Option<u64>, is_columnar: bool) -> Self {
        let cores = cores();
        let columns = columns.max(1);
        let sample = (SAMPLE_CELLS / columns).clamp(*SAMPLE.start(), *SAMPLE.end());
        if is_columnar {
            let rows = rows.map_or(MAX_VALUES, |rows| usize::try_from(rows).unwrap_or(MAX_VALUES)).max(1);
            // Small columns share a group, so that files are not opened for each; every core still gets some.
            let group = (MAX_VALUES / 4 / rows).clamp(1, GROUP).min(columns.div_ceil(cores * 4));
            return Self { group, capacity: MAX_VALUES, sample, groups_at_once: cores };
        }
        let group = columns.min(GROUP);
        Self { group, capacity: (MAX_CELLS / group).min(MAX_VALUES), sample, groups_at_once: 1 }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Applies a function to every item on several threads; results stand in the order of the items.
fn parallel<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if threads <= 1 || items.len() <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let Some((at, item)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    items.get(at).map(|item| (at, item))
                } {
                    let result = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
