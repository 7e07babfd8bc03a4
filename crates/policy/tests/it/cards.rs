//! The packs that ship: each rule's cases, and whether those cases notice every small damage of the rule.

use comptroller_policy::card::{run, survivors};
use comptroller_policy::cases::CaseResult;
use comptroller_policy::{Bundle, PACKS, Package};
use std::collections::BTreeMap;

fn names() -> Vec<&'static str> {
    PACKS.iter().map(|(name, _)| *name).collect()
}

fn failed(results: &[CaseResult]) -> Vec<String> {
    let of = |result: &CaseResult| format!("{}: {}", result.rule.clone().unwrap_or_default(), result.name);
    results.iter().filter(|result| result.failure.is_some()).map(of).collect()
}

/// The base policies with one file of cards.
fn with_card(card: &str) -> Result<Bundle, String> {
    let mut files: BTreeMap<String, String> = Package::builtin().unwrap().files().clone();
    files.insert("cards/own.toml".into(), format!("title = \"t\"\nsource = \"s\"\n{card}"));
    Package::new(files).and_then(|package| Bundle::of(&package)).map_err(|error| error.to_string())
}

const CARD: &str = r#"
[rule.own-bias]
set = "review"
on = ["promotion"]
reason = "r \"quoted\" \\ and a line\nbreak"
remedy = "m"
control = ["C"]
does_not_prove = "d"
require = [{ measure = "impact-ratio", at_least = "0.8" }]
[rule.own-bias.test]
passes = [{ impact_ratio_ppm = 800000 }]
fails = [{ impact_ratio_ppm = 799999 }]
"#;

#[test]
fn all_packs_together_make_one_bundle() {
    let bundle = Bundle::of(&Package::with_packs(&names()).unwrap()).unwrap();
    assert!(bundle.rules().filter(|rule| rule.pack.is_some()).count() >= 25);
    for rule in bundle.rules().filter(|rule| rule.pack.is_some()) {
        assert!(!rule.control.is_empty() && rule.does_not_prove.is_some(), "{}", rule.id);
    }
}

#[test]
fn every_case_of_every_shipped_rule_comes_out_as_written() {
    let results = run(&Package::with_packs(&names()).unwrap()).unwrap();
    assert_eq!(failed(&results), Vec::<String>::new());
    assert!(results.len() > 150, "{}", results.len());
}

#[test]
fn every_small_damage_of_a_shipped_rule_is_noticed_by_its_cases() {
    let results = survivors(&Package::with_packs(&names()).unwrap()).unwrap();
    assert_eq!(failed(&results), Vec::<String>::new());
    assert!(results.len() > 150, "{}", results.len());
}

#[test]
fn a_card_says_what_is_wrong_with_it() {
    let reads = |from: &str, to: &str| with_card(&CARD.replacen(from, to, 1)).map(|_| ()).unwrap_err();
    assert!(with_card(CARD).is_ok());
    let cases = [
        ("impact-ratio", "impact-ration", "impact-ration"),
        ("\"0.8\"", "0.8", "write it in quotes"),
        ("\"0.8\"", "\"0.7999999\"", "six digits"),
        ("at_least", "at_most", "give at_least"),
        ("set = \"review\"", "set = \"hard\"\nwaivable = true", "cannot be waived"),
        ("[\"promotion\"]", "[]", "`on` is empty"),
        ("{ measure = \"impact-ratio\", at_least = \"0.8\" }", "", "requires nothing"),
        (
            "{ measure = \"impact-ratio\", at_least = \"0.8\" }",
            "{ fact = \"serves_in_staging\", is = true }",
            "serves_in_staging",
        ),
        (
            "{ measure = \"impact-ratio\", at_least = \"0.8\" }",
            "{ evidence = \"bias-test\", max_age_days = 99999 }",
            "max_age_days",
        ),
        (
            "{ measure = \"impact-ratio\", at_least = \"0.8\" }",
            "{ approvals = [{ roles = [\"admin\"], count = 2 }] }",
            "admin never votes",
        ),
        (
            "remedy = \"m\"",
            "remedy = \"m\"\nsilence = { remind_hours = 1, escalate_hours = 2 }",
            "about requests",
        ),
        ("own-bias", "artifacts-missing", "artifacts-missing"),
    ];
    for (from, to, expected) in cases {
        let to_all = CARD.replace(from, to);
        let error =
            if from == "own-bias" { with_card(&to_all).map(|_| ()).unwrap_err() } else { reads(from, to) };
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    }
}

#[test]
fn a_silence_is_read_and_one_that_cannot_be_is_refused() {
    let approvals = CARD
        .replace(
            "{ measure = \"impact-ratio\", at_least = \"0.8\" }",
            "{ approvals = [{ roles = [\"approver\"], count = 1 }] }",
        )
        .replace("impact_ratio_ppm = 800000", "approvals_valid = 2, quorums_met = [\"own-bias\"]")
        .replace("impact_ratio_ppm = 799999", "quorums_met = []");
    let with = |remind: u32, escalate: u32| {
        let silence =
            format!("set = \"review\"\nsilence = {{ remind_hours = {remind}, escalate_hours = {escalate} }}");
        with_card(&approvals.replace("set = \"review\"", &silence))
    };
    let bundle = with(8, 24).unwrap();
    let rule = bundle.rules().find(|rule| rule.id.as_str() == "own-bias").unwrap();
    assert_eq!(rule.silence.map(|s| (s.remind_hours, s.escalate_hours)), Some((8, 24)));
    for (remind, escalate) in [(0, 1), (9, 8), (1, 721)] {
        let error = with(remind, escalate).unwrap_err();
        assert!(error.contains(&format!("silence: {remind} and {escalate} hours")), "{error}");
    }
}

#[test]
fn a_case_that_comes_out_otherwise_and_a_damage_that_is_not_noticed_are_found() {
    let mut files = Package::builtin().unwrap().files().clone();
    let card = CARD.replace("800000", "900000").replace("799999", "850000");
    files.insert("cards/own.toml".into(), format!("title = \"t\"\nsource = \"s\"\n{card}"));
    let package = Package::new(files).unwrap();
    let failures = failed(&run(&package).unwrap());
    assert_eq!(failures, ["own-bias: fails 1 on gate.check", "own-bias: fails 1 on deploy"]);
    let weak = CARD.replace("799999", "100000");
    let mut files = package.files().clone();
    files.insert("cards/own.toml".into(), format!("title = \"t\"\nsource = \"s\"\n{weak}"));
    let survivors = failed(&survivors(&Package::new(files).unwrap()).unwrap());
    assert!(survivors.iter().any(|damage| damage.contains("moves by -1")), "{survivors:?}");
}
