//! When entries and tiles disagree: finds out which of them the signed root contradicts.
//!
//! Runs only after a mismatch, so it may read a few tiles again. Must not be used to accept anything.

use super::error::{FailureClass, VerifyError};
use super::source::{LogSource, read_tile};
use crate::hash::{Hash, node_hash};
use crate::proof::subtree_root;
use crate::tile::{MAX_LEVEL, Tile};

/// Checks `tile` against the root by the tiles above it.
///
/// `Ok` means that the root commits to the tile's hashes, so whatever disagrees with them is wrong. An error names
/// the topmost tile that is not what the root commits to.
pub(super) fn authenticate(
    source: &dyn LogSource,
    tile: Tile,
    size: u64,
    root: &Hash,
) -> Result<(), VerifyError> {
    if edge_root(source, size)? != *root {
        let problem =
            "its hashes contradict the entries, and the right edge does not lead to the signed root";
        return Err(VerifyError::new(FailureClass::Tile, tile, problem));
    }
    // The partial tiles are the right edge, so the climb ends at one that is now known to be true.
    let mut climb = vec![tile];
    while let Some(below) = climb.last().filter(|t| t.is_full()) {
        let Some(above) = Tile::in_tree(below.level + 1, below.index / 256, size) else { break };
        climb.push(above);
    }
    while let (Some(above), Some(below)) = (climb.pop(), climb.last()) {
        let stated = read_tile(source, above)?[(below.index % 256) as usize];
        if subtree_root(&read_tile(source, *below)?) != stated {
            let problem = format_args!("its hashes do not lead to the hash in {above}").to_string();
            return Err(VerifyError::new(FailureClass::Tile, below, problem));
        }
    }
    Ok(())
}

/// The root as the partial tile of each level has it.
fn edge_root(source: &dyn LogSource, size: u64) -> Result<Hash, VerifyError> {
    let mut right: Option<Hash> = None;
    for level in 0..=MAX_LEVEL {
        let hashes = size >> (8 * u32::from(level));
        let Some(tile) = Tile::in_tree(level, hashes / 256, size) else { continue };
        let edge = read_tile(source, tile)?;
        // Complete subtrees within the tile, smallest and rightmost first.
        let mut end = edge.len();
        while end > 0 {
            let start = end - (1 << end.trailing_zeros());
            let node = subtree_root(&edge[start..end]);
            right = Some(right.map_or(node, |right| node_hash(&node, &right)));
            end = start;
        }
    }
    Ok(right.unwrap_or(crate::hash::EMPTY_ROOT))
}
