//! Tile and entry-bundle geometry, paths and bytes (C2SP tlog-tiles 0.1, height 8).
//!
//! Must not open files: it maps between numbers, paths and bytes.
//! INVARIANT (one-path): each tile has one path and each accepted path one tile; parsing writes the path again
//! and compares.

use std::fmt;

use crate::frontier::MAX_TREE_SIZE;
use crate::hash::{Hash, excerpt};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Longest entry in bytes: its length stands before it as a 16-bit integer.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Largest entry bundle in bytes.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH as usize * (2 + MAX_ENTRY_BYTES);

/// Levels above this cannot occur in a tree below 2^63 leaves.
pub const MAX_LEVEL: u8 = 7;

/// Why a path or bytes are not a tile or bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The path has not the form of the specification.
    #[error(
        "{0:?} is not a tile path: expected tile/<level>/<index>[.p/<width>] or tile/entries/<index>[.p/<width>]"
    )]
    Path(String),
    /// Level, index or width outside the range of a tree below 2^63 leaves.
    #[error("tile level {level}, index {index}, width {width} is outside any tree below 2^63 leaves")]
    Range {
        /// Level, 0 to 7.
        level: u8,
        /// Index within the level.
        index: u64,
        /// Width, 1 to 256.
        width: u16,
    },
    /// The bytes of a tile are not a whole number of hashes, 1 to 256.
    #[error("a tile is 32 to 8192 bytes in steps of 32, got {0}")]
    Bytes(usize),
    /// A bundle ends inside an entry.
    #[error("the bundle ends inside entry {position}, after {bytes} bytes")]
    BundleCut {
        /// Position of the entry in the bundle, from 0.
        position: usize,
        /// Bytes of the bundle.
        bytes: usize,
    },
    /// A bundle holds no entry or more than 256.
    #[error("a bundle holds 1 to 256 entries, got {0}")]
    BundleCount(usize),
    /// An entry is longer than its 16-bit length can say.
    #[error("entry {position} has {bytes} bytes, the limit is 65535")]
    EntryTooLong {
        /// Position of the entry in the bundle, from 0.
        position: usize,
        /// Bytes of the entry.
        bytes: usize,
    },
}

/// One tile: `width` hashes of tile level `level`, from hash number `index * 256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Level: 0 holds leaf hashes, level 1 the roots of full level-0 tiles, and so on up to 7.
    pub level: u8,
    /// Position within the level, from 0.
    pub index: u64,
    /// Hashes in the tile, 1 to 256; below 256 the tile is partial.
    pub width: u16,
}

/// One entry bundle: `width` entries from entry number `index * 256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryBundle {
    /// Position, from 0.
    pub index: u64,
    /// Entries in the bundle, 1 to 256.
    pub width: u16,
}

