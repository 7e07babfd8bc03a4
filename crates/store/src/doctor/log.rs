//! Checks the journal tables: entries, their hashes, heads and signatures.
//!
//! One pass over the entries in pages; checkpoints and payloads of a page are read beside it. Where an entry and its
//! stored leaf hash disagree the stored hash goes into the tree, so that one edited entry is one finding and does not
//! make every later head look wrong.

use super::{CHUNK, payloads};
use crate::batch::CLOCK_SLACK_MICROS;
use crate::findings::Findings;
use crate::publish::root_of;
use crate::tables::{self, Row, Table, Value};
use crate::{Conn, Store, StoreError};
use comptroller_ledger::{
    Entry, Frontier, Hash, RotationStatement, SignedCheckpoint, VerifierKey, leaf_hash,
};
use std::collections::BTreeMap;

pub(super) const RESTORE: &str =
    "restore the row from a backup or from the bundle object, and find out who edited it";
const HEAD: &str = "table log_head, id 0";

/// What the pass learned, for the checks that follow.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Entries without a gap from 0.
    pub(super) size: i64,
    /// The newest checkpoint's size.
    pub(super) signed: i64,
    tree: Frontier,
    /// Entries are missing, so no later head can be recomputed.
    broken: bool,
    keys: Vec<VerifierKey>,
    streams: BTreeMap<String, (i64, i64)>,
    last_recorded: i64,
    last_signed_at: i64,
    origin: String,
    org: String,
    checkpoints: i64,
    tile_hashes: i64,
}

pub(super) async fn check(
    store: &Store,
    conn: &mut Conn,
    findings: &mut Findings,
) -> Result<Log, StoreError> {
    let journal = tables::table("journal")?;
    let mut log = Log { last_recorded: i64::MIN, last_signed_at: i64::MIN, ..Log::default() };
    let mut private = payloads::Pass::default();
    let mut seen = 0;
    loop {
        let from = log.size;
        let rows = tables::rows_between(conn, journal, from, from + CHUNK, CHUNK).await?;
        if rows.is_empty() {
            break;
        }
        seen += rows.len() as i64;
        let mut sealed = private.page(conn, from, from + CHUNK, findings).await?;
        let table = tables::table("checkpoint")?;
        let mut checkpoints = tables::rows_between(conn, table, from + 1, from + CHUNK + 1, CHUNK).await?;
        checkpoints.reverse();
        for row in &rows {
            let idx = row[0].int().unwrap_or(log.size);
            log.gap(idx, findings);
            let entry = log.entry(journal, row, findings);
            log.note_tiles(conn, findings).await?;
            private.entry(store, idx, entry.as_ref(), &mut sealed, findings);
            while let Some(row) = checkpoints.pop_if(|row| row[0].int() <= Some(log.size)) {
                log.checkpoint(&row, findings);
            }
        }
        sealed.end(findings);
        findings.count("entries", rows.len() as u64);
    }
    private.end(conn, findings).await?;
    log.surplus(conn, journal, seen, findings).await?;
    log.head(conn, findings).await?;
    log.stream_heads(conn, findings).await?;
    Ok(log)
}

impl Log {
    fn gap(&mut self, idx: i64, findings: &mut Findings) {
        if idx != self.size {
            let what = format!("entries {} to {} are missing", self.size, idx - 1);
            findings.damage(format!("table journal, idx {}", self.size), what, RESTORE);
            self.broken = true;
        }
        self.size = idx + 1;
    }

    /// Checks one row; answers the entry if it can be read.
    fn entry(&mut self, journal: &Table, row: &Row, findings: &mut Findings) -> Option<Entry> {
        let place = format!("table journal, {}", journal.key_of(row));
        let text = journal.cell(row, "entry").text();
        let computed = leaf_hash(text.as_bytes());
        let stored = journal.cell(row, "leaf_hash").text().parse::<Hash>().ok();
        if stored != Some(computed) {
            let what = "column leaf_hash is not the hash of column entry";
            findings.damage(format!("{place}, columns entry and leaf_hash"), what, RESTORE);
        }
        self.append(stored.unwrap_or(computed));
        let entry = match Entry::from_bytes(text.as_bytes()) {
            Ok(entry) => entry,
            Err(error) => {
                findings.damage(format!("{place}, column entry"), error.to_string(), RESTORE);
                return None;
            }
        };
        let expected = [
            ("stream", Value::Text(entry.stream.clone())),
            ("stream_seq", Value::Int(entry.stream_seq as i64)),
            ("kind", Value::Text(entry.kind.clone())),
            ("recorded_at", Value::Int(entry.recorded_at)),
            ("actor", Value::Text(entry.actor.clone())),
        ];
        for (column, expected) in expected {
            let found = journal.cell(row, column);
            if *found != expected {
                let what = format!("stored {found}, but the entry says {expected}");
                findings.damage(format!("{place}, column {column}"), what, RESTORE);
            }
        }
        self.order(&entry, &place, findings);
        self.learn_keys(&entry, &place, findings);
        Some(entry)
    }

