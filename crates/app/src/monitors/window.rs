//! A day of records, counted on its baseline block by block, and compared.

use super::chance::daily;
use super::hours;
use super::running::Running;
use super::season::season_of;
use super::watch::Effective;
use crate::drift::part::{count_part, judge};
use crate::drift::{DriftError, Profile, Report, Role, Settings};
use crate::{App, AppError};
use comptroller_core::ids::VersionId;
use comptroller_core::vocab::RecordKind;
use comptroller_core::{Digest, Environment, Slug, Timestamp};
use comptroller_lake::records::Records;
use comptroller_stats::cells::{Block, BlockBuilder};
use comptroller_stats::embedding::Moments;
use comptroller_store::areas::labels;
use comptroller_store::areas::monitors::BaselineRow;
use comptroller_store::areas::predictions::{self, BlockRow};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Which day, of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) version: VersionId,
    pub(super) environment: Environment,
    /// Days since 1970-01-01, UTC.
    pub(super) day: i64,
}

impl Window {
    /// The day as people write it.
    pub(super) fn date(&self) -> String {
        date(self.day)
    }
}

/// What a day came to.
pub(super) struct Judged {
    /// The report; or why its records cannot be compared with the baseline.
    pub(super) report: Result<Report, String>,
    /// Records.
    pub(super) rows: u64,
    /// Those whose label has come.
    pub(super) labelled: u64,
    /// How it ran; nothing, in a report that is made again.
    pub(super) running: Running,
    /// The part of the baseline that it was compared with; none: all of it.
    pub(super) season: Option<Slug>,
    /// The hours of it, of a part of a day; none: all of them.
    pub(super) hours: Option<RangeInclusive<usize>>,
    /// How many alarms a month of such days would raise with nothing wrong, at most.
    pub(super) false_alarms: f64,
}

