//! More than two classes: each class against all others, as a decision of its own.

use super::error::FairnessError;
use super::input::{Attribute, Columns, MISSING, UNKNOWN, same_length};
use super::report::Report;
use super::settings::Settings;
use serde::{Deserialize, Serialize};

/// Most classes.
pub const MAX_CLASSES: usize = 100;

/// The columns of an audit of a classification.
#[derive(Clone, Copy, Debug)]
pub struct Classified<'a> {
    /// The names of the classes.
    pub classes: &'a [String],
    /// What was predicted: a place in `classes`, or [`MISSING`].
    pub predictions: &'a [u32],
    /// What came true, if anything is known about it.
    pub labels: Option<&'a [u32]>,
    /// How much a row counts, from 0; 1 without.
    pub weights: Option<&'a [f64]>,
    /// By what groups are told apart.
    pub attributes: &'a [Attribute],
    /// Within what groups are compared.
    pub strata: &'a [Attribute],
}

/// One class against all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneAgainstRest {
    /// The class that counts as positive.
    pub class: String,
    /// Its audit. Intervals hold together over the groups of this class; the verdicts of several classes do not.
    pub report: Report,
}

/// Audits every class against all others.
///
/// # Errors
/// As [`super::audit`], and for more than [`MAX_CLASSES`] classes.
pub fn audit_classes(
    columns: &Classified<'_>,
    settings: &Settings,
) -> Result<Vec<OneAgainstRest>, FairnessError> {
    let count = columns.classes.len();
    if !(2..=MAX_CLASSES).contains(&count) {
        return Err(FairnessError::Setting {
            name: "the number of classes",
            value: crate::numeric::size(count),
            range: "2 to 100",
        });
    }
    if let Some(labels) = columns.labels {
        same_length("label", labels.len(), columns.predictions.len())?;
    }
    let one = |codes: &[u32], class: u32| -> Vec<u8> {
        let is_it = |code: &u32| if *code == MISSING { UNKNOWN } else { u8::from(*code == class) };
        codes.iter().map(is_it).collect()
    };
    let mut found = Vec::with_capacity(count);
    for (place, class) in columns.classes.iter().enumerate() {
        let predictions = one(columns.predictions, place as u32);
        let labels = columns.labels.map(|labels| one(labels, place as u32));
        let binary = Columns {
            predictions: &predictions,
            labels: labels.as_deref(),
            scores: None,
            weights: columns.weights,
            attributes: columns.attributes,
            strata: columns.strata,
        };
        found.push(OneAgainstRest { class: class.clone(), report: super::audit(&binary, settings)? });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selection_rates_of_all_classes_add_up_to_one() {
        let classes: Vec<String> = ["low", "middle", "high"].iter().map(|name| (*name).to_owned()).collect();
        let predictions: Vec<u32> = (0..300).map(|row| row * row % 7 % 3).collect();
        let codes: Vec<u32> = (0..300).map(|row| row % 2).collect();
        let levels = vec!["a".to_owned(), "b".to_owned()];
        let attributes = [Attribute { name: "g".to_owned(), levels, codes }];
        let columns = Classified {
            classes: &classes,
            predictions: &predictions,
            labels: Some(&predictions),
            weights: None,
            attributes: &attributes,
            strata: &[],
        };
        let settings = Settings { bootstrap: None, ..Settings::default() };
        let found = audit_classes(&columns, &settings).expect("good columns");
        for group in 0..2 {
            let rate =
                |one: &OneAgainstRest| one.report.families[0].metrics[0].groups[group].value.estimate();
            let sum: f64 = found.iter().filter_map(rate).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
        assert!(audit_classes(&Classified { classes: &classes[..1], ..columns }, &settings).is_err());
    }
}
