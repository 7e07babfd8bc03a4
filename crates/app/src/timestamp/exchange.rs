//! One conversation with the authority (RFC 3161 section 3.4, by HTTP), and the keeping of what it gave.
//!
//! Nothing of an answer is believed: the token is verified in full, up to the configured certificates, before it is
//! kept. A token that would later fail in an auditor's hands is never kept.

use super::{StampError, Stamper};
use crate::outbound::{self, Response};
use crate::{App, AppError};
use comptroller_ledger::timestamp::MAX_TOKEN_BYTES;
use comptroller_ledger::verify::clock_problem;
use comptroller_ledger::{Entry, Query, SignedCheckpoint};
use comptroller_store::{CheckpointRow, StoreError, TimestampRow, journal, keys, timestamps};

/// Largest answer that is read, in bytes: a token and the status around it.
const MAX_ANSWER_BYTES: u64 = MAX_TOKEN_BYTES as u64 + 4_096;

impl App {
    /// Has a signed head time-stamped, if it is not yet, and keeps the token.
    pub(super) async fn stamp(&self, stamper: &Stamper, head: &CheckpointRow) -> Result<(), StampError> {
        let mut conn = self.store.read().await.map_err(AppError::from)?;
        if timestamps::of_size(&mut conn, head.size).await.map_err(AppError::from)?.is_some() {
            return Ok(());
        }
        let last = journal::entries(&mut conn, head.size - 1, head.size).await.map_err(AppError::from)?;
        drop(conn);
        let broken = |what: &str| AppError::Internal(format!("{what} of size {} cannot be read", head.size));
        let signed =
            SignedCheckpoint::parse(head.note.as_bytes()).map_err(|_| broken("stored checkpoint"))?;
        let last = last.first().and_then(|row| Entry::from_bytes(row.entry.as_bytes()).ok());
        let last = last.ok_or_else(|| broken("the last entry"))?;

        let random = keys::random().map_err(|error| AppError::from(StoreError::from(error)))?;
        // The text is what keys sign; see the ledger's module for why it is stamped and the signatures are not.
        let query = Query::new(signed.note().text().as_bytes(), random);
        let headers = [("content-type", "application/timestamp-query")];
        let Response { status, body } =
            outbound::post(&stamper.url, &headers, query.to_der(), MAX_ANSWER_BYTES).await?;
        if status != 200 {
            return Err(StampError::Status(status));
        }
        let (token, stamp) = query.accept(&body, &stamper.anchors)?;
        if let Some(problem) = clock_problem(stamp.time, stamp.accuracy, Some(last.recorded_at)) {
            return Err(StampError::Clock(problem));
        }
        let row = TimestampRow::new(head.size, &stamp.authority, &token, stamp.time);
        // Another server of the same log may have been faster; then its token stays.
        self.store
            .write::<_, StoreError, _>(move |tx| Box::pin(async move { timestamps::record(tx, &row).await }))
            .await
            .map_err(AppError::from)?;
        Ok(())
    }
}
