//! `comptroller fairness`, alone: verdicts, formats, exit codes, joins, and what is said of bad input.

use crate::support::{Ended, run};
use std::fmt::Write as _;
use std::path::Path;
use tempfile::TempDir;

/// Decisions on two groups: half of each is qualified, and of a hundred qualified ones so many are hired.
fn folder(rows: usize, hired: [usize; 2]) -> TempDir {
    let mut text = String::from("id,sex,town,qualified,hired,score\n");
    for row in 0..rows {
        for (group, percent) in [("f", hired[0]), ("m", hired[1])] {
            let qualified = row % 2 == 0;
            let is_hired = qualified && row / 2 % 100 < percent;
            let score = if is_hired { 0.9 } else { 0.2 };
            let town = ["north", "south"][row / 2 % 2];
            let (yes, label) = (if is_hired { "yes" } else { "no" }, u8::from(qualified));
            let _ = writeln!(text, "{row}{group},{group},{town},{label},{yes},{score}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.csv"), text).unwrap();
    folder
}

fn fairness(folder: &Path, words: &[&str]) -> Ended {
    let mut all = vec!["fairness", "jobs.csv", "--by", "sex", "--prediction", "hired", "--positive", "yes"];
    all.extend(words);
    run(folder, &all)
}

#[test]
fn a_gap_fails_ends_with_2_and_is_shown_in_every_format() {
    let folder = folder(2000, [30, 60]);
    let ended = fairness(folder.path(), &["--fail-on", "fail", "--html", "report.html"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    insta::assert_snapshot!("fairness_fail", ended.stdout);
    assert_eq!(fairness(folder.path(), &[]).code, Some(0), "without --fail-on the verdict is only shown");
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("<strong>fail</strong>") && page.contains("sex=f"), "the page holds the verdict");
    let json = fairness(folder.path(), &["--format", "json"]).json();
    assert_eq!(json["report"]["verdicts"][0]["state"], "fail");
    let impact = &json["report"]["families"][0]["impact_ratio"];
    assert!((impact["ratio"]["value"]["value"].as_f64().unwrap() - 0.5).abs() < 1e-9, "{impact}");
    let junit = fairness(folder.path(), &["--format", "junit"]);
    assert!(junit.stdout.contains("failures=\"1\""), "{junit:?}");
    let markdown = fairness(folder.path(), &["--format", "markdown"]);
    assert!(markdown.stdout.contains("| **fail** |"), "{markdown:?}");
}

#[test]
fn equal_groups_pass_and_too_few_rows_do_not() {
    let many = folder(8000, [50, 50]);
    assert_eq!(fairness(many.path(), &["--fail-on", "inconclusive"]).code, Some(0));
    let few = folder(10, [50, 50]);
    let ended = fairness(few.path(), &["--fail-on", "fail"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("insufficient evidence"), "{ended:?}");
    let between = folder(200, [50, 50]);
    assert_eq!(fairness(between.path(), &["--fail-on", "fail"]).code, Some(0));
    assert_eq!(fairness(between.path(), &["--fail-on", "inconclusive"]).code, Some(2));
}

#[test]
fn strata_thresholds_references_and_a_score_in_place_of_a_decision() {
    let folder = folder(2000, [30, 60]);
    let words = [
        "fairness",
        "jobs.csv",
        "--by",
        "sex",
        "--score",
        "score",
        "--within",
        "town",
        "--reference",
        "sex=m",
        "--threshold",
        "demographic-parity-difference=0.05",
        "--threshold",
        "scoring_ratio=0.8",
        "--format",
        "json",
    ];
    let json = run(folder.path(), &words).json();
    let verdicts = json["report"]["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), 6, "two criteria, over all and in two towns");
    assert!(verdicts.iter().all(|verdict| verdict["state"] == "fail"), "{verdicts:?}");
    assert_eq!(verdicts[2]["stratum"][0]["value"], "north");
    assert_eq!(json["report"]["families"][0]["metrics"][0]["reference"], 1);
}

#[test]
fn labels_of_another_file_are_joined_by_their_key() {
    let folder = folder(500, [50, 50]);
    let labels: Vec<String> = (0..400).map(|row| format!("{row}f,{}\n{row}m,1\n", row % 2)).collect();
    std::fs::write(folder.path().join("later.csv"), format!("id,outcome\n{}", labels.concat())).unwrap();
    let words = ["--join", "later.csv", "--on", "id", "--label", "outcome", "--format", "json"];
    let json = fairness(folder.path(), &words).json();
    assert_eq!(json["report"]["rows"]["without_label"], 0, "labels may be 0 and 1 where decisions are words");
    let mut all = vec!["fairness", "jobs.csv", "--by", "sex", "--score", "score"];
    all.extend(words);
    let json = run(folder.path(), &all).json();
    assert_eq!(
        (json["unmatched"].as_u64(), json["report"]["rows"]["total"].as_u64()),
        (Some(200), Some(800))
    );
    std::fs::write(folder.path().join("later.csv"), "id,outcome\n1f,1\n2f,0\n1f,0\n").unwrap();
    let twice = run(folder.path(), &all);
    assert!(twice.stderr.contains("rows 1 and 3 of later.csv have the same `id`"), "{twice:?}");
    std::fs::write(folder.path().join("later.csv"), "id,outcome\nnobody,1\n").unwrap();
    let nobody = run(folder.path(), &all);
    assert!(nobody.stderr.contains("no row has a partner in later.csv by `id`"), "{nobody:?}");
}

#[test]
fn bad_input_is_refused_with_its_place_and_a_remedy() {
    let folder = folder(150, [50, 50]);
    let cases: [(&[&str], &str); 9] = [
        (&["--label", "lable"], "jobs.csv has no column \"lable\"; it has id, sex, town"),
        (&["--positive", "Yes"], "no row of `hired` holds \"Yes\""),
        (&["--weight", "town"], "row 1 of `town` holds the text \"north\" where a number belongs"),
        (&["--within", "sex"], "the column \"sex\" is named twice"),
        (&["--threshold", "parity=0.8"], "--threshold parity: there is no such measure"),
        (&["--threshold", "impact_ratio=8"], "the bound of a criterion is 8, it must be 0 to 1"),
        (&["--reference", "male"], "\"male\" is no rule and no COLUMN=VALUE"),
        (&["--confidence", "95"], "confidence is 95, it must be above 0.5 and below 1"),
        (&["--by", "id"], "`id` has more than 200 different values and makes no groups"),
    ];
    for (words, expected) in cases {
        let mut all = vec!["fairness", "jobs.csv", "--prediction", "hired"];
        if !words.contains(&"--positive") {
            all.extend(["--positive", "yes"]);
        }
        if !words.contains(&"--by") {
            all.extend(["--by", "sex"]);
        }
        all.extend(words);
        let ended = run(folder.path(), &all);
        // The cheap refusals of the arguments themselves come first.
        assert_eq!(ended.code, Some(5), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("\n  do: "), "{words:?}: {}", ended.stderr);
    }
}

#[test]
fn the_examples_own_decisions_are_audited_where_they_lie() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let words = [
        "fairness",
        "examples/employment/predictions/v1/2016.parquet",
        "--join",
        "examples/employment/data/2016.parquet",
        "--on",
        "id",
        "--by",
        "sex,race",
        "--prediction",
        "decision",
        "--label",
        "employed",
        "--score",
        "score",
        "--format",
        "json",
    ];
    let json = run(&root, &words).json();
    let report = &json["report"];
    assert_eq!(report["rows"]["total"], 69_126);
    assert_eq!(report["families"].as_array().unwrap().len(), 3);
    // A combination with few people is never called fair.
    let both = &report["verdicts"][2];
    assert_ne!(both["state"], "pass", "{both}");
}

#[test]
fn gaps_of_numbers_and_of_rankings_are_shown_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut wages, mut found) =
        (String::from("sex,wage,estimate\n"), String::from("search,sex,points,useful\n"));
    for row in 0..600_u32 {
        let (sex, off) = if row % 2 == 0 { ("f", -2.0) } else { ("m", 0.0) };
        let wage = f64::from(20 + row % 17);
        let _ = writeln!(wages, "{sex},{wage},{}", wage + off + f64::from(row % 3) - 1.0);
        // Of three that are found, the woman stands second.
        let (sex, place) = [("m", 0), ("f", 1), ("m", 2)][(row % 3) as usize];
        let _ = writeln!(found, "s{},{sex},{},{}", row / 3, 10 - place, 1 + place % 2);
    }
    std::fs::write(folder.path().join("wages.csv"), wages).unwrap();
    std::fs::write(folder.path().join("found.csv"), found).unwrap();
    let wages = ["fairness", "wages.csv", "--by", "sex", "--task", "regression", "--prediction", "estimate"];
    let ask = |words: &[&str]| run(folder.path(), &[&wages[..], words].concat());
    let bound = ["--label", "wage", "--threshold", "mean-error-difference=1", "--fail-on", "fail"];
    let ended = ask(&bound);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    insta::assert_snapshot!("fairness_regression", ended.stdout);
    let json = ask(&["--label", "wage", "--format", "json"]).json();
    let gap = json["families"][0]["gaps"][0]["largest"]["value"]["value"].as_f64().unwrap();
    assert!((gap - 2.0).abs() < 1e-9, "{json}");
    let ranked = ["fairness", "found.csv", "--by", "sex", "--task", "ranking", "--score", "points"];
    let ended = run(folder.path(), &[&ranked[..], &["--query", "search", "--label", "useful"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    insta::assert_snapshot!("fairness_ranking", ended.stdout);

    for (words, expected) in [
        (&["--threshold", "impact_ratio=0.8"][..], "there is no such gap"),
        (&[][..], "only beside labels"),
        (&["--label", "wage", "--query", "sex"][..], "a regression is made of --prediction and --label"),
        (&["--label", "wage", "--html", "x.html"][..], "made of decisions alone"),
        (&["--label", "wage", "--threshold", "mean_error_difference=-1"][..], "it must be 0 or more"),
    ] {
        let ended = ask(words);
        assert_eq!(ended.code, Some(5), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{words:?}: {}", ended.stderr);
    }
    let ended = run(folder.path(), &ranked);
    assert!(ended.code == Some(5) && ended.stderr.contains("--score and --query"), "{ended:?}");
}

#[test]
fn every_class_is_audited_against_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("sex,grade,truth\n");
    for row in 0..3_000_u32 {
        let sex = ["f", "m"][(row % 2) as usize];
        // Women get the best grade half as often.
        let best = row / 2 % 10 < if sex == "f" { 2 } else { 4 };
        let grade = if best { "a" } else { ["b", "c"][(row / 2 % 2) as usize] };
        let _ = writeln!(text, "{sex},{grade},{}", ["a", "b", "c"][(row % 3) as usize]);
    }
    std::fs::write(folder.path().join("grades.csv"), text).unwrap();
    let all = ["fairness", "grades.csv", "--by", "sex", "--task", "classes", "--prediction", "grade"];
    let ask = |words: &[&str]| run(folder.path(), &[&all[..], words].concat());
    let ended = ask(&["--label", "truth", "--fail-on", "fail"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stdout.contains("class a: grades.csv") && ended.stdout.contains("class c: "), "{ended:?}");
    let json = ask(&["--format", "json"]).json();
    assert_eq!(json.as_array().map(Vec::len), Some(3));
    assert_eq!(json[0]["class"], "a");
    assert_eq!(json[0]["examined"]["report"]["verdicts"][0]["state"], "fail");
    let ended = ask(&["--positive", "a"]);
    assert!(
        ended.code == Some(5) && ended.stderr.contains("each is the favourable one in turn"),
        "{ended:?}"
    );
}
