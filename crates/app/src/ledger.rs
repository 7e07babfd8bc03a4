//! The log as third parties see it: checkpoint, tiles, bundles, proofs; and the rotation of its key.

use crate::act::Call;
use crate::audit::{EntryView, entry_view};
use crate::notify::ChannelView;
use crate::timestamp::TimestampView;
use crate::view::Receipt;
use crate::witness::WitnessView;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::Event;
use comptroller_core::vocab::ReadKind;
use comptroller_ledger::tile::encode_tile;
use comptroller_ledger::{EntryBundle, SignedCheckpoint, Tile, TlogProof};
use comptroller_policy::Action;
use comptroller_store::areas::people;
use comptroller_store::journal::{self, CheckpointRow, Opened};
use comptroller_store::{Conn, LogSigner};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One entry with everything that proves it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProvenEntry {
    /// The entry.
    pub entry: EntryView,
    /// `tlog-proof@v1` text: inclusion proof and signed checkpoint; absent until a checkpoint over it is served.
    pub proof: Option<String>,
    /// The private part, if the event has one and it was not erased.
    pub opening: Option<OpeningView>,
}

/// A private part with the salt that opens its commitment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpeningView {
    /// Name of the commitment in the entry.
    pub name: String,
    /// Salt, hex.
    pub salt: String,
    /// The content; its canonical JSON (RFC 8785) after the salt hashes to the commitment.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
}

/// The end of a key rotation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetiredKey {
    /// The vkey that signs alone now.
    pub vkey: String,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

/// The log's state.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogView {
    /// Origin line.
    pub origin: String,
    /// Verification keys in use, as C2SP vkeys.
    pub vkeys: Vec<String>,
    /// Entries in the database.
    pub size: u64,
    /// Entries under the newest signed checkpoint.
    pub signed_size: u64,
    /// Entries under the newest checkpoint that reached the quorum of witnesses; absent if none did, or if no
    /// witnesses are configured.
    pub witnessed_size: Option<u64>,
    /// The witnesses of the configured policy.
    pub witnesses: Vec<WitnessView>,
    /// The time-stamps of heads; absent if no authority is configured.
    pub time_stamp: Option<TimestampView>,
    /// The channels by which people are told of events; empty if none is configured.
    pub channels: Vec<ChannelView>,
    /// Root under the newest signed checkpoint, hex.
    pub signed_root: Option<String>,
    /// Whether writes are refused because the published log is ahead, or damage was found.
    pub read_only: bool,
}

impl App {
    /// The checkpoint as it is served, with the cosignatures of its size. Public: it holds no content.
    ///
    /// The newest signed one; if a quorum of witnesses is required, the newest that reached it, or none yet.
    pub async fn checkpoint(&self) -> Result<Option<String>, AppError> {
        let mut conn = self.store.read().await?;
        Ok(self.served(&mut conn).await?.map(|row| row.note))
    }

    /// The log's state. Public.
    pub async fn log(&self) -> Result<LogView, AppError> {
        let mut conn = self.store.read().await?;
        let head = journal::head(&mut conn).await?;
        let signed = journal::checkpoint(&mut conn).await?;
        let signed_size = signed.as_ref().map_or(0, |row| row.size.unsigned_abs());
        let witnessed = self.witnessed(&mut conn, 0).await?;
        Ok(LogView {
            origin: self.store.origin().to_owned(),
            vkeys: self.store.signer().vkeys(),
            channels: self.channel_views(&mut conn, head.as_ref().map_or(0, |head| head.size)).await?,
            size: head.map_or(0, |head| head.size.unsigned_abs()),
            signed_size,
            witnessed_size: witnessed.map(|row| row.size.unsigned_abs()),
            witnesses: self.witness_views(&mut conn, signed_size).await?,
            time_stamp: self.timestamp_view(&mut conn, signed_size).await?,
            signed_root: signed.map(|row| row.root),
            read_only: self.store.is_read_only(),
        })
    }

    /// The bytes of a tile, full or partial, inside the signed log.
    pub async fn tile(&self, path: &str) -> Result<Vec<u8>, AppError> {
        let tile = Tile::parse(path).map_err(|error| AppError::invalid("path", error.to_string()))?;
        let missing = || AppError::not_found("tile", path);
        let mut conn = self.store.read().await?;
        let signed = journal::checkpoint(&mut conn).await?.map_or(0, |row| row.size.unsigned_abs());
        let present = Tile::in_tree(tile.level, tile.index, signed).ok_or_else(missing)?;
        if present.width < tile.width {
            return Err(missing());
        }
        let hashes = journal::tile(&mut conn, tile).await?;
        if hashes.len() != usize::from(tile.width) {
            return Err(missing());
        }
        Ok(encode_tile(&hashes))
    }

