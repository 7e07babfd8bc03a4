//! Stepping up: whoever votes shows a second factor with the very request, so that a stolen session alone does not vote.
//!
//! Whether one is asked for, and whether one was shown, are facts; what follows from them stands in the policies.

use super::passkey::{self, Assertion, Kept, Site};
use super::totp;
use crate::act::Act;
use crate::{App, AppError, Caller};
use comptroller_core::Event;
use comptroller_core::Timestamp;
use comptroller_core::ids::{ApprovalId, EmergencyId, FactorId, PrincipalId, SystemId};
use comptroller_core::vocab::{FactorKind, Vote};
use comptroller_ledger::hash::Digester;
use comptroller_policy::Facts;
use comptroller_store::areas::factors::{self, FactorRow};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use utoipa::ToSchema;

/// Wrong codes that a person may show in a row.
const MAX_ATTEMPTS: i64 = 5;
/// How long nobody tries again after so many, in microseconds.
const PAUSE: i64 = 15 * 60 * 1_000_000;

/// A second factor, shown with the request that it is for.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// The present code of an authenticator app. It works once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What a passkey signed: a challenge that was made for exactly this act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<Assertion>,
}

/// What a challenge is made for. The act is taken only as it stands here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Purpose {
    /// A vote on a request for approval.
    Vote {
        /// The request.
        approval: ApprovalId,
        /// How.
        vote: Vote,
        /// The person in whose stead.
        #[serde(default)]
        in_stead_of: Option<PrincipalId>,
    },
    /// The confirmation of an emergency.
    Confirm {
        /// The emergency.
        emergency: EmergencyId,
    },
    /// A delegation of votes.
    Delegate {
        /// The person who will vote, as in the request.
        delegate: String,
        /// The one system, as in the request.
        #[serde(default)]
        system: Option<String>,
        /// From when on.
        #[serde(default)]
        starts_at: Option<Timestamp>,
        /// For how many days.
        days: u32,
    },
    /// The enrolment of another factor.
    Enrol {
        /// The id of the enrolment.
        factor: FactorId,
    },
    /// The removal of a factor.
    Remove {
        /// The factor.
        factor: FactorId,
    },
}

impl Purpose {
    /// The one text of it.
    pub(super) fn to_text(&self) -> Result<String, AppError> {
        Ok(String::from_utf8_lossy(&serde_json_canonicalizer::to_vec(self)?).into_owned())
    }
}

/// A challenge for a passkey: a digest over what it is for, whose it is, and random bytes. Good for one act.
pub(super) fn new_challenge(principal: PrincipalId, purpose: &str) -> Result<String, AppError> {
    let nonce: [u8; 32] = comptroller_store::keys::random()?;
    let mut digester = Digester::new();
    for part in [b"comptroller/challenge/1".as_slice(), &nonce, principal.to_string().as_bytes()] {
        digester.update(part);
        digester.update(&[0]);
    }
    digester.update(purpose.as_bytes());
    let digest = hex::decode(digester.finish().to_string())
        .map_err(|error| AppError::Internal(format!("a digest in hexadecimal: {error}")))?;
    Ok(passkey::to_text(&digest))
}

impl SecondFactor {
    /// A code.
    pub fn code(code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), passkey: None }
    }
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor").finish_non_exhaustive()
    }
}

/// Whether a second factor is asked for, and which one was shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepUp {
    required: bool,
    shown: Option<(FactorId, FactorKind)>,
}

impl StepUp {
    /// Adds what the policies learn.
    pub(crate) fn add_to(self, facts: Facts) -> Facts {
        facts.bool("step_up_required", self.required).bool("stepped_up", self.shown.is_some())
    }

    /// Whether one was shown.
    pub(crate) fn was_shown(self) -> bool {
        self.shown.is_some()
    }

    /// Records which factor stood behind the act on `noun/id`. The act is allowed by now.
    pub(crate) async fn record(
        self,
        act: &mut Act<'_>,
        noun: &str,
        id: &impl Display,
        system: Option<SystemId>,
    ) -> Result<(), AppError> {
        let Some((factor, kind)) = self.shown else { return Ok(()) };
        let principal = act.caller.principal;
        let event = Event::FactorUsed { factor, kind, subject: format!("{noun}/{id}") };
        let mut draft = act.draft(event).about(noun, &id.to_string()).about("person", &principal);
        if let Some(system) = system {
            draft = draft.of_system(system);
        }
        act.record(draft).await?;
        Ok(())
    }
}

