//! `comptroller drift` on what is more than numbers and categories: vectors, texts, times, several classes, and rows whose
//! labels have not come yet.

use crate::support::run;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use tempfile::TempDir;

/// Numbers that are the same in every run, within 0..1.
fn draw(seed: u64, row: u64) -> f64 {
    let mut x = (seed << 32 | row).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from(((x ^ (x >> 31)) >> 40) as u32) / f64::from(1_u32 << 24)
}

/// Nearly normal, of deviation 1.
fn normal(seed: u64, row: u64) -> f64 {
    (0..12).map(|part| draw(seed * 16 + part, row)).sum::<f64>() - 6.0
}

const WORDS: [&str; 12] = [
    "card", "payment", "refused", "account", "please", "help", "twice", "today", "money", "transfer", "the",
    "my",
];

/// A line of JSON for each row of messages: when, text, its vector, and a number.
fn messages(seed: u64, rows: u64, change: impl Fn(u64, &mut Value)) -> String {
    let mut text = String::new();
    for row in 0..rows {
        let count = 4 + (draw(seed, row) * 9.0) as u64;
        let words: Vec<&str> =
            (0..count).map(|at| WORDS[(draw(seed + 100 + at, row) * 12.0) as usize]).collect();
        let vector: Vec<f64> = (0..6).map(|at| normal(seed + 200 + at, row)).collect();
        let (day, minute) = (1 + row * 28 / rows, (draw(seed + 300, row) * 1440.0) as u64);
        let mut line = json!({
            "created_at": format!("2026-06-{day:02}T{:02}:{:02}:00Z", minute / 60, minute % 60),
            "message": format!("{} {}.", words.join(" "), seed * 1_000_000 + row),
            "embedding": vector,
            "amount": normal(seed + 400, row),
        });
        change(row, &mut line);
        let _ = writeln!(text, "{line}");
    }
    text
}

fn folder(current: impl Fn(u64, &mut Value)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("before.ndjson"), messages(1, 3000, |_, _| {})).unwrap();
    std::fs::write(folder.path().join("now.ndjson"), messages(2, 1500, current)).unwrap();
    folder
}

fn report(folder: &Path) -> Value {
    run(folder, &["drift", "before.ndjson", "now.ndjson", "--format", "json"]).json()
}

fn column<'a>(report: &'a Value, name: &str) -> &'a Value {
    let columns = report["columns"].as_array().unwrap();
    columns.iter().find(|column| column["name"] == name).unwrap_or_else(|| panic!("no {name} in {columns:?}"))
}

