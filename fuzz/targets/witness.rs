//! What a witness is asked and what it answers.
#![no_main]

use comptroller_ledger::SignedCheckpoint;
use comptroller_ledger::note::NoteSignature;
use comptroller_ledger::witness::{AddCheckpointRequest, parse_conflict, parse_response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = AddCheckpointRequest::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
    }
    let signed = SignedCheckpoint::parse(include_bytes!("../seeds/note/checkpoint")).expect("the seed");
    let witness = include_str!("../seeds/keys/witness").trim().parse().expect("the seed");
    let _ = parse_response(bytes, &signed, &[witness]);
    let _ = parse_conflict(bytes);
    if let Some(signature) = std::str::from_utf8(bytes).ok().and_then(|line| NoteSignature::parse(line).ok()) {
        assert_eq!(signature.to_string().as_bytes(), bytes);
    }
});
