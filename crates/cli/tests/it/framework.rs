//! `comptroller framework` and `comptroller risk`, alone: what they print, how they end, and what is said of bad input.

use crate::support::{Ended, run};
use std::path::Path;

fn alone(words: &[&str]) -> Ended {
    run(tempfile::tempdir().unwrap().path(), words)
}

/// Every question answered with no by a person, but for these with yes.
fn facts(folder: &Path, yes: &[&str]) {
    let template = run(folder, &["risk", "questions", "--known", "2026-11-27"]).stdout;
    let mut text = String::from("[stated]\nsource = \"human\"\nby = \"Ada Example\"\non = \"2026-11-20\"\n");
    for line in template.lines() {
        let id = line.strip_prefix('"').and_then(|rest| rest.split('"').next());
        match id {
            Some(id) => {
                let answer = if yes.contains(&id) { "yes" } else { "no" };
                text.push_str(&format!("\"{id}\" = \"{answer}\"\n"));
            }
            None if line == "[answers]" => text.push_str("[answers]\n"),
            None => {}
        }
    }
    std::fs::write(folder.join("facts.toml"), text).unwrap();
}

#[test]
fn frameworks_and_their_rows_are_listed() {
    insta::assert_snapshot!("framework_list", alone(&["framework", "list"]).stdout);
    let words = ["framework", "criteria", "--framework", "soc2", "--as-of", "2026-11-27"];
    insta::assert_snapshot!("framework_criteria", alone(&words).stdout);
    let words = ["framework", "duties", "--framework", "eu-ai-act", "--as-of", "2026-11-27"];
    insta::assert_snapshot!("framework_duties", alone(&words).stdout);
    let words =
        ["framework", "duties", "--framework", "eu-ai-act", "--as-of", "2026-07-26", "--format", "json"];
    let json = alone(&words).json();
    let items = json["items"].as_array().unwrap();
    let logs = items.iter().find(|item| item["id"] == "26.6").unwrap();
    assert_eq!(logs["applies"][0]["valid_from"], "2026-08-02", "as known before the amendment");
    assert_eq!(logs["limit"]["amount"], 6);
    assert_eq!(logs["related"][0]["to"], "iso-42001:A.6.2.8");
    let words = ["framework", "duties", "--as-of", "2026-07-26", "--known", "2026-11-27", "--format", "json"];
    let json = alone(&words).json();
    let logs = json["items"].as_array().unwrap().iter().find(|item| item["id"] == "26.6").unwrap().clone();
    assert_eq!(logs["applies"][0]["valid_from"], "2027-12-02", "the same day as known later");
}

#[test]
fn the_amendment_of_july_2026_is_shown_as_it_was() {
    insta::assert_snapshot!(
        "framework_diff",
        alone(&["framework", "diff", "2026-07-26", "2026-07-27"]).stdout
    );
    let json = alone(&["framework", "diff", "2026-07-26", "2026-07-27", "--format", "json"]).json();
    let act =
        &json["frameworks"].as_array().unwrap().iter().find(|each| each["framework"] == "eu-ai-act").unwrap();
    assert_eq!(act["dates"].as_array().unwrap().len(), 8);
    let none = alone(&["framework", "diff", "2026-07-27", "2026-07-27", "--framework", "eu-ai-act"]);
    assert!(none.stdout.contains("nothing changed"), "{none:?}");
}

