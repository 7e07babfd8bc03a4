//! The risk of a system in five dimensions: what the record answers is read from it, the rest is said by people with their
//! name and a day; recorded with what it came to, and stale by itself when something behind it changes.
//!
//! Every assessment is evidence of kind `risk-assessment` too, so that a rule can ask for one. While it is stale, the gate
//! does not know of it ([`crate::facts`]).

mod record;
mod standing;

pub(crate) use standing::{newest, standing_of, stands};

use crate::act::{Act, Call};
use crate::classify::built_a_version;
use crate::systems::find;
use crate::view::Receipt;
use crate::{App, AppError, Caller};
use comptroller_compliance::framework::Day;
use comptroller_compliance::risk::{Assessment, Facts as Answers, assess, combine};
use comptroller_core::event::AssessedRisk;
use comptroller_core::ids::{EvidenceId, SystemId};
use comptroller_core::private::{AssessmentText, check_text};
use comptroller_core::vocab::EvidenceKind;
use comptroller_core::{Event, Slug, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::Conn;
use comptroller_store::areas::systems::SystemRow;
use record::on_record;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use standing::{Recorded, band, range, scale};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Assesses the risk of a system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessRisk {
    /// The answers of people, as `comptroller risk questions --assess` asks for them: `stated` and `answers`. What the
    /// record answers by itself is left out, or the same.
    #[schema(value_type = Object)]
    pub facts: Value,
    /// Why it is assessed now, and what else a reader should know.
    pub reason: String,
}

/// The newest assessment of a system, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AssessmentView {
    /// The system.
    pub system: SystemId,
    /// Its short name.
    pub slug: Slug,
    /// Index of the event that recorded it; none until somebody assessed the system.
    pub ledger_index: Option<u64>,
    /// When.
    pub assessed_at: Option<Timestamp>,
    /// Who.
    pub assessed_by: Option<String>,
    /// Why; none if it was erased.
    pub reason: Option<String>,
    /// What it came to then.
    pub recorded: Option<AssessedRisk>,
    /// Whether the recorded answers give that again; none if the scale is another one or the answers were erased.
    pub reproduced: Option<bool>,
    /// Why it should be made anew; empty while it stands.
    pub stale: Vec<String>,
    /// The recorded answers with the contribution of each, by the scale of today.
    #[schema(value_type = Option<Object>)]
    pub assessment: Option<Value>,
    /// The same answers of people with what the record says today, if that is not the same.
    #[schema(value_type = Option<Object>)]
    pub now: Option<Value>,
}

/// How the risk of a system was assessed last, in short.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AssessmentMark {
    /// The lowest band that it can have.
    pub lowest: Slug,
    /// The highest one; the same if no open question can change it.
    pub highest: Slug,
    /// When.
    pub assessed_at: Timestamp,
    /// `stands`, or `assessment stale`.
    pub state: String,
    /// Why it is stale.
    pub stale: Vec<String>,
}

impl App {
    /// Assesses the risk of a system. An answer that contradicts the record is refused.
    pub async fn assess_risk(
        &self,
        call: &Call,
        name: String,
        command: AssessRisk,
    ) -> Result<Receipt, AppError> {
        self.act(call, "risk.assess", (name, command), |act, (name, command)| {
            Box::pin(record_one(act, name, command))
        })
        .await
    }

