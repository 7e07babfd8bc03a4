//! Which acts can be asked about from outside, and about what.
//!
//! An act is here only if its facts are those that the server reads itself, or none; and only about things for which
//! the act itself is decided with the same roles, so that the answer is the one the act would get.

use comptroller_policy::Action;

/// What an act is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The organisation as a whole: roles on one system do not count.
    Organisation,
    /// Something of one system, or the organisation as a whole.
    System,
    /// Something of one system, in an environment.
    Placed,
    /// A version, in an environment, on everything that the gate looks at.
    Gate,
}

impl Scope {
    pub(super) fn is_placed(self) -> bool {
        matches!(self, Self::Placed | Self::Gate)
    }

    pub(super) fn resources(self) -> &'static [&'static str] {
        match self {
            Self::Organisation => &["org"],
            Self::System => &["org", "system", "model", "version"],
            Self::Placed => &["system", "model", "version"],
            Self::Gate => &["version"],
        }
    }
}

/// None: the act is decided on facts that only the act itself has, such as whose vote it is.
pub(super) fn scope_of(action: Action) -> Option<Scope> {
    use Action as A;
    match action {
        A::GateCheck | A::Deploy => Some(Scope::Gate),
        A::ApprovalRequest | A::RuntimeReport | A::PredictionRecord | A::WaiverRequest | A::WaiverEnd => {
            Some(Scope::Placed)
        }
        A::SystemUpdate
        | A::SystemRead
        | A::SystemLink
        | A::TagSet
        | A::ModelRegister
        | A::VersionRegister
        | A::VersionAnnotate
        | A::VersionRead
        | A::EvidenceRecord
        | A::EvidenceRead
        | A::RemediationOpen
        | A::PredictionRead
        | A::ServingRead
        | A::HoldPlace
        | A::AlarmAnswer
        | A::AuditRead => Some(Scope::System),
        A::OrgRead
        | A::PersonAdd
        | A::PersonRead
        | A::PersonInvite
        | A::PrincipalDisable
        | A::ServiceAccountAdd
        | A::TeamCreate
        | A::TeamRead
        | A::TeamEditMembers
        | A::TokenIssue
        | A::TokenIssueOwn
        | A::TokenRevoke
        | A::TokenRead
        | A::VendorRegister
        | A::VendorRead
        | A::SystemRegister
        | A::DatasetRegister
        | A::DatasetRead
        | A::ArtifactUpload
        | A::ArtifactRead
        | A::ModelRead
        | A::ApprovalRead
        | A::ControlManage
        | A::ExceptionNote
        | A::SubjectRegister
        | A::SubjectRead
        | A::SubjectErase
        | A::RetentionRead
        | A::RetentionPurge
        | A::LedgerRead
        | A::LedgerRotateKey
        | A::AuditEnd
        | A::AuditAnswer
        | A::EngagementRead
        | A::EvidenceExport
        | A::PolicyRead
        | A::PolicyPropose
        | A::DoctorRun => Some(Scope::Organisation),
        _ => None,
    }
}