impl Tile {
    /// A tile, with its numbers checked against the largest possible tree.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        let refused = TileError::Range { level, index, width };
        if level > MAX_LEVEL || width == 0 || width > TILE_WIDTH {
            return Err(refused);
        }
        let last_hash = index.checked_mul(256).and_then(|first| first.checked_add(u64::from(width)));
        match last_hash {
            Some(end) if end <= MAX_TREE_SIZE >> (8 * u32::from(level)) => Ok(Self { level, index, width }),
            _ => Err(refused),
        }
    }

    /// The tile at `level` and `index` as a tree of `size` leaves has it; `None` if it has none there.
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        if level > MAX_LEVEL {
            return None;
        }
        let hashes = size >> (8 * u32::from(level));
        let first = index.checked_mul(256)?;
        let width = hashes.checked_sub(first)?.min(u64::from(TILE_WIDTH)) as u16;
        (width > 0).then_some(Self { level, index, width })
    }

    /// Whether the tile holds all 256 hashes.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Path below the log's prefix, such as `tile/0/x001/x234/067.p/5`.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, index_path(self.index, self.width))
    }

    /// Reads a path. Anything but the one spelling of [`Tile::path`] is refused.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let refused = || TileError::Path(excerpt(path));
        let (level, rest) = path.strip_prefix("tile/").and_then(|p| p.split_once('/')).ok_or_else(refused)?;
        let level: u8 = level.parse().map_err(|_| refused())?;
        let (index, width) = parse_index(rest).ok_or_else(refused)?;
        let tile = Self::new(level, index, width)?;
        // INVARIANT (one-path): leading zeros, signs and wrong groups all fail here.
        if tile.path() == path { Ok(tile) } else { Err(refused()) }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl EntryBundle {
    /// A bundle, with its numbers checked against the largest possible tree.
    pub fn new(index: u64, width: u16) -> Result<Self, TileError> {
        Tile::new(0, index, width).map(|tile| Self { index: tile.index, width: tile.width })
    }

    /// The bundle at `index` as a tree of `size` leaves has it; `None` if it has none there.
    pub fn in_tree(index: u64, size: u64) -> Option<Self> {
        Tile::in_tree(0, index, size).map(|tile| Self { index: tile.index, width: tile.width })
    }

    /// Whether the bundle holds all 256 entries.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Path below the log's prefix, such as `tile/entries/x001/x234/067`.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", index_path(self.index, self.width))
    }

    /// Reads a path. Anything but the one spelling of [`EntryBundle::path`] is refused.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let refused = || TileError::Path(excerpt(path));
        let rest = path.strip_prefix("tile/entries/").ok_or_else(refused)?;
        let (index, width) = parse_index(rest).ok_or_else(refused)?;
        let bundle = Self::new(index, width)?;
        // INVARIANT (one-path)
        if bundle.path() == path { Ok(bundle) } else { Err(refused()) }
    }
}

impl fmt::Display for EntryBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// `<N>[.p/<W>]` of the specification: groups of three digits, all but the last behind an `x`.
fn index_path(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH { format!("{path}.p/{width}") } else { path }
}

fn parse_index(text: &str) -> Option<(u64, u16)> {
    let (index, width) = match text.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok().filter(|w| *w < TILE_WIDTH)?),
        None => (text, TILE_WIDTH),
    };
    let mut number: u64 = 0;
    for group in index.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        number = number.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some((number, width))
}

/// All non-empty tiles of a tree of `size` leaves, level by level from 0, partial right edge included.
pub fn tiles_of(size: u64) -> impl Iterator<Item = Tile> {
    (0..=MAX_LEVEL).flat_map(move |level| {
        let tiles = (size >> (8 * u32::from(level))).div_ceil(256);
        (0..tiles).filter_map(move |index| Tile::in_tree(level, index, size))
    })
}

/// All non-empty entry bundles of a tree of `size` leaves.
pub fn bundles_of(size: u64) -> impl Iterator<Item = EntryBundle> {
    (0..size.div_ceil(256)).filter_map(move |index| EntryBundle::in_tree(index, size))
}

/// The full tiles that a tree gains by growing from `old_size` to `new_size`, level by level from 0.
///
/// The full entry bundles it gains have the indexes of the level-0 tiles.
pub fn new_full_tiles(old_size: u64, new_size: u64) -> impl Iterator<Item = Tile> {
    (0..MAX_LEVEL).flat_map(move |level| {
        let shift = 8 * (u32::from(level) + 1);
        (old_size >> shift..new_size >> shift).map(move |index| Tile { level, index, width: TILE_WIDTH })
    })
}

/// The bytes of a tile: its hashes one after the other.
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

/// Reads the bytes of a tile: 1 to 256 hashes.
pub fn decode_tile(bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
    let (hashes, rest) = bytes.as_chunks::<{ Hash::LEN }>();
    if hashes.is_empty() || hashes.len() > usize::from(TILE_WIDTH) || !rest.is_empty() {
        return Err(TileError::Bytes(bytes.len()));
    }
    Ok(hashes.iter().map(|hash| Hash::new(*hash)).collect())
}

