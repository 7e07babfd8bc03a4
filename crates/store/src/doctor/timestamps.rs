//! Checks the time-stamp tokens: each must be a good one of the head of its size, and each that the log records must
//! be there, byte for byte.
//!
//! Whether the authority is one to trust is not known here: its certificate is part of the configuration, and an
//! auditor brings one along.

use super::CHUNK;
use super::log::RESTORE;
use crate::db::fetch_all;
use crate::findings::Findings;
use crate::tables::{self, Row, Table};
use crate::timestamps::decode;
use crate::{Conn, StoreError};
use comptroller_ledger::{Entry, SignedCheckpoint, digest, timestamp};
use std::collections::BTreeMap;

/// What the log records of a token, by the size of its head.
type Recorded = BTreeMap<i64, (i64, String, String)>;

pub(super) async fn check(conn: &mut Conn, findings: &mut Findings) -> Result<(), StoreError> {
    let table = tables::table("timestamp_token")?;
    let checkpoints = tables::table("checkpoint")?;
    let mut recorded = recorded(conn).await?;
    let mut from = i64::MIN;
    loop {
        let rows = tables::rows_between(conn, table, from, i64::MAX, CHUNK).await?;
        for row in &rows {
            let size = row[0].int().unwrap_or(i64::MIN);
            let note = tables::row(conn, checkpoints, &[size]).await?;
            let note = note.map(|row| checkpoints.cell(&row, "note").text().to_owned());
            findings.count("time-stamps", 1);
            if let Err(what) = verify(table, row, note.as_deref(), recorded.remove(&size)) {
                findings.damage(format!("table timestamp_token, {}", table.key_of(row)), what, RESTORE);
            }
        }
        match rows.last().and_then(|row| row[0].int()) {
            Some(last) if rows.len() as i64 == CHUNK => from = last.saturating_add(1),
            _ => break,
        }
    }
    for (size, (idx, _, _)) in recorded {
        let what = format!("entry {idx} records a token of that head, and there is none");
        findings.damage(format!("table timestamp_token, size {size}"), what, RESTORE);
    }
    Ok(())
}

/// Index, authority and digest of each token that the log records; an entry that cannot be read was found before.
async fn recorded(conn: &mut Conn) -> Result<Recorded, StoreError> {
    let mut recorded = Recorded::new();
    let mut from = 0;
    loop {
        let rows = fetch_all!(
            &mut *conn,
            (i64, String),
            "SELECT idx, entry FROM journal WHERE kind = 'ledger.timestamped' AND idx >= $1 ORDER BY idx LIMIT $2",
            from,
            CHUNK
        )?;
        for (idx, entry) in &rows {
            let Ok(entry) = Entry::from_bytes(entry.as_bytes()) else { continue };
            let text = |name: &str| entry.data[name].as_str().unwrap_or_default().to_owned();
            let size = entry.data["size"].as_i64().unwrap_or(-1);
            recorded.insert(size, (*idx, text("authority"), text("token")));
        }
        match rows.last() {
            Some((last, _)) if rows.len() as i64 == CHUNK => from = last + 1,
            _ => return Ok(recorded),
        }
    }
}

fn verify(
    table: &Table,
    row: &Row,
    note: Option<&str>,
    recorded: Option<(i64, String, String)>,
) -> Result<(), String> {
    let text = |column: &str| table.cell(row, column).text();
    let (idx, authority, token) = recorded.ok_or("no entry of the log records it")?;
    let bytes = decode(text("token")).map_err(|error| format!("column token: {error}"))?;
    if digest(&bytes).to_string() != token {
        return Err(format!("column token is not the token that entry {idx} records"));
    }
    if authority != text("authority") {
        return Err(format!("column authority is not the one that entry {idx} records"));
    }
    let note = note.ok_or("there is no checkpoint of that size")?;
    let signed =
        SignedCheckpoint::parse(note.as_bytes()).map_err(|error| format!("its checkpoint: {error}"))?;
    let stamp = timestamp::verify(&bytes, signed.note().text().as_bytes(), None)
        .map_err(|error| format!("column token: {error}"))?;
    if stamp.authority != authority {
        return Err("column authority is not the signer of the token".to_owned());
    }
    if table.cell(row, "stamped_at").int() != Some(stamp.time) {
        return Err("column stamped_at is not the time in the token".to_owned());
    }
    Ok(())
}
