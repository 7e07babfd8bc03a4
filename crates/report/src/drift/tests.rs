//! A small report in every form, and that nothing of it runs or loads.

use comptroller_stats::cells::{Block, BlockBuilder};
use comptroller_stats::coefficient::Band;
use comptroller_stats::column::{Current, Reference};
use comptroller_stats::drift::{Compared, Inputs, Report, RoleView, Settings, Side, report};
use comptroller_stats::gather::{Gather, Gathered};
use comptroller_stats::grid::Kind;
use comptroller_stats::profile::Role;

use super::{html, junit, markdown};

fn gathered(block: &Block) -> Gathered {
    let mut gather = Gather::new(usize::MAX);
    gather.push(block);
    gather.finish()
}

fn column(name: &str, kind: Kind, before: &Block, now: Option<&Block>) -> Compared {
    let reference = Reference::of(&gathered(before), kind);
    let current = now.map(|now| Current::of(&gathered(now), &reference.grid, None, 100));
    Compared::of(name, Role::Feature, reference, current, 2000)
}

fn numbers(shift: f64) -> Block {
    Block::of_numbers((0..2000).map(|i| f64::from(i * 7919 % 2000) / 100.0 + shift).collect())
}

fn words(of: &[&str]) -> Block {
    let mut builder = BlockBuilder::default();
    (0..2000).for_each(|i| builder.text(of[i % of.len()]));
    builder.finish()
}

/// Names as somebody would write them who wants a report to do something.
const EVIL: &str = "</title><script src=\"https://x.example/a.js\">alert(1)</script>|`*[a](b)";

fn sample() -> Report {
    let side = |name: &str| Side { name: name.to_owned(), rows: 2000, is_profile: false };
    let inputs = Inputs {
        columns: vec![
            column("stable", Kind::Numeric, &numbers(0.0), Some(&numbers(0.0))),
            column("moved", Kind::Numeric, &numbers(0.0), Some(&numbers(5.0))),
            column("word", Kind::Categorical, &words(&["a", "b"]), Some(&words(&["a", "b", EVIL]))),
            column(EVIL, Kind::Numeric, &numbers(0.0), None),
        ],
        pairs: None,
        outcomes: (None, None),
        reference: side("before.csv"),
        current: side(EVIL),
        roles: vec![RoleView {
            column: EVIL.to_owned(),
            role: Role::Id,
            kind: None,
            why: "a test".to_owned(),
        }],
        notes: vec![EVIL.to_owned()],
        ..Inputs::default()
    };
    report(inputs, &Settings::default())
}

/// INVARIANT (nothing-runs).
#[test]
fn a_page_loads_nothing_and_text_from_data_stays_text() {
    let page = html(&sample());
    for tag in ["<script", "<link", "<iframe", "<object", "<img", "url(", "@import", " href=\"", " src=\""] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("&lt;script"));
    for quotes in ["<rect", "<text"] {
        assert!(page.contains(quotes));
    }
    let text = markdown(&sample());
    assert!(!text.contains("<script") && !text.contains("[a](b)"), "{text}");
}

#[test]
fn every_picture_has_a_name_a_description_and_its_numbers_in_a_table() {
    let page = html(&sample());
    let pictures = page.matches("<svg").count();
    assert_eq!(pictures, 2 + 4, "the scale, the contributions and every column");
    assert_eq!(page.matches("role=\"img\"").count(), pictures);
    assert_eq!(page.matches("<desc id=").count(), pictures);
    assert_eq!(page.matches("The same as a table").count(), 4);
    assert!(page.contains("prefers-color-scheme:dark") && page.contains("@media print"));
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "ids are unique");
}

#[test]
fn a_case_fails_from_the_asked_band_on() {
    let report = sample();
    let strict = junit(&report, Band::Watch);
    assert!(strict.contains("name=\"column moved\" time=\"0\">\n      <failure"), "{strict}");
    assert!(strict.contains("name=\"column stable\" time=\"0\"/>"), "{strict}");
    let count = |xml: &str| xml.matches("<failure").count();
    let stated = strict.split("failures=\"").nth(1).and_then(|rest| rest.split('"').next());
    assert_eq!(stated, Some(count(&strict).to_string().as_str()));
    assert!(count(&junit(&report, Band::Rollback)) < count(&strict));
}

#[test]
fn markdown_is_stable() {
    insta::assert_snapshot!("markdown", markdown(&sample()));
}
