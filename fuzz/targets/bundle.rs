//! Tiles and entry bundles: what is accepted is written back as it was.
#![no_main]

use comptroller_ledger::tile::{decode_bundle, decode_tile, encode_bundle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entries) = decode_bundle(bytes) {
        assert_eq!(encode_bundle(&entries).expect("entries that were read"), bytes);
    }
    if let Ok(hashes) = decode_tile(bytes) {
        assert_eq!(hashes.len() * 32, bytes.len());
    }
});
