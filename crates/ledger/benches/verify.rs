//! Speed and memory of verification: entries per second of a log in memory, and of a pack on disk.
//!
//! `cargo bench -p comptroller-ledger --bench verify -- [ENTRIES]`; prints numbers, asserts none.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program")]

use std::fs::File;
use std::io::BufWriter;
use std::process::Command;
use std::time::Instant;

use comptroller_ledger::KeyHistory;
use comptroller_ledger::pack::{KEY_HISTORY_PATH, PackHeader, PackWriter, log_paths, verify_pack};
use comptroller_ledger::verify::verify_log;
use support::{ORG, ORIGIN, TestLog, key};

#[path = "../tests/it/support.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod support;

/// Set in the second process, which measures the memory of verifying the pack alone.
const PACK_VARIABLE: &str = "LEDGER_BENCH_PACK";

fn main() {
    if let Some(path) = std::env::var_os(PACK_VARIABLE) {
        return measure_pack(File::open(path).unwrap());
    }
    let entries = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000_u32);
    let log = TestLog::of(u64::from(entries));
    let files = log.files();
    let bytes: usize = files.0.values().map(Vec::len).sum();
    let start = Instant::now();
    verify_log(&files, &log.trust()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "log: {entries} entries, {bytes} bytes, {seconds:.2} s, {:.0} entries/s",
        f64::from(entries) / seconds
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.tar");
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
    let status = Command::new(std::env::current_exe().unwrap()).env(PACK_VARIABLE, &path).status().unwrap();
    assert!(status.success());
}

fn measure_pack(file: File) {
    let start = Instant::now();
    let trust = comptroller_ledger::Trust::of_keys([key(1).verifier_key()]);
    let report = verify_pack(file, &trust).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("no peak known");
    println!("pack: {} entries, {} bytes, {seconds:.2} s, {peak}", report.log.size, report.bytes);
}
