//! Finding a record again, months later, with what made it and what lets it be proved.

use super::Field;
use super::catalogue::Candidate;
use super::pending::Stream;
use super::proof::{FORMAT, PredictionProof, VERSION};
use crate::models::facts;
use crate::population::{Approver, approved_by, request_of};
use crate::{App, AppError, Caller, ledger, systems};
use comptroller_core::event::{ArtifactUse, DatasetUsed};
use comptroller_core::ids::{ApprovalId, BlockId, DecisionId, DeploymentId, ModelId, SystemId, VersionId};
use comptroller_core::vocab::{ReadKind, RecordKind};
use comptroller_core::{Digest, Environment, Label, Timestamp};
use comptroller_lake::block::{inclusion, root};
use comptroller_lake::filter::IdHash;
use comptroller_lake::records::{Cell, Records};
use comptroller_policy::Action;
use comptroller_store::areas::predictions::{self, BlockRow};
use comptroller_store::areas::{deployments, models};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Deployments that are looked through for the one that served.
const MAX_DEPLOYMENTS: i64 = 1_000;

/// A recorded prediction and where it came from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PredictionView {
    /// The sender's id of it.
    pub id: String,
    /// When it was made.
    pub time: Timestamp,
    /// The AI system.
    pub system: SystemId,
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: VersionId,
    /// Its label.
    pub label: Label,
    /// Where it ran.
    pub environment: Environment,
    /// The record, field by field.
    #[schema(value_type = Vec<Object>)]
    pub record: Vec<Field>,
    /// What came true, if somebody said so.
    pub outcome: Option<String>,
    /// The files of the version.
    pub artifacts: Vec<ArtifactUse>,
    /// The data it was made from.
    pub datasets: Vec<DatasetUsed>,
    /// The deployment that was live at that time; none if none of this version was.
    pub served: Option<Served>,
    /// The block that holds the record; none while it waits to be sealed.
    pub block: Option<BlockView>,
    /// How many records after this one have the same id: 0 for the newest.
    #[serde(default)]
    pub earlier: u32,
    /// How many records have the id, at most 100. More than one: a sender gave one id to several predictions.
    #[serde(default)]
    pub same_id: u32,
}

/// Who put a version where it ran, and by which decision.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Served {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Who deployed.
    pub deployed_by: String,
    /// Since when it was live.
    pub live_from: Timestamp,
    /// The request for approval that it rests on; of a rollback the one by which the version came there before.
    pub approval: Option<ApprovalId>,
    /// Who had approved it.
    #[serde(default)]
    pub approved_by: Vec<Approver>,
    /// The decision that let it happen.
    pub decision: DecisionId,
}

/// A sealed block.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlockView {
    /// Its id.
    pub id: BlockId,
    /// Place of the record in it, from 0.
    pub index: u64,
    /// Its records.
    pub rows: u64,
    /// Root of the Merkle tree over them.
    pub root: Digest,
    /// Index of the event that sealed it.
    pub ledger_index: u64,
}

/// Records of one id that are counted, at most.
const MAX_SAME: usize = 100;

/// Where a record was found.
struct Found {
    stream: Stream,
    /// What holds it.
    records: Records,
    /// Its place there.
    at: usize,
    /// Its block, and its place in the block.
    block: Option<(BlockRow, usize)>,
}

impl Found {
    /// Whether it is the same record, wherever it was found.
    fn is_same(&self, other: &Self) -> bool {
        self.stream == other.stream && self.records.fields(self.at) == other.records.fields(other.at)
    }
}

impl App {
    /// The newest prediction of an id. An event, because records may be about people.
    pub async fn prediction(
        &self,
        caller: &Caller,
        system: &str,
        id: &str,
    ) -> Result<PredictionView, AppError> {
        self.earlier_prediction(caller, system, id, 0).await
    }

