//! The pass over all entries: recomputes every tile and the root, and hands each entry to the event checks.
//!
//! Must keep memory bounded: a window of bundles and one tile per level at a time.
//! INVARIANT (recompute-everything): every hash of every tile is recomputed from the entries; nothing in a tile is
//! believed.

use std::collections::BTreeMap;

use super::blame;
use super::error::{FailureClass, VerifyError};
use super::events::Events;
use super::prepare::{Prepared, in_windows};
use super::source::{LogSource, read_tile};
use crate::checkpoint::Checkpoint;
use crate::entry::{Entry, EntryError};
use crate::frontier::Frontier;
use crate::hash::Hash;
use crate::tile::{EntryBundle, Tile, bundles_of};

/// Heads that the tree must have passed through: size, then where each was found and its root.
pub(super) type ExpectedHeads = BTreeMap<u64, Vec<(String, Hash)>>;

struct Walk<'a> {
    source: &'a dyn LogSource,
    head: &'a Checkpoint,
    frontier: Frontier,
    /// The tile of each level, from 1, that is being compared.
    current: Vec<Option<(Tile, Vec<Hash>)>>,
}

/// Reads the log from entry 0 to the head; `events` sees each entry after its hash was checked.
pub(super) fn walk(
    source: &dyn LogSource,
    head: &Checkpoint,
    heads: &ExpectedHeads,
    events: &mut Events,
) -> Result<(), VerifyError> {
    let mut walk = Walk { source, head, frontier: Frontier::new(), current: Vec::new() };
    walk.compare_heads(heads)?;
    in_windows(source, bundles_of(head.size), |Prepared { bundle, entries }| {
        walk.compare_level_0(bundle, &entries, heads)?;
        (bundle.index * 256..).zip(entries).try_for_each(|(index, (_, entry))| events.take(index, entry))
    })?;
    let computed = walk.frontier.root();
    if computed == head.root {
        return Ok(());
    }
    let problem = format!(
        "signs root {} at size {}, but entries and tiles agree on {computed}: this head belongs to another history",
        head.root, head.size
    );
    Err(VerifyError::new(FailureClass::Fork, "checkpoint", problem))
}

impl Walk<'_> {
    fn compare_level_0(
        &mut self,
        bundle: EntryBundle,
        entries: &[(Hash, Result<Entry, EntryError>)],
        heads: &ExpectedHeads,
    ) -> Result<(), VerifyError> {
        let tile = Tile { level: 0, index: bundle.index, width: bundle.width };
        let stated = read_tile(self.source, tile)?;
        let mut completed = Vec::new();
        // Both have the width of the bundle: the readers checked it.
        for ((computed, _), stated) in entries.iter().zip(&stated) {
            // INVARIANT (recompute-everything)
            if computed != stated {
                blame::authenticate(self.source, tile, self.head.size, &self.head.root)?;
                let problem = format_args!("in {bundle} is not the one that was logged").to_string();
                return Err(VerifyError::entry(FailureClass::Entry, self.frontier.size(), problem));
            }
            self.frontier.append_noting(*computed, |level, index, hash| completed.push((level, index, hash)));
            self.compare_heads(heads)?;
        }
        completed.into_iter().try_for_each(|(level, index, hash)| self.compare_above(level, index, hash))
    }

    /// Compares a hash of level 1 or above with the tile that holds it.
    fn compare_above(&mut self, level: u8, index: u64, computed: Hash) -> Result<(), VerifyError> {
        let slot = usize::from(level) - 1;
        if self.current.len() <= slot {
            self.current.resize(slot + 1, None);
        }
        let cached = self.current[slot].take().filter(|(tile, _)| tile.index == index / 256);
        let (tile, hashes) = if let Some(cached) = cached {
            cached
        } else {
            // The hash is complete within the head's size, so the tree has this tile.
            let tile = Tile::in_tree(level, index / 256, self.head.size)
                .expect("a completed hash lies in a tile of the tree");
            (tile, read_tile(self.source, tile)?)
        };
        // INVARIANT (recompute-everything)
        if hashes[(index % 256) as usize] != computed {
            blame::authenticate(self.source, tile, self.head.size, &self.head.root)?;
            let below = Tile { level: level - 1, index, width: 256 };
            let problem =
                format_args!("it and the entries below it are not what {tile} commits to").to_string();
            return Err(VerifyError::new(FailureClass::Tile, below, problem));
        }
        self.current[slot] = Some((tile, hashes));
        Ok(())
    }

    fn compare_heads(&self, heads: &ExpectedHeads) -> Result<(), VerifyError> {
        let Some(expected) = heads.get(&self.frontier.size()) else { return Ok(()) };
        let computed = self.frontier.root();
        for (place, root) in expected {
            if *root != computed {
                let size = self.frontier.size();
                let problem = format_args!(
                    "has root {root} at size {size}, this log has {computed}: two histories were signed or shown"
                )
                .to_string();
                return Err(VerifyError::new(FailureClass::Fork, place, problem));
            }
        }
        Ok(())
    }
}
