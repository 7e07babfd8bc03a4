//! Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2), planned over tiles.
//!
//! Building has two phases, so that a caller with slow storage reads first: a plan names the tiles, then `build`
//! takes their hashes. Must not read storage itself.
//! INVARIANT (proof-shape): a verifier consumes exactly the hashes that index and size ask for; one more or one
//! fewer is refused.

use std::collections::{BTreeMap, BTreeSet};

use crate::frontier::MAX_TREE_SIZE;
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::tile::Tile;

/// Why a proof cannot be built or is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf is not in the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutside {
        /// Index asked for.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer.
    #[error("a tree of {old} leaves cannot come before one of {new}")]
    SizesReversed {
        /// Leaves of the older tree.
        old: u64,
        /// Leaves of the newer tree.
        new: u64,
    },
    /// The size is above [`MAX_TREE_SIZE`].
    #[error("tree size {0} is above 2^63-1")]
    TooLarge(u64),
    /// A tile of the plan was not given.
    #[error("tile {0} is missing")]
    TileMissing(Tile),
    /// A tile of the plan has the wrong number of hashes.
    #[error("tile {tile} has {got} hashes")]
    TileWidth {
        /// The tile, with its true width.
        tile: Tile,
        /// Hashes given.
        got: usize,
    },
    /// The proof has too many or too few hashes.
    #[error("the proof has {got} hashes, which does not fit these tree sizes")]
    Length {
        /// Hashes given.
        got: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to root {computed}, expected {expected}")]
    RootMismatch {
        /// Root that the proof leads to.
        computed: Hash,
        /// Root that was to be reached.
        expected: Hash,
    },
}

/// The root of `2^height` leaves from leaf `index << height`: always a complete subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    height: u8,
    index: u64,
}

/// Each hash of a proof as the complete subtrees it is folded from, left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    size: u64,
    hashes: Vec<Vec<Node>>,
}

/// The tiles needed to prove that a leaf is in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionPlan(Plan);

/// The tiles needed to prove that one tree is a prefix of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyPlan(Plan);

impl InclusionPlan {
    /// Plans the proof that leaf `index` (from 0) is in the tree of the first `size` leaves.
    pub fn new(index: u64, size: u64) -> Result<Self, ProofError> {
        check_size(size)?;
        if index >= size {
            return Err(ProofError::IndexOutside { index, size });
        }
        let (mut start, mut end) = (0, size);
        let mut hashes = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                hashes.push(complete_subtrees(middle, end));
                end = middle;
            } else {
                hashes.push(complete_subtrees(start, middle));
                start = middle;
            }
        }
        hashes.reverse();
        Ok(Self(Plan { size, hashes }))
    }

    /// The tiles to read, without repeats, with the width they have in this tree.
    pub fn tiles(&self) -> Vec<Tile> {
        self.0.tiles()
    }

    /// Builds the proof, leaf's sibling first. `tile_hashes` gives the hashes of each tile of the plan.
    pub fn build(&self, tile_hashes: &impl Fn(Tile) -> Option<Vec<Hash>>) -> Result<Vec<Hash>, ProofError> {
        self.0.build(tile_hashes)
    }
}

impl ConsistencyPlan {
    /// Plans the proof that the tree of `old` leaves is a prefix of the tree of `new` leaves.
    ///
    /// Nothing needs proving when `old` is 0 or equals `new`: the proof is empty.
    pub fn new(old: u64, new: u64) -> Result<Self, ProofError> {
        check_size(new)?;
        if old > new {
            return Err(ProofError::SizesReversed { old, new });
        }
        let mut hashes = Vec::new();
        if old == 0 {
            return Ok(Self(Plan { size: new, hashes }));
        }
        let (mut start, mut end) = (0, new);
        while old < end {
            let middle = start + split(end - start);
            if old <= middle {
                hashes.push(complete_subtrees(middle, end));
                end = middle;
            } else {
                hashes.push(complete_subtrees(start, middle));
                start = middle;
            }
        }
        if start > 0 {
            hashes.push(complete_subtrees(start, end)); // else the verifier knows it: the old root itself
        }
        hashes.reverse();
        Ok(Self(Plan { size: new, hashes }))
    }

    /// The tiles to read, without repeats, with the width they have in the newer tree.
    pub fn tiles(&self) -> Vec<Tile> {
        self.0.tiles()
    }

    /// Builds the proof. `tile_hashes` gives the hashes of each tile of the plan.
    pub fn build(&self, tile_hashes: &impl Fn(Tile) -> Option<Vec<Hash>>) -> Result<Vec<Hash>, ProofError> {
        self.0.build(tile_hashes)
    }
}

impl Plan {
    fn tiles(&self) -> Vec<Tile> {
        let tiles: BTreeSet<Tile> = self.hashes.iter().flatten().map(|node| node.tile(self.size)).collect();
        tiles.into_iter().collect()
    }

