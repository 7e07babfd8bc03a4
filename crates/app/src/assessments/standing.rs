//! The newest assessment of a system, made again, and why it should be made anew.

use super::record::on_record;
use crate::AppError;
use comptroller_compliance::framework::Day;
use comptroller_compliance::risk::{
    Assessment, Band, Facts, OnRecord, Points, Scale, assess, outdated, renewed,
};
use comptroller_core::event::{AssessedRisk, PointRange};
use comptroller_core::ids::SystemId;
use comptroller_core::private::AssessmentText;
use comptroller_core::{Event, Slug, Timestamp};
use comptroller_ledger::Entry;
use comptroller_store::areas::evidence;
use comptroller_store::areas::systems::SystemRow;
use comptroller_store::journal::EntryFilter;
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, journal};
use std::sync::OnceLock;

/// The event of an assessment.
const KIND: &str = "risk.assessed";

/// An assessment as it is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) index: i64,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) assessed: AssessedRisk,
}

/// What became of an assessment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// The reason that was given; none if it was erased.
    pub(crate) reason: Option<String>,
    /// The recorded answers by the scale of today.
    pub(crate) then: Option<Assessment>,
    /// Whether they give what is recorded; none if the scale is another one or the answers were erased.
    pub(crate) reproduced: Option<bool>,
    /// The answers of people with what the record says today.
    pub(crate) now: Option<Assessment>,
    /// Why it should be made anew; empty while it stands.
    pub(crate) stale: Vec<String>,
}

/// The scale of the shipped data, read once.
pub(crate) fn scale() -> Result<&'static Scale, AppError> {
    static SCALE: OnceLock<Result<Scale, String>> = OnceLock::new();
    SCALE
        .get_or_init(|| Scale::builtin().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| AppError::Internal(format!("scale of the risk: {error}")))
}

/// The newest assessment of a system.
pub(crate) async fn newest(conn: &mut Conn, system: SystemId) -> Result<Option<Recorded>, AppError> {
    let (kind, stream) = (KIND.to_owned(), format!("system/{system}"));
    let filter = EntryFilter { kind, stream, ..EntryFilter::default() };
    let Some(row) = journal::search(conn, &filter, i64::MAX, 1).await?.pop() else { return Ok(None) };
    let entry: Entry = serde_json::from_str(&row.entry)?;
    let Event::RiskAssessed { assessed, .. } = Event::from_parts(&entry.kind, &entry.data)? else {
        return Err(AppError::Internal(format!("entry {} is no assessment", row.idx)));
    };
    let at = Timestamp::from_micros(entry.recorded_at);
    Ok(Some(Recorded { index: row.idx, at, actor: entry.actor, assessed }))
}

/// Whether a system has an assessment that is not stale.
pub(crate) async fn stands(
    conn: &mut Conn,
    key: &OrgKey,
    now: Timestamp,
    system: &SystemRow,
) -> Result<bool, AppError> {
    let Some(recorded) = newest(conn, system.id.0).await? else { return Ok(false) };
    Ok(standing_of(conn, key, now, system, &recorded).await?.stale.is_empty())
}

/// Makes an assessment again, and looks whether what it rests on is still so.
pub(crate) async fn standing_of(
    conn: &mut Conn,
    key: &OrgKey,
    now: Timestamp,
    system: &SystemRow,
    recorded: &Recorded,
) -> Result<Standing, AppError> {
    let text: Option<AssessmentText> = journal::private(conn, key, Some(recorded.index)).await?;
    let record = on_record(conn, now, system).await?;
    let mut found = examine(scale()?, &record, text, &recorded.assessed, Day::of(now));
    if system.private_at > Some(recorded.index) {
        found.stale.push("the description of the system changed since".to_owned());
    }
    let proof = evidence::evidence(conn, recorded.assessed.evidence).await?;
    if proof.is_none_or(|row| row.withdrawn_at.is_some()) {
        found.stale.push("the evidence that was recorded with it was withdrawn".to_owned());
    }
    Ok(found)
}

