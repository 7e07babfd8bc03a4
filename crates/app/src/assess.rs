//! Evidence about versions and systems: test reports and documents, recorded once, bound to what they are about.
//!
//! Evidence about a version is bound to the digest over its artifacts, so it never speaks for another one. What it
//! measures is kept in millionths, rounded against whoever asks (policy research, condition 4).

use crate::act::{Act, Call};
use crate::models::{artifacts_digest, facts, find_version};
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, remediations, systems};
use comptroller_core::ids::{EvidenceId, SystemId, VersionId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{EvidenceKind, Measure};
use comptroller_core::{Digest, Event, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::evidence::{self, EvidenceRow};
use comptroller_store::areas::models;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Digits after the point that a measure keeps.
const DIGITS: usize = 6;
/// Most pieces of evidence of one list.
const MAX_LIST: i64 = 1_000;

/// Records evidence about a version or a system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordEvidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// The version it is about: its id, or `model@label`. For kinds that are about one version.
    #[serde(default)]
    pub version: Option<String>,
    /// The system it is about, by id or name. For kinds that are about the whole system.
    #[serde(default)]
    pub system: Option<String>,
    /// When it was observed or written; not in the future.
    pub observed_at: Timestamp,
    /// Whether it came out well, in the judgement of whoever made it.
    pub passed: bool,
    /// What it measures: decimal numbers as text, for example `"0.83"`.
    #[serde(default)]
    pub measures: BTreeMap<Measure, String>,
    /// The report or document: an artifact that is stored already.
    #[serde(default)]
    pub document: Option<Digest>,
    /// Digest over the artifacts that were tested; refused if it is not that of the version.
    #[serde(default)]
    pub subject: Option<Digest>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
}

/// Says why something ends.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why.
    pub reason: String,
}

/// A piece of evidence.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// Its id.
    pub id: EvidenceId,
    /// What it is.
    pub kind: EvidenceKind,
    /// The system.
    pub system: SystemId,
    /// The version, if it is about one.
    pub version: Option<VersionId>,
    /// Digest over the version's artifacts.
    pub subject: Option<Digest>,
    /// The report or document.
    pub document: Option<Digest>,
    /// When it was observed.
    pub observed_at: Timestamp,
    /// Whether it came out well.
    pub passed: bool,
    /// What it measures, in millionths, rounded against whoever asks.
    pub measures: BTreeMap<Measure, i64>,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: Timestamp,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
    /// When its document was purged: it no longer counts.
    pub purged_at: Option<Timestamp>,
    /// What a reader should know.
    pub note: Option<String>,
}

/// A decimal number in millionths, exactly: digits beyond are rounded down where more is better, else up.
fn millionths(measure: Measure, text: &str) -> Result<i64, AppError> {
    let refuse = || {
        AppError::invalid("measures", format!("{measure}: {text:?} is not a decimal number such as \"0.83\""))
    };
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || part.len() > 30 || !all_digits(whole) || !all_digits(part) {
        return Err(refuse());
    }
    let kept = part.get(..DIGITS).unwrap_or(part);
    let cut = part.get(DIGITS..).is_some_and(|rest| rest.bytes().any(|b| b != b'0'));
    let number: i64 = format!("{whole}{kept:0<DIGITS$}").parse().map_err(|_| refuse())?;
    let towards_zero = if negative { -number } else { number };
    Ok(match (cut, measure.more_is_better(), negative) {
        (true, true, true) => towards_zero - 1,
        (true, false, false) => towards_zero + 1,
        _ => towards_zero,
    })
}

impl App {
    /// Records evidence.
    pub async fn record_evidence(&self, call: &Call, command: RecordEvidence) -> Result<Receipt, AppError> {
        let left = match &command.version {
            Some(version) if command.kind == EvidenceKind::BiasTest && command.passed => {
                self.demanded_before(version, None).await?
            }
            _ => None,
        };
        self.act(call, "evidence.record", command, move |act, command| {
            Box::pin(record(act, command, true, left))
        })
        .await
    }

