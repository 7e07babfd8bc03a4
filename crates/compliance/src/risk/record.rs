//! Which questions of the scale the record answers by itself, what people may say beside it, and when an assessment no
//! longer stands.
//!
//! What is not on record is asked of people; nothing is guessed (unknown-stays-unknown). An answer of the record is never
//! replaced by a person's: whoever knows better changes the record, so that an assessment has one answer to a question,
//! and anybody can see why.

use super::scale::Scale;
use super::score::Facts;
use crate::framework::Day;
use crate::statements::{Origin, Stated};
use comptroller_core::vocab::{PiiCategory, RiskTier};
use std::collections::BTreeMap;

/// The question about the tier.
const TIER: &str = "law.tier";
/// The question about the kind of data.
const DATA: &str = "data.kind";
/// The question about the last fairness audit.
const TESTED: &str = "bias.tested";
/// The questions that the record can answer.
pub const FROM_RECORD: [&str; 3] = [DATA, TESTED, TIER];
/// How long a person's answer, or a fairness audit that found nothing, holds: a year, in days.
pub const HOLDS_DAYS: i64 = 366;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// Where something stands on record, and since which day it is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What a reader can look up, with its entry.
    pub reference: String,
    /// The day.
    pub on: Day,
}

/// How a bias test came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tested {
    /// Every criterion passed.
    Passed,
    /// Neither passed nor a finding: too few rows, or an interval that holds the bound.
    Inconclusive,
    /// A finding.
    Failed,
}

/// What is on record about a version that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionOnRecord {
    /// Where it is registered.
    pub place: Place,
    /// The versions of datasets it was made from, with the categories of personal data that are stated for each.
    pub datasets: Vec<(Vec<PiiCategory>, Place)>,
    /// Its newest bias test that counts.
    pub test: Option<(Tested, Place)>,
    /// The last judgement of the watch over its decisions in production, if it is a finding.
    pub finding: Option<Place>,
}

/// What is on record about a system, as far as the scale asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnRecord {
    /// Its tier; none until somebody classified it.
    pub tier: Option<(RiskTier, Place)>,
    /// The versions that serve in production now, else the newest one.
    pub versions: Vec<VersionOnRecord>,
}

/// An answer of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The answer.
    pub answer: String,
    /// Whether people may know of more, for the record sees a part only.
    pub at_least: bool,
    /// Where it stands.
    pub stated: Stated,
}

fn stated(source: Origin, place: &Place) -> Stated {
    Stated { source, by: String::new(), reference: place.reference.clone(), on: place.on }
}

fn age_days(since: Day, today: Day) -> i64 {
    (today.start().micros() - since.start().micros()) / (DAY * 1_000_000)
}

impl OnRecord {
    /// What the record answers, by question.
    pub fn answers(&self, today: Day) -> BTreeMap<&'static str, Recorded> {
        let mut answers = BTreeMap::new();
        if let Some((tier, place)) = &self.tier {
            let stated = stated(Origin::Registry, place);
            let answer = tier.as_str().to_owned();
            answers.insert(TIER, Recorded { answer, at_least: false, stated });
        }
        if let Some(data) = self.data() {
            answers.insert(DATA, data);
        }
        // The version that comes out worst speaks for the system; `max_by_key` takes the last one of equals.
        let tested = self.versions.iter().map(|version| version.tested(today)).max_by_key(|found| found.0);
        if let Some((_, answer, stated)) = tested {
            answers.insert(TESTED, Recorded { answer: answer.to_owned(), at_least: false, stated });
        }
        answers
    }

    /// The most sensitive kind of data that is stated for a dataset. Datasets for which nothing is stated say nothing, and
    /// what comes in at work may be more sensitive than what it was made from: people may know of more.
    fn data(&self) -> Option<Recorded> {
        let datasets = self.versions.iter().flat_map(|version| &version.datasets);
        let personal = datasets.filter(|(categories, _)| !categories.is_empty());
        let (special, place) = personal
            .map(|(categories, place)| (categories.iter().any(|category| is_special(*category)), place))
            .max_by_key(|(special, _)| *special)?;
        let answer = if special { "special-categories" } else { "personal" }.to_owned();
        Some(Recorded { answer, at_least: true, stated: stated(Origin::Registry, place) })
    }
}

impl VersionOnRecord {
    /// What the last audit of it came to, the worst last: rank, answer and source.
    fn tested(&self, today: Day) -> (u8, &'static str, Stated) {
        let test = self.test.as_ref();
        if let Some(finding) = &self.finding
            && test.is_none_or(|(_, test)| test.on <= finding.on)
        {
            return (3, "fail", stated(Origin::Monitor, finding));
        }
        let Some((tested, place)) = test else {
            let reference = format!("{}: no bias test that counts", self.place.reference);
            return (2, "none", stated(Origin::Registry, &Place { reference, on: self.place.on }));
        };
        let source = stated(Origin::Registry, place);
        match tested {
            Tested::Failed => (3, "fail", source),
            // The question is about present data: what was found to be fair long ago says nothing about them.
            _ if age_days(place.on, today) > HOLDS_DAYS => {
                let reference = format!("{}, older than {HOLDS_DAYS} days", place.reference);
                (2, "none", Stated { reference, ..source })
            }
            Tested::Inconclusive => (1, "inconclusive", source),
            Tested::Passed => (0, "pass", source),
        }
    }
}

