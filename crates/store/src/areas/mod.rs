//! State tables, area by area: how an event changes them, and the queries over them.
//!
//! // INVARIANT (rebuildable): state tables are written by [`project`] alone, and it uses nothing but the event and
//! // its index, time and actor. Replaying the journal therefore yields the same rows.

pub mod access;
pub mod approvals;
pub mod datasets;
pub mod deployments;
pub mod models;
pub mod people;
pub mod subjects;
pub mod systems;
pub mod uploads;
pub mod workloads;

use crate::StoreError;
use crate::db::Conn;
use crate::tx::At;
use comptroller_core::Event;

/// Changes the state tables as `event` says.
pub(crate) async fn project(conn: &mut Conn, at: &At, event: &Event) -> Result<(), StoreError> {
    match event {
        Event::OrgCreated { .. }
        | Event::PersonAdded { .. }
        | Event::ServiceAccountAdded { .. }
        | Event::PrincipalDisabled { .. }
        | Event::RoleGranted { .. }
        | Event::RoleRevoked { .. }
        | Event::TeamCreated { .. }
        | Event::TeamMemberAdded { .. }
        | Event::TeamMemberRemoved { .. }
        | Event::KeyRotated(_) => people::project(conn, at, event).await,
        Event::InvitationIssued { .. }
        | Event::InvitationAccepted { .. }
        | Event::TokenIssued { .. }
        | Event::TokenRevoked { .. }
        | Event::SessionOpened { .. }
        | Event::SessionClosed { .. } => access::project(conn, at, event).await,
        Event::WorkloadTrusted { .. } | Event::WorkloadDistrusted { .. } => {
            workloads::project(conn, at, event).await
        }
        Event::VendorRegistered { .. }
        | Event::SystemRegistered { .. }
        | Event::SystemUpdated { .. }
        | Event::SystemLinked { .. }
        | Event::TagSet { .. } => systems::project(conn, at, event).await,
        Event::DatasetRegistered { .. } | Event::DatasetVersionRegistered { .. } => {
            datasets::project(conn, at, event).await
        }
        Event::ArtifactStored { .. }
        | Event::ModelRegistered { .. }
        | Event::VersionRegistered { .. }
        | Event::VersionAnnotated { .. } => models::project(conn, at, event).await,
        Event::DecisionRecorded { .. } | Event::ApprovalRequested { .. } | Event::ApprovalVoted { .. } => {
            approvals::project(conn, at, event).await
        }
        Event::DeploymentCreated { .. } | Event::RollbackDrilled { .. } | Event::RuntimeReported { .. } => {
            deployments::project(conn, at, event).await
        }
        Event::SubjectRegistered { .. } | Event::SubjectErased { .. } => {
            subjects::project(conn, at, event).await
        }
        // Facts that stand in the journal alone.
        Event::IdentityLinked { .. }
        | Event::WorkloadExchanged { .. }
        | Event::IdentityUnlinked { .. }
        | Event::KeyRetired { .. }
        | Event::AccessDenied { .. }
        | Event::RecordRead { .. }
        | Event::EvidenceExported { .. }
        | Event::StreamHeads { .. }
        | Event::Timestamped { .. } => Ok(()),
    }
}

/// JSON of a value in a TEXT column. The types stored this way cannot fail to serialise.
fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Entry(error.to_string()))
}
