//! The dates of the AI Act, one by one, as known before and after Regulation (EU) 2026/1744, restated by hand
//! (bitemporal-data).

use comptroller_compliance::framework::{Catalogue, Change, Day, Framework, Status, diff};

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn act() -> Framework {
    Catalogue::builtin().unwrap().framework("eu-ai-act").unwrap().clone()
}

/// Date, as known on 26 Jul 2026, as known from 27 Jul 2026 on, and the status then.
const TIMELINE: &[(&str, Option<&str>, &str, Status)] = &[
    ("early", Some("2025-02-02"), "2025-02-02", Status::Firm),
    ("gpai-and-penalties", Some("2025-08-02"), "2025-08-02", Status::Firm),
    ("commission-powers", Some("2026-08-02"), "2026-08-02", Status::Firm),
    ("general", Some("2026-08-02"), "2026-08-02", Status::Firm),
    ("omnibus", None, "2026-07-27", Status::Firm),
    ("marking-legacy", Some("2026-08-02"), "2026-12-02", Status::Firm),
    ("new-practices", None, "2026-12-02", Status::Firm),
    ("annex-iii", Some("2026-08-02"), "2027-12-02", Status::Firm),
    ("annex-i", Some("2027-08-02"), "2028-08-02", Status::Firm),
    ("section-5", Some("2026-08-02"), "2026-08-02", Status::Contested),
    ("chapter-ix", Some("2026-08-02"), "2026-08-02", Status::Contested),
    ("sandboxes", Some("2026-08-02"), "2027-08-02", Status::Firm),
    ("gpai-legacy", Some("2027-08-02"), "2027-08-02", Status::Firm),
];

#[test]
fn every_date_is_the_one_of_the_reference_before_and_after() {
    let act = act();
    let mut ids: Vec<&str> = act.dates.iter().map(|date| date.id.as_str()).collect();
    ids.dedup();
    assert_eq!(ids, TIMELINE.iter().map(|row| row.0).collect::<Vec<_>>());
    for (id, before, after, status) in TIMELINE {
        let old = act.date(id, day("2026-07-26"));
        assert_eq!(old.map(|date| date.valid_from), before.map(day), "{id} as known on 26 Jul 2026");
        assert!(old.is_none_or(|date| date.status == Status::Firm), "{id} was firm");
        let new = act.date(id, day("2026-07-27")).unwrap();
        assert_eq!((new.valid_from, new.status), (day(after), *status), "{id} as known on 27 Jul 2026");
        assert_eq!(act.date(id, day("2026-11-27")), Some(new), "{id} today");
        assert_eq!(act.date(id, day("2024-07-11")), None, "{id} before it was published");
    }
}

/// Row and the dates it hangs on, restated by hand: a duty on the wrong date is as wrong as a wrong date.
const DATED: &[(&str, &str)] = &[
    ("early", "5.1.a 5.1.b 5.1.c 5.1.d 5.1.e 5.1.f 5.1.g 5.1.h 4"),
    ("new-practices", "5.1.ba 5.1.bb"),
    ("omnibus", "4a 99.4.da 99.6a"),
    ("section-5", "43.1 43.2 43.4 47 48 49.1 49.2 49.3 49.5"),
    ("chapter-ix", "72 73.2 73.3 73.4 73.5 73.6 86"),
    ("general", "50.1 50.2 50.3 50.4 3.49"),
    ("marking-legacy", "50.2.legacy"),
    ("gpai-and-penalties", "51-56 99.3 99.4 99.5 99.6 100"),
    ("gpai-legacy", "51-56.legacy"),
    ("sandboxes", "57"),
    ("commission-powers", "101"),
    (
        "annex-i",
        "9 10 10.5 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25.2 25.4 26.1 26.2 26.4 26.5 26.6 26.7 26.8 26.9 26.11 \
         26.12 27.1 27.3 6.1 6.1a-c 25.1 111.2 IV.1 IV.2 IV.3 IV.4 IV.5 IV.6 IV.7 IV.8 IV.9",
    ),
];

