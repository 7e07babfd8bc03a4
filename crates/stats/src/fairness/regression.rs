//! Gaps of a regression: mean error, mean absolute error and root mean squared error by group.

use super::compare::Plan;
use super::error::FairnessError;
use super::groups::{GroupName, Partition, subsets};
use super::input::{Attribute, Keys, check_weights, same_length};
use super::mean::{Estimated, Moments, gap, root, value_of};
use super::report::Aggregate;
use super::settings::Settings;
use super::value::{Reason, Value};
use crate::numeric::normal::two_sided;
use serde::{Deserialize, Serialize};

/// The columns of an audit of a regression.
#[derive(Clone, Copy, Debug)]
pub struct Predicted<'a> {
    /// What was predicted; NaN and infinite for none.
    pub predictions: &'a [f64],
    /// What came true; NaN and infinite for not known.
    pub truths: &'a [f64],
    /// How much a row counts, from 0; 1 without.
    pub weights: Option<&'a [f64]>,
    /// By what groups are told apart.
    pub attributes: &'a [Attribute],
}

/// The groups of some attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionFamily {
    /// The attributes.
    pub attributes: Vec<String>,
    /// By group.
    pub groups: Vec<GroupErrors>,
    /// Combinations that no row has, at most 200 of them.
    pub absent: Vec<GroupName>,
    /// Largest difference of mean errors.
    pub mean_error_difference: Aggregate,
    /// Largest difference of mean absolute errors.
    pub mean_absolute_error_difference: Aggregate,
    /// Largest difference of root mean squared errors.
    pub root_mean_squared_error_difference: Aggregate,
}

/// The errors of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupErrors {
    /// Its values.
    pub name: GroupName,
    /// Rows with a prediction and a truth.
    pub rows: u64,
    /// Mean of prediction minus truth.
    pub mean_error: Value,
    /// Mean of its absolute value.
    pub mean_absolute_error: Value,
    /// Root of the mean of its square.
    pub root_mean_squared_error: Value,
}

#[derive(Clone, Copy, Debug, Default)]
struct Errors {
    plain: Moments,
    absolute: Moments,
    squared: Moments,
}

/// Audits a regression: one family for each attribute and each intersection. Criteria and the bootstrap of the settings
/// are for decisions and are not used here.
///
/// # Errors
/// As [`super::audit`].
pub fn audit_regression(
    columns: &Predicted<'_>,
    settings: &Settings,
) -> Result<Vec<RegressionFamily>, FairnessError> {
    settings.check()?;
    let keys = Keys::of(columns.predictions.len(), columns.attributes, &[])?;
    same_length("truth", columns.truths.len(), keys.rows.len())?;
    if let Some(weights) = columns.weights {
        same_length("weight", weights.len(), keys.rows.len())?;
        check_weights(weights)?;
    }
    let mut rows = vec![0_u64; keys.groups];
    for key in &keys.rows {
        rows[*key as usize] += 1;
    }
    let mut families = Vec::new();
    for subset in subsets(columns.attributes.len()) {
        let partition = Partition::of(&subset, columns.attributes, &rows);
        families.push(family(columns, &partition, &keys, settings));
    }
    Ok(families)
}

