//! The rebuild check: replays the journal into an empty database and compares every state table row by row.
//!
//! // INVARIANT (rebuildable): the journal alone yields every state table. A row that differs was edited behind the
//! // system's back, or a projection used something besides its event.
//!
//! Must not write to the store. Memory does not grow with the journal beyond the replayed state itself.

use crate::append::{insert_subjects, raise_stream_rows};
use crate::areas;
use crate::change::change;
use crate::db::{Conn, Db, execute};
use crate::findings::Findings;
use crate::tables::{self, Class, Row, TABLES, Table};
use crate::tx::At;
use crate::{Store, StoreError};
use comptroller_core::{Event, Timestamp};
use comptroller_ledger::Entry;
use futures_util::StreamExt;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Entries replayed at a time.
const CHUNK: i64 = 1_024;
const REMEDY: &str = "the journal is right: find out who edited the row, and restore it from a backup";

impl Store {
    /// Replays the journal and compares; see the module.
    ///
    /// Works on one snapshot of the database, so it may run beside writers.
    pub async fn rebuild_check(&self) -> Result<Findings, StoreError> {
        let mut findings = Findings::default();
        let mut stored = self.db().snapshot().await?;
        let scratch = Db::scratch().await?;
        let mut rebuilt = scratch.write().await?;
        replay(&mut stored, &mut rebuilt, &mut findings).await?;
        for table in TABLES.iter().filter(|table| table.class == Class::State) {
            compare(&mut stored, &mut rebuilt, table, &mut findings).await?;
        }
        drop(rebuilt);
        scratch.close().await;
        Ok(findings)
    }
}

async fn replay(stored: &mut Conn, rebuilt: &mut Conn, findings: &mut Findings) -> Result<(), StoreError> {
    let mut streams: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let journal = tables::table("journal")?;
    let mut next = 0;
    loop {
        let rows = tables::rows_between(stored, journal, next, next.saturating_add(CHUNK), CHUNK).await?;
        let Some(last) = rows.last().and_then(|row| row[0].int()) else { break };
        next = last + 1;
        execute!(rebuilt, "BEGIN")?;
        let mut subjects: Vec<(i64, Vec<String>)> = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(idx) = row[0].int() else { continue };
            let place = format!("table journal, idx {idx}");
            let entry = match Entry::from_bytes(journal.cell(row, "entry").text().as_bytes()) {
                Ok(entry) => entry,
                Err(error) => {
                    findings.damage(
                        place,
                        error.to_string(),
                        "restore the entry from its bundle object or a backup",
                    );
                    continue;
                }
            };
            let head = streams.entry(entry.stream.clone()).or_default();
            *head = (head.0 + 1, idx);
            project(rebuilt, idx, &entry, &place, findings).await?;
            subjects.push((idx, entry.subjects));
        }
        insert_subjects(rebuilt, subjects.iter().map(|(idx, names)| (*idx, names.as_slice()))).await?;
        execute!(rebuilt, "COMMIT")?;
        findings.count("events replayed", rows.len() as u64);
    }
    let heads: Vec<(&str, (i64, i64))> =
        streams.iter().map(|(stream, head)| (stream.as_str(), *head)).collect();
    raise_stream_rows(rebuilt, &heads).await
}

/// Projects one event in a savepoint, so that an event that cannot be replayed is a finding and no more.
async fn project(
    rebuilt: &mut Conn,
    idx: i64,
    entry: &Entry,
    place: &str,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let event = match Event::from_parts(&entry.kind, &entry.data) {
        Ok(event) => event,
        Err(error) => {
            let what = format!("not an event of this version: {error}");
            findings.damage(place, what, "use the version of this program that wrote the entry");
            return Ok(());
        }
    };
    let at = At {
        idx,
        recorded_at: Timestamp::from_micros(entry.recorded_at),
        actor: entry.actor.clone(),
        has_private: !entry.commitments.is_empty(),
    };
    let mut changes = Vec::new();
    let mut outcome = areas::project(&mut changes, &at, &event);
    if outcome.is_ok() {
        change!(rebuilt.waiting, "SAVEPOINT event");
        rebuilt.waiting.append(&mut changes);
        change!(rebuilt.waiting, "RELEASE SAVEPOINT event");
        outcome = rebuilt.ready().await.map(|_| ());
        if outcome.is_err() {
            execute!(rebuilt, "ROLLBACK TO SAVEPOINT event")?;
        }
    }
    if let Err(error) = outcome {
        let what = format!("the event contradicts earlier ones: {error}");
        findings.damage(place, what, "restore the journal from its bundle objects or a backup");
    }
    Ok(())
}

/// Merges the two tables by primary key; both streams are sorted alike.
async fn compare(
    stored: &mut Conn,
    rebuilt: &mut Conn,
    table: &'static Table,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut stored = tables::rows(stored, table);
    let mut rebuilt = tables::rows(rebuilt, table);
    let mut ours = stored.next().await.transpose()?;
    let mut theirs = rebuilt.next().await.transpose()?;
    while ours.is_some() || theirs.is_some() {
        match by_key(table, ours.as_ref(), theirs.as_ref()) {
            Ordering::Less => {
                let place = place(table, ours.as_ref());
                findings.damage(place, "the row is stored, but no event made it", REMEDY);
            }
            Ordering::Greater => {
                let place = place(table, theirs.as_ref());
                findings.damage(place, "the row is missing, but the journal makes it", REMEDY);
            }
            Ordering::Equal => differences(table, ours.as_ref(), theirs.as_ref(), findings),
        }
        let order = by_key(table, ours.as_ref(), theirs.as_ref());
        if order != Ordering::Greater {
            findings.count("state rows compared", 1);
            ours = stored.next().await.transpose()?;
        }
        if order != Ordering::Less {
            theirs = rebuilt.next().await.transpose()?;
        }
    }
    Ok(())
}

fn place(table: &Table, row: Option<&Row>) -> String {
    format!("table {}, {}", table.name, row.map_or_else(String::new, |row| table.key_of(row)))
}

/// Order of two rows by primary key; an ended side counts as after everything.
fn by_key(table: &Table, ours: Option<&Row>, theirs: Option<&Row>) -> Ordering {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours[..table.key].cmp(&theirs[..table.key]),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn differences(table: &Table, ours: Option<&Row>, theirs: Option<&Row>, findings: &mut Findings) {
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return };
    for (column, (stored, rebuilt)) in table.columns.iter().zip(ours.iter().zip(theirs)) {
        if stored != rebuilt {
            let place = format!("{}, column {}", place(table, Some(ours)), column.name);
            findings.damage(place, format!("stored {stored}, but the journal gives {rebuilt}"), REMEDY);
        }
    }
}
