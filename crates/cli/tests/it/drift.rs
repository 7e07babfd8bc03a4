//! `comptroller drift` and `comptroller profile`, alone: verdicts, formats, exit codes, and what is said of bad files.

use crate::support::{Ended, run};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use tempfile::TempDir;

/// Numbers that are the same in every run, within 0..1.
fn draw(seed: u64, row: u64) -> f64 {
    let mut x = (seed << 32 | row).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from((x >> 40) as u32) / f64::from(1_u32 << 24)
}

/// What happens to a row between the world and the file.
type Change = fn(&mut Row);

struct Row {
    age: String,
    income: String,
    town: &'static str,
    score: f64,
    label: String,
}

/// A table of loans: a row number, three features, a score, and what came true.
fn table(seed: u64, rows: u64, change: Change) -> String {
    let mut text = String::from("id,age,income,town,score,label\n");
    for row in 0..rows {
        let [years, wealth, luck, place, fate] = [0, 1, 2, 3, 4].map(|part| draw(seed * 8 + part, row));
        let age = 18.0 + 60.0 * years * wealth;
        let income = (7.0 + 2.0 * wealth + luck).exp();
        let chance = 1.0 / (1.0 + (4.0 - income.ln() / 2.0 - age / 100.0).exp());
        let mut row_now = Row {
            age: format!("{age:.1}"),
            income: format!("{income:.2}"),
            town: ["north", "south", "west"][(place * 3.0) as usize],
            score: chance,
            label: u8::from(fate < chance).to_string(),
        };
        change(&mut row_now);
        let Row { age, income, town, score, label } = row_now;
        let _ = writeln!(text, "{row},{age},{income},{town},{score:.4},{label}");
    }
    text
}

fn folder(current: Change) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("before.csv"), table(1, 4000, |_| {})).unwrap();
    std::fs::write(folder.path().join("now.csv"), table(2, 2000, current)).unwrap();
    folder
}

fn drift(folder: &Path, words: &[&str]) -> Ended {
    let mut all = vec!["drift", "before.csv", "now.csv"];
    all.extend(words);
    run(folder, &all)
}

fn json(folder: &Path) -> Value {
    drift(folder, &["--format", "json"]).json()
}

fn column<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}

