//! A year of an organisation that runs models: what happens every day, and releases.

use super::fill;
use comptroller_core::event::{ArtifactUse, DatasetUsed, VersionFacts};
use comptroller_core::ids::{
    ApprovalId, BaselineId, BlockId, DatasetId, DatasetVersionId, DecisionId, DeploymentId, DrillId,
    EvidenceId, FactorId, ModelId, PrincipalId, SystemId, TeamId, UploadId, VersionId,
};
use comptroller_core::vocab::{
    CollectionMethod, DatasetUse, DeploymentKind, DriftBand, DriftPillar, EvidenceKind, FactorKind,
    LegalBasis, Outcome, RecordKind, RiskTier, Vote,
};
use comptroller_core::{Clock, Digest, Environment, Event, Timestamp};
use comptroller_store::{Draft, Store};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

pub(crate) const DAYS: i64 = 365;
pub(crate) const DAY: i64 = 86_400_000_000;
/// 2026-01-01, UTC.
pub(crate) const BEGIN: i64 = 1_767_225_600_000_000;
/// Events of one system in the year, about.
pub(crate) const YEARLY: usize = 5_250;
/// Days between two releases of a system.
const RELEASES: i64 = 14;
/// Days between two drills of a system: at least one in each quarter.
const DRILLS: i64 = 30;
/// Who builds, asks for approval and votes.
const BUILDER: [u8; 10] = [1; 10];
const REQUESTER: [u8; 10] = [2; 10];
const VOTERS: [[u8; 10]; 2] = [[3; 10], [4; 10]];

/// A clock that stands where it was put, a microsecond on with every look.
#[derive(Debug)]
pub(crate) struct YearClock(pub(crate) AtomicI64);

impl Clock for YearClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// Gives ids that differ.
struct Ids {
    now: Timestamp,
    next: u64,
}

impl Ids {
    fn next(&mut self) -> (Timestamp, [u8; 10]) {
        self.next += 1;
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&self.next.to_be_bytes());
        (self.now, bytes)
    }

    fn digest(&mut self) -> Digest {
        self.next += 1;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.next.to_be_bytes());
        Digest::from_bytes(bytes)
    }
}

/// A running system.
struct Running {
    system: SystemId,
    model: ModelId,
    version: VersionId,
    artifacts: Digest,
    baseline: BaselineId,
    deployment: DeploymentId,
}

macro_rules! id {
    ($ids:expr, $kind:ident) => {{
        let (now, random) = $ids.next();
        $kind::new(now, random)
    }};
}

/// Writes the year; of `incomplete` releases one leaves steps out, 0: none does.
pub(crate) async fn year(
    store: &Store,
    clock: &YearClock,
    systems: usize,
    incomplete: usize,
) -> anyhow::Result<()> {
    let mut ids = Ids { now: clock.now(), next: 0 };
    let team = id!(ids, TeamId);
    let (dataset, data) = (id!(ids, DatasetId), id!(ids, DatasetVersionId));
    let first = vec![
        Event::TeamCreated { team, slug: "owners".parse()? },
        Event::DatasetRegistered { dataset, slug: "applications".parse()?, owner_team: team },
        Event::DatasetVersionRegistered {
            dataset_version: data,
            dataset,
            label: "1".parse()?,
            files: vec![comptroller_core::event::DatasetFile {
                name: "a.parquet".parse()?,
                digest: ids.digest(),
                bytes: 4,
            }],
            rows: 1_000,
            licence: "CC0".parse()?,
            collection: CollectionMethod::Survey,
            legal_basis: LegalBasis::NotPersonal,
            personal_data: Vec::new(),
            retention_days: None,
            derived_from: Vec::new(),
            record_digest: ids.digest(),
        },
    ];
    fill::write(store, first.into_iter().map(|event| Draft::new("system", event)).collect()).await?;
    let mut running = Vec::new();
    for number in 0..systems {
        let one = Running {
            system: id!(ids, SystemId),
            model: id!(ids, ModelId),
            version: id!(ids, VersionId),
            artifacts: ids.digest(),
            baseline: id!(ids, BaselineId),
            deployment: id!(ids, DeploymentId),
        };
        fill::write(store, registered(&one, &mut ids, number, team)?).await?;
        running.push(one);
    }
    let mut releases = 0;
    for day in 0..DAYS {
        clock.0.store(BEGIN + day * DAY, Ordering::SeqCst);
        ids.now = clock.now();
        let mut drafts = Vec::new();
        for (number, one) in (0..).zip(&mut running) {
            if (day + number) % RELEASES == 0 || day == 0 {
                releases += 1;
                let is_complete = incomplete == 0 || releases % incomplete != 0;
                drafts.extend(release(one, &mut ids, (day, data), is_complete)?);
            }
            drafts.extend(daily(one, &mut ids, (BEGIN / DAY + day) as u32)?);
            if (day + number) % 7 == 0 {
                drafts.push(decided(one, &mut ids)?);
            }
            if (day + number) % DRILLS == 0 {
                drafts.push(drilled(one, &mut ids));
            }
        }
        fill::write(store, drafts).await?;
    }
    clock.0.store(BEGIN + (DAYS + 1) * DAY, Ordering::SeqCst);
    Ok(())
}