#[test]
fn a_folder_of_ones_own_is_read_or_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours");
    std::fs::create_dir(&ours).unwrap();
    std::fs::write(ours.join("notes.txt"), "not read").unwrap();
    let text = "schema = 1\nframework = \"soc2\"\nlicence = \"our copy\"\n[text]\n\"CC8.1\" = \"Words under licence\"\n";
    std::fs::write(ours.join("overlay.toml"), text).unwrap();
    let words = ["framework", "criteria", "--framework", "soc2", "--with", "ours"];
    assert!(run(folder.path(), &words).stdout.contains("Words under licence"));
    std::fs::write(ours.join("overlay.toml"), text.replace("CC8.1", "C1.3")).unwrap();
    let refused = run(folder.path(), &words);
    assert_eq!(refused.code, Some(5));
    insta::assert_snapshot!("framework_overlay_refused", refused.stderr);
    let refused = run(folder.path(), &["framework", "list", "--with", "nowhere"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    let refused = run(folder.path(), &["framework", "duties", "--framework", "soc3"]);
    assert!(refused.code == Some(5) && refused.stderr.contains("iso-42001"), "{refused:?}");
    let refused = run(folder.path(), &["framework", "diff", "26.7.2026", "2026-07-27"]);
    assert!(refused.code == Some(5) && refused.stderr.contains("2026-07-27"), "{refused:?}");
}

#[test]
fn a_system_is_classified_from_a_file_of_facts() {
    let folder = tempfile::tempdir().unwrap();
    facts(folder.path(), &["III.5.b", "profiling", "role.provider", "role.deployer", "decides"]);
    let words = ["risk", "classify", "facts.toml", "--as-of", "2026-11-27"];
    let high = run(folder.path(), &words);
    assert_eq!(high.code, Some(0), "{high:?}");
    insta::with_settings!({filters => vec![(r"eu-ai-act [0-9a-f]{12}, facts [0-9a-f]{12}", "eu-ai-act [..], facts [..]")]}, {
        insta::assert_snapshot!("risk_classify_high", high.stdout);
    });
    let json = run(folder.path(), &[&words[..], &["--format", "json"]].concat()).json();
    assert_eq!(json["tier"], "high");
    assert_eq!(json["framework_digest"].as_str().unwrap().len(), 64);
    let old =
        run(folder.path(), &["risk", "classify", "facts.toml", "--as-of", "2026-07-26", "--format", "json"])
            .json();
    assert_eq!(
        old["duties"].as_array().unwrap().iter().find(|duty| duty["id"] == "9").unwrap()["deadlines"][0]["from"],
        "2026-08-02"
    );
    facts(folder.path(), &["5.1.ba", "role.provider"]);
    assert_eq!(
        run(folder.path(), &["risk", "classify", "facts.toml", "--as-of", "2026-12-01"]).code,
        Some(0)
    );
    assert_eq!(
        run(folder.path(), &["risk", "classify", "facts.toml", "--as-of", "2026-12-02"]).code,
        Some(2)
    );
}

#[test]
fn an_unanswered_file_ends_with_4_and_never_with_minimal() {
    let folder = tempfile::tempdir().unwrap();
    let template = run(folder.path(), &["risk", "questions"]).stdout;
    std::fs::write(folder.path().join("facts.toml"), template).unwrap();
    let open = run(folder.path(), &["risk", "classify", "facts.toml"]);
    assert_eq!(open.code, Some(4), "{open:?}");
    assert!(open.stdout.starts_with("tier     open: between minimal and prohibited"), "{open:?}");
    std::fs::write(folder.path().join("facts.toml"), "[answers]\n\"III.2\" = \"yes\"\n").unwrap();
    let refused = run(folder.path(), &["risk", "classify", "facts.toml"]);
    assert!(
        refused.code == Some(5) && refused.stderr.contains("nothing says who or what answers yes"),
        "{refused:?}"
    );
}

#[test]
fn a_risk_is_scored_with_what_each_answer_contributes() {
    let folder = tempfile::tempdir().unwrap();
    let template = run(folder.path(), &["risk", "questions", "--assess"]).stdout;
    std::fs::write(folder.path().join("facts.toml"), &template).unwrap();
    let open = run(folder.path(), &["risk", "assess", "facts.toml"]);
    assert!(open.code == Some(4) && open.stdout.contains("0 to 100 of 100"), "{open:?}");
    let stated = "[stated]\nsource = \"human\"\nby = \"Ada Example\"\non = \"2026-11-20\"\n\n[answers]";
    let mut text = template.replace("\n[answers]", &format!("\n{stated}"));
    for (question, answer) in [
        ("data.kind", "personal"),
        ("data.children", "no"),
        ("data.amount", "thousands"),
        ("autonomy.decides", "decision-reviewed"),
        ("autonomy.acts", "no"),
        ("autonomy.stop", "yes"),
        ("impact.effect", "money-or-opportunity"),
        ("impact.people", "thousands"),
        ("impact.reversible", "with-effort"),
        ("bias.groups", "yes"),
        ("bias.attributes", "proxies"),
        ("bias.tested", "pass"),
        ("law.tier", "high"),
        ("law.sector", "yes"),
        ("law.transfers", "no"),
    ] {
        text =
            text.replace(&format!("\"{question}\" = \"unknown\""), &format!("\"{question}\" = \"{answer}\""));
    }
    std::fs::write(folder.path().join("facts.toml"), text).unwrap();
    let scored = run(folder.path(), &["risk", "assess", "facts.toml"]);
    assert_eq!(scored.code, Some(0), "{scored:?}");
    insta::with_settings!({filters => vec![(r"scale [0-9a-f]{12}, facts [0-9a-f]{12}", "scale [..], facts [..]")]}, {
        insta::assert_snapshot!("risk_assess", scored.stdout);
    });
}
