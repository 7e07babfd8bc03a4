//! How an event stands in a ledger entry, and to which stream it belongs.

use super::{AuditEvent, Event, PrivacyEvent};
use crate::ids::SystemId;

impl Event {
    /// The stream that the event belongs to: one per AI system, else `org`.
    ///
    /// Events about a model, version or approval name the system through the caller, who knows it.
    pub fn system(&self) -> Option<SystemId> {
        match self {
            Self::SystemRegistered { system, .. }
            | Self::SystemUpdated { system, .. }
            | Self::SystemLinked { system, .. }
            | Self::SystemClassified { system, .. }
            | Self::EvidenceRecorded { system, .. }
            | Self::EmergencyOpened { system, .. }
            | Self::IncidentOpened { system, .. }
            | Self::IncidentClosed { system, .. }
            | Self::OperationDecided { system, .. }
            | Self::ModelRegistered { system, .. }
            | Self::DeploymentCreated { system, .. }
            | Self::RollbackDrilled { system, .. }
            | Self::PredictionsSealed { system, .. }
            | Self::PredictionsCompacted { system, .. }
            | Self::BaselineSet { system, .. }
            | Self::MonitorSet { system, .. }
            | Self::WindowJudged { system, .. }
            | Self::AlarmRaised { system, .. }
            | Self::AlarmAcknowledged { system, .. }
            | Self::AlarmSnoozed { system, .. }
            | Self::AlarmCleared { system, .. }
            | Self::RollbackProposed { system, .. }
            | Self::FairnessWatchSet { system, .. }
            | Self::FairnessJudged { system, .. }
            | Self::RemediationOpened { system, .. }
            | Self::RemediationPlanned { system, .. }
            | Self::RemediationClosed { system, .. }
            | Self::RiskRecorded { system, .. }
            | Self::RiskClosed { system, .. }
            | Self::RiskAssessed { system, .. }
            | Self::RuntimeReported { system, .. } => Some(*system),
            Self::ReminderRaised { system, .. }
            | Self::DocumentAnswered { system, .. }
            | Self::DocumentIssued { system, .. }
            | Self::DelegationCreated { system, .. }
            | Self::HoldPlaced { system, .. }
            | Self::HoldReleased { system, .. } => *system,
            _ => None,
        }
    }

    /// The `type` and `data` members of the ledger entry.
    pub fn to_parts(&self) -> Result<(String, serde_json::Value), serde_json::Error> {
        let whole = serde_json::to_value(self)?;
        let kind = whole.get("type").and_then(|t| t.as_str()).unwrap_or_default().to_owned();
        let data = whole.get("data").cloned().unwrap_or(serde_json::Value::Null);
        Ok((kind, data))
    }

    /// Reads an event back from the `type` and `data` members of a ledger entry.
    ///
    /// # Errors
    /// A type that no event has, or data that do not fit it.
    pub fn from_parts(kind: &str, data: &serde_json::Value) -> Result<Self, serde_json::Error> {
        let whole = serde_json::json!({ "type": kind, "data": data });
        // Areas are read as what they are, so that an error names what does not fit.
        if AuditEvent::owns(kind) {
            return serde_json::from_value(whole).map(Self::Audit);
        }
        if PrivacyEvent::owns(kind) {
            return serde_json::from_value(whole).map(Self::Privacy);
        }
        serde_json::from_value(whole).map_err(|_| {
            serde::de::Error::custom(format!(
                "{kind:?} is no type of event, or its data are not those of one"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PrincipalId;
    use crate::{Role, Timestamp};

    #[test]
    fn an_event_reads_back_from_its_entry_parts() {
        let event = Event::RoleGranted {
            principal: PrincipalId::new(Timestamp::from_micros(1), [1; 10]),
            role: Role::Approver,
            system: None,
        };
        let (kind, data) = event.to_parts().unwrap();
        assert_eq!(kind, "role.granted");
        assert_eq!(Event::from_parts(&kind, &data).unwrap(), event);
        assert!(Event::from_parts("role.invented", &data).is_err());
    }
}