/// A system, with what is planned for it.
fn registered(one: &Running, ids: &mut Ids, number: usize, team: TeamId) -> anyhow::Result<Vec<Draft>> {
    let system = one.system;
    let mut events = fill::registered(system, one.model, number, team)?;
    for kind in [EvidenceKind::MonitoringPlan, EvidenceKind::OversightPlan, EvidenceKind::SecurityReview] {
        events.push(evidence(ids, kind, one, false));
    }
    Ok(events.into_iter().map(|event| Draft::new("system", event).of_system(system)).collect())
}

/// Evidence that passed, about a system or its version.
fn evidence(ids: &mut Ids, kind: EvidenceKind, one: &Running, is_of_version: bool) -> Event {
    Event::EvidenceRecorded {
        evidence: id!(ids, EvidenceId),
        kind,
        system: one.system,
        version: is_of_version.then_some(one.version),
        subject: is_of_version.then(|| one.artifacts.clone()),
        document: None,
        observed_at: ids.now,
        passed: true,
        measures: BTreeMap::new(),
    }
}

/// A version from its registration to production. An incomplete release leaves steps out that controls ask for.
fn release(
    one: &mut Running,
    ids: &mut Ids,
    (day, data): (i64, DatasetVersionId),
    is_complete: bool,
) -> anyhow::Result<Vec<Draft>> {
    let now = ids.now;
    let who = |bytes| format!("principal/{}", PrincipalId::new(now, bytes));
    let files = vec![ArtifactUse { name: "model.txt".parse()?, digest: ids.digest(), bytes: 10 }];
    one.artifacts = comptroller_app::models::artifacts_digest(&files);
    one.version = id!(ids, VersionId);
    let version = one.version;
    let stored = Event::ArtifactStored {
        upload: id!(ids, UploadId),
        digest: files[0].digest.clone(),
        bytes: 10,
        media_type: "text/plain".parse()?,
        parts: 1,
    };
    let facts = VersionFacts {
        model: one.model,
        label: format!("{}", day + 1).parse()?,
        builders: vec![PrincipalId::new(now, BUILDER)],
        artifacts: files,
        training_started: now,
        training_ended: now,
        code_commit: "0123456789abcdef0123456789abcdef01234567".parse()?,
        datasets: vec![DatasetUsed { dataset_version: data, purpose: DatasetUse::Training }],
        metrics: BTreeMap::from([("auc".parse()?, 0.9)]),
        record_digest: ids.digest(),
        seed: None,
    };
    let mut events = Vec::new();
    let mut add = |actor: &str, event| events.push(Draft::new(actor, event).of_system(one.system));
    if is_complete {
        add("system", stored);
    }
    add("system", Event::VersionRegistered { version, facts });
    add("system", evidence(ids, EvidenceKind::Evaluation, one, true));
    add("system", evidence(ids, EvidenceKind::BiasTest, one, true));
    if is_complete {
        add("system", evidence(ids, EvidenceKind::ModelCard, one, true));
        add("system", evidence(ids, EvidenceKind::RobustnessTest, one, true));
        one.baseline = id!(ids, BaselineId);
        add(
            "system",
            Event::BaselineSet {
                baseline: one.baseline,
                system: one.system,
                version,
                profile: ids.digest(),
                rows: 40_000,
                columns: 12,
                watch_ppm: 100_000,
                investigate_ppm: 200_000,
                rollback_ppm: 400_000,
                source: None,
                blocks: Vec::new(),
                seasons: BTreeMap::new(),
            },
        );
        let staged = id!(ids, DeploymentId);
        for event in deployed(one, ids, staged, None)? {
            add("system", event);
        }
    }
    let approval = id!(ids, ApprovalId);
    let requested = Event::ApprovalRequested {
        approval,
        version,
        environment: Environment::Production,
        artifacts: one.artifacts.clone(),
        bundle: Digest::from_bytes([3; 32]),
        plan: BTreeMap::new(),
        evidence: Vec::new(),
        tier: Some(RiskTier::High),
        fired: Vec::new(),
        nonce: format!("n-{}", ids.next).parse()?,
        expires_at: now.plus_seconds(7 * 86_400),
    };
    add(&who(REQUESTER), requested);
    for voter in VOTERS {
        if is_complete {
            let factor = id!(ids, FactorId);
            let subject = format!("approval/{approval}");
            add(&who(voter), Event::FactorUsed { factor, kind: FactorKind::Totp, subject });
        }
        let voted = Event::ApprovalVoted {
            approval,
            voter: PrincipalId::new(now, voter),
            vote: Vote::Approve,
            decision: id!(ids, DecisionId),
            in_stead_of: None,
            delegation: None,
        };
        add(&who(voter), voted);
    }
    let deployment = id!(ids, DeploymentId);
    for event in deployed(one, ids, deployment, Some(approval))? {
        add("system", event);
    }
    one.deployment = deployment;
    Ok(events)
}

