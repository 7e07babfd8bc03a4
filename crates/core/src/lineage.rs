//! The dataset lineage graph: who was made from what. Cycles are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// A cycle in what should be a directed acyclic graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lineage would contain a cycle through {0}")]
pub struct CycleError(pub String);

/// Everything that `start` was made from, directly or not, without `start` itself.
///
/// `parents` maps a node to its direct sources. A node met twice is followed once. `CycleError` names the node when
/// `start` is among its own sources.
pub fn ancestors<Id: Copy + Ord + Debug + ToString>(
    start: Id,
    parents: &BTreeMap<Id, Vec<Id>>,
) -> Result<BTreeSet<Id>, CycleError> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<Id> = parents.get(&start).cloned().unwrap_or_default();
    while let Some(node) = open.pop() {
        if node == start {
            return Err(CycleError(start.to_string()));
        }
        if seen.insert(node) {
            open.extend(parents.get(&node).into_iter().flatten().copied());
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diamond_is_followed_once_and_a_cycle_is_refused() {
        let mut graph = BTreeMap::from([(4, vec![2, 3]), (2, vec![1]), (3, vec![1])]);
        assert_eq!(ancestors(4, &graph).unwrap(), BTreeSet::from([1, 2, 3]));
        graph.insert(1, vec![4]);
        assert_eq!(ancestors(4, &graph), Err(CycleError("4".into())));
    }
}
