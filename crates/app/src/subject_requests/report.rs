//! What an erasure came to: which data held the subject, what was done when, which versions remain affected, and what was
//! decided about each. What is open stands first.
//!
//! Computed from the record, each line with its entry; the same log gives the same report.

use super::affected::affected;
use crate::models::facts;
use crate::subjects::holding;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::DatasetFile;
use comptroller_core::ids::{DatasetVersionId, SubjectId, SubjectRequestId, VersionId};
use comptroller_core::private::Note;
use comptroller_core::vocab::{AffectedDecision, ErasureBasis, ReadKind};
use comptroller_core::{Digest, Environment, Event, Timestamp};
use comptroller_ledger::Entry;
use comptroller_policy::Action;
use comptroller_store::Conn;
use comptroller_store::areas::{datasets, deployments, models, subject_requests, subjects, systems};
use comptroller_store::journal::{self, EntryFilter};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Name of the format of a [`DeletionReport`].
pub const REPORT_FORMAT: &str = "comptroller-deletion-report/v1";
/// Cases of one subject that are looked at.
const CASES: i64 = 1_000;
/// What no line of the report shows.
const LIMITS: &str = "Which dataset versions hold the subject was stated when the subject was registered, and derived ones \
    follow from the lineage on record: nothing here looks into the files. Whether a version still carries something of the \
    subject is not measured.";

/// What an erasure came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletionReport {
    /// [`REPORT_FORMAT`].
    pub format: String,
    /// The subject.
    pub subject: SubjectId,
    /// When the report was made.
    pub at: Timestamp,
    /// Entries of the log then.
    pub ledger_size: u64,
    /// What is open, the most urgent first.
    pub open: Vec<String>,
    /// Index of the entry by which the subject became known.
    pub registered: Option<u64>,
    /// The destruction of the subject's key; none: it has not happened.
    pub erasure: Option<ErasureLine>,
    /// The subject's cases.
    pub requests: Vec<SubjectRequestId>,
    /// The versions that were trained on data that held the subject, what is open first.
    pub versions: Vec<VersionAffected>,
    /// The data that held the subject, what is stored still first.
    pub datasets: Vec<DatasetHeld>,
    /// What no line of this shows.
    pub limits: String,
}

/// The destruction of a subject's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasureLine {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub basis: ErasureBasis,
    /// Private parts that can no longer be read.
    pub payloads: u64,
    /// Until when a backup of the keys may still open them.
    pub key_backups_expire_at: Option<Timestamp>,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

/// A dataset version that held the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatasetHeld {
    /// Its id.
    pub id: DatasetVersionId,
    /// `dataset@label`.
    pub name: String,
    /// The versions that held the subject from which it derives; empty if it was itself stated to hold the subject.
    pub derived_from: Vec<DatasetVersionId>,
    /// Index of the entry by which it was registered.
    pub registered: Option<u64>,
    /// Its files.
    pub files: u64,
    /// Files that are stored here now; the others were never stored here, or were purged.
    pub stored: u64,
    /// Purges of its files.
    pub purged: Vec<PurgeLine>,
}

/// A file whose key was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PurgeLine {
    /// SHA-256 of the content that was.
    pub digest: Digest,
    /// When.
    pub at: Timestamp,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

/// A version that was trained on data that held the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionAffected {
    /// Its id.
    pub id: VersionId,
    /// `system/model@label`.
    pub name: String,
    /// `undecided`, `overdue`, `decided` or `done`.
    pub state: String,
    /// The dataset versions through which.
    pub through: Vec<DatasetVersionId>,
    /// Where it serves now, each with the index of its deployment.
    pub serves_in: BTreeMap<Environment, u64>,
    /// What was decided.
    pub decision: Option<VersionDecision>,
    /// Index of the entry by which it was registered.
    pub registered: Option<u64>,
}

/// What was decided about a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionDecision {
    /// What becomes of it.
    pub decision: AffectedDecision,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

