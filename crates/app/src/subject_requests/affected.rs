//! What becomes of versions that were trained on data that held a subject.

use crate::act::{Act, Call};
use crate::facts::is_builder;
use crate::models::{facts, find_version};
use crate::subjects::holding;
use crate::view::Receipt;
use crate::{App, AppError};
use comptroller_core::event::PrivacyEvent;
use comptroller_core::ids::{SubjectId, VersionId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::AffectedDecision;
use comptroller_core::{Event, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::Conn;
use comptroller_store::areas::{models, subject_requests, subjects};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Longest time until it is done, in days.
const MAX_DAYS: u32 = 366;
const DAY: i64 = 86_400;

/// Decides what becomes of a version that was trained on data that held a subject.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideVersion {
    /// The version: its id, or `model@label`.
    pub version: String,
    /// What becomes of it.
    pub decision: AffectedDecision,
    /// In how many days it is retrained or retired, 1 to 366; of one that is kept none.
    #[serde(default)]
    pub days: Option<u32>,
    /// Why. It names nobody: it stays after an erasure.
    pub reason: String,
}

impl App {
    /// Decides what becomes of a version that was trained on data that held a subject; the last decision counts.
    ///
    /// # Errors
    /// [`AppError::Denied`] for whoever built the version.
    pub async fn decide_affected_version(
        &self,
        call: &Call,
        subject: SubjectId,
        command: DecideVersion,
    ) -> Result<Receipt, AppError> {
        self.act(call, "affected_version.decide", (subject, command), |act, (subject, command)| {
            Box::pin(decide(act, subject, command))
        })
        .await
    }
}

async fn decide(mut act: Act<'_>, subject: SubjectId, command: DecideVersion) -> Result<Receipt, AppError> {
    let DecideVersion { version, decision, days, reason } = command;
    check_text("reason", &reason, false)?;
    let until = until(decision, days, act.now())?;
    let known = subjects::subject(act.conn(), subject).await?;
    known.ok_or_else(|| AppError::not_found("subject", subject))?;
    let (model, row) = find_version(act.conn(), &version).await?;
    let (id, system) = (row.id.0, model.system.0);
    let asked = Facts::new()
        .bool("decides", true)
        .bool("actor_is_builder", is_builder(&facts(&row)?, act.caller.principal));
    act.authorise(Action::SubjectHandle, &format!("version/{id}"), Some(system), None, asked).await?;
    if !affected(act.conn(), subject).await?.contains(&id) {
        return Err(AppError::invalid(
            "version",
            format!(
                "{version} was not trained on a dataset version that is on record as holding this subject"
            ),
        ));
    }
    let event = PrivacyEvent::VersionDecided { subject, version: id, decision, until };
    let draft = act
        .draft(Event::from(event))
        .of_system(system)
        .about("version", &id)
        .about("subject", &subject)
        // It is about the version and stays after the erasure: under a key of its own.
        .private("reason", &Note { text: reason })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

fn until(
    decision: AffectedDecision,
    days: Option<u32>,
    now: Timestamp,
) -> Result<Option<Timestamp>, AppError> {
    match (decision, days) {
        (AffectedDecision::Keep, None) => Ok(None),
        (AffectedDecision::Keep, Some(_)) => {
            Err(AppError::invalid("days", "a version that is kept has no end; leave it out"))
        }
        (_, Some(days)) if (1..=MAX_DAYS).contains(&days) => {
            Ok(Some(now.plus_seconds(i64::from(days) * DAY)))
        }
        (_, given) => {
            let given = given.map_or_else(|| "missing".to_owned(), |days| days.to_string());
            Err(AppError::invalid(
                "days",
                format!("{given}; say in how many days it is done, 1 to {MAX_DAYS}"),
            ))
        }
    }
}

/// Versions that used a dataset version that held the subject, or one that derives from it.
pub(super) async fn affected(conn: &mut Conn, subject: SubjectId) -> Result<BTreeSet<VersionId>, AppError> {
    let held = subjects::datasets_of(conn, subject).await?;
    let mut versions = BTreeSet::new();
    for dataset in holding(conn, &held).await?.into_keys() {
        versions.extend(models::versions_using(conn, dataset).await?);
    }
    Ok(versions)
}

/// Those of them about which nobody has decided.
pub(super) async fn undecided(conn: &mut Conn, subject: SubjectId) -> Result<Vec<VersionId>, AppError> {
    let decided: BTreeSet<VersionId> =
        subject_requests::decisions(conn, subject).await?.into_iter().map(|row| row.version.0).collect();
    Ok(affected(conn, subject).await?.difference(&decided).copied().collect())
}
