//! Draws samples that nobody can choose: by a seed that is fixed only after the population is.
//!
//! The seed is a digest over the root of the log with its first entry after the window, and over the population. Who
//! draws again from the same log draws the same. The table of sizes is configuration, and its digest stands beside every
//! sample: no standard sets such sizes (AU-C 530 leaves them to the auditor's judgement), and a census of the population
//! stands beside the sample anyway.

use crate::control::{Cadence, Control, Population};
use crate::digest;
use crate::window::{ControlResult, LedgerPosition, Occurrence};
use comptroller_core::Digest;
use serde::{Deserialize, Serialize};

/// The table of sizes that comes with the product.
const SHIPPED: &str = include_str!("../../../controls/sampling.toml");
/// Longest table, in bytes.
const MAX_BYTES: usize = 8 << 10;
/// Largest sample.
const MAX_SIZE: u32 = 10_000;

/// How many are drawn, by how often a control is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeTable {
    sizes: Sizes,
    digest: Digest,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sizes {
    note: String,
    year: u32,
    half_year: u32,
    quarter: u32,
    month: u32,
    week: u32,
    day: u32,
    event: u32,
}

/// A sample of the occurrences of a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The control.
    pub control: String,
    /// Occurrences that it was drawn from.
    pub population: u64,
    /// SHA-256 over the canonical JSON of these.
    pub population_digest: Digest,
    /// The log with its first entry after the window: what fixed the seed.
    pub seal: LedgerPosition,
    /// The seed.
    pub seed: Digest,
    /// SHA-256 of the table of sizes.
    pub table: Digest,
    /// The occurrences drawn, in the order of the draw.
    pub drawn: Vec<String>,
}

/// Why a table of sizes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the table of sample sizes: {0}")]
pub struct TableError(String);

impl SizeTable {
    /// The table that comes with the product.
    ///
    /// # Errors
    /// Never for a product whose tests pass.
    pub fn shipped() -> Result<Self, TableError> {
        Self::parse(SHIPPED)
    }

    /// Reads a table.
    ///
    /// # Errors
    /// When a row is missing, unknown, or not 1 to 10,000.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        if text.len() > MAX_BYTES {
            return Err(TableError(format!("at most {MAX_BYTES} bytes, this one has {}", text.len())));
        }
        let sizes: Sizes =
            toml::from_str(text).map_err(|error| TableError(error.to_string().trim().to_owned()))?;
        let all =
            [sizes.year, sizes.half_year, sizes.quarter, sizes.month, sizes.week, sizes.day, sizes.event];
        if all.iter().any(|size| !(1..=MAX_SIZE).contains(size)) {
            return Err(TableError(format!("every size is 1 to {MAX_SIZE}")));
        }
        Ok(Self { sizes, digest: digest::of_bytes(text.as_bytes()) })
    }

    /// SHA-256 of the table.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Where the sizes come from, in words.
    pub fn note(&self) -> &str {
        &self.sizes.note
    }

    /// How many occurrences of a control are drawn, at most.
    pub fn size(&self, control: &Control) -> u32 {
        match &control.population {
            Population::Each { .. } => self.sizes.event,
            Population::Every { cadence, .. } => match cadence {
                Cadence::Day => self.sizes.day,
                Cadence::Week => self.sizes.week,
                Cadence::Month => self.sizes.month,
                Cadence::Quarter => self.sizes.quarter,
                Cadence::HalfYear => self.sizes.half_year,
                Cadence::Year => self.sizes.year,
            },
        }
    }
}

/// The seed of a population: nobody knows it before the population and the entry behind it are fixed.
pub fn seed(seal: &LedgerPosition, population: &Digest) -> Digest {
    let size = seal.size.to_string();
    let parts = ["comptroller-sample/v1", &size, seal.root.as_str(), population.as_str()];
    digest::of_parts(&parts.map(str::as_bytes))
}

/// Draws a sample.
///
/// # Errors
/// When the population cannot be written as JSON.
pub fn draw(
    table: &SizeTable,
    control: &Control,
    result: &ControlResult,
    seal: &LedgerPosition,
) -> Result<Sample, serde_json::Error> {
    let population_digest = digest::of_json(&result.population)?;
    let seed = seed(seal, &population_digest);
    let drawn = ranked(&seed, &result.population).into_iter().take(table.size(control) as usize);
    Ok(Sample {
        control: result.id.clone(),
        population: result.population.len() as u64,
        population_digest,
        seal: seal.clone(),
        drawn: drawn.collect(),
        seed,
        table: table.digest.clone(),
    })
}

/// Keys in the order of the SHA-256 over seed and key.
fn ranked(seed: &Digest, population: &[Occurrence]) -> Vec<String> {
    let rank = |key: &str| digest::of_parts(&[seed.as_str().as_bytes(), key.as_bytes()]);
    let mut keys: Vec<(Digest, &str)> =
        population.iter().map(|occurrence| (rank(&occurrence.key), occurrence.key.as_str())).collect();
    keys.sort();
    keys.into_iter().map(|(_, key)| key.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::result::State;
    use comptroller_core::Timestamp;

    fn occurrences(count: u64) -> Vec<Occurrence> {
        let one = |index: u64| Occurrence {
            key: format!("event/{index}"),
            at: Timestamp::from_micros(index as i64),
            brought_forward: false,
            state: State::Met,
            due: None,
            evidence: vec![index],
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn every_occurrence_is_drawn_about_as_often() {
        let population = occurrences(20);
        let mut drawn = [0_u32; 20];
        for number in 0..2_000_u32 {
            let seed = digest::of_bytes(&number.to_be_bytes());
            for key in ranked(&seed, &population).iter().take(5) {
                let index: usize = key.strip_prefix("event/").unwrap().parse().unwrap();
                drawn[index] += 1;
            }
        }
        // 2,000 draws of 5 of 20: 500 each; six standard deviations are 116.
        assert!(drawn.iter().all(|count| (384..=616).contains(count)), "{drawn:?}");
    }

    #[test]
    fn another_population_or_another_log_draws_otherwise() {
        let root = |text: &str| digest::of_bytes(text.as_bytes());
        let seal = |size, text| LedgerPosition { size, root: root(text) };
        let seeds = [
            seed(&seal(7, "a"), &root("p")),
            seed(&seal(8, "a"), &root("p")),
            seed(&seal(7, "b"), &root("p")),
            seed(&seal(7, "a"), &root("q")),
        ];
        for (place, one) in seeds.iter().enumerate() {
            assert!(!seeds[..place].contains(one));
        }
    }

    #[test]
    fn a_table_has_every_row_and_no_other() {
        let table = SizeTable::shipped().unwrap();
        assert!(!table.note().is_empty());
        let text =
            "note = \"n\"\nyear = 1\nhalf-year = 2\nquarter = 2\nmonth = 2\nweek = 5\nday = 20\nevent = 25\n";
        assert!(SizeTable::parse(text).is_ok());
        assert!(SizeTable::parse(&text.replace("week = 5\n", "")).unwrap_err().to_string().contains("week"));
        assert!(SizeTable::parse(&format!("{text}hour = 3\n")).unwrap_err().to_string().contains("hour"));
        assert!(
            SizeTable::parse(&text.replace("= 25", "= 0")).unwrap_err().to_string().contains("1 to 10000")
        );
    }
}
