//! State tables, area by area: how an event changes them, and the queries over them.
//!
//! // INVARIANT (rebuildable): state tables are written by [`project`] alone, and it uses nothing but the event and
//! // its index, time and actor. Replaying the journal therefore yields the same rows.

pub mod access;
pub mod alarms;
pub mod approvals;
pub mod audits;
pub mod datasets;
pub mod delegations;
pub mod deliveries;
pub mod deployments;
pub mod emergencies;
pub mod evidence;
pub mod factors;
pub mod fairness;
pub mod labels;
pub mod models;
pub mod monitors;
pub mod people;
pub mod policies;
pub mod predictions;
pub mod remediations;
pub mod reminders;
pub mod retention;
pub mod shadows;
pub mod standing;
pub mod subject_requests;
pub mod subjects;
pub mod summaries;
pub mod systems;
pub mod uploads;
pub mod workloads;

use crate::StoreError;
use crate::change::Change;
use crate::tx::At;
use comptroller_core::Event;

/// Adds what `event` changes in the state tables.
pub(crate) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) -> Result<(), StoreError> {
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
        | Event::KeyRotated(_) => people::project(changes, at, event),
        Event::InvitationIssued { .. }
        | Event::InvitationAccepted { .. }
        | Event::TokenIssued { .. }
        | Event::TokenRevoked { .. }
        | Event::SessionOpened { .. }
        | Event::SessionClosed { .. } => access::project(changes, at, event),
        Event::WorkloadTrusted { .. } | Event::WorkloadDistrusted { .. } => {
            workloads::project(changes, at, event);
        }
        Event::FactorEnrolled { .. } | Event::FactorRemoved { .. } => factors::project(changes, at, event),
        Event::VendorRegistered { .. }
        | Event::SystemRegistered { .. }
        | Event::SystemUpdated { .. }
        | Event::SystemLinked { .. }
        | Event::SystemClassified { .. }
        | Event::TagSet { .. } => systems::project(changes, at, event)?,
        Event::DatasetRegistered { .. } | Event::DatasetVersionRegistered { .. } => {
            datasets::project(changes, at, event)?;
        }
        Event::ArtifactStored { .. }
        | Event::ModelRegistered { .. }
        | Event::VersionRegistered { .. }
        | Event::VersionAnnotated { .. } => models::project(changes, at, event)?,
        Event::DecisionRecorded { .. } | Event::ApprovalRequested { .. } | Event::ApprovalVoted { .. } => {
            approvals::project(changes, at, event)?;
        }
        Event::DelegationCreated { .. } | Event::DelegationEnded { .. } => {
            delegations::project(changes, at, event);
        }
        Event::EvidenceRecorded { .. }
        | Event::EvidenceWithdrawn { .. }
        | Event::WaiverRequested { .. }
        | Event::WaiverDecided { .. }
        | Event::WaiverEnded { .. } => evidence::project(changes, at, event)?,
        Event::EmergencyOpened { .. }
        | Event::EmergencyConfirmed { .. }
        | Event::EmergencyUsed { .. }
        | Event::EmergencyReviewed { .. }
        | Event::IncidentOpened { .. }
        | Event::IncidentClosed { .. } => emergencies::project(changes, at, event),
        Event::RemediationOpened { .. }
        | Event::RemediationPlanned { .. }
        | Event::RemediationClosed { .. } => remediations::project(changes, at, event),
        Event::ReminderRaised { .. } => reminders::project(changes, at, event),
        Event::PolicyShipped { .. }
        | Event::PolicyProposed { .. }
        | Event::PolicyAnalysed { .. }
        | Event::PolicyVoted { .. }
        | Event::PolicyActivated { .. }
        | Event::OperationDecided { .. } => policies::project(changes, at, event),
        Event::HoldPlaced { .. } | Event::HoldReleased { .. } | Event::DataPurged { .. } => {
            retention::project(changes, at, event);
        }
        Event::PolicyShadowStarted { .. }
        | Event::PolicyShadowEnded { .. }
        | Event::PolicyShadowDiffered { .. } => shadows::project(changes, at, event)?,
        Event::DeploymentCreated { .. } | Event::RollbackDrilled { .. } | Event::RuntimeReported { .. } => {
            deployments::project(changes, at, event);
        }
        Event::BaselineSet { .. } | Event::MonitorSet { .. } | Event::WindowJudged { .. } => {
            monitors::project(changes, at, event)?;
        }
        Event::AlarmRaised { .. }
        | Event::AlarmAcknowledged { .. }
        | Event::AlarmSnoozed { .. }
        | Event::AlarmCleared { .. }
        | Event::RollbackProposed { .. } => alarms::project(changes, at, event),
        Event::FairnessWatchSet { .. } | Event::FairnessJudged { .. } => {
            fairness::project(changes, at, event);
        }
        Event::PredictionsSealed { .. } | Event::PredictionsCompacted { .. } => {
            predictions::project(changes, at, event);
        }
        Event::SubjectRegistered { .. } | Event::SubjectErased { .. } => {
            subjects::project(changes, at, event);
        }
        Event::Audit(event) => audits::project(changes, at, event)?,
        Event::Privacy(event) => subject_requests::project(changes, at, event)?,
        // Facts that stand in the journal alone.
        Event::IdentityLinked { .. }
        | Event::WorkloadExchanged { .. }
        | Event::FactorUsed { .. }
        | Event::IdentityUnlinked { .. }
        | Event::KeyRetired { .. }
        | Event::AccessDenied { .. }
        | Event::RecordRead { .. }
        | Event::NotificationAbandoned { .. }
        | Event::ControlAdopted { .. }
        | Event::ControlChanged { .. }
        | Event::ControlRetired { .. }
        | Event::ExceptionNoted { .. }
        | Event::CriterionScoped { .. }
        | Event::RiskRecorded { .. }
        | Event::RiskClosed { .. }
        | Event::RiskAssessed { .. }
        | Event::DocumentAnswered { .. }
        | Event::DocumentIssued { .. }
        | Event::EvidenceExported { .. }
        | Event::StreamHeads { .. }
        | Event::Timestamped { .. } => {}
    }
    Ok(())
}

/// JSON of a value in a TEXT column. The types stored this way cannot fail to serialise.
fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Entry(error.to_string()))
}
