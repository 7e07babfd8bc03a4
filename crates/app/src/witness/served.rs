//! Which signed head is shown to others, and with which cosignatures.
//!
//! A stored line is verified again before it is shown: one bad line of a known witness would make every careful
//! reader refuse the whole note.

use super::Witnesses;
use crate::{App, AppError};
use comptroller_ledger::{NoteSignature, SignedCheckpoint, VerifierKey};
use comptroller_store::journal::{self, CheckpointRow};
use comptroller_store::{Conn, cosignatures};
use std::sync::atomic::Ordering;

/// Most cosignatures of one note; readers stop at 100 lines, and the log's own keys need some.
const MAX_COSIGNATURES: usize = 90;
/// Sizes that are looked through at a time for one that reached the quorum. Once one is known, this is the most.
const SIZES: i64 = 100;

impl App {
    /// The head that is shown: the newest signed one, or the newest that reached the quorum if that is required.
    /// Its note has every cosignature for its size.
    pub(crate) async fn served(&self, conn: &mut Conn) -> Result<Option<CheckpointRow>, AppError> {
        if self.requires_quorum() {
            return self.witnessed(conn, 0).await;
        }
        match journal::checkpoint(conn).await? {
            Some(row) => Ok(Some(cosigned(conn, row).await?)),
            None => Ok(None),
        }
    }

    /// The newest head of at least `from` entries that reached the quorum of the policy; none without a policy.
    pub(crate) async fn witnessed(
        &self,
        conn: &mut Conn,
        from: i64,
    ) -> Result<Option<CheckpointRow>, AppError> {
        let Some(witnesses) = &self.witnesses else { return Ok(None) };
        let known = witnesses.witnessed_size.load(Ordering::Relaxed);
        // A policy may ask for nobody; then the newest head needs no line.
        let mut candidates: Vec<i64> =
            journal::checkpoint(conn).await?.map(|row| row.size).into_iter().collect();
        let mut before = i64::MAX;
        loop {
            let page = cosignatures::sizes(conn, before, SIZES).await?;
            let last = page.last().copied();
            candidates.extend(page);
            for size in candidates.drain(..) {
                if size < from {
                    return Ok(None);
                }
                if let Some(row) = reached(conn, witnesses, size).await? {
                    witnesses.witnessed_size.fetch_max(size, Ordering::Relaxed);
                    return Ok(Some(row));
                }
            }
            // However long the quorum was out of reach: the last head that reached it is still shown.
            if known > 0 {
                return if known < from { Ok(None) } else { reached(conn, witnesses, known).await };
            }
            let Some(last) = last else { return Ok(None) };
            before = last;
        }
    }

    /// Whether only a head that reached the quorum is shown.
    pub(crate) fn requires_quorum(&self) -> bool {
        self.witnesses.as_ref().is_some_and(|witnesses| witnesses.require_quorum)
    }
}

/// The head of that size, if it reached the quorum.
async fn reached(
    conn: &mut Conn,
    witnesses: &Witnesses,
    size: i64,
) -> Result<Option<CheckpointRow>, AppError> {
    let Some(row) = journal::checkpoints(conn, size, size, 1).await?.pop() else { return Ok(None) };
    let row = cosigned(conn, row).await?;
    Ok(witnesses.policy.check_quorum(&parse(&row)?).is_ok().then_some(row))
}

/// The same head with the cosignatures for its size behind the log's own signatures.
pub(crate) async fn cosigned(conn: &mut Conn, row: CheckpointRow) -> Result<CheckpointRow, AppError> {
    let mut signed = parse(&row)?;
    for stored in cosignatures::of_size(conn, row.size).await?.into_iter().take(MAX_COSIGNATURES) {
        match verified(&signed, &stored.witness, &stored.line) {
            Some(line) => signed.add_signature(line),
            None => tracing::error!(
                log.size = row.size,
                witness.key = stored.witness,
                "a stored cosignature does not verify and is not shown; somebody may have edited the database"
            ),
        }
    }
    Ok(CheckpointRow { note: signed.to_string(), ..row })
}

fn verified(signed: &SignedCheckpoint, vkey: &str, line: &str) -> Option<NoteSignature> {
    let key: VerifierKey = vkey.parse().ok()?;
    let line = NoteSignature::parse(line).ok()?;
    if line.name != key.name() || line.key_id != key.id() {
        return None;
    }
    key.verify(signed.note().text(), &line.bytes).ok()?;
    Some(line)
}

fn parse(row: &CheckpointRow) -> Result<SignedCheckpoint, AppError> {
    SignedCheckpoint::parse(row.note.as_bytes())
        .map_err(|error| AppError::Internal(format!("stored checkpoint: {error}")))
}
