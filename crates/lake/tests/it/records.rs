//! Records of every format are one table, its rows have one form, and blocks give them back.

use arrow_array::builder::{Float32Builder, ListBuilder};
use arrow_array::types::Float32Type;
use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::block::{Block, inclusion, root, seal};
use comptroller_lake::records::file::{FileOptions, batches};
use comptroller_lake::records::{Cell, Format, Kind, RecordError, Records, leaf};
use comptroller_ledger::proof::verify_inclusion;
use std::sync::Arc;

const NOW: i64 = 1_790_000_000_000_000;

fn json(text: &str) -> Records {
    Records::read(RecordKind::Prediction, Format::Ndjson, text.as_bytes(), NOW).unwrap()
}

fn table() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("time", Arc::new(TimestampMicrosecondArray::from(vec![NOW, NOW + 1]).with_timezone("UTC"))),
        ("score", Arc::new(Float64Array::from(vec![Some(0.5), None]))),
        ("amount", Arc::new(Float64Array::from(vec![1.25, f64::NAN]))),
        ("input.owner", Arc::new(BooleanArray::from(vec![true, false]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn ipc(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn every_format_gives_the_same_rows() {
    let lines = "{\"id\":\"a\",\"time\":\"2026-09-21T14:13:20Z\",\"score\":0.5,\"inputs\":{\"amount\":1.25,\"owner\":true}}\n\
                 \n{\"id\":\"b\",\"time\":\"2026-09-21T14:13:20.000001Z\",\"inputs\":{\"owner\":false}}\n";
    let from_json = json(lines);
    let document = r#"{"records":[{"id":"a","time":"2026-09-21T14:13:20Z","score":0.5,"inputs":{"amount":1.25,"owner":true}}]}"#;
    let from_document =
        Records::read(RecordKind::Prediction, Format::Json, document.as_bytes(), NOW).unwrap();
    let batch = table();
    let arrow = Records::read(RecordKind::Prediction, Format::Arrow, &ipc(&batch), NOW).unwrap();
    let file = Records::read(RecordKind::Prediction, Format::Parquet, &parquet(&batch), NOW).unwrap();
    assert_eq!(from_json.fields(0), arrow.fields(0));
    assert_eq!(from_json.fields(0), from_document.fields(0));
    for row in 0..2 {
        assert_eq!(arrow.fields(row), file.fields(row));
    }
    let names: Vec<String> = arrow.fields(0).into_iter().map(|field| field.name).collect();
    assert_eq!(names, ["id", "input.amount", "input.owner", "score", "time"]);
    assert_eq!(arrow.fields(1)[1].value, Cell::Text("NaN".into()), "JSON has no NaN");
    assert_eq!(from_json.fields(1)[1].value, Cell::Null);
}

#[test]
fn times_are_read_from_texts_and_from_points_in_time_alike() {
    let column = |name: &str, column: ArrayRef| (name.to_owned(), column, true);
    let with = |times: ArrayRef| {
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        RecordBatch::try_from_iter_with_nullable([column("id", ids), column("time", times)]).unwrap()
    };
    let texts =
        with(Arc::new(StringArray::from(vec!["2026-09-21T14:13:20Z", "2026-09-21T16:13:20.000001+02:00"])));
    let records = Records::read(RecordKind::Prediction, Format::Parquet, &parquet(&texts), NOW).unwrap();
    assert_eq!(records.times(), [NOW, NOW + 1]);
    for (bad, expected) in [(vec![Some("a"), Some("yesterday")], "record 1"), (vec![None, None], "missing")] {
        let batch = with(Arc::new(StringArray::from(bad)));
        let error = Records::read(RecordKind::Prediction, Format::Arrow, &ipc(&batch), NOW).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn columns_that_share_a_buffer_are_measured_once() {
    let mut columns: Vec<(String, ArrayRef, bool)> = vec![(
        "id".into(),
        Arc::new((0..20_000).map(|n| Some(n.to_string())).collect::<StringArray>()),
        true,
    )];
    for number in 0..50 {
        columns.push((format!("x{number}"), Arc::new(Float64Array::from(vec![0.5; 20_000])), true));
    }
    let bytes = ipc(&RecordBatch::try_from_iter_with_nullable(columns).unwrap());
    let records = Records::read(RecordKind::Prediction, Format::Arrow, &bytes, NOW).unwrap();
    assert!((8_000_000..12_000_000).contains(&records.bytes()), "{}", records.bytes());
}

#[test]
fn every_row_of_a_block_is_proved_from_its_fields_alone() {
    let records = Records::read(RecordKind::Prediction, Format::Arrow, &ipc(&table()), NOW).unwrap();
    let many =
        Records::concat(&[records.clone(), json("{\"id\":\"c\",\"inputs\":{\"amount\":\"lots\"}}"), records])
            .unwrap();
    assert_eq!(many.len(), 5);
    let amount =
        |row: usize| many.fields(row).into_iter().find(|field| field.name == "input.amount").unwrap();
    assert_eq!(amount(0).kind, Kind::Text, "a column of two types becomes text");
    assert_eq!(amount(2).value, Cell::Text("lots".into()));
    let sealed = seal(&many, &[3; 32]).unwrap();
    let block = Block::read(RecordKind::Prediction, sealed.parquet).unwrap();
    let leaves = block.leaves().unwrap();
    assert_eq!(root(&leaves), sealed.root);
    for at in 0..block.records.len() {
        let text = serde_json::to_string(&block.records.fields(at)).unwrap();
        let fields: Vec<_> = serde_json::from_str(&text).unwrap();
        let leaf = leaf(&fields, &block.salt(at)).unwrap();
        verify_inclusion(&leaf, at as u64, 5, &inclusion(&leaves, at), &sealed.root).unwrap();
    }
    assert_ne!(block.salt(0), block.salt(1));
}

/// `e` as lists of a fixed length, as embeddings stand in Parquet files.
fn embedded(vectors: &[Option<[f32; 2]>]) -> RecordBatch {
    let ids: ArrayRef = Arc::new((0..vectors.len()).map(|n| Some(n.to_string())).collect::<StringArray>());
    let lists = vectors.iter().map(|vector| vector.map(|vector| vector.map(Some)));
    let lists: ArrayRef = Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(lists, 2));
    RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("e", lists, true)]).unwrap()
}

#[test]
fn embeddings_are_kept_found_and_proved_in_every_format() {
    let batch = embedded(&[Some([0.1, -2.5]), None]);
    let of_json =
        json("{\"id\":\"0\",\"inputs\":{\"e\":[0.1,-2.5]}}\n{\"id\":\"1\",\"inputs\":{\"e\":null}}");
    for (format, bytes) in [(Format::Arrow, ipc(&batch)), (Format::Parquet, parquet(&batch))] {
        let records = Records::read(RecordKind::Prediction, format, &bytes, NOW).unwrap();
        assert_eq!(records.fields(0), of_json.fields(0));
        assert_eq!(records.fields(1)[1].value, Cell::Null);
        let vectors: Vec<Option<Vec<f32>>> =
            records.vectors("input.e").unwrap().map(|vector| vector.map(<[f32]>::to_vec)).collect();
        assert_eq!(vectors, [Some(vec![0.1, -2.5]), None]);
        assert!(records.vectors("id").is_none());
        let logged = Records::from_ipc(RecordKind::Prediction, &records.to_ipc().unwrap()).unwrap();
        let many = Records::concat(&[logged, records.slice(1, 1), records]).unwrap();
        let sealed = seal(&many, &[3; 32]).unwrap();
        let block = Block::read(RecordKind::Prediction, sealed.parquet).unwrap();
        let leaves = block.leaves().unwrap();
        assert_eq!((root(&leaves), leaves.len()), (sealed.root, 5));
        let text = serde_json::to_string(&block.records.fields(3)).unwrap();
        let fields: Vec<_> = serde_json::from_str(&text).unwrap();
        assert_eq!(leaf(&fields, &block.salt(3)).unwrap(), leaves[3], "{text}");
    }
}

#[test]
fn what_is_no_embedding_is_named_and_one_beside_texts_becomes_a_text() {
    for (value, expected) in [
        ("[]", "list of something else than numbers"),
        ("[1,null]", "place 2 of the vector"),
        ("[1,1e39]", "place 2 of the vector"),
        ("[1,\"2\"]", "list of something else than numbers"),
        ("{\"a\":1}", "an object"),
    ] {
        let line = format!("{{\"id\":\"a\",\"inputs\":{{\"e\":{value}}}}}");
        let read = Records::read(RecordKind::Prediction, Format::Ndjson, line.as_bytes(), NOW);
        let error = read.unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("input.e"), "{error}");
    }
    let read = |batch| Records::read(RecordKind::Prediction, Format::Arrow, &ipc(&batch), NOW);
    let error = read(embedded(&[None, Some([1.0, f32::NAN])])).unwrap_err().to_string();
    assert!(error.contains("record 2") && error.contains("place 2"), "{error}");
    let long = format!("{{\"id\":\"a\",\"inputs\":{{\"e\":[{}1]}}}}", "0,".repeat(4_096));
    let error =
        Records::read(RecordKind::Prediction, Format::Ndjson, long.as_bytes(), NOW).unwrap_err().to_string();
    assert!(error.contains("4097 numbers"), "{error}");

    let mixed =
        [read(embedded(&[Some([0.5, -1.0])])).unwrap(), json("{\"id\":\"x\",\"inputs\":{\"e\":\"none\"}}")];
    // Twenty million numbers in one row, in a file of some kilobytes.
    let mut lists = ListBuilder::new(Float32Builder::new());
    lists.values().append_slice(&vec![0.0; 20_000_000]);
    lists.append(true);
    let (id, list): (ArrayRef, ArrayRef) = (Arc::new(StringArray::from(vec!["a"])), Arc::new(lists.finish()));
    let batch = RecordBatch::try_from_iter_with_nullable([("id", id, true), ("e", list, true)]).unwrap();
    let file = parquet(&batch);
    assert!(file.len() < 100_000, "{}", file.len());
    let error = Records::read(RecordKind::Prediction, Format::Parquet, &file, NOW).unwrap_err();
    assert!(matches!(error, RecordError::TooLarge), "{error}");

    let mixed = Records::concat(&mixed).unwrap();
    assert_eq!(mixed.text("input.e", 0), Some("[0.5,-1]"));
    assert_eq!(mixed.text("input.e", 1), Some("none"));
}

#[test]
fn the_form_of_a_row_is_the_documented_one() {
    // The value comes from Python's hashlib over the bytes that docs/PREDICTIONS.md states.
    let records = json(
        "{\"id\":\"a\",\"time\":\"2026-09-21T14:13:20Z\",\"score\":0.5,\"inputs\":{\"n\":null,\"owner\":true}}",
    );
    let fields = records.fields(0);
    let expected = "cd4ca42beca7f41ce12687795003fa50f70ea7f7bea54e94c911f3d7133599e3";
    assert_eq!(leaf(&fields, &[0; 16]).unwrap().to_string(), expected);
}

#[test]
fn days_are_told_apart_and_every_record_is_in_one() {
    let day = 86_400_000_000_i64;
    let lines: String = (0..10)
        .map(|n| {
            let time = comptroller_core::Timestamp::from_micros(NOW - (n % 3) * day);
            format!("{{\"id\":\"r{n}\",\"time\":\"{time}\"}}\n")
        })
        .collect();
    let parts = json(&lines).by_day().unwrap();
    assert_eq!(parts.iter().map(|(_, part)| part.len()).collect::<Vec<_>>(), [3, 3, 4]);
    assert!(parts.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
    for (number, part) in &parts {
        assert!(part.times().iter().all(|time| time.div_euclid(day) == i64::from(*number)));
    }
}

#[test]
fn foreign_bytes_are_refused_and_never_taken_in_part() {
    let batch = table();
    for (format, whole) in [(Format::Arrow, ipc(&batch)), (Format::Parquet, parquet(&batch))] {
        for end in (0..whole.len()).step_by(7) {
            // Some cuts leave a whole table behind: the end mark of a stream says nothing.
            if let Ok(records) = Records::read(RecordKind::Prediction, format, &whole[..end], NOW) {
                assert_eq!(records.len(), 2);
            }
        }
        for at in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let _ = Records::read(RecordKind::Prediction, format, &bytes, NOW);
        }
    }
    let refused =
        |kind, text: &str| Records::read(kind, Format::Ndjson, text.as_bytes(), NOW).unwrap_err().to_string();
    for (text, expected) in [
        ("{\"id\":\"a\",\"time\":\"1999-12-31T00:00:00Z\"}", "between the years"),
        ("{\"id\":\"a\",\"score\":\"high\"}", "record 1"),
        ("{\"id\":\"a\"}\n{\"id\":", "record 2"),
        ("[1]", "record 1"),
    ] {
        let problem = refused(RecordKind::Prediction, text);
        assert!(problem.contains(expected), "{problem}");
    }
    assert!(refused(RecordKind::Label, "{\"id\":\"a\"}").contains("label"));
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(129));
    assert!(refused(RecordKind::Prediction, &long).contains("the limit is 128"));
}

#[test]
fn a_file_that_holds_a_stream_is_sent_in_batches_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.arrows");
    let batch = table();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch).unwrap();
    std::fs::write(&file, writer.into_inner().unwrap()).unwrap();
    let options = || FileOptions { rows: 1, rename: Vec::new(), join: None, time: None };
    let sent: Vec<_> = batches(&file, options()).unwrap().map(Result::unwrap).collect();
    assert_eq!(sent.len(), 4, "one row in each batch");
    let last = Records::read(RecordKind::Prediction, Format::Arrow, &sent[3].bytes, NOW).unwrap();
    assert_eq!(last.ids().collect::<Vec<_>>(), ["b"]);
    // Cut short, it is refused and not sent in part as if it were whole.
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() * 2 / 3]).unwrap();
    let all = batches(&file, options()).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    assert!(all.is_err(), "{all:?}");
}

#[test]
fn scores_that_are_no_numbers_and_times_below_zero_are_refused_in_every_format() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("score", Arc::new(Float64Array::from(vec![0.5, f64::INFINITY]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let read = |format, bytes: &[u8]| Records::read(RecordKind::Prediction, format, bytes, NOW);
    let error = read(Format::Arrow, &ipc(&batch)).unwrap_err().to_string();
    assert!(error.contains("score") && error.contains("no finite number"), "{error}");
    let error = read(Format::Ndjson, b"{\"id\":\"a\",\"latency_us\":-5}").unwrap_err().to_string();
    assert!(error.contains("latency_us") && error.contains("below zero"), "{error}");
}
