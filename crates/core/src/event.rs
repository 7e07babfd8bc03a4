//! Governance events: the only way a state changes, and exactly what a ledger entry says in clear.
//!
//! // INVARIANT (no-personal-data-in-entries): a field here is an id, a digest, a number, an enum or a validated
//! short name. Free text and personal data go to the types of [`crate::private`].
//!
//! Events about audits and about requests of data subjects stand in enums of their own, one file for each area; what is
//! stored of them is the same as of the others.
//!
//! Stored format: the variants are never changed in a way that an old entry would no longer read. New facts are
//! new optional fields or new variants.

mod audit;
mod form;
mod privacy;

pub use crate::event_parts::{
    ArtifactUse, AssessedRisk, DatasetFile, DatasetUsed, FactSource, PointRange, PurgedArtifact, PurgedDay,
    RiskRating, ShadowDecision, TierBasis, VersionFacts,
};
pub use audit::{AuditEvent, AuditTerms};
pub use privacy::{PrivacyEvent, RequestClock};

use crate::ids::{
    AlarmId, ApprovalId, BaselineId, BlockId, DatasetId, DatasetVersionId, DecisionId, DelegationId,
    DeploymentId, DrillId, EmergencyId, EvidenceId, FactorId, FairnessMonitorId, HoldId, IncidentId,
    InvitationId, ModelId, OrgId, PrincipalId, ProposalId, RemediationId, RiskId, SessionId, SubjectId,
    SystemId, TeamId, TokenId, TrustId, UploadId, VendorId, VersionId, WaiverId,
};

