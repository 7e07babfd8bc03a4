//! What the record answers of the scale, what people may say beside it, and when answers no longer stand.

use comptroller_compliance::framework::Day;
use comptroller_compliance::risk::{
    FROM_RECORD, Facts, OnRecord, Place, Recorded, Scale, Tested, VersionOnRecord, combine, outdated, renewed,
};
use comptroller_core::vocab::{PiiCategory, RiskTier};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TODAY: &str = "2026-11-28";

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn place(reference: &str, on: &str) -> Place {
    Place { reference: reference.to_owned(), on: day(on) }
}

fn version(test: Option<(Tested, &str)>, finding: Option<&str>) -> VersionOnRecord {
    VersionOnRecord {
        place: place("scorer@1, entry 9", "2026-01-05"),
        datasets: Vec::new(),
        test: test.map(|(tested, on)| (tested, place("bias test of scorer@1, entry 14", on))),
        finding: finding.map(|on| place("fairness watch over scorer@1", on)),
    }
}

fn of(versions: Vec<VersionOnRecord>) -> BTreeMap<&'static str, Recorded> {
    OnRecord { tier: None, versions }.answers(day(TODAY))
}

fn facts(answers: Value) -> Facts {
    let value =
        json!({ "stated": { "source": "human", "by": "Ada", "on": "2026-11-20" }, "answers": answers });
    Facts::of_value("facts.json", &value, &Scale::builtin().unwrap()).unwrap()
}

#[test]
fn nothing_on_record_answers_nothing() {
    assert!(OnRecord::default().answers(day(TODAY)).is_empty(), "unknown-stays-unknown");
    let datasets = vec![(Vec::new(), place("dataset loans@1", "2026-01-01"))];
    let silent = VersionOnRecord { datasets, ..version(None, None) };
    assert!(
        !of(vec![silent]).contains_key("data.kind"),
        "a dataset for which nothing is stated says nothing"
    );
}

#[test]
fn every_answer_of_the_record_is_one_of_the_scale() {
    let scale = Scale::builtin().unwrap();
    for tier in RiskTier::ALL {
        let record = OnRecord { tier: Some((*tier, place("entry 3", "2026-01-01"))), versions: Vec::new() };
        let found = &record.answers(day(TODAY))["law.tier"];
        assert!(scale.question("law.tier").unwrap().options.contains_key(&found.answer), "{tier}");
    }
    let mut words = Vec::new();
    for test in [Some(Tested::Passed), Some(Tested::Inconclusive), Some(Tested::Failed), None] {
        let found = of(vec![version(test.map(|test| (test, "2026-11-01")), None)]);
        words.push(found["bias.tested"].answer.clone());
    }
    assert_eq!(words, ["pass", "inconclusive", "fail", "none"]);
    assert!(words.iter().all(|word| scale.question("bias.tested").unwrap().options.contains_key(word)));
    for (category, expected) in
        [(PiiCategory::Health, "special-categories"), (PiiCategory::Financial, "personal")]
    {
        let datasets = vec![
            (vec![PiiCategory::Identity], place("dataset a@1", "2026-01-01")),
            (vec![category], place("dataset b@1", "2026-01-01")),
        ];
        let found = of(vec![VersionOnRecord { datasets, ..version(None, None) }]);
        assert_eq!(found["data.kind"].answer, expected);
        assert!(scale.question("data.kind").unwrap().options.contains_key(expected));
    }
    assert!(FROM_RECORD.iter().all(|question| scale.question(question).is_some()));
}

#[test]
fn the_worst_version_speaks_and_what_came_last_about_it() {
    let tested = |versions: Vec<VersionOnRecord>| {
        let found = of(versions).remove("bias.tested").unwrap();
        (found.answer, found.stated.source.as_str())
    };
    let pass = |on| version(Some((Tested::Passed, on)), None);
    assert_eq!(tested(vec![pass("2026-11-01"), version(None, None)]), ("none".into(), "registry"));
    let failed = version(Some((Tested::Failed, "2024-01-01")), None);
    assert_eq!(
        tested(vec![failed, pass("2026-11-01")]).0,
        "fail",
        "what failed stays so until it is tested again"
    );
    // A finding in operation outweighs the tests of before it, and a later test the finding.
    let watched = |test, finding| tested(vec![version(Some((Tested::Passed, test)), Some(finding))]);
    assert_eq!(watched("2026-11-01", "2026-11-10"), ("fail".into(), "monitor"));
    assert_eq!(watched("2026-11-10", "2026-11-10").0, "fail");
    assert_eq!(watched("2026-11-11", "2026-11-10").0, "pass");
    // 366 days hold, 367 do not.
    assert_eq!(tested(vec![pass("2025-11-27")]).0, "pass");
    assert_eq!(tested(vec![pass("2025-11-26")]).0, "none");
}