    /// Withdraws evidence: from now on it does not count.
    pub async fn withdraw_evidence(
        &self,
        call: &Call,
        id: EvidenceId,
        command: Because,
    ) -> Result<Receipt, AppError> {
        self.act(call, "evidence.withdraw", (id, command), |mut act, (id, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let row = evidence::evidence(act.conn(), id).await?;
                let row = row.ok_or_else(|| AppError::not_found("evidence", id))?;
                let built = match &row.version {
                    Some(version) => {
                        let version = find_version(act.conn(), &version.0.to_string()).await?.1;
                        facts(&version)?.builders.contains(&act.caller.principal)
                    }
                    None => false,
                };
                let asked = Facts::new()
                    .bool("actor_is_recorder", row.recorded_by == act.caller.actor())
                    .bool("hides_failure", !row.passed && built);
                let resource = format!("evidence/{id}");
                act.authorise(Action::EvidenceWithdraw, &resource, Some(row.system.0), None, asked).await?;
                if row.withdrawn_at.is_some() {
                    return Err(AppError::Conflict("this evidence was withdrawn already".into()));
                }
                let draft = act
                    .draft(Event::EvidenceWithdrawn { evidence: id })
                    .of_system(row.system.0)
                    .about("evidence", &id)
                    .private("reason", &Note { text: command.reason })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(id, index))
            })
        })
        .await
    }

    /// Evidence of a system, or of one version with what is about the whole system; newest first.
    pub async fn evidence_of(
        &self,
        caller: &Caller,
        system: Option<&str>,
        version: Option<&str>,
        slice: Slice,
    ) -> Result<Page<EvidenceView>, AppError> {
        let mut conn = self.store.read().await?;
        let (system, version) = match (system, version) {
            (_, Some(name)) => {
                let (model, version) = find_version(&mut conn, name).await?;
                (model.system.0, version.id.0.to_string())
            }
            (Some(name), None) => (systems::find(&mut conn, name).await?.id.0, String::new()),
            (None, None) => return Err(AppError::invalid("system", "name a system or a version")),
        };
        drop(conn);
        self.may_read(caller, Action::EvidenceRead, &format!("system/{system}"), Some(system), None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let rows = evidence::of_system(&mut conn, system, &version, MAX_LIST).await?;
        let after = slice.after().to_owned();
        let mut rows: Vec<EvidenceRow> = match rows.iter().position(|row| row.id.0.to_string() == after) {
            Some(at) => rows.into_iter().skip(at + 1).collect(),
            None if after.is_empty() => rows,
            None => return Err(AppError::invalid("after", "use the `next` of the page before")),
        };
        rows.truncate(usize::try_from(limit).unwrap_or(0) + 1);
        let mut views = Vec::new();
        for row in rows {
            views.push(self.evidence_view(&mut conn, row).await?);
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }

    async fn evidence_view(&self, conn: &mut Conn, row: EvidenceRow) -> Result<EvidenceView, AppError> {
        let note = journal::private::<Note>(conn, self.store.key(), row.private_at).await?;
        Ok(EvidenceView {
            id: row.id.0,
            kind: row.kind.0,
            system: row.system.0,
            version: row.version.as_ref().map(|id| id.0),
            subject: row.subject.as_ref().map(|digest| digest.0.clone()),
            document: row.document.as_ref().map(|digest| digest.0.clone()),
            observed_at: row.observed_at.0,
            passed: row.passed,
            measures: crate::facts::measures(&row),
            recorded_by: row.recorded_by,
            recorded_at: row.recorded_at.0,
            withdrawn_at: row.withdrawn_at.map(|at| at.0),
            purged_at: row.purged_at.map(|at| at.0),
            note: note.map(|note| note.text),
        })
    }
}

/// Records evidence. With `finds`, a bias test that did not pass opens a remediation. `left` is what a test that passed
/// leaves out of earlier demands: then it is refused.
pub(crate) async fn record(
    mut act: Act<'_>,
    command: RecordEvidence,
    finds: bool,
    left: Option<String>,
) -> Result<Receipt, AppError> {
    check_text("note", &command.note, true)?;
    let kind = command.kind;
    if kind == EvidenceKind::RiskAssessment {
        let message =
            "an assessment is recorded with its answers: `comptroller risk assess SYSTEM --facts FILE`";
        return Err(AppError::invalid("kind", message));
    }
    let (system, version, subject) = about(&mut act, &command).await?;
    act.may(Action::EvidenceRecord, &format!("system/{system}"), Some(system)).await?;
    if let Some(left) = left {
        return Err(AppError::invalid("passed", left));
    }
    if command.observed_at > act.now() {
        return Err(AppError::invalid(
            "observed_at",
            format!("{} is in the future: evidence is recorded after it was observed", command.observed_at),
        ));
    }
    let mut measures = BTreeMap::new();
    for (measure, text) in &command.measures {
        if let Some(by) = measure.stated_by().filter(|by| *by != kind) {
            let message = format!("{measure} is stated by evidence of kind {by}, not {kind}");
            return Err(AppError::invalid("measures", message));
        }
        let value = millionths(*measure, text)?;
        if !Measure::is_possible(value) {
            return Err(AppError::invalid(
                "measures",
                format!("{measure} is {text}, and lies within 0 and 1"),
            ));
        }
        measures.insert(*measure, value);
    }
    if let Some(document) = &command.document
        && models::artifact(act.conn(), document).await?.is_none()
    {
        return Err(AppError::not_found("artifact", document));
    }
    let evidence = act.new_id(EvidenceId::new)?;
    let event = Event::EvidenceRecorded {
        evidence,
        kind,
        system,
        version,
        subject,
        document: command.document,
        observed_at: command.observed_at,
        passed: command.passed,
        measures,
    };
    let mut draft = act.draft(event).about("system", &system).about("evidence", &evidence);
    if let Some(version) = version {
        draft = draft.about("version", &version);
    }
    if !command.note.is_empty() {
        draft = draft.private("note", &Note { text: command.note })?;
    }
    let index = act.record(draft).await?;
    if let (EvidenceKind::BiasTest, false, true, Some(version)) = (kind, command.passed, finds, version) {
        remediations::of_test(&mut act, system, version, evidence).await?;
    }
    Ok(Receipt::new(evidence, index))
}

/// What the evidence is about: the system, and for kinds that are about a version, that and the digest of its files.
async fn about(
    act: &mut Act<'_>,
    command: &RecordEvidence,
) -> Result<(SystemId, Option<VersionId>, Option<Digest>), AppError> {
    let kind = command.kind;
    match (&command.version, &command.system) {
        (Some(name), None) if kind.of_version() => {
            let (model, version) = find_version(act.conn(), name).await?;
            let artifacts = artifacts_digest(&facts(&version)?.artifacts);
            if let Some(tested) = command.subject.as_ref().filter(|tested| **tested != artifacts) {
                return Err(AppError::invalid(
                    "subject",
                    format!("{tested} was tested, but the artifacts of {name} are {artifacts}"),
                ));
            }
            Ok((model.system.0, Some(version.id.0), Some(artifacts)))
        }
        (None, Some(name)) if !kind.of_version() && command.subject.is_none() => {
            Ok((systems::find(act.conn(), name).await?.id.0, None, None))
        }
        _ if kind.of_version() => Err(AppError::invalid(
            "version",
            format!("evidence of kind {kind} is about one version: name it, and no system"),
        )),
        _ => Err(AppError::invalid(
            "system",
            format!("evidence of kind {kind} is about a system: name it, and no version"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_rounded_against_whoever_asks_and_never_to_a_threshold() {
        let at_least = |text| millionths(Measure::ImpactRatio, text).unwrap();
        assert_eq!(at_least("0.79996"), 799_960);
        assert_eq!(at_least("0.7999999"), 799_999);
        assert_eq!(at_least("0.8"), 800_000);
        assert_eq!(at_least("-0.0000001"), -1);
        let at_most = |text| millionths(Measure::Brier, text).unwrap();
        assert_eq!(at_most("0.2000000001"), 200_001);
        assert_eq!(at_most("0.2000000"), 200_000);
        assert_eq!(at_most("-0.0000001"), 0);
        for bad in ["NaN", "inf", "1e3", "", "-", "1.", "0,8", "+1", "99999999999999999999"] {
            let ok = bad == "1.";
            assert_eq!(millionths(Measure::Auc, bad).is_ok(), ok, "{bad}");
        }
    }
}
