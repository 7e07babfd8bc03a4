//! A column of vectors on both sides: what is measured, and the column that enters the coefficient.

use serde::Serialize;

use super::classifier::held_out;
use super::discrepancy::{Discrepancy, linear_discrepancy};
use super::moments::{Moments, cosine_distance};
use super::vectors::Vectors;
use crate::cells::{Block, BlockBuilder};
use crate::column::{Current, Reference};
use crate::drift::Compared;
use crate::gather::Gather;
use crate::grid::{Kind, NumberGrid};
use crate::measures::{Rate, balanced};
use crate::profile::Role;
use crate::sort::ascending;

/// Components that are named, at most.
const NAMED: usize = 5;

/// One component of the vectors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Component {
    /// Its place, from 0.
    pub index: usize,
    /// V of both sides in quantile bins of the reference's sample.
    pub v: f64,
    /// V without what noise alone would make.
    pub corrected: f64,
    /// Chance of this V under no drift, by itself.
    pub p: f64,
}

/// What is said of a column of vectors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Embedding {
    /// The column.
    pub column: String,
    /// Numbers of a vector.
    pub dims: usize,
    /// Rows that hold no vector of this length and of finite numbers.
    pub missing: Rate,
    /// Cosine distance of the mean vectors of all rows, 0..=2; none where a mean is 0.
    pub cosine: Option<f64>,
    /// Vectors of both samples.
    pub sampled: [usize; 2],
    /// Components whose V is more than chance, at the 5 % level over all of them.
    pub drifted: Option<usize>,
    /// The components with the largest V.
    pub components: Vec<Component>,
    /// Area under the ROC curve of the domain classifier on rows it was not fitted on, and its error; 0.5 is no drift.
    pub classifier: Option<[f64; 2]>,
    /// The linear-time maximum mean discrepancy.
    pub discrepancy: Option<Discrepancy>,
    /// What is not measured, and why.
    pub notes: Vec<String>,
}

/// Compares both sides; the column for the coefficient is there if the classifier had rows enough.
pub fn compare(name: &str, reference: &Vectors, current: &Vectors) -> (Embedding, Option<Compared>) {
    let mut embedding = of_moments(name, &reference.moments, &current.moments);
    embedding.notes.clear();
    embedding.sampled = [reference.len(), current.len()];
    if reference.dims != current.dims {
        embedding.notes.push(format!(
            "vectors of {} numbers in the reference and of {} now: another model made them, nothing else is compared",
            reference.dims, current.dims
        ));
        return (embedding, None);
    }
    components(&mut embedding, reference, current);
    embedding.discrepancy = linear_discrepancy(reference, current);
    let Some(judged) = held_out(reference, current) else {
        embedding
            .notes
            .push("too few vectors for a domain classifier: nothing of it enters the coefficient".to_owned());
        return (embedding, None);
    };
    embedding.classifier = Some([judged.area.value, judged.area.error]);
    let (before, now) = (block(&judged.reference), block(&judged.current));
    let side = Reference::of(&gathered(&before), Kind::Numeric);
    let current = Current::of(&gathered(&now), &side.grid, None, 0);
    let rows = now.len() as u64;
    let mut column = Compared::of(name, Role::Feature, side, Some(current), rows);
    column.about = Some(format!(
        "the vectors differ: a classifier tells rows that it has not seen apart with an area of {:.2}",
        judged.area.value
    ));
    (embedding, Some(column))
}

/// The same of stored profiles: all of it where both kept a sample, else what sums alone can say.
pub fn of_profiles(name: &str, reference: &Moments, current: &Moments) -> (Embedding, Option<Compared>) {
    match (reference.vectors(), current.vectors()) {
        (Some(before), Some(now)) => compare(name, &before, &now),
        _ => (of_moments(name, reference, current), None),
    }
}

fn of_moments(name: &str, reference: &Moments, current: &Moments) -> Embedding {
    Embedding {
        column: name.to_owned(),
        dims: reference.dims(),
        missing: Rate::new(reference.missing, reference.rows, current.missing, current.rows),
        cosine: cosine_distance(reference, current),
        sampled: [0, 0],
        drifted: None,
        components: Vec::new(),
        classifier: None,
        discrepancy: None,
        notes: vec![
            "only sums of the vectors are known on one side: components, the domain classifier and the discrepancy need a \
             sample of them, and nothing of the column enters the coefficient"
                .to_owned(),
        ],
    }
}

fn components(embedding: &mut Embedding, reference: &Vectors, current: &Vectors) {
    const ALPHA: f64 = 0.05;
    let mut all = Vec::with_capacity(reference.dims);
    for index in 0..reference.dims {
        let values = |side: &Vectors| {
            let mut values: Vec<f64> = side.iter().map(|vector| f64::from(vector[index])).collect();
            ascending(&mut values);
            values
        };
        let (before, now) = (values(reference), values(current));
        let grid = NumberGrid::of_sorted(&before);
        let counts = |values: &[f64]| grid.scored_counts(&grid.count_sorted(values));
        let Some(found) = balanced(&counts(&before), &counts(&now)) else { continue };
        all.push(Component { index, v: found.v, corrected: found.corrected, p: found.p });
    }
    if all.is_empty() {
        return;
    }
    let gate = ALPHA / crate::num::size(all.len());
    embedding.drifted = Some(all.iter().filter(|component| component.p < gate).count());
    all.sort_by(|a, b| {
        b.corrected.total_cmp(&a.corrected).then(b.v.total_cmp(&a.v)).then(a.index.cmp(&b.index))
    });
    all.truncate(NAMED);
    embedding.components = all;
}

fn block(scores: &[Option<f64>]) -> Block {
    let mut builder = BlockBuilder::default();
    for score in scores {
        match score {
            Some(score) => builder.number(*score),
            None => builder.null(),
        }
    }
    builder.finish()
}

fn gathered(block: &Block) -> crate::gather::Gathered {
    let mut gather = Gather::new(usize::MAX);
    gather.push(block);
    gather.finish()
}