impl App {
    /// What the erasure of a subject came to. Reading it is an event.
    pub async fn deletion_report(
        &self,
        caller: &Caller,
        subject: SubjectId,
    ) -> Result<DeletionReport, AppError> {
        let resource = format!("subject/{subject}");
        self.may_read(caller, Action::SubjectRead, &resource, None, None).await?;
        self.may_read(caller, Action::VersionRead, ORG, None, None).await?;
        self.note_read(caller, ReadKind::PersonalData, &resource, 1).await?;
        let now = self.store.clock().now();
        let mut conn = self.store.read().await?;
        let known = subjects::subject(&mut conn, subject).await?;
        let known = known.ok_or_else(|| AppError::not_found("subject", subject))?;
        let ledger_size = journal::head(&mut conn).await?.map_or(0, |head| head.size.unsigned_abs());
        let erasure = erasure(&mut conn, &resource).await?;
        let cases = subject_requests::requests(&mut conn, &subject.to_string(), None, "", CASES).await?;
        let held = subjects::datasets_of(&mut conn, subject).await?;
        let holding = holding(&mut conn, &held).await?;
        let mut through: BTreeMap<VersionId, Vec<DatasetVersionId>> = BTreeMap::new();
        let mut found = Vec::new();
        for (id, from) in holding {
            for version in models::versions_using(&mut conn, id).await? {
                through.entry(version).or_default().push(id);
            }
            found.push(dataset(&mut conn, id, from).await?);
        }
        found.sort_by(|a, b| (a.stored == 0, &a.name).cmp(&(b.stored == 0, &b.name)));
        let mut versions = self.versions_affected(&mut conn, subject, through, now).await?;
        versions.sort_by_key(|version| (urgency(&version.state), version.name.clone()));
        Ok(DeletionReport {
            format: REPORT_FORMAT.to_owned(),
            subject,
            at: now,
            ledger_size,
            open: open(erasure.as_ref(), &versions, &found),
            registered: known.private_at.map(i64::unsigned_abs),
            erasure,
            requests: cases.iter().map(|case| case.id.0).collect(),
            versions,
            datasets: found,
            limits: LIMITS.to_owned(),
        })
    }

    async fn versions_affected(
        &self,
        conn: &mut Conn,
        subject: SubjectId,
        mut through: BTreeMap<VersionId, Vec<DatasetVersionId>>,
        now: Timestamp,
    ) -> Result<Vec<VersionAffected>, AppError> {
        let mut decisions = BTreeMap::new();
        for row in subject_requests::decisions(conn, subject).await? {
            let reason = journal::private::<Note>(conn, self.store.key(), Some(row.idx)).await?;
            let decision = VersionDecision {
                decision: row.decision.0,
                until: row.until_at.map(|at| at.0),
                reason: reason.map(|note| note.text),
                by: row.decided_by,
                at: row.decided_at.0,
                ledger_index: row.idx.unsigned_abs(),
            };
            decisions.insert(row.version.0, decision);
        }
        let mut versions = Vec::new();
        for id in affected(conn, subject).await? {
            let row = models::version(conn, id).await?;
            let row = row.ok_or_else(|| AppError::Internal(format!("version {id} is missing")))?;
            let model = models::model(conn, facts(&row)?.model).await?;
            let model = model.ok_or_else(|| AppError::Internal(format!("version {id} has no model")))?;
            let system = systems::system(conn, &model.system.0.to_string()).await?;
            let system = system.map_or_else(|| model.system.0.to_string(), |row| row.slug.0.to_string());
            let live = deployments::live_of_version(conn, id).await?;
            let serves_in: BTreeMap<Environment, u64> =
                live.iter().map(|row| (row.environment.0, row.idx.unsigned_abs())).collect();
            let decision = decisions.remove(&id);
            versions.push(VersionAffected {
                id,
                name: format!("{system}/{}@{}", model.slug.0, row.label.0),
                state: state(decision.as_ref(), !serves_in.is_empty(), now).to_owned(),
                through: through.remove(&id).unwrap_or_default(),
                serves_in,
                decision,
                registered: row.private_at.map(i64::unsigned_abs),
            });
        }
        Ok(versions)
    }
}

fn state(decision: Option<&VersionDecision>, serves: bool, now: Timestamp) -> &'static str {
    match decision {
        None => "undecided",
        Some(VersionDecision { decision: AffectedDecision::Keep, .. }) => "decided",
        Some(_) if !serves => "done",
        Some(decided) if decided.until.is_some_and(|until| until <= now) => "overdue",
        Some(_) => "decided",
    }
}

