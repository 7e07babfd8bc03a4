//! Signed notes and checkpoints: what is accepted is written back as it was.
#![no_main]

use comptroller_ledger::{Note, SignedCheckpoint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
    }
    if let Ok(signed) = SignedCheckpoint::parse(bytes) {
        assert_eq!(signed.to_string().as_bytes(), bytes);
        assert!(signed.note().text().starts_with(&signed.checkpoint().to_string()));
    }
});
