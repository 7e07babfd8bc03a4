//! How the engagement of an auditor from outside stands towards what they ask.
//!
//! The policies decide; this finds the fact that they decide by. Whoever was never engaged has no such fact. The role of an
//! auditor is not granted to anybody from outside: it comes with an engagement that gives access now, and goes with it.

use crate::{App, AppError, Caller};
use comptroller_core::event::AuditEvent;
use comptroller_core::ids::{EngagementId, PrincipalId, SystemId};
use comptroller_core::{Event, Role, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::audits::{self, EngagementRow};
use comptroller_store::{Conn, Draft};
use std::collections::BTreeSet;

/// The fact that the policies know.
const FACT: &str = "engagement";
const OPEN: &str = "open";
const ELSEWHERE: &str = "elsewhere";
const OVER: &str = "over";

/// How an engagement stands towards a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    word: &'static str,
    /// The engagement that gives access; if none does, the last one.
    pub(crate) engagement: EngagementId,
}

impl Standing {
    /// Of a person towards an act on a resource; none if they were never engaged.
    pub(crate) async fn of(
        conn: &mut Conn,
        person: PrincipalId,
        action: Action,
        resource: &str,
        system: Option<SystemId>,
        now: Timestamp,
    ) -> Result<Option<Self>, AppError> {
        let mut found = None;
        for row in audits::of_auditor(conn, person).await? {
            let engagement = row.id.0;
            if !row.is_open(now) {
                found = found.or(Some(Self { word: OVER, engagement }));
                continue;
            }
            if covers(&row, action, resource, system)? {
                return Ok(Some(Self { word: OPEN, engagement }));
            }
            found = Some(Self { word: ELSEWHERE, engagement });
        }
        Ok(found)
    }

    /// Adds the fact, and the role that comes with an engagement that gives access.
    pub(crate) fn bring(&self, facts: Facts, roles: &mut BTreeSet<Role>) -> Facts {
        if self.word == OPEN {
            roles.insert(Role::Auditor);
        }
        facts.text(FACT, self.word)
    }
}

/// Whether an engagement is about a resource: its systems, itself, and the auditor's own credentials.
fn covers(
    row: &EngagementRow,
    action: Action,
    resource: &str,
    system: Option<SystemId>,
) -> Result<bool, AppError> {
    if matches!(action, Action::TokenIssueOwn | Action::FactorEnrol | Action::FactorRemove) {
        return Ok(true);
    }
    if let Some(id) = resource.strip_prefix("engagement/") {
        return Ok(id == row.id.0.to_string());
    }
    let systems = row.systems()?;
    Ok(systems.is_empty() || system.is_some_and(|system| systems.contains(&system)))
}

impl App {
    /// Records that an auditor was let read something, before it is shown. Reads that come together share one commit: the
    /// writer puts them into one batch.
    pub(crate) async fn note_audited(
        &self,
        caller: &Caller,
        standing: &Standing,
        action: Action,
        resource: &str,
    ) -> Result<(), AppError> {
        if standing.word != OPEN {
            return Ok(());
        }
        let engagement = standing.engagement;
        let event = AuditEvent::Read { engagement, action: action.slug(), resource: resource.to_owned() };
        let draft = Draft::new(&caller.actor(), Event::from(event)).about(super::NOUN, &engagement);
        self.store.record(draft).await?;
        Ok(())
    }
}
