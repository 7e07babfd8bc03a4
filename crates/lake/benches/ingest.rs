//! Speed of the ingest: reading batches, hashing rows with the block's root, sealing a block, and durable appends.
//!
//! `cargo bench -p comptroller-lake --bench ingest -- [ROWS]` (default 65,536 x 20 numbers); prints numbers, asserts
//! none.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::block::{Block, root, seal};
use comptroller_lake::records::{Format, Records};
use comptroller_lake::wal::Wal;

const COLUMNS: usize = 20;
const NOW: i64 = 1_790_000_000_000_000;
const REPEATS: usize = 3;

fn value(row: usize, column: usize) -> f64 {
    let mixed = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(column as u32 * 7 + 1);
    f64::from((mixed >> 33) as u32) / f64::from(1_u32 << 31)
}

fn arrow(rows: usize) -> Vec<u8> {
    let ids: StringArray = (0..rows).map(|row| Some(format!("order-{row:09}"))).collect();
    let mut columns: Vec<(String, ArrayRef)> = vec![("id".to_owned(), Arc::new(ids))];
    for column in 0..COLUMNS {
        let values: Float64Array = (0..rows).map(|row| Some(value(row, column))).collect();
        columns.push((format!("x{column}"), Arc::new(values)));
    }
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn json(rows: usize) -> Vec<u8> {
    let mut text = String::new();
    for row in 0..rows {
        write!(text, "{{\"id\":\"order-{row:09}\",\"score\":{},\"inputs\":{{", value(row, 99)).unwrap();
        for column in 0..COLUMNS {
            let comma = if column == 0 { "" } else { "," };
            write!(text, "{comma}\"x{column}\":{}", value(row, column)).unwrap();
        }
        text.push_str("}}\n");
    }
    text.into_bytes()
}

/// Prints the best of several runs as rows a second.
fn timed<T>(what: &str, rows: usize, mut work: impl FnMut() -> T) -> T {
    let mut best = f64::INFINITY;
    let mut last = None;
    for _ in 0..REPEATS {
        let begun = Instant::now();
        last = Some(work());
        best = best.min(begun.elapsed().as_secs_f64());
    }
    let count: f64 = u32::try_from(rows).unwrap().into();
    println!("{what:42} {:>12.0} rows/s  {:>8.1} ms", count / best, best * 1e3);
    last.unwrap()
}

fn main() {
    let rows = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(65_536);
    println!("{rows} records of {COLUMNS} numbers, one thread");
    let (arrow, json) = (arrow(rows), json(rows));
    let read = |format, bytes: &[u8]| Records::read(RecordKind::Prediction, format, bytes, NOW).unwrap();
    let records = timed("read an Arrow batch", rows, || read(Format::Arrow, &arrow));
    timed("read lines of JSON", rows, || read(Format::Ndjson, &json));
    let frame = timed("write a frame of the write-ahead log", rows, || records.to_ipc().unwrap());
    timed("read it back", rows, || Records::from_ipc(RecordKind::Prediction, &frame).unwrap());
    let sealed =
        timed("seal a block (hash, tree, Parquet, filter)", rows, || seal(&records, &[7; 32]).unwrap());
    println!("  {} bytes of Parquet, {} of filter", sealed.parquet.len(), sealed.filter.len());
    let block =
        timed("open a block", rows, || Block::read(RecordKind::Prediction, sealed.parquet.clone()).unwrap());
    let leaves = timed("hash its rows", rows, || block.leaves().unwrap());
    timed("root of their tree", rows, || root(&leaves));
    timed("hash its rows, and the root", rows, || root(&block.leaves().unwrap()));

    let folder = tempfile::tempdir().unwrap();
    let wal = Wal::open(folder.path(), |_, _| Ok(())).unwrap();
    let part = records.slice(0, rows.min(1_000)).to_ipc().unwrap();
    let (frames, of_each) = (200, rows.min(1_000));
    timed("durable appends of 1,000 records, 16 at once", frames * of_each, || {
        let (told, answers) = channel();
        for _ in 0..frames {
            let (told, part) = (told.clone(), part.clone());
            wal.append(Box::new(move |_| Ok(part)), Box::new(move |result| told.send(result).unwrap()));
        }
        drop(told);
        assert_eq!(answers.iter().flatten().count(), frames);
    });
}
