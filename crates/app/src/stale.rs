//! What is stale: the newest assessment of the risk of a system, and documents that were issued, each with the cause and
//! with what to type. Nothing is written to when something behind it changes, so it is looked for whenever somebody asks.

use crate::assessments::{newest, standing_of};
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_compliance::gap::Renewal;
use comptroller_core::ids::SystemId;
use comptroller_core::vocab::SystemStatus;
use comptroller_core::{Digest, Slug, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::systems::{SystemFilter, SystemRow};
use comptroller_store::{Conn, areas};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Systems that are read at a time.
const STEP: i64 = 200;

/// What is stale now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stale {
    /// Assessments of systems that are in use or on their way there, by name of the system.
    pub assessments: Vec<StaleAssessment>,
    /// Documents, each as it was issued last.
    pub documents: Vec<StaleDocument>,
}

/// The newest assessment of the risk of a system, which does not stand any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaleAssessment {
    /// The system.
    pub system: SystemId,
    /// Its short name.
    pub slug: Slug,
    /// When it was assessed.
    pub assessed_at: Timestamp,
    /// The entry that records it.
    pub ledger_index: u64,
    /// Why it is stale.
    pub causes: Vec<String>,
    /// What to type.
    pub command: String,
}

/// A document that was issued before something changed that it may not know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaleDocument {
    /// Its kind.
    pub kind: String,
    /// What it is about, as people call it.
    pub subject: String,
    /// The system whose it is.
    pub system: Option<SystemId>,
    /// The framework that asks for it; none: several.
    pub framework: Option<String>,
    /// SHA-256 of the text that was issued.
    pub content: Digest,
    /// When it was issued last.
    pub issued_at: Timestamp,
    /// The entry that records it.
    pub ledger_index: u64,
    /// Why it is stale.
    pub causes: Vec<String>,
    /// What to type.
    pub command: String,
}

impl App {
    /// What is stale of a system, or of all of them and the organisation.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for an unknown system.
    pub async fn stale(&self, caller: &Caller, system: Option<&str>) -> Result<Stale, AppError> {
        self.may_read(caller, Action::EvidenceRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let only = match system {
            Some(name) => Some(systems::find(&mut conn, name).await?),
            None => None,
        };
        self.what_is_stale(&mut conn, only.as_ref()).await
    }

    /// See [`App::stale`].
    pub(crate) async fn what_is_stale(
        &self,
        conn: &mut Conn,
        only: Option<&SystemRow>,
    ) -> Result<Stale, AppError> {
        let mut assessments = Vec::new();
        if let Some(row) = only {
            assessments.extend(self.stale_assessment(conn, row).await?);
        } else {
            let mut last = String::new();
            loop {
                let rows = areas::systems::systems(conn, &SystemFilter::default(), &last, STEP).await?;
                let Some(end) = rows.last() else { break };
                last = end.slug.0.to_string();
                for row in &rows {
                    assessments.extend(self.stale_assessment(conn, row).await?);
                }
            }
        }
        let documents = self.stale_documents(conn, only.map(|row| row.id.0)).await?;
        Ok(Stale { assessments, documents })
    }

    /// The newest assessment of a system, if it is stale. Of a system that is not used any more nothing is asked.
    async fn stale_assessment(
        &self,
        conn: &mut Conn,
        row: &SystemRow,
    ) -> Result<Option<StaleAssessment>, AppError> {
        if row.status.0 == SystemStatus::Retired {
            return Ok(None);
        }
        let Some(last) = newest(conn, row.id.0).await? else { return Ok(None) };
        let now = self.store.clock().now();
        let causes = standing_of(conn, self.store.key(), now, row, &last).await?.stale;
        Ok((!causes.is_empty()).then(|| StaleAssessment {
            system: row.id.0,
            slug: row.slug.0.clone(),
            assessed_at: last.at,
            ledger_index: last.index.unsigned_abs(),
            causes,
            command: format!("comptroller risk assess {} --facts FILE --reason REASON", row.slug.0),
        }))
    }
}

impl Stale {
    /// As steps of a gap analysis of a framework.
    pub(crate) fn renewals(self, framework: &str) -> Vec<Renewal> {
        let mut renewals = Vec::new();
        for StaleAssessment { slug, causes, command, .. } in self.assessments {
            renewals.push(Renewal {
                about: format!("assessment of {slug}"),
                says: format!("Assess the risk of {slug} anew: {}", causes.join("; ")),
                command,
            });
        }
        for document in self.documents {
            if document.framework.as_deref().is_some_and(|of| of != framework) {
                continue;
            }
            let StaleDocument { kind, subject, causes, command, .. } = document;
            renewals.push(Renewal {
                about: format!("{kind} of {subject}"),
                says: format!("Issue {kind} of {subject} anew: {}", causes.join("; ")),
                command,
            });
        }
        renewals
    }
}