use crate::name::{ControlId, MediaType};
use crate::vocab::{
    AlarmTopic, BaselineSource, BundleVerdict, CollectionMethod, CredentialOrigin, DeploymentKind, DriftBand,
    DriftPillar, Environment, ErasureBasis, EvidenceKind, ExceptionStep, FactorKind, FairnessState,
    IncidentCause, LegalBasis, Measure, Outcome, PiiCategory, ReadKind, RecordKind, Relation,
    RemediationCause, RemediationEnd, ReminderKind, RetentionClass, RiskTier, Role, ShadowEnd, SystemKind,
    SystemStatus, Vote,
};
use crate::{Digest, Label, Slug, TagText, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One governance event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[expect(
    missing_docs,
    reason = "each field is the id or fact that its name says; docs/EVENTS.md lists them all"
)]
pub enum Event {
    /// The organisation and its log began.
    #[serde(rename = "org.created")]
    OrgCreated { org: OrgId, slug: Slug, origin: String, vkey: String },
    /// A person became known. Private: name and e-mail, under the person's own key.
    #[serde(rename = "person.added")]
    PersonAdded { principal: PrincipalId },
    /// A service account became known.
    #[serde(rename = "service_account.added")]
    ServiceAccountAdded { principal: PrincipalId, slug: Slug },
    /// A principal may no longer act.
    #[serde(rename = "principal.disabled")]
    PrincipalDisabled { principal: PrincipalId },
    /// An external identity now signs in as this person; the digest is keyed (no-personal-data-in-entries).
    #[serde(rename = "identity.linked")]
    IdentityLinked { principal: PrincipalId, issuer: TagText },
    /// No external identity signs in as this person any more, until one is linked again.
    #[serde(rename = "identity.unlinked")]
    IdentityUnlinked { principal: PrincipalId },
    /// A role was given, for the organisation or one system.
    #[serde(rename = "role.granted")]
    RoleGranted { principal: PrincipalId, role: Role, system: Option<SystemId> },
    /// A role was taken away.
    #[serde(rename = "role.revoked")]
    RoleRevoked { principal: PrincipalId, role: Role, system: Option<SystemId> },
    /// A team was made.
    #[serde(rename = "team.created")]
    TeamCreated { team: TeamId, slug: Slug },
    /// A principal joined a team.
    #[serde(rename = "team.member_added")]
    TeamMemberAdded { team: TeamId, principal: PrincipalId },
    /// A principal left a team.
    #[serde(rename = "team.member_removed")]
    TeamMemberRemoved { team: TeamId, principal: PrincipalId },
    /// A person was invited to make a credential of their own. An earlier invitation that is still open ends.
    #[serde(rename = "invitation.issued")]
    InvitationIssued { invitation: InvitationId, principal: PrincipalId, expires_at: Timestamp },
    /// The invitation was used, once. Every earlier token and session of the person ends with it.
    #[serde(rename = "invitation.accepted")]
    InvitationAccepted { invitation: InvitationId },
    /// A token was issued. Its secret is nowhere, its hash is a secret of the store.
    #[serde(rename = "token.issued")]
    TokenIssued {
        token: TokenId,
        principal: PrincipalId,
        environment: Option<Environment>,
        expires_at: Timestamp,
        label: Slug,
        origin: CredentialOrigin,
    },
    /// A token was revoked.
    #[serde(rename = "token.revoked")]
    TokenRevoked { token: TokenId },
    /// A service account may get tokens for what an issuer says about a workload. Private: audience and claims.
    #[serde(rename = "workload.trusted")]
    WorkloadTrusted {
        trust: TrustId,
        principal: PrincipalId,
        issuer: TagText,
        environment: Option<Environment>,
    },
    /// It may no longer.
    #[serde(rename = "workload.distrusted")]
    WorkloadDistrusted { trust: TrustId },
    /// A workload token was changed for a token of the service account. Private: the claims that counted.
    #[serde(rename = "workload.exchanged")]
    WorkloadExchanged { trust: TrustId, token: TokenId },
    /// Somebody signed in.
    #[serde(rename = "session.opened")]
    SessionOpened { session: SessionId, principal: PrincipalId, method: Slug, expires_at: Timestamp },
    /// Somebody signed out.
    #[serde(rename = "session.closed")]
    SessionClosed { session: SessionId },
    /// A person enrolled a second factor. Its secret is nowhere; `credential` is the digest of a passkey's id.
    #[serde(rename = "factor.enrolled")]
    FactorEnrolled {
        factor: FactorId,
        principal: PrincipalId,
        kind: FactorKind,
        label: Slug,
        credential: Option<Digest>,
    },
    /// A second factor was taken away.
    #[serde(rename = "factor.removed")]
    FactorRemoved { factor: FactorId },
    /// A second factor was shown for the act on `subject` that is recorded with it, for example `approval/<id>`.
    #[serde(rename = "factor.used")]
    FactorUsed { factor: FactorId, kind: FactorKind, subject: String },
    /// A vendor was registered. Private: names and contacts.
    #[serde(rename = "vendor.registered")]
    VendorRegistered { vendor: VendorId, slug: Slug },
    /// An AI system was registered. Private: title, purpose, intended use, populations, data sources.
    #[serde(rename = "system.registered")]
    SystemRegistered {
        system: SystemId,
        slug: Slug,
        kind: SystemKind,
        status: SystemStatus,
        owner_team: TeamId,
        vendor: Option<VendorId>,
    },
    /// Facts of a system changed; absent fields stay. Private: the new text, whole, if it changed.
    #[serde(rename = "system.updated")]
    SystemUpdated {
        system: SystemId,
        status: Option<SystemStatus>,
        owner_team: Option<TeamId>,
        text_changed: bool,
    },
    /// Two systems, or a system and a vendor, hang together.
    #[serde(rename = "system.linked")]
    SystemLinked {
        system: SystemId,
        relation: Relation,
        to_system: Option<SystemId>,
        to_vendor: Option<VendorId>,
    },
    /// A risk officer said which tier a system has; `basis` if rules computed it from stated facts. Private: the reasons
    /// and the answers.
    #[serde(rename = "system.classified")]
    SystemClassified {
        system: SystemId,
        tier: RiskTier,
        previous: Option<RiskTier>,
        basis: Option<TierBasis>,
    },
    /// Evidence about a version, or about a whole system, was recorded. `subject` is the digest over the version's
    /// artifacts; measures are millionths, rounded against whoever asks. Private: a note.
    #[serde(rename = "evidence.recorded")]
    EvidenceRecorded {
        evidence: EvidenceId,
        kind: EvidenceKind,
        system: SystemId,
        version: Option<VersionId>,
        subject: Option<Digest>,
        document: Option<Digest>,
        observed_at: Timestamp,
        passed: bool,
        measures: BTreeMap<Measure, i64>,
    },
    /// Evidence no longer counts. Private: the reason.
    #[serde(rename = "evidence.withdrawn")]
    EvidenceWithdrawn { evidence: EvidenceId },
    /// A tag was set; an absent value removes it. `subject` is `system/<id>`, `model/<id>` and so on.
    #[serde(rename = "tag.set")]
    TagSet { subject: String, key: TagText, value: Option<TagText> },
    /// A dataset was registered. Private: title and description.
    #[serde(rename = "dataset.registered")]
    DatasetRegistered { dataset: DatasetId, slug: Slug, owner_team: TeamId },
    /// A dataset version was registered. Private: origin, consent note, transformation notes.
    #[serde(rename = "dataset_version.registered")]
    DatasetVersionRegistered {
        dataset_version: DatasetVersionId,
        dataset: DatasetId,
        label: Label,
        files: Vec<DatasetFile>,
        rows: u64,
        licence: TagText,
        collection: CollectionMethod,
        legal_basis: LegalBasis,
        personal_data: Vec<PiiCategory>,
        retention_days: Option<u32>,
        derived_from: Vec<DatasetVersionId>,
        record_digest: Digest,
    },
    /// An artifact is completely stored and its digest was computed from what is stored.
    #[serde(rename = "artifact.stored")]
    ArtifactStored { upload: UploadId, digest: Digest, bytes: u64, media_type: MediaType, parts: u32 },
    /// A model was registered in a system.
    #[serde(rename = "model.registered")]
    ModelRegistered { model: ModelId, system: SystemId, slug: Slug },
    /// A model version was registered. Private: hyperparameters, signature, environment, notes.
    #[serde(rename = "version.registered")]
    VersionRegistered { version: VersionId, facts: VersionFacts },
    /// A note on a version. Private: the note.
    #[serde(rename = "version.annotated")]
    VersionAnnotated { version: VersionId },
    /// A policy decision was made and recorded before the caller learned of it.
    #[serde(rename = "decision.recorded")]
    DecisionRecorded {
        decision: DecisionId,
        action: Slug,
        resource: String,
        environment: Option<Environment>,
        outcome: Outcome,
        bundle: Digest,
        facts: BTreeMap<String, serde_json::Value>,
        rules: Vec<Slug>,
        /// Where facts come from, by name.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        sources: BTreeMap<String, FactSource>,
        /// What the policies in shadow said, while there are such.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shadow: Option<ShadowDecision>,
    },
    /// The base policies of this version of the product came with it. Private: their files.
    #[serde(rename = "policy.shipped")]
    PolicyShipped { bundle: Digest, product: TagText },
    /// A bundle of policies was proposed. Private: its files, if they are new, and the reason.
    #[serde(rename = "policy.proposed")]
    PolicyProposed { proposal: ProposalId, bundle: Digest, tests_passed: bool, new: bool },
    /// A proposed bundle was compared with the one in force. Private: the report.
    #[serde(rename = "policy.analysed")]
    PolicyAnalysed {
        proposal: ProposalId,
        bundle: Digest,
        against: Digest,
        verdict: BundleVerdict,
        invariants_violated: u32,
        invariants_unproven: u32,
        rules_may_err: u32,
        rules_unproven: u32,
        report: Digest,
        solver: Option<TagText>,
    },
    /// A vote on a proposed bundle. Private: the comment.
    #[serde(rename = "policy.voted")]
    PolicyVoted { proposal: ProposalId, voter: PrincipalId, vote: Vote, decision: DecisionId },
    /// A bundle is in force from this entry on.
    #[serde(rename = "policy.activated")]
    PolicyActivated {
        proposal: ProposalId,
        bundle: Digest,
        previous: Digest,
        verdict: BundleVerdict,
        decision: DecisionId,
    },
    /// From here on every decision is also made by a proposed bundle, without any effect.
    #[serde(rename = "policy.shadow_started")]
    PolicyShadowStarted { proposal: ProposalId, bundle: Digest },
    /// No longer.
    #[serde(rename = "policy.shadow_ended")]
    PolicyShadowEnded { proposal: ProposalId, because: ShadowEnd },
    /// The bundle in shadow said something else about an act whose decision is not on record by itself. Once for each
    /// act, outcome and set of rules.
    #[serde(rename = "policy.shadow_differed")]
    PolicyShadowDiffered {
        action: Slug,
        resource: String,
        outcome: Outcome,
        rules: Vec<Slug>,
        shadow: ShadowDecision,
    },
    /// Somebody asked that a rule be waived for a time. Private: the reason.
    #[serde(rename = "waiver.requested")]
    WaiverRequested {
        waiver: WaiverId,
        rule: Slug,
        version: VersionId,
        environment: Environment,
        owner: PrincipalId,
        ticket: TagText,
        expires_at: Timestamp,
    },
    /// A waiver was granted or refused. Private: the comment.
    #[serde(rename = "waiver.decided")]
    WaiverDecided { waiver: WaiverId, approver: PrincipalId, vote: Vote, decision: DecisionId },
    /// A waiver ended before its time. Private: the reason.
    #[serde(rename = "waiver.ended")]
    WaiverEnded { waiver: WaiverId },
    /// Somebody declared that a version must be deployed past the gate. Private: the reason.
    #[serde(rename = "emergency.opened")]
    EmergencyOpened {
        emergency: EmergencyId,
        system: SystemId,
        version: VersionId,
        environment: Environment,
        ticket: TagText,
        decision: DecisionId,
        expires_at: Timestamp,
    },
    /// A second person confirmed it: until it expires the version can be deployed once. Private: the comment.
    #[serde(rename = "emergency.confirmed")]
    EmergencyConfirmed {
        emergency: EmergencyId,
        confirmed_by: PrincipalId,
        decision: DecisionId,
        review_due_at: Timestamp,
    },
    /// It was used. `bypassed` are the rules that stood against the deployment at the gate.
    #[serde(rename = "emergency.used")]
    EmergencyUsed { emergency: EmergencyId, deployment: DeploymentId, bypassed: Vec<Slug> },
    /// Somebody without a part in it judged it. Private: the findings.
    #[serde(rename = "emergency.reviewed")]
    EmergencyReviewed { emergency: EmergencyId, reviewer: PrincipalId, justified: bool, decision: DecisionId },
    /// Something was found that must be put right: a bias test that failed, or a finding in operation. Private: what.
    #[serde(rename = "remediation.opened")]
    RemediationOpened {
        remediation: RemediationId,
        system: SystemId,
        version: VersionId,
        cause: RemediationCause,
        evidence: Option<EvidenceId>,
    },
    /// Who does what by when; the last plan counts. Private: the mitigation.
    #[serde(rename = "remediation.planned")]
    RemediationPlanned {
        remediation: RemediationId,
        system: SystemId,
        owner: PrincipalId,
        due_at: Timestamp,
        decision: DecisionId,
    },
    /// It is over: `evidence` is the later test that passed, or a risk officer accepts what remains. Private: the reason.
    #[serde(rename = "remediation.closed")]
    RemediationClosed {
        remediation: RemediationId,
        system: SystemId,
        end: RemediationEnd,
        evidence: Option<EvidenceId>,
        decision: DecisionId,
    },
    /// An incident began. `subject` is what it is about, for example `emergency/<id>`.
    #[serde(rename = "incident.opened")]
    IncidentOpened { incident: IncidentId, system: SystemId, cause: IncidentCause, subject: String },
    /// An incident is over.
    #[serde(rename = "incident.closed")]
    IncidentClosed { incident: IncidentId, system: SystemId },
    /// People are reminded of something that waits for them. `subject` is what it is, for example `approval/<id>`.
    #[serde(rename = "reminder.raised")]
    ReminderRaised { kind: ReminderKind, subject: String, system: Option<SystemId> },
    /// A message about an entry was not taken for a day, and is not sent any more.
    #[serde(rename = "notification.abandoned")]
    NotificationAbandoned { channel: Slug, index: u64 },
    /// A running deployment was decided about again: something changed, or a day has passed.
    #[serde(rename = "operation.decided")]
    OperationDecided {
        deployment: DeploymentId,
        system: SystemId,
        decision: DecisionId,
        outcome: Outcome,
        previous: Option<Outcome>,
        trigger: Slug,
        asks_for: Option<Slug>,
        lapses_at: Option<Timestamp>,
        /// The rules that fire.
        #[serde(default)]
        rules: Vec<Slug>,
        /// Those of them that did not fire by the decision before.
        #[serde(default)]
        began: Vec<Slug>,
    },
    /// Approval was asked for; it binds exactly these things. Private: the reason.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        approval: ApprovalId,
        version: VersionId,
        environment: Environment,
        artifacts: Digest,
        bundle: Digest,
        /// The rules whose approvals are asked for, with the people that each needs.
        plan: BTreeMap<Slug, u32>,
        /// The evidence that counted.
        evidence: Vec<EvidenceId>,
        /// The risk tier of the system.
        tier: Option<RiskTier>,
        /// The rules that fired whatever people approve.
        fired: Vec<Slug>,
        /// Random, so that no request stands for another one.
        nonce: Slug,
        expires_at: Timestamp,
    },
    /// A vote was cast. Private: the comment.
    #[serde(rename = "approval.voted")]
    ApprovalVoted {
        approval: ApprovalId,
        voter: PrincipalId,
        vote: Vote,
        decision: DecisionId,
        /// The person in whose stead it was cast, if the voter was named for that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_stead_of: Option<PrincipalId>,
        /// By which the voter was named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delegation: Option<DelegationId>,
    },
    /// Somebody named another person to vote in their stead for a time, everywhere or on one system. Private: the reason.
    #[serde(rename = "delegation.created")]
    DelegationCreated {
        delegation: DelegationId,
        delegator: PrincipalId,
        delegate: PrincipalId,
        system: Option<SystemId>,
        starts_at: Timestamp,
        ends_at: Timestamp,
    },
    /// A delegation ended before its time. Private: the reason.
    #[serde(rename = "delegation.ended")]
    DelegationEnded { delegation: DelegationId },
    /// A version went live in an environment. Private: the reason.
    #[serde(rename = "deployment.created")]
    DeploymentCreated {
        deployment: DeploymentId,
        system: SystemId,
        model: ModelId,
        version: VersionId,
        environment: Environment,
        kind: DeploymentKind,
        artifacts: Digest,
        approval: Option<ApprovalId>,
        decision: DecisionId,
        replaces: Option<DeploymentId>,
        drill: Option<DrillId>,
    },
    /// A rollback drill ended: production-like switch to the earlier version and back.
    #[serde(rename = "rollback.drilled")]
    RollbackDrilled {
        drill: DrillId,
        system: SystemId,
        environment: Environment,
        from: DeploymentId,
        to: DeploymentId,
        restored: DeploymentId,
        verified_artifacts: u32,
        millis: u64,
    },
    /// A runtime reported what it has loaded; recorded when something changed or an hour has passed.
    #[serde(rename = "runtime.reported")]
    RuntimeReported {
        system: SystemId,
        environment: Environment,
        instance: Slug,
        loaded: Digest,
        expected: Option<Digest>,
        matches: bool,
    },
    /// Prediction records of a version, or labels for them, were sealed: one Parquet file of one day (days since
    /// 1970-01-01, UTC). `root` is that of the Merkle tree over the records, `digest` the SHA-256 of the file, and
    /// `filter_bytes` the size of the filter of ids that is stored behind it.
    #[serde(rename = "predictions.sealed")]
    PredictionsSealed {
        block: BlockId,
        records: RecordKind,
        system: SystemId,
        version: VersionId,
        environment: Environment,
        day: u32,
        rows: u32,
        root: Digest,
        digest: Digest,
        bytes: u64,
        filter_bytes: u64,
        first_at: Timestamp,
        last_at: Timestamp,
    },
    /// The files of small blocks of one day became one file; the blocks, in their order in it, stay what they are.
    /// `digest` is the SHA-256 of the file.
    #[serde(rename = "predictions.compacted")]
    PredictionsCompacted {
        file: BlockId,
        records: RecordKind,
        system: SystemId,
        version: VersionId,
        environment: Environment,
        day: u32,
        blocks: Vec<BlockId>,
        digest: Digest,
        bytes: u64,
    },
    /// A baseline of a version: the profile of the data that its records are compared with from now on, an artifact,
    /// and where the bands of the drift coefficient begin, in millionths. `blocks` are those it was counted from, if it
    /// comes from production; `seasons` are profiles of single months or weekdays on the same bins.
    #[serde(rename = "baseline.set")]
    BaselineSet {
        baseline: BaselineId,
        system: SystemId,
        version: VersionId,
        profile: Digest,
        rows: u64,
        columns: u32,
        watch_ppm: u32,
        investigate_ppm: u32,
        rollback_ppm: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<BaselineSource>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        blocks: Vec<BlockId>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        seasons: BTreeMap<Slug, Digest>,
    },
    /// How a version is watched in an environment, by rule cards: where the bands begin at the latest, in millionths,
    /// and when an alarm begins and ends. It stands before the version serves, and follows the policies in force.
    #[serde(rename = "monitor.set")]
    MonitorSet {
        system: SystemId,
        version: VersionId,
        environment: Environment,
        rules: Vec<Slug>,
        watch_ppm: u32,
        investigate_ppm: u32,
        rollback_ppm: u32,
        breaches: u32,
        windows: u32,
        clear_ppm: u32,
    },
    /// The records of a version of one day were compared with its baseline. `coefficient_ppm` and `band` are absent
    /// without enough evidence; `through` and `labels_through` are the last blocks that were looked at, by index;
    /// `operation` and `access` are what latency, errors, volume and callers ask for; `season` is the part of the
    /// baseline that it was compared with. Private: the report.
    #[serde(rename = "window.judged")]
    WindowJudged {
        system: SystemId,
        version: VersionId,
        environment: Environment,
        day: u32,
        baseline: BaselineId,
        rows: u64,
        labelled: u64,
        coefficient_ppm: Option<u32>,
        band: Option<DriftBand>,
        pillar: Option<DriftPillar>,
        through: u64,
        labels_through: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<DriftBand>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access: Option<DriftBand>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        season: Option<Slug>,
    },
    /// An alarm began, or began again after a snooze: so many of the last windows asked for it. `day` is the one that
    /// made it so, `since` the day from which on it shows; `playbook` says what to do.
    #[serde(rename = "alarm.raised")]
    AlarmRaised {
        alarm: AlarmId,
        system: SystemId,
        version: VersionId,
        environment: Environment,
        topic: AlarmTopic,
        day: u32,
        since: u32,
        band: DriftBand,
        pillar: Option<DriftPillar>,
        coefficient_ppm: Option<u32>,
        playbook: Slug,
        breaches: u32,
        windows: u32,
        again: bool,
    },
    /// Somebody took an alarm on.
    #[serde(rename = "alarm.acknowledged")]
    AlarmAcknowledged { alarm: AlarmId, system: SystemId },
    /// An alarm is silent until then. Private: the reason.
    #[serde(rename = "alarm.snoozed")]
    AlarmSnoozed { alarm: AlarmId, system: SystemId, until: Timestamp },
    /// An alarm ended with this day.
    #[serde(rename = "alarm.cleared")]
    AlarmCleared { alarm: AlarmId, system: SystemId, day: u32 },
    /// An alarm asks that a deployment give way to an earlier version; none if no other one is good.
    #[serde(rename = "rollback.proposed")]
    RollbackProposed {
        alarm: AlarmId,
        system: SystemId,
        version: VersionId,
        environment: Environment,
        deployment: DeploymentId,
        to: Option<VersionId>,
    },
    /// From here on the decisions of a version are watched across groups: bounds in millionths by measure, and the chance of
    /// a false alarm over all time. Private: groups, and which decision is favourable.
    #[serde(rename = "fairness.watch_set")]
    FairnessWatchSet {
        monitor: FairnessMonitorId,
        system: SystemId,
        version: VersionId,
        criteria: BTreeMap<Slug, u32>,
        alpha_ppm: u32,
        decision: DecisionId,
    },
    /// The decisions of a day were counted by group, and the watch went on; again when more of them or their labels came.
    /// `p_ppm` is valid at any time; `alarms` says that a criterion is shown not to hold for the first time. Private: the
    /// counts, and the watch after them.
    #[serde(rename = "fairness.judged")]
    FairnessJudged {
        system: SystemId,
        version: VersionId,
        environment: Environment,
        day: u32,
        monitor: FairnessMonitorId,
        rows: u64,
        labelled: u64,
        state: FairnessState,
        p_ppm: u32,
        through: u64,
        labels_through: u64,
        alarms: bool,
    },
    /// A data subject became known, with the dataset versions that hold records about them. Private: the reference.
    #[serde(rename = "subject.registered")]
    SubjectRegistered { subject: SubjectId, datasets: Vec<DatasetVersionId> },
    /// The key of a subject was destroyed. `versions` were trained on data that held the subject.
    #[serde(rename = "subject.erased")]
    SubjectErased {
        subject: String,
        basis: ErasureBasis,
        payloads: u64,
        versions: Vec<VersionId>,
        key_backups_expire_at: Option<Timestamp>,
    },
    /// From here on nothing that it covers is purged: a version, a system, or everything. Private: the reason.
    #[serde(rename = "hold.placed")]
    HoldPlaced { hold: HoldId, system: Option<SystemId>, version: Option<VersionId>, owner: PrincipalId },
    /// No longer. Private: the reason.
    #[serde(rename = "hold.released")]
    HoldReleased { hold: HoldId, system: Option<SystemId> },
    /// A file, or the private parts of entries, can no longer be read: their keys are destroyed. `rules` asked for it.
    #[serde(rename = "data.purged")]
    DataPurged {
        class: RetentionClass,
        artifact: Option<PurgedArtifact>,
        entries: Vec<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<PurgedDay>,
        age_days: u32,
        rules: Vec<Slug>,
    },
    /// An authenticated principal was refused.
    #[serde(rename = "access.denied")]
    AccessDenied { action: Slug, resource: String, reason: Slug },
    /// Something whose reading is itself an act was read.
    #[serde(rename = "record.read")]
    RecordRead { kind: ReadKind, resource: String, count: u64 },
    /// Evidence left the system.
    #[serde(rename = "evidence.exported")]
    EvidenceExported { size: u64, root: Digest, disclosed: u64 },
    /// A control is in operation from here on. Private: its definition.
    #[serde(rename = "control.adopted")]
    ControlAdopted { control: ControlId, definition: Digest },
    /// From here on another definition of it holds. Private: the definition.
    #[serde(rename = "control.changed")]
    ControlChanged { control: ControlId, definition: Digest, previous: Digest },
    /// It is in operation no longer. Private: the reason.
    #[serde(rename = "control.retired")]
    ControlRetired { control: ControlId, definition: Digest },
    /// Something was recorded about an exception of a control, whose id is a digest over the control and the occurrence.
    /// `due_at` is the first moment at which a remediation that is planned comes too late. Private: what.
    #[serde(rename = "exception.noted")]
    ExceptionNoted { exception: Digest, control: ControlId, step: ExceptionStep, due_at: Option<Timestamp> },
    /// A risk of a system was put into the register, or reviewed and rated anew. Private: its description, or what the
    /// review says.
    #[serde(rename = "risk.recorded")]
    RiskRecorded { risk: RiskId, system: SystemId, review: bool, rating: RiskRating },
    /// A risk is none any more. Private: the reason.
    #[serde(rename = "risk.closed")]
    RiskClosed { risk: RiskId, system: SystemId },
    /// The risk of a system was assessed from stated facts. Private: the reason, and the answers with their sources.
    #[serde(rename = "risk.assessed")]
    RiskAssessed { system: SystemId, assessed: AssessedRisk },
    /// Somebody answered a question of a document. Private: the answer.
    #[serde(rename = "document.answered")]
    DocumentAnswered { kind: Slug, subject: TagText, system: Option<SystemId>, key: Slug },
    /// A document in which nothing was open was issued: `template` is the SHA-256 of what asked for it, `content` that of
    /// its text, an artifact.
    #[serde(rename = "document.issued")]
    DocumentIssued {
        kind: Slug,
        subject: TagText,
        system: Option<SystemId>,
        template: Digest,
        content: Digest,
    },
    /// Somebody stated whether a row of a framework is applicable to the organisation. Private: the reason.
    #[serde(rename = "criterion.scoped")]
    CriterionScoped { framework: Slug, criterion: TagText, applicable: bool },
    /// Root over every stream's count, so that nothing of one stream can be left out unnoticed.
    #[serde(rename = "ledger.stream_heads")]
    StreamHeads { root: Digest, streams: u64, size: u64 },
    /// The log's key changed; the data are a `RotationStatement` of the ledger crate, signed by both keys.
    #[serde(rename = "ledger.key_rotated")]
    KeyRotated(serde_json::Value),
    /// The overlap of a rotation ends: the old key is destroyed right after this is durable.
    #[serde(rename = "ledger.key_retired")]
    KeyRetired { old_vkey: String, new_vkey: String },
    /// A checkpoint was time-stamped by an RFC 3161 authority.
    #[serde(rename = "ledger.timestamped")]
    Timestamped { size: u64, authority: TagText, token: Digest },
    /// Something about the audit by an auditor from outside.
    #[serde(untagged)]
    Audit(AuditEvent),
    /// Something about the request of a data subject, or about what was trained on their data.
    #[serde(untagged)]
    Privacy(PrivacyEvent),
}