    /// Dense streams, time that never goes back, one organisation.
    fn order(&mut self, entry: &Entry, place: &str, findings: &mut Findings) {
        let count = self.streams.get(&entry.stream).map_or(0, |head| head.0);
        if entry.stream_seq as i64 != count {
            let what = format!("position {} in stream {}, expected {count}", entry.stream_seq, entry.stream);
            findings.damage(format!("{place}, column entry"), what, RESTORE);
        }
        self.streams.insert(entry.stream.clone(), (entry.stream_seq as i64 + 1, self.size - 1));
        if entry.recorded_at < self.last_recorded {
            findings.damage(
                format!("{place}, column entry"),
                "recorded before the entry in front of it",
                RESTORE,
            );
        }
        self.last_recorded = self.last_recorded.max(entry.recorded_at);
        if self.org.is_empty() {
            self.org.clone_from(&entry.org);
        } else if self.org != entry.org {
            findings.damage(format!("{place}, column entry"), "belongs to another organisation", RESTORE);
        }
    }

    /// The keys that may sign, as the log itself introduces them.
    fn learn_keys(&mut self, entry: &Entry, place: &str, findings: &mut Findings) {
        let text = |name: &str| entry.data.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let key = match entry.kind.as_str() {
            "org.created" => {
                self.origin = text("origin");
                text("vkey").parse().map_err(|_| "the log's first key cannot be read".to_owned())
            }
            comptroller_ledger::entry::KIND_KEY_ROTATED => {
                serde_json::from_value::<RotationStatement>(entry.data.clone())
                    .map_err(|error| error.to_string())
                    .and_then(|statement| statement.verify().map_err(|error| error.to_string()))
                    .and_then(|(old, new)| {
                        let known = self.keys.contains(&old);
                        known.then_some(new).ok_or_else(|| "rotates away from an unknown key".to_owned())
                    })
            }
            _ => return,
        };
        match key {
            Ok(key) => self.keys.push(key),
            Err(what) => findings.damage(format!("{place}, column entry"), what, RESTORE),
        }
    }

    fn append(&mut self, leaf: Hash) {
        self.tree.append(leaf);
    }

    /// Compares the subtree roots that the last entry completed with table tile_hash.
    async fn note_tiles(&mut self, conn: &mut Conn, findings: &mut Findings) -> Result<(), StoreError> {
        let mut level = 1;
        let mut width = 256;
        // A subtree of 256^level leaves ends here exactly when the size is a multiple of it.
        while self.size > 0 && self.size % width == 0 && !self.broken {
            let index = self.size / width - 1;
            let expected = self.subtree(conn, level, index).await?;
            let stored = tile_hash(conn, level, index).await?;
            self.tile_hashes += 1;
            if expected.is_none() || stored != expected.map(|hash| hash.to_string()) {
                let what = "not the root of the hashes below it";
                findings.damage(
                    format!("table tile_hash, level {level}, idx {index}, column hash"),
                    what,
                    RESTORE,
                );
            }
            findings.count("subtree roots", 1);
            level += 1;
            let Some(wider) = width.checked_mul(256) else { break };
            width = wider;
        }
        Ok(())
    }

    async fn subtree(&self, conn: &mut Conn, level: i64, index: i64) -> Result<Option<Hash>, StoreError> {
        let below = if level == 1 {
            let journal = tables::table("journal")?;
            let rows = tables::rows_between(conn, journal, index * 256, index * 256 + 256, 256).await?;
            rows.iter()
                .map(|row| journal.cell(row, "leaf_hash").text().parse().ok())
                .collect::<Vec<Option<Hash>>>()
        } else {
            let mut hashes = Vec::with_capacity(256);
            for child in index * 256..index * 256 + 256 {
                hashes.push(tile_hash(conn, level - 1, child).await?.and_then(|text| text.parse().ok()));
            }
            hashes
        };
        let hashes: Option<Vec<Hash>> = below.into_iter().collect();
        Ok(hashes.filter(|hashes| hashes.len() == 256).map(|hashes| root_of(&hashes)))
    }

    fn checkpoint(&mut self, row: &Row, findings: &mut Findings) {
        let Ok(table) = tables::table("checkpoint") else { return };
        let place = |column: &str| format!("table checkpoint, {}, column {column}", table.key_of(row));
        self.checkpoints += 1;
        if row[0].int() != Some(self.size) {
            findings.damage(place("size"), "the entries of that size are missing", RESTORE);
            return;
        }
        self.signed = self.size;
        findings.count("checkpoints", 1);
        let root = self.tree.root();
        if !self.broken {
            if table.cell(row, "root").text() != root.to_string() {
                findings.damage(place("root"), "not the root of the entries of that size", RESTORE);
            }
            if table.cell(row, "frontier").text() != self.tree.encode() {
                findings.damage(place("frontier"), "not the right edge of the entries of that size", RESTORE);
            }
        }
        if let Err(what) = self.signed_note(table.cell(row, "note").text(), root) {
            findings.damage(place("note"), what, "restore the row from a backup or from log/checkpoints");
        }
        let signed_at = table.cell(row, "signed_at").int().unwrap_or(i64::MIN);
        if signed_at < self.last_signed_at
            || signed_at.saturating_add(CLOCK_SLACK_MICROS) < self.last_recorded
        {
            findings.damage(
                place("signed_at"),
                "signed before its entries, or before an earlier head",
                RESTORE,
            );
        }
        self.last_signed_at = self.last_signed_at.max(signed_at);
    }

