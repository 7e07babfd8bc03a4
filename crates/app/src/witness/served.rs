//! Which signed head is shown to others, and with which cosignatures.
//!
//! A stored line is verified again before it is shown: one bad line of a known witness would make every careful
//! reader refuse the whole note.

use crate::{App, AppError};
use comptroller_ledger::{NoteSignature, SignedCheckpoint, VerifierKey};
use comptroller_store::journal::{self, CheckpointRow};
use comptroller_store::{Conn, cosignatures};

/// Most cosignatures of one note; readers stop at 100 lines, and the log's own keys need some.
const MAX_COSIGNATURES: usize = 90;
/// Most sizes that are looked through for one that reached the quorum.
const MAX_SIZES: i64 = 100;

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
        let mut sizes = cosignatures::sizes(conn, MAX_SIZES).await?;
        // A policy may ask for nobody; then the newest head needs no line.
        sizes.extend(journal::checkpoint(conn).await?.map(|row| row.size));
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.dedup();
        for size in sizes.into_iter().filter(|size| *size >= from) {
            let Some(row) = journal::checkpoints(conn, size, size, 1).await?.pop() else { continue };
            let row = cosigned(conn, row).await?;
            if witnesses.policy.check_quorum(&parse(&row)?).is_ok() {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Whether only a head that reached the quorum is shown.
    pub(crate) fn requires_quorum(&self) -> bool {
        self.witnesses.as_ref().is_some_and(|witnesses| witnesses.require_quorum)
    }
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
