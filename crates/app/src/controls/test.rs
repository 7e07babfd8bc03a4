//! Tests controls over a window of the server's own log.

use super::reading::{Reading, digest_of};
use super::{CHUNK, definitions};
use crate::{App, AppError, Caller, ORG};
use comptroller_compliance::sample::Sample;
use comptroller_compliance::window::{LedgerPosition, WindowResult};
use comptroller_core::vocab::ReadKind;
use comptroller_core::{Digest, Timestamp};
use comptroller_ledger::Entry;
use comptroller_policy::Action;
use comptroller_store::CheckpointRow;
use comptroller_store::journal::{self, Block};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What is asked of controls.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestControls {
    /// First moment of the window.
    pub from: Timestamp,
    /// First moment after it.
    pub to: Timestamp,
    /// Only controls that serve this framework, for example `soc2`.
    #[serde(default)]
    pub framework: Option<String>,
    /// Only this control.
    #[serde(default)]
    pub control: Option<String>,
}

/// What controls came to over a window, with samples that nobody chose.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ControlTest {
    /// Populations, occurrences, exceptions and receipts.
    #[schema(value_type = Object)]
    pub result: WindowResult,
    /// A sample of each population; empty until an entry after the window fixes the seed.
    #[schema(value_type = Vec<Object>)]
    pub samples: Vec<Sample>,
    /// The log with its first entry after the window: what fixed the seed.
    #[schema(value_type = Option<Object>)]
    pub seal: Option<LedgerPosition>,
    /// SHA-256 of the table of sample sizes.
    pub sizes: Digest,
    /// SHA-256 over the canonical JSON of the samples.
    pub sample_digest: Option<Digest>,
    /// The definitions that were in operation, by digest.
    #[serde(skip)]
    pub definitions: BTreeMap<Digest, String>,
}

impl ControlTest {
    pub(super) fn sealed(mut self) -> Result<Self, AppError> {
        self.sample_digest = Some(digest_of(&self.samples)?);
        Ok(self)
    }
}

impl App {
    /// Tests controls over a window, up to a signed head. Reading the log is recorded first.
    pub async fn test_controls(&self, caller: &Caller, asked: TestControls) -> Result<ControlTest, AppError> {
        self.may_read(caller, Action::AuditRead, ORG, None, None).await?;
        self.note_read(caller, ReadKind::AuditLog, ORG, 0).await?;
        let signed = self.store.publish().await?;
        let signed = signed.ok_or_else(|| AppError::Conflict("the log is empty".into()))?;
        self.test_until(asked, &signed, None).await
    }

    /// Tests controls over the log up to a signed head: of one system, by id, or of all.
    pub(crate) async fn test_until(
        &self,
        asked: TestControls,
        signed: &CheckpointRow,
        system: Option<&str>,
    ) -> Result<ControlTest, AppError> {
        let mut conn = self.store.read().await?;
        let definitions = definitions(&mut conn, self.store.key()).await?;
        let mut reading = Reading::new(asked, definitions).only(system);
        // One block is read while the one before is evaluated.
        let (send, mut read) = tokio::sync::mpsc::channel::<Block>(1);
        let evaluating = tokio::task::spawn_blocking(move || {
            while let Some(block) = read.blocking_recv() {
                take(&mut reading, &block)?;
            }
            reading.finish()
        });
        let mut next = 0;
        while next < signed.size {
            let end = (next + CHUNK).min(signed.size);
            let block = journal::block(&mut conn, next, end).await?;
            // Who evaluates stops early only for an error, which is answered below.
            if send.send(block).await.is_err() {
                break;
            }
            next = end;
        }
        drop((conn, send));
        let test =
            evaluating.await.map_err(|error| AppError::Internal(format!("control test: {error}")))??;
        if test.result.ledger.root.as_str() != signed.root {
            return Err(AppError::Internal("the entries do not hash to the signed root".into()));
        }
        Ok(test)
    }
}

fn take(reading: &mut Reading, block: &Block) -> Result<(), AppError> {
    for (idx, entry, leaf) in block.iter() {
        let leaf = leaf.parse().map_err(|_| AppError::Internal(format!("leaf hash of entry {idx}")))?;
        let entry: Entry = serde_json::from_str(entry)?;
        reading.push(leaf, &entry)?;
    }
    Ok(())
}
