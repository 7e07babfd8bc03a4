//! Prediction records and labels in JSON, and the two ways to the leaf of a record.
#![no_main]

use comptroller_core::vocab::RecordKind;
use comptroller_lake::block::{Block, root, seal};
use comptroller_lake::records::{Format, Records, leaf};
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_790_000_000_000_000;

fuzz_target!(|bytes: &[u8]| {
    for kind in [RecordKind::Prediction, RecordKind::Label] {
        let _ = Records::read(kind, Format::Json, bytes, NOW);
        let Ok(records) = Records::read(kind, Format::Ndjson, bytes, NOW) else { continue };
        // What is acknowledged comes back from the write-ahead log as it was.
        let again = Records::from_ipc(kind, &records.to_ipc().expect("it was read")).expect("it was written");
        assert_eq!(again.fields(0), records.fields(0));
        let sealed = seal(&records, &[7; 32]).expect("it was read");
        let block = Block::read(kind, sealed.parquet).expect("it was sealed");
        let leaves = block.leaves().expect("it was sealed");
        assert_eq!(root(&leaves), sealed.root);
        // A verifier has nothing but the fields, as JSON has them.
        for (at, expected) in leaves.iter().enumerate() {
            let text = serde_json::to_string(&block.records.fields(at)).expect("fields are JSON");
            let fields: Vec<_> = serde_json::from_str(&text).expect("fields are JSON");
            assert_eq!(leaf(&fields, &block.salt(at)).as_ref(), Ok(expected));
        }
    }
});
