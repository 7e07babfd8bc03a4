//! The purge itself: small transactions, each of which asks again whether what it destroys may go.

use super::days;
use super::plan::{self, Item, item};
use super::{PurgeReport, Purged};
use crate::holds::Held;
use crate::policies::Policies;
use crate::{App, AppError};
use comptroller_core::event::PurgedArtifact;
use comptroller_core::vocab::RetentionClass;
use comptroller_core::{Digest, Event, Timestamp};
use comptroller_policy::card::Keep;
use comptroller_store::areas::models;
use comptroller_store::areas::retention::{self, NoteRow};
use comptroller_store::{Conn, Draft, Micros, Tx};
use std::sync::Arc;

/// Files of one look.
const PAGE: i64 = 256;
/// Files of one transaction: others must not wait long for theirs.
const FILES: usize = 16;
/// Notes of one transaction, and of one event.
const NOTES: i64 = 256;
/// Most items that a report names.
const MAX_NAMED: usize = 200;

impl App {
    /// Purges everything that is older than its maximum, and what an earlier purge that was broken off left.
    pub(super) async fn purge_as(&self, actor: &str) -> Result<PurgeReport, AppError> {
        let mut report = PurgeReport::default();
        for batch in self.due_files(&mut report).await?.chunks(FILES) {
            let (policies, store) = (Arc::clone(&self.policies), self.store.clone());
            let (batch, by) = (batch.to_vec(), actor.to_owned());
            let purged = self.store.write(move |tx| {
                Box::pin(async move { purge_files(tx, &policies, store.key(), &batch, &by).await })
            });
            for item in purged.await? {
                report.add(Purged::file(item));
            }
        }
        self.purge_notes(actor, &mut report).await?;
        self.purge_days(actor, &mut report).await?;
        // INVARIANT (purge-is-recorded): the keys are gone and on record; only now the bytes, and those of an earlier
        // run that ended before this line.
        report.swept = self.store.sweep().await?;
        if report.files + report.notes + report.days > 0 {
            // What the database kept of the destroyed keys outside its tables goes too.
            if let Err(error) = self.store.scrub().await {
                tracing::warn!(error = %error, "the database was not scrubbed after a purge");
            }
        }
        Ok(report)
    }

    /// What would be purged now.
    pub(super) async fn would_purge(&self) -> Result<PurgeReport, AppError> {
        let mut report = PurgeReport::default();
        self.due_files(&mut report).await?;
        let mut conn = self.store.read().await?;
        let (keep, now) = (self.note_rule(&mut conn).await?, self.store.clock().now());
        let held = Held::read(&mut conn).await?;
        let rule = self.record_rule(&mut conn).await?;
        days::would_go(&mut conn, &rule, now, &held, &mut report).await?;
        let Some(until) = oldest_kept(&keep, now) else { return Ok(report) };
        let mut from = -1;
        loop {
            let rows = retention::notes(&mut conn, until, from, NOTES).await?;
            let Some(last) = rows.last() else { return Ok(report) };
            from = last.idx;
            let (due, kept) = divided(rows, &held);
            report.held += kept as u64;
            report.notes += due.len() as u64;
        }
    }

    /// The files whose time is over and that nothing holds; counts them and the held ones.
    async fn due_files(&self, report: &mut PurgeReport) -> Result<Vec<Digest>, AppError> {
        let mut conn = self.store.read().await?;
        let bundle = self.policies.in_force(&mut conn, self.store.key()).await?;
        let (held, now) = (Held::read(&mut conn).await?, self.store.clock().now());
        let (mut due, mut from) = (Vec::new(), String::new());
        loop {
            let rows = models::artifacts(&mut conn, &from, PAGE).await?;
            let Some(last) = rows.last() else { break };
            from = last.digest.0.to_string();
            for row in &rows {
                let item = item(&mut conn, bundle.retention(), row).await?;
                if !item.is_due(now) {
                    continue;
                }
                if held.file(&item.digest).is_some() {
                    report.held += 1;
                } else {
                    due.push(item.digest.clone());
                    if report.due.len() < MAX_NAMED {
                        report.due.push(super::FileView::of(&item, None));
                    }
                }
            }
        }
        report.due_files = due.len() as u64;
        Ok(due)
    }

    async fn note_rule(&self, conn: &mut Conn) -> Result<Keep, AppError> {
        let bundle = self.policies.in_force(conn, self.store.key()).await?;
        Ok(bundle.retention().keep(RetentionClass::Note))
    }

