//! Until when a request of a data subject is answered: what the dated data of the law say, and nothing else.
//!
//! A period of months ends with the day of the same date (Regulation 1182/71 Art. 3(2)(c)), in UTC. That a period which ends
//! on a Saturday, a Sunday or a holiday goes on to the next working day (Art. 3(4)) is not counted on: it would be later.

use crate::AppError;
use crate::tiers::framework_data;
use comptroller_compliance::framework::{Day, Framework, Row};
use comptroller_core::event::RequestClock;
use comptroller_core::vocab::SubjectRequestKind;
use comptroller_core::{Slug, Timestamp};

const GDPR: &str = "gdpr";
const AI_ACT: &str = "eu-ai-act";
/// The rows that say how long an answer may take.
const ANSWER: &str = "12.3";
const EXTENSION: &str = "12.3.ext";
const EXPLANATION: &str = "86";

/// A row of a law, and the first moment that is too late by it.
pub(super) struct Due {
    pub(super) clock: RequestClock,
    pub(super) at: Option<Timestamp>,
}

/// Until when a request is answered that was received at a moment, by `law`; without one, by the GDPR.
pub(super) fn first(
    kind: SubjectRequestKind,
    law: Option<&Slug>,
    received: Timestamp,
) -> Result<Due, AppError> {
    match law.map_or(GDPR, Slug::as_str) {
        GDPR => {
            let (framework, row) = row(GDPR, ANSWER, received)?;
            let last = later(Day::of(received), row)?;
            Ok(Due { clock: clock(framework, row)?, at: last.map(after) })
        }
        // Art. 86 asks for "clear and meaningful explanations" and names no period.
        AI_ACT if kind == SubjectRequestKind::Explanation => {
            let (framework, row) = row(AI_ACT, EXPLANATION, received)?;
            let last = later(Day::of(received), row)?;
            Ok(Due { clock: clock(framework, row)?, at: last.map(after) })
        }
        other => Err(AppError::invalid(
            "law",
            format!(
                "{other:?}: a request for {kind} rests on gdpr; one for an explanation also on eu-ai-act"
            ),
        )),
    }
}

/// Until when it is answered after the extension.
pub(super) fn extended(received: Timestamp) -> Result<Due, AppError> {
    let (framework, extension) = row(GDPR, EXTENSION, received)?;
    let (_, answer) = row(GDPR, ANSWER, received)?;
    let months = |row: &Row| row.limit.as_ref().map(|limit| (limit.amount, limit.unit));
    // Both in one: 31 January and three months is 30 April, not 28 April.
    let last = match (months(answer), months(extension)) {
        (Some((first, unit)), Some((more, same))) if unit == same => {
            Day::of(received).after(first + more, unit)
        }
        _ => None,
    };
    let last = last.ok_or_else(|| AppError::Internal("the periods of GDPR Art. 12(3) do not add".into()))?;
    Ok(Due { clock: clock(framework, extension)?, at: Some(after(last)) })
}

/// What the row says, for people.
pub(super) fn words(clock: &RequestClock, received: Timestamp) -> String {
    let Ok((_, row)) = row(clock.framework.as_str(), clock.row.as_str(), received) else {
        return format!("{}:{}", clock.framework, clock.row);
    };
    match &row.limit {
        Some(limit) => {
            let plural = if limit.amount == 1 { "" } else { "s" };
            format!("{}: {} {}{plural} after {}", row.source, limit.amount, limit.unit.as_str(), limit.after)
        }
        None => format!("{}: gives no number of days", row.source),
    }
}

fn row(
    framework: &str,
    id: &str,
    received: Timestamp,
) -> Result<(&'static Framework, &'static Row), AppError> {
    let framework = framework_data(framework)?;
    let found = framework.row(id, Day::of(received));
    let found = found.ok_or_else(|| {
        AppError::invalid(
            "received_at",
            format!("{}:{id} was not known on {}", framework.id, Day::of(received)),
        )
    })?;
    Ok((framework, found))
}

fn clock(framework: &Framework, row: &Row) -> Result<RequestClock, AppError> {
    Ok(RequestClock { framework: framework.id.parse()?, row: row.id.parse()?, data: framework.digest() })
}

/// The last day by the row's own period; none if it names none.
fn later(from: Day, row: &Row) -> Result<Option<Day>, AppError> {
    let Some(limit) = &row.limit else { return Ok(None) };
    let day = from.after(limit.amount, limit.unit);
    day.map(Some).ok_or_else(|| AppError::Internal(format!("the period of {} is no number of days", row.id)))
}

/// The first moment after a day.
fn after(day: Day) -> Timestamp {
    day.start().plus_seconds(86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_and_two_more_by_the_data_and_no_number_where_the_law_gives_none() {
        let received = at("2026-01-31T15:00:00Z");
        let due = first(SubjectRequestKind::Access, None, received).unwrap();
        assert_eq!(due.at, Some(at("2026-03-01T00:00:00Z")), "through 28 February");
        assert_eq!(
            words(&due.clock, received),
            "GDPR Art. 12(3), first sentence: 1 month after receipt of the request"
        );
        let later = extended(received).unwrap();
        assert_eq!(later.at, Some(at("2026-05-01T00:00:00Z")), "through 30 April");
        let ai_act = "eu-ai-act".parse().unwrap();
        let due = first(SubjectRequestKind::Explanation, Some(&ai_act), received).unwrap();
        assert_eq!(due.at, None);
        assert!(words(&due.clock, received).contains("gives no number"), "{}", words(&due.clock, received));
        assert!(first(SubjectRequestKind::Erasure, Some(&ai_act), received).is_err());
        assert!(first(SubjectRequestKind::Access, None, at("2015-01-01T00:00:00Z")).is_err(), "not law yet");
    }
}
