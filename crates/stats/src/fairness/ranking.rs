//! Gaps of a ranking: how much attention groups get, and how well the relevant ones among them are placed.
//!
//! The unit is the query: a group's exposure and gain are computed query by query, and intervals are those of a mean
//! over queries. Rows within a query are not independent, so counting them would claim too much.

use super::compare::Plan;
use super::error::FairnessError;
use super::groups::{GroupName, Partition, subsets};
use super::input::{Attribute, Keys, same_length};
use super::mean::{Estimated, Moments, gap, value_of};
use super::report::Aggregate;
use super::settings::Settings;
use super::value::{Reason, Value};
use crate::numeric::normal::two_sided;
use crate::numeric::size;
use serde::{Deserialize, Serialize};

/// The columns of an audit of rankings, one row for each ranked item.
#[derive(Clone, Copy, Debug)]
pub struct Ranked<'a> {
    /// The query, any code; rows of a query need not follow each other.
    pub queries: &'a [u32],
    /// The higher, the further up; equal scores keep the order of the rows. NaN for not ranked.
    pub scores: &'a [f64],
    /// Relevance from 0, or none for exposure alone. Negative and NaN count as 0.
    pub relevance: Option<&'a [f64]>,
    /// By what groups are told apart.
    pub attributes: &'a [Attribute],
}

/// The groups of some attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankingFamily {
    /// The attributes.
    pub attributes: Vec<String>,
    /// By group.
    pub groups: Vec<GroupRanking>,
    /// Largest difference of exposures.
    pub exposure_difference: Aggregate,
    /// Largest difference of normalised gains; nothing without relevance.
    pub ndcg_difference: Option<Aggregate>,
}

/// How a group is ranked. Rows of values are queries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRanking {
    /// Its values.
    pub name: GroupName,
    /// Queries that rank one of it.
    pub queries: u64,
    /// Mean over queries of the mean of `1 / log2(1 + rank)` over its items (Singh and Joachims 2018).
    pub exposure: Value,
    /// Mean over queries of `sum rel / log2(1 + rank)` of its items over the same sum with these items first in the best
    /// order (Järvelin and Kekäläinen 2002); nothing without relevance.
    pub ndcg: Option<Value>,
}

/// Audits rankings: one family for each attribute and each intersection. `min_rows` of the settings counts queries here;
/// criteria and bootstrap are not used.
///
/// # Errors
/// As [`super::audit`].
pub fn audit_ranking(columns: &Ranked<'_>, settings: &Settings) -> Result<Vec<RankingFamily>, FairnessError> {
    settings.check()?;
    let keys = Keys::of(columns.queries.len(), columns.attributes, &[])?;
    same_length("score", columns.scores.len(), keys.rows.len())?;
    if let Some(relevance) = columns.relevance {
        same_length("relevance", relevance.len(), keys.rows.len())?;
    }
    let mut order: Vec<usize> = (0..keys.rows.len()).filter(|row| !columns.scores[*row].is_nan()).collect();
    // Stable: equal scores keep the order of the rows.
    order.sort_by(|a, b| {
        let by_query = columns.queries[*a].cmp(&columns.queries[*b]);
        by_query.then_with(|| columns.scores[*b].total_cmp(&columns.scores[*a]))
    });
    let mut rows = vec![0_u64; keys.groups];
    for key in &keys.rows {
        rows[*key as usize] += 1;
    }
    let mut families = Vec::new();
    for subset in subsets(columns.attributes.len()) {
        let partition = Partition::of(&subset, columns.attributes, &rows);
        families.push(family(columns, &partition, &keys, &order, settings));
    }
    Ok(families)
}

/// The weight of a rank from 0.
fn attention(rank: usize) -> f64 {
    1.0 / (size(rank) + 2.0).log2()
}

