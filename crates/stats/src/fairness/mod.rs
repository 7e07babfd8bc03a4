//! Fairness of decisions: counts by group, rates, gaps with their uncertainty, and whether what was demanded holds.
//!
//! The way through: columns ([`input`]) are counted once ([`cells`]); groups are named ([`groups`]); rates are compared
//! ([`metric`], [`compare`]); measures of several rates come from the same counts ([`compound`], with [`bootstrap`]);
//! criteria are judged ([`verdict`]); all is one [`report`]. Definitions and rules for readers: docs/FAIRNESS.md.
//!
//! Undefined is a value with a reason, few rows are insufficient evidence, and neither ever passes.

pub mod betting;
mod bootstrap;
pub mod cells;
mod compare;
mod compound;
mod entropy;
pub mod error;
mod extreme;
pub mod gaps;
pub mod groups;
pub mod input;
mod mean;
pub mod metric;
pub mod multiclass;
pub mod ranking;
pub mod regression;
pub mod report;
pub mod score;
pub mod settings;
pub mod value;
pub mod verdict;
pub mod watching;

use cells::{Confusion, Counts};
use compare::{Plan, compare};
pub use error::FairnessError;
use groups::{GroupName, Partition, subsets};
use input::{Columns, Keys, same_length};
use metric::Metric;
use report::{FORMAT, Family, Group, Report, Rows};
use settings::{Reference, Settings};

/// Audits a binary decision.
///
/// # Errors
/// For columns that do not belong together, codes without a level, weights that are none, settings out of range and more
/// combinations than are counted. Data that says too little is no error: the report says so.
pub fn audit(columns: &Columns<'_>, settings: &Settings) -> Result<Report, FairnessError> {
    settings.check()?;
    let keys = Keys::of(columns.predictions.len(), columns.attributes, columns.strata)?;
    let counts = Counts::of(columns, &keys)?;
    let scored = match columns.scores {
        Some(scores) => {
            same_length("score", scores.len(), keys.rows.len())?;
            Some(score::above_median(scores, columns.weights, &keys.rows, keys.groups * keys.strata))
        }
        None => None,
    };
    let audit = Audit { columns, settings, keys: &keys, counts: &counts, scored: scored.as_deref() };
    let mut families = audit.families(None);
    if keys.strata > 1 {
        let observed = audit.observed_strata();
        for stratum in &observed {
            families.extend(audit.families(Some((*stratum, observed.len() as u64))));
        }
    }
    let judge = |family| settings.criteria.iter().map(move |criterion| verdict::judge(criterion, family));
    let verdicts = families.iter().flat_map(judge).collect();
    Ok(Report { format: FORMAT, rows: audit.rows(), settings: settings.clone(), families, verdicts })
}

/// Audits counts of rows without weights, scores and strata: one entry for each combination of values, in mixed radix over
/// the attributes (whose codes are not looked at) with one more digit for a missing value.
///
/// # Errors
/// As [`audit`], and for another number of counts.
pub fn audit_counts(
    attributes: &[input::Attribute],
    combinations: Vec<Confusion>,
    settings: &Settings,
) -> Result<Report, FairnessError> {
    settings.check()?;
    let columns =
        Columns { predictions: &[], labels: None, scores: None, weights: None, attributes, strata: &[] };
    let keys = Keys::of(0, attributes, &[])?;
    same_length("combinations", combinations.len(), keys.groups)?;
    let counts = Counts { combinations, weighted: false };
    let audit = Audit { columns: &columns, settings, keys: &keys, counts: &counts, scored: None };
    let families = audit.families(None);
    let judge = |family| settings.criteria.iter().map(move |criterion| verdict::judge(criterion, family));
    let verdicts = families.iter().flat_map(judge).collect();
    Ok(Report { format: FORMAT, rows: audit.rows(), settings: settings.clone(), families, verdicts })
}

/// One audit in work.
struct Audit<'a> {
    columns: &'a Columns<'a>,
    settings: &'a Settings,
    keys: &'a Keys,
    counts: &'a Counts,
    scored: Option<&'a [Confusion]>,
}

