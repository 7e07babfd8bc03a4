//! Data subjects and erasure.
//!
//! // INVARIANT (no-personal-data-in-entries): erasure destroys the subject's key and blanks the ciphertext; every
//! // entry and every proof stays as it was, and the erasure is itself an event.

use crate::act::{Act, Call};
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, datasets as dataset_cases, people};
use comptroller_core::ids::{DatasetVersionId, SubjectId, VersionId};
use comptroller_core::lineage::ancestors;
use comptroller_core::private::{SubjectText, check_text};
use comptroller_core::vocab::{ErasureBasis, ReadKind};
use comptroller_core::{Event, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::{datasets, models, subjects};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Makes a data subject known.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterSubject {
    /// How the organisation refers to the subject, for example a customer number.
    pub reference: String,
    /// Dataset versions that hold records about the subject: `dataset@label` or ids.
    #[serde(default)]
    pub datasets: Vec<String>,
}

/// Erases a subject.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseSubject {
    /// `subject/<id>` for a data subject, `person/<id>` for somebody who used this system.
    pub subject: String,
    /// Why.
    pub basis: ErasureBasis,
    /// When the last backup of the key store expires; the payloads stay readable to whoever holds such a backup.
    #[serde(default)]
    pub key_backups_expire_at: Option<Timestamp>,
}

/// What an erasure did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErasureReport {
    /// The subject.
    pub subject: String,
    /// Payloads that can no longer be read.
    pub payloads: u64,
    /// Model versions trained on data that held the subject: the decision about them is open.
    pub versions: Vec<VersionId>,
    /// Until when key backups may still hold the key.
    pub key_backups_expire_at: Option<Timestamp>,
    /// What erasure cannot reach.
    pub caveat: String,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

/// A data subject.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SubjectView {
    /// Its id.
    pub id: SubjectId,
    /// How the organisation refers to it; none after erasure.
    pub reference: Option<String>,
    /// Dataset versions that hold records about it.
    pub datasets: Vec<DatasetVersionId>,
    /// When it became known.
    pub registered_at: Timestamp,
    /// When it was erased.
    pub erased_at: Option<Timestamp>,
}

const CAVEAT: &str = "The key is destroyed in the database and the ciphertext is blanked. Copies of the key in backups \
    of the database or of its write-ahead files stay usable, together with the organisation key, until those backups \
    expire.";

impl App {
    /// Makes a data subject known.
    pub async fn register_subject(&self, call: &Call, command: RegisterSubject) -> Result<Receipt, AppError> {
        self.act(call, "subject.register", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::SubjectRegister, ORG, None).await?;
                check_text("reference", &command.reference, false)?;
                if command.datasets.len() > 1_000 {
                    return Err(AppError::invalid("datasets", "at most 1,000"));
                }
                let mut held = Vec::new();
                for name in &command.datasets {
                    let id = dataset_cases::find_version(act.conn(), name).await?.id.0;
                    if !held.contains(&id) {
                        held.push(id);
                    }
                }
                let subject = act.new_id(SubjectId::new)?;
                let text = SubjectText { reference: command.reference };
                let draft = act
                    .draft(Event::SubjectRegistered { subject, datasets: held })
                    .about("subject", &subject)
                    .private_of("reference", Some(format!("subject/{subject}")), &text)?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(subject, index))
            })
        })
        .await
    }

    /// Destroys a subject's key, and says which versions were trained on the subject's data.
    pub async fn erase_subject(&self, call: &Call, command: EraseSubject) -> Result<ErasureReport, AppError> {
        let report =
            self.act(call, "subject.erase", command, |act, command| Box::pin(erase(act, command))).await?;
        // What the database kept of the erased rows outside its tables goes too.
        self.store.scrub().await?;
        Ok(report)
    }

    /// One data subject. Reading it is an event.
    pub async fn subject(&self, caller: &Caller, id: SubjectId) -> Result<SubjectView, AppError> {
        self.may_read(caller, Action::SubjectRead, &format!("subject/{id}"), None, None).await?;
        let mut conn = self.store.read().await?;
        let row = subjects::subject(&mut conn, id).await?;
        let row = row.ok_or_else(|| AppError::not_found("subject", id))?;
        let view = self.subject_view(&mut conn, row).await?;
        drop(conn);
        self.note_read(caller, ReadKind::PersonalData, &format!("subject/{id}"), 1).await?;
        Ok(view)
    }

    /// Data subjects. Reading them is an event.
    pub async fn subjects(&self, caller: &Caller, slice: Slice) -> Result<Page<SubjectView>, AppError> {
        self.may_read(caller, Action::SubjectRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in subjects::subjects(&mut conn, slice.after(), limit + 1).await? {
            views.push(self.subject_view(&mut conn, row).await?);
        }
        drop(conn);
        let page = page(views, limit, |view| view.id.to_string());
        self.note_read(caller, ReadKind::PersonalData, ORG, page.items.len()).await?;
        Ok(page)
    }

    async fn subject_view(
        &self,
        conn: &mut Conn,
        row: subjects::SubjectRow,
    ) -> Result<SubjectView, AppError> {
        let id = row.id.0;
        let text = journal::private::<SubjectText>(conn, self.store.key(), row.private_at).await?;
        let erasure = subjects::erasure(conn, &format!("subject/{id}")).await?;
        Ok(SubjectView {
            id,
            reference: text.map(|text| text.reference),
            datasets: subjects::datasets_of(conn, id).await?,
            registered_at: row.registered_at.0,
            erased_at: erasure.map(|row| row.erased_at.0),
        })
    }
}

