//! Entries: one byte form each, and the events within them.
#![no_main]

use comptroller_core::Event;
use comptroller_ledger::Entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(entry) = Entry::from_bytes(bytes) else { return };
    assert_eq!(entry.to_bytes().expect("an entry that was read"), bytes);
    if let Ok(event) = Event::from_parts(&entry.kind, &entry.data) {
        let (kind, _) = event.to_parts().expect("an event that was read");
        assert_eq!(kind, entry.kind);
    }
});
