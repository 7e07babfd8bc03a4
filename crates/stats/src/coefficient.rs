//! From columns to the data set: the drift coefficient, its bands, and who carries it.

use serde::Serialize;

/// Where the bands begin. Cohen's conventions for w, of which V is the balanced form (Cohen 1988), not optima:
/// owners may set their own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bands {
    /// From here on: watch.
    pub watch: f64,
    /// From here on: investigate, and retrain if the cause is in the world.
    pub investigate: f64,
    /// From here on: roll back.
    pub rollback: f64,
}

impl Default for Bands {
    fn default() -> Self {
        Self { watch: 0.1, investigate: 0.3, rollback: 0.5 }
    }
}

/// What a coefficient asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Band {
    /// Nothing.
    Normal,
    /// Look at it.
    Watch,
    /// Find the cause; retrain if it is in the world.
    Investigate,
    /// Return to what was sound.
    Rollback,
}

impl Band {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Watch => "watch",
            Self::Investigate => "investigate",
            Self::Rollback => "rollback",
        }
    }
}

impl Bands {
    /// The band of a coefficient.
    pub fn of(&self, coefficient: f64) -> Band {
        if coefficient >= self.rollback {
            Band::Rollback
        } else if coefficient >= self.investigate {
            Band::Investigate
        } else if coefficient >= self.watch {
            Band::Watch
        } else {
            Band::Normal
        }
    }
}

impl Bands {
    /// A coefficient for people: two digits, and more where two would look like another band.
    pub fn shown(&self, coefficient: f64) -> String {
        for digits in 2..6 {
            let text = format!("{coefficient:.digits$}");
            if text.parse().is_ok_and(|read| self.of(read) == self.of(coefficient)) {
                return text;
            }
        }
        coefficient.to_string()
    }
}

/// The coefficient of all columns: (sum w V^3)^(1/3), weights made to add to 1, values within 0..=1. Between the mean,
/// which hides one broken column among many, and the maximum, which forgets how many there are.
pub fn cubic_mean(columns: &[(f64, f64)]) -> f64 {
    let total: f64 = columns.iter().map(|(weight, _)| weight).sum();
    if total <= 0.0 {
        return 0.0;
    }
    let sum: f64 = columns.iter().map(|(weight, v)| weight / total * v.powi(3)).sum();
    sum.cbrt().clamp(0.0, 1.0)
}

/// What each column carries of the coefficient: w V^3 over their sum. Adds to 1, or to 0 if nothing drifts.
pub fn contributions(columns: &[(f64, f64)]) -> Vec<f64> {
    let sum: f64 = columns.iter().map(|(weight, v)| weight * v.powi(3)).sum();
    columns.iter().map(|(weight, v)| if sum > 0.0 { weight * v.powi(3) / sum } else { 0.0 }).collect()
}

/// Parts in percent with one decimal that add to exactly 100.0: each is cut, and what is left goes to those that lost
/// most by it (largest remainders). All 0 if there is nothing.
pub fn percents(parts: &[f64]) -> Vec<f64> {
    let sum: f64 = parts.iter().sum();
    if sum <= 0.0 {
        return vec![0.0; parts.len()];
    }
    let exact: Vec<f64> = parts.iter().map(|part| part / sum * TENTHS).collect();
    let mut tenths: Vec<u32> = exact.iter().map(|part| part.floor() as u32).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    let given: u32 = tenths.iter().sum();
    for at in order.into_iter().take((TENTHS as u32).saturating_sub(given) as usize) {
        tenths[at] += 1;
    }
    tenths.into_iter().map(|part| f64::from(part) / 10.0).collect()
}

/// Tenths of a percent in the whole.
const TENTHS: f64 = 1000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_column_of_twenty_is_seen_and_five_weak_ones_too() {
        let with = |drifted: usize, v: f64| -> Vec<(f64, f64)> {
            (0..20).map(|i| (1.0, if i < drifted { v } else { 0.0 })).collect()
        };
        assert!((cubic_mean(&with(1, 1.0)) - 0.368).abs() < 1e-3);
        assert!((cubic_mean(&with(5, 0.3)) - 0.189).abs() < 1e-3);
        let parts = contributions(&with(5, 0.3));
        assert!((parts.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((contributions(&[(1.0, 0.2), (3.0, 0.2)])[1] - 0.75).abs() < 1e-12);
    }

    #[test]
    fn no_column_and_no_weight_is_no_drift() {
        assert!(cubic_mean(&[]).abs() < 1e-15 && cubic_mean(&[(0.0, 1.0)]).abs() < 1e-15);
        assert_eq!(contributions(&[(1.0, 0.0)]), [0.0]);
    }

    #[test]
    fn percents_add_to_exactly_a_hundred() {
        let tenths =
            |parts: &[f64]| percents(parts).iter().map(|part| (part * 10.0).round() as u32).sum::<u32>();
        for parts in [vec![1.0; 3], vec![1.0; 7], vec![0.2, 0.3, 1e-9, 0.5], vec![1.0; 2000], vec![5.0]] {
            assert_eq!(tenths(&parts), 1000, "{parts:?}");
        }
        assert_eq!(percents(&[1.0, 1.0, 1.0]), [33.4, 33.3, 33.3]);
        assert_eq!(percents(&[0.0, 0.0]), [0.0, 0.0]);
    }

    #[test]
    fn a_number_is_never_shown_as_of_another_band() {
        let bands = Bands::default();
        let shown = [0.123_4, 0.099_7, 0.1, 0.499_99, 0.0, 0.299_999_9].map(|d| bands.shown(d));
        assert_eq!(shown, ["0.12", "0.0997", "0.10", "0.49999", "0.00", "0.2999999"]);
    }

    #[test]
    fn a_band_begins_at_its_border() {
        let bands = Bands::default();
        let found: Vec<Band> = [0.099_9, 0.1, 0.3, 0.5].map(|d| bands.of(d)).to_vec();
        assert_eq!(found, [Band::Normal, Band::Watch, Band::Investigate, Band::Rollback]);
    }
}
