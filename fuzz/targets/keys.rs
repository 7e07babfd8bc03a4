//! Verification keys, key histories and right edges.
#![no_main]

use comptroller_ledger::{Frontier, KeyHistory, VerifierKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(history) = KeyHistory::parse(text) {
        let written = history.to_string();
        assert_eq!(KeyHistory::parse(&written).expect("a history that was written").to_string(), written);
    }
    if let Some((size, edge)) = text.split_once(' ')
        && let Ok(size) = size.parse()
        && let Ok(frontier) = Frontier::decode(size, edge)
    {
        assert_eq!(frontier.size(), size);
        let _ = frontier.root();
    }
});
