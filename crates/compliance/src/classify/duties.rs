//! The duties that follow from tier, roles and further facts, with the dates that concern the system.

use super::interview::Interview;
use super::result::{Deadline, Decides, Duty, Role, Standing, Way};
use super::tier::Tiers;
use super::tri::Tri;
use crate::framework::{Class, DateRow, Day, Kind, Route, Row, Status, Who};

/// Every duty that binds, or may, in the order of the framework.
pub(crate) fn duties(interview: &mut Interview<'_>, tiers: &Tiers, roles: &[Role], as_of: Day) -> Vec<Duty> {
    let (act, known) = (interview.act, interview.known);
    let mut duties = Vec::new();
    for row in act.of_kind(Kind::Duty, known).filter(|row| row.status != Status::Proposed) {
        let held = held(row, roles);
        let has_role = held.iter().fold(Tri::No, |any, (_, holds)| any.or(*holds));
        let concerned = has_role.and(concerns(row, tiers));
        if concerned == Tri::No {
            continue;
        }
        let (conditions, mut open) = conditions(interview, row, &tiers.ways);
        let binds = concerned.and(conditions);
        if binds == Tri::No {
            continue;
        }
        if binds == Tri::Yes {
            open.clear();
        }
        duties.push(Duty {
            id: row.id.clone(),
            text: row.label.clone(),
            provision: row.source.clone(),
            roles: held.into_iter().map(|(role, _)| role).collect(),
            binds,
            open,
            deadlines: deadlines(row, &act.dates_of(row, known), &tiers.ways, as_of),
            limit: row.limit.clone(),
        });
    }
    duties
}

/// In which roles the organisation has a duty, or may.
fn held(row: &Row, roles: &[Role]) -> Vec<(Who, Tri)> {
    roles
        .iter()
        .filter(|role| row.who.contains(&role.role) && role.holds != Tri::No)
        .map(|role| (role.role, role.holds))
        .collect()
}

/// Whether the system is one of those that a duty concerns.
fn concerns(row: &Row, tiers: &Tiers) -> Tri {
    match row.class {
        Class::Any => Tri::Yes,
        Class::Exempt => tiers.exempt,
        Class::High => tiers
            .ways
            .iter()
            .filter(|way| row.routes.is_empty() || row.routes.contains(&way.route))
            .filter(|way| way.use_case.as_ref().is_none_or(|case| !row.not_only.contains(case)))
            .fold(Tri::No, |any, way| any.or(way.holds)),
    }
}

/// Whether the further facts hold on which a duty depends, and those of them that nobody has stated.
fn conditions(interview: &mut Interview<'_>, row: &Row, ways: &[Way]) -> (Tri, Vec<String>) {
    let mut open = Vec::new();
    let mut fact = |id: &String| {
        let holds = match ways.iter().find(|way| way.use_case.as_ref() == Some(id)) {
            Some(way) => way.holds,
            // A use case that is no way to high risk is none of this system.
            None if interview.act.row(id, interview.known).is_some_and(|row| row.kind == Kind::UseCase) => {
                Tri::No
            }
            None => interview.ask(id, Decides::Duty),
        };
        if holds == Tri::Unknown {
            open.push(id.clone());
        }
        holds
    };
    let mut holds = Tri::Yes;
    if !row.any_of.is_empty() {
        let any = row.any_of.iter().map(&mut fact).fold(Tri::No, Tri::or);
        holds = holds.and(any);
    }
    holds = row.all_of.iter().map(&mut fact).fold(holds, Tri::and);
    let excluded = row.unless.iter().map(&mut fact).fold(Tri::No, Tri::or);
    (holds.and(!excluded), open)
}

/// The dates that concern the system. One of a route that the system has not is left out; what is due for exempt use
/// cases runs by Annex III.
fn deadlines(row: &Row, dates: &[&DateRow], ways: &[Way], as_of: Day) -> Vec<Deadline> {
    let has = |route: Route| {
        ways.iter().any(|way| way.route == route) || (row.class == Class::Exempt && route == Route::AnnexIii)
    };
    dates
        .iter()
        .filter(|date| date.route.is_none_or(has))
        .map(|date| Deadline {
            date: date.id.clone(),
            from: date.valid_from,
            status: date.status,
            readings: date.readings.clone(),
            standing: standing(date, as_of),
        })
        .collect()
}

fn standing(date: &DateRow, as_of: Day) -> Standing {
    let applies = date.applies(as_of);
    let by_readings =
        |reading: &crate::framework::Reading| reading.valid_from.is_some_and(|from| from <= as_of);
    if date.status == Status::Contested
        && !date.readings.iter().all(|reading| by_readings(reading) == applies)
    {
        return Standing::Disputed;
    }
    if applies { Standing::Applies } else { Standing::Upcoming }
}
