//! Threads with a stack that is large enough for the compiler, which recurses over terms that grow with the number of
//! rules.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, ScopedJoinHandle};

const STACK: usize = 256 << 20;
/// Pieces at once, at most: each asks a solver, which may take 2 GiB (`Limits`).
const MOST: usize = 4;

/// Works on a thread of its own, and turns a panic of the compiler into a cause.
pub(super) fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = Builder::new().name("prove".to_owned()).stack_size(STACK).spawn_scoped(scope, work);
        joined(thread.map_err(|error| no_thread(&error))?)
    })
}

/// Does the same with each item, on as many threads as there are processors, at most [`MOST`]; the results are in the
/// order of the items. For work of which no piece needs another one's result.
///
/// # Errors
/// A thread that cannot be had, or a piece that broke off: never fewer results than items.
pub(super) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Result<Vec<R>, String> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST).min(items.len());
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|_| Builder::new().name("prove".to_owned()).stack_size(STACK).spawn_scoped(scope, take))
            .collect();
        let mut done = Vec::with_capacity(items.len());
        for thread in threads {
            done.extend(joined(thread.map_err(|error| no_thread(&error))?)?);
        }
        Ok::<_, String>(done)
    })?;
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

fn joined<T>(thread: ScopedJoinHandle<T>) -> Result<T, String> {
    thread.join().map_err(|_| "the symbolic compiler broke off; please report the policies".to_owned())
}

fn no_thread(error: &std::io::Error) -> String {
    format!("no thread for proofs: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_stands_where_its_item_stood() {
        let items: Vec<u64> = (0..1_000).collect();
        let doubled: Vec<u64> = items.iter().map(|n| n * 2).collect();
        assert_eq!(each(&items, |n| n * 2), Ok(doubled));
        assert_eq!(each(&[], |n: &u64| *n), Ok(vec![]));
    }

    #[test]
    fn a_piece_that_breaks_off_is_an_error_and_not_a_result_less() {
        let broken = each(&[1, 2, 3], |n| {
            assert_ne!(*n, 2);
            *n
        });
        assert!(broken.unwrap_err().contains("broke off"));
        assert!(aside(|| panic!("as the compiler may")).is_err_and(|why: String| why.contains("broke off")));
    }
}
