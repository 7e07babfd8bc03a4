//! Incidents: what went wrong, since when, and whether it is over.

use crate::emergencies::system_id;
use crate::view::{Page, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::Timestamp;
use comptroller_core::ids::{IncidentId, SystemId};
use comptroller_core::vocab::IncidentCause;
use comptroller_policy::Action;
use comptroller_store::areas::emergencies::{self, IncidentRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An incident.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IncidentView {
    /// Its id.
    pub id: IncidentId,
    /// The AI system.
    pub system: SystemId,
    /// Why it began.
    pub cause: IncidentCause,
    /// What it is about, for example `emergency/<id>`.
    pub subject: String,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it was over; none = it goes on.
    pub closed_at: Option<Timestamp>,
}

impl App {
    /// Incidents; of one system, or all.
    pub async fn incidents(
        &self,
        caller: &Caller,
        system: Option<&str>,
        slice: Slice,
    ) -> Result<Page<IncidentView>, AppError> {
        self.may_read(caller, Action::ServingRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let system = system_id(&mut conn, system).await?;
        let rows = emergencies::incidents(&mut conn, &system, slice.after(), limit + 1).await?;
        let views: Vec<IncidentView> = rows.into_iter().map(incident_view).collect();
        Ok(page(views, limit, |view| view.id.to_string()))
    }
}

fn incident_view(row: IncidentRow) -> IncidentView {
    IncidentView {
        id: row.id.0,
        system: row.system.0,
        cause: row.cause.0,
        subject: row.subject,
        opened_at: row.opened_at.0,
        closed_at: row.closed_at.map(|at| at.0),
    }
}
