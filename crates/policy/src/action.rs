//! The closed list of governance acts that a policy can decide about.
//!
//! The words are the ones of the Cedar schema, the ledger and the documentation; [`crate::Bundle::parse`] refuses a
//! schema that lacks one of them.

use comptroller_core::{InvalidValue, Slug};
use std::fmt;
use std::str::FromStr;

macro_rules! actions {
    ($($variant:ident = $text:literal: $doc:literal),+ $(,)?) => {
        /// A governance act.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $doc] $variant),+
        }

        impl Action {
            /// Every act, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, for example `system.register`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl FromStr for Action {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(InvalidValue::new("action", text, concat!("one of" $(, " ", $text)+))),
                }
            }
        }
    };
}

actions! {
    OrgRead = "org.read": "Read the organisation's own record.",
    PersonAdd = "person.add": "Make a person known.",
    PersonRead = "person.read": "Read who people are: names and e-mail addresses.",
    PersonInvite = "person.invite": "Invite a person to make a credential of their own.",
    PrincipalDisable = "principal.disable": "Stop a person or service account from acting.",
    ServiceAccountAdd = "service_account.add": "Make a service account known.",
    RoleGrant = "role.grant": "Give a role.",
    RoleRevoke = "role.revoke": "Take a role away.",
    TeamCreate = "team.create": "Make a team.",
    TeamRead = "team.read": "Read teams and who is in them.",
    TeamEditMembers = "team.edit_members": "Add or remove members of a team.",
    TokenIssue = "token.issue": "Issue an API token to a service account.",
    TokenIssueOwn = "token.issue_own": "Issue an API token to oneself, or end one's own.",
    FactorEnrol = "factor.enrol": "Enrol a second factor of one's own.",
    FactorRemove = "factor.remove": "Take a second factor away.",
    TokenRevoke = "token.revoke": "Revoke an API token.",
    TokenRead = "token.read": "List API tokens, never their secrets.",
    VendorRegister = "vendor.register": "Register a vendor.",
    VendorRead = "vendor.read": "Read vendors.",
    SystemRegister = "system.register": "Register an AI system.",
    SystemUpdate = "system.update": "Change the facts of an AI system.",
    SystemRead = "system.read": "Read AI systems.",
    SystemClassify = "system.classify": "Say which risk tier an AI system has.",
    EvidenceRecord = "evidence.record": "Record evidence about a version or a system.",
    EvidenceWithdraw = "evidence.withdraw": "Withdraw evidence.",
    EvidenceRead = "evidence.read": "Read evidence about versions and systems.",
    RemediationOpen = "remediation.open": "Say that something must be put right.",
    RemediationPlan = "remediation.plan": "Say who does what about a finding, and until when.",
    RemediationClose = "remediation.close": "End what is done about a finding: retested, or accepted.",
    SystemLink = "system.link": "Say how systems and vendors hang together.",
    TagSet = "tag.set": "Set or remove a tag.",
    DatasetRegister = "dataset.register": "Register a dataset or a version of one.",
    DatasetRead = "dataset.read": "Read datasets and their lineage.",
    ArtifactUpload = "artifact.upload": "Store an artifact.",
    ArtifactRead = "artifact.read": "Download an artifact.",
    ModelRegister = "model.register": "Register a model.",
    ModelRead = "model.read": "Read models.",
    VersionRegister = "version.register": "Register a model version.",
    VersionAnnotate = "version.annotate": "Add a note to a model version.",
    VersionRead = "version.read": "Read model versions.",
    GateCheck = "gate.check": "Ask whether a version may be deployed to an environment.",
    ApprovalRequest = "approval.request": "Ask people to approve a deployment.",
    ApprovalVote = "approval.vote": "Vote on a request for approval.",
    ApprovalRead = "approval.read": "Read requests for approval and their votes.",
    DelegationCreate = "delegation.create": "Name somebody who votes in one's stead for a time.",
    DelegationEnd = "delegation.end": "End a delegation before its time.",
    Deploy = "deploy": "Put a version into an environment.",
    Operate = "operate": "Go on running what is deployed.",
    WaiverRequest = "waiver.request": "Ask that a waiver takes the place of a rule for a time.",
    WaiverDecide = "waiver.decide": "Grant or refuse a waiver.",
    WaiverEnd = "waiver.end": "End a waiver before its time.",
    EmergencyOpen = "emergency.open": "Declare an emergency: a version must be deployed past the gate.",
    EmergencyConfirm = "emergency.confirm": "Confirm somebody else's emergency.",
    EmergencyDeploy = "emergency.deploy": "Put a version into an environment in a confirmed emergency.",
    EmergencyReview = "emergency.review": "Judge an emergency afterwards.",
    Rollback = "rollback": "Return an environment to a version that it served before.",
    Drill = "drill": "Rehearse a rollback.",
    ServingRead = "serving.read": "Ask which version serves, or served.",
    RuntimeReport = "runtime.report": "Report what a runtime has loaded.",
    PredictionRecord = "prediction.record": "Record what a model was asked and what it said, or what came true.",
    PredictionRead = "prediction.read": "Read single prediction records.",
    MonitorConfigure = "monitor.configure": "Say what a version is watched against, and where alarms begin.",
    AlarmAnswer = "alarm.answer": "Take an alarm on, or silence it for a time.",
    SubjectRegister = "subject.register": "Make a data subject known.",
    SubjectRead = "subject.read": "Read who a data subject is.",
    SubjectHandle = "subject.handle": "Handle a request of a data subject, and decide what was trained on their data.",
    SubjectErase = "subject.erase": "Destroy the key of a data subject.",
    HoldPlace = "hold.place": "Place a legal hold: what it covers is not purged.",
    HoldRelease = "hold.release": "Release a legal hold.",
    RetentionRead = "retention.read": "Read what is kept how long, and what is held.",
    RetentionPurge = "retention.purge": "Purge what is older than its maximum, now.",
    LedgerRead = "ledger.read": "Read ledger entries and their payloads.",
    LedgerRotateKey = "ledger.rotate_key": "Change the signing key of the ledger.",
    AuditRead = "audit.read": "Read the audit log: who did and read what.",
    AuditEngage = "audit.engage": "Give an auditor from outside access for a time.",
    AuditEnd = "audit.end": "End the access of an auditor.",
    AuditAsk = "audit.ask": "Ask for evidence in an audit, and accept or flag what comes.",
    AuditAnswer = "audit.answer": "Answer what an auditor asks for.",
    EngagementRead = "engagement.read": "Read engagements of auditors, and what is asked for in them.",
    EvidenceExport = "evidence.export": "Export an evidence pack.",
    PolicyRead = "policy.read": "Read the policies in force.",
    PolicyPropose = "policy.propose": "Propose a bundle of policies, and have it compared.",
    PolicyApprove = "policy.approve": "Vote on a proposed bundle of policies.",
    PolicyActivate = "policy.activate": "Put a bundle of policies in force.",
    ControlManage = "control.manage": "Put a control in operation, change it, or take it out.",
    ExceptionNote = "exception.note": "Record what is done about an exception of a control.",
    DoctorRun = "doctor.run": "Check the store against the ledger.",
}

impl Action {
    /// The word as a name that may stand in the ledger in clear.
    pub fn slug(self) -> Slug {
        // Proof: every word is lower-case letters, dots and underscores; a test reads all of them.
        self.as_str().parse().expect("every action word is a slug")
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_is_a_slug() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse::<Action>().unwrap(), *action);
            assert_eq!(action.slug().as_str(), action.as_str());
        }
        let error = "system.delete".parse::<Action>().unwrap_err();
        assert!(error.to_string().contains("one of org.read person.add"), "{error}");
    }
}
