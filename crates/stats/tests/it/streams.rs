//! Detectors of changes in streams: what river says of the same streams (tests/oracle/streams.py), and how often they cry
//! out for nothing.

use crate::support::Random;
use comptroller_stats::stream::{
    Adwin, AdwinSettings, Ddm, DdmSettings, PageHinkley, PageHinkleySettings, State,
};
use serde_json::Value;

fn streams() -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../oracle/streams.json")).unwrap();
    all["streams"].as_array().unwrap().clone()
}

fn values(stream: &Value) -> Vec<f64> {
    stream["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn places(stream: &Value, name: &str) -> Vec<usize> {
    stream[name].as_array().unwrap().iter().map(|place| place.as_u64().unwrap() as usize).collect()
}

fn width(stream: &Value, name: &str) -> u64 {
    stream[name].as_f64().unwrap() as u64
}

/// Rows at which a detector is in the state.
fn found(values: &[f64], wanted: State, mut update: impl FnMut(f64) -> State) -> Vec<usize> {
    let mut places = Vec::new();
    for (at, value) in values.iter().enumerate() {
        if update(*value) == wanted {
            places.push(at);
        }
    }
    places
}

/// River forgets the whole window after a change; ours keeps the newer part, as its authors do, so it is begun anew here.
fn forgetting(settings: AdwinSettings, values: &[f64]) -> (Vec<usize>, Adwin) {
    let mut adwin = Adwin::new(settings);
    let mut has_changed = false;
    let places = found(values, State::Change, |value| {
        if has_changed {
            adwin = Adwin::new(settings);
        }
        let state = adwin.update(value);
        has_changed = state == State::Change;
        state
    });
    (places, adwin)
}

#[test]
fn changes_are_seen_at_the_rows_at_which_river_sees_them() {
    for stream in streams() {
        let (name, values) = (stream["name"].as_str().unwrap(), values(&stream));
        let (rows, adwin) = forgetting(AdwinSettings::default(), &values);
        assert_eq!(rows, places(&stream, "adwin"), "ADWIN, {name}");
        assert_eq!(width(&stream, "adwin_width"), adwin.width(), "{name}");
        assert!((adwin.mean() - stream["adwin_mean"].as_f64().unwrap()).abs() < 1e-9, "{name}");
        let settings = AdwinSettings { delta: 0.1, clock: 1, stretches: 3, ..AdwinSettings::default() };
        let (rows, sharp) = forgetting(settings, &values);
        assert_eq!(rows, places(&stream, "adwin_sharp"), "sharp ADWIN, {name}");
        assert_eq!(width(&stream, "adwin_sharp_width"), sharp.width(), "{name}");
        let mut plain = PageHinkley::new(PageHinkleySettings::default());
        let rows = found(&values, State::Change, |x| plain.update(x));
        assert_eq!(rows, places(&stream, "page_hinkley"), "Page-Hinkley, {name}");
        let low = PageHinkleySettings { threshold: 12.0, delta: 0.1, least_rows: 10, alpha: 0.9999 };
        let mut low = PageHinkley::new(low);
        let rows = found(&values, State::Change, |x| low.update(x));
        assert_eq!(rows, places(&stream, "page_hinkley_low"), "low Page-Hinkley, {name}");
        if name.starts_with("errors") {
            for (state, key) in [(State::Change, "ddm"), (State::Warning, "ddm_warnings")] {
                let mut ddm = Ddm::new(DdmSettings::default());
                let rows = found(&values, state, |x| ddm.update(x > 0.5));
                assert_eq!(rows, places(&stream, key), "DDM, {name}");
            }
        }
    }
}

/// The newer part of the window stays, so that its mean is at once that of what is now.
#[test]
fn adwin_keeps_what_came_after_the_change() {
    let mut random = Random::new(13);
    let mut adwin = Adwin::new(AdwinSettings::default());
    for _ in 0..2000 {
        adwin.update(random.normal());
    }
    assert_eq!(adwin.width(), 2000);
    let seen = (0..1000).position(|_| adwin.update(3.0 + random.normal()) == State::Change).unwrap();
    assert!(seen < 64, "{seen}");
    for _ in seen..1000 {
        adwin.update(3.0 + random.normal());
    }
    assert!((adwin.mean() - 3.0).abs() < 0.2 && adwin.width() > 900, "{} {}", adwin.mean(), adwin.width());
}

/// A stored detector goes on as if it had never been stored.
#[test]
fn a_detector_reads_back_in_the_middle_of_a_stream() {
    for stream in streams() {
        let values = values(&stream);
        let (first, second) = values.split_at(values.len() / 3);
        let mut adwin = Adwin::new(AdwinSettings::default());
        let mut hinkley = PageHinkley::new(PageHinkleySettings::default());
        let mut ddm = Ddm::new(DdmSettings::default());
        for value in first {
            adwin.update(*value);
            hinkley.update(*value);
            ddm.update(*value > 0.5);
        }
        let mut adwin_again: Adwin = serde_json::from_str(&serde_json::to_string(&adwin).unwrap()).unwrap();
        let mut hinkley_again: PageHinkley =
            serde_json::from_str(&serde_json::to_string(&hinkley).unwrap()).unwrap();
        let mut ddm_again: Ddm = serde_json::from_str(&serde_json::to_string(&ddm).unwrap()).unwrap();
        for value in second {
            assert_eq!(adwin.update(*value), adwin_again.update(*value));
            assert_eq!(hinkley.update(*value), hinkley_again.update(*value));
            assert_eq!(ddm.update(*value > 0.5), ddm_again.update(*value > 0.5));
        }
    }
}

/// ADWIN's chance is one of each look and far from reached; its state stays small.
#[test]
fn adwin_seldom_cries_out_for_nothing_and_stays_small() {
    let mut random = Random::new(11);
    let mut alarmed = 0;
    for _ in 0..200 {
        let mut adwin = Adwin::new(AdwinSettings::default());
        let mut has_alarmed = false;
        for _ in 0..10_000 {
            has_alarmed |= adwin.update(random.normal()) == State::Change;
        }
        alarmed += u32::from(has_alarmed);
        assert!(serde_json::to_string(&adwin).unwrap().len() < 8192);
    }
    // 200 streams of 10,000 stable rows, 312 looks at each.
    assert!(alarmed <= 4, "{alarmed} of 200 streams");
}

/// A threshold for numbers in standard deviations, and that changes are found by it.
#[test]
fn page_hinkley_at_a_threshold_for_standard_numbers_is_quiet_and_quick() {
    let settings = PageHinkleySettings { threshold: 30.0, delta: 0.25, least_rows: 30, alpha: 1.0 };
    let mut random = Random::new(12);
    let (mut false_alarms, mut late) = (0, 0);
    for _ in 0..200 {
        let mut detector = PageHinkley::new(settings);
        let quiet = (0..5000).filter(|_| detector.update(random.normal()) == State::Change).count();
        false_alarms += u32::from(quiet > 0);
        let seen = (0..200).position(|_| detector.update(1.0 + random.normal()) == State::Change);
        late += u32::from(seen.is_none());
    }
    assert!(false_alarms <= 2 && late <= 2, "{false_alarms} false alarms, {late} misses of 200");
}

#[test]
fn what_is_no_number_changes_nothing() {
    let mut adwin = Adwin::new(AdwinSettings::default());
    let mut hinkley = PageHinkley::new(PageHinkleySettings::default());
    for _ in 0..100 {
        assert_eq!(adwin.update(f64::NAN), State::Stable);
        assert_eq!(hinkley.update(f64::INFINITY), State::Stable);
    }
    assert_eq!((adwin.width(), adwin.mean()), (0, 0.0));
}