    /// The same, so many records of that id before the newest.
    pub async fn earlier_prediction(
        &self,
        caller: &Caller,
        system: &str,
        id: &str,
        earlier: u32,
    ) -> Result<PredictionView, AppError> {
        let (found, same_id) = self.find_record(caller, system, id, earlier).await?;
        let Found { stream, records, at, block } = &found;
        let mut conn = self.store.read().await?;
        let missing = || AppError::Internal("a record without its version".into());
        let version = models::version(&mut conn, stream.version).await?.ok_or_else(missing)?;
        let facts = facts(&version)?;
        let time = Timestamp::from_micros(records.times().get(*at).copied().unwrap_or_default());
        let served = served(&mut conn, facts.model, stream, time).await?;
        drop(conn);
        let outcome = self.outcome_of(stream.system, id).await?;
        Ok(PredictionView {
            id: id.to_owned(),
            time,
            system: stream.system,
            model: facts.model,
            version: stream.version,
            label: facts.label,
            environment: stream.environment,
            record: records.fields(*at),
            outcome,
            artifacts: facts.artifacts,
            datasets: facts.datasets,
            served,
            block: block.as_ref().map(|(row, index)| BlockView {
                id: row.id.0,
                index: *index as u64,
                rows: row.row_count.unsigned_abs(),
                root: row.root.0.clone(),
                ledger_index: row.idx.unsigned_abs(),
            }),
            earlier,
            same_id,
        })
    }

    /// The proof of the newest prediction of an id: from the record to the root of its block, and from there to a signed
    /// head.
    pub async fn prediction_proof(
        &self,
        caller: &Caller,
        system: &str,
        id: &str,
    ) -> Result<PredictionProof, AppError> {
        self.earlier_prediction_proof(caller, system, id, 0).await
    }

    /// The same, so many records of that id before the newest.
    pub async fn earlier_prediction_proof(
        &self,
        caller: &Caller,
        system: &str,
        id: &str,
        earlier: u32,
    ) -> Result<PredictionProof, AppError> {
        let not_yet = || {
            AppError::Conflict(
                "the record is durable but not in the signed log yet; ask again after the next sealing"
                    .into(),
            )
        };
        let (row, at) = self.find_record(caller, system, id, earlier).await?.0.block.ok_or_else(not_yet)?;
        let block = self.open_block(&row).await?;
        let leaves = block.leaves()?;
        if root(&leaves).to_string() != row.root.0.as_str() {
            return Err(AppError::Internal(
                "the records of a block do not lead to the root on record".into(),
            ));
        }
        let mut conn = self.store.read().await?;
        let entries = journal::entries(&mut conn, row.idx, row.idx + 1).await?;
        let entry = entries.first().ok_or_else(|| AppError::Internal("a block without its event".into()))?;
        let entry = entry.entry.clone();
        let head = self.served(&mut conn).await?.ok_or_else(not_yet)?;
        let proof = ledger::proof(&mut conn, row.idx.unsigned_abs(), &head).await?.ok_or_else(not_yet)?;
        Ok(PredictionProof {
            format: FORMAT.to_owned(),
            version: VERSION,
            record: block.records.fields(at),
            salt: hex::encode(block.salt(at)),
            index: at as u64,
            hashes: inclusion(&leaves, at),
            entry,
            proof,
        })
    }

    /// Authorises, looks everywhere, and records that somebody looked.
    async fn find_record(
        &self,
        caller: &Caller,
        system: &str,
        id: &str,
        earlier: u32,
    ) -> Result<(Found, u32), AppError> {
        let mut conn = self.store.read().await?;
        let system = systems::find(&mut conn, system).await?.id.0;
        drop(conn);
        let resource = format!("system/{system}");
        self.may_read(caller, Action::PredictionRead, &resource, Some(system), None).await?;
        let mut found = self.look_up(system, RecordKind::Prediction, id, MAX_SAME).await?;
        self.note_read(caller, ReadKind::ModelRecords, &resource, usize::from(!found.is_empty())).await?;
        let same = u32::try_from(found.len()).unwrap_or(u32::MAX);
        if same == 0 {
            return Err(AppError::not_found("prediction", id));
        }
        let place = usize::try_from(earlier).unwrap_or(usize::MAX);
        if place >= found.len() {
            return Err(AppError::invalid("earlier", format!("{same} records have the id {id:?}")));
        }
        Ok((found.swap_remove(place), same))
    }

