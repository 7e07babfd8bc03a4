//! Generalised entropy of benefits: inequality over individuals, split into a part between and a part within groups.
//!
//! The benefit of a labelled and decided row is decision - label + 1: 0 for a false negative, 1 for a right decision, 2
//! for a false positive (Speicher et al. 2018, KDD, "A Unified Approach to Quantifying Algorithmic Unfairness"). With
//! mean benefit m the index is `mean((b/m)^a - 1) / (a (a - 1))`, for a = 1 `mean(b/m ln(b/m))` (Theil), for a = 0
//! `-mean(ln(b/m))`.

use super::cells::CELLS;

/// The cells of each benefit 0, 1, 2.
const BENEFITS: [(f64, [usize; 2]); 3] = [(0.0, [3, 3]), (1.0, [0, 4]), (2.0, [1, 1])];

/// An index and its parts; `within + between = total`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entropy {
    /// Nothing where a benefit of 0 has no logarithm.
    pub(crate) total: Option<f64>,
    /// Every row with the mean benefit of its group.
    pub(crate) between: Option<f64>,
    /// What is left.
    pub(crate) within: Option<f64>,
}

/// Weight and sum of benefits of the rows with a benefit.
fn mass(cells: &[f64; CELLS]) -> (f64, f64) {
    let correct = cells[0] + cells[4];
    (correct + cells[1] + cells[3], correct + 2.0 * cells[1])
}

/// The contribution of a benefit relative to the mean; nothing where it is infinite.
fn term(alpha: u8, relative: f64) -> Option<f64> {
    match alpha {
        0 => (relative > 0.0).then(|| -relative.ln()),
        1 if relative <= 0.0 => Some(0.0),
        1 => Some(relative * relative.ln()),
        _ => Some((relative * relative - 1.0) / 2.0),
    }
}

/// The index of alpha 0, 1 or 2 over the rows of all groups; nothing without rows or without any benefit.
pub(crate) fn entropy(alpha: u8, groups: &[[f64; CELLS]]) -> Option<Entropy> {
    let (mut rows, mut benefits) = (0.0, 0.0);
    for group in groups {
        let (n, b) = mass(group);
        rows += n;
        benefits += b;
    }
    if rows <= 0.0 || benefits <= 0.0 {
        return None;
    }
    let mean = benefits / rows;
    let (mut total, mut between) = (Some(0.0), Some(0.0));
    let add = |sum: &mut Option<f64>, weight: f64, relative: f64| {
        if weight > 0.0 {
            *sum = sum.and_then(|so_far| Some(so_far + weight / rows * term(alpha, relative)?));
        }
    };
    for group in groups {
        for (benefit, cells) in BENEFITS {
            let [first, second] = cells;
            let weight = if first == second { group[first] } else { group[first] + group[second] };
            add(&mut total, weight, benefit / mean);
        }
        let (n, b) = mass(group);
        if n > 0.0 {
            add(&mut between, n, b / n / mean);
        }
    }
    // Rounding must not make an inequality negative.
    let total = total.map(|value| value.max(0.0));
    let between = between.map(|value| value.max(0.0));
    let within = total.zip(between).map(|(total, between)| (total - between).max(0.0));
    Some(Entropy { total, between, within })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn group(tp: f64, fp: f64, tn: f64, fn_: f64) -> [f64; CELLS] {
        [tn, fp, 0.0, fn_, tp, 0.0, 0.0, 0.0, 0.0]
    }

    /// The definition over a list of benefits.
    fn naive(alpha: u8, benefits: &[f64]) -> f64 {
        let mean = benefits.iter().sum::<f64>() / crate::numeric::size(benefits.len());
        let each = benefits.iter().map(|b| match alpha {
            0 => -(b / mean).ln(),
            1 if *b <= 0.0 => 0.0,
            1 => b / mean * (b / mean).ln(),
            _ => ((b / mean).powi(2) - 1.0) / 2.0,
        });
        each.sum::<f64>() / crate::numeric::size(benefits.len())
    }

    #[test]
    fn no_logarithm_of_no_benefit_is_invented() {
        let groups = [group(3.0, 1.0, 4.0, 2.0), group(3.0, 0.0, 4.0, 0.0)];
        let zero = entropy(0, &groups).expect("there are benefits");
        assert_eq!((zero.total, zero.within), (None, None));
        assert!(zero.between.is_some(), "the mean benefit of each group is above 0");
        assert_eq!(entropy(1, &[group(0.0, 0.0, 0.0, 5.0)]), None);
        assert_eq!(entropy(2, &[group(0.0, 0.0, 0.0, 0.0)]), None);
    }

    #[test]
    fn right_decisions_alone_are_perfectly_equal() {
        for alpha in 0..=2 {
            let found = entropy(alpha, &[group(5.0, 0.0, 7.0, 0.0)]).expect("rows");
            assert!(found.total.is_some_and(|value| value.abs() < 1e-15));
        }
    }

    proptest! {
        #[test]
                fn the_index_is_its_definition_over_rows(
            a in [1_u8..20, 0..20, 0..20, 0..20], b in [1_u8..20, 0..20, 0..20, 0..20], alpha in 0_u8..3,
        ) {
            let fn_of = |counts: [u8; 4]| if alpha == 0 { 0 } else { counts[3] };
            let make = |c: [u8; 4]| group(c[0].into(), c[1].into(), c[2].into(), fn_of(c).into());
            let rows = |c: [u8; 4]| {
                let mut all = vec![1.0; usize::from(c[0]) + usize::from(c[2])];
                all.extend(vec![2.0; usize::from(c[1])]);
                all.extend(vec![0.0; usize::from(fn_of(c))]);
                all
            };
            let found = entropy(alpha, &[make(a), make(b)]).expect("one true positive at least");
            let all = [rows(a), rows(b)].concat();
            let total = found.total.expect("no benefit of 0 for alpha 0");
            prop_assert!((total - naive(alpha, &all)).abs() < 1e-12);
            let mean = |list: &[f64]| vec![list.iter().sum::<f64>() / crate::numeric::size(list.len()); list.len()];
            let means = [mean(&rows(a)), mean(&rows(b))].concat();
            prop_assert!((found.between.expect("means above 0") - naive(alpha, &means)).abs() < 1e-12);
        }
    }
}
