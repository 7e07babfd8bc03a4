//! Evidence packs: the whole log up to a signed checkpoint, the private parts that may be shown, proofs, and the
//! population of deployments, in one file that verifies offline.

use crate::controls::TestControls;
use crate::timestamp::packed;
use crate::witness::cosigned;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::Event;
use comptroller_ledger::pack::{KEY_HISTORY_PATH, PackHeader, PackWriter, Period, log_paths, opening_file};
use comptroller_ledger::tile::encode_tile;
use comptroller_ledger::{EntryBundle, KeyHistory, SignedCheckpoint, Tile, TlogProof, VerifierKey};
use comptroller_policy::Action;
use comptroller_store::journal::{self, CheckpointRow, Opened, Prover};
use comptroller_store::{Conn, Draft, areas};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use utoipa::ToSchema;

/// Event types whose entries get a proof file of their own.
const PROVEN: [&str; 4] = ["deployment.created", "approval.voted", "rollback.drilled", "version.registered"];
/// Most proof files of one pack; every entry is provable from the log in the pack anyway.
const MAX_PROOFS: usize = 10_000;
/// Earlier checkpoints in a pack: at most this many of the oldest, and those that have a time-stamp.
const MAX_CHECKPOINTS: i64 = 1_000;

/// Asks for a pack.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportPack {
    /// Whether payloads under a person's or data subject's key are shown too.
    #[serde(default)]
    pub include_personal_data: bool,
    /// Tests of controls over a window, which then stand in the pack.
    #[serde(default)]
    pub controls: Option<TestControls>,
}

/// A written pack.
#[derive(Debug)]
pub struct Pack {
    /// An unnamed temporary file, at its start.
    pub file: File,
    /// Its length in bytes.
    pub bytes: u64,
    /// Entries in its log.
    pub size: u64,
}

impl App {
    /// Writes an evidence pack to a temporary file. The export is recorded first and stands in the pack.
    pub async fn export_pack(&self, caller: &Caller, command: ExportPack) -> Result<Pack, AppError> {
        self.may_read(caller, Action::EvidenceExport, ORG, None, None).await?;
        self.record_export(caller).await?;
        self.record_stream_heads().await?;
        let signed = self.store.publish().await?;
        let signed = signed.ok_or_else(|| AppError::Conflict("the log is empty".into()))?;
        let signed = self.witnessed_since(signed).await?;
        self.stamp_now(&signed).await;
        let tested = match command.controls {
            Some(asked) => Some(self.test_until(asked, &signed, None).await?),
            None => None,
        };
        let made = self.store.clock().now();
        let file =
            tempfile::tempfile().map_err(|error| AppError::Internal(format!("temporary file: {error}")))?;
        let header = PackHeader {
            origin: self.store.origin().to_owned(),
            org: self.store.org().to_string(),
            created_at: made.micros(),
            size: signed.size.unsigned_abs(),
            root: signed.root.parse().map_err(|_| AppError::Internal("checkpoint root".into()))?,
            period: tested
                .as_ref()
                .map(|test| Period { from: test.result.from.micros(), until: test.result.to.micros() }),
        };
        let mut pack = PackWriter::new(BufWriter::new(file), header).map_err(|e| pack_error(&e))?;
        if let Some(test) = &tested {
            for (path, bytes) in self.control_files(test, made).await? {
                add(&mut pack, &path, &bytes)?;
            }
        }
        let mut conn = self.store.read().await?;
        write_keys(&mut pack, &mut conn).await?;
        write_log(&mut pack, &mut conn, &signed).await?;
        let opened = opened(&mut conn, signed.size, command.include_personal_data).await?;
        self.write_openings(&mut pack, &mut conn, &opened).await?;
        let changes = crate::population::of_log(&mut conn, signed.size).await?;
        add(&mut pack, "populations/changes.csv", changes.csv().as_bytes())?;
        add(&mut pack, "populations/deployments.csv", changes.deployments_csv().as_bytes())?;
        write_proofs(&mut pack, &mut conn, &signed).await?;
        drop(conn);
        let out = pack.finish().map_err(|e| pack_error(&e))?;
        let io = |error: std::io::Error| AppError::Internal(format!("temporary file: {error}"));
        let mut file = out.into_inner().map_err(|error| io(error.into_error()))?;
        let bytes = file.seek(SeekFrom::End(0)).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        Ok(Pack { file, bytes, size: signed.size.unsigned_abs() })
    }

    /// Has the head of a pack cosigned, and answers it or a later one that reached the quorum, with its cosignatures.
    async fn witnessed_since(&self, signed: CheckpointRow) -> Result<CheckpointRow, AppError> {
        self.cosign_now().await;
        let mut conn = self.store.read().await?;
        if let Some(witnessed) = self.witnessed(&mut conn, signed.size).await? {
            return Ok(witnessed);
        }
        if self.requires_quorum() {
            return Err(AppError::Conflict(
                "too few witnesses cosigned the head of the pack, and witness.require_quorum is set; `comptroller \
                 ledger status` shows which did not"
                    .into(),
            ));
        }
        cosigned(&mut conn, signed).await
    }

