//! What a day's records say about the running itself: latency, errors, volume, gaps, repeats, callers. Counters that add
//! up, block by block, in a few KiB a day.
//!
//! It names callers, so it stands in the private part of a judgement and nowhere else.

use super::real;
use super::window::Window;
use crate::{App, AppError};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::filter::IdHash;
use comptroller_lake::records::Records;
use comptroller_stats::cells::{Block, Cell};
use comptroller_store::areas::predictions;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Bins of latency for each doubling: a quantile is off by at most 2.2 %.
const BINS_PER_DOUBLING: f64 = 16.0;
/// Callers that are counted by name, at most; the rest is one number.
const MAX_CALLERS: usize = 200;
/// Ids that are remembered to notice repeats, at most; of more records nothing is claimed.
const MAX_IDS: usize = 2_000_000;
/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;
/// Minutes of a day.
const MINUTES: usize = 1_440;

/// The running of one day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Running {
    /// Records.
    pub(super) rows: u64,
    /// Those with an error.
    pub(super) errors: u64,
    /// Records with a latency, by bin.
    pub(super) latency: BTreeMap<u16, u64>,
    /// Records by caller.
    pub(super) callers: BTreeMap<String, u64>,
    /// Records of callers beyond those that are counted by name.
    pub(super) other_callers: u64,
    /// Records whose id stood in an earlier block of the day; none if there are too many to tell.
    pub(super) repeated: Option<u64>,
    /// The longest time without a record between the first and the last one, in minutes.
    pub(super) longest_gap: u64,
}

/// A day that is being counted.
#[derive(Debug)]
pub(super) struct Count {
    running: Running,
    minutes: Vec<bool>,
    ids: Option<HashSet<IdHash>>,
}

impl Count {
    pub(super) fn new() -> Self {
        Self {
            running: Running { repeated: Some(0), ..Running::default() },
            minutes: vec![false; MINUTES],
            ids: Some(HashSet::new()),
        }
    }

    /// Adds a block; `columns` are its columns by name.
    pub(super) fn add(&mut self, records: &Records, columns: &BTreeMap<String, Block>) {
        self.running.rows += records.len() as u64;
        for cell in columns.get("error").into_iter().flat_map(Block::cells) {
            self.running.errors += u64::from(matches!(cell, Cell::Text(text) if !text.is_empty()));
        }
        for cell in columns.get("latency_us").into_iter().flat_map(Block::cells) {
            if let Cell::Number(us) = cell
                && us >= 0.0
            {
                *self.running.latency.entry(bin(us)).or_default() += 1;
            }
        }
        for cell in columns.get("caller").into_iter().flat_map(Block::cells) {
            let Cell::Text(caller) = cell else { continue };
            let callers = &mut self.running.callers;
            if let Some(count) = callers.get_mut(caller) {
                *count += 1;
            } else if callers.len() < MAX_CALLERS {
                callers.insert(caller.to_owned(), 1);
            } else {
                self.running.other_callers += 1;
            }
        }
        for time in records.times() {
            let minute = time.rem_euclid(MINUTE * MINUTES as i64) / MINUTE;
            if let Some(seen) = usize::try_from(minute).ok().and_then(|minute| self.minutes.get_mut(minute)) {
                *seen = true;
            }
        }
        self.add_ids(records);
    }

    fn add_ids(&mut self, records: &Records) {
        let Some(ids) = &mut self.ids else { return };
        if ids.len() + records.len() > MAX_IDS {
            (self.ids, self.running.repeated) = (None, None);
            return;
        }
        let repeated = records.ids().filter(|id| !ids.insert(IdHash::of(id))).count() as u64;
        self.running.repeated = self.running.repeated.map(|before| before + repeated);
    }

    pub(super) fn finish(mut self) -> Running {
        let (mut gap, mut longest, mut begun) = (0_u64, 0_u64, false);
        for seen in self.minutes {
            if seen {
                longest = longest.max(if begun { gap } else { 0 });
                (gap, begun) = (0, true);
            } else {
                gap += 1;
            }
        }
        self.running.longest_gap = longest;
        self.running
    }
}

fn bin(us: f64) -> u16 {
    let place = (us.max(1.0).log2() * BINS_PER_DOUBLING).floor();
    // Proof: within 0..=1024, as no number has more than 64 doublings here.
    place.clamp(0.0, 64.0 * BINS_PER_DOUBLING) as u16
}

