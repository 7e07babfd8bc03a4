//! Speed and memory of verification. They print numbers; ignored by default because only a release build on a quiet
//! machine means anything.

use std::fs::File;
use std::io::BufWriter;
use std::process::Command;
use std::time::Instant;

use comptroller_ledger::KeyHistory;
use comptroller_ledger::pack::{KEY_HISTORY_PATH, PackHeader, PackWriter, log_paths, verify_pack};
use comptroller_ledger::verify::verify_log;

use crate::support::{ORG, ORIGIN, TestLog, key};

const SIZE: u32 = 1_000_000;
const PACK_VARIABLE: &str = "LEDGER_TEST_PACK";

#[test]
#[ignore = "measures; run with --release -- --ignored --nocapture speed_of_verification"]
fn speed_of_verification() {
    let log = TestLog::of(u64::from(SIZE));
    let files = log.files();
    let bytes: usize = files.0.values().map(Vec::len).sum();
    let start = Instant::now();
    verify_log(&files, &log.trust()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("{SIZE} entries, {bytes} bytes, {seconds:.2} s, {:.0} entries/s", f64::from(SIZE) / seconds);
}

#[test]
#[ignore = "measures; run with --release -- --ignored --nocapture memory_of_pack_verification"]
fn memory_of_pack_verification() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.tar");
    let log = TestLog::of(u64::from(SIZE));
    let files = log.files();
    let header = PackHeader {
        origin: ORIGIN.to_owned(),
        org: ORG.to_owned(),
        created_at: 0,
        size: log.log.size(),
        root: log.log.checkpoint(ORIGIN).root,
        period: None,
    };
    let mut writer = PackWriter::new(BufWriter::new(File::create(&path).unwrap()), header).unwrap();
    writer.add(KEY_HISTORY_PATH, KeyHistory::new(log.vkey()).to_string().as_bytes()).unwrap();
    writer.add("log/checkpoint", &files.0["checkpoint"]).unwrap();
    for path in log_paths(log.log.size()) {
        writer.add(&path, &files.0[path.strip_prefix("log/").unwrap()]).unwrap();
    }
    writer.finish().unwrap();
    // A process of its own, so that the log built here does not count.
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact", "speed::verifies_the_pack_of_the_environment"])
        .env(PACK_VARIABLE, &path)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
#[ignore = "the second process of memory_of_pack_verification"]
fn verifies_the_pack_of_the_environment() {
    let Some(path) = std::env::var_os(PACK_VARIABLE) else { return };
    let start = Instant::now();
    let trust = comptroller_ledger::Trust::of_keys([key(1).verifier_key()]);
    let report = verify_pack(File::open(path).unwrap(), &trust).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("no peak known");
    println!("{} entries, {} bytes in the pack, {seconds:.2} s, {peak}", report.log.size, report.bytes);
}
