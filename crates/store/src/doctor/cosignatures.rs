//! Checks the cosignatures: each must be a witness's good signature of the head of its size.
//!
//! One that was removed leaves no trace here; the witness itself, or a pack made before, still has it.

use super::log::RESTORE;
use crate::findings::Findings;
use crate::tables::{self, Row, Table};
use crate::{Conn, StoreError};
use comptroller_ledger::{KeyKind, NoteSignature, SignedCheckpoint, VerifierKey};

/// Rows read at a time: more than one size has witnesses.
const PAGE: i64 = 4_096;

pub(super) async fn check(conn: &mut Conn, findings: &mut Findings) -> Result<(), StoreError> {
    let table = tables::table("cosignature")?;
    let checkpoints = tables::table("checkpoint")?;
    let mut from = i64::MIN;
    loop {
        let mut rows = tables::rows_between(conn, table, from, i64::MAX, PAGE).await?;
        let full = rows.len() as i64 == PAGE;
        let last = rows.last().and_then(|row| row[0].int()).unwrap_or(i64::MAX);
        // The last size of a full page may go on behind it, so it is read again with the next one.
        if full && rows[0][0].int() != Some(last) {
            rows.retain(|row| row[0].int() != Some(last));
            from = last;
        } else {
            from = last.saturating_add(1);
        }
        let mut note: Option<(i64, Option<String>)> = None;
        for row in &rows {
            let size = row[0].int().unwrap_or(i64::MIN);
            if note.as_ref().is_none_or(|(of, _)| *of != size) {
                let row = tables::row(conn, checkpoints, &[size]).await?;
                note = Some((size, row.map(|row| checkpoints.cell(&row, "note").text().to_owned())));
            }
            let signed = note.as_ref().and_then(|(_, note)| note.as_deref());
            findings.count("cosignatures", 1);
            if let Err(what) = verify(table, row, signed) {
                findings.damage(format!("table cosignature, {}", table.key_of(row)), what, RESTORE);
            }
        }
        if !full {
            return Ok(());
        }
    }
}

fn verify(table: &Table, row: &Row, note: Option<&str>) -> Result<(), String> {
    let note = note.ok_or("there is no checkpoint of that size")?;
    let signed =
        SignedCheckpoint::parse(note.as_bytes()).map_err(|error| format!("its checkpoint: {error}"))?;
    let text = |column: &str| table.cell(row, column).text();
    let key: VerifierKey = text("witness").parse().map_err(|error| format!("column witness: {error}"))?;
    let line = NoteSignature::parse(text("line")).map_err(|error| format!("column line: {error}"))?;
    if key.kind() != KeyKind::Cosignature || line.name != key.name() || line.key_id != key.id() {
        return Err("column line is not by the key of column witness".to_owned());
    }
    let time = key
        .verify(signed.note().text(), &line.bytes)
        .map_err(|_| "column line is no good signature of the head of that size".to_owned())?;
    let micros = time.and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1_000_000));
    if micros != table.cell(row, "cosigned_at").int() {
        return Err("column cosigned_at is not the time in the cosignature".to_owned());
    }
    Ok(())
}
