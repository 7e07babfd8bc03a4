//! Second factors of people: enrolled by themselves, shown when they vote on production.
//!
//! A secret leaves the server once, when its enrolment begins, and stands sealed under the person's key. Whoever has a
//! factor needs it to enrol another one or to take one away; who lost it is helped by an administrator, and every
//! credential of theirs ends with that (ADR 0008).

pub mod step_up;
mod totp;

pub use totp::code_at;

use crate::act::{Act, Call};
use crate::invitations::end_credentials;
use crate::people::find as find_principal;
use crate::view::Receipt;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::FactorId;
use comptroller_core::vocab::{CredentialOrigin, FactorKind};
use comptroller_core::{Event, Slug, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::factors::{self, Begun, FactorRow};
use serde::{Deserialize, Serialize};
use step_up::{SecondFactor, check};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Most factors of one person.
const MAX_FACTORS: usize = 8;
/// Most enrolments and challenges that one person has open at once.
const MAX_BEGUN: i64 = 16;
/// How long an enrolment stays open, in seconds.
const OPEN_SECONDS: i64 = 600;

/// Begins to enrol a factor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginFactor {
    /// What it will be.
    pub kind: FactorKind,
}

/// An enrolment that has begun. The secret is shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct BegunFactor {
    /// The id that the factor will have.
    pub id: FactorId,
    /// The secret for the authenticator app, in base 32; absent when the answer is repeated under an idempotency key.
    pub secret: Option<String>,
    /// Until when it can be finished.
    pub expires_at: Timestamp,
}

/// Finishes an enrolment: shows that the factor works.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolFactor {
    /// The id of the enrolment that has begun.
    pub id: FactorId,
    /// What its owner calls it.
    pub label: Slug,
    /// A code that the app shows.
    pub code: String,
    /// A factor that is enrolled already, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactor>,
}

/// Takes a factor of one's own away.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveFactor {
    /// This factor, or another one that is enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactor>,
}

/// An enrolled factor, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FactorView {
    /// Its id.
    pub id: FactorId,
    /// What it is.
    pub kind: FactorKind,
    /// What its owner calls it.
    pub label: Slug,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
}

impl From<FactorRow> for FactorView {
    fn from(row: FactorRow) -> Self {
        Self { id: row.id.0, kind: row.kind.0, label: row.label.0, enrolled_at: row.enrolled_at.0 }
    }
}

/// The factors of the caller.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnFactors {
    /// In the order of their enrolment.
    pub items: Vec<FactorView>,
    /// Whether this server asks everybody for one who votes on production; else it asks those who have one.
    pub asked_of_all: bool,
}

impl App {
    /// The caller's own factors.
    pub async fn own_factors(&self, caller: &Caller) -> Result<OwnFactors, AppError> {
        let mut conn = self.store.read().await?;
        let rows = factors::live(&mut conn, caller.principal).await?;
        Ok(OwnFactors {
            items: rows.into_iter().map(FactorView::from).collect(),
            asked_of_all: self.step_up_of_all(),
        })
    }

    /// Begins to enrol a factor of the caller; the answer holds the only copy of its secret.
    pub async fn begin_factor(&self, call: &Call, command: BeginFactor) -> Result<BegunFactor, AppError> {
        self.act(call, "factor.begin", command, |act, command| Box::pin(begin(act, command))).await
    }

    /// Finishes an enrolment.
    pub async fn enrol_factor(&self, call: &Call, command: EnrolFactor) -> Result<Receipt, AppError> {
        let shown = SecondFactor::code(command.code.as_str());
        self.take_attempt(&call.caller, Some(&shown)).await?;
        self.act(call, "factor.enrol", command, |act, command| Box::pin(enrol(act, command))).await
    }

    /// Takes a factor of the caller away.
    pub async fn remove_factor(
        &self,
        call: &Call,
        id: FactorId,
        command: RemoveFactor,
    ) -> Result<Receipt, AppError> {
        self.take_attempt(&call.caller, command.second_factor.as_ref()).await?;
        self.act(call, "factor.remove", (id, command), |act, (id, command)| {
            Box::pin(remove(act, id, command))
        })
        .await
    }

    /// Takes every factor of a person away who has lost them. Every credential of theirs ends.
    pub async fn reset_factors(&self, call: &Call, name: String) -> Result<Receipt, AppError> {
        self.act(call, "factor.reset", name, |act, name| Box::pin(reset(act, name))).await
    }
}

fn enrolment(act: &Act<'_>) -> Facts {
    Facts::new()
        .bool("actor_signed_in", act.caller.origin == CredentialOrigin::SignIn)
        .bool("sign_in_offered", act.sign_in_offered)
}