    fn build(&self, tile_hashes: &impl Fn(Tile) -> Option<Vec<Hash>>) -> Result<Vec<Hash>, ProofError> {
        let mut known = BTreeMap::new();
        for tile in self.tiles() {
            let hashes = tile_hashes(tile).ok_or(ProofError::TileMissing(tile))?;
            if hashes.len() != usize::from(tile.width) {
                return Err(ProofError::TileWidth { tile, got: hashes.len() });
            }
            known.insert(tile, hashes);
        }
        let mut proof = Vec::with_capacity(self.hashes.len());
        for nodes in &self.hashes {
            let mut right: Option<Hash> = None;
            for node in nodes.iter().rev() {
                let tile = node.tile(self.size);
                let hash = node.hash(known.get(&tile).ok_or(ProofError::TileMissing(tile))?);
                right = Some(right.map_or(hash, |right| node_hash(&hash, &right)));
            }
            proof.extend(right);
        }
        Ok(proof)
    }
}

impl Node {
    /// The tile of a tree of `size` leaves that holds the hashes under this node.
    fn tile(&self, size: u64) -> Tile {
        let level = self.height / 8;
        let first = self.index << (self.height % 8);
        // The subtree is complete, so the tree reaches past its end and the tile exists.
        Tile::in_tree(level, first >> 8, size)
            .expect("a complete subtree of the tree lies in one of its tiles")
    }

    /// The node's hash from the hashes of its tile.
    fn hash(&self, tile: &[Hash]) -> Hash {
        let within = self.height % 8;
        let first = ((self.index << within) & 0xff) as usize;
        subtree_root(&tile[first..first + (1 << within)])
    }
}

/// The root over a power of two of hashes.
pub(crate) fn subtree_root(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| pair.get(1).map_or(pair[0], |right| node_hash(&pair[0], right)))
            .collect();
    }
    row.first().copied().unwrap_or(EMPTY_ROOT)
}

/// The largest power of two below `leaves`, which is at least 2 (RFC 6962's `k`).
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The complete subtrees that leaves `start..end` consist of, left to right, largest first.
///
/// `start` is a multiple of the largest of them: all ranges above come from splitting at powers of two.
fn complete_subtrees(start: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut start = start;
    while start < end {
        let height = (end - start).ilog2();
        nodes.push(Node { height: height as u8, index: start >> height });
        start += 1 << height;
    }
    nodes
}

fn check_size(size: u64) -> Result<(), ProofError> {
    if size > MAX_TREE_SIZE { Err(ProofError::TooLarge(size)) } else { Ok(()) }
}

/// The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2).
pub fn root_from_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Result<Hash, ProofError> {
    check_size(size)?;
    if index >= size {
        return Err(ProofError::IndexOutside { index, size });
    }
    let wrong_length = ProofError::Length { got: proof.len() };
    let (mut node, mut last) = (index, size - 1);
    let mut computed = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(wrong_length); // INVARIANT (proof-shape): one hash too many
        }
        if node & 1 == 1 || node == last {
            computed = node_hash(sibling, &computed);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            computed = node_hash(&computed, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    // INVARIANT (proof-shape): the path must end at the root.
    if last == 0 { Ok(computed) } else { Err(wrong_length) }
}

/// Checks that `leaf` stands at `index` in the tree of `size` leaves with root `root`.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    expect_root(root_from_inclusion(leaf, index, size, proof)?, root)
}

/// Checks that the old tree is a prefix of the new one (RFC 9162 section 2.1.4.2).
///
/// An old tree of 0 leaves is a prefix of every tree: the proof is empty and `old_root` is [`EMPTY_ROOT`].
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    check_size(new_size)?;
    if old_size > new_size {
        return Err(ProofError::SizesReversed { old: old_size, new: new_size });
    }
    let wrong_length = ProofError::Length { got: proof.len() };
    if old_size == 0 || old_size == new_size {
        if !proof.is_empty() {
            return Err(wrong_length);
        }
        let expected = if old_size == 0 { &EMPTY_ROOT } else { new_root };
        return expect_root(*old_root, expected);
    }
    // A complete old tree is itself the first node; the proof does not repeat it.
    let (first, path) = if old_size.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (first, path) = proof.split_first().ok_or_else(|| wrong_length.clone())?;
        (*first, path)
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (first, first);
    for sibling in path {
        if last == 0 {
            return Err(wrong_length); // INVARIANT (proof-shape)
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(wrong_length); // INVARIANT (proof-shape)
    }
    expect_root(old, old_root)?;
    expect_root(new, new_root)
}

fn expect_root(computed: Hash, expected: &Hash) -> Result<(), ProofError> {
    if computed == *expected {
        Ok(())
    } else {
        Err(ProofError::RootMismatch { computed, expected: *expected })
    }
}