fn family(
    columns: &Ranked<'_>,
    partition: &Partition,
    keys: &Keys,
    order: &[usize],
    settings: &Settings,
) -> RankingFamily {
    let count = partition.names.len();
    let (mut exposure, mut gain) = (vec![Moments::default(); count], vec![Moments::default(); count]);
    for query in order.chunk_by(|a, b| columns.queries[*a] == columns.queries[*b]) {
        let mut items: Vec<Vec<(f64, f64)>> = vec![Vec::new(); count];
        for (rank, row) in query.iter().enumerate() {
            if let Some(group) = partition.of_key[keys.rows[*row] as usize] {
                let relevance = columns.relevance.map_or(0.0, |relevance| relevance[*row]);
                let relevance = if relevance.is_finite() { relevance.max(0.0) } else { 0.0 };
                items[group].push((attention(rank), relevance));
            }
        }
        for (group, items) in items.iter().enumerate().filter(|(_, items)| !items.is_empty()) {
            exposure[group].add(items.iter().map(|item| item.0).sum::<f64>() / size(items.len()), 1.0);
            if let Some(value) = normalised(items) {
                gain[group].add(value, 1.0);
            }
        }
    }
    let (z, needed) = (two_sided(settings.alpha(), 1), settings.min_rows);
    let rows: Vec<u64> = exposure.iter().map(|group| group.rows).collect();
    let plan =
        Plan { settings, names: &partition.names, rows: &rows, left_out: &[], strata: 1, weighted: false };
    let share = |moments: &Moments| moments.mean().map(|mean| Estimated { share: true, ..mean });
    let exposures: Vec<_> = exposure.iter().map(share).collect();
    let gains: Vec<_> = gain.iter().map(share).collect();
    let has_relevance = columns.relevance.is_some();
    let one = |(place, name): (usize, &GroupName)| GroupRanking {
        name: name.clone(),
        queries: rows[place],
        exposure: value_of(exposures[place], z, needed, Reason::NoRankings),
        ndcg: has_relevance.then(|| value_of(gains[place], z, needed, Reason::NothingRelevant)),
    };
    RankingFamily {
        attributes: partition.subset.iter().map(|place| columns.attributes[*place].name.clone()).collect(),
        groups: partition.names.iter().enumerate().map(one).collect(),
        exposure_difference: gap(&exposures, &plan, Reason::NoRankings),
        ndcg_difference: has_relevance.then(|| gap(&gains, &plan, Reason::NothingRelevant)),
    }
}

/// The gain of some items where they stand, over that of the best places; nothing if none is relevant.
fn normalised(items: &[(f64, f64)]) -> Option<f64> {
    let gained: f64 = items.iter().map(|(attention, relevance)| attention * relevance).sum();
    let mut best: Vec<f64> = items.iter().map(|item| item.1).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let possible: f64 = best.iter().enumerate().map(|(rank, relevance)| attention(rank) * relevance).sum();
    (possible > 0.0).then(|| (gained / possible).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fifty queries: group a first and third, group b second; the third item is twice as relevant.
    fn found() -> Vec<RankingFamily> {
        let queries: Vec<u32> = (0..150).map(|row| row / 3).collect();
        let scores: Vec<f64> = (0..150).map(|row| -f64::from(row % 3)).collect();
        let codes: Vec<u32> = (0..150).map(|row| u32::from(row % 3 == 1)).collect();
        let relevance: Vec<f64> = (0..150).map(|row| [1.0, 1.0, 2.0][row % 3]).collect();
        let levels = vec!["a".to_owned(), "b".to_owned()];
        let attributes = [Attribute { name: "g".to_owned(), levels, codes }];
        let columns = Ranked {
            queries: &queries,
            scores: &scores,
            relevance: Some(&relevance),
            attributes: &attributes,
        };
        audit_ranking(&columns, &Settings::default()).expect("good columns")
    }

    #[test]
    fn exposure_and_gain_are_those_of_the_definition() {
        let families = found();
        let second = 1.0 / 3.0_f64.log2();
        let expected = [(f64::midpoint(1.0, 0.5), (1.0 + 2.0 * 0.5) / (2.0 + second)), (second, second)];
        for (group, (exposure, gain)) in families[0].groups.iter().zip(expected) {
            assert_eq!(group.queries, 50);
            assert!((group.exposure.estimate().expect("50 queries") - exposure).abs() < 1e-12);
            let ndcg = group.ndcg.and_then(|value| value.estimate()).expect("relevant items");
            assert!((ndcg - gain).abs() < 1e-12);
        }
        let gap = families[0].exposure_difference.value.estimate().expect("two groups");
        assert!((gap - (0.75 - second)).abs() < 1e-12);
    }
}