    async fn purge_notes(&self, actor: &str, report: &mut PurgeReport) -> Result<(), AppError> {
        let mut from = -1;
        loop {
            let (policies, store, by) = (Arc::clone(&self.policies), self.store.clone(), actor.to_owned());
            let done = self.store.write(move |tx| {
                Box::pin(async move {
                    let bundle = policies.in_force(tx.conn(), store.key()).await?;
                    purge_page(tx, &bundle.retention().keep(RetentionClass::Note), from, &by).await
                })
            });
            let Some(page) = done.await? else { return Ok(()) };
            from = page.last;
            report.held += page.held;
            report.notes += page.purged;
            if let Some(index) = page.index {
                report.add(Purged {
                    class: RetentionClass::Note,
                    artifact: None,
                    notes: page.purged,
                    ledger_index: index,
                });
            }
        }
    }
}

impl PurgeReport {
    pub(super) fn add(&mut self, purged: Purged) {
        if purged.artifact.is_some() {
            self.files += 1;
        }
        if self.purged.len() < MAX_NAMED {
            self.purged.push(purged);
        }
    }
}

impl Purged {
    fn file((item, index): (Item, u64)) -> Self {
        Self { class: item.class, artifact: Some(item.digest), notes: 0, ledger_index: index }
    }
}

/// INVARIANT (nothing-held-is-purged): rules, age, use and holds are read again in the transaction that destroys, so
/// that a hold placed a moment ago, or a version registered with the file, keeps it.
async fn purge_files(
    tx: &mut Tx,
    policies: &Policies,
    key: &comptroller_store::keys::OrgKey,
    digests: &[Digest],
    actor: &str,
) -> Result<Vec<(Item, u64)>, AppError> {
    let bundle = policies.in_force(tx.conn(), key).await?;
    let (held, now) = (Held::read(tx.conn()).await?, tx.now());
    let mut purged = Vec::new();
    for digest in digests {
        let Some(row) = models::artifact(tx.conn(), digest).await? else { continue };
        let item = item(tx.conn(), bundle.retention(), &row).await?;
        if !item.is_due(now) || held.file(digest).is_some() {
            continue;
        }
        let event = Event::DataPurged {
            class: item.class,
            artifact: Some(PurgedArtifact {
                digest: item.digest.clone(),
                upload: item.upload,
                bytes: item.bytes,
            }),
            entries: Vec::new(),
            day: None,
            age_days: item.age_days(now),
            rules: item.rules.clone(),
        };
        let index = tx.purge(Draft::new(actor, event).about("artifact", &item.digest)).await?;
        purged.push((item, index));
    }
    Ok(purged)
}

/// One page of notes that was looked at.
struct NotePage {
    last: i64,
    purged: u64,
    held: u64,
    index: Option<u64>,
}

/// The moment at or before which a note or a day is too old; none if they are kept for ever.
pub(super) fn oldest_kept(keep: &Keep, now: Timestamp) -> Option<Micros> {
    let days = keep.max_days?.max(keep.min_days.unwrap_or(0));
    Some(Micros(now.plus_seconds(-i64::from(days) * 86_400)))
}

/// Those that go, and how many are held.
fn divided(rows: Vec<NoteRow>, held: &Held) -> (Vec<NoteRow>, usize) {
    let all = rows.len();
    let due: Vec<NoteRow> = rows.into_iter().filter(|row| held.stream(&row.stream).is_none()).collect();
    let kept = all - due.len();
    (due, kept)
}

/// INVARIANT (nothing-held-is-purged): as for files.
async fn purge_page(tx: &mut Tx, keep: &Keep, from: i64, actor: &str) -> Result<Option<NotePage>, AppError> {
    let now = tx.now();
    let Some(until) = oldest_kept(keep, now) else { return Ok(None) };
    let rows = retention::notes(tx.conn(), until, from, NOTES).await?;
    let Some(last) = rows.last().map(|row| row.idx) else { return Ok(None) };
    let held = Held::read(tx.conn()).await?;
    let (due, kept) = divided(rows, &held);
    let mut page = NotePage { last, purged: due.len() as u64, held: kept as u64, index: None };
    // The youngest: every one of them is at least so old.
    if let Some(youngest) = due.iter().map(|row| row.recorded_at.0).max() {
        let event = Event::DataPurged {
            class: RetentionClass::Note,
            artifact: None,
            entries: due.iter().map(|row| row.idx.unsigned_abs()).collect(),
            day: None,
            age_days: plan::age_days(youngest, now),
            rules: keep.rules.clone(),
        };
        page.index = Some(tx.purge(Draft::new(actor, event)).await?);
    }
    Ok(Some(page))
}
