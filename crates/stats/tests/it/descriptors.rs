//! What describes free texts does not drift from itself, although every window has words that the reference has not seen.

use crate::support::{Data, Random, compare, numeric, texts};
use comptroller_stats::coefficient::Band;
use comptroller_stats::text::Vocabulary;

/// Texts of words with Zipf's frequencies, of which there is no end.
fn written(random: &mut Random, rows: usize) -> Vec<String> {
    let word = |random: &mut Random| format!("w{}", (1.0 / (1.0 - random.unit())).powf(1.5) as u64);
    (0..rows)
        .map(|_| {
            let words = 3 + (random.unit() * 12.0) as usize;
            (0..words).map(|_| word(random)).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// The columns that the application makes.
fn described(known: &Vocabulary, written: &[String]) -> Vec<Data> {
    let all: Vec<_> = written.iter().map(|text| known.describe(text)).collect();
    vec![
        numeric("length", all.iter().map(|found| found.length).collect()),
        numeric("words", all.iter().map(|found| found.words).collect()),
        numeric("signs", all.iter().map(|found| found.other).collect()),
        numeric("unknown", all.iter().map(|found| found.unknown.unwrap_or(f64::NAN)).collect()),
        texts("script", all.iter().map(|found| found.script)),
    ]
}

#[test]
fn stable_texts_raise_no_more_alarms_than_stated() {
    let mut random = Random::new(51);
    let mut alarms = 0;
    for trial in 0..40 {
        let before = written(&mut random, 3000);
        let now = written(&mut random, [300, 1500][trial % 2]);
        let mut known = Vocabulary::default();
        for text in &before {
            known.add(text);
        }
        let report = compare(&described(&known, &before), &described(&known, &now));
        alarms += u32::from(report.headline.band > Some(Band::Normal) || !report.findings.is_empty());
    }
    // 5 % of 40 are 2; 6 or fewer come with a chance of 98.6 % at exactly that rate.
    assert!(alarms <= 6, "{alarms} of 40 comparisons alarmed");
}

#[test]
fn texts_about_something_else_are_found_by_their_words() {
    let mut random = Random::new(52);
    let before = written(&mut random, 3000);
    let mut known = Vocabulary::default();
    for text in &before {
        known.add(text);
    }
    let now: Vec<String> = written(&mut random, 800).iter().map(|text| text.replace("w1 ", "v1 ")).collect();
    let report = compare(&described(&known, &before), &described(&known, &now));
    assert_eq!(report.columns[0].name, "unknown", "{:?}", report.columns[0]);
    assert!(report.columns[0].coefficient > 0.3, "{}", report.columns[0].coefficient);
}

#[test]
fn texts_do_not_drift_from_a_copy_of_themselves() {
    // Every text holds a number that no other one has.
    let before: Vec<String> = (0..2000).map(|n| format!("ticket about a card ref{n}")).collect();
    let mut known = Vocabulary::default();
    for text in &before {
        known.add(text);
    }
    let half: Vec<String> = before.iter().step_by(2).cloned().collect();
    for now in [&before, &half] {
        let report = compare(&described(&known, &before), &described(&known, now));
        assert_eq!(report.headline.band, Some(Band::Normal), "{}", report.headline.text);
        assert!(report.headline.coefficient < 0.1, "{}", report.headline.coefficient);
    }
}
