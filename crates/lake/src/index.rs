//! Where in a block the record of an id stands: one entry for each record, ordered by the hash of its id.
//!
//! Bytes: `CTLIDX01`, then 8 bytes for each record, big-endian and ascending: the first 40 bits of the SHA-256 of its id,
//! and its place in 24. A filter says in which block to look; this says where, or that the filter was wrong.

use crate::filter::IdHash;

const MAGIC: &[u8; 8] = b"CTLIDX01";
const ENTRY: usize = 8;
/// Bits of an entry that are the place of the record.
const PLACE: u32 = 24;
const MASK: u64 = (1 << PLACE) - 1;

/// Bytes of the index of so many records.
pub fn bytes_of(rows: u64) -> u64 {
    MAGIC.len() as u64 + rows * ENTRY as u64
}

/// The index of records by their ids, in the order of the records.
pub fn of<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let entry = |(place, id): (u64, &str)| (prefix(IdHash::of(id)) << PLACE) | (place & MASK);
    let mut entries: Vec<u64> = (0_u64..).zip(ids).map(entry).collect();
    entries.sort_unstable();
    let mut bytes = MAGIC.to_vec();
    bytes.extend(entries.iter().flat_map(|entry| entry.to_be_bytes()));
    bytes
}

/// The places where the record of an id may stand, in order; none if the bytes are no index.
pub fn places(bytes: &[u8], id: IdHash) -> Option<Vec<usize>> {
    let (entries, rest) = bytes.strip_prefix(MAGIC)?.as_chunks::<ENTRY>();
    if !rest.is_empty() {
        return None;
    }
    let wanted = prefix(id);
    let first = entries.partition_point(|entry| u64::from_be_bytes(*entry) >> PLACE < wanted);
    let same = entries[first..].iter().map(|entry| u64::from_be_bytes(*entry));
    let same = same.take_while(|entry| entry >> PLACE == wanted);
    Some(same.map(|entry| (entry & MASK) as usize).collect())
}

/// The first 40 bits of the hash of each id, ascending; none if the bytes are no index. Two records of one id have the
/// same, and of `n` others some `n^2 / 2^41` pairs do by chance.
pub fn prefixes(bytes: &[u8]) -> Option<impl Iterator<Item = u64>> {
    let (entries, rest) = bytes.strip_prefix(MAGIC)?.as_chunks::<ENTRY>();
    rest.is_empty().then(|| entries.iter().map(|entry| u64::from_be_bytes(*entry) >> PLACE))
}

fn prefix(id: IdHash) -> u64 {
    id.first() >> PLACE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_found_where_it_stands_and_no_other() {
        let ids: Vec<String> = (0..5_000).map(|n| format!("order-{}", n % 4_999)).collect();
        let bytes = of(ids.iter().map(String::as_str));
        assert_eq!(bytes.len() as u64, bytes_of(5_000));
        for (place, id) in ids.iter().enumerate().skip(1).take(4_998) {
            assert_eq!(places(&bytes, IdHash::of(id)).unwrap(), [place]);
        }
        assert_eq!(places(&bytes, IdHash::of("order-0")).unwrap(), [0, 4_999], "it stands there twice");
        assert_eq!(places(&bytes, IdHash::of("other")).unwrap(), [0_usize; 0]);
        assert_eq!(places(&bytes[..100], IdHash::of("order-0")), None, "cut off");
        let all: Vec<u64> = prefixes(&bytes).unwrap().collect();
        let different: std::collections::BTreeSet<&u64> = all.iter().collect();
        assert_eq!((all.len(), different.len()), (5_000, 4_999));
        assert!(all.is_sorted() && prefixes(&bytes[..100]).is_none());
        assert_eq!(places(b"nonsense", IdHash::of("order-0")), None);
    }
}
