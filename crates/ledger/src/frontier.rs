//! The right edge of the tree: all that is needed to append a leaf and to know the root.
//!
//! Must not read or write storage; a store keeps [`Frontier::encode`] beside the size.
//! INVARIANT (frontier-shape): there is one root for each set bit of the size, largest subtree first.

use std::str::FromStr as _;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// The largest tree this crate handles: sizes are kept as signed 64-bit integers by databases.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// Why stored text is not the right edge of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// The number of hashes does not fit the size.
    #[error(
        "a tree of {size} leaves has {expected} edge hashes of 64 hexadecimal digits, got {got} characters"
    )]
    Shape {
        /// Leaves of the tree.
        size: u64,
        /// Hashes that a tree of that size has on its edge.
        expected: u32,
        /// Characters found.
        got: usize,
    },
    /// One of the hashes is not hexadecimal.
    #[error("edge hash {position} is not hexadecimal")]
    Hex {
        /// Position from the largest subtree, from 0.
        position: usize,
    },
    /// The size is above [`MAX_TREE_SIZE`].
    #[error("tree size {0} is above 2^63-1")]
    TooLarge(u64),
}

/// The roots of the complete subtrees of a tree, largest first, with its size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf hash.
    pub fn append(&mut self, leaf: Hash) {
        self.append_noting(leaf, |_, _, _| {});
    }

    /// Appends one leaf hash and reports each tile root it completes, lowest first.
    ///
    /// `note` gets the tile level (1 and up), the index within that level, and the hash that stands there:
    /// level 1 is the root of 256 leaves, level 2 of 65,536. Hashes of level 0 are the leaves themselves and are
    /// not reported.
    pub fn append_noting(&mut self, leaf: Hash, mut note: impl FnMut(u8, u64, Hash)) {
        let mut node = leaf;
        let mut rest = self.size;
        let mut height: u8 = 0;
        while rest & 1 == 1 {
            // INVARIANT (frontier-shape): each set bit of the size owns a root; the lowest bit's is last.
            let left = self.roots.pop().expect("one root per set bit of the size");
            node = node_hash(&left, &node);
            rest >>= 1;
            height += 1;
            if height.is_multiple_of(8) {
                note(height / 8, rest, node);
            }
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// The root hash of the tree (RFC 6962 section 2.1); [`EMPTY_ROOT`] when there are no leaves.
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.roots.iter().rev();
        let Some(first) = smallest_first.next() else { return EMPTY_ROOT };
        smallest_first.fold(*first, |right, left| node_hash(left, &right))
    }

    /// The hashes as hexadecimal digits one after the other, largest subtree first.
    pub fn encode(&self) -> String {
        self.roots.iter().map(Hash::to_string).collect()
    }

    /// Reads what [`Frontier::encode`] wrote for a tree of `size` leaves.
    pub fn decode(size: u64, text: &str) -> Result<Self, FrontierError> {
        if size > MAX_TREE_SIZE {
            return Err(FrontierError::TooLarge(size));
        }
        let expected = size.count_ones();
        // INVARIANT (frontier-shape)
        if text.len() != expected as usize * 2 * Hash::LEN {
            return Err(FrontierError::Shape { size, expected, got: text.len() });
        }
        let mut roots = Vec::with_capacity(expected as usize);
        for (position, digits) in text.as_bytes().chunks(2 * Hash::LEN).enumerate() {
            let refused = FrontierError::Hex { position };
            let digits = std::str::from_utf8(digits).map_err(|_| refused.clone())?;
            roots.push(Hash::from_str(digits).map_err(|_| refused)?);
        }
        Ok(Self { size, roots })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn frontier_shape() {
        // INVARIANT (frontier-shape)
        let mut frontier = Frontier::new();
        let mut noted = Vec::new();
        for i in 0..70_000_u64 {
            frontier.append_noting(leaf_hash(&i.to_be_bytes()), |level, index, _| noted.push((level, index)));
        }
        assert_eq!(noted.iter().filter(|(level, _)| *level == 1).count(), 273);
        assert_eq!(noted.iter().filter(|(level, _)| *level == 2).count(), 1);
        let again = Frontier::decode(70_000, &frontier.encode()).unwrap();
        assert_eq!(again, frontier);
        assert!(matches!(Frontier::decode(70_001, &frontier.encode()), Err(FrontierError::Shape { .. })));
        let broken = frontier.encode().replacen(|c: char| c.is_ascii_digit(), "g", 1);
        assert_eq!(Frontier::decode(70_000, &broken), Err(FrontierError::Hex { position: 0 }));
        assert!(Frontier::decode(u64::MAX, "").is_err());
        assert_eq!(Frontier::new().root(), EMPTY_ROOT);
    }
}