async fn begin(mut act: Act<'_>, command: BeginFactor) -> Result<BegunFactor, AppError> {
    // That an earlier factor is shown is asked for when the enrolment is finished.
    let asked = enrolment(&act).bool("step_up_required", false).bool("stepped_up", false);
    act.authorise(Action::FactorEnrol, ORG, None, None, asked).await?;
    let (principal, now) = (act.caller.principal, act.now());
    if factors::live(act.conn(), principal).await?.len() >= MAX_FACTORS {
        return Err(AppError::Conflict(format!("you have {MAX_FACTORS} factors; take one away first")));
    }
    if factors::open_begun(act.conn(), principal, now).await? >= MAX_BEGUN {
        return Err(AppError::Conflict("you have begun too often; wait ten minutes".into()));
    }
    let id = act.new_id(FactorId::new)?;
    let secret = Zeroizing::new(comptroller_store::keys::random::<{ totp::SECRET_BYTES }>()?);
    let sealed = factors::seal(act.tx, principal, id, secret.as_slice()).await?;
    let expires_at = now.plus_seconds(OPEN_SECONDS);
    let begun = Begun { principal, purpose: command.kind.to_string(), sealed: Some(sealed), expires_at };
    factors::begin(act.conn(), &id.to_string(), &begun, now).await?;
    Ok(BegunFactor { id, secret: Some(totp::to_text(secret.as_slice())), expires_at })
}

async fn enrol(mut act: Act<'_>, command: EnrolFactor) -> Result<Receipt, AppError> {
    let step_up = check(&mut act, command.second_factor.as_ref()).await?;
    let (principal, now, id) = (act.caller.principal, act.now(), command.id);
    let present = factors::live(act.conn(), principal).await?;
    // Who has none yet need not show one, also where everybody has to have one.
    let asked = if present.is_empty() {
        enrolment(&act).bool("step_up_required", false).bool("stepped_up", false)
    } else {
        step_up.add_to(enrolment(&act))
    };
    act.authorise(Action::FactorEnrol, ORG, None, None, asked).await?;
    if present.len() >= MAX_FACTORS {
        return Err(AppError::Conflict(format!("you have {MAX_FACTORS} factors; take one away first")));
    }
    let begun = factors::take_begun(act.conn(), &id.to_string(), principal, now).await?;
    let begun = begun.ok_or_else(|| AppError::not_found("open enrolment of yours", id))?;
    let (Ok(FactorKind::Totp), Some(sealed)) = (begun.purpose.parse(), begun.sealed) else {
        return Err(AppError::not_found("open enrolment of yours", id));
    };
    let secret = factors::open(act.tx, principal, id, &sealed).await?;
    let Some(step) = totp::accept(&secret, &command.code, now, 0) else {
        return Err(AppError::invalid(
            "code",
            "this is not the present code; check the clock of the device, and type the next one",
        ));
    };
    factors::put_secret(act.tx, id, &sealed, step).await?;
    factors::forget_attempts(act.conn(), principal).await?;
    let event = Event::FactorEnrolled {
        factor: id,
        principal,
        kind: FactorKind::Totp,
        label: command.label,
        credential: None,
    };
    let draft = act.draft(event).about("factor", &id).about("person", &principal);
    let index = act.record(draft).await?;
    step_up.record(&mut act, "factor", &id, None).await?;
    Ok(Receipt::new(id, index))
}

async fn remove(mut act: Act<'_>, id: FactorId, command: RemoveFactor) -> Result<Receipt, AppError> {
    let step_up = check(&mut act, command.second_factor.as_ref()).await?;
    let asked = Facts::new().bool("stepped_up", step_up.was_shown()).bool("target_is_self", true);
    act.authorise(Action::FactorRemove, ORG, None, None, asked).await?;
    let principal = act.caller.principal;
    if !factors::live(act.conn(), principal).await?.iter().any(|row| row.id.0 == id) {
        return Err(AppError::not_found("factor of yours", id));
    }
    step_up.record(&mut act, "factor", &id, None).await?;
    factors::drop_secret(act.conn(), id).await?;
    let draft = act.draft(Event::FactorRemoved { factor: id });
    let draft = draft.about("factor", &id).about("person", &principal);
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

async fn reset(mut act: Act<'_>, name: String) -> Result<Receipt, AppError> {
    let own = act.caller.principal;
    // Whose factors they are is looked for after the policies have spoken for somebody else's.
    let target_is_self = name == own.to_string();
    let asked = Facts::new().bool("stepped_up", false).bool("target_is_self", target_is_self);
    act.authorise(Action::FactorRemove, ORG, None, None, asked).await?;
    let principal = find_principal(act.conn(), &name).await?.id.0;
    let mut index = None;
    for row in factors::live(act.conn(), principal).await? {
        factors::drop_secret(act.conn(), row.id.0).await?;
        let draft = act.draft(Event::FactorRemoved { factor: row.id.0 });
        let draft = draft.about("factor", &row.id.0).about("person", &principal);
        index = Some(act.record(draft).await?);
    }
    let index = index.ok_or_else(|| AppError::Conflict("this person has no second factor".into()))?;
    end_credentials(&mut act, principal).await?;
    Ok(Receipt::new(principal, index))
}
