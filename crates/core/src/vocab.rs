//! The closed vocabularies: environments, roles, kinds and states.

use crate::InvalidValue;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

// `$text` is a token tree: as a `literal` it would reach the schema derive in a group that it cannot look into.
macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:tt),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it stands in the API, the CLI, the database and the ledger.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(InvalidValue::new($what, text, concat!("one of" $(, " ", $text)+))),
                }
            }
        }
    )+};
}

vocabulary! {
    /// Where a version runs.
    Environment, "environment" {
        /// Development.
        Dev = "dev",
        /// Rehearsal with production-like data.
        Staging = "staging",
        /// Decides about people or money.
        Production = "production",
    }
    /// What a principal may do; granted for the whole organisation or for one system.
    Role, "role" {
        /// Everything about the organisation, except approving.
        Owner = "owner",
        /// People, tokens and configuration. Never approves (separation-of-duties).
        Admin = "admin",
        /// Reads everything, votes on approvals, manages erasure.
        RiskOfficer = "risk-officer",
        /// Votes on approvals.
        Approver = "approver",
        /// Registers systems, datasets, models and versions.
        Developer = "developer",
        /// Deploys and rolls back.
        Deployer = "deployer",
        /// Reads everything and exports evidence, changes nothing.
        Auditor = "auditor",
        /// A pipeline: registers versions, asks the gate, deploys to dev and staging.
        Ci = "ci",
    }
    /// What is recorded about a model at work.
    RecordKind, "kind of records" {
        /// What the model was asked and what it said.
        Prediction = "prediction",
        /// What came true, later.
        Label = "label",
    }
    /// What a drift coefficient asks for.
    DriftBand, "drift band" {
        /// Nothing.
        Normal = "normal",
        /// Look at it.
        Watch = "watch",
        /// Find the cause; retrain if it is in the world.
        Investigate = "investigate",
        /// Return to what was sound.
        Rollback = "rollback",
    }
    /// In what way a model drifts.
    DriftPillar, "drift pillar" {
        /// Its inputs.
        Data = "data",
        /// Its scores and decisions.
        Prediction = "prediction",
        /// Missing, malformed and unseen values.
        Quality = "quality",
        /// Skill lost.
        Performance = "performance",
        /// What a score means.
        Concept = "concept",
    }
    /// Where a baseline comes from.
    BaselineSource, "baseline source" {
        /// A profile that somebody named.
        Stated = "stated",
        /// A profile among the files of the version, or of the data it was trained or validated on.
        Training = "training",
        /// The first rows that were recorded.
        Production = "production",
    }
    /// What an alarm is about.
    AlarmTopic, "alarm topic" {
        /// The drift coefficient.
        Drift = "drift",
        /// Latency, errors, volume and gaps.
        Operation = "operation",
        /// Who calls, and how much.
        Access = "access",
    }
    /// Who acts.
    PrincipalKind, "principal kind" {
        /// A human; counts in quorums.
        Person = "person",
        /// A program; never counts in quorums.
        ServiceAccount = "service-account",
    }
    /// How whoever holds a credential first proved who they are. A token made with another one keeps its origin.
    CredentialOrigin, "credential origin" {
        /// The first start of the server.
        Bootstrap = "bootstrap",
        /// An administrator issued it to a service account.
        Issued = "issued",
        /// The person accepted an invitation, which an administrator has seen too.
        Invitation = "invitation",
        /// The person signed in at the identity provider.
        SignIn = "sign-in",
        /// A pipeline showed a workload token of its platform.
        Workload = "workload",
    }
    /// What somebody shows besides being signed in.
    FactorKind, "factor kind" {
        /// A time-based one-time code of an authenticator app (RFC 6238).
        Totp = "totp",
        /// A key pair of an authenticator that recognises its owner (Web Authentication).
        Passkey = "passkey",
    }
    /// Where an AI system comes from.
    SystemKind, "system kind" {
        /// Built and run by the organisation.
        Own = "own",
        /// A model of somebody else behind an API.
        ThirdPartyApi = "third-party-api",
        /// Found in use without having been registered.
        Shadow = "shadow",
    }
    /// Where an AI system stands in its life.
    SystemStatus, "system status" {
        /// Planned.
        Proposed = "proposed",
        /// Being built.
        Development = "development",
        /// In use.
        InUse = "in-use",
        /// No longer used. Nothing is deleted.
        Retired = "retired",
    }
    /// How two systems, or a system and a vendor, hang together.
    Relation, "relation" {
        /// The first calls the second.
        DependsOn = "depends-on",
        /// The first replaces the second.
        Replaces = "replaces",
        /// The second supplies the first.
        SuppliedBy = "supplied-by",
    }
    /// How far the law and the organisation's own rules reach into a system (EU AI Act, Regulation (EU) 2024/1689,
    /// Art. 5, 6 and 50), as a risk officer has classified it. In the order of risk.
    RiskTier, "risk tier" {
        /// None of the others.
        Minimal = "minimal",
        /// Transparency duties, Art. 50.
        Limited = "limited",
        /// High risk, Art. 6, or treated as such by the organisation.
        High = "high",
        /// A prohibited practice, Art. 5: never deployed.
        Prohibited = "prohibited",
    }
    /// What is done about a risk (ISO 31000:2018, 6.5.2, in our own words).
    RiskTreatment, "risk treatment" {
        /// What leads to it is not done.
        Avoid = "avoid",
        /// It is made less likely or less severe.
        Reduce = "reduce",
        /// Somebody else bears it.
        Transfer = "transfer",
        /// It is borne as it is.
        Accept = "accept",
    }
    /// What a piece of evidence is. The first five are about one version, the others about the whole system.
    EvidenceKind, "evidence kind" {
        /// Performance on held-out data.
        Evaluation = "evaluation",
        /// A test of outcomes across groups of people.
        BiasTest = "bias-test",
        /// Behaviour under hostile or unusual input.
        RobustnessTest = "robustness-test",
        /// A model card.
        ModelCard = "model-card",
        /// How single outputs are explained, and a check of the explanations.
        Explanation = "explanation",
        /// A data-protection or fundamental-rights impact assessment.
        ImpactAssessment = "impact-assessment",
        /// Who oversees the system, with which powers.
        OversightPlan = "oversight-plan",
        /// What is watched in operation, with thresholds and who is called.
        MonitoringPlan = "monitoring-plan",
        /// Technical documentation.
        TechnicalFile = "technical-file",
        /// A review of security.
        SecurityReview = "security-review",
        /// An assessment of the risk in five dimensions, which is recorded with it and never by hand.
        RiskAssessment = "risk-assessment",
    }
    /// A number that a piece of evidence states, and that policies may set thresholds for.
    Measure, "measure" {
        /// Area under the ROC curve.
        Auc = "auc",
        /// Share of correct outputs.
        Accuracy = "accuracy",
        /// Lowest selection rate of a group divided by the highest.
        ImpactRatio = "impact-ratio",
        /// Largest difference of true-positive rates between groups.
        EqualOpportunityGap = "equal-opportunity-gap",
        /// Brier score.
        Brier = "brier",
        /// Largest difference between stated and observed probability.
        CalibrationGap = "calibration-gap",
        /// Drift coefficient against the baseline, 0 to 1.
        Drift = "drift",
        /// Share of hostile inputs that changed the output.
        AttackSuccess = "attack-success",
    }
    /// How a bundle of policies compares with another one, as far as it could be proven; the worst last.
    BundleVerdict, "bundle verdict" {
        /// Every request comes out as before.
        Equivalent = "equivalent",
        /// Nothing new is let in, and something may be newly refused.
        Stricter = "stricter",
        /// Not known whether something new is let in.
        Unproven = "unproven",
        /// Something new is let in, whatever else is newly refused.
        Looser = "looser",
    }
    /// How the answer of policies in shadow compares with that of the policies in force.
    ShadowEffect, "shadow effect" {
        /// The same, whichever rules stand behind it.
        Same = "same",
        /// The shadow would have let less happen.
        Stricter = "stricter",
        /// The shadow would have let more happen.
        Looser = "looser",
        /// The shadow could not decide.
        Error = "error",
    }
    /// Why policies are no longer in shadow.
    ShadowEnd, "end of a shadow" {
        /// Somebody stopped it.
        Stopped = "stopped",
        /// The proposal came in force.
        Activated = "activated",
        /// Somebody voted against the proposal.
        Refused = "refused",
    }
    /// What is kept as bytes and may have to go after a time. A file that is of several classes is kept as long as each
    /// of them asks for.
    RetentionClass, "retention class" {
        /// A file of a model version.
        ModelFile = "model-file",
        /// A file of a dataset version.
        DatasetFile = "dataset-file",
        /// The document of a piece of evidence, or the text of an issued document.
        EvidenceDocument = "evidence-document",
        /// A stored file that nothing names.
        UnusedFile = "unused-file",
        /// The prediction records and labels of a day.
        Records = "prediction-records",
        /// The private part of an event that only explains it: a reason, a comment, a note, the claims of a pipeline.
        Note = "note",
    }
    /// Legal basis of a dataset's use (GDPR Art. 6(1) (a) to (f), or none needed).
    LegalBasis, "legal basis" {
        /// Art. 6(1)(a).
        Consent = "consent",
        /// Art. 6(1)(b).
        Contract = "contract",
        /// Art. 6(1)(c).
        LegalObligation = "legal-obligation",
        /// Art. 6(1)(d).
        VitalInterests = "vital-interests",
        /// Art. 6(1)(e).
        PublicTask = "public-task",
        /// Art. 6(1)(f).
        LegitimateInterests = "legitimate-interests",
        /// The data are not personal, or are anonymous.
        NotPersonal = "not-personal",
        /// Nobody has stated it yet.
        Unstated = "unstated",
    }
    /// How a dataset was collected.
    CollectionMethod, "collection method" {
        /// A survey.
        Survey = "survey",
        /// By-product of operating a service.
        Operational = "operational",
        /// Bought or licensed.
        Licensed = "licensed",
        /// Published data.
        Public = "public",
        /// Generated.
        Synthetic = "synthetic",
        /// Derived from other datasets.
        Derived = "derived",
    }
    /// Categories of personal data in a dataset (GDPR Art. 4, 9 and 10).
    PiiCategory, "personal-data category" {
        /// Name, address, identifiers.
        Identity = "identity",
        /// Age, sex, family, nationality.
        Demographic = "demographic",
        /// Income, credit, payments.
        Financial = "financial",
        /// Work and education.
        Employment = "employment",
        /// Race or ethnic origin (Art. 9).
        Ethnicity = "ethnicity",
        /// Health or disability (Art. 9).
        Health = "health",
        /// Biometric or genetic (Art. 9).
        Biometric = "biometric",
        /// Religion, opinions, union, sex life (Art. 9).
        Belief = "belief",
        /// Criminal convictions (Art. 10).
        Criminal = "criminal",
        /// Where somebody is or was.
        Location = "location",
        /// Behaviour.
        Behaviour = "behaviour",
    }
    /// What a dataset version was used for in a model version.
    DatasetUse, "dataset use" {
        /// Fitting.
        Training = "training",
        /// Choosing.
        Validation = "validation",
        /// Final measurement.
        Test = "test",
        /// Fine-tuning a pre-trained model.
        FineTuning = "fine-tuning",
    }
    /// Outcome of a policy decision (DESIGN section 7).
    Outcome, "outcome" {
        /// May happen.
        Allow = "allow",
        /// May happen once the named approvals are there.
        NeedsReview = "needs-review",
        /// Must not happen.
        Deny = "deny",
        /// The decision itself failed; counts as deny (deny-on-error).
        Unknown = "unknown",
    }
    /// A vote on an approval request.
    Vote, "vote" {
        /// In favour.
        Approve = "approve",
        /// Against; terminal for the request.
        Deny = "deny",
    }
    /// How a deployment came about.
    DeploymentKind, "deployment kind" {
        /// A promotion.
        Deploy = "deploy",
        /// Return to an earlier version.
        Rollback = "rollback",
        /// Past the gate, in a confirmed emergency.
        Emergency = "emergency",
    }
    /// What people are reminded of.
    ReminderKind, "reminder kind" {
        /// A request for approval waits for votes.
        ApprovalWaiting = "approval-waiting",
        /// It still does, and those who answer for the system should know.
        ApprovalEscalated = "approval-escalated",
        /// A waiver ends in less than 30 days.
        WaiverThirtyDays = "waiver-30-days",
        /// A waiver ends in less than 14 days.
        WaiverFourteenDays = "waiver-14-days",
        /// A waiver ends in less than 3 days.
        WaiverThreeDays = "waiver-3-days",
        /// An emergency must be reviewed within a day.
        ReviewDue = "review-due",
        /// The review of an emergency is past its time, and nothing of its system is promoted.
        ReviewOverdue = "review-overdue",
        /// Nobody has said who does what by when about a finding.
        RemediationUnplanned = "remediation-unplanned",
        /// What was to be done about a finding is past its time.
        RemediationOverdue = "remediation-overdue",
        /// What an auditor asked for is not answered, and its time has passed.
        EvidenceOverdue = "evidence-overdue",
        /// A data subject must be answered within a week.
        SubjectRequestDue = "subject-request-due",
        /// A data subject was not answered in time.
        SubjectRequestOverdue = "subject-request-overdue",
        /// What was decided about a version that was trained on a subject's data is past its time.
        AffectedVersionOverdue = "affected-version-overdue",
        /// What a risk assessment rests on is no longer so.
        AssessmentStale = "assessment-stale",
    }
    /// How a watch over decisions across groups stands. There is no pass.
    FairnessState, "fairness state" {
        /// Every group has enough rows, and nothing was found so far.
        NoFinding = "no-finding",
        /// Some group has too few rows.
        InsufficientEvidence = "insufficient-evidence",
        /// A criterion is shown not to hold.
        Finding = "finding",
    }
    /// What a remediation began with.
    RemediationCause, "remediation cause" {
        /// A bias test that failed.
        BiasTest = "bias-test",
        /// A finding in the decisions of a running version.
        FairnessMonitor = "fairness-monitor",
        /// Somebody opened it.
        ByHand = "by-hand",
    }
    /// How a remediation ended.
    RemediationEnd, "remediation end" {
        /// A later bias test of a version of the system passed.
        Retested = "retested",
        /// A risk officer accepts what remains.
        Accepted = "accepted",
    }
    /// Why an incident began.
    IncidentCause, "incident cause" {
        /// An emergency was confirmed.
        Emergency = "emergency",
        /// A running model drifted so far that it is to be rolled back.
        Drift = "drift",
    }
    /// What is recorded about an exception of a control.
    ExceptionStep, "step" {
        /// Why it happened.
        Cause = "cause",
        /// What followed from it.
        Effect = "effect",
        /// What was done about it.
        Remediation = "remediation",
        /// It was tested again, and what was wrong is right.
        RetestPassed = "retest-passed",
        /// It was tested again, and what was wrong is still wrong.
        RetestFailed = "retest-failed",
        /// What management says to it.
        Response = "response",
    }
    /// What has been read, where reading itself is an event.
    ReadKind, "read kind" {
        /// Personal data of people known to the system.
        PersonalData = "personal-data",
        /// The audit log.
        AuditLog = "audit-log",
        /// Records of a model.
        ModelRecords = "model-records",
    }
    /// What a data subject asks for.
    SubjectRequestKind, "kind of request" {
        /// Access to what is held about them (GDPR Art. 15).
        Access = "access",
        /// Erasure (GDPR Art. 17).
        Erasure = "erasure",
        /// An end of the processing (GDPR Art. 21).
        Objection = "objection",
        /// An explanation of a decision (GDPR Arts. 15(1)(h) and 22(3), AI Act Art. 86).
        Explanation = "explanation",
    }
    /// What was done about a request of a data subject.
    SubjectRequestStep, "step" {
        /// It was checked who asks (GDPR Art. 12(6)).
        IdentityChecked = "identity-checked",
        /// Something was done towards the answer.
        Done = "done",
    }
    /// How a request of a data subject ended.
    RequestOutcome, "outcome" {
        /// They got what they asked for.
        Fulfilled = "fulfilled",
        /// They did not, and were told why (GDPR Art. 12(4)).
        Refused = "refused",
        /// They no longer ask.
        Withdrawn = "withdrawn",
    }
    /// What becomes of a version that was trained on data of a subject.
    AffectedDecision, "decision" {
        /// It stays in use, for a stated reason.
        Keep = "keep",
        /// A version without the data takes its place.
        Retrain = "retrain",
        /// It is taken out of use.
        Retire = "retire",
    }
    /// Why personal data were erased.
    ErasureBasis, "erasure basis" {
        /// The subject asked (GDPR Art. 17(1)).
        SubjectRequest = "subject-request",
        /// Retention ended.
        RetentionEnded = "retention-ended",
        /// Consent withdrawn.
        ConsentWithdrawn = "consent-withdrawn",
        /// Collected unlawfully.
        Unlawful = "unlawful",
    }
}

