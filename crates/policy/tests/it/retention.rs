//! Retention cards: what they say together, and what is refused.

use comptroller_core::vocab::{BundleVerdict, RetentionClass};
use comptroller_policy::card::Keep;
use comptroller_policy::prove::{self, Limits, Solver};
use comptroller_policy::{Bundle, Package};
use std::collections::BTreeMap;

fn bundle(files: &[(&str, &str)]) -> Result<Bundle, String> {
    let mut all: BTreeMap<String, String> = Package::builtin().unwrap().files().clone();
    for (name, cards) in files {
        all.insert(format!("cards/{name}.toml"), format!("title = \"t\"\nsource = \"s\"\n{cards}"));
    }
    Package::new(all).and_then(|package| Bundle::of(&package)).map_err(|error| error.to_string())
}

fn card(id: &str, class: &str, days: &str) -> String {
    format!("[retention.{id}]\nclass = \"{class}\"\n{days}\nreason = \"r\"\ncontrol = [\"C\"]\n")
}

#[test]
fn the_longest_minimum_and_the_shortest_maximum_hold() {
    let one = card("one", "note", "min_days = 30\nmax_days = 400");
    let two = card("two", "note", "min_days = 180");
    let three = card("three", "note", "max_days = 365");
    let bundle = bundle(&[("a", &one), ("b", &format!("{two}{three}"))]).unwrap();
    let keep = bundle.retention().keep(RetentionClass::Note);
    let rules = vec!["three".parse().unwrap(), "two".parse().unwrap()];
    assert_eq!(keep, Keep { min_days: Some(180), max_days: Some(365), rules });
    assert_eq!(bundle.retention().keep(RetentionClass::ModelFile), Keep::default());
}

#[test]
fn a_card_that_cannot_hold_is_refused_with_its_name() {
    for (cards, expected) in [
        (card("x", "note", "min_days = 31\nmax_days = 30"), "min_days 31 is more than max_days 30"),
        (card("x", "note", ""), "name `min_days`, `max_days` or both"),
        (card("x", "note", "max_days = 0"), "0 days are not 1 to 36525"),
        (card("x", "predictions", "max_days = 1"), "unknown variant `predictions`"),
        (card("Upper", "note", "max_days = 1"), "the name is not one of"),
        (card("x", "note", "max_days = 1").replace("\"r\"", "\" \""), "say where it comes from"),
        (
            card("x", "note", "max_days = 30") + &card("y", "note", "min_days = 31"),
            "note would have to be kept for 31 days and purged after 30",
        ),
    ] {
        let error = bundle(&[("own", &cards)]).unwrap_err();
        assert!(error.contains(expected) && error.contains("cards/own.toml"), "{expected}: {error}");
    }
    let twice = card("x", "note", "max_days = 30");
    let error = bundle(&[("a", &twice), ("b", &twice)]).unwrap_err();
    assert!(error.contains("the name stands twice"), "{error}");
}

#[test]
fn whatever_goes_earlier_is_looser() {
    let with = |days: &str| bundle(&[("own", &card("x", "evidence-document", days))]).unwrap();
    let none = Bundle::builtin().unwrap();
    let (base, shorter, lower) =
        (with("min_days = 30\nmax_days = 90"), with("min_days = 30\nmax_days = 60"), with("max_days = 90"));
    let longer = with("min_days = 60\nmax_days = 120");
    let solver = Solver::find(None, Limits::default());
    for (old, new, verdict, says) in [
        (&none, &base, BundleVerdict::Looser, "evidence-document is purged after 90 days instead of never"),
        (&base, &shorter, BundleVerdict::Looser, "is purged after 60 days instead of 90 days"),
        (&base, &lower, BundleVerdict::Looser, "must be kept for no time instead of 30 days"),
        (&base, &longer, BundleVerdict::Equivalent, ""),
        (&base, &none, BundleVerdict::Looser, "must be kept for no time"),
    ] {
        let comparison = prove::compare(old, new, &solver, &|_| ());
        assert_eq!(comparison.verdict, verdict, "{says}: {comparison:?}");
        assert_eq!(comparison.goes_earlier.is_empty(), says.is_empty(), "{comparison:?}");
        assert!(comparison.goes_earlier.iter().all(|why| why.contains(says)), "{comparison:?}");
    }
}