#[test]
fn stable_files_are_normal_and_show_what_was_taken_for_what() {
    let folder = folder(|_| {});
    let ended = drift(folder.path(), &["--fail-on", "watch"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    insta::assert_snapshot!("drift_stable", ended.stdout);
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_change_of_unit_is_named_and_ends_with_two() {
    let folder = folder(|row| row.income = format!("{:.5}", row.income.parse::<f64>().unwrap() / 1000.0));
    let ended = drift(folder.path(), &["--fail-on", "investigate", "--html", "report.html"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    insta::assert_snapshot!("drift_unit_change", ended.stdout);
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("unit change: current = 0.001 x reference") && page.contains("<svg"), "{page}");
    let junit = drift(folder.path(), &["--format", "junit"]);
    assert!(junit.stdout.contains("name=\"column income\" time=\"0\">\n      <failure"), "{junit:?}");
    let markdown = drift(folder.path(), &["--format", "markdown"]);
    assert!(markdown.stdout.starts_with("## ❌ Drift"), "{markdown:?}");
}

#[test]
fn contributions_add_to_one_and_the_report_says_by_which_rules() {
    let folder = folder(|row| {
        row.town = if row.town == "west" { "east" } else { row.town };
        if row.score > 0.6 {
            row.age.clear();
        }
    });
    let report = json(folder.path());
    let columns = report["columns"].as_array().unwrap();
    let sum: f64 = columns.iter().map(|column| column["contribution"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert_eq!(column(&report, "town")["causes"][0]["code"], "new-categories");
    assert_eq!(column(&report, "age")["causes"][0]["code"], "missing-values");
    assert_eq!(report["findings"][0]["kind"], "pipeline-fault");
    assert!(report["method"]["definitions"].as_array().unwrap().len() > 8);
    let role = |name: &str| {
        let roles = report["roles"].as_array().unwrap();
        roles.iter().find(|role| role["column"] == name).unwrap()["role"].as_str().unwrap().to_owned()
    };
    assert_eq!([role("id"), role("score"), role("label"), role("age")], ["id", "score", "label", "feature"]);
}

#[test]
fn labels_tell_concept_drift_from_data_drift() {
    let folder = folder(|row| {
        if row.score > 0.5 {
            row.label = "0".to_owned();
        }
    });
    let report = json(folder.path());
    assert_eq!(report["findings"][0]["kind"], "concept-drift", "{}", report["findings"]);
    assert_eq!(report["headline"]["pillar"], "performance", "{}", report["headline"]);
}

#[test]
fn a_profile_stands_for_the_data() {
    let folder = folder(|row| row.town = "north");
    let made = run(folder.path(), &["profile", "before.csv", "--out", "before.json"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.stdout.starts_with("4000 rows, 5 of 6 columns: before.json ("), "{made:?}");
    let again = run(folder.path(), &["profile", "before.csv", "--out", "again.json"]);
    assert_eq!(again.code, Some(0));
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("before.json"), read("again.json"), "the same bytes");
    let from_profile = run(folder.path(), &["drift", "before.json", "now.csv", "--format", "json"]).json();
    let from_data = json(folder.path());
    for name in ["age", "income", "town", "score"] {
        assert_eq!(column(&from_profile, name)["v"], column(&from_data, name)["v"], "{name}");
    }
    assert_eq!(from_profile["headline"], from_data["headline"]);
    assert_eq!(from_profile["performance"], from_data["performance"]);
}

#[test]
fn profiles_of_parts_merge_to_the_same_bytes_and_stand_on_both_sides() {
    let folder = folder(|row| row.town = "north");
    let at = |name: &str| folder.path().join(name);
    let all = std::fs::read_to_string(at("now.csv")).unwrap();
    let (head, rows) = all.split_once('\n').unwrap();
    let lines: Vec<&str> = rows.lines().collect();
    std::fs::write(at("a.csv"), format!("{head}\n{}\n", lines[..700].join("\n"))).unwrap();
    std::fs::write(at("b.csv"), format!("{head}\n{}\n", lines[700..].join("\n"))).unwrap();
    let profile = |words: &[&str]| {
        let mut all = vec!["profile"];
        all.extend(words);
        let ended = run(folder.path(), &all);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    };
    profile(&["before.csv", "--out", "grid.json"]);
    for part in ["a", "b", "now"] {
        profile(&[&format!("{part}.csv"), "--grid", "grid.json", "--out", &format!("{part}.json")]);
    }
    profile(&["a.json", "b.json", "--out", "ab.json"]);
    profile(&["b.json", "a.json", "--out", "ba.json"]);
    let read = |name: &str| std::fs::read(at(name)).unwrap();
    assert_eq!(read("ab.json"), read("ba.json"));
    assert_eq!(read("ab.json"), read("now.json"));
    let both = run(folder.path(), &["drift", "grid.json", "ab.json", "--format", "json"]).json();
    assert_eq!(column(&both, "town")["v"], column(&json(folder.path()), "town")["v"]);
    // A profile on bins of its own cannot stand on the current side.
    profile(&["now.csv", "--out", "own.json"]);
    let refused = run(folder.path(), &["drift", "grid.json", "own.json"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.stderr.contains("--grid grid.json"), "{refused:?}");
}

#[test]
fn few_rows_are_no_verdict() {
    let folder = folder(|_| {});
    let short: String = std::fs::read_to_string(folder.path().join("now.csv"))
        .unwrap()
        .lines()
        .take(12)
        .fold(String::new(), |all, line| all + line + "\n");
    std::fs::write(folder.path().join("now.csv"), short).unwrap();
    let ended = drift(folder.path(), &["--fail-on", "rollback"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("not enough evidence"), "{ended:?}");
    assert_eq!(drift(folder.path(), &[]).code, Some(0), "without --fail-on the verdict is only shown");
}

#[test]
fn real_data_of_several_years_is_read_from_parquet_by_pattern_and_folder() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/employment/data");
    let year = |year: &str| data.join(format!("{year}.parquet")).display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let compare = |reference: &str, current: &str| {
        run(folder.path(), &["drift", reference, current, "--label", "employed", "--format", "json"]).json()
    };
    let near = compare(&year("2015"), &year("2016"));
    assert_eq!(near["headline"]["band"], "normal", "{}", near["headline"]);
    let far = compare(&year("2015"), &year("2018"));
    let coefficient = |report: &Value| report["headline"]["coefficient"].as_f64().unwrap();
    assert!(coefficient(&far) > coefficient(&near));
    let all = compare(&year("2015"), &data.join("201[78].parquet").display().to_string());
    assert_eq!(all["current"]["rows"], 69_635 + 70_131);
}

/// What is said of a column that it cannot be is refused, and what it can be is obeyed.
#[test]
fn an_option_that_a_column_contradicts_is_refused() {
    let folder = folder(|_| {});
    for (options, said) in [
        (["--numeric", "town"], "column \"town\" was stated to hold numbers"),
        (["--text", "age"], "column \"age\" was stated to hold free text"),
        (["--embedding", "age"], "column \"age\" was stated to hold vectors"),
        (["--weight", "score=2"], "--weight score: it is no feature"),
    ] {
        let ended = drift(folder.path(), &options);
        assert_ne!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains(said) && ended.stderr.contains("do: "), "{ended:?}");
    }
    let report = drift(folder.path(), &["--text", "town", "--format", "json"]).json();
    let roles = report["roles"].as_array().unwrap();
    let town = roles.iter().find(|role| role["column"] == "town").unwrap();
    assert_eq!(town["role"], "text", "{roles:?}");
}

/// Each bad file: its name, its bytes, and what must be said of it.
#[test]
fn bad_files_are_refused_with_their_name_the_place_and_what_to_do() {
    let folder = folder(|_| {});
    let parquet = std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/employment/data/2016.parquet"),
    )
    .unwrap();
    let good = std::fs::read(folder.path().join("now.csv")).unwrap();
    let with = |bytes: &[u8]| [good.as_slice(), bytes].concat();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty.csv", Vec::new(), "empty.csv: it holds no bytes"),
        ("header.csv", b"id,age,income,town,score,label\n".to_vec(), "header.csv: it holds no rows"),
        ("cut.parquet", parquet[..parquet.len() / 2].to_vec(), "cut.parquet: metadata"),
        ("head.parquet", parquet[4..].to_vec(), "head.parquet: beginning"),
        ("latin.csv", with(b"1,2,3,K\xf6ln,0.5,1\n"), "latin.csv: line 2002, field 4: it is not UTF-8"),
        ("ragged.csv", with(b"1,2,3\n"), "ragged.csv: line 2002: it has 3 fields, the header has 6"),
        ("twice.csv", b"a,a\n1,2\n".to_vec(), "two columns are named \"a\""),
        ("other.csv", b"x,y\n1,2\n".to_vec(), "have no column in common"),
        ("list.json", b"[{\"a\": 1}]\n".to_vec(), "list.json: line 1: a list; write one object on each line"),
        ("broken.ndjson", b"{\"age\": 1}\n{\"age\": \n".to_vec(), "broken.ndjson: line 2"),
        ("what.bin", vec![7; 100], "what.bin: not a file of Parquet"),
        ("huge.csv", [b"age,town\n1,\"".to_vec(), vec![b'x'; 65 << 20]].concat(), "is a quote not closed?"),
    ];
    for (name, bytes, expected) in cases {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let ended = run(folder.path(), &["drift", "before.csv", name]);
        assert_eq!(ended.code, Some(5), "{name}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains("\n  do: "), "{name}: {}", ended.stderr);
    }
    let missing = run(folder.path(), &["drift", "before.csv", "nothing*.csv"]);
    assert_eq!(missing.code, Some(5));
    assert!(missing.stderr.contains("there is no such file"), "{missing:?}");
    let unknown = drift(folder.path(), &["--label", "lable"]);
    assert!(unknown.stderr.contains("before.csv has no column \"lable\""), "{unknown:?}");
    let weight = drift(folder.path(), &["--weight", "incme=2"]);
    assert!(weight.stderr.contains("before.csv has no column \"incme\""), "{weight:?}");
    // What cannot be put in place whole is not put there at all.
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    let taken = drift(folder.path(), &["--html", "taken"]);
    assert!(taken.code != Some(0) && taken.stderr.contains("cannot write taken"), "{taken:?}");
}

#[test]
fn one_column_and_ten_thousand_columns_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let wide = |columns: u64, rows: u64, seed: u64| {
        let names: Vec<String> = (0..columns).map(|at| format!("c{at}")).collect();
        let mut text = names.join(",") + "\n";
        for row in 0..rows {
            let cells: Vec<String> =
                (0..columns).map(|at| format!("{:.3}", draw(seed + at * 2, row) * 100.0)).collect();
            text += &cells.join(",");
            text.push('\n');
        }
        text
    };
    for (columns, rows) in [(1, 3000), (10_000, 60)] {
        std::fs::write(folder.path().join("before.csv"), wide(columns, rows, 0)).unwrap();
        std::fs::write(folder.path().join("now.csv"), wide(columns, rows, 1)).unwrap();
        let ended = drift(folder.path(), &["--html", "report.html"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let page = std::fs::metadata(folder.path().join("report.html")).unwrap().len();
        assert!(page < 4 << 20, "{page} bytes");
    }
}