    /// The records of an id, the newest first, at most `most` of them.
    async fn look_up(
        &self,
        system: SystemId,
        records: RecordKind,
        id: &str,
        most: usize,
    ) -> Result<Vec<Found>, AppError> {
        let ingest = self.ingest()?;
        let mut all: Vec<Found> = Vec::new();
        for (stream, records, at) in ingest.pending.find(system, records, id) {
            all.push(Found { stream, records, at, block: None });
        }
        let mut conn = self.store.read().await?;
        let through = ingest.catalogue.through(system, records);
        let later = predictions::of_system(&mut conn, system, records, through).await?;
        drop(conn);
        ingest.catalogue.extend(system, records, &later);
        let hash = IdHash::of(id);
        for Candidate { block, is_hit } in ingest.catalogue.candidates(system, records, hash) {
            if all.len() >= most {
                break;
            }
            let mut conn = self.store.read().await?;
            let Some(row) = predictions::block(&mut conn, block).await? else {
                ingest.catalogue.forget(system, records, block);
                continue;
            };
            drop(conn);
            if !is_hit && !self.block_filter(ingest, &row).await?.may_hold(hash) {
                continue;
            }
            self.look_into(row, id, hash, &mut all).await?;
        }
        all.truncate(most);
        Ok(all)
    }

    /// Adds the records of an id in a block, the last first.
    async fn look_into(
        &self,
        row: BlockRow,
        id: &str,
        hash: IdHash,
        all: &mut Vec<Found>,
    ) -> Result<(), AppError> {
        for at in self.places(&row, hash).await?.into_iter().rev() {
            let records = self.record_at(&row, at).await?;
            if records.position(id).is_none() {
                continue;
            }
            let stream = Stream {
                system: row.system.0,
                version: row.version.0,
                environment: row.environment.0,
                records: row.records.0,
            };
            let found = Found { stream, records, at: 0, block: Some((row.clone(), at)) };
            // What waited a moment ago may have been sealed since: it is the same record, in its block.
            match all.iter_mut().find(|other| other.block.is_none() && other.is_same(&found)) {
                Some(waited) => *waited = found,
                None => all.push(found),
            }
        }
        Ok(())
    }

    /// What came true for a prediction: the label that was recorded last.
    async fn outcome_of(&self, system: SystemId, id: &str) -> Result<Option<String>, AppError> {
        let newest = self.look_up(system, RecordKind::Label, id, 1).await?.into_iter().next();
        let Some(Found { records, at, .. }) = newest else { return Ok(None) };
        let label = records.fields(at).into_iter().find(|field| field.name == "label");
        Ok(label.and_then(|field| if let Cell::Text(text) = field.value { Some(text) } else { None }))
    }
}

async fn served(
    conn: &mut Conn,
    model: ModelId,
    stream: &Stream,
    time: Timestamp,
) -> Result<Option<Served>, AppError> {
    let rows = deployments::of_model(conn, model, stream.environment, MAX_DEPLOYMENTS).await?;
    let live = rows.into_iter().find(|row| {
        row.version.0 == stream.version
            && row.live_from.0 <= time
            && row.live_until.as_ref().is_none_or(|until| time < until.0)
    });
    let Some(row) = live else { return Ok(None) };
    let (approval, approved_by) = match request_of(conn, &row).await? {
        Some((request, votes)) => (Some(request.id.0), approved_by(votes, row.live_from.0)),
        None => (None, Vec::new()),
    };
    Ok(Some(Served {
        deployment: row.id.0,
        deployed_by: row.actor,
        live_from: row.live_from.0,
        approval,
        approved_by,
        decision: row.decision.0,
    }))
}