#[test]
fn every_row_hangs_on_its_date() {
    let act = act();
    for (date, rows) in DATED {
        let mut found: Vec<&str> = act
            .rows
            .iter()
            .filter(|row| row.dates.iter().any(|named| named == date))
            .map(|row| row.id.as_str())
            .collect();
        found.sort_unstable();
        found.dedup();
        let mut expected: Vec<&str> = rows.split_whitespace().collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{date}");
    }
    let annex_iii = act.rows.iter().filter(|row| row.dates.iter().any(|named| named == "annex-iii"));
    let only: Vec<&str> = annex_iii
        .filter(|row| !row.dates.iter().any(|named| named == "annex-i"))
        .map(|row| row.id.as_str())
        .collect();
    assert_eq!(only.len(), 25 + 4 + 3, "use cases, exemptions, 6.2, 6.3 and 6.4: {only:?}");
}

#[test]
fn the_amendment_moves_exactly_what_it_moves() {
    let found = diff(&act(), day("2026-07-26"), day("2026-07-27"));
    let dates: Vec<(&str, Change)> = found.dates.iter().map(|date| (date.id.as_str(), date.change)).collect();
    assert_eq!(
        dates,
        [
            ("omnibus", Change::Added),
            ("marking-legacy", Change::Moved),
            ("new-practices", Change::Added),
            ("annex-iii", Change::Moved),
            ("annex-i", Change::Moved),
            ("section-5", Change::Status),
            ("chapter-ix", Change::Status),
            ("sandboxes", Change::Moved),
        ]
    );
    let rows: Vec<(&str, Change)> = found.rows.iter().map(|row| (row.id.as_str(), row.change)).collect();
    assert_eq!(
        rows,
        [
            ("5.1.ba", Change::Added),
            ("5.1.bb", Change::Added),
            ("annex-i.product", Change::Reworded),
            ("4", Change::Reworded),
            ("4a", Change::Added),
            ("10.5", Change::Removed),
            ("25.2", Change::Reworded),
            ("25.4", Change::Reworded),
            ("49.2", Change::Reworded),
            ("6.1a-c", Change::Added),
            ("99.4.da", Change::Added),
            ("99.6a", Change::Added),
        ]
    );
}

#[test]
fn nothing_else_ever_changed_in_what_is_known() {
    let act = act();
    for (before, after) in [("2024-07-12", "2026-07-26"), ("2026-07-27", "2026-11-27")] {
        let found = diff(&act, day(before), day(after));
        assert!(found.rows.is_empty(), "{found:?}");
        assert!(found.dates.iter().all(|date| date.change == Change::Begins), "{found:?}");
    }
    for framework in Catalogue::builtin().unwrap().frameworks().iter().filter(|known| known.id != "eu-ai-act")
    {
        assert!(diff(framework, day("2026-07-26"), day("2026-07-27")).is_empty(), "{}", framework.id);
    }
}

#[test]
fn what_begins_to_apply_is_shown_on_its_day() {
    let act = act();
    let begins = |before: &str, after: &str| -> Vec<String> {
        diff(&act, day(before), day(after)).dates.iter().map(|date| date.id.clone()).collect()
    };
    assert_eq!(begins("2026-12-01", "2026-12-02"), ["marking-legacy", "new-practices"]);
    assert_eq!(begins("2027-12-01", "2027-12-02"), ["annex-iii"]);
    assert_eq!(begins("2028-08-01", "2028-08-02"), ["annex-i"]);
    assert_eq!(
        begins("2026-08-01", "2026-08-02"),
        ["commission-powers", "general", "section-5", "chapter-ix"]
    );
}

#[test]
fn contested_dates_give_both_readings() {
    let act = act();
    let section = act.date("section-5", day("2026-11-27")).unwrap();
    let dates: Vec<Option<Day>> = section.readings.iter().map(|reading| reading.valid_from).collect();
    assert_eq!(dates, [Some(day("2026-08-02")), Some(day("2027-12-02"))]);
    let chapter = act.date("chapter-ix", day("2026-11-27")).unwrap();
    assert_eq!(chapter.readings.len(), 2);
    assert_eq!(chapter.readings[1].valid_from, None);
    let contested = act.dates.iter().filter(|date| date.status == Status::Contested).count();
    assert_eq!(contested, 2, "nothing else is contested");
}
