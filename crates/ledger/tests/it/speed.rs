//! Speed of verification. Prints a number; ignored by default because it needs a release build to mean anything.

use std::time::Instant;

use comptroller_ledger::verify::verify_log;

use crate::support::TestLog;

#[test]
#[ignore = "measures; run with --release -- --ignored --nocapture speed"]
fn speed_of_verification() {
    const SIZE: u32 = 1_000_000;
    let start = Instant::now();
    let log = TestLog::of(u64::from(SIZE));
    println!("built in {:.2} s", start.elapsed().as_secs_f64());
    let files = log.files();
    let bytes: usize = files.0.values().map(Vec::len).sum();
    let start = Instant::now();
    verify_log(&files, &log.trust()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("{SIZE} entries, {bytes} bytes, {seconds:.2} s, {:.0} entries/s", f64::from(SIZE) / seconds);
}
