//! A sealed block: records of one day as a Parquet file, the tree over them, and a filter that knows their ids.

use bytes::Bytes;
use comptroller_core::vocab::RecordKind;
use comptroller_ledger::{EMPTY_ROOT, Hash, node_hash};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::filter::IdFilter;
use crate::records::row;
use crate::records::{RecordError, Records};

/// Records of a block, at most.
pub const MAX_BLOCK_ROWS: usize = 65_536;
/// The key under which the file holds the secret of its salts.
const SECRET_KEY: &str = "comptroller.secret";

/// A block that was made.
#[derive(Debug)]
pub struct Sealed {
    /// The Parquet file.
    pub parquet: Bytes,
    /// The filter of ids, as bytes.
    pub filter: Bytes,
    /// The root of the tree over the records.
    pub root: Hash,
    /// The first and the last time, microseconds.
    pub times: (i64, i64),
    /// How many records.
    pub rows: usize,
}

/// Makes a block. `secret` is random, and of this block alone.
pub fn seal(records: &Records, secret: &[u8; 32]) -> Result<Sealed, RecordError> {
    let leaves = row::leaves(records.batch(), secret)
        .ok_or_else(|| RecordError::own("a column of an unknown type"))?;
    let level = ZstdLevel::try_new(1).map_err(RecordError::own)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(MAX_BLOCK_ROWS))
        .set_key_value_metadata(Some(vec![KeyValue::new(SECRET_KEY.to_owned(), encode(secret))]))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), records.batch().schema(), Some(properties))
        .map_err(RecordError::own)?;
    writer.write(records.batch()).map_err(RecordError::own)?;
    let parquet = writer.into_inner().map_err(RecordError::own)?;
    Ok(Sealed {
        parquet: parquet.into(),
        filter: IdFilter::of(records.ids(), records.len()).to_bytes().into(),
        root: root(&leaves),
        times: records.time_range(),
        rows: records.len(),
    })
}

/// A block that was read back.
#[derive(Debug)]
pub struct Block {
    /// Its records.
    pub records: Records,
    secret: [u8; 32],
}

impl Block {
    /// Reads the file of a block.
    pub fn read(kind: RecordKind, parquet: Bytes) -> Result<Self, RecordError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(parquet).map_err(RecordError::own)?;
        let secret = builder
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == SECRET_KEY))
            .and_then(|pair| decode(pair.value.as_deref()?))
            .ok_or_else(|| RecordError::own("a block without the secret of its salts"))?;
        let reader = builder.with_batch_size(MAX_BLOCK_ROWS).build().map_err(RecordError::own)?;
        let mut parts = Vec::new();
        for batch in reader {
            parts.push(Records::of_batch(kind, batch.map_err(RecordError::own)?));
        }
        Ok(Self { records: Records::concat(&parts)?, secret })
    }

    /// The leaves of all records, in order.
    pub fn leaves(&self) -> Result<Vec<Hash>, RecordError> {
        row::leaves(self.records.batch(), &self.secret)
            .ok_or_else(|| RecordError::own("a column of an unknown type"))
    }

    /// The salt of a record.
    pub fn salt(&self, at: usize) -> [u8; row::SALT_BYTES] {
        row::salt(&self.secret, at as u64)
    }
}

/// The largest power of two below `leaves`, which is at least 2 (RFC 6962's `k`).
fn split(leaves: usize) -> usize {
    1 << (leaves - 1).ilog2()
}

/// The root of a tree (RFC 6962 section 2.1).
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// The inclusion proof of leaf `at`, its sibling first (RFC 6962 section 2.1.1); empty behind the end.
pub fn inclusion(leaves: &[Hash], at: usize) -> Vec<Hash> {
    if leaves.len() < 2 || at >= leaves.len() {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, sibling) = if at < left.len() {
        (inclusion(left, at), root(right))
    } else {
        (inclusion(right, at - left.len()), root(left))
    };
    proof.push(sibling);
    proof
}

fn encode(bytes: &[u8]) -> String {
    Hash::new(bytes.try_into().unwrap_or_default()).to_string()
}

fn decode(text: &str) -> Option<[u8; 32]> {
    text.parse::<Hash>().ok().map(|hash| *hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_ledger::leaf_hash;
    use comptroller_ledger::memory::MemoryLog;

    #[test]
    fn roots_and_proofs_are_those_of_the_log() {
        let mut log = MemoryLog::new();
        let mut leaves = Vec::new();
        for size in 1..=70_u64 {
            let entry = size.to_be_bytes();
            log.append(entry);
            leaves.push(leaf_hash(&entry));
            assert_eq!(root(&leaves), log.checkpoint("x").root);
            for at in 0..leaves.len() {
                assert_eq!(
                    inclusion(&leaves, at),
                    log.prove_inclusion(at as u64, size).unwrap(),
                    "{at} of {size}"
                );
            }
        }
        assert!(inclusion(&leaves, 70).is_empty());
    }
}