#[test]
fn stable_texts_vectors_and_times_are_normal() {
    let folder = folder(|_, _| {});
    let report = report(folder.path());
    assert_eq!(report["headline"]["band"], "normal", "{}", report["headline"]);
    let role = |name: &str| {
        let roles = report["roles"].as_array().unwrap();
        roles.iter().find(|role| role["column"] == name).unwrap()["role"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        [role("created_at"), role("message"), role("embedding"), role("amount")],
        ["time", "text", "embedding", "feature"]
    );
    for name in
        ["message: length", "message: words", "message: signs", "message: unknown words", "message: script"]
    {
        assert!((column(&report, name)["weight"].as_f64().unwrap() - 0.2).abs() < 1e-12, "{name}");
    }
    assert_eq!(column(&report, "created_at: weekday")["weight"], 0.0, "the calendar decides nothing");
    let embedding = &report["embeddings"][0];
    assert_eq!((&embedding["column"], &embedding["dims"]), (&json!("embedding"), &json!(6)));
    assert!((embedding["classifier"][0].as_f64().unwrap() - 0.5).abs() < 0.08, "{embedding}");
    assert!(report["onset"].is_null());
    let junit = run(folder.path(), &["drift", "before.ndjson", "now.ndjson", "--format", "junit"]).stdout;
    assert!(junit.contains("failures=\"0\""), "no column of the calendar fails: {junit}");
    let text = run(folder.path(), &["drift", "before.ndjson", "now.ndjson"]).stdout;
    assert!(text.contains("vectors embedding: 6 numbers; cosine distance"), "{text}");
    assert!(text.contains("the reference is from 2026-06-01T"), "{text}");
}

#[test]
fn another_model_of_embeddings_and_another_language_are_found() {
    let folder = folder(|_, line| {
        for number in line["embedding"].as_array_mut().unwrap() {
            *number = json!(number.as_f64().unwrap() + 0.8);
        }
        line["message"] = json!("не могу оплатить картой, помогите пожалуйста прошу");
    });
    let report = report(folder.path());
    let embedding = &report["embeddings"][0];
    assert!(embedding["classifier"][0].as_f64().unwrap() > 0.85, "{embedding}");
    assert!(
        embedding["discrepancy"]["p"].as_f64().unwrap() < 1e-6 && embedding["drifted"] == 6,
        "{embedding}"
    );
    assert!(column(&report, "embedding")["coefficient"].as_f64().unwrap() > 0.5);
    assert!(column(&report, "message: script")["v"].as_f64().unwrap() > 0.99);
    assert!(column(&report, "message: unknown words")["coefficient"].as_f64().unwrap() > 0.9);
    let page = run(
        folder.path(),
        &["drift", "before.ndjson", "now.ndjson", "--html", "r.html", "--format", "markdown"],
    );
    assert!(page.stdout.contains("| Vectors | Numbers |"), "{}", page.stdout);
    let page = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(page.contains("<h2 id=\"h-v\">Vectors</h2>") && page.contains("6 of 6 differ"), "{page}");
}

#[test]
fn a_drift_is_dated_within_the_current_rows() {
    // Rows are written in the order of time; the fault begins on day 17 of 28.
    let folder = folder(|row, line| {
        if row >= 857 {
            line["amount"] = json!(line["amount"].as_f64().unwrap() + 1.5);
        }
    });
    let report = report(folder.path());
    let onset = &report["onset"];
    assert_eq!(
        (&onset["column"], &onset["detector"]),
        (&json!("amount"), &json!("page-hinkley")),
        "{report}"
    );
    assert!(onset["time"].as_str().unwrap().starts_with("2026-06-1"), "{onset}");
    assert!((onset["before"].as_f64().unwrap() - 857.0 / 1500.0).abs() < 0.04, "{onset}");
    let text = run(folder.path(), &["drift", "before.ndjson", "now.ndjson", "--time", "created_at"]).stdout;
    assert!(
        text.contains("since") && text.contains("of the rows came before (page-hinkley on amount)"),
        "{text}"
    );
}

/// The inputs stay as they are; from the 1,200th of 2,000 rows on, the outcome is the opposite.
#[test]
fn concept_drift_is_dated_by_the_errors_of_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let table = |seed: u64, rows: u64, flipped_from: u64| {
        let mut text = String::from("created_at,x,decision,label\n");
        for row in 0..rows {
            let x = normal(seed, row);
            let came = u8::from(draw(seed + 50, row) < 1.0 / (1.0 + (-2.0 * x).exp()));
            let came = if row >= flipped_from { 1 - came } else { came };
            let (day, decision) = (1 + row * 28 / rows, u8::from(x > 0.0));
            let _ = writeln!(text, "2026-06-{day:02}T00:{:02}:00Z,{x:.4},{decision},{came}", row % 60);
        }
        text
    };
    std::fs::write(folder.path().join("before.csv"), table(1, 6000, u64::MAX)).unwrap();
    std::fs::write(folder.path().join("now.csv"), table(2, 2000, 1200)).unwrap();
    let report = run(folder.path(), &["drift", "before.csv", "now.csv", "--format", "json"]).json();
    assert_eq!(report["findings"][0]["kind"], "concept-drift", "{}", report["findings"]);
    let onset = &report["onset"];
    assert_eq!(onset["column"], "wrong decisions", "{report}");
    assert!((onset["before"].as_f64().unwrap() - 0.6).abs() < 0.03, "{onset}");
}

