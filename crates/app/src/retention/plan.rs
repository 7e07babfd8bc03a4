//! What a file is, how long it is kept for that, and when it goes.

use crate::AppError;
use comptroller_core::ids::UploadId;
use comptroller_core::vocab::RetentionClass;
use comptroller_core::{Digest, Slug, Timestamp};
use comptroller_policy::card::{Keep, Retention};
use comptroller_store::Conn;
use comptroller_store::areas::models::ArtifactRow;
use comptroller_store::areas::retention;

const DAY: i64 = 86_400;
/// Name of the rule by which a data set goes: what whoever registered it said.
pub(super) const OWN_RULE: &str = "dataset-retention";

/// One reason for which a file is kept.
struct Use {
    class: RetentionClass,
    /// When its time began to run.
    since: Timestamp,
    /// The data set's own maximum.
    own_days: Option<u32>,
}

/// A file with its time.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) digest: Digest,
    pub(super) upload: UploadId,
    pub(super) bytes: u64,
    /// The class for which it is kept the longest.
    pub(super) class: RetentionClass,
    /// When the time of that class began to run.
    pub(super) since: Timestamp,
    /// Before that it is not purged, whatever the maximum.
    pub(super) protected_until: Timestamp,
    /// When it goes; never, if some class that it is of has no maximum.
    pub(super) due_at: Option<Timestamp>,
    /// The rules that hold for it.
    pub(super) rules: Vec<Slug>,
    /// A version that names it is live.
    pub(super) in_use: bool,
}

impl Item {
    /// Whether its time is over, and nothing but a hold would keep it.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        !self.in_use && self.protected_until <= now && self.due_at.is_some_and(|due| due <= now)
    }

    /// Whole days since its time began to run.
    pub(super) fn age_days(&self, now: Timestamp) -> u32 {
        age_days(self.since, now)
    }
}

/// Whole days between two moments.
pub(super) fn age_days(since: Timestamp, now: Timestamp) -> u32 {
    let days = (now.micros() - since.micros()).div_euclid(DAY * 1_000_000);
    u32::try_from(days.max(0)).unwrap_or(u32::MAX)
}

/// Moment a number of days after another.
pub(super) fn after(since: Timestamp, days: u32) -> Timestamp {
    since.plus_seconds(i64::from(days) * DAY)
}

/// A stored file with its time, by what names it now.
pub(super) async fn item(conn: &mut Conn, rules: &Retention, row: &ArtifactRow) -> Result<Item, AppError> {
    let digest = &row.digest.0;
    let mut uses = Vec::new();
    let mut in_use = false;
    for version in retention::versions_naming(conn, digest).await? {
        in_use |= version.live > 0;
        let last = version.live_until.map(|at| at.0);
        // Its time begins when it was last in use, not when it was made.
        let since = last.unwrap_or(version.registered_at.0).max(version.registered_at.0);
        uses.push(Use { class: RetentionClass::ModelFile, since, own_days: None });
    }
    for dataset in retention::datasets_naming(conn, digest).await? {
        let own_days = dataset.retention_days.and_then(|days| u32::try_from(days).ok());
        uses.push(Use { class: RetentionClass::DatasetFile, since: dataset.registered_at.0, own_days });
    }
    for (_, recorded_at) in retention::evidence_naming(conn, digest).await? {
        uses.push(Use { class: RetentionClass::EvidenceDocument, since: recorded_at.0, own_days: None });
    }
    for issued_at in retention::issues_naming(conn, digest).await? {
        uses.push(Use { class: RetentionClass::EvidenceDocument, since: issued_at.0, own_days: None });
    }
    if uses.is_empty() {
        uses.push(Use { class: RetentionClass::UnusedFile, since: row.stored_at.0, own_days: None });
    }
    Ok(weighed(row, rules, &uses, in_use))
}

/// The longest of what the uses ask for; there is at least one.
fn weighed(row: &ArtifactRow, keeps: &Retention, uses: &[Use], in_use: bool) -> Item {
    let mut protected_until = row.stored_at.0;
    let mut rules = Vec::new();
    let mut longest = (RetentionClass::UnusedFile, row.stored_at.0, None);
    for (number, used) in uses.iter().enumerate() {
        let keep = keeps.keep(used.class);
        let (max, own) = maximum(&keep, used.own_days);
        protected_until = protected_until.max(after(used.since, keep.min_days.unwrap_or(0)));
        let due = max.map(|days| after(used.since, days));
        // No maximum outlasts every maximum.
        let longer = longest.2.is_some() && (due.is_none() || due > longest.2);
        if number == 0 || longer {
            longest = (used.class, used.since, due);
        }
        rules.extend(keep.rules);
        if own && let Ok(rule) = OWN_RULE.parse() {
            rules.push(rule);
        }
    }
    rules.sort();
    rules.dedup();
    let (class, since, due_at) = longest;
    Item {
        digest: row.digest.0.clone(),
        upload: row.upload.0,
        bytes: row.bytes.unsigned_abs(),
        class,
        since,
        protected_until,
        due_at,
        rules,
        in_use,
    }
}

/// The maximum that holds, and whether it is the data set's own. It never falls below the minimum.
fn maximum(keep: &Keep, own_days: Option<u32>) -> (Option<u32>, bool) {
    let own = own_days.filter(|own| keep.max_days.is_none_or(|max| *own < max));
    let max = own.or(keep.max_days).map(|days| days.max(keep.min_days.unwrap_or(0)));
    (max, own.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(min_days: Option<u32>, max_days: Option<u32>) -> Keep {
        Keep { min_days, max_days, rules: Vec::new() }
    }

    #[test]
    fn a_data_set_goes_by_its_own_maximum_if_that_is_shorter_but_never_before_the_minimum() {
        assert_eq!(maximum(&keep(None, None), None), (None, false));
        assert_eq!(maximum(&keep(None, None), Some(30)), (Some(30), true));
        assert_eq!(maximum(&keep(None, Some(90)), Some(30)), (Some(30), true));
        assert_eq!(maximum(&keep(None, Some(90)), Some(120)), (Some(90), false));
        assert_eq!(maximum(&keep(Some(60), Some(90)), Some(30)), (Some(60), true));
        assert_eq!(maximum(&keep(Some(60), None), None), (None, false));
    }

    #[test]
    fn an_age_counts_whole_days_and_is_never_negative() {
        let then = Timestamp::from_micros(1_000_000);
        assert_eq!(age_days(then, then.plus_seconds(DAY - 1)), 0);
        assert_eq!(age_days(then, then.plus_seconds(DAY)), 1);
        assert_eq!(age_days(then.plus_seconds(5), then), 0);
    }
}
