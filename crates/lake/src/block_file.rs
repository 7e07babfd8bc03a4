//! Reading one record of a block from a few pieces of its file.
//!
//! A block's file holds groups of records. Its end says where each stands, so that a record is read from the end of the
//! file and one group.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use comptroller_core::vocab::RecordKind;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use crate::block::within;
use crate::records::{RecordError, Records};

/// Bytes at the end of a file that are read first: enough for blocks of some hundred columns.
pub const TAIL: u64 = 64 << 10;
/// Bytes at the end of a file that say where everything is, at most.
const MAX_TAIL: usize = 64 << 20;

/// What the end of a file says.
#[derive(Debug)]
pub struct BlockFile {
    metadata: Arc<ParquetMetaData>,
    length: u64,
}

/// Which piece of the file holds a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bytes to read.
    pub bytes: Range<u64>,
    group: usize,
    /// The record's place in its group.
    at: usize,
}

/// The end of a file, or how many bytes of it are needed.
#[derive(Debug)]
pub enum Tail {
    /// It is understood.
    Read(BlockFile),
    /// So many bytes at the end of the file are needed.
    Needs(u64),
}

impl BlockFile {
    /// Reads the end of a file of `length` bytes.
    pub fn read(tail: &Bytes, length: u64) -> Result<Tail, RecordError> {
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(tail, length) {
            Ok(()) => {}
            Err(ParquetError::NeedMoreData(needed)) if needed <= MAX_TAIL && needed > tail.len() => {
                return Ok(Tail::Needs(needed as u64));
            }
            Err(error) => return Err(RecordError::own(error)),
        }
        let metadata = Arc::new(reader.finish().map_err(RecordError::own)?);
        Ok(Tail::Read(Self { metadata, length }))
    }

    /// Where the record in place `at` of a block stands, by the block's place in the file; none behind the end.
    pub fn place(&self, block: usize, at: usize) -> Option<Place> {
        let blocks = within(&self.metadata)?;
        if at >= blocks.get(block)?.rows {
            return None;
        }
        let at = blocks[..block].iter().map(|block| block.rows).sum::<usize>() + at;
        let mut before = 0;
        for (group, rows) in self.metadata.row_groups().iter().enumerate() {
            let count = usize::try_from(rows.num_rows()).ok()?;
            if at >= before + count {
                before += count;
                continue;
            }
            let (mut first, mut end) = (u64::MAX, 0);
            for column in rows.columns() {
                let (start, length) = column.byte_range();
                (first, end) = (first.min(start), end.max(start.checked_add(length)?));
            }
            let is_inside = first <= end && end <= self.length;
            return is_inside.then_some(Place { bytes: first..end, group, at: at - before });
        }
        None
    }

    /// The record of a place, from the bytes of the file that the place names.
    pub fn record(&self, kind: RecordKind, place: &Place, bytes: Bytes) -> Result<Records, RecordError> {
        let metadata =
            ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), ArrowReaderOptions::default())
                .map_err(RecordError::own)?;
        let piece = Piece { start: place.bytes.start, length: self.length, bytes };
        let selection = RowSelection::from(vec![RowSelector::skip(place.at), RowSelector::select(1)]);
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(piece, metadata)
            .with_row_groups(vec![place.group])
            .with_row_selection(selection)
            .build()
            .map_err(RecordError::own)?;
        let batch = reader.next().ok_or_else(|| RecordError::own("a block without the record"))?;
        Ok(Records::of_batch(kind, batch.map_err(RecordError::own)?))
    }
}

/// A part of a file, which knows its place in it.
struct Piece {
    start: u64,
    length: u64,
    bytes: Bytes,
}

impl Piece {
    fn behind(&self, start: u64) -> ParquetResult<Bytes> {
        let from = start.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        match from {
            Some(from) if from <= self.bytes.len() => Ok(self.bytes.slice(from..)),
            _ => Err(ParquetError::General("outside of the piece that was read".to_owned())),
        }
    }
}

impl Length for Piece {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Piece {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(Box::new(self.behind(start)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.behind(start)?;
        if length > bytes.len() {
            return Err(ParquetError::General("outside of the piece that was read".to_owned()));
        }
        Ok(bytes.slice(..length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Block, GROUP_ROWS, join, seal};
    use crate::records::Format;
    use std::fmt::Write as _;

    fn records(rows: usize) -> Records {
        let mut text = String::new();
        for row in 0..rows {
            let optional = if row % 3 == 0 { String::new() } else { format!(",\"b\":\"text {}\"", row % 50) };
            writeln!(text, "{{\"id\":\"r{row}\",\"inputs\":{{\"a\":{row}.5{optional}}}}}").unwrap();
        }
        Records::read(RecordKind::Prediction, Format::Ndjson, text.as_bytes(), 1_790_000_000_000_000).unwrap()
    }

    #[test]
    fn a_record_is_read_from_the_end_of_the_file_and_one_group() {
        let records = records(2 * GROUP_ROWS + 100);
        let file = seal(&records, &[7; 32]).unwrap().parquet;
        let length = file.len() as u64;
        let Tail::Needs(needed) = BlockFile::read(&file.slice(file.len() - 8..), length).unwrap() else {
            panic!("eight bytes say only how long the end is")
        };
        let tail = file.slice(file.len() - needed as usize..);
        let Tail::Read(block) = BlockFile::read(&tail, length).unwrap() else { panic!("it is enough") };
        for at in [0, 1, GROUP_ROWS - 1, GROUP_ROWS, 2 * GROUP_ROWS, 2 * GROUP_ROWS + 99] {
            let place = block.place(0, at).unwrap();
            assert!(place.bytes.end - place.bytes.start < length / 2, "one group of three");
            let bytes = file.slice(place.bytes.start as usize..place.bytes.end as usize);
            let found = block.record(RecordKind::Prediction, &place, bytes.clone()).unwrap();
            assert_eq!(found.fields(0), records.fields(at), "{at}");
            let cut = bytes.slice(..bytes.len() / 2);
            assert!(block.record(RecordKind::Prediction, &place, cut).is_err(), "half of the group");
        }
        assert_eq!((block.place(0, 2 * GROUP_ROWS + 100), block.place(1, 0)), (None, None));
        // Several blocks in one file: each keeps its leaves, and a record is found at its place in its block.
        let blocks: Vec<Block> = [(9, 3), (GROUP_ROWS, 5), (1, 8)]
            .into_iter()
            .map(|(rows, secret)| seal(&records.slice(0, rows), &[secret; 32]).unwrap().parquet)
            .map(|file| Block::read(RecordKind::Prediction, file).unwrap())
            .collect();
        let file = join(&blocks).unwrap();
        let Tail::Read(joined) = BlockFile::read(&file, file.len() as u64).unwrap() else {
            panic!("all of it")
        };
        for (place, block) in blocks.iter().enumerate() {
            let moved = Block::read_part(RecordKind::Prediction, file.clone(), place).unwrap();
            assert_eq!(moved.leaves().unwrap(), block.leaves().unwrap());
            assert_eq!(moved.salt(0), block.salt(0));
            let last = block.records.len() - 1;
            let found = joined.place(place, last).unwrap();
            let bytes = file.slice(found.bytes.start as usize..found.bytes.end as usize);
            let found = joined.record(RecordKind::Prediction, &found, bytes).unwrap();
            assert_eq!(found.fields(0), block.records.fields(last));
            assert_eq!(joined.place(place, last + 1), None);
        }
        assert!(Block::read_part(RecordKind::Prediction, file, 3).is_err());
        assert!(BlockFile::read(&Bytes::from_static(b"not a file of records at all"), 28).is_err());
    }
}