#[test]
fn a_profile_of_vectors_stands_for_them() {
    let folder = folder(|_, line| {
        for number in line["embedding"].as_array_mut().unwrap() {
            *number = json!(number.as_f64().unwrap() + 2.0);
        }
    });
    let made = run(folder.path(), &["profile", "before.ndjson", "--out", "before.json"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let now = run(folder.path(), &["profile", "now.ndjson", "--grid", "before.json", "--out", "now.json"]);
    assert_eq!(now.code, Some(0), "{now:?}");
    let of =
        |current: &str| run(folder.path(), &["drift", "before.json", current, "--format", "json"]).json();
    let (data, stored) = (of("now.ndjson"), of("now.json"));
    assert_eq!(data["embeddings"][0], stored["embeddings"][0]);
    assert_eq!(stored["embeddings"][0]["cosine"], report(folder.path())["embeddings"][0]["cosine"]);
    assert!(stored["embeddings"][0]["classifier"][0].as_f64().unwrap() > 0.9, "{}", stored["embeddings"][0]);
    assert!(
        data["notes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|note| note.as_str().unwrap().contains("keeps no texts"))
    );
}

/// Loans of three classes, a score for each.
fn classes(seed: u64, rows: u64, has_labels: bool) -> String {
    let mut text = String::from("x,p_low,p_mid,p_high,decision");
    text.push_str(if has_labels { ",label\n" } else { "\n" });
    for row in 0..rows {
        let x = normal(seed, row);
        let weights = [(-1.5 * x).exp(), 2.0, (1.5 * x).exp()];
        let sum: f64 = weights.iter().sum();
        let chances = weights.map(|weight| weight / sum);
        let names = ["low", "mid", "high"];
        let most = (0..3).max_by(|a, b| chances[*a].total_cmp(&chances[*b])).unwrap();
        let fate = draw(seed + 50, row);
        let came = if fate < chances[0] {
            0
        } else if fate < chances[0] + chances[1] {
            1
        } else {
            2
        };
        let _ = write!(text, "{x:.4},{:.4},{:.4},{:.4},{}", chances[0], chances[1], chances[2], names[most]);
        text.push_str(&if has_labels { format!(",{}\n", names[came]) } else { "\n".to_owned() });
    }
    text
}

#[test]
fn performance_is_estimated_before_labels_come_and_from_profiles_too() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("before.csv", classes(1, 6000, true));
    write("now.csv", classes(2, 2000, false));
    write("later.csv", classes(2, 2000, true));
    let scores = ["--score", "p_low,p_mid,p_high"];
    let of = |words: &[&str]| {
        let all: Vec<&str> = ["drift"].iter().chain(words).chain(&["--format", "json"]).copied().collect();
        run(folder.path(), &all).json()
    };
    let early = of(&["before.csv", "now.csv", scores[0], scores[1]]);
    let expected = &early["performance"]["expected"];
    assert!(expected["assumption"].as_str().unwrap().contains("no concept drift"), "{early}");
    let late = of(&["before.csv", "later.csv", scores[0], scores[1]]);
    let measures = expected["measures"].as_array().unwrap();
    assert_eq!(measures.len(), 5, "{expected}");
    for measure in measures {
        let truth = late["performance"][measure["measure"].as_str().unwrap()][1].as_f64().unwrap();
        let end = |name: &str| measure[name].as_f64().unwrap();
        assert!(end("lower") <= truth && truth <= end("upper"), "{measure} {truth}");
    }
    let text = run(folder.path(), &["drift", "before.csv", "now.csv", scores[0], scores[1]]).stdout;
    assert!(text.contains("ESTIMATED") && text.contains("no concept drift"), "{text}");
    // The same from counters alone, made where nobody has the labels.
    let profile = |words: &[&str]| assert_eq!(run(folder.path(), words).code, Some(0), "{words:?}");
    profile(&["profile", "before.csv", "--out", "before.json", scores[0], scores[1]]);
    profile(&["profile", "now.csv", "--grid", "before.json", "--out", "now.json"]);
    assert_eq!(of(&["before.json", "now.json"])["performance"]["expected"], *expected);
}