    /// The bytes of an entry bundle inside the signed log. Reading it is reading the audit log.
    pub async fn bundle_bytes(&self, caller: &Caller, path: &str) -> Result<Vec<u8>, AppError> {
        let bundle =
            EntryBundle::parse(path).map_err(|error| AppError::invalid("path", error.to_string()))?;
        self.may_read(caller, Action::LedgerRead, ORG, None, None).await?;
        let missing = || AppError::not_found("entry bundle", path);
        let mut conn = self.store.read().await?;
        let signed = journal::checkpoint(&mut conn).await?.map_or(0, |row| row.size.unsigned_abs());
        let present = EntryBundle::in_tree(bundle.index, signed).ok_or_else(missing)?;
        if present.width < bundle.width {
            return Err(missing());
        }
        let bytes = journal::bundle(&mut conn, bundle).await?;
        drop(conn);
        self.note_read(caller, ReadKind::AuditLog, ORG, usize::from(bundle.width)).await?;
        Ok(bytes)
    }

    /// One entry with its proof and, if it still can be read, its private part. An event.
    pub async fn entry(&self, caller: &Caller, index: u64) -> Result<ProvenEntry, AppError> {
        self.may_read(caller, Action::LedgerRead, ORG, None, None).await?;
        let idx = i64::try_from(index).unwrap_or(i64::MAX);
        let mut conn = self.store.read().await?;
        let rows = journal::entries(&mut conn, idx, idx.saturating_add(1)).await?;
        let row = rows.first().ok_or_else(|| AppError::not_found("ledger entry", index))?;
        let entry = entry_view(row)?;
        let proof = match self.served(&mut conn).await? {
            Some(row) => proof(&mut conn, index, &row).await?,
            None => None,
        };
        let opening = match journal::payload(&mut conn, self.store.key(), idx).await? {
            Opened::Readable { name, salt, plain } => {
                Some(OpeningView { name, salt: hex::encode(salt), payload: serde_json::from_slice(&plain)? })
            }
            Opened::Erased | Opened::Absent => None,
        };
        drop(conn);
        self.note_read(caller, ReadKind::AuditLog, &format!("entry/{index}"), 1).await?;
        Ok(ProvenEntry { entry, proof, opening })
    }

    /// Begins a key rotation: the new key signs beside the old one from now on, and the log says so.
    pub async fn rotate_key(&self, call: &Call) -> Result<Receipt, AppError> {
        let signer = self.store.signer().clone();
        self.act(call, "ledger.rotate_key", (), move |mut act, ()| {
            Box::pin(async move {
                act.may(Action::LedgerRotateKey, ORG, None).await?;
                if recorded_next(act.conn(), &signer).await?.is_some() {
                    return Err(AppError::Conflict(
                        "a key rotation is under way already; retire the old key first".into(),
                    ));
                }
                let head = journal::head(act.conn()).await?;
                let size = head.map_or(0, |head| head.size.unsigned_abs());
                let statement = signer.begin_rotation(size)?;
                let id = statement.new_vkey.clone();
                let draft = act.draft(Event::KeyRotated(serde_json::to_value(&statement)?));
                let index = act.record(draft).await?;
                Ok(Receipt::new(id, index))
            })
        })
        .await
    }

    /// Ends the overlap: the old key is destroyed, once the event that says so is durable.
    ///
    /// # Errors
    /// A conflict unless the hand-over to the new key stands in the log: without it nobody who knows the old key
    /// could verify the log any more.
    pub async fn retire_key(&self, call: &Call) -> Result<RetiredKey, AppError> {
        let signer = self.store.signer().clone();
        let retired = self
            .act(call, "ledger.retire_key", (), move |mut act, ()| {
                Box::pin(async move {
                    act.may(Action::LedgerRotateKey, ORG, None).await?;
                    let Some(vkey) = recorded_next(act.conn(), &signer).await? else {
                        return Err(AppError::Conflict(
                            "no key rotation is under way on record; begin one first".into(),
                        ));
                    };
                    let draft =
                        act.draft(Event::KeyRetired { old_vkey: signer.vkey(), new_vkey: vkey.clone() });
                    let ledger_index = act.record(draft).await?;
                    Ok(RetiredKey { vkey, ledger_index })
                })
            })
            .await?;
        // A repeated call finds the key gone already.
        if self.store.signer().vkeys().len() > 1 {
            self.store.signer().finish_rotation()?;
        }
        Ok(retired)
    }
}

/// The next key, if there is one and its hand-over stands in the log.
async fn recorded_next(conn: &mut Conn, signer: &LogSigner) -> Result<Option<String>, AppError> {
    let Some(next) = signer.vkeys().into_iter().nth(1) else { return Ok(None) };
    let keys = people::log_keys(conn).await?;
    Ok(keys.iter().any(|(_, vkey)| *vkey == next).then_some(next))
}

/// The `tlog-proof@v1` of an entry under a checkpoint; none if the checkpoint does not reach it.
pub(crate) async fn proof(
    conn: &mut Conn,
    index: u64,
    row: &CheckpointRow,
) -> Result<Option<String>, AppError> {
    let size = row.size.unsigned_abs();
    if index >= size {
        return Ok(None);
    }
    let hashes = journal::inclusion(conn, index, size).await?;
    let checkpoint = SignedCheckpoint::parse(row.note.as_bytes())
        .map_err(|error| AppError::Internal(format!("stored checkpoint: {error}")))?;
    Ok(Some(TlogProof { extra: None, index, hashes, checkpoint }.to_string()))
}
