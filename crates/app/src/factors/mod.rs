//! Second factors of people: enrolled by themselves, shown when they vote on production.
//!
//! A secret leaves the server once, when its enrolment begins, and stands sealed under the person's key. Whoever has a
//! factor needs it to enrol another one or to take one away; who lost it is helped by an administrator, and every
//! credential of theirs ends with that (ADR 0008).

mod passkey;
pub mod step_up;
mod totp;

pub use passkey::{Assertion, NewPasskey};
pub use totp::code_at;

use crate::act::{Act, Call};
use crate::invitations::end_credentials;
use crate::people::find as find_principal;
use crate::view::Receipt;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::FactorId;
use comptroller_core::vocab::{CredentialOrigin, FactorKind};
use comptroller_core::{Digest, Event, Slug, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::factors::{self, Begun, FactorRow};
use passkey::Site;
use serde::{Deserialize, Serialize};
use step_up::{Purpose, SecondFactor, check, new_challenge};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Most factors of one person.
const MAX_FACTORS: usize = 8;
/// Most enrolments and challenges that one person has open at once.
const MAX_BEGUN: i64 = 16;
/// How long an enrolment stays open, in seconds.
const OPEN_SECONDS: i64 = 600;
/// How long a challenge can be signed, in seconds: what is shown is fresh.
const CHALLENGE_SECONDS: i64 = 300;
/// What an enrolment of an app is begun for.
const TOTP: &str = "enrol/totp";
/// What an enrolment of a passkey is begun for, before its challenge.
const PASSKEY: &str = "enrol/passkey/";

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
    /// The secret for the authenticator app, in base 32; absent for a passkey, and when the answer is repeated under an
    /// idempotency key.
    pub secret: Option<String>,
    /// For a passkey.
    pub passkey: Option<Challenge>,
    /// Until when it can be finished.
    pub expires_at: Timestamp,
}

/// What a browser needs to ask an authenticator. Bytes are base64url without padding.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// What the passkey signs. Good once, for what it was made for.
    pub challenge: String,
    /// The name for which passkeys are made (`rp.id`); absent where people do not sign in: there are no passkeys then.
    pub site: Option<String>,
    /// Whose passkeys: 16 bytes that say nothing about the person (`user.id`).
    pub user: String,
    /// The credential ids of the passkeys that the person has.
    pub credentials: Vec<String>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Asks for a challenge that a passkey signs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskChallenge {
    /// The act that the passkey is shown for.
    pub purpose: Purpose,
}

/// Finishes an enrolment: shows that the factor works.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolFactor {
    /// The id of the enrolment that has begun.
    pub id: FactorId,
    /// What its owner calls it.
    pub label: Slug,
    /// A code that the app shows; for an app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The new passkey; for a passkey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<NewPasskey>,
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

    /// Makes a challenge that a passkey of the caller signs, for one act.
    pub async fn challenge(&self, call: &Call, command: AskChallenge) -> Result<Challenge, AppError> {
        self.act(call, "factor.challenge", command, |act, command| Box::pin(challenge(act, command))).await
    }

    /// Finishes an enrolment.
    pub async fn enrol_factor(&self, call: &Call, command: EnrolFactor) -> Result<Receipt, AppError> {
        let shown = SecondFactor { code: command.code.clone(), passkey: None };
        let shown = if shown.code.is_some() { Some(&shown) } else { command.second_factor.as_ref() };
        self.take_attempt(&call.caller, shown).await?;
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
    let expires_at = now.plus_seconds(OPEN_SECONDS);
    let mut answer = BegunFactor { id, secret: None, passkey: None, expires_at };
    let begun = match command.kind {
        FactorKind::Totp => {
            let secret = Zeroizing::new(comptroller_store::keys::random::<{ totp::SECRET_BYTES }>()?);
            let sealed = factors::seal(act.tx, principal, id, secret.as_slice()).await?;
            answer.secret = Some(totp::to_text(secret.as_slice()));
            Begun { principal, purpose: TOTP.to_owned(), sealed: Some(sealed), expires_at }
        }
        FactorKind::Passkey => {
            if act.origin.is_none() {
                return Err(AppError::Conflict(
                    "passkeys are made for an address in browsers, which comes with sign-in; an authenticator app \
                     needs none"
                        .into(),
                ));
            }
            let challenge = new_challenge(principal, &format!("{PASSKEY}{id}"))?;
            let purpose = format!("{PASSKEY}{challenge}");
            answer.passkey = Some(of_browser(&mut act, challenge, expires_at).await?);
            Begun { principal, purpose, sealed: None, expires_at }
        }
    };
    factors::begin(act.conn(), &id.to_string(), &begun, now).await?;
    Ok(answer)
}

