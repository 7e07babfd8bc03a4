//! The audit by betting under the null and under alternatives, by simulation from fixed seeds.

use super::*;
use rand_distr::Bernoulli;
use rand_pcg::Pcg64;

const RUNS: u32 = 1000;
const ROWS: u32 = 1500;

/// Runs that ever alarm, for groups with the given means that take turns at random (`common` is the chance of the
/// first group).
fn alarms(means: [f64; 2], tolerance: f64, common: f64, seed: u128) -> u32 {
    let law = |p: f64| Bernoulli::new(p).expect("a chance");
    let (turn, laws) = (law(common), means.map(law));
    let mut found = 0;
    for run in 0..RUNS {
        let mut random = Pcg64::new(seed, u128::from(run));
        let mut watch = Watch::new(2, 0.05, tolerance).expect("good settings");
        for _ in 0..ROWS {
            let group = usize::from(!turn.sample(&mut random));
            let value = f64::from(u8::from(laws[group].sample(&mut random)));
            watch.add(group, value).expect("known group");
        }
        // An alarm is kept: the highest wealth so far counts.
        found += u32::from(watch.alarms());
    }
    found
}

#[test]
fn equal_groups_never_alarm_more_often_than_alpha_whenever_somebody_looks() {
    // 5 % of 1000 is 50; three standard errors of the simulation are 21.
    for (means, common) in [([0.5, 0.5], 0.5), ([0.1, 0.1], 0.5), ([0.3, 0.3], 0.9)] {
        let found = alarms(means, 0.0, common, 11);
        assert!(found <= 71, "{means:?}: {found} of {RUNS}");
    }
}

#[test]
fn a_difference_just_within_the_tolerance_does_not_alarm() {
    let found = alarms([0.4, 0.5], 0.1, 0.5, 12);
    assert!(found <= 71, "{found} of {RUNS}");
}

#[test]
fn a_clear_difference_is_found_on_either_side() {
    assert!(alarms([0.3, 0.6], 0.0, 0.5, 13) > 950);
    assert!(alarms([0.6, 0.3], 0.0, 0.5, 14) > 950);
    assert!(alarms([0.3, 0.6], 0.1, 0.5, 15) > 700);
}

#[test]
fn periods_that_are_merged_in_order_never_alarm_too_often_either() {
    let law = Bernoulli::new(0.4).expect("a chance");
    let mut found = 0;
    for run in 0..RUNS {
        let mut random = Pcg64::new(16, u128::from(run));
        let mut whole = Watch::new(2, 0.05, 0.0).expect("good settings");
        for _ in 0..5 {
            let mut period = Watch::new(2, 0.05, 0.0).expect("good settings");
            for row in 0..300 {
                period.add(row % 2, f64::from(u8::from(law.sample(&mut random)))).expect("known group");
            }
            whole.then(&period).expect("same settings");
        }
        found += u32::from(whole.alarms());
    }
    assert!(found <= 71, "{found} of {RUNS}");
}

#[test]
fn merging_multiplies_the_evidence() {
    let period = |hits: usize| {
        let mut watch = Watch::new(2, 0.05, 0.0).expect("good settings");
        for row in 0..60 {
            let value = if row % 2 == 0 { f64::from(u8::from(row < hits)) } else { 0.0 };
            watch.add(row % 2, value).expect("known group");
        }
        watch
    };
    let (first, second) = (period(40), period(30));
    let mut both = first.clone();
    both.then(&second).expect("same settings");
    let evidence = |watch: &Watch| watch.state()[0].log_evidence;
    assert!((evidence(&both) - evidence(&first) - evidence(&second)).abs() < 1e-9);
    assert_eq!(both.state()[0].steps, 60);
}

#[test]
fn pairs_are_corrected_and_every_number_stays_finite() {
    let mut watch = Watch::new(3, 0.05, 0.0).expect("good settings");
    for row in 0..30_000 {
        watch.add(row % 3, if row % 3 == 2 { 1.0 } else { 0.0 }).expect("known group");
    }
    let state = watch.state();
    let alarms: Vec<bool> = state.iter().map(|pair| pair.alarm).collect();
    assert_eq!(alarms, [false, true, true]);
    assert!(state.iter().all(|pair| pair.log_evidence.is_finite() && pair.p_value.is_finite()));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut watch = Watch::new(2, 0.05, 0.0).expect("good settings");
    assert_eq!(watch.add(2, 0.5), Err(FairnessError::UnknownGroup { group: 2, groups: 2 }));
    assert_eq!(watch.add(0, 1.5), Err(FairnessError::Outside(1.5)));
    assert!(watch.add(0, f64::NAN).is_err());
    let other = Watch::new(2, 0.01, 0.0).expect("good settings");
    assert_eq!(watch.then(&other), Err(FairnessError::OtherAudit("alpha")));
    assert!(Watch::new(1, 0.05, 0.0).is_err() && Watch::new(2, 0.0, 0.0).is_err());
}

#[test]
fn an_audit_is_continued_from_what_was_stored() {
    let mut watch = Watch::new(2, 0.05, 0.02).expect("good settings");
    for row in 0..101 {
        watch.add(row % 2, f64::from(u8::from(row % 3 == 0))).expect("known group");
    }
    let stored = serde_json::to_string(&watch).expect("a value");
    let back: Watch = serde_json::from_str(&stored).expect("the same form");
    assert_eq!(back.state()[0].steps, watch.state()[0].steps);
    assert!((back.state()[0].log_evidence - watch.state()[0].log_evidence).abs() < 1e-12);
}