impl App {
    /// How the records of a day, in blocks up to index `through`, ran.
    pub(super) async fn running_of(&self, window: Window, through: i64) -> Result<Running, AppError> {
        let Window { version, environment, day } = window;
        let mut conn = self.store.read().await?;
        let blocks =
            predictions::of_days(&mut conn, version, environment, RecordKind::Prediction, (day, day)).await?;
        drop(conn);
        let mut count = Count::new();
        for row in blocks.iter().filter(|row| row.idx <= through) {
            let records = self.open_block(row).await?.records;
            let counted = tokio::task::spawn_blocking(move || {
                let columns: BTreeMap<String, Block> = records.blocks()?.into_iter().collect();
                count.add(&records, &columns);
                Ok::<Count, AppError>(count)
            });
            count = counted.await.map_err(|error| AppError::Internal(error.to_string()))??;
        }
        Ok(count.finish())
    }
}

impl Running {
    /// The latency in microseconds that the share `q` of the records does not exceed; none without any.
    pub(super) fn latency(&self, q: f64) -> Option<f64> {
        let total: u64 = self.latency.values().sum();
        if total == 0 {
            return None;
        }
        let wanted = (q * real(total)).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bin, count) in &self.latency {
            seen += count;
            if seen >= wanted {
                return Some(((f64::from(*bin) + 0.5) / BINS_PER_DOUBLING).exp2());
            }
        }
        None
    }

    /// Records with a latency.
    pub(super) fn timed(&self) -> u64 {
        self.latency.values().sum()
    }

    /// The share of records with an error.
    pub(super) fn error_rate(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { real(self.errors) / real(self.rows) }
    }

    /// Records that name their caller.
    pub(super) fn called(&self) -> u64 {
        self.callers.values().sum::<u64>() + self.other_callers
    }

    /// The day in a sentence.
    pub(super) fn words(&self) -> String {
        let mut words = format!("{} records, {:.2} % with an error", self.rows, self.error_rate() * 100.0);
        if let (Some(p50), Some(p95), Some(p99)) = (self.latency(0.5), self.latency(0.95), self.latency(0.99))
        {
            let ms = |us: f64| us / 1_000.0;
            words +=
                &format!(", latency p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms", ms(p50), ms(p95), ms(p99));
        }
        words += &format!(", longest gap {} minutes", self.longest_gap);
        if let Some(repeated) = self.repeated.filter(|repeated| *repeated > 0) {
            words += &format!(", {repeated} ids twice");
        }
        if self.called() > 0 {
            words += &format!(", {} callers", self.callers.len());
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_core::vocab::RecordKind;
    use comptroller_lake::records::Format;
    use serde_json::json;

    fn count(parts: &[serde_json::Value]) -> Running {
        let mut count = Count::new();
        for part in parts {
            let bytes = json!({ "records": part }).to_string();
            let records = Records::read(RecordKind::Prediction, Format::Json, bytes.as_bytes(), 0).unwrap();
            let columns: BTreeMap<String, Block> = records.blocks().unwrap().into_iter().collect();
            count.add(&records, &columns);
        }
        count.finish()
    }

    #[test]
    fn quantiles_are_within_the_width_of_a_bin() {
        let mut day = Running::default();
        for us in 1..=100_000_u32 {
            *day.latency.entry(bin(f64::from(us))).or_default() += 1;
        }
        for q in [0.01, 0.5, 0.95, 0.99, 1.0] {
            let (found, exact) = (day.latency(q).unwrap(), q * 100_000.0);
            assert!((found / exact - 1.0).abs() < 0.045, "{q}: {found} instead of {exact}");
        }
        assert_eq!(Running::default().latency(0.5), None);
        assert_eq!((bin(0.0), bin(1.0), bin(2.0), bin(f64::MAX)), (0, 0, 16, 1_024));
    }

    #[test]
    fn blocks_of_a_day_add_up_and_ids_of_before_are_noticed() {
        let row = |id: &str, time: &str, caller: &str, error: Option<&str>| {
            json!({"id": id, "time": format!("2026-03-01T{time}:00Z"), "caller": caller, "error": error,
                   "latency_us": 1_000, "inputs": {"x": 1}})
        };
        let day = count(&[
            json!([row("a", "06:00", "app", None), row("b", "06:30", "app", Some("timeout"))]),
            json!([row("b", "09:00", "other", None), row("c", "08:00", "app", None)]),
        ]);
        assert_eq!((day.rows, day.errors, day.repeated, day.timed()), (4, 1, Some(1), 4));
        assert_eq!(day.callers, [("app".to_owned(), 3), ("other".to_owned(), 1)].into());
        assert_eq!(day.longest_gap, 89, "from 06:30 to 08:00");
        assert!(day.words().contains("1 ids twice") && day.words().contains("25.00 %"), "{}", day.words());
        let stored = serde_json::to_value(&day).unwrap();
        assert_eq!(serde_json::from_value::<Running>(stored).unwrap(), day);
    }
}