/// Looks at what was shown for `purpose`. A code or a challenge is used up if, and only if, the act is carried out.
pub(crate) async fn check(
    act: &mut Act<'_>,
    purpose: &Purpose,
    shown: Option<&SecondFactor>,
) -> Result<StepUp, AppError> {
    let principal = act.caller.principal;
    let enrolled = factors::live(act.conn(), principal).await?;
    let required = !enrolled.is_empty() || act.step_up_of_all;
    let mut step_up = StepUp { required, shown: None };
    let Some(shown) = shown else { return Ok(step_up) };
    if let Some(code) = &shown.code {
        step_up.shown = by_code(act, &enrolled, code).await?;
    }
    if let (None, Some(assertion)) = (step_up.shown, &shown.passkey) {
        step_up.shown = by_passkey(act, &enrolled, purpose, assertion).await?;
    }
    Ok(step_up)
}

async fn by_code(
    act: &mut Act<'_>,
    enrolled: &[FactorRow],
    code: &str,
) -> Result<Option<(FactorId, FactorKind)>, AppError> {
    let (principal, now) = (act.caller.principal, act.now());
    for row in enrolled.iter().filter(|row| row.kind.0 == FactorKind::Totp) {
        let id = row.id.0;
        let Some((sealed, last)) = factors::secret(act.tx, id).await? else { continue };
        let secret = factors::open(act.tx, principal, id, &sealed).await?;
        if let Some(step) = totp::accept(&secret, code, now, last) {
            factors::count_use(act.tx, id, &sealed, step).await?;
            factors::forget_attempts(act.conn(), principal).await?;
            return Ok(Some((id, FactorKind::Totp)));
        }
    }
    Ok(None)
}

async fn by_passkey(
    act: &mut Act<'_>,
    enrolled: &[FactorRow],
    purpose: &Purpose,
    assertion: &Assertion,
) -> Result<Option<(FactorId, FactorKind)>, AppError> {
    let (principal, now) = (act.caller.principal, act.now());
    let Some(origin) = act.origin.clone() else { return Ok(None) };
    let site = Site::of(&origin);
    let name = passkey::name_of(&assertion.credential);
    let row =
        enrolled.iter().find(|row| name.is_some() && row.credential.as_ref().map(|c| &c.0) == name.as_ref());
    let (Some(row), Some(challenge)) = (row, assertion.challenge(site)) else { return Ok(None) };
    // What it was made for stands beside it: nobody shows what was signed for another act.
    let begun = factors::take_begun(act.conn(), &challenge, principal, now).await?;
    let made_for = purpose.to_text()?;
    if begun.is_none_or(|begun| begun.purpose != made_for) {
        return Ok(None);
    }
    let id = row.id.0;
    let Some((sealed, last)) = factors::secret(act.tx, id).await? else { return Ok(None) };
    let kept: Kept = serde_json::from_slice(&factors::open(act.tx, principal, id, &sealed).await?)?;
    let Some(counter) = assertion.verify(&kept, last, site) else { return Ok(None) };
    factors::count_use(act.tx, id, &sealed, counter).await?;
    Ok(Some((id, FactorKind::Passkey)))
}

impl App {
    /// Takes one of the attempts that a person has to show a code, before it is looked at: an act that is refused leaves
    /// no trace of its own, and many at once must not have an attempt each.
    pub(crate) async fn take_attempt(
        &self,
        caller: &Caller,
        shown: Option<&SecondFactor>,
    ) -> Result<(), AppError> {
        if shown.is_none_or(|shown| shown.code.is_none()) {
            return Ok(());
        }
        let principal = caller.principal;
        let taken = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let now = tx.now();
                    let taken = factors::take_attempt(tx.conn(), principal, now, MAX_ATTEMPTS, PAUSE).await?;
                    Ok::<bool, AppError>(taken)
                })
            })
            .await?;
        if taken {
            return Ok(());
        }
        Err(AppError::Conflict(
            "too many codes were tried in a row; wait 15 minutes, and show the present one".into(),
        ))
    }
}
