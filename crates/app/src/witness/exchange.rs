//! One conversation with one witness: `add-checkpoint` of C2SP tlog-witness, and what its answer means.
//!
//! What a witness answers is not believed: a cosignature is verified before it is kept. That it has seen a longer or
//! another log cannot be verified here; it is acted on all the same, because going on could fork the log, while
//! stopping can be undone by the operator.

use super::{Peer, WitnessError};
use crate::outbound::{self, Response};
use crate::{App, AppError};
use comptroller_ledger::SignedCheckpoint;
use comptroller_ledger::witness::{AddCheckpointRequest, parse_conflict, parse_response};
use comptroller_store::{CheckpointRow, CosignatureRow, cosignatures, journal};

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// What a conversation led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The head was cosigned and the line is kept.
    Cosigned,
    /// There is no signed head, or the witness cosigned it before.
    NothingNew,
    /// Another server of the same log was faster; the next head will do.
    Overtaken,
    /// The witness has cosigned more entries than the database has.
    Ahead {
        /// Size that it cosigned.
        witness: u64,
        /// Entries of the database.
        database: u64,
    },
    /// The witness refuses the head because it cosigned another history.
    Fork {
        /// Size that was refused.
        size: u64,
    },
}

/// One answer.
enum Answer {
    Lines(Vec<u8>),
    Conflict(u64),
    Inconsistent,
}

impl App {
    /// Has the newest signed head cosigned. With `always` also if the witness cosigned that size before: its answer
    /// then tells whether it still agrees.
    pub(super) async fn exchange(&self, peer: &Peer, always: bool) -> Result<Outcome, WitnessError> {
        let mut conn = self.read().await?;
        let Some(row) = journal::checkpoint(&mut conn).await.map_err(AppError::from)? else {
            return Ok(Outcome::NothingNew);
        };
        let vkey = peer.key.to_string();
        let stored = cosignatures::newest_of(&mut conn, &vkey).await.map_err(AppError::from)?;
        drop(conn);
        let size = row.size.unsigned_abs();
        let stored = stored.map_or(0, |row| row.size.unsigned_abs());
        if stored == size && !always {
            return Ok(Outcome::NothingNew);
        }
        let signed = SignedCheckpoint::parse(row.note.as_bytes())
            .map_err(|error| AppError::Internal(format!("stored checkpoint: {error}")))?;
        let mut old = peer.state().told.unwrap_or(stored);
        if old > size {
            return self.ahead(old).await;
        }
        for _ in 0..2 {
            let told = match self.ask(peer, &signed, old).await? {
                Answer::Lines(body) => {
                    self.keep(peer, &row, &signed, &body).await?;
                    return Ok(Outcome::Cosigned);
                }
                Answer::Inconsistent => return Ok(Outcome::Fork { size }),
                Answer::Conflict(told) => told,
            };
            if told > size {
                peer.state().told = Some(told);
                return self.ahead(told).await;
            }
            if told == old {
                // Version 1.0 of the protocol says this to a second root for one size; else it makes no sense.
                return if told == size {
                    Ok(Outcome::Fork { size })
                } else {
                    Err(WitnessError::Contradiction)
                };
            }
            old = told;
        }
        Err(WitnessError::Contradiction)
    }

    /// The witness is ahead of the newest signed head: is it ahead of the database, too?
    async fn ahead(&self, witness: u64) -> Result<Outcome, WitnessError> {
        // Read after the answer: another server may have appended meanwhile, and heads only grow.
        let mut conn = self.read().await?;
        let head = journal::head(&mut conn).await.map_err(AppError::from)?;
        let database = head.map_or(0, |head| head.size.unsigned_abs());
        Ok(if witness > database { Outcome::Ahead { witness, database } } else { Outcome::Overtaken })
    }

    async fn ask(&self, peer: &Peer, signed: &SignedCheckpoint, old: u64) -> Result<Answer, WitnessError> {
        let mut conn = self.read().await?;
        let size = signed.checkpoint().size;
        let proof = journal::consistency(&mut conn, old, size).await.map_err(AppError::from)?;
        drop(conn);
        let request = AddCheckpointRequest { old_size: old, proof, checkpoint: signed.clone() };
        let headers = [("content-type", "text/plain; charset=utf-8")];
        let body = request.to_string().into_bytes();
        let Response { status, body } =
            outbound::post(&peer.endpoint, &headers, body, MAX_ANSWER_BYTES).await?;
        match status {
            200 => Ok(Answer::Lines(body)),
            409 => parse_conflict(&body).map(Answer::Conflict).ok_or(WitnessError::Size),
            422 => Ok(Answer::Inconsistent),
            status => Err(WitnessError::Status { status }),
        }
    }

    /// Verifies the lines of the answer and keeps that of the witness.
    async fn keep(
        &self,
        peer: &Peer,
        row: &CheckpointRow,
        signed: &SignedCheckpoint,
        body: &[u8],
    ) -> Result<(), WitnessError> {
        for (line, verified) in parse_response(body, signed, std::slice::from_ref(&peer.key))? {
            let seconds = i64::try_from(verified.timestamp.unwrap_or(0)).unwrap_or(i64::MAX);
            let row = CosignatureRow {
                size: row.size,
                witness: peer.key.to_string(),
                line: line.to_string(),
                cosigned_at: seconds.saturating_mul(1_000_000),
            };
            self.store.add_cosignature(&row).await.map_err(AppError::from)?;
        }
        peer.state().told = None;
        Ok(())
    }

    async fn read(&self) -> Result<comptroller_store::Conn, AppError> {
        Ok(self.store.read().await?)
    }
}
