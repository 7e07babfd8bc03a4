//! What an audit reads: columns of one table, with sensitive attributes and control features as codes.
//!
//! A missing sensitive value is a group of its own, a missing label is a row not yet labelled; neither is an error and
//! neither is dropped without being counted.

use super::error::FairnessError;

/// The code of a missing value of an attribute.
pub const MISSING: u32 = u32::MAX;
/// In label and prediction columns: the negative class.
pub const NEGATIVE: u8 = 0;
/// In label and prediction columns: the positive class, the favourable outcome.
pub const POSITIVE: u8 = 1;
/// In label and prediction columns: not known. Every other code than 0 and 1 counts as this one.
pub const UNKNOWN: u8 = 2;
/// Most sensitive attributes: four make 15 families of groups.
pub const MAX_ATTRIBUTES: usize = 4;
/// Most combinations of sensitive values and strata that are counted.
pub const MAX_GROUPS: u64 = 1 << 16;
/// Most strata.
pub const MAX_STRATA: u64 = 1 << 10;
/// Largest weight of a row: its square still adds up exactly enough.
pub const MAX_WEIGHT: f64 = 1e15;

/// A sensitive attribute or a control feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its column.
    pub name: String,
    /// Its values, by code.
    pub levels: Vec<String>,
    /// One code a row: an index into `levels`, or [`MISSING`].
    pub codes: Vec<u32>,
}

/// The columns of an audit of a binary decision. All have the same number of rows.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// What was decided: [`NEGATIVE`], [`POSITIVE`] or [`UNKNOWN`].
    pub predictions: &'a [u8],
    /// What came true, if anything is known about it.
    pub labels: Option<&'a [u8]>,
    /// The model's score, the higher the more favourable; NaN for none.
    pub scores: Option<&'a [f64]>,
    /// How much a row counts, from 0; 1 without.
    pub weights: Option<&'a [f64]>,
    /// By what groups are told apart, 1 to [`MAX_ATTRIBUTES`].
    pub attributes: &'a [Attribute],
    /// Within what groups are compared (conditional parity); none for the whole table.
    pub strata: &'a [Attribute],
}

/// The positive decisions of a score at a threshold: at or above it. No score gives [`UNKNOWN`].
pub fn decisions_at(scores: &[f64], threshold: f64) -> Vec<u8> {
    let decide = |score: &f64| if score.is_nan() { UNKNOWN } else { u8::from(*score >= threshold) };
    scores.iter().map(decide).collect()
}

/// The group of each row as one number: mixed radix over attributes, then strata, with one more digit for missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Per row, below `groups * strata`.
    pub(crate) rows: Vec<u32>,
    /// Combinations of the attributes.
    pub(crate) groups: usize,
    /// Combinations of the control features; 1 without.
    pub(crate) strata: usize,
}

impl Keys {
    /// Of some columns of `length` rows.
    ///
    /// # Errors
    /// For columns of other lengths, codes without a level and too many combinations.
    pub(crate) fn of(
        length: usize,
        attributes: &[Attribute],
        strata: &[Attribute],
    ) -> Result<Self, FairnessError> {
        if attributes.is_empty() || attributes.len() > MAX_ATTRIBUTES {
            return Err(FairnessError::Attributes(attributes.len()));
        }
        let groups = combinations(attributes);
        if groups > MAX_GROUPS {
            return Err(FairnessError::Groups(groups));
        }
        let slices = combinations(strata);
        if slices > MAX_STRATA {
            return Err(FairnessError::Strata(slices));
        }
        if groups * slices > MAX_GROUPS {
            return Err(FairnessError::Groups(groups * slices));
        }
        let mut rows = vec![0_u32; length];
        for attribute in attributes.iter().chain(strata) {
            same_length(&attribute.name, attribute.codes.len(), length)?;
            let levels = attribute.levels.len() as u32;
            let mut wrong = false;
            for (key, code) in rows.iter_mut().zip(&attribute.codes) {
                wrong |= *code >= levels && *code != MISSING;
                *key = *key * (levels + 1) + (*code).min(levels);
            }
            if wrong {
                return Err(first_wrong(attribute));
            }
        }
        Ok(Self { rows, groups: groups as usize, strata: slices as usize })
    }
}

