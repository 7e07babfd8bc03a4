//! Events from JSON of a type and its data, as a replay meets them: what is read is written back the same.
#![no_main]

use comptroller_core::Event;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Some((kind, data)) = text.split_once('\n') else { return };
    let Ok(data) = serde_json::from_str::<Value>(data) else { return };
    let Ok(event) = Event::from_parts(kind, &data) else { return };
    let (written_kind, written) = event.to_parts().expect("an event that was read");
    assert_eq!(written_kind, kind);
    let again = Event::from_parts(&written_kind, &written).expect("an event that was written");
    assert_eq!(again, event);
});
