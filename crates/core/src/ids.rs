//! Typed identifiers: UUID version 7 (RFC 9562), made by the application from an injected clock and randomness.
//!
//! One Rust type per kind of thing, so that a dataset id never stands where a model id is meant. The text form is
//! the plain hyphenated UUID.

use crate::{InvalidValue, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $what:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// Makes the id of a thing created at `now`, with 10 random bytes from the operating system.
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.micros() / 1_000).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                // The hyphenated form only: one thing has one spelling in URLs, logs and the ledger.
                match uuid::Uuid::try_parse(text) {
                    Ok(id) if text.len() == 36 && text == id.hyphenated().to_string() => Ok(Self(id)),
                    _ => Err(InvalidValue::new($what, text, "a lower-case hyphenated UUID")),
                }
            }
        }
    )+};
}

ids! {
    /// The organisation that owns the database and its log.
    OrgId, "organisation id";
    /// A team: owns systems and datasets.
    TeamId, "team id";
    /// A person or a service account: whoever may act.
    PrincipalId, "principal id";
    /// A second factor of a person (never its secret).
    FactorId, "factor id";
    /// An API token (never its secret).
    TokenId, "token id";
    /// An invitation: a person makes the first credential of their own with it.
    InvitationId, "invitation id";
    /// Trust in the tokens of a pipeline's platform.
    TrustId, "trust id";
    /// A browser session.
    SessionId, "session id";
    /// A vendor of third-party systems.
    VendorId, "vendor id";
    /// An AI system: what is governed.
    SystemId, "system id";
    /// A dataset.
    DatasetId, "dataset id";
    /// One immutable version of a dataset.
    DatasetVersionId, "dataset version id";
    /// A model: a line of versions inside a system.
    ModelId, "model id";
    /// One immutable version of a model.
    VersionId, "version id";
    /// A resumable artifact upload.
    UploadId, "upload id";
    /// A deployment of a version to an environment.
    DeploymentId, "deployment id";
    /// A request for approval.
    ApprovalId, "approval id";
    /// A delegation of somebody's votes to another person.
    DelegationId, "delegation id";
    /// A recorded policy decision.
    DecisionId, "decision id";
    /// A piece of evidence about a version or a system.
    EvidenceId, "evidence id";
    /// An emergency: a deployment past the gate.
    EmergencyId, "emergency id";
    /// An incident.
    IncidentId, "incident id";
    /// A waiver of a rule.
    WaiverId, "waiver id";
    /// A remediation: what is done about a finding.
    RemediationId, "remediation id";
    /// A risk of the register.
    RiskId, "risk id";
    /// A legal hold: what it covers is not purged.
    HoldId, "hold id";
    /// An engagement of an auditor from outside.
    EngagementId, "engagement id";
    /// A request of an auditor for evidence.
    EvidenceRequestId, "evidence request id";
    /// A request of a data subject.
    SubjectRequestId, "subject request id";
    /// A proposal to put a bundle of policies in force.
    ProposalId, "proposal id";
    /// A rollback drill.
    DrillId, "drill id";
    /// A sealed block of prediction records or labels.
    BlockId, "block id";
    /// A baseline that a version is watched against.
    BaselineId, "baseline id";
    /// An alarm about a version at work.
    AlarmId, "alarm id";
    /// A watch over the decisions of a version across groups.
    FairnessMonitorId, "fairness monitor id";
    /// A data subject: somebody whom records are about, and who may ask for erasure.
    SubjectId, "subject id";
    /// A data-encryption key.
    KeyId, "key id";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_version_7_and_sorts_by_time() {
        let early = SystemId::new(Timestamp::from_micros(1_700_000_000_000_000), [255; 10]);
        let late = SystemId::new(Timestamp::from_micros(1_700_000_001_000_000), [0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().as_bytes()[14], b'7');
        assert_eq!(early.to_string().parse::<SystemId>().unwrap(), early);
    }

    #[test]
    fn only_one_spelling_of_an_id_is_accepted() {
        let id = ModelId::new(Timestamp::from_micros(0), [0xab; 10]).to_string();
        assert!(id.to_uppercase().parse::<ModelId>().is_err());
        assert!(id.replace('-', "").parse::<ModelId>().is_err());
        assert!("../../etc/passwd".parse::<ModelId>().is_err());
    }
}