async fn erase(mut act: Act<'_>, command: EraseSubject) -> Result<ErasureReport, AppError> {
    let subject = command.subject;
    if !subject.starts_with("subject/") && !subject.starts_with("person/") {
        return Err(AppError::invalid("subject", "use subject/<id> or person/<id>"));
    }
    act.may(Action::SubjectErase, &subject, None).await?;
    let held = match subject.split_once('/') {
        Some(("subject", id)) => {
            let id: SubjectId = id.parse()?;
            let row = subjects::subject(act.conn(), id).await?;
            row.ok_or_else(|| AppError::not_found("subject", id))?;
            subjects::datasets_of(act.conn(), id).await?
        }
        Some(("person", id)) => {
            let row = people::find(act.conn(), id).await?;
            if !crate::act::is_person(row.kind.0) {
                return Err(AppError::invalid("subject", "a service account has no personal data"));
            }
            if row.id.0 == act.caller.principal {
                return Err(AppError::invalid("subject", "ask another person to erase your own account"));
            }
            Vec::new()
        }
        _ => return Err(AppError::invalid("subject", "use subject/<id> or person/<id>")),
    };
    if subjects::erasure(act.conn(), &subject).await?.is_some() {
        return Err(AppError::Conflict("the subject was erased already".into()));
    }
    let versions = trained_on(&mut act, &held).await?;
    let erased = act.tx.erase_subject(&subject).await?;
    let event = Event::SubjectErased {
        subject: subject.clone(),
        basis: command.basis,
        payloads: erased.payloads,
        versions: versions.clone(),
        key_backups_expire_at: command.key_backups_expire_at,
    };
    let mut draft = act.draft(event);
    draft.subjects.push(subject.clone());
    let ledger_index = act.record(draft).await?;
    Ok(ErasureReport {
        subject,
        payloads: erased.payloads,
        versions,
        key_backups_expire_at: command.key_backups_expire_at,
        caveat: CAVEAT.to_owned(),
        ledger_index,
    })
}

/// Versions that used one of `held`, or anything derived from them.
async fn trained_on(act: &mut Act<'_>, held: &[DatasetVersionId]) -> Result<Vec<VersionId>, AppError> {
    let mut versions = BTreeSet::new();
    for dataset in holding(act.conn(), held).await?.into_keys() {
        versions.extend(models::versions_using(act.conn(), dataset).await?);
    }
    Ok(versions.into_iter().collect())
}

/// `held` and every dataset version that derives from one of them, each with those of `held` that it derives from.
pub(crate) async fn holding(
    conn: &mut Conn,
    held: &[DatasetVersionId],
) -> Result<BTreeMap<DatasetVersionId, Vec<DatasetVersionId>>, AppError> {
    let graph = datasets::parents(conn).await?;
    let mut affected: BTreeMap<DatasetVersionId, Vec<DatasetVersionId>> =
        held.iter().map(|id| (*id, Vec::new())).collect();
    for child in graph.keys() {
        let sources =
            ancestors(*child, &graph).map_err(|error| AppError::Internal(format!("lineage: {error}")))?;
        let from: Vec<DatasetVersionId> = held.iter().copied().filter(|id| sources.contains(id)).collect();
        if !from.is_empty() {
            affected.insert(*child, from);
        }
    }
    Ok(affected)
}
