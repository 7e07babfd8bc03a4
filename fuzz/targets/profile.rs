//! Profiles of data sets: what is read is consistent, is written back to bytes that read the same, and can be merged
//! with itself.
#![no_main]

use comptroller_stats::profile::Profile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(profile) = Profile::from_bytes(bytes) else { return };
    let written = profile.to_bytes().expect("a profile that was read");
    assert_eq!(Profile::from_bytes(&written).expect("a profile that was written"), profile);
    let mut twice = profile.clone();
    if twice.merge(&profile).is_ok() {
        assert_eq!(twice.rows, profile.rows * 2);
    }
});
