//! A baseline from the first rows that a version got: whole sealed blocks, in the order of the log, until there are
//! enough rows; bins are frozen from them.

use super::hours::{Hours, name_of};
use super::season::seasons;
use super::window::{count, moments};
use crate::drift::{DriftError, Profile, Role, profile_of_blocks};
use crate::{App, AppError};
use comptroller_core::Environment;
use comptroller_core::ids::{BlockId, VersionId};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::records::Records;
use comptroller_stats::cells::{Block, BlockBuilder, Cell};
use comptroller_stats::embedding::Moments;
use comptroller_store::areas::predictions::{self, BlockRow};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use utoipa::ToSchema;

/// Rows from which bins are frozen, at least and at most.
const ROWS: std::ops::RangeInclusive<u64> = 100..=1_000_000;
/// Different texts of a decision beyond which it is read as a number, if it is one.
const MAX_CLASSES: usize = 20;

/// The first rows of production.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstRows {
    /// At least so many: 100 to 1,000,000. Blocks are taken whole.
    #[schema(minimum = 100, maximum = 1_000_000)]
    pub rows: u64,
    /// Where they were recorded.
    pub environment: Environment,
}

/// What the first rows came to.
pub(super) struct Counted {
    pub(super) profile: Profile,
    /// The blocks that were counted.
    pub(super) blocks: Vec<BlockId>,
    /// Profiles of single seasons on the same bins, by name.
    pub(super) seasons: BTreeMap<String, Profile>,
    /// The hours of each of them, or of all days, by name.
    pub(super) hours: BTreeMap<String, Hours>,
}

impl App {
    pub(super) async fn count_first(
        &self,
        version: VersionId,
        first: &FirstRows,
    ) -> Result<Counted, AppError> {
        if !ROWS.contains(&first.rows) {
            let problem = format!("{} is not {} to {}", first.rows, ROWS.start(), ROWS.end());
            return Err(AppError::invalid("first.rows", problem));
        }
        let rows = self.first_blocks(version, first).await?;
        let mut parts: Vec<(i64, Records)> = Vec::new();
        let mut labels: HashMap<String, String> = HashMap::new();
        let mut days: BTreeMap<i64, u64> = BTreeMap::new();
        let mut conn = self.store.read().await?;
        let labels_through = predictions::last(&mut conn, version, RecordKind::Label).await?;
        drop(conn);
        for row in &rows {
            let records = self.open_block(row).await?.records;
            let ids: Vec<String> = records.ids().map(str::to_owned).collect();
            labels
                .extend(self.labels_for((version, first.environment, row.day), &ids, labels_through).await?);
            *days.entry(row.day).or_default() += records.len() as u64;
            parts.push((row.day, records));
        }
        let blocks = rows.iter().map(|row| row.id.0).collect();
        let made = tokio::task::spawn_blocking(move || {
            let profile = freeze(&parts, &labels)?;
            let (mut seasons, mut hours) = (BTreeMap::new(), BTreeMap::new());
            for (name, season) in by_season(&profile, &parts, &labels, &days)? {
                if let (Some(name), Some(whole)) = (name, season.whole()?) {
                    seasons.insert(name.to_owned(), whole);
                }
                hours.insert(name_of(name), season.hours);
            }
            Ok::<_, AppError>(Counted { profile, blocks, seasons, hours })
        });
        made.await.map_err(|error| AppError::Internal(error.to_string()))?
    }

    async fn first_blocks(&self, version: VersionId, first: &FirstRows) -> Result<Vec<BlockRow>, AppError> {
        let mut conn = self.store.read().await?;
        let every = (0, i64::MAX);
        let mut rows =
            predictions::of_days(&mut conn, version, first.environment, RecordKind::Prediction, every)
                .await?;
        rows.sort_by_key(|row| row.idx);
        let mut have = 0;
        let mut taken = Vec::new();
        for row in rows {
            if have >= first.rows {
                break;
            }
            have += row.row_count.unsigned_abs();
            taken.push(row);
        }
        if have < first.rows {
            return Err(AppError::Conflict(format!(
                "only {have} rows of {} are sealed in {}; wait for more, or ask for fewer",
                first.rows, first.environment
            )));
        }
        Ok(taken)
    }
}

