//! Hours of a season: a part of a day is compared with the same hours of the baseline.
//!
//! Nights differ from days with nothing wrong, and a day that is judged at eight in the morning is all night. Beside the
//! profile of a season stand those of its 24 hours, on the same bins; a day whose records begin or end within it is
//! compared with the sum of the hours from its first to its last. A whole day is compared with the whole season, which
//! is the same sum.

use super::season::MIN_ROWS;
use crate::drift::Profile;
use crate::{App, AppError};
use comptroller_core::{Digest, Slug};
use comptroller_store::areas::predictions::BlockRow;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Hours of a day.
const HOURS: usize = 24;
/// What the name of the hours of a season ends with.
const ENDING: &str = "-hours";
/// The season of a baseline that tells none apart.
const ANY: &str = "day";
const FORMAT: &str = "comptroller-hours";
/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// The hours of one season.
#[derive(Debug, Default)]
pub(super) struct Hours([Option<Profile>; HOURS]);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    hours: Vec<Option<Box<RawValue>>>,
}

impl Hours {
    /// Adds what was counted of an hour.
    /// Samples of vectors are not kept: 24 of them would be much more than all the counts.
    pub(super) fn add(&mut self, hour: usize, mut part: Profile) -> Result<(), AppError> {
        part.vectors = part.vectors.into_iter().map(|(name, found)| (name, found.without_sample())).collect();
        match self.0.get_mut(hour % HOURS) {
            Some(Some(sum)) => sum.merge(&part).map_err(merging)?,
            Some(empty) => *empty = Some(part),
            None => {}
        }
        Ok(())
    }

    /// The sum of some hours; none if nothing was counted of them.
    pub(super) fn sum(&self, hours: &RangeInclusive<usize>) -> Result<Option<Profile>, AppError> {
        let mut sum: Option<Profile> = None;
        for part in self.0.get(hours.clone()).unwrap_or_default().iter().flatten() {
            match &mut sum {
                None => sum = Some(part.clone()),
                Some(sum) => sum.merge(part).map_err(merging)?,
            }
        }
        Ok(sum)
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, AppError> {
        let mut hours = Vec::with_capacity(HOURS);
        for hour in &self.0 {
            let text = hour.as_ref().map(Profile::to_bytes).transpose();
            let text = text.map_err(|error| AppError::Internal(error.to_string()))?;
            hours.push(text.map(|bytes| serde_json::from_slice(&bytes)).transpose()?);
        }
        Ok(serde_json::to_vec(&Stored { format: FORMAT.to_owned(), hours })?)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, AppError> {
        let stored: Stored = serde_json::from_slice(bytes)?;
        let mut hours = Self::default();
        for (place, text) in hours.0.iter_mut().zip(stored.hours) {
            let read = text.map(|text| Profile::from_bytes(text.get().as_bytes())).transpose();
            *place = read.map_err(|error| AppError::Internal(format!("hours of a baseline: {error}")))?;
        }
        Ok(hours)
    }
}

fn merging(error: comptroller_stats::StatsError) -> AppError {
    AppError::Internal(format!("merging hours: {error}"))
}

/// The name under which the hours of a season stand beside it.
pub(super) fn name_of(season: Option<&str>) -> String {
    format!("{}{ENDING}", season.unwrap_or(ANY))
}

/// Whether a name among the seasons is that of hours.
pub(super) fn is_name(season: &str) -> bool {
    season.ends_with(ENDING)
}

/// The hours from the first to the last record of a day; none of a whole day, or of none.
pub(super) fn seen(blocks: &[&BlockRow]) -> Option<RangeInclusive<usize>> {
    let hour = |micros: i64| usize::try_from(micros.div_euclid(HOUR).rem_euclid(HOURS as i64)).unwrap_or(0);
    let first = blocks.iter().map(|block| block.first_at.0.micros()).min()?;
    let last = blocks.iter().map(|block| block.last_at.0.micros()).max()?;
    let hours = hour(first)..=hour(last);
    (hours != (0..=HOURS - 1)).then_some(hours)
}

impl App {
    /// The part of a baseline that is of some hours of a season; none if too few rows were counted of them.
    pub(super) async fn of_hours(
        &self,
        seasons: &BTreeMap<Slug, Digest>,
        season: Option<&Slug>,
        hours: &RangeInclusive<usize>,
    ) -> Result<Option<Profile>, AppError> {
        let name: Slug = name_of(season.map(Slug::as_str)).parse()?;
        let Some(digest) = seasons.get(&name) else { return Ok(None) };
        let bytes = self.read_bounded(digest).await?;
        let hours = hours.clone();
        let sum = tokio::task::spawn_blocking(move || Hours::from_bytes(&bytes)?.sum(&hours));
        let sum = sum.await.map_err(|error| AppError::Internal(error.to_string()))??;
        Ok(sum.filter(|profile| profile.rows >= MIN_ROWS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::profile_of_blocks;
    use comptroller_stats::cells::Block;

    fn profile(rows: u64) -> Profile {
        let values = (0..rows).map(|n| f64::from(u32::try_from(n % 50).unwrap())).collect();
        profile_of_blocks(vec![("x".to_owned(), None, Block::of_numbers(values))], rows).unwrap()
    }

    #[test]
    fn hours_come_back_as_they_were_stored_and_add_up() {
        let mut hours = Hours::default();
        hours.add(0, profile(400)).unwrap();
        hours.add(7, profile(400)).unwrap();
        let part = profile(400);
        hours.add(7, part.clone()).unwrap();
        let hours = Hours::from_bytes(&hours.to_bytes().unwrap()).unwrap();
        assert_eq!(hours.sum(&(0..=6)).unwrap(), Some(part));
        assert_eq!(hours.sum(&(0..=23)).unwrap().map(|sum| sum.rows), Some(1_200));
        assert_eq!(hours.sum(&(8..=23)).unwrap(), None);
        assert!(is_name(&name_of(Some("monday"))) && is_name(&name_of(None)) && !is_name("monday"));
    }
}