    fn signed_note(&self, note: &str, root: Hash) -> Result<(), String> {
        let signed = SignedCheckpoint::parse(note.as_bytes()).map_err(|error| error.to_string())?;
        let checkpoint = signed.checkpoint();
        if checkpoint.origin != self.origin || checkpoint.size != self.size.unsigned_abs() {
            return Err("signs another log or another size".to_owned());
        }
        if !self.broken && checkpoint.root != root {
            return Err("signs another root than the entries have".to_owned());
        }
        // One good signature of a key that the log introduced is enough; a bad one of such a key is refused.
        signed.verify(&self.keys).map(|_| ()).map_err(|error| error.to_string())
    }

    /// Rows beyond the last entry, or below the first.
    async fn surplus(
        &self,
        conn: &mut Conn,
        journal: &'static Table,
        seen: i64,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let beyond = |what: &str| format!("{what} outside the log of {} entries", self.size);
        let rows = tables::count(conn, journal).await?;
        if rows != seen {
            let first = self.first_outside(conn, journal, 0, self.size - 1).await?;
            findings.damage(
                format!("table journal, idx {first}"),
                beyond(&format!("{} rows stand", rows - seen)),
                RESTORE,
            );
        }
        let table = tables::table("checkpoint")?;
        let rows = tables::count(conn, table).await?;
        if rows != self.checkpoints {
            let first = self.first_outside(conn, table, 1, self.size).await?;
            let what = beyond(&format!("{} signed heads stand", rows - self.checkpoints));
            findings.damage(format!("table checkpoint, size {first}"), what, RESTORE);
        }
        let table = tables::table("tile_hash")?;
        let rows = tables::count(conn, table).await?;
        if rows != self.tile_hashes && !self.broken {
            let what =
                format!("has {rows} rows, the log of {} entries makes {}", self.size, self.tile_hashes);
            findings.damage("table tile_hash", what, RESTORE);
        }
        Ok(())
    }

    async fn first_outside(
        &self,
        conn: &mut Conn,
        table: &'static Table,
        first: i64,
        last: i64,
    ) -> Result<String, StoreError> {
        for (from, to) in [(i64::MIN, first), (last.saturating_add(1), i64::MAX)] {
            if let Some(row) = tables::rows_between(conn, table, from, to, 1).await?.first() {
                return Ok(row[0].to_string());
            }
        }
        Ok("unknown".to_owned())
    }

    async fn head(&self, conn: &mut Conn, findings: &mut Findings) -> Result<(), StoreError> {
        let table = tables::table("log_head")?;
        let rows = tables::rows_between(conn, table, i64::MIN, i64::MAX, 2).await?;
        let [row] = rows.as_slice() else {
            findings.damage(
                "table log_head",
                format!("{} rows instead of one with id 0", rows.len()),
                RESTORE,
            );
            return Ok(());
        };
        let recorded = if self.size == 0 { 0 } else { self.last_recorded };
        let mut expected = vec![
            ("id", Value::Int(0)),
            ("size", Value::Int(self.size)),
            ("recorded_at", Value::Int(recorded)),
        ];
        if self.size > 0 {
            expected.push(("origin", Value::Text(self.origin.clone())));
        }
        if !self.broken {
            expected.push(("root", Value::Text(self.tree.root().to_string())));
            expected.push(("frontier", Value::Text(self.tree.encode())));
        }
        for (column, expected) in expected {
            let found = table.cell(row, column);
            if *found != expected {
                let what = format!("stored {found}, but the entries give {expected}");
                findings.damage(format!("{HEAD}, column {column}"), what, RESTORE);
            }
        }
        Ok(())
    }

    async fn stream_heads(&self, conn: &mut Conn, findings: &mut Findings) -> Result<(), StoreError> {
        use futures_util::TryStreamExt;
        let table = tables::table("stream_head")?;
        let mut found = 0;
        let mut rows = tables::rows(conn, table);
        while let Some(row) = rows.try_next().await? {
            let expected = self.streams.get(row[0].text());
            let stored = (row[1].int(), row[2].int());
            if expected.map(|(count, last)| (Some(*count), Some(*last))) != Some(stored) {
                let what = "count or last_idx is not what the entries give";
                findings.damage(format!("table stream_head, {}", table.key_of(&row)), what, RESTORE);
            }
            found += usize::from(expected.is_some());
        }
        if found != self.streams.len() {
            let what = format!("has {found} of the {} streams of the journal", self.streams.len());
            findings.damage("table stream_head", what, RESTORE);
        }
        Ok(())
    }
}

async fn tile_hash(conn: &mut Conn, level: i64, index: i64) -> Result<Option<String>, StoreError> {
    let row = tables::row(conn, tables::table("tile_hash")?, &[level, index]).await?;
    Ok(row.map(|row| row[2].text().to_owned()))
}
