//! Speed and memory of comparisons, on Parquet files that it makes: both sides raw, and against a stored profile.
//!
//! `cargo bench -p comptroller-app --bench drift -- [ROWS] [COLUMNS]` (default 1,000,000 x 20), or the two files to
//! compare; prints numbers, asserts none. Each measurement runs in a process of its own, so that its memory is its own.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use comptroller_app::drift::{ProfileRequest, Request, compare, profile};
use comptroller_lake::test_support::write_parquet;

/// Names the measurement in the second process.
const WHAT: &str = "DRIFT_BENCH_WHAT";
const REPEATS: u32 = 3;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Ok(what) = std::env::var(WHAT) {
        return measure(&what, &words);
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let is_files = words.len() == 2 && words.iter().all(|word| Path::new(word).is_file());
    let (reference, current) = if is_files {
        (words[0].clone(), words[1].clone())
    } else {
        let number =
            |at: usize, default: u64| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(default);
        let (rows, columns) = (number(0, 1_000_000), number(1, 20));
        for (name, seed, shift) in [("before.parquet", 1, 0.0), ("now.parquet", 2, 0.05)] {
            let columns = u32::try_from(columns).unwrap();
            write_parquet(Path::new(&at(name)), rows, columns, |row, column| value(seed, row, column, shift))
                .unwrap();
        }
        println!("{rows} x {columns} on each side");
        (at("before.parquet"), at("now.parquet"))
    };
    let stored = at("profile.json");
    for what in ["raw", "profile", "stored"] {
        for _ in 0..REPEATS {
            let program = std::env::current_exe().unwrap();
            let arguments = [&reference, &current, &stored];
            let status = Command::new(program).args(arguments).env(WHAT, what).status().unwrap();
            assert!(status.success());
        }
    }
}

fn measure(what: &str, words: &[String]) {
    let start = Instant::now();
    let said = match what {
        "profile" => {
            let made = profile(&ProfileRequest { data: words[0].clone(), ..ProfileRequest::default() }, None)
                .unwrap();
            let bytes = made.to_bytes().unwrap();
            std::fs::write(&words[2], &bytes).unwrap();
            format!("{} bytes", bytes.len())
        }
        _ => {
            let reference = if what == "stored" { words[2].clone() } else { words[0].clone() };
            let request = Request { reference, current: words[1].clone(), ..Request::default() };
            format!("D {:.3}", compare(&request).unwrap().headline.coefficient)
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("no peak known");
    println!("{what:<8} {seconds:.3} s, {peak}, {said}");
}

/// Normal, skewed, even and rounded values in turn.
fn value(seed: u64, row: u64, column: u32, shift: f64) -> f64 {
    let unit = |salt: u64| {
        let mut x = (row << 8 | salt)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(seed << 32 | u64::from(column));
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from((x >> 33) as u32) / f64::from(1_u32 << 31)
    };
    let normal = (-2.0 * (1.0 - unit(1)).ln()).sqrt() * (std::f64::consts::TAU * unit(2)).cos() + shift;
    match column % 4 {
        0 => normal,
        1 => normal.exp(),
        2 => unit(3) + shift,
        _ => (50.0 + 15.0 * normal).round(),
    }
}
