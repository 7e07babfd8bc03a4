//! The prediction records of a day: kept and purged together, as they share a key.

use super::plan;
use super::run::oldest_kept;
use super::{DayView, MAX_SHOWN, PurgeReport, Purged};
use crate::holds::Held;
use crate::monitors::date;
use crate::policies::Policies;
use crate::{App, AppError};
use comptroller_core::event::PurgedDay;
use comptroller_core::vocab::RetentionClass;
use comptroller_core::{Event, Timestamp};
use comptroller_policy::card::Keep;
use comptroller_store::areas::predictions::{self, StoredDayRow};
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, Draft, Tx};
use std::sync::Arc;

/// Days of one look.
const PAGE: i64 = 10_000;
/// Days of one transaction.
const DAYS: usize = 16;

impl App {
    /// How long prediction records are kept.
    pub(super) async fn record_rule(&self, conn: &mut Conn) -> Result<Keep, AppError> {
        let bundle = self.policies.in_force(conn, self.store.key()).await?;
        Ok(bundle.retention().keep(RetentionClass::Records))
    }

    /// Purges the days whose time is over and that nothing holds.
    pub(super) async fn purge_days(&self, actor: &str, report: &mut PurgeReport) -> Result<(), AppError> {
        let mut conn = self.store.read().await?;
        let (keep, now) = (self.record_rule(&mut conn).await?, self.store.clock().now());
        let Some(until) = oldest_kept(&keep, now) else { return Ok(()) };
        let held = Held::read(&mut conn).await?;
        let rows = predictions::stored_days(&mut conn, until.0, PAGE).await?;
        drop(conn);
        let all = rows.len();
        let due: Vec<StoredDayRow> = rows.into_iter().filter(|row| !is_held(&held, row)).collect();
        report.held += (all - due.len()) as u64;
        for batch in due.chunks(DAYS) {
            let (policies, store) = (Arc::clone(&self.policies), self.store.clone());
            let (batch, by) = (batch.to_vec(), actor.to_owned());
            let purged = self.store.write(move |tx| {
                Box::pin(async move { purge(tx, &policies, store.key(), &batch, &by).await })
            });
            for index in purged.await? {
                report.days += 1;
                let class = RetentionClass::Records;
                report.add(Purged { class, artifact: None, notes: 0, ledger_index: index });
            }
        }
        Ok(())
    }
}

/// The days that go next, with when; none, if records are kept for ever.
pub(super) async fn next(
    conn: &mut Conn,
    keep: &Keep,
    now: Timestamp,
    held: &Held,
) -> Result<Vec<DayView>, AppError> {
    let Some(max) = keep.max_days else { return Ok(Vec::new()) };
    let mut rows = predictions::stored_days(conn, now, PAGE).await?;
    rows.sort_by_key(|row| row.sealed_at);
    rows.truncate(MAX_SHOWN);
    let view = |row: StoredDayRow| DayView {
        system: row.system.0,
        version: row.version.0,
        environment: row.environment.0,
        day: date(row.day),
        rows: row.row_count.unsigned_abs(),
        since: row.sealed_at.0,
        due_at: Some(plan::after(row.sealed_at.0, max.max(keep.min_days.unwrap_or(0)))),
        hold: held.stream(&format!("system/{}", row.system.0)),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Counts the days that would go, and those that are held.
pub(super) async fn would_go(
    conn: &mut Conn,
    keep: &Keep,
    now: Timestamp,
    held: &Held,
    report: &mut PurgeReport,
) -> Result<(), AppError> {
    let Some(until) = oldest_kept(keep, now) else { return Ok(()) };
    for row in predictions::stored_days(conn, until.0, PAGE).await? {
        if is_held(held, &row) {
            report.held += 1;
        } else {
            report.days += 1;
        }
    }
    Ok(())
}

fn is_held(held: &Held, row: &StoredDayRow) -> bool {
    held.stream(&format!("system/{}", row.system.0)).is_some()
}

/// INVARIANT (nothing-held-is-purged): rules, age and holds are read again in the transaction that destroys.
async fn purge(
    tx: &mut Tx,
    policies: &Policies,
    key: &OrgKey,
    days: &[StoredDayRow],
    actor: &str,
) -> Result<Vec<u64>, AppError> {
    let keep = policies.in_force(tx.conn(), key).await?.retention().keep(RetentionClass::Records);
    let (held, now) = (Held::read(tx.conn()).await?, tx.now());
    let Some(until) = oldest_kept(&keep, now) else { return Ok(Vec::new()) };
    let mut purged = Vec::new();
    for day in days {
        let (version, environment) = (day.version.0, day.environment.0);
        // Late records make a day younger again.
        let Some(row) = predictions::stored_day(tx.conn(), version, environment, day.day).await? else {
            continue;
        };
        if row.sealed_at.0 > until.0 || is_held(&held, &row) {
            continue;
        }
        let event = Event::DataPurged {
            class: RetentionClass::Records,
            artifact: None,
            entries: Vec::new(),
            day: Some(PurgedDay {
                version,
                environment,
                day: u32::try_from(row.day).unwrap_or(0),
                blocks: u32::try_from(row.blocks).unwrap_or(u32::MAX),
            }),
            age_days: plan::age_days(row.sealed_at.0, now),
            rules: keep.rules.clone(),
        };
        let draft = Draft::new(actor, event).of_system(row.system.0).about("version", &version);
        purged.push(tx.purge(draft).await?);
    }
    Ok(purged)
}