fn family(
    columns: &Predicted<'_>,
    partition: &Partition,
    keys: &Keys,
    settings: &Settings,
) -> RegressionFamily {
    let mut groups = vec![Errors::default(); partition.names.len()];
    for (row, key) in keys.rows.iter().enumerate() {
        let error = columns.predictions[row] - columns.truths[row];
        let (Some(group), true) = (partition.of_key[*key as usize], error.is_finite()) else { continue };
        let weight = columns.weights.map_or(1.0, |weights| weights[row]);
        groups[group].plain.add(error, weight);
        groups[group].absolute.add(error.abs(), weight);
        groups[group].squared.add(error * error, weight);
    }
    let rows: Vec<u64> = groups.iter().map(|group| group.plain.rows).collect();
    let plan =
        Plan { settings, names: &partition.names, rows: &rows, left_out: &[], strata: 1, weighted: false };
    let all = |of: &dyn Fn(&Errors) -> Option<Estimated>| groups.iter().map(of).collect::<Vec<_>>();
    let plain = all(&|group| group.plain.mean());
    let absolute = all(&|group| group.absolute.mean());
    let squared = all(&|group| root(group.squared.mean()));
    let (z, needed) = (two_sided(settings.alpha(), 1), settings.min_rows);
    let result = |mean: Option<Estimated>| value_of(mean, z, needed, Reason::NoRows);
    let one = |(place, name): (usize, &GroupName)| GroupErrors {
        name: name.clone(),
        rows: rows[place],
        mean_error: result(plain[place]),
        mean_absolute_error: result(absolute[place]),
        root_mean_squared_error: result(squared[place]),
    };
    RegressionFamily {
        attributes: partition.subset.iter().map(|place| columns.attributes[*place].name.clone()).collect(),
        groups: partition.names.iter().enumerate().map(one).collect(),
        absent: partition.absent.clone(),
        mean_error_difference: gap(&plain, &plan, Reason::NoRows),
        mean_absolute_error_difference: gap(&absolute, &plan, Reason::NoRows),
        root_mean_squared_error_difference: gap(&squared, &plan, Reason::NoRows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_the_definition_and_gaps_lie_between_groups() {
        let codes: Vec<u32> = (0..80).map(|row| row % 2).collect();
        let truths: Vec<f64> = (0..80).map(f64::from).collect();
        // Group a is predicted 1 too high and 1 too low in turn, group b always 3 too high.
        let error = |row: u32| {
            if row % 2 == 1 {
                3.0
            } else if row.is_multiple_of(4) {
                1.0
            } else {
                -1.0
            }
        };
        let predictions: Vec<f64> = (0..80).map(|row| f64::from(row) + error(row)).collect();
        let levels = vec!["a".to_owned(), "b".to_owned()];
        let attributes = [Attribute { name: "g".to_owned(), levels, codes }];
        let columns =
            Predicted { predictions: &predictions, truths: &truths, weights: None, attributes: &attributes };
        let families = audit_regression(&columns, &Settings::default()).expect("good columns");
        let value = |value: &Value| value.estimate().expect("enough rows");
        let [a, b] = &families[0].groups[..] else { panic!("two groups") };
        assert!(value(&a.mean_error).abs() < 1e-12 && (value(&b.mean_error) - 3.0).abs() < 1e-12);
        assert!((value(&a.mean_absolute_error) - 1.0).abs() < 1e-12);
        assert!((value(&a.root_mean_squared_error) - 1.0).abs() < 1e-12);
        assert!((value(&families[0].mean_error_difference.value) - 3.0).abs() < 1e-12);
        assert!((value(&families[0].mean_absolute_error_difference.value) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_group_without_truths_is_not_evaluable_and_named() {
        let codes: Vec<u32> = (0..120).map(|row| row % 3).collect();
        let truths: Vec<f64> = (0..120).map(|row| if row % 3 == 2 { f64::NAN } else { 1.0 }).collect();
        let levels = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let attributes = [Attribute { name: "g".to_owned(), levels, codes }];
        let predictions = vec![1.5; 120];
        let columns =
            Predicted { predictions: &predictions, truths: &truths, weights: None, attributes: &attributes };
        let families = audit_regression(&columns, &Settings::default()).expect("good columns");
        assert_eq!(families[0].groups[2].mean_error, Value::undefined(Reason::NoRows, 0.0, 0.0));
        let gap = &families[0].mean_error_difference;
        assert_eq!(gap.not_covered.len(), 1);
        assert!(gap.value.estimate().is_some_and(|value| value.abs() < 1e-12));
    }
}