/// `YYYY-MM-DD` of days since 1970-01-01.
pub(crate) fn date(day: i64) -> String {
    let text = Timestamp::from_micros(day.saturating_mul(86_400_000_000)).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
pub(super) fn day_of(text: &str) -> Result<i64, AppError> {
    let wrong = || AppError::invalid("day", format!("{text:?} is no day; write it as 2026-07-27"));
    let moment: Timestamp = format!("{text}T00:00:00Z").parse().map_err(|_| wrong())?;
    if text.len() == 10 { Ok(moment.micros().div_euclid(86_400_000_000)) } else { Err(wrong()) }
}

/// Said of a day whose labels have come and are not looked at.
const NO_LABELS: &str = "labels have come for this day, and the baseline has none: they are not counted, and performance \
                         is not measured; make a baseline from data with labels";

impl App {
    /// The report on a day, from its blocks up to index `through` and blocks of labels up to `labels_through`.
    pub(super) async fn window_report(
        &self,
        window: Window,
        baseline: &BaselineRow,
        effective: &Effective,
        (through, labels_through): (i64, i64),
    ) -> Result<Judged, AppError> {
        let profile = Arc::new(self.read_profile(&baseline.profile.0).await?);
        let Window { version, environment, day } = window;
        let mut conn = self.store.read().await?;
        let blocks =
            predictions::of_days(&mut conn, version, environment, RecordKind::Prediction, (day, day)).await?;
        drop(conn);
        let labels = self.labels_of(window, &profile, labels_through).await?;
        let mut merged: Option<Profile> = None;
        let blocks: Vec<&BlockRow> = blocks.iter().filter(|row| row.idx <= through).collect();
        for row in &blocks {
            let part = self.part_of((window, row), (baseline.id.0, &profile), labels).await?;
            match &mut merged {
                None => merged = Some(part),
                Some(sum) => {
                    sum.merge(&part)
                        .map_err(|error| AppError::Internal(format!("merging a window: {error}")))?;
                }
            }
        }
        let Some(current) = merged else { return Err(AppError::not_found("window", window.date())) };
        let (rows, labelled) =
            (current.rows, current.outcomes.as_ref().map_or(0, |outcomes| outcomes.labelled));
        let settings = Settings { bands: effective.bands, ..Settings::default() };
        let seasons: BTreeMap<Slug, Digest> = serde_json::from_str(&baseline.seasons)?;
        let season = season_of(day, &seasons).map(|(name, digest)| (name.clone(), digest.clone()));
        let whole = match &season {
            Some((_, digest)) => Arc::new(self.read_profile(digest).await?),
            None => Arc::clone(&profile),
        };
        let mut hours = hours::seen(&blocks);
        let of_hours = match &hours {
            Some(hours) => self.of_hours(&seasons, season.as_ref().map(|(name, _)| name), hours).await?,
            None => None,
        };
        let reference = match of_hours.filter(|of_hours| of_hours.rows < whole.rows) {
            // Embeddings are compared with those of the whole season: of single hours there is no sample.
            Some(of_hours) => Arc::new(Profile { vectors: whole.vectors.clone(), ..of_hours }),
            // Nothing is known of these hours alone, or the baseline has no others.
            None => {
                hours = None;
                whole
            }
        };
        let false_alarms = false_alarms(&reference, rows, effective, settings.alpha);
        let of_hours = hours.as_ref().map_or_else(String::new, |hours| format!(", {}", in_words(hours)));
        let of_season = season.as_ref().map_or_else(String::new, |(name, _)| format!(", each {name}"));
        let names = (
            format!("baseline of {} rows{of_season}{of_hours}", reference.rows),
            format!("{environment}, {}", window.date()),
        );
        let judged =
            tokio::task::spawn_blocking(move || judge(&reference, &current, (&names.0, &names.1), &settings));
        let judged = judged.await.map_err(|error| AppError::Internal(error.to_string()))?;
        let mut report = judged.map_err(|error: DriftError| format!("{error}; {}", error.remedy()));
        let mut conn = self.store.read().await?;
        let has_labels = labels::of_day(&mut conn, version, environment, day).await? >= 0;
        drop(conn);
        if let Ok(report) = report.as_mut()
            && profile.outcomes.is_none()
            && has_labels
        {
            report.notes.push(NO_LABELS.to_owned());
        }
        let season = season.map(|(name, _)| name);
        Ok(Judged { report, rows, labelled, running: Running::default(), season, hours, false_alarms })
    }
}

/// Hours as people say them.
pub(super) fn in_words(hours: &RangeInclusive<usize>) -> String {
    format!("{:02}:00 to {:02}:59", hours.start(), hours.end())
}

/// Alarms of a month of such days with nothing wrong, at most.
fn false_alarms(reference: &Profile, rows: u64, effective: &Effective, alpha: f64) -> f64 {
    let chance = |limit: f64| daily(reference, rows, limit, alpha);
    effective.rule.false_alarms(chance(effective.bands.investigate), chance(effective.bands.rollback))
}

/// The rows of a block on the bins of the baseline.
pub(super) fn count(
    profile: &Profile,
    records: &Records,
    labels: &HashMap<String, String>,
) -> Result<Profile, AppError> {
    let mut found: BTreeMap<String, Block> = records.blocks()?.into_iter().collect();
    let mut columns = BTreeMap::new();
    for column in &profile.columns {
        let name = match column.role {
            Role::Score => "score".to_owned(),
            Role::Prediction => "prediction".to_owned(),
            _ => format!("input.{}", column.name),
        };
        if let Some(block) = found.remove(&name) {
            columns.insert(column.name.clone(), block);
        }
    }
    let labels = (!labels.is_empty()).then(|| {
        let mut builder = BlockBuilder::default();
        for id in records.ids() {
            match labels.get(id) {
                Some(label) => builder.text(label),
                None => builder.null(),
            }
        }
        builder.finish()
    });
    let vectors =
        profile.vectors.iter().map(|(name, known)| (name.clone(), moments(records, name, known.dims())));
    Ok(count_part(profile, &columns, vectors.collect(), labels.as_ref(), records.len()))
}

/// The sums of the vectors of an input; records without that column have none.
pub(super) fn moments(records: &Records, input: &str, dims: usize) -> Moments {
    let mut moments = Moments::empty(dims);
    match records.vectors(&format!("input.{input}")) {
        Some(vectors) => {
            records.ids().zip(vectors).for_each(|(id, vector)| moments.add_row(hash(id), vector));
        }
        None => records.ids().for_each(|id| moments.add_row(hash(id), None)),
    }
    moments
}

/// By what a record is sampled: its id, so that the same records are, whatever blocks they stand in.
fn hash(id: &str) -> u64 {
    let digest = comptroller_ledger::hash::digest(id.as_bytes());
    digest.as_bytes().iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_are_written() {
        for text in ["1970-01-01", "2018-07-01", "2026-11-27"] {
            assert_eq!(date(day_of(text).unwrap()), text);
        }
        for text in ["", "2026-13-01", "2026-1-1", "27.11.2026", "2026-11-27T00:00:00Z"] {
            assert!(day_of(text).is_err(), "{text}");
        }
    }
}