    async fn record_export(&self, caller: &Caller) -> Result<u64, AppError> {
        let actor = caller.actor();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let (size, root) = tx.head();
                    let event = Event::EvidenceExported { size, root: root.parse()?, disclosed: 0 };
                    Ok(tx.record(Draft::new(&actor, event)).await?)
                })
            })
            .await
    }

    /// Writes the private parts of the entries `indexes`; one that was erased meanwhile is left out.
    async fn write_openings<W: Write>(
        &self,
        pack: &mut PackWriter<W>,
        conn: &mut Conn,
        indexes: &[u64],
    ) -> Result<(), AppError> {
        for index in indexes {
            let idx = i64::try_from(*index).unwrap_or(i64::MAX);
            if let Opened::Readable { name, salt, plain } =
                journal::payload(conn, self.store.key(), idx).await?
            {
                let bytes = opening_file(*index, &[(&name, &salt, &plain)]).map_err(|e| pack_error(&e))?;
                add(pack, &format!("openings/{index}.json"), &bytes)?;
            }
        }
        Ok(())
    }
}

/// The entries whose private part is shown, in the order of a pack. Which are about people is told by the key that they
/// are under, so that no new event can be forgotten here.
async fn opened(conn: &mut Conn, size: i64, personal: bool) -> Result<Vec<u64>, AppError> {
    let found = journal::openings(conn, size, personal).await?;
    let mut indexes: Vec<u64> = found.into_iter().map(i64::unsigned_abs).collect();
    // Names rise by their bytes, not by their numbers.
    indexes.sort_by_cached_key(u64::to_string);
    Ok(indexes)
}

/// The entries that get a proof file, rising.
async fn proven(conn: &mut Conn, size: i64) -> Result<Vec<u64>, AppError> {
    let mut found = Vec::new();
    for kind in PROVEN {
        found.extend(journal::of_kind(conn, kind, size, MAX_PROOFS as i64).await?);
    }
    found.sort_unstable();
    found.truncate(MAX_PROOFS);
    Ok(found.into_iter().map(i64::unsigned_abs).collect())
}

/// Writes the proof files. They are built in the order of the log, in which neighbours share tiles.
async fn write_proofs<W: Write>(
    pack: &mut PackWriter<W>,
    conn: &mut Conn,
    signed: &CheckpointRow,
) -> Result<(), AppError> {
    let checkpoint = SignedCheckpoint::parse(signed.note.as_bytes())
        .map_err(|error| AppError::Internal(format!("stored checkpoint: {error}")))?;
    let mut prover = Prover::default();
    let mut files = BTreeMap::new();
    for index in proven(conn, signed.size).await? {
        let hashes = prover.inclusion(conn, index, signed.size.unsigned_abs()).await?;
        let proof = TlogProof { extra: None, index, hashes, checkpoint: checkpoint.clone() };
        files.insert(format!("proofs/{index}.tlog-proof"), proof.to_string());
    }
    for (path, proof) in files {
        add(pack, &path, proof.as_bytes())?;
    }
    Ok(())
}

async fn write_keys<W: Write>(pack: &mut PackWriter<W>, conn: &mut Conn) -> Result<(), AppError> {
    let bad = |error: &dyn std::fmt::Display| AppError::Internal(format!("key history: {error}"));
    let mut history: Option<KeyHistory> = None;
    for (from, vkey) in areas::people::log_keys(conn).await? {
        let key: VerifierKey = vkey.parse().map_err(|error| bad(&error))?;
        match &mut history {
            None => history = Some(KeyHistory::new(key)),
            Some(history) => history.rotate(key, from.unsigned_abs()).map_err(|error| bad(&error))?,
        }
    }
    let history = history.ok_or_else(|| AppError::Internal("the log has no key".into()))?;
    add(pack, KEY_HISTORY_PATH, history.to_string().as_bytes())
}

async fn write_log<W: Write>(
    pack: &mut PackWriter<W>,
    conn: &mut Conn,
    signed: &CheckpointRow,
) -> Result<(), AppError> {
    add(pack, "log/checkpoint", signed.note.as_bytes())?;
    let stamped = packed(conn, signed.size).await?;
    let some = journal::checkpoints(conn, 1, signed.size - 1, MAX_CHECKPOINTS).await?;
    let below = stamped.iter().map(|(head, _)| head.clone()).filter(|head| head.size < signed.size);
    // Names rise by their bytes, not by their numbers.
    let earlier: BTreeMap<String, CheckpointRow> =
        some.into_iter().chain(below).map(|row| (row.size.to_string(), row)).collect();
    for (size, row) in earlier {
        add(pack, &format!("log/checkpoints/{size}"), row.note.as_bytes())?;
    }
    for path in log_paths(signed.size.unsigned_abs()) {
        let place = path.strip_prefix("log/").unwrap_or(&path);
        let bytes = if let Ok(bundle) = EntryBundle::parse(place) {
            journal::bundle(conn, bundle).await?
        } else {
            let tile = Tile::parse(place).map_err(|error| AppError::Internal(format!("{place}: {error}")))?;
            encode_tile(&journal::tile(conn, tile).await?)
        };
        add(pack, &path, &bytes)?;
    }
    let tokens =
        stamped.into_iter().map(|(head, token)| (format!("log/timestamps/{}.tst", head.size), token));
    for (path, token) in tokens.collect::<BTreeMap<String, Vec<u8>>>() {
        add(pack, &path, &token)?;
    }
    Ok(())
}

fn add<W: Write>(pack: &mut PackWriter<W>, path: &str, bytes: &[u8]) -> Result<(), AppError> {
    pack.add(path, bytes).map_err(|error| pack_error(&error))
}

fn pack_error(error: &comptroller_ledger::pack::PackError) -> AppError {
    AppError::Internal(format!("evidence pack: {error}"))
}
