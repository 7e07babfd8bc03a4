//! Evidence packs: tar members, manifest, log, openings and proofs.
#![no_main]

use comptroller_ledger::{Trust, verify_pack};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let key = include_str!("../seeds/keys/log").trim().parse().expect("the seed");
    let trust = Trust::of_keys([key]);
    if let Ok(report) = verify_pack(Cursor::new(bytes), &trust) {
        assert_eq!(report.log.size, 10, "the one log that the key signed");
    }
});
