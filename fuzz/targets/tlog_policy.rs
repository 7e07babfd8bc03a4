//! Files of logs, witnesses and quorums.
#![no_main]

use comptroller_ledger::{Policy, SignedCheckpoint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse(bytes) else { return };
    for signed in [&include_bytes!("../seeds/note/checkpoint")[..], include_bytes!("../seeds/note/cosigned")] {
        let signed = SignedCheckpoint::parse(signed).expect("the seed");
        let _ = policy.check_quorum(&signed);
    }
});
