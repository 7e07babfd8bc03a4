//! Stepping up: whoever votes shows a second factor with the very request, so that a stolen session alone does not vote.
//!
//! Whether one is asked for, and whether one was shown, are facts; what follows from them stands in the policies.

use super::totp;
use crate::act::Act;
use crate::{App, AppError, Caller};
use comptroller_core::Event;
use comptroller_core::ids::{FactorId, SystemId};
use comptroller_core::vocab::FactorKind;
use comptroller_policy::Facts;
use comptroller_store::areas::factors;
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
}

impl SecondFactor {
    /// A code.
    pub fn code(code: impl Into<String>) -> Self {
        Self { code: Some(code.into()) }
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

/// Looks at what was shown. A used code is used up if, and only if, the act is carried out.
pub(crate) async fn check(act: &mut Act<'_>, shown: Option<&SecondFactor>) -> Result<StepUp, AppError> {
    let (principal, now) = (act.caller.principal, act.now());
    let enrolled = factors::live(act.conn(), principal).await?;
    let required = !enrolled.is_empty() || act.step_up_of_all;
    let mut step_up = StepUp { required, shown: None };
    let Some(code) = shown.and_then(|shown| shown.code.as_deref()) else { return Ok(step_up) };
    for row in enrolled.iter().filter(|row| row.kind.0 == FactorKind::Totp) {
        let id = row.id.0;
        let Some((sealed, last)) = factors::secret(act.tx, id).await? else { continue };
        let secret = factors::open(act.tx, principal, id, &sealed).await?;
        if let Some(step) = totp::accept(&secret, code, now, last) {
            factors::count_use(act.tx, id, &sealed, step).await?;
            factors::forget_attempts(act.conn(), principal).await?;
            step_up.shown = Some((id, FactorKind::Totp));
            break;
        }
    }
    Ok(step_up)
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
