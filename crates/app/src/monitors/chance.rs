//! How often a day would be bad with nothing wrong.

use super::real;
use crate::drift::{Profile, Role};
use comptroller_stats::tail::chi_square_upper;

/// Degrees of freedom of the indicator of quality: sound and six ways not to be.
const QUALITY_FREEDOM: f64 = 6.0;
/// Degrees of freedom of the score of a classifier: its bins and the one of missing vectors, less one.
const SCORE_FREEDOM: f64 = 10.0;

/// The chance, at most, that a day of `rows` records that come from the very law of the baseline reaches `limit` by the
/// columns' own distributions or by their quality; no more than `alpha`, the level of the report.
///
/// Under no drift V^2 / c follows a chi-square law with K - 1 degrees of freedom, c = 1/4 (1/n1 + 1/n2). Vc reaches the
/// limit if V^2 >= limit^2 + c (K - 1). The coefficient of the data is a mean of weights that add to 1, so some column
/// reaches what the mean reaches; the chances add up at most. What labels show is not covered: it is tested at a quarter
/// of `alpha` (concept) and by a 95 % bound (performance).
pub(super) fn daily(baseline: &Profile, rows: u64, limit: f64, alpha: f64) -> f64 {
    if rows == 0 || baseline.rows == 0 {
        return 0.0;
    }
    let noise = 0.25 * (1.0 / real(baseline.rows) + 1.0 / real(rows));
    let reach = |freedom: f64| chi_square_upper(limit * limit / noise + freedom, freedom);
    let mut chance = 0.0;
    for column in baseline.columns.iter().filter(|column| column.role != Role::Label) {
        let Some(bins) = &column.bins else { continue };
        let filled = bins.counts.scored(&bins.grid, true).iter().filter(|rows| **rows > 0).count();
        if filled > 1 {
            chance += reach(real(filled as u64 - 1));
        }
        chance += reach(QUALITY_FREEDOM);
    }
    // A classifier judges half of the sampled vectors of each side.
    for vectors in baseline.vectors.values().filter(|vectors| !vectors.sampled().is_empty()) {
        let judged = real(vectors.sampled().len() as u64) / 2.0;
        let noise = 0.25 * (1.0 / judged + 1.0 / judged.min(real(rows) / 2.0));
        chance += chi_square_upper(limit * limit / noise + SCORE_FREEDOM, SCORE_FREEDOM);
    }
    chance.min(alpha)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::part::{count_part, judge};
    use crate::drift::{Band, Settings, profile_of_blocks};
    use comptroller_stats::cells::Block;
    use std::collections::BTreeMap;

    /// Numbers that look random and are the same in every run (a linear congruential generator).
    struct Dice(u64);

    impl Dice {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from((self.0 >> 33) as u32) / f64::from(1_u32 << 31)
        }

        fn columns(&mut self, rows: usize) -> BTreeMap<String, Block> {
            (0..4)
                .map(|n| (format!("x{n}"), Block::of_numbers((0..rows).map(|_| self.next()).collect())))
                .collect()
        }
    }

    #[test]
    fn stable_days_are_bad_no_more_often_than_stated() {
        let mut dice = Dice(5);
        let columns = dice.columns(4_000).into_iter().map(|(name, block)| (name, None, block)).collect();
        let baseline = profile_of_blocks(columns, 4_000).unwrap();
        let settings = Settings::default();
        let days = 400_u32;
        for rows in [40_usize, 80, 200] {
            let limit = settings.bands.investigate;
            let stated = daily(&baseline, rows as u64, limit, settings.alpha);
            let mut bad = 0_u32;
            for _ in 0..days {
                let current = count_part(&baseline, &dice.columns(rows), BTreeMap::new(), None, rows);
                let report = judge(&baseline, &current, ("a", "b"), &settings).unwrap();
                bad += u32::from(report.headline.band >= Some(Band::Investigate));
            }
            let most = stated * f64::from(days);
            // Four standard errors of a count that varies at most like a Poisson one, and one for small numbers.
            assert!(
                f64::from(bad) <= most + 4.0 * most.sqrt() + 1.0,
                "{rows} rows: {bad} bad days, stated {most}"
            );
        }
    }

    #[test]
    fn more_rows_and_a_higher_border_make_chance_smaller() {
        let mut dice = Dice(9);
        let columns = dice.columns(2_000).into_iter().map(|(name, block)| (name, None, block)).collect();
        let baseline = profile_of_blocks(columns, 2_000).unwrap();
        let of = |rows, limit| daily(&baseline, rows, limit, 0.05);
        assert!(of(20, 0.3) >= of(200, 0.3) && of(200, 0.3) >= of(2_000, 0.3));
        assert!(of(60, 0.1) >= of(60, 0.3) && of(60, 0.3) >= of(60, 0.5));
        assert!(of(2_000, 0.3) < 1e-9 && of(20, 0.01) <= 0.05);
        assert!(of(0, 0.3) <= 0.0);
    }
}
