//! The shipped data against the reference, restated here by hand: every id, every count, and the errors that others
//! ship. Whoever changes an id or a count in `frameworks/` has to change it here too, knowingly.

use comptroller_compliance::framework::{Catalogue, Framework, Kind, Status};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

fn catalogue() -> Catalogue {
    Catalogue::builtin().unwrap()
}

/// Every id of a kind, whenever it was known.
fn ids(framework: &Framework, kind: Kind) -> BTreeSet<String> {
    framework.rows.iter().filter(|row| row.kind == kind).map(|row| row.id.clone()).collect()
}

/// `"CC1.:5 CC2.:3"` as CC1.1 to CC1.5 and CC2.1 to CC2.3.
fn counted(groups: &[(&str, usize)]) -> BTreeSet<String> {
    groups.iter().flat_map(|(prefix, n)| (1..=*n).map(move |i| format!("{prefix}{i}"))).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn soc2_has_its_61_criteria_and_no_other() {
    let expected = counted(&[
        ("CC1.", 5),
        ("CC2.", 3),
        ("CC3.", 4),
        ("CC4.", 2),
        ("CC5.", 3),
        ("CC6.", 8),
        ("CC7.", 5),
        ("CC8.", 1),
        ("CC9.", 2),
        ("A1.", 3),
        ("C1.", 2),
        ("PI1.", 5),
        ("P1.", 1),
        ("P2.", 1),
        ("P3.", 2),
        ("P4.", 3),
        ("P5.", 2),
        ("P6.", 7),
        ("P7.", 1),
        ("P8.", 1),
    ]);
    assert_eq!(expected.len(), 61);
    let catalogue = catalogue();
    let soc2 = catalogue.framework("soc2").unwrap();
    assert_eq!(ids(soc2, Kind::Criterion), expected);
    assert_eq!(soc2.rows.len(), 61);
    let common = expected.iter().filter(|id| id.starts_with("CC")).count();
    assert_eq!(common, 33);
}

#[test]
fn iso_42001_has_its_38_controls_from_a2_to_a10() {
    let expected = words(
        "A.2.2 A.2.3 A.2.4 A.3.2 A.3.3 A.4.2 A.4.3 A.4.4 A.4.5 A.4.6 A.5.2 A.5.3 A.5.4 A.5.5 A.6.1.2 A.6.1.3 \
         A.6.2.2 A.6.2.3 A.6.2.4 A.6.2.5 A.6.2.6 A.6.2.7 A.6.2.8 A.7.2 A.7.3 A.7.4 A.7.5 A.7.6 A.8.2 A.8.3 A.8.4 \
         A.8.5 A.9.2 A.9.3 A.9.4 A.10.2 A.10.3 A.10.4",
    );
    assert_eq!(expected.len(), 38);
    let catalogue = catalogue();
    let iso = catalogue.framework("iso-42001").unwrap();
    assert_eq!(ids(iso, Kind::Control), expected);
    assert_eq!(ids(iso, Kind::Clause), words("4 5 6.1.2 6.1.3 6.1.4 7 8.1 8.2 8.3 8.4 9.1 9.2 10"));
}

#[test]
fn iso_27001_has_its_93_controls() {
    let expected = counted(&[("A.5.", 37), ("A.6.", 8), ("A.7.", 14), ("A.8.", 34)]);
    assert_eq!(expected.len(), 93);
    assert_eq!(ids(catalogue().framework("iso-27001").unwrap(), Kind::Control), expected);
}

#[test]
fn nist_ai_rmf_has_its_72_subcategories() {
    let groups = [
        ("GOVERN", [7, 3, 2, 3, 2, 2].as_slice(), 19),
        ("MAP", &[6, 3, 5, 2, 2], 18),
        ("MEASURE", &[3, 13, 3, 3], 22),
        ("MANAGE", &[4, 4, 2, 3], 13),
    ];
    let mut expected = BTreeSet::new();
    let mut categories = 0;
    for (function, counts, total) in groups {
        assert_eq!(counts.iter().sum::<usize>(), total);
        categories += counts.len();
        for (category, count) in counts.iter().enumerate() {
            expected.extend((1..=*count).map(|i| format!("{function} {}.{i}", category + 1)));
        }
    }
    assert_eq!((expected.len(), categories), (72, 19));
    assert_eq!(ids(catalogue().framework("nist-ai-rmf").unwrap(), Kind::Subcategory), expected);
}

#[test]
fn the_ai_act_has_its_practices_use_cases_and_duties() {
    let catalogue = catalogue();
    let act = catalogue.framework("eu-ai-act").unwrap();
    assert_eq!(
        ids(act, Kind::Prohibition),
        words("5.1.a 5.1.b 5.1.ba 5.1.bb 5.1.c 5.1.d 5.1.e 5.1.f 5.1.g 5.1.h")
    );
    let cases = words(
        "III.1.a III.1.b III.1.c III.2 III.3.a III.3.b III.3.c III.3.d III.4.a III.4.b III.5.a III.5.b III.5.c \
         III.5.d III.6.a III.6.b III.6.c III.6.d III.6.e III.7.a III.7.b III.7.c III.7.d III.8.a III.8.b",
    );
    assert_eq!(cases.len(), 25);
    assert_eq!(ids(act, Kind::UseCase), cases);
    let areas: BTreeSet<&str> = cases.iter().filter_map(|id| id.split('.').nth(1)).collect();
    assert_eq!(areas.len(), 8);
    assert_eq!(ids(act, Kind::Exemption), words("6.3.a 6.3.b 6.3.c 6.3.d"));
    assert_eq!(
        ids(act, Kind::Duty),
        words(
            "4 4a 6.4 9 10 10.5 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25.2 25.4 26.1 26.2 26.4 26.5 26.6 26.7 \
             26.8 26.9 26.11 26.12 27.1 27.3 43.1 43.2 43.4 47 48 49.1 49.2 49.3 49.5 50.1 50.2 50.2.legacy 50.3 \
             50.4 51-56 51-56.legacy 57 72 73.2 73.3 73.4 73.5 73.6 86"
        )
    );
    assert_eq!(ids(act, Kind::Document), (1..=9).map(|n| format!("IV.{n}")).collect());
    assert_eq!(ids(act, Kind::Penalty), words("99.3 99.4 99.4.da 99.5 99.6 99.6a 100 101"));
    assert_eq!(ids(act, Kind::Rule), words("6.1 6.1a-c 6.2 6.3 25.1 111.2"));
    assert_eq!(ids(act, Kind::Definition), words("3.49"));
    let expected = [
        (Kind::Definition, 1),
        (Kind::Document, 9),
        (Kind::Duty, 62),
        (Kind::Exemption, 4),
        (Kind::Penalty, 8),
        (Kind::Prohibition, 10),
        (Kind::Question, 30),
        (Kind::Rule, 6),
        (Kind::UseCase, 25),
    ];
    let mut rows: BTreeMap<Kind, usize> = BTreeMap::new();
    for row in &act.rows {
        *rows.entry(row.kind).or_default() += 1;
    }
    assert_eq!(rows, expected.into(), "rows of each kind, with those that were reworded twice");
}

#[test]
fn gdpr_and_hipaa_have_the_provisions_that_concern_ai() {
    let catalogue = catalogue();
    assert_eq!(
        ids(catalogue.framework("gdpr").unwrap(), Kind::Duty),
        words(
            "5.1 5.1.e 5.2 12.3 12.3.ext 12.4 12.6 13.2.f 14.2.g 15.1 15.1.h 17.1 17.3 21.1 22.1 22.3 25 28 30 32 33.1 \
             33.2 33.4 33.5 34 35.1 35.3.a 35.7 35.11 36 44-49 omnibus.33.1"
        )
    );
    assert_eq!(
        ids(catalogue.framework("hipaa").unwrap(), Kind::Duty),
        words(
            "164.308(a)(1)(ii)(A) 164.308(a)(1)(ii)(B) 164.308(a)(1)(ii)(D) 164.308(a)(3) 164.308(a)(4) \
             164.308(a)(5) 164.308(a)(6) 164.308(a)(7) 164.308(a)(8) 164.308(b)(1) 164.310(d) 164.312(a)(1) \
             164.312(b) 164.312(c)(1) 164.312(d) 164.312(e)(1) 164.314 164.316(b)(2)(i) 164.404 164.406 164.408 \
             164.410 164.502(b) 164.514(a) 164.514(b) 164.514(d) 164.524 164.528 proposal.security-rule"
        )
    );
}

#[test]
fn time_limits_are_those_of_the_law() {
    let catalogue = catalogue();
    let mut limits = BTreeMap::new();
    for framework in catalogue.frameworks() {
        for row in &framework.rows {
            if let Some(limit) = &row.limit {
                limits.insert(
                    format!("{}:{}", framework.id, row.id),
                    format!("{} {}", limit.amount, limit.unit),
                );
            }
        }
    }
    let expected = [
        ("eu-ai-act:18", "10 year"),
        ("eu-ai-act:19", "6 month"),
        ("eu-ai-act:26.6", "6 month"),
        ("eu-ai-act:73.2", "15 day"),
        ("eu-ai-act:73.3", "2 day"),
        ("eu-ai-act:73.4", "10 day"),
        ("gdpr:12.3", "1 month"),
        ("gdpr:12.3.ext", "2 month"),
        ("gdpr:12.4", "1 month"),
        ("gdpr:33.1", "72 hour"),
        ("gdpr:omnibus.33.1", "96 hour"),
        ("hipaa:164.316(b)(2)(i)", "6 year"),
        ("hipaa:164.404", "60 day"),
        ("hipaa:164.406", "60 day"),
        ("hipaa:164.410", "60 day"),
        ("hipaa:164.528", "6 year"),
    ];
    assert_eq!(limits, expected.map(|(row, limit)| (row.to_owned(), limit.to_owned())).into());
}

#[test]
fn the_errors_that_others_ship_are_not_here() {
    let catalogue = catalogue();
    let has = |framework: &str, id: &str| {
        catalogue.framework(framework).unwrap().rows.iter().any(|row| row.id == id)
    };
    // Annex A of 42001 with a numbering of 27001, or counted through from A.1.
    for wrong in ["A.1", "A.2", "A.38", "A.5.1", "A.6.3", "A.7.1", "A.8.1", "A.9.1", "A.11.2"] {
        assert!(!has("iso-42001", wrong), "{wrong}");
    }
    let groups: BTreeSet<&str> = catalogue
        .framework("iso-42001")
        .unwrap()
        .rows
        .iter()
        .filter(|row| row.kind == Kind::Control)
        .map(|row| row.group.as_str())
        .collect();
    assert_eq!(groups, BTreeSet::from(["A.2", "A.3", "A.4", "A.5", "A.6", "A.7", "A.8", "A.9", "A.10"]));
    // The policy for AI is A.2.2.
    let policy = catalogue.framework("iso-42001").unwrap().rows.iter().find(|row| row.id == "A.2.2").unwrap();
    assert!(policy.label.contains("policy"));
    // Confidentiality ends with C1.2; processing integrity is PI and not PP.
    assert!(!has("soc2", "C1.3"));
    let soc2 = catalogue.framework("soc2").unwrap();
    assert!(!soc2.rows.iter().any(|row| row.id.starts_with("PP")));
    // A serious incident is defined in Art. 3(49), and nothing cites point (44).
    let act = catalogue.framework("eu-ai-act").unwrap();
    let incident = act.rows.iter().find(|row| row.kind == Kind::Definition).unwrap();
    assert_eq!((incident.id.as_str(), incident.source.as_str()), ("3.49", "Art. 3(49)"));
    for row in &act.rows {
        assert!(!row.source.contains("(44)") && !row.label.contains("(44)"), "{}", row.id);
        assert!(!row.source.contains("73(8)"), "{}", row.id);
    }
    // One row for each use case, not for each area.
    assert!(!has("eu-ai-act", "III.1") && !has("eu-ai-act", "III.8"));
}

#[test]
fn what_is_proposed_is_marked_and_has_no_date() {
    let catalogue = catalogue();
    let mut proposed = Vec::new();
    for framework in catalogue.frameworks() {
        for row in framework.rows.iter().filter(|row| row.status == Status::Proposed) {
            assert!(row.dates.is_empty(), "{}", row.id);
            proposed.push(format!("{}:{}", framework.id, row.id));
        }
    }
    assert_eq!(proposed, ["gdpr:omnibus.33.1", "hipaa:proposal.security-rule"]);
}

#[test]
fn every_row_says_where_it_stands_and_how_it_was_checked() {
    let day = "2026-11-22".parse().unwrap();
    for framework in catalogue().frameworks() {
        for row in &framework.rows {
            assert_eq!(row.verified_on, day, "{}:{}", framework.id, row.id);
            assert!(row.source.chars().any(|c| c.is_ascii_digit()), "{}:{}", framework.id, row.id);
        }
        for date in &framework.dates {
            assert_eq!(date.verified_on, day, "{}:{}", framework.id, date.id);
        }
    }
}

#[test]
fn every_relation_has_its_reason_and_its_rows() {
    let catalogue = catalogue();
    assert!(!catalogue.mappings().is_empty());
    for mapping in catalogue.mappings() {
        assert!(mapping.rationale.len() > 20, "{mapping:?}");
    }
    let found = catalogue.mappings_of("gdpr", "35.1");
    assert!(found.iter().any(|mapping| mapping.from == "eu-ai-act:27.1"), "{found:?}");
}

#[test]
fn as_of_any_change_of_the_data_changes_their_digest() {
    let catalogue = catalogue();
    let act = catalogue.framework("eu-ai-act").unwrap();
    let digest = act.digest();
    assert_eq!(digest, Catalogue::builtin().unwrap().framework("eu-ai-act").unwrap().digest());
    for at in 0..act.rows.len() {
        let mut changed = act.clone();
        changed.rows[at].label.push('.');
        assert_ne!(changed.digest(), digest, "row {at}");
    }
    for at in 0..act.dates.len() {
        let mut changed = act.clone();
        changed.dates[at].valid_from = "2030-01-01".parse().unwrap();
        assert_ne!(changed.digest(), digest, "date {at}");
    }
}

/// The first eight digits of the SHA-256 of the titles of ISO/IEC 27001 Annex A and ISO/IEC 42001 Annex A, in lower case
/// and without spaces and signs: digests, so that the titles themselves are not here.
const COPYRIGHTED: &str = "0326fb55 07b678ca 0a149844 0d09d72c 14ea1c55 15561b05 15c8c304 165703c4 171c2253 19e46a08 1b1f428c 1e20bf75 \
    1e7ac53b 1fcd8122 21eb2153 22ea4269 24bbde7d 29ba1fae 2b8ed889 2c2aa9e3 2d434b3d 2f9a6aa9 2fac4271 304a3144 \
    3195d98e 31c428a4 3409d58d 34804af8 363a3445 37f7bff1 3d07a303 403a715b 40558a85 40fe293d 411c9173 4268f0b5 \
    46fd26fd 4a7bb1fa 4aeab087 4b94b404 4ee42c5d 4f2a4e89 503e4350 5215377c 526cf35d 5662fe5d 575b4ffd 59fd4d8f \
    5a1d1ee9 5c5aab33 5f9301dd 5fe59515 6393fb08 65a04b9c 685ba40a 6ae542c1 6b9b97d8 6f32b18c 6f4f4173 707dc079 \
    70a24cca 716beea5 73a090cd 7431a3ca 747c7843 7d94be27 80cc25c1 822adecf 83aa6d7a 84b7c420 86f5504c 87f5a38b \
    880b7e9c 8adf4188 8be4054c 8d24f181 8f130bc7 9346b5d0 96101d0c 96d00eae 991c3810 9b69d3b1 9b7dce8f a05e0209 \
    a0c15580 a1e35bdb a47848b8 a4b1f452 ab0a4e17 ac6ecd2b acad6dad ad7cd77c b4ad9129 b601c655 b6b15620 bcd860f3 \
    c225a9eb c379536a c55f2fb1 c5969b8e c5a60e30 c70c867c c793438c c8c3abc4 c99c23ca caa64ee6 cbbe17ae cc1cd21b \
    ce8c374a d17722bb d1b0284b d28aa9ec d735838b dba39939 ddda54b5 de564f52 def0a4df e9bcb2d8 ea764309 eab9695e \
    eaca6f40 ee965f84 eec8689e eee53f13 f1b594bd f391b19c f3a9838a f3d3b660 f7eec2d6 fe7281a3 fe7351a9";

#[test]
fn no_label_is_a_copyrighted_title() {
    let digests = words(COPYRIGHTED);
    assert_eq!(digests.len(), 131);
    for framework in catalogue().frameworks() {
        for row in &framework.rows {
            let bare: String = row.label.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            let digest: String =
                Sha256::digest(&bare).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            assert!(!digests.contains(&digest), "{}:{} is worded as the original", framework.id, row.id);
        }
    }
    // The test itself notices a title.
    let digest: String =
        Sha256::digest("clocksynchronization").iter().take(4).map(|b| format!("{b:02x}")).collect();
    assert!(digests.contains(&digest));
}

#[test]
fn the_other_frameworks_apply_from_their_dates() {
    let expected = [
        ("soc2:in-use", "2018-12-15"),
        ("iso-42001:in-use", "2023-12-18"),
        ("iso-27001:in-use", "2022-10-25"),
        ("gdpr:in-use", "2018-05-25"),
        ("hipaa:security", "2005-04-20"),
        ("hipaa:privacy", "2003-04-14"),
        ("hipaa:breach", "2009-09-23"),
        ("nist-ai-rmf:in-use", "2023-01-26"),
    ];
    let catalogue = catalogue();
    let mut found = Vec::new();
    for framework in catalogue.frameworks().iter().filter(|framework| framework.id != "eu-ai-act") {
        for date in &framework.dates {
            found.push((format!("{}:{}", framework.id, date.id), date.valid_from.to_string()));
        }
    }
    assert_eq!(found, expected.map(|(date, from)| (date.to_owned(), from.to_owned())));
}
