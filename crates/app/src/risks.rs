//! The register of risks of AI systems: likelihood and severity before and after a treatment, an owner, and a day by
//! which each is reviewed. It is read from the log; the last rating of a risk counts.

use crate::act::{Act, Call};
use crate::assess::Because;
use crate::classify::built_a_version;
use crate::controls::{entries_of, library};
use crate::people::find as find_principal;
use crate::view::Receipt;
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_compliance::risk::{Band, RegisterScale, STEPS};
use comptroller_core::event::RiskRating;
use comptroller_core::ids::{RiskId, SystemId};
use comptroller_core::name::ControlId;
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::RiskTreatment;
use comptroller_core::{Event, Slug, Timestamp};
use comptroller_ledger::Entry;
use comptroller_policy::{Action, Facts};
use comptroller_store::Conn;
use comptroller_store::journal::{self, Opened};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Longest time until a review, in days.
const MAX_DAYS: u32 = 366;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Most controls that a risk names.
const MAX_CONTROLS: usize = 50;

/// Puts a risk into the register, or rates it anew.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateRisk {
    /// What may happen; of a review, what it says.
    pub text: String,
    /// How likely it is before the treatment, 1 to 5.
    pub likelihood: u8,
    /// How severe it is then, 1 to 5.
    pub severity: u8,
    /// What is done about it.
    pub treatment: RiskTreatment,
    /// How likely it is with the treatment, 1 to 5.
    pub residual_likelihood: u8,
    /// How severe it is with it, 1 to 5.
    pub residual_severity: u8,
    /// The person who answers for it, by id.
    pub owner: String,
    /// In how many days it is reviewed: 1 to 366.
    pub review_days: u32,
    /// The controls that hold it down.
    #[serde(default)]
    pub controls: Vec<ControlId>,
}

/// A risk of the register.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RiskView {
    /// Its id.
    pub id: RiskId,
    /// The AI system.
    pub system: SystemId,
    /// Its name.
    pub slug: Slug,
    /// `open`, `overdue` or `closed`.
    pub state: String,
    /// What may happen; none: it was erased.
    pub description: Option<String>,
    /// The last rating.
    pub rating: RiskRating,
    /// The band before the treatment.
    #[schema(value_type = String)]
    pub band: Band,
    /// The band with it.
    #[schema(value_type = String)]
    pub residual_band: Band,
    /// When it was put into the register.
    pub recorded_at: Timestamp,
    /// When it was rated last.
    pub rated_at: Timestamp,
    /// How often it was reviewed.
    pub reviews: u32,
    /// What the last review says.
    pub last_review: Option<String>,
    /// Why it was closed.
    pub reason: Option<String>,
    /// The entry of the last rating, or of its end.
    pub ledger_index: u64,
}

impl App {
    /// Puts a risk of a system into the register.
    pub async fn record_risk(
        &self,
        call: &Call,
        system: String,
        command: RateRisk,
    ) -> Result<Receipt, AppError> {
        self.act(call, "risk.record", (system, command), |mut act, (system, command)| {
            Box::pin(async move {
                let system = systems::find(act.conn(), &system).await?.id.0;
                let risk = act.new_id(RiskId::new)?;
                rate(&mut act, risk, system, None, command).await
            })
        })
        .await
    }

    /// Reviews a risk: it is rated anew, with what the review says.
    pub async fn review_risk(
        &self,
        call: &Call,
        risk: RiskId,
        command: RateRisk,
    ) -> Result<Receipt, AppError> {
        self.act(call, "risk.review", (risk, command), |mut act, (risk, command)| {
            Box::pin(async move {
                let (system, last) = find_open(act.conn(), risk).await?;
                rate(&mut act, risk, system, Some(last), command).await
            })
        })
        .await
    }