/// Art. 9 GDPR; data on criminal convictions (Art. 10) count with them, for in doubt a risk is not shown smaller.
fn is_special(category: PiiCategory) -> bool {
    use PiiCategory::{Belief, Biometric, Criminal, Ethnicity, Health};
    matches!(category, Ethnicity | Health | Biometric | Belief | Criminal)
}

/// The points of an answer; none for one that the scale has not.
fn points(scale: &Scale, question: &str, answer: &str) -> u32 {
    scale.question(question).and_then(|question| question.options.get(answer)).copied().unwrap_or(0)
}

/// Whether a person's answer can stand beside that of the record.
fn stands_beside(scale: &Scale, question: &str, said: &str, record: &Recorded) -> bool {
    said == record.answer
        || record.at_least && points(scale, question, said) > points(scale, question, &record.answer)
}

/// How an answer of the record is named in what people read.
fn shown(stated: &Stated) -> String {
    match stated.source {
        Origin::Human => format!("{} said so on {}", stated.by, stated.on),
        Origin::Registry | Origin::Monitor => {
            format!("{} of {}: {}", stated.source.as_str(), stated.on, stated.reference)
        }
    }
}

/// The answers of people together with those of the record.
///
/// # Errors
/// Every answer that cannot be taken, with what to do about it: one that contradicts the record, that is not a person's
/// though the record has none, or that is dated in the future.
pub fn combine(
    scale: &Scale,
    given: &Facts,
    record: &BTreeMap<&'static str, Recorded>,
    today: Day,
) -> Result<Facts, Vec<String>> {
    let mut problems = Vec::new();
    for question in scale.questions() {
        let id = question.id.as_str();
        let (said, Some(from)) = (given.word(id), given.stated(id)) else { continue };
        match record.get(id) {
            Some(found) if !stands_beside(scale, id, said, found) => problems.push(format!(
                "{id}: {said} contradicts {} ({}): leave the question out, or change what is on record first",
                found.answer,
                shown(&found.stated)
            )),
            Some(found) if said == found.answer => {}
            _ if from.source != Origin::Human => problems.push(format!(
                "{id}: nothing on record answers it with {said}: somebody has to answer for it, with source = \"human\""
            )),
            _ if from.on > today => {
                problems.push(format!("{id}: {} is in the future: say since when it is so", from.on));
            }
            _ => {}
        }
    }
    if problems.is_empty() { Ok(renewed(scale, given, record)) } else { Err(problems) }
}

/// The same answers of people with what the record says now; where both speak, the record does.
pub fn renewed(scale: &Scale, facts: &Facts, record: &BTreeMap<&'static str, Recorded>) -> Facts {
    let mut all = Facts::default();
    for question in scale.questions() {
        let id = question.id.as_str();
        let said = facts.0.answers().get(id).filter(|said| {
            said.stated.as_ref().is_some_and(|stated| stated.source == Origin::Human)
                && question.options.contains_key(&said.answer)
        });
        match (record.get(id), said) {
            (Some(found), said) => {
                let more = |word: &str| word != found.answer && stands_beside(scale, id, word, found);
                match said.filter(|said| more(&said.answer)) {
                    Some(said) => all.0 = all.0.and(id, said.clone()),
                    None => all.0 = all.0.with(id, &found.answer, Some(found.stated.clone())),
                }
            }
            (None, Some(said)) => all.0 = all.0.and(id, said.clone()),
            (None, None) => {}
        }
    }
    all
}

/// Why an assessment should be made anew, as far as its answers show; empty while they stand. `record` is what the record
/// says today.
pub fn outdated(
    scale: &Scale,
    facts: &Facts,
    record: &BTreeMap<&'static str, Recorded>,
    today: Day,
) -> Vec<String> {
    let mut reasons = Vec::new();
    for question in scale.questions() {
        let id = question.id.as_str();
        let word = facts.word(id);
        let now = record.get(id).map(|found| format!("today {} ({})", found.answer, shown(&found.stated)));
        match (facts.stated(id), record.get(id)) {
            (Some(from), Some(found)) if from.source == Origin::Human => {
                if !stands_beside(scale, id, word, found) {
                    reasons.push(format!("{id}: {word} ({}), {}", shown(from), now.unwrap_or_default()));
                } else if word != found.answer && age_days(from.on, today) > HOLDS_DAYS {
                    reasons.push(old(id, word, from));
                }
            }
            (Some(from), Some(found)) if word != found.answer => {
                reasons.push(format!("{id}: {word} ({}), {}", shown(from), now.unwrap_or_default()));
            }
            (Some(from), None) if from.source == Origin::Human => {
                if age_days(from.on, today) > HOLDS_DAYS {
                    reasons.push(old(id, word, from));
                }
            }
            (Some(from), None) => {
                reasons.push(format!("{id}: {word} ({}), today nothing on record says so", shown(from)));
            }
            (None, Some(_)) => reasons.push(format!("{id}: unknown then, {}", now.unwrap_or_default())),
            (None, None) | (Some(_), Some(_)) => {}
        }
    }
    reasons
}

fn old(question: &str, word: &str, from: &Stated) -> String {
    format!("{question}: {word} ({}) is older than {HOLDS_DAYS} days", shown(from))
}
