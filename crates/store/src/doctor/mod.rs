//! The doctor: checks everything that is stored against everything else, and names each place that does not fit.
//!
//! Journal tables are recomputed from the entries (`log`), private parts are opened (`payloads`), objects are compared
//! byte for byte (`objects`). State tables are the business of [`crate::rebuild`]. Must not write, and must not stop
//! at the first finding; it stops only when the database or the object store cannot be read at all.
//!
//! // INVARIANT (append-only): the entries lead to every head that was ever signed, to the guard's mark and to every
//! // tile and bundle that was written out.
//! // INVARIANT (one-transaction): the entries and the head row agree, without a gap and without a surplus.

mod blocks;
mod cosignatures;
mod log;
mod objects;
mod payloads;
mod timestamps;

use crate::findings::Findings;
use crate::{Store, StoreError};

/// Entries checked at a time.
const CHUNK: i64 = 1_024;

impl Store {
    /// Checks everything that is stored. `deep` also decrypts and hashes every artifact.
    ///
    /// Works on one snapshot of the database, so it may run beside writers. Memory stays bounded by the number of
    /// streams, erasures and tile objects; the entries themselves are read in pages.
    pub async fn doctor(&self, deep: bool) -> Result<Findings, StoreError> {
        let mut findings = Findings::default();
        // Outside marks first: the log may grow meanwhile, and the database must not look as if it were behind.
        let outside = objects::Outside::read(self).await?;
        let mut conn = self.db().snapshot().await?;
        let log = log::check(self, &mut conn, &mut findings).await?;
        cosignatures::check(&mut conn, &mut findings).await?;
        timestamps::check(&mut conn, &mut findings).await?;
        payloads::check_keys(self, &mut conn, &mut findings).await?;
        payloads::check_secrets(&mut conn, self.key(), &mut findings).await?;
        objects::check_published(self, &mut conn, &outside, &log, &mut findings).await?;
        objects::check_artifacts(self, &mut conn, deep, &mut findings).await?;
        blocks::check(self, &mut conn, deep, &mut findings).await?;
        objects::check_purged(self, &mut conn, &mut findings).await?;
        findings.found.sort_by_key(|finding| finding.severity);
        Ok(findings)
    }
}