    /// Closes a risk: it is none any more.
    pub async fn close_risk(&self, call: &Call, risk: RiskId, command: Because) -> Result<Receipt, AppError> {
        self.act(call, "risk.close", (risk, command), |mut act, (risk, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let (system, _) = find_open(act.conn(), risk).await?;
                // Saying that something is no risk lowers what is known of it, as another tier would.
                lower(&mut act, risk, system).await?;
                let draft = act
                    .draft(Event::RiskClosed { risk, system })
                    .about("risk", &risk)
                    .private("reason", &Note { text: command.reason })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(risk, index))
            })
        })
        .await
    }

    /// The risks of a system, or of all; those that are rated highest with their treatment first. With `overdue`, only
    /// those whose review is overdue.
    pub async fn risks(
        &self,
        caller: &Caller,
        system: Option<&str>,
        overdue: bool,
    ) -> Result<Vec<RiskView>, AppError> {
        self.may_read(caller, Action::EvidenceRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let system = match system {
            Some(name) => Some(systems::find(&mut conn, name).await?.id.0),
            None => None,
        };
        let mut risks = self.register(&mut conn, system).await?;
        risks.retain(|risk| !overdue || risk.state == "overdue");
        Ok(risks)
    }

    /// The register, from the journal.
    pub(crate) async fn register(
        &self,
        conn: &mut Conn,
        system: Option<SystemId>,
    ) -> Result<Vec<RiskView>, AppError> {
        let now = self.store.clock().now();
        let scale = scale()?;
        let mut found: BTreeMap<RiskId, RiskView> = BTreeMap::new();
        for Seen { index, at, event } in events(conn).await? {
            let text = match journal::payload(conn, self.store.key(), index).await? {
                Opened::Readable { plain, .. } => Some(serde_json::from_slice::<Note>(&plain)?.text),
                _ => None,
            };
            let index = index.unsigned_abs();
            match event {
                Event::RiskRecorded { risk, system: of, review, rating } => {
                    if system.is_some_and(|wanted| wanted != of) {
                        continue;
                    }
                    let band = scale.band(rating.likelihood, rating.severity);
                    let residual_band = scale.band(rating.residual_likelihood, rating.residual_severity);
                    let state = if rating.review_at <= now { "overdue" } else { "open" };
                    if !review {
                        let slug = systems::find(conn, &of.to_string()).await?.slug.0;
                        let view = RiskView {
                            id: risk,
                            system: of,
                            slug,
                            state: state.to_owned(),
                            description: text,
                            rating,
                            band,
                            residual_band,
                            recorded_at: at,
                            rated_at: at,
                            reviews: 0,
                            last_review: None,
                            reason: None,
                            ledger_index: index,
                        };
                        found.insert(risk, view);
                    } else if let Some(view) = found.get_mut(&risk) {
                        (view.rating, view.band, view.residual_band) = (rating, band, residual_band);
                        (view.rated_at, view.ledger_index, view.last_review) = (at, index, text);
                        state.clone_into(&mut view.state);
                        view.reviews += 1;
                    }
                }
                Event::RiskClosed { risk, .. } => {
                    if let Some(view) = found.get_mut(&risk) {
                        "closed".clone_into(&mut view.state);
                        (view.reason, view.ledger_index) = (text, index);
                    }
                }
                _ => {}
            }
        }
        let mut risks: Vec<RiskView> = found.into_values().collect();
        let product = |risk: &RiskView| risk.rating.residual_likelihood * risk.rating.residual_severity;
        risks.sort_by_key(|risk| (risk.state == "closed", std::cmp::Reverse(product(risk)), risk.id));
        Ok(risks)
    }
}

fn scale() -> Result<RegisterScale, AppError> {
    RegisterScale::builtin().map_err(|error| AppError::Internal(error.to_string()))
}

/// An event of the register.
struct Seen {
    index: i64,
    at: Timestamp,
    event: Event,
}

/// The events of the register, in the order of the log.
async fn events(conn: &mut Conn) -> Result<Vec<Seen>, AppError> {
    let mut events = Vec::new();
    for kind in ["risk.recorded", "risk.closed"] {
        for row in entries_of(conn, kind).await? {
            let entry: Entry = serde_json::from_str(&row.entry)?;
            let event = Event::from_parts(&entry.kind, &entry.data)?;
            events.push(Seen { index: row.idx, at: Timestamp::from_micros(entry.recorded_at), event });
        }
    }
    events.sort_by_key(|seen| seen.index);
    Ok(events)
}