impl Outcome {
    /// How little it lets happen: an outcome of the same number lets the same happen.
    const fn strength(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::NeedsReview => 1,
            Self::Deny | Self::Unknown => 2,
        }
    }

    /// How this outcome, of policies in shadow, compares with the `live` one.
    pub fn in_shadow_of(self, live: Self) -> ShadowEffect {
        use std::cmp::Ordering;
        if self == Self::Unknown && live != Self::Unknown {
            return ShadowEffect::Error;
        }
        match self.strength().cmp(&live.strength()) {
            Ordering::Equal => ShadowEffect::Same,
            Ordering::Greater => ShadowEffect::Stricter,
            Ordering::Less => ShadowEffect::Looser,
        }
    }
}

impl EvidenceKind {
    /// Whether it is about one version; else it is about the whole system.
    pub const fn of_version(self) -> bool {
        matches!(
            self,
            Self::Evaluation | Self::BiasTest | Self::RobustnessTest | Self::ModelCard | Self::Explanation
        )
    }
}

impl Measure {
    /// Whether more is better. It is rounded against whoever asks: down if so, else up.
    pub const fn more_is_better(self) -> bool {
        matches!(self, Self::Auc | Self::Accuracy | Self::ImpactRatio)
    }

    /// Whether it can have this value: all of them are shares, areas, ratios of the lower to the higher and gaps, 0 to 1.
    pub const fn is_possible(millionths: i64) -> bool {
        0 <= millionths && millionths <= 1_000_000
    }