#[test]
fn people_may_know_of_more_and_not_of_less() {
    let scale = Scale::builtin().unwrap();
    let datasets = vec![(vec![PiiCategory::Financial], place("dataset loans@1, entry 8", "2026-01-01"))];
    let record = of(vec![VersionOnRecord { datasets, ..version(None, None) }]);
    let source = |answers: Value| {
        let all = combine(&scale, &facts(answers), &record, day(TODAY)).unwrap();
        (all.word("data.kind").to_owned(), all.stated("data.kind").unwrap().source.as_str())
    };
    assert_eq!(source(json!({})), ("personal".into(), "registry"));
    assert_eq!(source(json!({ "data.kind": "personal" })), ("personal".into(), "registry"));
    assert_eq!(source(json!({ "data.kind": "special-categories" })), ("special-categories".into(), "human"));
    let less = combine(&scale, &facts(json!({ "data.kind": "business" })), &record, day(TODAY)).unwrap_err();
    assert_eq!(less.len(), 1);
    assert!(less[0].contains("personal") && less[0].contains("entry 8"), "{less:?}");
    // Of the audit there is no more and no less.
    let more = combine(&scale, &facts(json!({ "bias.tested": "fail" })), &record, day(TODAY)).unwrap_err();
    assert!(more[0].starts_with("bias.tested: fail contradicts none"), "{more:?}");
}

#[test]
fn what_changed_is_said_with_both_answers() {
    let scale = Scale::builtin().unwrap();
    let then = of(vec![version(Some((Tested::Passed, "2026-11-01")), None)]);
    let given = facts(json!({ "law.tier": "minimal", "data.children": "no" }));
    let all = combine(&scale, &given, &then, day(TODAY)).unwrap();
    let stale = |record: &BTreeMap<&'static str, Recorded>, on: &str| outdated(&scale, &all, record, day(on));
    assert!(stale(&then, TODAY).is_empty());
    assert!(stale(&then, "2027-11-21").is_empty(), "366 days after");
    let old = stale(&then, "2027-11-22");
    assert_eq!(old.len(), 2, "{old:?}");
    assert!(
        old[0].contains("data.children: no (Ada said so on 2026-11-20) is older than 366 days"),
        "{old:?}"
    );

    // The tier is on record now, and another one; the test was withdrawn.
    let tier = Some((RiskTier::High, place("classification, entry 20", "2026-11-27")));
    let now = OnRecord { tier, versions: vec![version(None, None)] }.answers(day(TODAY));
    let reasons = stale(&now, TODAY);
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(
        reasons[0].starts_with("bias.tested: pass (") && reasons[0].contains("today none ("),
        "{reasons:?}"
    );
    let both =
        "law.tier: minimal (Ada said so on 2026-11-20), today high (registry of 2026-11-27: classification";
    assert!(reasons[1].starts_with(both), "{reasons:?}");
    let renewed = renewed(&scale, &all, &now);
    assert_eq!((renewed.word("law.tier"), renewed.word("bias.tested")), ("high", "none"));
    assert_eq!(renewed.word("data.children"), "no", "what people said stays");
    // With no version at all, what the registry said is said by nothing.
    let gone = stale(&BTreeMap::new(), TODAY);
    assert!(gone.len() == 1 && gone[0].ends_with("today nothing on record says so"), "{gone:?}");
    // What was unknown and is on record now.
    let open = combine(&scale, &facts(json!({})), &BTreeMap::new(), day(TODAY)).unwrap();
    let reasons = outdated(&scale, &open, &then, day(TODAY));
    assert!(
        reasons.len() == 1 && reasons[0].starts_with("bias.tested: unknown then, today pass"),
        "{reasons:?}"
    );
}
