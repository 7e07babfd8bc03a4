//! Retention: what is kept how long, what goes when, and what is held.
//!
//! How long is a matter of the policies in force (`[retention.NAME]` in a file of cards) and of each data set's own
//! `retention_days`. Without either nothing is purged. A purge runs at the start of a server, daily and on demand; it
//! destroys keys, then bytes, never an entry.

mod days;
mod plan;
mod run;

use crate::holds::Held;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{HoldId, SystemId, VersionId};
use comptroller_core::vocab::RetentionClass;
use comptroller_core::{Digest, Environment, Slug, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::models;
use plan::{Item, item};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// How often what is too old is purged.
pub(crate) const PURGE_EVERY: Duration = Duration::from_hours(24);
/// Files of one look.
const PAGE: i64 = 256;
/// Most files that an answer names.
const MAX_SHOWN: usize = 200;

/// Starts a purge.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunPurge {
    /// Whether it is only said what would go.
    #[serde(default)]
    pub dry_run: bool,
}

/// How long the things of a class are kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClassView {
    /// The class.
    pub class: RetentionClass,
    /// Nothing younger is purged.
    pub min_days: Option<u32>,
    /// Everything older is purged; for ever, if there is none.
    pub max_days: Option<u32>,
    /// The rules that say so.
    pub rules: Vec<Slug>,
}

/// A file with its time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FileView {
    /// SHA-256 of its content.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// The class for which it is kept the longest.
    pub class: RetentionClass,
    /// When the time of that class began to run.
    pub since: Timestamp,
    /// When it goes.
    pub due_at: Option<Timestamp>,
    /// The rules that hold for it.
    pub rules: Vec<Slug>,
    /// A version that names it is live, so it stays.
    pub in_use: bool,
    /// The hold that keeps it.
    pub hold: Option<HoldId>,
}

impl FileView {
    fn of(item: &Item, hold: Option<HoldId>) -> Self {
        Self {
            digest: item.digest.clone(),
            bytes: item.bytes,
            class: item.class,
            since: item.since,
            due_at: item.due_at,
            rules: item.rules.clone(),
            in_use: item.in_use,
            hold,
        }
    }
}

/// A day of a version's prediction records, with its time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DayView {
    /// The AI system.
    pub system: SystemId,
    /// The version.
    pub version: VersionId,
    /// Where it ran.
    pub environment: Environment,
    /// The day, `YYYY-MM-DD`, UTC.
    pub day: String,
    /// Records and labels.
    pub rows: u64,
    /// When the last of them was sealed: its time began to run.
    pub since: Timestamp,
    /// When it goes.
    pub due_at: Option<Timestamp>,
    /// The hold that keeps it.
    pub hold: Option<HoldId>,
}

/// What is kept how long.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionView {
    /// Every class, with its time.
    pub classes: Vec<ClassView>,
    /// Stored files.
    pub files: u64,
    /// Those whose time is over, and that nothing keeps: they go with the next purge.
    pub due: u64,
    /// The next files to go, the next first; at most 200.
    pub next: Vec<FileView>,
    /// Files that a hold keeps beyond their time; at most 200.
    pub held: Vec<FileView>,
    /// The next days of prediction records to go, those that a hold keeps included; at most 200.
    #[serde(default)]
    pub next_days: Vec<DayView>,
}

/// Something that was purged.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Purged {
    /// Its class.
    pub class: RetentionClass,
    /// The file.
    pub artifact: Option<Digest>,
    /// Or how many notes.
    pub notes: u64,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

/// What a purge did, or would do.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct PurgeReport {
    /// Files whose keys were destroyed.
    pub files: u64,
    /// Notes whose keys were destroyed; of a dry run, those that would be.
    pub notes: u64,
    /// Days of prediction records whose keys were destroyed; of a dry run, those that would be.
    #[serde(default)]
    pub days: u64,
    /// Files, notes and days that a hold keeps beyond their time.
    pub held: u64,
    /// Purged files whose bytes were deleted, those of an earlier run that was broken off included.
    pub swept: u64,
    /// Files whose time was over before it began.
    pub due_files: u64,
    /// They, at most 200.
    pub due: Vec<FileView>,
    /// What was purged, with its place in the log; at most 200.
    pub purged: Vec<Purged>,
}

impl App {
    /// What is kept how long, what goes when, and what is held.
    pub async fn retention(&self, caller: &Caller) -> Result<RetentionView, AppError> {
        self.may_read(caller, Action::RetentionRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let bundle = self.policies.in_force(&mut conn, self.store.key()).await?;
        let rules = bundle.retention();
        let classes = RetentionClass::ALL.iter().map(|class| {
            let keep = rules.keep(*class);
            ClassView { class: *class, min_days: keep.min_days, max_days: keep.max_days, rules: keep.rules }
        });
        let mut view = RetentionView {
            classes: classes.collect(),
            files: 0,
            due: 0,
            next: Vec::new(),
            held: Vec::new(),
            next_days: Vec::new(),
        };
        let (held, now) = (Held::read(&mut conn).await?, self.store.clock().now());
        let mut from = String::new();
        loop {
            let rows = models::artifacts(&mut conn, &from, PAGE).await?;
            let Some(last) = rows.last() else { break };
            from = last.digest.0.to_string();
            for row in &rows {
                let item = item(&mut conn, rules, row).await?;
                let hold = held.file(&item.digest);
                view.files += 1;
                view.due += u64::from(item.is_due(now) && hold.is_none());
                match hold {
                    None if item.due_at.is_some() => view.next.push(FileView::of(&item, None)),
                    Some(_) if item.is_due(now) && view.held.len() < MAX_SHOWN => {
                        view.held.push(FileView::of(&item, hold));
                    }
                    _ => {}
                }
            }
            // Only the next ones are kept in memory.
            view.next.sort_by_key(|file| file.due_at);
            view.next.truncate(MAX_SHOWN);
        }
        let keep = rules.keep(RetentionClass::Records);
        view.next_days = days::next(&mut conn, &keep, now, &held).await?;
        Ok(view)
    }

    /// Purges now, or says what would go.
    pub async fn purge(&self, caller: &Caller, command: RunPurge) -> Result<PurgeReport, AppError> {
        if command.dry_run {
            self.may_read(caller, Action::RetentionRead, ORG, None, None).await?;
            return self.would_purge().await;
        }
        self.may_read(caller, Action::RetentionPurge, ORG, None, None).await?;
        self.purge_as(&caller.actor()).await
    }

    /// Purges in the name of the product itself.
    pub async fn purge_old(&self) -> Result<PurgeReport, AppError> {
        let report = self.purge_as("system").await?;
        if report.files + report.notes + report.days + report.swept > 0 {
            tracing::info!(
                files = report.files,
                notes = report.notes,
                days = report.days,
                held = report.held,
                swept = report.swept,
                "purged what was older than it may be"
            );
        }
        Ok(report)
    }
}
