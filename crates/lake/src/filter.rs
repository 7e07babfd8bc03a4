//! Which ids a block may hold: a Bloom filter (Bloom 1970) of 16 bits for each id, wrong about one in some 2,000 others.
//!
//! Bytes: `CTLIDF01`, then the bits. Positions come from the halves of SHA-256 of the id (Kirsch and Mitzenmacher
//! 2006), so that every program finds the same ones.

use comptroller_ledger::hash::digest;

const MAGIC: &[u8; 8] = b"CTLIDF01";
const BITS_EACH: usize = 16;
const PROBES: u64 = 11;

/// A filter of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdFilter {
    bits: Vec<u8>,
}

/// An id, hashed once for many filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdHash(u64, u64);

impl IdHash {
    /// Hashes an id.
    pub fn of(id: &str) -> Self {
        let hash = digest(id.as_bytes());
        let half = |from: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash.as_bytes()[from..from + 8]);
            u64::from_be_bytes(bytes)
        };
        Self(half(0), half(8) | 1)
    }

    /// The first half of the hash.
    pub(crate) fn first(self) -> u64 {
        self.0
    }

    fn places(self, bits: u64) -> impl Iterator<Item = u64> {
        (0..PROBES).map(move |probe| self.0.wrapping_add(probe.wrapping_mul(self.1)) % bits)
    }
}

impl IdFilter {
    /// The filter of some ids.
    pub fn of<'a>(ids: impl Iterator<Item = &'a str>, count: usize) -> Self {
        let mut filter = Self { bits: vec![0; (count * BITS_EACH).div_ceil(8).max(8)] };
        let bits = filter.bits.len() as u64 * 8;
        for id in ids {
            for place in IdHash::of(id).places(bits) {
                filter.bits[(place / 8) as usize] |= 1 << (place % 8);
            }
        }
        filter
    }

    /// Whether the id may be there; never false for one that is.
    pub fn may_hold(&self, id: IdHash) -> bool {
        let bits = self.bits.len() as u64 * 8;
        id.places(bits).all(|place| self.bits[(place / 8) as usize] & (1 << (place % 8)) != 0)
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.bits.len()
    }

    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &self.bits].concat()
    }

    /// Reads what [`IdFilter::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bits = bytes.strip_prefix(MAGIC)?;
        (bits.len() >= 8).then(|| Self { bits: bits.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_found_and_few_others() {
        let ids: Vec<String> = (0..20_000).map(|n| format!("order-{n}")).collect();
        let filter = IdFilter::of(ids.iter().map(String::as_str), ids.len());
        let filter = IdFilter::from_bytes(&filter.to_bytes()).unwrap();
        assert!(ids.iter().all(|id| filter.may_hold(IdHash::of(id))));
        let wrong = (0..200_000).filter(|n| filter.may_hold(IdHash::of(&format!("other-{n}")))).count();
        assert!(wrong < 200, "{wrong} of 200000 are wrong, 92 are expected");
        assert_eq!(IdFilter::from_bytes(b"CTLIDF01short"), None);
        assert_eq!(IdFilter::from_bytes(b"nonsense-and-more"), None);
    }
}
