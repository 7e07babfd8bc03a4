//! The groups of a family: the observed combinations of some attributes, and the names of those that do not occur.

use super::cells::Confusion;
use super::input::{Attribute, digits};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Most names of absent groups that are listed; all are counted.
pub const MAX_ABSENT: usize = 200;

/// One value of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupValue {
    /// Of which attribute.
    pub attribute: String,
    /// The value; nothing for rows where it is missing.
    pub value: Option<String>,
}

/// What tells a group from others: one value of each attribute of its family.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupName {
    /// In the order of the attributes.
    pub values: Vec<GroupValue>,
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, value) in self.values.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}{}={}", value.attribute, value.value.as_deref().unwrap_or("(missing)"))?;
        }
        Ok(())
    }
}

impl GroupName {
    fn of(codes: &[Option<u32>], attributes: &[&Attribute]) -> Self {
        let value = |(code, attribute): (&Option<u32>, &&Attribute)| GroupValue {
            attribute: attribute.name.clone(),
            value: code.and_then(|code| attribute.levels.get(code as usize).cloned()),
        };
        Self { values: codes.iter().zip(attributes).map(value).collect() }
    }

    /// Whether one of its values is missing.
    pub fn has_missing(&self) -> bool {
        self.values.iter().any(|value| value.value.is_none())
    }

    /// The name of a stratum.
    pub(crate) fn of_stratum(key: usize, strata: &[Attribute]) -> Self {
        let all: Vec<&Attribute> = strata.iter().collect();
        Self::of(&digits(key, strata), &all)
    }
}

/// The groups of some of the attributes.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    /// The attributes, as places in the whole list.
    pub(crate) subset: Vec<usize>,
    /// The observed groups in the order of their levels, missing values last.
    pub(crate) names: Vec<GroupName>,
    /// The group of each combination of all attributes.
    pub(crate) of_key: Vec<Option<usize>>,
    /// Combinations of observed values that no row has, at most [`MAX_ABSENT`].
    pub(crate) absent: Vec<GroupName>,
    /// All of those.
    pub(crate) absent_count: u64,
}

impl Partition {
    /// Of the rows of each combination of all attributes.
    pub(crate) fn of(subset: &[usize], attributes: &[Attribute], rows: &[u64]) -> Self {
        let chosen: Vec<&Attribute> = subset.iter().map(|place| &attributes[*place]).collect();
        let mut seen: BTreeMap<Vec<u32>, Vec<usize>> = BTreeMap::new();
        for (key, _) in rows.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            let all = digits(key, attributes);
            // Missing becomes the largest code, so that it sorts last.
            let codes = subset.iter().map(|place| all[*place].unwrap_or(u32::MAX)).collect();
            seen.entry(codes).or_default().push(key);
        }
        let name = |codes: &[u32]| {
            let codes: Vec<_> = codes.iter().map(|code| (*code != u32::MAX).then_some(*code)).collect();
            GroupName::of(&codes, &chosen)
        };
        let mut of_key = vec![None; rows.len()];
        let mut names = Vec::with_capacity(seen.len());
        for (group, (codes, keys)) in seen.iter().enumerate() {
            names.push(name(codes));
            for key in keys {
                of_key[*key] = Some(group);
            }
        }
        let (absent, absent_count) = absent(&seen, subset.len());
        let absent = absent.iter().map(|codes| name(codes)).collect();
        Self { subset: subset.to_vec(), names, of_key, absent, absent_count }
    }

    /// Adds the cells of each combination to its group.
    pub(crate) fn gather(&self, combinations: &[Confusion]) -> Vec<Confusion> {
        let mut groups = vec![Confusion::default(); self.names.len()];
        for (cells, group) in combinations.iter().zip(&self.of_key) {
            if let Some(group) = group {
                groups[*group].add(cells);
            }
        }
        groups
    }
}

/// Combinations of the observed values of each attribute that were not observed together.
fn absent(seen: &BTreeMap<Vec<u32>, Vec<usize>>, width: usize) -> (Vec<Vec<u32>>, u64) {
    let values: Vec<Vec<u32>> = (0..width)
        .map(|place| seen.keys().map(|codes| codes[place]).collect::<BTreeSet<_>>().into_iter().collect())
        .collect();
    let possible: u64 = values.iter().map(|one| one.len() as u64).product();
    let count = possible - seen.len() as u64;
    let mut found = Vec::new();
    // The number of combinations is bounded where keys are made.
    for number in 0..possible {
        if found.len() == MAX_ABSENT || found.len() as u64 == count {
            break;
        }
        let mut rest = number as usize;
        let mut codes = vec![0; width];
        for (code, values) in codes.iter_mut().zip(&values).rev() {
            *code = values[rest % values.len()];
            rest /= values.len();
        }
        if !seen.contains_key(&codes) {
            found.push(codes);
        }
    }
    (found, count)
}

/// Every choice of at least one attribute, single ones first, each in the order given.
pub(crate) fn subsets(count: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = (1..1_usize << count)
        .map(|mask| (0..count).filter(|place| mask >> place & 1 == 1).collect())
        .collect();
    all.sort_by_key(|subset: &Vec<usize>| (subset.len(), subset.clone()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observed_groups_are_named_and_the_others_are_listed_as_absent() {
        let of = |name: &str, levels: &[&str]| Attribute {
            name: name.to_owned(),
            levels: levels.iter().map(|level| (*level).to_owned()).collect(),
            codes: Vec::new(),
        };
        let attributes = [of("sex", &["f", "m"]), of("race", &["x", "y", "never"])];
        // Keys: sex (f, m, missing) times race (x, y, never, missing).
        let mut rows = [0_u64; 12];
        rows[0] = 5; // f, x
        rows[3] = 1; // f, missing
        rows[5] = 7; // m, y
        let both = Partition::of(&[0, 1], &attributes, &rows);
        let names: Vec<String> = both.names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["sex=f, race=x", "sex=f, race=(missing)", "sex=m, race=y"]);
        let absent: Vec<String> = both.absent.iter().map(ToString::to_string).collect();
        assert_eq!(absent, ["sex=f, race=y", "sex=m, race=x", "sex=m, race=(missing)"]);
        assert_eq!(both.absent_count, 3);
        let one = Partition::of(&[0], &attributes, &rows);
        assert_eq!(one.of_key[0], one.of_key[3]);
        assert_eq!((one.names.len(), one.absent_count), (2, 0));
    }

    #[test]
    fn families_are_the_attributes_and_then_their_intersections() {
        assert_eq!(subsets(2), [vec![0], vec![1], vec![0, 1]]);
        assert_eq!(subsets(3).len(), 7);
    }
}