impl Audit<'_> {
    fn rows(&self) -> Rows {
        let all = Confusion::all_of(&self.counts.combinations);
        let rows = |mask: u16| all.sum(mask).rows;
        let without_score = match self.columns.scores {
            Some(scores) => scores.iter().filter(|score| score.is_nan()).count() as u64,
            None => rows(u16::MAX),
        };
        Rows {
            total: rows(u16::MAX),
            without_decision: rows(1 << 2 | 1 << 5 | 1 << 8),
            without_label: rows(1 << 6 | 1 << 7 | 1 << 8),
            without_score,
            weighted: self.counts.weighted,
        }
    }

    fn observed_strata(&self) -> Vec<usize> {
        let strata = self.keys.strata;
        let has_rows = |stratum: &usize| {
            (0..self.keys.groups)
                .any(|group| self.counts.combinations[group * strata + stratum].total().rows > 0)
        };
        (0..strata).filter(has_rows).collect()
    }

    /// The cells by combination of attributes, of one stratum or of all.
    fn slice(&self, combinations: &[Confusion], stratum: Option<usize>) -> Vec<Confusion> {
        let one = |cells: &[Confusion]| match stratum {
            Some(stratum) => cells[stratum],
            None => Confusion::all_of(cells),
        };
        combinations.chunks_exact(self.keys.strata).map(one).collect()
    }

    /// Every family within a stratum (which, of how many), or over all rows.
    fn families(&self, stratum: Option<(usize, u64)>) -> Vec<Family> {
        let place = stratum.map(|(place, _)| place);
        let cells = self.slice(&self.counts.combinations, place);
        let scored = self.scored.map(|scored| self.slice(scored, place));
        let rows: Vec<u64> = cells.iter().map(|cells| cells.total().rows).collect();
        let mut families = Vec::new();
        for (number, subset) in subsets(self.columns.attributes.len()).iter().enumerate() {
            let partition = Partition::of(subset, self.columns.attributes, &rows);
            // One stream of random numbers for each family of each stratum.
            let stream = number as u64 + (place.map_or(0, |place| place as u64 + 1) << 8);
            families.push(self.family(&partition, &cells, scored.as_deref(), stratum, stream));
        }
        families
    }

    fn family(
        &self,
        partition: &Partition,
        cells: &[Confusion],
        scored: Option<&[Confusion]>,
        stratum: Option<(usize, u64)>,
        stream: u64,
    ) -> Family {
        let confusions = partition.gather(cells);
        let all = Confusion::all_of(&confusions);
        let rows: Vec<u64> = confusions.iter().map(|group| group.total().rows).collect();
        let (missing, small) = self.left_out(partition, &confusions, &all);
        let plan = Plan {
            settings: self.settings,
            names: &partition.names,
            rows: &rows,
            left_out: &missing,
            strata: stratum.map_or(1, |(_, count)| count),
            weighted: self.counts.weighted,
        };
        let ratio_plan = Plan { left_out: &small, ..plan };
        let shares = |metric: Metric, groups: &[Confusion]| -> Vec<_> {
            groups.iter().map(|group| metric.share(group)).collect()
        };
        let one = |metric: Metric| {
            compare(
                metric,
                &shares(metric, &confusions),
                &metric.share(&all),
                &self.settings.reference,
                &plan,
            )
        };
        let impact = |metric: Metric, groups: &[Confusion]| {
            let all = Confusion::all_of(groups);
            compare(
                metric,
                &shares(metric, groups),
                &metric.share(&all),
                &Reference::HighestRate,
                &ratio_plan,
            )
        };
        let place = stratum.map(|(place, _)| place);
        Family {
            attributes: partition
                .subset
                .iter()
                .map(|place| self.columns.attributes[*place].name.clone())
                .collect(),
            stratum: place.map(|place| GroupName::of_stratum(place, self.columns.strata)),
            groups: described(partition, &confusions, &all),
            absent: partition.absent.clone(),
            absent_count: partition.absent_count,
            metrics: Metric::OF_DECISIONS.into_iter().map(one).collect(),
            impact_ratio: impact(Metric::SelectionRate, &confusions),
            scoring_ratio: scored.map(|scored| impact(Metric::ScoringRate, &partition.gather(scored))),
            compound: compound::compound(&confusions, &plan, stream),
            scores: self.columns.scores.map(|scores| {
                let of = (self.keys.strata, place);
                score::scores(self.columns, scores, partition, &self.keys.rows, of, &plan)
            }),
        }
    }

    /// Why groups are left out: of every comparison, and of impact and scoring ratio.
    fn left_out(
        &self,
        partition: &Partition,
        groups: &[Confusion],
        all: &Confusion,
    ) -> (Vec<Option<String>>, Vec<Option<String>>) {
        let missing = |name: &GroupName| {
            (!self.settings.compare_missing && name.has_missing())
                .then(|| "a value is missing, and such groups are not compared".to_owned())
        };
        let missing: Vec<Option<String>> = partition.names.iter().map(missing).collect();
        let mut small = missing.clone();
        if let Some(least) = self.settings.leave_out_below {
            for (group, why) in groups.iter().zip(&mut small) {
                let total = group.total();
                let share = total.weight / all.total().weight;
                if why.is_none() && share < least {
                    let part = format!("{} rows, {:.2} % of all", total.rows, 100.0 * share);
                    *why = Some(format!("{part}: below the {:.2} % of 6 RCNY 5-301(d)", 100.0 * least));
                }
            }
        }
        (missing, small)
    }
}

fn described(partition: &Partition, groups: &[Confusion], all: &Confusion) -> Vec<Group> {
    let total = all.total().weight;
    let one = |(name, group): (&GroupName, &Confusion)| Group {
        name: name.clone(),
        rows: group.total().rows,
        share: if total > 0.0 { group.total().weight / total } else { 0.0 },
        true_positives: group.cells[4].rows,
        false_positives: group.cells[1].rows,
        true_negatives: group.cells[0].rows,
        false_negatives: group.cells[3].rows,
        incomplete: group.sum(1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8).rows,
    };
    partition.names.iter().zip(groups).map(one).collect()
}