/// What a browser needs.
async fn of_browser(
    act: &mut Act<'_>,
    challenge: String,
    expires_at: Timestamp,
) -> Result<Challenge, AppError> {
    let principal = act.caller.principal;
    let mut credentials = Vec::new();
    for row in factors::live(act.conn(), principal).await? {
        if row.kind.0 == FactorKind::Passkey
            && let Some((sealed, _)) = factors::secret(act.tx, row.id.0).await?
        {
            let kept = factors::open(act.tx, principal, row.id.0, &sealed).await?;
            credentials.push(serde_json::from_slice::<passkey::Kept>(&kept)?.credential);
        }
    }
    let user = passkey::to_text(&hex::decode(principal.to_string().replace('-', "")).unwrap_or_default());
    let site = act.origin.as_deref().map(|origin| Site::of(origin).name.to_owned());
    Ok(Challenge { challenge, site, user, credentials, expires_at })
}

async fn challenge(mut act: Act<'_>, command: AskChallenge) -> Result<Challenge, AppError> {
    // Whoever may have factors may ask for it; the act that it is for is decided about by itself.
    let asked = enrolment(&act).bool("step_up_required", false).bool("stepped_up", false);
    act.authorise(Action::FactorEnrol, ORG, None, None, asked).await?;
    let (principal, now) = (act.caller.principal, act.now());
    if factors::open_begun(act.conn(), principal, now).await? >= MAX_BEGUN {
        return Err(AppError::Conflict("you have begun too often; wait ten minutes".into()));
    }
    let purpose = command.purpose.to_text()?;
    let challenge = new_challenge(principal, &purpose)?;
    let expires_at = now.plus_seconds(CHALLENGE_SECONDS);
    let begun = Begun { principal, purpose, sealed: None, expires_at };
    factors::begin(act.conn(), &challenge, &begun, now).await?;
    of_browser(&mut act, challenge, expires_at).await
}

async fn enrol(mut act: Act<'_>, command: EnrolFactor) -> Result<Receipt, AppError> {
    let purpose = Purpose::Enrol { factor: command.id };
    let step_up = check(&mut act, &purpose, command.second_factor.as_ref()).await?;
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
    let (kind, credential) = if begun.purpose == TOTP {
        show_code(&mut act, id, begun, command.code.as_deref()).await?;
        (FactorKind::Totp, None)
    } else {
        (FactorKind::Passkey, Some(show_passkey(&mut act, id, &begun, command.passkey.as_ref()).await?))
    };
    let event = Event::FactorEnrolled { factor: id, principal, kind, label: command.label, credential };
    let draft = act.draft(event).about("factor", &id).about("person", &principal);
    let index = act.record(draft).await?;
    step_up.record(&mut act, "factor", &id, None).await?;
    Ok(Receipt::new(id, index))
}

/// Keeps the secret of an app that shows its code.
async fn show_code(
    act: &mut Act<'_>,
    id: FactorId,
    begun: Begun,
    code: Option<&str>,
) -> Result<(), AppError> {
    let (principal, now) = (act.caller.principal, act.now());
    let sealed = begun.sealed.unwrap_or_default();
    let secret = factors::open(act.tx, principal, id, &sealed).await?;
    let Some(step) = code.and_then(|code| totp::accept(&secret, code, now, 0)) else {
        return Err(AppError::invalid(
            "code",
            "this is not the present code; check the clock of the device, and type the next one",
        ));
    };
    factors::put_secret(act.tx, id, &sealed, step).await?;
    factors::forget_attempts(act.conn(), principal).await?;
    Ok(())
}

/// Keeps the key of a passkey that was made for this enrolment. Answers the digest of its credential id.
async fn show_passkey(
    act: &mut Act<'_>,
    id: FactorId,
    begun: &Begun,
    new: Option<&NewPasskey>,
) -> Result<Digest, AppError> {
    let principal = act.caller.principal;
    let expected = begun.purpose.strip_prefix(PASSKEY);
    let (Some(expected), Some(new), Some(origin)) = (expected, new, act.origin.clone()) else {
        return Err(AppError::invalid("passkey", "the enrolment was begun for a passkey, and there is none"));
    };
    let (kept, counter) = passkey::register(new, expected, Site::of(&origin))?;
    let name = passkey::name_of(&kept.credential);
    let name = name.ok_or_else(|| AppError::Internal("a credential id without a digest".into()))?;
    if factors::has_credential(act.conn(), &name).await? {
        return Err(AppError::Conflict("this passkey is enrolled already".into()));
    }
    let sealed = factors::seal(act.tx, principal, id, &serde_json::to_vec(&kept)?).await?;
    factors::put_secret(act.tx, id, &sealed, i64::from(counter)).await?;
    Ok(name)
}

async fn remove(mut act: Act<'_>, id: FactorId, command: RemoveFactor) -> Result<Receipt, AppError> {
    let purpose = Purpose::Remove { factor: id };
    let step_up = check(&mut act, &purpose, command.second_factor.as_ref()).await?;
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