/// What can be said from the answers alone.
fn examine(
    scale: &Scale,
    record: &OnRecord,
    text: Option<AssessmentText>,
    assessed: &AssessedRisk,
    today: Day,
) -> Standing {
    let mut found = Standing::default();
    let same_scale = scale.digest() == assessed.scale;
    if !same_scale {
        found.stale.push("the scale changed since: its questions, points or bands are others".to_owned());
    }
    let Some(text) = text else {
        found.stale.push("its answers were erased: nobody can say what it rests on".to_owned());
        return found;
    };
    found.reason = Some(text.text);
    let facts = match Facts::of_value("answers", &text.answers, scale) {
        Ok(facts) => facts,
        Err(error) => {
            found.stale.push(format!("the recorded answers no longer fit the questions: {error}"));
            return found;
        }
    };
    let then = assess(scale, &facts);
    if same_scale {
        found.reproduced = Some(agrees(&then, assessed));
    }
    let answers = record.answers(today);
    found.stale.extend(outdated(scale, &facts, &answers, today));
    let now = assess(scale, &renewed(scale, &facts, &answers));
    // Another entry that says the same changes nothing.
    if words(&now).ne(words(&then)) {
        found.now = Some(now);
    }
    found.then = Some(then);
    found
}

/// The answers of an assessment, without where they are from.
fn words(found: &Assessment) -> impl Iterator<Item = &str> {
    found.dimensions.iter().flat_map(|each| &each.parts).map(|part| part.answer.as_str())
}

/// Whether an assessment is what is recorded.
fn agrees(made: &Assessment, recorded: &AssessedRisk) -> bool {
    let dimensions = made.dimensions.len() == recorded.dimensions.len()
        && made.dimensions.iter().all(|each| {
            let name: Option<Slug> = each.dimension.parse().ok();
            name.and_then(|name| recorded.dimensions.get(&name)) == Some(&range(each.points))
        });
    dimensions && made.facts == recorded.answers && range(made.total) == recorded.total
}

/// Points as an event holds them.
pub(super) fn range(points: Points) -> PointRange {
    PointRange { least: points.least, most: points.most }
}

/// A band as an event holds it; none if this version of the product has no such band.
pub(super) fn band(word: &Slug) -> Option<Band> {
    [Band::Low, Band::Medium, Band::High, Band::Critical]
        .into_iter()
        .find(|band| band.as_str() == word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_compliance::risk::{Place, combine};
    use comptroller_core::Digest;
    use comptroller_core::vocab::RiskTier;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn recorded(scale: &Scale, facts: &Facts) -> (AssessmentText, AssessedRisk) {
        let found = assess(scale, facts);
        let slug = |word: &str| word.parse::<Slug>().unwrap();
        let assessed = AssessedRisk {
            scale: found.scale.clone(),
            answers: found.facts.clone(),
            total: range(found.total),
            lowest: slug(found.lowest.as_str()),
            highest: slug(found.highest.as_str()),
            dimensions: found
                .dimensions
                .iter()
                .map(|each| (slug(&each.dimension), range(each.points)))
                .collect::<BTreeMap<_, _>>(),
            evidence: comptroller_core::ids::EvidenceId::new(Timestamp::from_micros(1), [1; 10]),
        };
        let answers = serde_json::to_value(facts).unwrap();
        (AssessmentText { text: "as asked".into(), answers }, assessed)
    }

    #[test]
    fn another_scale_other_numbers_and_erased_answers_are_each_said() {
        let scale = scale().unwrap();
        let place = Place { reference: "classification, entry 12".into(), on: day("2026-11-01") };
        let record = OnRecord { tier: Some((RiskTier::High, place)), versions: Vec::new() };
        let today = day("2026-11-28");
        let said = json!({ "answers": { "data.children":
            { "answer": "no", "source": "human", "by": "Ada", "on": "2026-11-20" } } });
        let given = Facts::of_value("facts", &said, scale).unwrap();
        let facts = combine(scale, &given, &record.answers(today), today).unwrap();
        let (text, assessed) = recorded(scale, &facts);

        let found = examine(scale, &record, Some(text.clone()), &assessed, today);
        assert_eq!((found.reproduced, found.stale.len()), (Some(true), 0), "{found:?}");
        assert!(found.now.is_none(), "nothing differs today");

        let mut forged = assessed.clone();
        forged.total = PointRange { least: 1, most: 2 };
        let found = examine(scale, &record, Some(text.clone()), &forged, today);
        assert_eq!(found.reproduced, Some(false));

        let mut other = assessed.clone();
        other.scale = Digest::from_bytes([7; 32]);
        let found = examine(scale, &record, Some(text), &other, today);
        assert!(found.reproduced.is_none() && found.stale[0].contains("scale"), "{found:?}");

        let found = examine(scale, &record, None, &assessed, today);
        assert!(found.then.is_none() && found.stale[0].contains("erased"), "{found:?}");
    }
}
