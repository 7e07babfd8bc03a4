//! What a day's records say about the running itself: latency, errors, volume, gaps, repeats, callers. Counters that add
//! up, block by block, in a few KiB a day.
//!
//! It names callers, so it stands in the private part of a judgement and nowhere else.

use super::real;
use super::window::Window;
use crate::{App, AppError};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::index;
use comptroller_lake::records::{RecordError, Records};
use comptroller_stats::cells::{Block, Cell};
use comptroller_store::areas::predictions::{self, BlockRow};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Bins of latency for each doubling: a quantile is off by at most 2.2 %.
const BINS_PER_DOUBLING: f64 = 16.0;
/// Callers that are counted by name, at most; the rest is one number.
const MAX_CALLERS: usize = 200;
/// Ids that are remembered to notice repeats, at most; of more records nothing is claimed.
const MAX_IDS: i64 = 2_000_000;
/// The name of what is kept of it beside a block.
const SUMMARY: &str = "running";
/// It does not look at labels.
const NO_LABELS: i64 = -1;
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
    /// Records whose id stood before on that day, by 40 bits of its hash; none if there are too many to tell.
    pub(super) repeated: Option<u64>,
    /// The longest time without a record between the first and the last one, in minutes.
    pub(super) longest_gap: u64,
}

/// What one block says about the running of its day: kept beside it, so that its records are read once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlockRunning {
    rows: u64,
    errors: u64,
    latency: BTreeMap<u16, u64>,
    callers: BTreeMap<String, u64>,
    other_callers: u64,
    /// Minutes of the day that have a record.
    minutes: BTreeSet<u16>,
}

impl BlockRunning {
    /// Counts the records of a block.
    pub(super) fn of(records: &Records) -> Result<Self, RecordError> {
        let columns: BTreeMap<String, Block> = records.blocks()?.into_iter().collect();
        let mut found = Self { rows: records.len() as u64, ..Self::default() };
        for cell in columns.get("error").into_iter().flat_map(Block::cells) {
            found.errors += u64::from(matches!(cell, Cell::Text(text) if !text.is_empty()));
        }
        for cell in columns.get("latency_us").into_iter().flat_map(Block::cells) {
            if let Cell::Number(us) = cell
                && us >= 0.0
            {
                *found.latency.entry(bin(us)).or_default() += 1;
            }
        }
        for cell in columns.get("caller").into_iter().flat_map(Block::cells) {
            let Cell::Text(caller) = cell else { continue };
            add_calls(&mut found.callers, &mut found.other_callers, caller, 1);
        }
        for time in records.times() {
            let minute = time.rem_euclid(MINUTE * MINUTES as i64) / MINUTE;
            found.minutes.extend(u16::try_from(minute));
        }
        Ok(found)
    }
}

fn add_calls(callers: &mut BTreeMap<String, u64>, other: &mut u64, caller: &str, calls: u64) {
    if let Some(count) = callers.get_mut(caller) {
        *count += calls;
    } else if callers.len() < MAX_CALLERS {
        callers.insert(caller.to_owned(), calls);
    } else {
        *other += calls;
    }
}

/// A day that is being counted.
#[derive(Debug)]
struct Count {
    running: Running,
    minutes: BTreeSet<u16>,
    /// Parts of the hashes of the ids.
    ids: HashSet<u64>,
}

impl Count {
    fn new() -> Self {
        let running = Running { repeated: Some(0), ..Running::default() };
        Self { running, minutes: BTreeSet::new(), ids: HashSet::new() }
    }

    /// Adds a block.
    fn add(&mut self, block: &BlockRunning) {
        self.running.rows += block.rows;
        self.running.errors += block.errors;
        for (bin, rows) in &block.latency {
            *self.running.latency.entry(*bin).or_default() += rows;
        }
        for (caller, calls) in &block.callers {
            add_calls(&mut self.running.callers, &mut self.running.other_callers, caller, *calls);
        }
        self.running.other_callers += block.other_callers;
        self.minutes.extend(&block.minutes);
    }

    /// Adds the index of a block's ids; `None` if the day has too many to tell.
    fn add_ids(&mut self, index: Option<&[u8]>) {
        let prefixes = index.and_then(index::prefixes);
        let Some((prefixes, before)) = prefixes.zip(self.running.repeated) else {
            self.running.repeated = None;
            return;
        };
        self.running.repeated = Some(before + prefixes.filter(|id| !self.ids.insert(*id)).count() as u64);
    }

    fn finish(mut self) -> Running {
        let seen: Vec<u16> = self.minutes.into_iter().collect();
        let gaps = seen.windows(2).map(|pair| u64::from(pair[1] - pair[0] - 1));
        self.running.longest_gap = gaps.max().unwrap_or(0);
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
        let mut blocks =
            predictions::of_days(&mut conn, version, environment, RecordKind::Prediction, (day, day)).await?;
        drop(conn);
        blocks.retain(|row| row.idx <= through);
        let is_countable = blocks.iter().map(|row| row.row_count).sum::<i64>() <= MAX_IDS;
        let mut count = Count::new();
        for row in &blocks {
            count.add(&self.running_of_block(row).await?);
            let index = if is_countable { Some(self.read_index_bytes(row).await?) } else { None };
            count.add_ids(index.as_deref());
        }
        Ok(count.finish())
    }

    /// How the records of a block ran: from what is kept beside it, or from its records when there is nothing.
    async fn running_of_block(&self, row: &BlockRow) -> Result<BlockRunning, AppError> {
        if let Some(bytes) = self.summary(row, SUMMARY, NO_LABELS).await?
            && let Ok(found) = serde_json::from_slice(&bytes)
        {
            return Ok(found);
        }
        let records = self.open_block(row).await?.records;
        let counted = tokio::task::spawn_blocking(move || BlockRunning::of(&records)).await;
        let found = counted.map_err(|error| AppError::Internal(error.to_string()))??;
        self.keep_running(row, &found).await?;
        Ok(found)
    }

    /// Keeps what was counted beside the block. Without it the block is counted again.
    pub(super) async fn keep_running(&self, row: &BlockRow, found: &BlockRunning) -> Result<(), AppError> {
        let bytes = serde_json::to_vec(found)?;
        if let Err(error) = self.keep_summary(row, SUMMARY, NO_LABELS, bytes.into()).await {
            tracing::warn!(block.id = %row.id.0, error = %error, "a summary cannot be kept");
        }
        Ok(())
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
            let block = BlockRunning::of(&records).unwrap();
            let kept = serde_json::to_vec(&block).unwrap();
            assert_eq!(serde_json::from_slice::<BlockRunning>(&kept).unwrap(), block);
            count.add(&block);
            count.add_ids(Some(&index::of(records.ids())));
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