/// The value of each attribute in a combination; nothing where it is missing.
pub(crate) fn digits(mut key: usize, attributes: &[Attribute]) -> Vec<Option<u32>> {
    let mut found = vec![None; attributes.len()];
    for (digit, attribute) in found.iter_mut().zip(attributes).rev() {
        let radix = attribute.levels.len() + 1;
        let code = key % radix;
        key /= radix;
        *digit = (code < attribute.levels.len()).then_some(code as u32);
    }
    found
}

/// # Errors
/// When a column has another number of rows.
pub(crate) fn same_length(column: &str, found: usize, expected: usize) -> Result<(), FairnessError> {
    if found == expected {
        return Ok(());
    }
    Err(FairnessError::Length { column: column.to_owned(), found, expected })
}

/// # Errors
/// For the first weight that is negative, too large or no number.
pub(crate) fn check_weights(weights: &[f64]) -> Result<(), FairnessError> {
    match weights.iter().position(|weight| !(0.0..=MAX_WEIGHT).contains(weight)) {
        Some(row) => Err(FairnessError::Weight { row, weight: weights[row] }),
        None => Ok(()),
    }
}

fn combinations(attributes: &[Attribute]) -> u64 {
    attributes.iter().fold(1, |product: u64, one| product.saturating_mul(one.levels.len() as u64 + 1))
}

fn first_wrong(attribute: &Attribute) -> FairnessError {
    let levels = attribute.levels.len();
    let is_wrong = |code: &u32| *code as usize >= levels && *code != MISSING;
    let row = attribute.codes.iter().position(is_wrong).unwrap_or_default();
    let code = attribute.codes.get(row).copied().unwrap_or(MISSING);
    FairnessError::Code { column: attribute.name.clone(), row, code, levels }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, levels: &[&str], codes: &[u32]) -> Attribute {
        let levels = levels.iter().map(|level| (*level).to_owned()).collect();
        Attribute { name: name.to_owned(), levels, codes: codes.to_vec() }
    }

    #[test]
    fn keys_count_the_combinations_and_give_the_values_back() {
        let both =
            [attribute("sex", &["f", "m"], &[0, 1, MISSING]), attribute("age", &["old"], &[0, MISSING, 0])];
        let keys = Keys::of(3, &both, &[]).expect("the codes are known");
        assert_eq!((keys.groups, keys.strata), (6, 1));
        let back: Vec<_> = keys.rows.iter().map(|key| digits(*key as usize, &both)).collect();
        assert_eq!(back, [vec![Some(0), Some(0)], vec![Some(1), None], vec![None, Some(0)]]);
    }

    #[test]
    fn a_code_without_a_level_is_refused_with_its_row() {
        let wrong = attribute("sex", &["f", "m"], &[0, 1, 2]);
        let error = Keys::of(3, &[wrong], &[]).expect_err("there is no level 2");
        assert!(error.to_string().starts_with("row 2 of `sex` has the code 2"), "{error}");
        let short = attribute("sex", &["f"], &[0]);
        assert!(matches!(
            Keys::of(3, &[short], &[]),
            Err(FairnessError::Length { found: 1, expected: 3, .. })
        ));
    }

    #[test]
    fn combinations_beyond_the_bound_are_refused_before_anything_is_counted() {
        let levels: Vec<String> = (0..300).map(|i| i.to_string()).collect();
        let wide = |name: &str| Attribute { name: name.to_owned(), levels: levels.clone(), codes: vec![0] };
        assert_eq!(Keys::of(1, &[wide("a"), wide("b")], &[]), Err(FairnessError::Groups(301 * 301)));
        assert_eq!(Keys::of(1, &[], &[]), Err(FairnessError::Attributes(0)));
    }

    #[test]
    fn a_threshold_decides_at_and_above_it() {
        assert_eq!(decisions_at(&[0.4, 0.5, 0.6, f64::NAN], 0.5), [0, 1, 1, UNKNOWN]);
    }
}