/// A decision that allows a deployment, and the deployment: to production with an approval, else to staging.
fn deployed(
    one: &Running,
    ids: &mut Ids,
    deployment: DeploymentId,
    approval: Option<ApprovalId>,
) -> anyhow::Result<[Event; 2]> {
    let environment = if approval.is_some() { Environment::Production } else { Environment::Staging };
    let decision = id!(ids, DecisionId);
    let allowed = Event::DecisionRecorded {
        decision,
        action: "deploy".parse()?,
        resource: format!("version/{}", one.version),
        environment: Some(environment),
        outcome: Outcome::Allow,
        bundle: Digest::from_bytes([3; 32]),
        facts: BTreeMap::from([("risk_tier".to_owned(), serde_json::json!("high"))]),
        rules: Vec::new(),
        sources: BTreeMap::new(),
        shadow: None,
    };
    let deployed = Event::DeploymentCreated {
        deployment,
        system: one.system,
        model: one.model,
        version: one.version,
        environment,
        kind: DeploymentKind::Deploy,
        artifacts: one.artifacts.clone(),
        approval,
        decision,
        replaces: None,
        drill: None,
    };
    Ok([allowed, deployed])
}

/// What the policies make of a running system, once a week.
fn decided(one: &Running, ids: &mut Ids) -> anyhow::Result<Draft> {
    let event = Event::OperationDecided {
        deployment: one.deployment,
        system: one.system,
        decision: id!(ids, DecisionId),
        outcome: Outcome::Allow,
        previous: Some(Outcome::Allow),
        trigger: "daily".parse()?,
        asks_for: None,
        lapses_at: None,
        rules: Vec::new(),
        began: Vec::new(),
    };
    Ok(Draft::new("system", event).of_system(one.system))
}

/// A rehearsed rollback.
fn drilled(one: &Running, ids: &mut Ids) -> Draft {
    let event = Event::RollbackDrilled {
        drill: id!(ids, DrillId),
        system: one.system,
        environment: Environment::Staging,
        from: one.deployment,
        to: id!(ids, DeploymentId),
        restored: one.deployment,
        verified_artifacts: 1,
        millis: 12,
    };
    Draft::new("system", event).of_system(one.system)
}

/// What happens every day while a system runs.
fn daily(one: &Running, ids: &mut Ids, day: u32) -> anyhow::Result<Vec<Draft>> {
    let (system, version, environment) = (one.system, one.version, Environment::Production);
    let mut events = vec![Event::DecisionRecorded {
        decision: id!(ids, DecisionId),
        action: "operate".parse()?,
        resource: format!("version/{version}"),
        environment: Some(environment),
        outcome: Outcome::Allow,
        bundle: Digest::from_bytes([3; 32]),
        facts: BTreeMap::from([("tier".to_owned(), serde_json::json!("high"))]),
        rules: Vec::new(),
        sources: BTreeMap::new(),
        shadow: None,
    }];
    for _ in 0..3 {
        events.push(Event::PredictionsSealed {
            block: id!(ids, BlockId),
            records: RecordKind::Prediction,
            system,
            version,
            environment,
            day,
            rows: 65_536,
            root: ids.digest(),
            digest: ids.digest(),
            bytes: 4_000_000,
            filter_bytes: 130_000,
            first_at: ids.now,
            last_at: ids.now,
        });
    }
    events.push(Event::WindowJudged {
        system,
        version,
        environment,
        day,
        baseline: one.baseline,
        rows: 40_000,
        labelled: 10_000,
        coefficient_ppm: Some(31_000 + day % 7),
        band: Some(DriftBand::Normal),
        pillar: Some(DriftPillar::Data),
        through: ids.next,
        labels_through: ids.next,
        operation: None,
        access: None,
        season: None,
    });
    for instance in 0..8 {
        events.push(Event::RuntimeReported {
            system,
            environment,
            instance: format!("pod-{instance}").parse()?,
            loaded: one.artifacts.clone(),
            expected: Some(one.artifacts.clone()),
            matches: true,
        });
    }
    Ok(events.into_iter().map(|event| Draft::new("system", event).of_system(system)).collect())
}