    /// The newest assessment of a system, whether it stands, and what it would come to today.
    pub async fn risk_assessment(&self, caller: &Caller, name: &str) -> Result<AssessmentView, AppError> {
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, name).await?;
        let id = row.id.0;
        drop(conn);
        self.may_read(caller, Action::SystemRead, &format!("system/{id}"), Some(id), None).await?;
        let mut conn = self.store.read().await?;
        let mut view = AssessmentView {
            system: id,
            slug: row.slug.0.clone(),
            ledger_index: None,
            assessed_at: None,
            assessed_by: None,
            reason: None,
            recorded: None,
            reproduced: None,
            stale: Vec::new(),
            assessment: None,
            now: None,
        };
        let Some(last) = newest(&mut conn, id).await? else { return Ok(view) };
        let now = self.store.clock().now();
        let found = standing_of(&mut conn, self.store.key(), now, &row, &last).await?;
        let Recorded { index, at, actor, assessed } = last;
        view.ledger_index = Some(index.unsigned_abs());
        (view.assessed_at, view.assessed_by) = (Some(at), Some(actor));
        (view.reason, view.recorded) = (found.reason, Some(assessed));
        (view.reproduced, view.stale) = (found.reproduced, found.stale);
        view.assessment = found.then.map(serde_json::to_value).transpose()?;
        view.now = found.now.map(serde_json::to_value).transpose()?;
        Ok(view)
    }

    /// How the risk of a system was assessed last, in short; none if nobody did.
    pub(crate) async fn assessment_mark(
        &self,
        conn: &mut Conn,
        row: &SystemRow,
    ) -> Result<Option<AssessmentMark>, AppError> {
        let Some(last) = newest(conn, row.id.0).await? else { return Ok(None) };
        let now = self.store.clock().now();
        let stale = standing_of(conn, self.store.key(), now, row, &last).await?.stale;
        let state = if stale.is_empty() { "stands" } else { "assessment stale" }.to_owned();
        let Recorded { at: assessed_at, assessed, .. } = last;
        let AssessedRisk { lowest, highest, .. } = assessed;
        Ok(Some(AssessmentMark { lowest, highest, assessed_at, state, stale }))
    }
}

async fn record_one(mut act: Act<'_>, name: String, command: AssessRisk) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let row = find(act.conn(), &name).await?;
    let (system, resource) = (row.id.0, format!("system/{}", row.id.0));
    act.may(Action::RemediationOpen, &resource, Some(system)).await?;
    let scale = scale()?;
    let given = Answers::of_value("facts", &command.facts, scale)
        .map_err(|error| AppError::invalid("facts", format!("{error}; {}", error.remedy)))?;
    let now = act.now();
    let today = Day::of(now);
    let record = on_record(act.conn(), now, &row).await?.answers(today);
    let answers = combine(scale, &given, &record, today)
        .map_err(|problems| AppError::invalid("facts", problems.join("; ")))?;
    let found = assess(scale, &answers);
    let last = newest(act.conn(), system).await?;
    // Of an open score the worst counts, so that an answer left out is no way around the rule.
    if last.is_some_and(|last| band(&last.assessed.highest).is_none_or(|before| found.highest < before)) {
        let actor = act.caller.principal;
        let builder = built_a_version(act.conn(), system, actor).await?;
        let asked = Facts::new().bool("lowers", true).bool("actor_is_builder", builder);
        act.authorise(Action::SystemClassify, &resource, Some(system), None, asked).await?;
    }
    let evidence = act.new_id(EvidenceId::new)?;
    let proof = Event::EvidenceRecorded {
        evidence,
        kind: EvidenceKind::RiskAssessment,
        system,
        version: None,
        subject: None,
        document: None,
        observed_at: now,
        // What passes is that it was made: every question that could change the band is answered.
        passed: found.band.is_some(),
        measures: BTreeMap::new(),
    };
    let draft = act.draft(proof).about("system", &system).about("evidence", &evidence);
    act.record(draft).await?;
    let event = Event::RiskAssessed { system, assessed: assessed(&found, evidence)? };
    let text = AssessmentText { text: command.reason, answers: serde_json::to_value(&answers)? };
    let draft = act
        .draft(event)
        .about("system", &system)
        .about("evidence", &evidence)
        .private("assessment", &text)?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(system, index))
}

fn assessed(found: &Assessment, evidence: EvidenceId) -> Result<AssessedRisk, AppError> {
    let mut dimensions = BTreeMap::new();
    for each in &found.dimensions {
        dimensions.insert(each.dimension.parse()?, range(each.points));
    }
    Ok(AssessedRisk {
        scale: found.scale.clone(),
        answers: found.facts.clone(),
        total: range(found.total),
        lowest: found.lowest.as_str().parse()?,
        highest: found.highest.as_str().parse()?,
        dimensions,
        evidence,
    })
}