/// The system and the last rating of a risk that is not closed.
async fn find_open(conn: &mut Conn, id: RiskId) -> Result<(SystemId, RiskRating), AppError> {
    let mut found = None;
    for seen in events(conn).await? {
        match seen.event {
            Event::RiskRecorded { risk, system, rating, .. } if risk == id => found = Some((system, rating)),
            Event::RiskClosed { risk, .. } if risk == id => {
                return Err(AppError::Conflict("this risk is closed already; record a new one".into()));
            }
            _ => {}
        }
    }
    found.ok_or_else(|| AppError::not_found("risk", id))
}

async fn rate(
    act: &mut Act<'_>,
    risk: RiskId,
    system: SystemId,
    last: Option<RiskRating>,
    command: RateRisk,
) -> Result<Receipt, AppError> {
    check_text("text", &command.text, false)?;
    let steps = [
        ("likelihood", command.likelihood),
        ("severity", command.severity),
        ("residual_likelihood", command.residual_likelihood),
        ("residual_severity", command.residual_severity),
    ];
    for (name, step) in steps {
        if !(1..=STEPS).contains(&step) {
            return Err(AppError::invalid(name, format!("{step} is not 1 to {STEPS}")));
        }
    }
    if !(1..=MAX_DAYS).contains(&command.review_days) {
        return Err(AppError::invalid(
            "review_days",
            format!("{} is not 1 to {MAX_DAYS}", command.review_days),
        ));
    }
    if command.residual_likelihood > command.likelihood || command.residual_severity > command.severity {
        return Err(AppError::invalid(
            "residual_likelihood",
            "what remains is not more than what was there: a treatment that adds a risk is a risk of its own",
        ));
    }
    let library = library()?;
    if command.controls.len() > MAX_CONTROLS {
        return Err(AppError::invalid("controls", format!("at most {MAX_CONTROLS}")));
    }
    if let Some(unknown) = command.controls.iter().find(|control| library.get(control.as_str()).is_none()) {
        return Err(AppError::not_found("control of the library", unknown));
    }
    act.may(Action::RemediationOpen, &format!("system/{system}"), Some(system)).await?;
    let scale = scale()?;
    let residual = scale.band(command.residual_likelihood, command.residual_severity);
    let before = last.as_ref().map(|last| scale.band(last.residual_likelihood, last.residual_severity));
    let is_borne = command.treatment == RiskTreatment::Accept && residual >= Band::High;
    let is_lowered = before.is_some_and(|before| before >= Band::High && residual < before);
    if is_borne || is_lowered {
        lower(act, risk, system).await?;
    }
    let owner = find_principal(act.conn(), &command.owner).await?;
    if owner.status != "active" || !crate::act::is_person(owner.kind.0) {
        return Err(AppError::invalid("owner", "the owner is a person who acts here"));
    }
    let rating = RiskRating {
        likelihood: command.likelihood,
        severity: command.severity,
        treatment: command.treatment,
        residual_likelihood: command.residual_likelihood,
        residual_severity: command.residual_severity,
        owner: owner.id.0,
        review_at: act.now().plus_seconds(i64::from(command.review_days) * DAY),
        controls: command.controls,
    };
    let draft = act
        .draft(Event::RiskRecorded { risk, system, review: last.is_some(), rating })
        .about("risk", &risk)
        .private("risk", &Note { text: command.text })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(risk, index))
}

/// Bearing a high risk, rating one lower, and saying that there is none, is for those who may lower a tier: no builder of the system.
async fn lower(act: &mut Act<'_>, risk: RiskId, system: SystemId) -> Result<(), AppError> {
    let actor = act.caller.principal;
    let builder = built_a_version(act.conn(), system, actor).await?;
    let asked = Facts::new().bool("lowers", true).bool("actor_is_builder", builder);
    act.authorise(Action::SystemClassify, &format!("risk/{risk}"), Some(system), None, asked)
        .await
        .map(|_| ())
}
