//! Gap analysis: what each row rests on, what is said to be unknown, and an order of steps that pays.

use comptroller_compliance::classify::{Classification, Facts, classify};
use comptroller_compliance::control::{Library, Population, shipped};
use comptroller_compliance::framework::{Catalogue, Day};
use comptroller_compliance::gap::{
    GapAnalysis, GapQuestion, Renewal, Standing, StepKind, SystemDuties, analyse,
};
use comptroller_compliance::window::result::{DayState, PeriodResult, PointResult, Run};
use comptroller_compliance::window::{ControlResult, LedgerPosition, WindowResult};
use comptroller_core::{Digest, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

fn digest() -> Digest {
    "0".repeat(64).parse().unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// A window in which these controls are in operation: id, settled occurrences, open exceptions.
fn tested(library: &Library, controls: &[(&str, u64, u64)]) -> WindowResult {
    let moment = Timestamp::from_micros(1_700_000_000_000_000);
    let one = |(id, settled, open): &(&str, u64, u64)| {
        let control = library.get(id).unwrap();
        ControlResult {
            id: control.id.clone(),
            title: control.title.clone(),
            area: control.area,
            owner: control.owner,
            objective: control.objective.clone(),
            rhythm: control.rhythm(),
            serves: control.serves.clone(),
            blind_spots: Vec::new(),
            changes: Vec::new(),
            findings: Vec::new(),
            population: Vec::new(),
            excluded: Vec::new(),
            exceptions: Vec::new(),
            period: PeriodResult {
                expected: *settled,
                met: settled - open,
                exceptions: *open,
                ..PeriodResult::default()
            },
            point: PointResult { at: moment, rule: control.point, open: *open, kept: None },
            timeline: vec![Run {
                from: "2026-01-01".into(),
                through: "2026-11-27".into(),
                state: if *open > 0 { DayState::Open } else { DayState::Clear },
                open: *open,
            }],
            next_due: None,
        }
    };
    WindowResult {
        format: String::new(),
        from: moment,
        to: moment,
        evidence_until: moment,
        framework: None,
        control: None,
        engine: digest(),
        controls: controls.iter().map(one).collect(),
        criteria: Vec::new(),
        not_in_operation: Vec::new(),
        digest: digest(),
        ledger: LedgerPosition { size: 1, root: digest() },
        receipts: Vec::new(),
        notes: BTreeMap::new(),
    }
}

/// Nothing is stale.
fn gaps(
    framework: &str,
    controls: &[(&str, u64, u64)],
    excluded: &[(&str, &str)],
    systems: &[SystemDuties],
) -> GapAnalysis {
    gaps_with(framework, controls, excluded, systems, &[])
}

fn gaps_with(
    framework: &str,
    controls: &[(&str, u64, u64)],
    excluded: &[(&str, &str)],
    systems: &[SystemDuties],
    stale: &[Renewal],
) -> GapAnalysis {
    let (catalogue, library) = (Catalogue::builtin().unwrap(), shipped().unwrap());
    let excluded = excluded.iter().map(|(row, why)| ((*row).to_owned(), (*why).to_owned())).collect();
    analyse(&GapQuestion {
        framework: catalogue.framework(framework).unwrap(),
        as_of: day("2026-11-27"),
        system: None,
        library: &library,
        tested: &tested(&library, controls),
        excluded: &excluded,
        systems,
        stale,
    })
}

fn standing(found: &GapAnalysis, row: &str) -> Standing {
    found.rows.iter().find(|found| found.id == row).unwrap().standing
}

/// The ids of the controls of the library that serve a row.
fn serving(row: &str) -> Vec<String> {
    let library = shipped().unwrap();
    let serves = |control: &&comptroller_compliance::control::Control| {
        control.serves.iter().any(|serves| serves.criterion == row)
    };
    library.iter().filter(serves).map(|control| control.id.clone()).collect()
}

#[test]
fn a_row_holds_only_while_every_control_that_serves_it_has_something_to_show_and_nothing_open() {
    let ids = serving("soc2:CC8.1");
    assert!(ids.len() > 1, "more than one control serves CC8.1: {ids:?}");
    let with = |settled: u64, open: u64| -> Vec<(&str, u64, u64)> {
        let mut all: Vec<(&str, u64, u64)> = ids.iter().map(|id| (id.as_str(), 3, 0)).collect();
        all[0] = (all[0].0, settled, open);
        all
    };
    assert_eq!(standing(&gaps("soc2", &with(3, 0), &[], &[]), "CC8.1"), Standing::Holds);
    assert_eq!(standing(&gaps("soc2", &with(3, 1), &[], &[]), "CC8.1"), Standing::DoesNot);
    assert_eq!(standing(&gaps("soc2", &with(0, 0), &[], &[]), "CC8.1"), Standing::CannotBeEvidenced);
    let fewer: Vec<_> = with(3, 0).into_iter().skip(1).collect();
    let found = gaps("soc2", &fewer, &[], &[]);
    assert_eq!(standing(&found, "CC8.1"), Standing::CannotBeEvidenced, "one is not in operation");
    let why = &found.rows.iter().find(|row| row.id == "CC8.1").unwrap().because;
    assert!(why[0].contains(&ids[0]) && why[0].contains("not in operation"), "{why:?}");
}

#[test]
fn what_no_control_serves_is_never_said_to_hold() {
    let library = shipped().unwrap();
    let all: Vec<(&str, u64, u64)> = library.iter().map(|control| (control.id.as_str(), 1, 0)).collect();
    for framework in ["soc2", "iso-42001", "iso-27001", "gdpr", "hipaa", "nist-ai-rmf"] {
        let found = gaps(framework, &all, &[], &[]);
        let served: BTreeSet<String> = found
            .rows
            .iter()
            .filter(|row| !serving(&format!("{framework}:{}", row.id)).is_empty())
            .map(|row| row.id.clone())
            .collect();
        let holds: BTreeSet<String> = found
            .rows
            .iter()
            .filter(|row| row.standing == Standing::Holds)
            .map(|row| row.id.clone())
            .collect();
        assert_eq!(holds, served, "{framework}");
        assert_eq!(found.counts.values().sum::<usize>(), found.rows.len());
    }
}

#[test]
fn a_row_that_is_excluded_says_by_what_reason() {
    let found = gaps("soc2", &[], &[("P1.1", "no personal data")], &[]);
    assert_eq!(standing(&found, "P1.1"), Standing::NotApplicable);
    let row = found.rows.iter().find(|row| row.id == "P1.1").unwrap();
    assert_eq!(
        (row.because.as_slice(), row.steps.len()),
        (["stated: no personal data".to_owned()].as_slice(), 0)
    );
}

#[test]
fn a_control_that_waits_for_an_event_is_no_step_and_one_of_the_calendar_is() {
    let library = shipped().unwrap();
    let all: Vec<(&str, u64, u64)> = library.iter().map(|control| (control.id.as_str(), 0, 0)).collect();
    let found = gaps("soc2", &all, &[], &[]);
    assert!(found.rows.iter().all(|row| row.standing == Standing::CannotBeEvidenced));
    let performed: BTreeSet<&str> =
        found.steps.iter().filter_map(|step| step.id.strip_prefix("perform ")).collect();
    let serves = |control: &&comptroller_compliance::control::Control| control.serves_framework("soc2");
    let recurring: BTreeSet<&str> = library
        .iter()
        .filter(serves)
        .filter(|control| matches!(control.population, Population::Every { .. }))
        .map(|control| control.id.as_str())
        .collect();
    assert_eq!(performed, recurring);
    assert!(!recurring.is_empty() && recurring.len() < all.len());
}

#[test]
fn the_first_step_completes_most_rows_and_every_row_that_waits_is_completed_once() {
    let found = gaps("soc2", &[("CTL-CHANGE-01", 4, 2)], &[], &[]);
    assert!(
        found.steps.iter().any(|step| step.kind == StepKind::Close && step.command.contains("CTL-CHANGE-01"))
    );
    let first = &found.steps[0];
    // No other step alone completes more.
    for step in &found.steps {
        let alone = found.rows.iter().filter(|row| row.steps == [step.id.clone()]).count();
        assert!(alone <= first.completes.len(), "{} alone completes {alone}", step.id);
    }
    let mut completed: Vec<&String> = found.steps.iter().flat_map(|step| &step.completes).collect();
    let waiting = found.rows.iter().filter(|row| !row.steps.is_empty()).count();
    completed.sort();
    completed.dedup();
    assert_eq!(completed.len(), waiting);
    let ids: BTreeSet<&str> = found.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids.len(), found.steps.len(), "each step once");
}

/// A credit scorer of a bank that builds it and uses it; everything else is answered with no.
fn credit(open: Option<&str>) -> Classification {
    answered(&["III.5.b", "profiling", "significant-risk", "role.provider", "role.deployer", "decides"], open)
}

fn answered(yes: &[&str], open: Option<&str>) -> Classification {
    let catalogue = Catalogue::builtin().unwrap();
    let act = catalogue.framework("eu-ai-act").unwrap();
    let mut text =
        String::from("[stated]\nsource = \"human\"\nby = \"a test\"\non = \"2026-11-27\"\n[answers]\n");
    for question in comptroller_compliance::classify::questions(act, day("2026-11-27")) {
        let id = question.id.as_str();
        let answer = if Some(id) == open {
            "unknown"
        } else if yes.contains(&id) {
            "yes"
        } else {
            "no"
        };
        text.push_str(&format!("{id:?} = {answer:?}\n"));
    }
    let facts = Facts::parse("facts.toml", &text, act).unwrap();
    classify(act, &facts, day("2026-11-27"), day("2026-11-27")).unwrap()
}

#[test]
fn duties_of_the_ai_act_follow_tier_and_role_and_open_questions_are_named() {
    let system = |slug: &str, classification| SystemDuties { slug: slug.to_owned(), classification };
    let unknown = gaps("eu-ai-act", &[], &[], &[system("shadow", None)]);
    let of = |found: &GapAnalysis, standing| found.rows.iter().filter(|row| row.standing == standing).count();
    assert_eq!(of(&unknown, Standing::CannotBeEvidenced), unknown.rows.len(), "nothing is known of it");
    assert_eq!((unknown.steps.len(), unknown.steps[0].kind), (1, StepKind::Classify));
    assert_eq!(unknown.steps[0].completes.len(), unknown.rows.len());

    let found = gaps("eu-ai-act", &[], &[], &[system("credit", Some(credit(None)))]);
    assert_eq!(standing(&found, "5.1.a"), Standing::Holds, "the answers say no");
    assert!(of(&found, Standing::NotApplicable) > 3, "importers, distributors, models for general purposes");
    assert!(of(&found, Standing::CannotBeEvidenced) > 10, "duties without controls in operation");
    let to_come = found.rows.iter().filter(|row| row.applies_from.is_some()).count();
    assert!(to_come > 0, "duties of Annex III are to come on 2026-11-27");

    let open = gaps("eu-ai-act", &[], &[], &[system("credit", Some(credit(Some("5.1.c"))))]);
    assert_eq!(standing(&open, "5.1.c"), Standing::CannotBeEvidenced);
    let prohibited =
        gaps("eu-ai-act", &[], &[], &[system("credit", Some(credit(None))), system("other", None)]);
    assert_eq!(standing(&prohibited, "5.1.a"), Standing::CannotBeEvidenced, "one system is not classified");
}

#[test]
fn nobody_states_away_what_a_system_is_on_record_to_do() {
    let system = |yes: &[&str]| {
        let classification = Some(answered(yes, None));
        [SystemDuties { slug: "outreach".to_owned(), classification }]
    };
    let excluded = [("5.1.a", "hide it")];
    let found = gaps("eu-ai-act", &[], &excluded, &system(&["5.1.a", "role.deployer"]));
    let row = found.rows.iter().find(|row| row.id == "5.1.a").unwrap();
    assert_eq!(row.standing, Standing::DoesNot);
    assert!(row.because[1].contains("against the answers: hide it"), "{row:?}");
    let found = gaps("eu-ai-act", &[], &excluded, &system(&["role.deployer"]));
    let row = found.rows.iter().find(|row| row.id == "5.1.a").unwrap();
    assert_eq!(
        (row.standing, row.because.as_slice()),
        (Standing::NotApplicable, &["stated: hide it".to_owned()][..])
    );
}

#[test]
fn what_is_stale_is_a_step_that_no_row_waits_for_and_comes_last() {
    let renewal = Renewal {
        about: "assessment of credit".into(),
        says: "Assess the risk of credit anew: the scale changed".into(),
        command: "comptroller risk assess credit --facts FILE --reason REASON".into(),
    };
    let (without, found) = (gaps("soc2", &[], &[], &[]), gaps_with("soc2", &[], &[], &[], &[renewal]));
    assert_eq!(found.rows, without.rows, "how a row stands does not change");
    let (last, others) = found.steps.split_last().unwrap();
    assert_eq!(others, without.steps);
    assert_eq!((last.kind, last.id.as_str()), (StepKind::Renew, "renew assessment of credit"));
    assert!(last.waits.is_empty() && last.completes.is_empty() && last.command.contains("credit"));
}
