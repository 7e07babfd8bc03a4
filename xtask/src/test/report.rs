//! What the steps came to: reading the test runners' closing lines, the table, the totals.

use std::fmt::Write;

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The check holds; the text says what was left out of it, if anything.
    Passed(String),
    /// The step ran tests that were counted.
    Tests { passed: u64, failed: u64 },
    /// Not run, for this reason.
    Skipped(String),
    /// It does not hold, or could not be run.
    Failed(String),
}

impl Verdict {
    /// The check holds, with nothing to add.
    pub(crate) fn passed() -> Verdict {
        Verdict::Passed(String::new())
    }
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) seconds: f64,
}

/// The table of all rows, with the total time.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<12} {:<8} {:>9}  {}\n", "step", "result", "seconds", "note");
    for row in rows {
        let (result, note) = match &row.verdict {
            Verdict::Passed(note) => ("ok", note.clone()),
            Verdict::Tests { passed, failed: 0 } => ("ok", format!("{passed} tests")),
            Verdict::Tests { passed, failed } => ("FAILED", format!("{failed} of {} tests", passed + failed)),
            Verdict::Skipped(reason) => ("skipped", reason.clone()),
            Verdict::Failed(reason) => ("FAILED", reason.clone()),
        };
        let note = note.lines().next().unwrap_or_default();
        let line = format!("{:<12} {result:<8} {:>9.1}  {note}", row.name, row.seconds);
        let _infallible = writeln!(text, "{}", line.trim_end());
    }
    let total: f64 = rows.iter().map(|row| row.seconds).sum();
    let _infallible = writeln!(text, "{:<12} {:<8} {total:>9.1}", "all", "");
    text
}

/// (passed, failed): every counted test, and each other step as one.
pub(crate) fn totals(rows: &[Row]) -> (u64, u64) {
    let mut totals = (0, 0);
    for row in rows {
        match row.verdict {
            Verdict::Passed(_) => totals.0 += 1,
            Verdict::Tests { passed, failed } => {
                totals.0 += passed;
                totals.1 += failed;
            }
            Verdict::Skipped(_) => {}
            Verdict::Failed(_) => totals.1 += 1,
        }
    }
    totals
}

/// Adds up the closing lines of cargo test (`test result: ...`), nextest (`Summary ... tests run: ...`) and plain
/// ones (`N passed, N failed`); nothing when there is no such line. Where there is a summary of nextest, only it counts:
/// what failed is shown with the closing line of its own process.
pub(crate) fn count_tests(output: &str) -> Option<(u64, u64)> {
    let summary = |line: &str| line.trim_start().starts_with("Summary [");
    let has_summary = output.lines().any(summary);
    let mut found = false;
    let (mut passed, mut failed) = (0, 0);
    for line in output.lines().filter(|line| !has_summary || summary(line)) {
        let line = line.trim();
        let counts = if let Some((_, counts)) = line.split_once("test result: ") {
            counts.split_once(". ").map_or(counts, |(_, counts)| counts)
        } else if line.starts_with("Summary ")
            && let Some((_, counts)) = line.split_once(" run: ")
        {
            counts
        } else if line.ends_with(" failed") && line.starts_with(|c: char| c.is_ascii_digit()) {
            line
        } else {
            continue;
        };
        found = true;
        for part in counts.split([',', ';']) {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => passed += number,
                Some("failed" | "timed" | "exec") => failed += number,
                _ => {}
            }
        }
    }
    found.then_some((passed, failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_closing_lines_are_added_up() {
        let cargo = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
                     test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(count_tests(cargo), Some((13, 2)));
        let nextest =
            "     Summary [   0.005s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 3 skipped\n";
        assert_eq!(count_tests(nextest), Some((6, 3)));
        let failing = format!("test result: FAILED. 0 passed; 1 failed; 0 ignored\n{nextest}");
        assert_eq!(count_tests(&failing), count_tests(nextest));
        assert_eq!(count_tests("ok a\n33 passed, 1 failed\n"), Some((33, 1)));
        assert_eq!(count_tests("compiling\nerror: 3 things failed\n"), None);
    }

    #[test]
    fn totals_count_tests_and_other_steps() {
        let row = |verdict| Row { name: "x", verdict, seconds: 1.0 };
        let rows = [
            row(Verdict::passed()),
            row(Verdict::Tests { passed: 5, failed: 1 }),
            row(Verdict::Skipped("later".to_owned())),
            row(Verdict::Failed("broken\nlong".to_owned())),
        ];
        assert_eq!(totals(&rows), (6, 2));
        let table = table(&rows);
        assert!(
            table.contains("FAILED") && table.contains("1 of 6 tests") && table.contains("later"),
            "{table}"
        );
        assert!(!table.contains("long") && table.contains("4.0"), "{table}");
    }
}