fn urgency(state: &str) -> u8 {
    match state {
        "overdue" => 0,
        "undecided" => 1,
        "decided" => 2,
        _ => 3,
    }
}

fn open(
    erasure: Option<&ErasureLine>,
    versions: &[VersionAffected],
    datasets: &[DatasetHeld],
) -> Vec<String> {
    let mut open = Vec::new();
    if erasure.is_none() {
        open.push("the subject's key is not destroyed".to_owned());
    }
    for version in versions {
        match (version.state.as_str(), &version.decision) {
            ("undecided", _) => open.push(format!("{}: nobody decided what becomes of it", version.name)),
            ("overdue", Some(VersionDecision { decision, until: Some(until), .. })) => {
                let places: Vec<&str> = version.serves_in.keys().map(|place| place.as_str()).collect();
                open.push(format!(
                    "{}: {decision} was to be done by {until}, and it serves in {}",
                    version.name,
                    places.join(", ")
                ));
            }
            _ => {}
        }
    }
    for dataset in datasets.iter().filter(|dataset| dataset.stored > 0) {
        open.push(format!(
            "{}: {} of {} files are stored here, and hold what was in them",
            dataset.name, dataset.stored, dataset.files
        ));
    }
    open
}

async fn erasure(conn: &mut Conn, subject: &str) -> Result<Option<ErasureLine>, AppError> {
    let Some(row) = subjects::erasure(conn, subject).await? else { return Ok(None) };
    let entries = journal::entries(conn, row.idx, row.idx + 1).await?;
    let entry = entries.first().ok_or_else(|| AppError::Internal(format!("entry {} is missing", row.idx)))?;
    let entry: Entry = serde_json::from_str(&entry.entry)?;
    let event = Event::from_parts(&entry.kind, &entry.data)?;
    let Event::SubjectErased { basis, payloads, key_backups_expire_at, .. } = event else {
        return Err(AppError::Internal(format!("entry {} is no erasure", row.idx)));
    };
    Ok(Some(ErasureLine {
        at: row.erased_at.0,
        basis,
        payloads,
        key_backups_expire_at,
        ledger_index: row.idx.unsigned_abs(),
    }))
}

async fn dataset(
    conn: &mut Conn,
    id: DatasetVersionId,
    derived_from: Vec<DatasetVersionId>,
) -> Result<DatasetHeld, AppError> {
    let row = datasets::version(conn, id).await?;
    let row = row.ok_or_else(|| AppError::Internal(format!("dataset version {id} is missing")))?;
    let dataset = datasets::dataset(conn, &row.dataset.0.to_string()).await?;
    let name = dataset.map_or_else(|| row.dataset.0.to_string(), |dataset| dataset.slug.0.to_string());
    let files: Vec<DatasetFile> = serde_json::from_str(&row.files)?;
    let (mut stored, mut purged) = (0, Vec::new());
    for file in &files {
        let artifact = models::artifact(conn, &file.digest).await?;
        stored += u64::from(artifact.is_some());
        purged.extend(purges(conn, &file.digest).await?);
    }
    purged.sort_by_key(|line| line.ledger_index);
    Ok(DatasetHeld {
        id,
        name: format!("{name}@{}", row.label.0),
        derived_from,
        registered: row.private_at.map(i64::unsigned_abs),
        files: files.len() as u64,
        stored,
        purged,
    })
}

/// Every time that the key of a content was destroyed.
async fn purges(conn: &mut Conn, digest: &Digest) -> Result<Vec<PurgeLine>, AppError> {
    let filter = EntryFilter {
        kind: "data.purged".to_owned(),
        subject: format!("artifact/{digest}"),
        ..EntryFilter::default()
    };
    let mut lines = Vec::new();
    for row in journal::search(conn, &filter, i64::MAX, CASES).await? {
        let entry: Entry = serde_json::from_str(&row.entry)?;
        lines.push(PurgeLine {
            digest: digest.clone(),
            at: Timestamp::from_micros(entry.recorded_at),
            ledger_index: row.idx.unsigned_abs(),
        });
    }
    Ok(lines)
}
