//! One table in every format.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int32Array,
    ListArray, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use comptroller_lake::Source;
use comptroller_stats::cells::{Cell, number_name};
use parquet::arrow::ArrowWriter;

/// Columns of every kind, with missing values.
pub(crate) fn batch() -> RecordBatch {
    let words = vec![Some("a"), None, Some("b"), Some("a")];
    let lists = ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>(vec![
        Some(vec![Some(1)]),
        None,
        Some(vec![]),
        Some(vec![Some(2)]),
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("whole", Arc::new(Int32Array::from(vec![Some(1), Some(-2), None, Some(3)]))),
        ("double", Arc::new(Float64Array::from(vec![0.5, f64::NAN, f64::INFINITY, -1e300]))),
        ("single", Arc::new(Float32Array::from(vec![Some(0.25), None, Some(2.0), Some(4.0)]))),
        ("truth", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
        ("word", Arc::new(StringArray::from(words.clone()))),
        ("coded", Arc::new(words.into_iter().collect::<DictionaryArray<Int8Type>>())),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![Some(1250), None, Some(-75), Some(0)])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1), None, Some(2), Some(3)]))),
        ("list", Arc::new(lists)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(crate) fn parquet(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

pub(crate) fn ipc(path: &Path, batch: &RecordBatch) {
    let mut writer = FileWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

pub(crate) fn ipc_stream(path: &Path, batch: &RecordBatch) {
    let mut writer = StreamWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

/// Every cell of a column as text.
pub(crate) fn column(source: &Source, name: &str) -> Vec<String> {
    let place = source.columns().iter().position(|column| column.name == name).unwrap();
    let mut cells = Vec::new();
    source
        .scan(&[place], &mut |blocks| {
            for cell in blocks[0].cells() {
                cells.push(match cell {
                    Cell::Null => "-".to_owned(),
                    Cell::Number(number) => number_name(number),
                    Cell::Text(text) => format!("{text:?}"),
                    Cell::Other => "?".to_owned(),
                });
            }
            Ok(())
        })
        .unwrap();
    cells
}
