//! A sealed block: records of one day as a Parquet file, the tree over them, a filter that knows their ids, and an index
//! that knows where each stands.

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use comptroller_core::vocab::RecordKind;
use comptroller_ledger::{EMPTY_ROOT, Hash, node_hash};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::WriterProperties;

use crate::filter::IdFilter;
use crate::index;
use crate::records::row;
use crate::records::{RecordError, Records};

/// Records of a block, at most.
pub const MAX_BLOCK_ROWS: usize = 65_536;
/// Records of a group, at most: what is read to find one of them again.
pub const GROUP_ROWS: usize = 4_096;
/// The key under which a file holds, for each block in it, `ROWS:SECRET`, with commas between: the records of the block
/// and the secret of its salts.
const BLOCKS_KEY: &str = "comptroller.blocks";

/// A block that was made.
#[derive(Debug)]
pub struct Sealed {
    /// The Parquet file.
    pub parquet: Bytes,
    /// The filter of ids, as bytes.
    pub filter: Bytes,
    /// The index of ids, as bytes.
    pub index: Bytes,
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
    let parquet = write(records.batch(), &[Within { rows: records.len(), secret: *secret }])?;
    Ok(Sealed {
        parquet,
        index: index::of(records.ids()).into(),
        filter: IdFilter::of(records.ids(), records.len()).to_bytes().into(),
        root: root(&leaves),
        times: records.time_range(),
        rows: records.len(),
    })
}

/// A block within a file.
pub(crate) struct Within {
    pub(crate) rows: usize,
    secret: [u8; 32],
}

/// The blocks within a file, in order; none if it does not say.
pub(crate) fn within(metadata: &ParquetMetaData) -> Option<Vec<Within>> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    let text = pairs.iter().find(|pair| pair.key == BLOCKS_KEY)?.value.as_deref()?;
    let one = |part: &str| {
        let (rows, secret) = part.split_once(':')?;
        Some(Within { rows: rows.parse().ok()?, secret: decode(secret)? })
    };
    text.split(',').map(one).collect()
}

fn write(batch: &RecordBatch, blocks: &[Within]) -> Result<Bytes, RecordError> {
    let level = ZstdLevel::try_new(1).map_err(RecordError::own)?;
    let said: Vec<String> =
        blocks.iter().map(|block| format!("{}:{}", block.rows, encode(&block.secret))).collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(vec![KeyValue::new(BLOCKS_KEY.to_owned(), said.join(","))]))
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).map_err(RecordError::own)?;
    writer.write(batch).map_err(RecordError::own)?;
    Ok(writer.into_inner().map_err(RecordError::own)?.into())
}

/// One file of several blocks, in their order, each as it was.
///
/// # Errors
/// Blocks whose columns are not the same.
pub fn join(blocks: &[Block]) -> Result<Bytes, RecordError> {
    let Some(first) = blocks.first() else { return Err(RecordError::Empty) };
    let schema = first.records.batch().schema();
    if blocks.iter().any(|block| block.records.batch().schema().fields() != schema.fields()) {
        return Err(RecordError::own("blocks of different columns do not fit into one file"));
    }
    let batches = blocks.iter().map(|block| block.records.batch());
    let batch = concat_batches(&schema, batches).map_err(RecordError::own)?;
    let within: Vec<Within> =
        blocks.iter().map(|block| Within { rows: block.records.len(), secret: block.secret }).collect();
    write(&batch, &within)
}

/// A block that was read back.
#[derive(Debug)]
pub struct Block {
    /// Its records.
    pub records: Records,
    secret: [u8; 32],
}

impl Block {
    /// Reads the only block of a file.
    pub fn read(kind: RecordKind, parquet: Bytes) -> Result<Self, RecordError> {
        Self::read_part(kind, parquet, 0)
    }

    /// Reads one block of a file, by its place among them.
    pub fn read_part(kind: RecordKind, parquet: Bytes, place: usize) -> Result<Self, RecordError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(parquet).map_err(RecordError::own)?;
        let blocks = within(builder.metadata()).unwrap_or_default();
        let Some(Within { rows, secret }) = blocks.get(place) else {
            return Err(RecordError::own("a file without the block, or without the secret of its salts"));
        };
        let before = blocks[..place].iter().map(|block| block.rows).sum();
        let selection = RowSelection::from(vec![RowSelector::skip(before), RowSelector::select(*rows)]);
        let builder = builder.with_row_selection(selection).with_batch_size(MAX_BLOCK_ROWS);
        let (secret, reader) = (*secret, builder.build().map_err(RecordError::own)?);
        let mut parts = Vec::new();
        for batch in reader {
            parts.push(Records::of_batch(kind, batch.map_err(RecordError::own)?));
        }
        Ok(Self { records: Records::concat(&parts)?, secret })
    }

    /// A digest of its columns and their types.
    pub fn schema(&self) -> Result<Hash, RecordError> {
        row::schema_of(self.records.batch()).ok_or_else(|| RecordError::own("a column of an unknown type"))
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