    /// The kind of evidence that states it; none if several may.
    pub const fn stated_by(self) -> Option<EvidenceKind> {
        match self {
            Self::Auc | Self::Accuracy | Self::Brier | Self::CalibrationGap => Some(EvidenceKind::Evaluation),
            Self::ImpactRatio | Self::EqualOpportunityGap => Some(EvidenceKind::BiasTest),
            Self::AttackSuccess => Some(EvidenceKind::RobustnessTest),
            Self::Drift => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_is_compared_by_what_it_lets_happen() {
        use Outcome::{Allow, Deny, NeedsReview, Unknown};
        for (live, shadow, effect) in [
            (Allow, Allow, ShadowEffect::Same),
            (Allow, NeedsReview, ShadowEffect::Stricter),
            (NeedsReview, Deny, ShadowEffect::Stricter),
            (Deny, Allow, ShadowEffect::Looser),
            (Unknown, NeedsReview, ShadowEffect::Looser),
            (Unknown, Deny, ShadowEffect::Same),
            (Unknown, Unknown, ShadowEffect::Same),
            // That it would have been refused as well is no agreement: nobody knows what it would have said.
            (Deny, Unknown, ShadowEffect::Error),
            (Allow, Unknown, ShadowEffect::Error),
        ] {
            assert_eq!(shadow.in_shadow_of(live), effect, "{live} {shadow}");
        }
    }

    #[test]
    fn every_word_reads_back_as_itself() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), *role);
            assert_eq!(serde_json::to_string(role).unwrap(), format!("\"{role}\""));
        }
        let error = "prod".parse::<Environment>().unwrap_err();
        assert!(error.to_string().contains("one of dev staging production"), "{error}");
    }
}
