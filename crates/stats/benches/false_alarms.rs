//! How often stable tables raise an alarm, from 50 to 10 million rows: more than the tests have time for.
//!
//! `cargo bench -p comptroller-stats --bench false_alarms -- [LARGEST]` (default 10,000,000); prints numbers, asserts none.
//! Each table has five columns of other shapes; one alarm of any of them, or one finding, counts for the report. The chance
//! that is stated, alpha, is 5 % of the reports.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measuring program")]

use std::time::Instant;

use comptroller_stats::cells::{Block, BlockBuilder};
use comptroller_stats::coefficient::Band;
use comptroller_stats::column::{Current, Reference};
use comptroller_stats::drift::{Compared, Inputs, Settings, Side, report};
use comptroller_stats::gather::{Gather, Gathered};
use comptroller_stats::grid::Kind;
use comptroller_stats::profile::Role;
use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64;

/// Rows of the current side, and how many comparisons of them.
const SIZES: [(usize, u32); 8] = [
    (50, 400),
    (200, 400),
    (1000, 400),
    (5000, 200),
    (50_000, 100),
    (500_000, 40),
    (2_000_000, 10),
    (10_000_000, 4),
];
/// Rows of the reference, at least.
const REFERENCE: usize = 10_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let largest = words.first().and_then(|word| word.parse().ok()).unwrap_or(10_000_000);
    for (rows, trials) in SIZES.into_iter().filter(|(rows, _)| *rows <= largest) {
        let mut random = Pcg64::new(rows as u128, 0);
        let start = Instant::now();
        let alarms = (0..trials).filter(|_| alarms(&mut random, rows)).count();
        let share = alarms as f64 / f64::from(trials) * 100.0;
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{rows:>10} rows: {alarms:>3} of {trials:>3} reports alarmed ({share:.1} %), {seconds:.1} s"
        );
    }
}

/// Whether the report of two tables of one law says anything.
fn alarms(random: &mut Pcg64, rows: usize) -> bool {
    let before = rows.max(REFERENCE);
    let columns = (0..5).map(|shape| {
        let (reference, kind) = column(random, shape, before);
        let side = Reference::of(&reference, kind);
        let (current, _) = column(random, shape, rows);
        let now = Current::of(&current, &side.grid, None, 8192);
        Compared::of(&format!("c{shape}"), Role::Feature, side, Some(now), rows as u64)
    });
    let side = |rows: usize| Side { name: "stable".to_owned(), rows: rows as u64, is_profile: false };
    let inputs = Inputs {
        columns: columns.collect(),
        reference: side(before),
        current: side(rows),
        ..Inputs::default()
    };
    let found = report(inputs, &Settings::default());
    found.headline.band > Some(Band::Normal) || !found.findings.is_empty()
}

/// A column: normal, skewed, ties, mostly one value, categories.
fn column(random: &mut Pcg64, shape: usize, rows: usize) -> (Gathered, Kind) {
    let mut normal = || -> f64 { StandardNormal.sample(random) };
    let mut numbers = |of: fn(f64) -> f64| Block::of_numbers((0..rows).map(|_| of(normal())).collect());
    let (block, kind) = match shape {
        0 => (numbers(|x| x), Kind::Numeric),
        1 => (numbers(f64::exp), Kind::Numeric),
        2 => (numbers(|x| (x * 4.0).round()), Kind::Numeric),
        3 => (numbers(|x| (x - 1.0).max(0.0)), Kind::Numeric),
        _ => {
            let mut builder = BlockBuilder::default();
            for _ in 0..rows {
                builder.text(["a", "b", "c", "d", "e"][(normal().abs() * 2.0).min(4.0) as usize]);
            }
            (builder.finish(), Kind::Categorical)
        }
    };
    let mut gather = Gather::new(usize::MAX);
    gather.push(&block);
    (gather.finish(), kind)
}