/// The bytes of an entry bundle: each entry behind its length as a 16-bit big-endian integer.
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, TileError> {
    if entries.is_empty() || entries.len() > usize::from(TILE_WIDTH) {
        return Err(TileError::BundleCount(entries.len()));
    }
    let mut bytes = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let entry = entry.as_ref();
        let length = u16::try_from(entry.len())
            .map_err(|_| TileError::EntryTooLong { position, bytes: entry.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// Reads an entry bundle of 1 to 256 entries; the slices point into `bytes`.
pub fn decode_bundle(bytes: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let position = entries.len();
        if position == usize::from(TILE_WIDTH) {
            return Err(TileError::BundleCount(position + 1));
        }
        let cut = TileError::BundleCut { position, bytes: bytes.len() };
        let Some((length, after)) = rest.split_first_chunk::<2>() else { return Err(cut) };
        let Some((entry, after)) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))) else {
            return Err(cut);
        };
        entries.push(entry);
        rest = after;
    }
    if entries.is_empty() {
        return Err(TileError::BundleCount(0));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path() {
        // INVARIANT (one-path)
        let tile = Tile::new(0, 1_234_067, 256).unwrap();
        assert_eq!(tile.path(), "tile/0/x001/x234/067");
        assert_eq!(Tile::parse("tile/0/x001/x234/067"), Ok(tile));
        assert_eq!(Tile::parse("tile/2/000.p/1"), Ok(Tile { level: 2, index: 0, width: 1 }));
        assert_eq!(
            EntryBundle::parse("tile/entries/x001/000.p/255"),
            Ok(EntryBundle { index: 1000, width: 255 })
        );
        for bad in [
            "tile/0/1",
            "tile/00/000",
            "tile/+0/000",
            "tile/0/x000/067",
            "tile/0/001/067",
            "tile/0/x067",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/8/000",
            "tile/64/000",
            "tile/0/",
            "tile/0",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0/0000",
            "tile/0/../000",
            "tile/7/000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert!(Tile::parse(bad).is_err(), "{bad}");
        }
        for bad in ["tile/entries/", "tile/entries/x000/001", "tile/entries/000.p/0", "tile/0/000"] {
            assert!(EntryBundle::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn geometry_of_70000_leaves() {
        let widths =
            |level| tiles_of(70_000).filter(|t| t.level == level).map(|t| t.width).collect::<Vec<_>>();
        assert_eq!(widths(0).len(), 274);
        assert_eq!(widths(0).last(), Some(&112));
        assert_eq!(widths(1), [256, 17]);
        assert_eq!(widths(2), [1]);
        assert_eq!(tiles_of(70_000).count(), 277);
        assert_eq!(tiles_of(256).map(|t| t.path()).collect::<Vec<_>>(), ["tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(tiles_of(0).count(), 0);
        assert_eq!(bundles_of(70_000).count(), 274);
        assert_eq!(new_full_tiles(0, 70_000).count(), 274);
        let grown: Vec<_> = new_full_tiles(65_535, 65_536).map(|t| t.path()).collect();
        assert_eq!(grown, ["tile/0/255", "tile/1/000"]);
    }

    #[test]
    fn bundles_are_bounded() {
        let bytes = encode_bundle(&["a", "", "ccc"]).unwrap();
        assert_eq!(bytes, b"\0\x01a\0\0\0\x03ccc");
        assert_eq!(decode_bundle(&bytes).unwrap(), [&b"a"[..], b"", b"ccc"]);
        assert_eq!(decode_bundle(&bytes[..7]), Err(TileError::BundleCut { position: 2, bytes: 7 }));
        assert_eq!(decode_bundle(&[0; 2 * 257]), Err(TileError::BundleCount(257)));
        assert!(decode_bundle(b"").is_err());
        assert!(encode_bundle(&[vec![0; 65_536]]).is_err());
        assert!(decode_tile(&[0; 33]).is_err());
        assert!(decode_tile(&[0; 257 * 32]).is_err());
        assert_eq!(encode_tile(&decode_tile(&[7; 64]).unwrap()), [7; 64]);
    }
}
