//! Which blocks a system has, and what their filters of ids say, in memory: a record is found without asking for either.
//!
//! Nothing here is the truth: what was purged is still known for a while, and what another server sealed is not known
//! yet. Whoever asks brings the list up to date first, and looks at the block itself afterwards.

use comptroller_core::ids::{BlockId, SystemId};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::filter::{IdFilter, IdHash};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module.
#[derive(Debug)]
pub(super) struct Catalogue {
    state: Mutex<State>,
    /// Bytes of filters, at most.
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    blocks: HashMap<(SystemId, RecordKind), Blocks>,
    /// By the id of the block, the oldest first.
    filters: BTreeMap<BlockId, Arc<IdFilter>>,
    bytes: usize,
}

#[derive(Debug)]
struct Blocks {
    /// The last one that is known, by index.
    through: i64,
    ids: Vec<BlockId>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { through: -1, ids: Vec::new() }
    }
}

/// A block that may hold the record of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) block: BlockId,
    /// Whether its filter says so; else the filter is not in memory.
    pub(super) is_hit: bool,
}

impl Catalogue {
    pub(super) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), limit }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last block of a system that is known, by index; -1 before the first.
    pub(super) fn through(&self, system: SystemId, records: RecordKind) -> i64 {
        self.state().blocks.get(&(system, records)).map_or(-1, |blocks| blocks.through)
    }

    /// Adds the blocks behind those that are known, in the order of their indexes.
    pub(super) fn extend(&self, system: SystemId, records: RecordKind, later: &[(i64, BlockId)]) {
        let mut state = self.state();
        let blocks = state.blocks.entry((system, records)).or_default();
        for (idx, id) in later {
            // Somebody else may have asked at the same time.
            if *idx > blocks.through {
                blocks.through = *idx;
                blocks.ids.push(*id);
            }
        }
    }

    /// The block is gone.
    pub(super) fn forget(&self, system: SystemId, records: RecordKind, block: BlockId) {
        let mut state = self.state();
        if let Some(blocks) = state.blocks.get_mut(&(system, records)) {
            blocks.ids.retain(|id| *id != block);
        }
        state.drop_filter(block);
    }

    /// Blocks of a system that may hold an id, the newest first.
    pub(super) fn candidates(&self, system: SystemId, records: RecordKind, id: IdHash) -> Vec<Candidate> {
        let state = self.state();
        let Some(blocks) = state.blocks.get(&(system, records)) else { return Vec::new() };
        let mut found = Vec::new();
        for block in blocks.ids.iter().rev() {
            let is_hit = state.filters.get(block).map(|filter| filter.may_hold(id));
            if is_hit != Some(false) {
                found.push(Candidate { block: *block, is_hit: is_hit.is_some() });
            }
        }
        found
    }

    /// The filter of a block, if it is in memory.
    pub(super) fn filter(&self, block: BlockId) -> Option<Arc<IdFilter>> {
        self.state().filters.get(&block).map(Arc::clone)
    }

    /// Keeps a filter; the oldest ones go when there are too many. Answers whether it stays.
    pub(super) fn keep(&self, block: BlockId, filter: Arc<IdFilter>) -> bool {
        let mut state = self.state();
        state.drop_filter(block);
        state.bytes += filter.size();
        state.filters.insert(block, filter);
        while state.bytes > self.limit
            && let Some(oldest) = state.filters.keys().next().copied()
        {
            state.drop_filter(oldest);
        }
        state.filters.contains_key(&block)
    }
}

impl State {
    fn drop_filter(&mut self, block: BlockId) {
        if let Some(filter) = self.filters.remove(&block) {
            self.bytes -= filter.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_core::Timestamp;

    fn block(n: u8) -> BlockId {
        BlockId::new(Timestamp::from_micros(1_700_000_000_000_000 + i64::from(n) * 1_000), [n; 10])
    }

    #[test]
    fn filters_are_bounded_and_the_oldest_go_first() {
        let system = SystemId::new(Timestamp::from_micros(0), [1; 10]);
        let catalogue = Catalogue::new(300);
        let records = RecordKind::Prediction;
        assert_eq!(catalogue.through(system, records), -1);
        catalogue.extend(system, records, &[(4, block(1)), (7, block(2)), (9, block(3))]);
        catalogue.extend(system, records, &[(9, block(3))]);
        assert_eq!(catalogue.through(system, records), 9);
        let filter = |id: &str| Arc::new(IdFilter::of([id].into_iter(), 64));
        for (n, id) in [(1, "a"), (2, "b"), (3, "c")] {
            assert!(catalogue.keep(block(n), filter(id)));
        }
        assert!(catalogue.filter(block(1)).is_none(), "128 bytes each: two have room");
        assert!(!catalogue.keep(block(1), filter("a")), "an older one does not push out newer ones");
        let found = catalogue.candidates(system, records, IdHash::of("b"));
        let unknown = Candidate { block: block(1), is_hit: false };
        assert_eq!(found, [Candidate { block: block(2), is_hit: true }, unknown]);
        catalogue.forget(system, records, block(1));
        assert!(
            catalogue.candidates(system, records, IdHash::of("c")).iter().all(|one| one.block == block(3))
        );
    }
}