/// A profile with bins frozen from these rows.
fn freeze(parts: &[(i64, Records)], labels: &HashMap<String, String>) -> Result<Profile, AppError> {
    let all: Vec<Records> = parts.iter().map(|(_, records)| records.clone()).collect();
    let all = Records::concat(&all)?;
    let mut columns: Vec<(String, Option<Role>, Block)> = Vec::new();
    // An input of that name would stand beside the model's own column.
    let is_own = |name: &str| matches!(name, "score" | "prediction" | "label");
    let mut vectors: BTreeMap<String, Moments> = BTreeMap::new();
    for (name, block) in all.blocks()? {
        if let (Some(input), Some(found)) = (name.strip_prefix("input."), all.vectors(&name)) {
            // The first vector says how long they are.
            let dims = found.flatten().next().map_or(0, <[f32]>::len);
            vectors.insert(input.to_owned(), moments(&all, input, dims));
            columns.push((input.to_owned(), Some(Role::Embedding), block));
            continue;
        }
        match (name.as_str(), name.strip_prefix("input.")) {
            (_, Some(input)) if is_own(input) => {}
            (_, Some(input)) => columns.push((input.to_owned(), None, block)),
            ("score", _) => columns.push(("score".to_owned(), Some(Role::Score), block)),
            ("prediction", _) => {
                columns.push(("prediction".to_owned(), Some(Role::Prediction), numbers_if_many(block)));
            }
            _ => {}
        }
    }
    if !labels.is_empty() {
        let mut builder = BlockBuilder::default();
        for id in all.ids() {
            match labels.get(id) {
                Some(label) => builder.text(label),
                None => builder.null(),
            }
        }
        columns.push(("label".to_owned(), Some(Role::Label), numbers_if_many(builder.finish())));
    }
    let mut profile = profile_of_blocks(columns, all.len() as u64)
        .map_err(|error: DriftError| AppError::Conflict(format!("{error}; {}", error.remedy())))?;
    profile.vectors = vectors;
    Ok(profile)
}

/// What a model says is kept as text; many different ones that are all numbers are a number.
fn numbers_if_many(block: Block) -> Block {
    many_numbers(&block).unwrap_or(block)
}

fn many_numbers(block: &Block) -> Option<Block> {
    let mut builder = BlockBuilder::default();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for cell in block.cells() {
        match cell {
            Cell::Text(text) => {
                builder.number(text.parse().ok()?);
                if seen.len() <= MAX_CLASSES {
                    seen.insert(text);
                }
            }
            other => builder.push(other),
        }
    }
    (seen.len() > MAX_CLASSES).then(|| builder.finish())
}

/// What was counted of one season, or of all days.
#[derive(Default)]
struct Season {
    hours: Hours,
    /// Its vectors with a sample, which single hours have none of.
    vectors: BTreeMap<String, Moments>,
}

impl Season {
    fn add(
        &mut self,
        profile: &Profile,
        records: &Records,
        labels: &HashMap<String, String>,
    ) -> Result<(), AppError> {
        for (hour, records) in records.by_hour()? {
            let part = count(profile, &records, labels)?;
            self.hours.add(usize::try_from(hour.rem_euclid(24)).unwrap_or(0), part)?;
        }
        for (name, known) in &profile.vectors {
            let part = moments(records, name, known.dims());
            let sum = self.vectors.entry(name.clone()).or_insert_with(|| Moments::empty(known.dims()));
            sum.merge(&part).map_err(|error| AppError::Internal(format!("merging a season: {error}")))?;
        }
        Ok(())
    }

    /// All of it as one profile; none if nothing was counted.
    fn whole(&self) -> Result<Option<Profile>, AppError> {
        let sum = self.hours.sum(&(0..=23))?;
        Ok(sum.map(|sum| Profile { vectors: self.vectors.clone(), ..sum }))
    }
}

/// The seasons that the days make, by name, counted on the same bins; all days under no name if they make none.
fn by_season(
    profile: &Profile,
    parts: &[(i64, Records)],
    labels: &HashMap<String, String>,
    days: &BTreeMap<i64, u64>,
) -> Result<BTreeMap<Option<&'static str>, Season>, AppError> {
    let season = seasons(days);
    let mut found: BTreeMap<Option<&'static str>, Season> = BTreeMap::new();
    for (day, records) in parts {
        found.entry(season.map(|season| season(*day))).or_default().add(profile, records, labels)?;
    }
    Ok(found)
}
