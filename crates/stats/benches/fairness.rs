//! Speed of the fairness engine: counting and comparing a million rows, resampling cells, betting row by row.
//!
//! `cargo bench -p comptroller-stats --bench fairness -- [ROWS]`; prints numbers, asserts none. The reference library on
//! the same columns: `benches/peers/fairness.py`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program")]

use comptroller_stats::fairness::betting::Watch;
use comptroller_stats::fairness::input::{Attribute, Columns};
use comptroller_stats::fairness::settings::{Bootstrap, Settings};
use comptroller_stats::fairness::{audit, report::Report};
use std::time::Instant;

const GROUPS: u32 = 10;
const RUNS: usize = 9;
const REPLICATES: u32 = 1000;

/// Columns of a stated number of rows; the same arithmetic as in `benches/peers/fairness.py`.
struct Rows {
    labels: Vec<u8>,
    predictions: Vec<u8>,
    scores: Vec<f64>,
    weights: Vec<f64>,
    attributes: Vec<Attribute>,
}

impl Rows {
    fn of(count: u32) -> Self {
        let mut state = 42_u64;
        // Knuth's MMIX generator; the upper 32 bits are used.
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        let mut rows =
            Self { labels: vec![], predictions: vec![], scores: vec![], weights: vec![], attributes: vec![] };
        let mut codes = Vec::new();
        for _ in 0..count {
            let group = next() % GROUPS;
            let label = next() % 100 < 30 + 2 * group;
            let score = f64::from(next() % 700 + 300 * u32::from(label)) / 1000.0;
            codes.push(group);
            rows.labels.push(u8::from(label));
            rows.predictions.push(u8::from(score >= 0.5));
            rows.scores.push(score);
            rows.weights.push(f64::from(next() % 3 + 1));
        }
        let levels = (0..GROUPS).map(|group| format!("g{group}")).collect();
        rows.attributes.push(Attribute { name: "group".to_owned(), levels, codes });
        rows
    }

    fn columns(&self, scores: bool, weights: bool) -> Columns<'_> {
        Columns {
            predictions: &self.predictions,
            labels: Some(&self.labels),
            scores: scores.then_some(self.scores.as_slice()),
            weights: weights.then_some(self.weights.as_slice()),
            attributes: &self.attributes,
            strata: &[],
        }
    }
}

/// Milliseconds of several runs: the median, the fastest and the slowest.
fn measure(name: &str, mut run: impl FnMut() -> Report) -> f64 {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        let report = run();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        assert!(report.rows.total > 0);
    }
    times.sort_by(f64::total_cmp);
    let median = times[RUNS / 2];
    println!("{name:<56} {median:>9.2} ms   ({:.2} to {:.2})", times[0], times[RUNS - 1]);
    median
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test` runs benches too; there it only has to build.
    if !words.iter().any(|word| word == "--bench") {
        return;
    }
    let count = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1_000_000_u32);
    let rows = Rows::of(count);
    let plain = Settings { bootstrap: None, ..Settings::default() };
    let resampled =
        Settings { bootstrap: Some(Bootstrap { replicates: REPLICATES, seed: 1 }), ..Settings::default() };
    println!("{count} rows, {GROUPS} groups, one thread; median of {RUNS} runs");
    let audit_of = |columns: &Columns<'_>, settings: &Settings| audit(columns, settings).unwrap();
    let without =
        measure("count metrics, all gaps and intervals", || audit_of(&rows.columns(false, false), &plain));
    measure("the same with weights", || audit_of(&rows.columns(false, true), &plain));
    let with = measure(&format!("the same and {REPLICATES} bootstrap replicates"), || {
        audit_of(&rows.columns(false, false), &resampled)
    });
    println!("{:<56} {:>9.2} ms", format!("{REPLICATES} replicates alone"), with - without);
    let few = Rows::of(count.min(30_000));
    let small = measure("30,000 rows: count metrics", || audit_of(&few.columns(false, false), &plain));
    let small_with =
        measure("30,000 rows: and the bootstrap", || audit_of(&few.columns(false, false), &resampled));
    println!("{:<56} {:>9.2} ms", format!("{REPLICATES} replicates alone"), small_with - small);
    measure("with scores: AUC, calibration, medians", || audit_of(&rows.columns(true, false), &plain));
    bet(&rows);
}

fn bet(rows: &Rows) {
    let start = Instant::now();
    let mut watch = Watch::new(GROUPS as usize, 0.05, 0.05).unwrap();
    for (group, prediction) in rows.attributes[0].codes.iter().zip(&rows.predictions) {
        watch.add(*group as usize, f64::from(*prediction)).unwrap();
    }
    let seconds = start.elapsed().as_secs_f64();
    let each = seconds * 1e9 / f64::from(u32::try_from(rows.predictions.len()).unwrap());
    println!("betting on 45 pairs: {each:.0} ns a row, alarm {}", watch.alarms());
}
