//! What stands encrypted on disk: parts of artifacts, payloads, keys. Nothing that was not sealed here may open.
#![no_main]

use comptroller_core::Timestamp;
use comptroller_core::ids::{KeyId, UploadId};
use comptroller_store::artifacts::{Part, open_part};
use comptroller_store::keys::{DataKey, OrgKey, open_payload};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static KEYS: LazyLock<(OrgKey, DataKey)> =
    LazyLock::new(|| (OrgKey::generate().expect("randomness"), DataKey::generate().expect("randomness")));

fuzz_target!(|bytes: &[u8]| {
    let (org, data) = &*KEYS;
    let time = Timestamp::from_micros(0);
    let upload = UploadId::new(time, [1; 10]);
    for length in [0, 1, 100, 1 << 20, u64::MAX] {
        assert!(open_part(data, upload, Part { number: 1, bytes: length }, bytes).is_err());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert!(open_payload(data, b"payload/0/text", text).is_err());
    assert!(org.unwrap(KeyId::new(time, [2; 10]), text).is_err());
    let _ = OrgKey::from_text(text);
});
