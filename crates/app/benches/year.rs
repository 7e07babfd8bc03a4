//! Prints how long an evidence pack with the tests of all controls takes over a year of a million events, how much
//! memory it needs, and how fast it verifies. Asserts nothing: numbers of one machine are no test.
//!
//! `cargo bench -p comptroller-app --bench year -- [EVENTS]`. The year: every day each system has a window judged, a
//! decision about what runs, three blocks of records sealed and eight reports of its runtime; every other week a version
//! is registered, tested, approved and deployed.

#[path = "fill/store.rs"]
mod fill;

use anyhow::Context as _;
use comptroller_app::access::IssueOwnToken;
use comptroller_app::controls::{AdoptControl, TestControls, test_pack};
use comptroller_app::evidence::ExportPack;
use comptroller_app::invitations::InvitePerson;
use comptroller_app::people::{AddPerson, ChangeRole};
use comptroller_app::{App, Call, Caller};
use comptroller_compliance::control::shipped;
use comptroller_core::event::{ArtifactUse, DatasetUsed, VersionFacts};
use comptroller_core::ids::{
    ApprovalId, BaselineId, BlockId, DatasetVersionId, DecisionId, DeploymentId, EvidenceId, ModelId,
    PrincipalId, SystemId, TeamId, VersionId,
};
use comptroller_core::vocab::{
    DatasetUse, DeploymentKind, DriftBand, DriftPillar, EvidenceKind, Outcome, RecordKind, RiskTier,
    SystemKind, SystemStatus, Vote,
};
use comptroller_core::{Clock, Digest, Environment, Event, Role, Timestamp};
use comptroller_ledger::pack::{PackReader, verify_pack};
use comptroller_ledger::verify::Trust;
use comptroller_store::{Draft, Store};
use std::collections::BTreeMap;
use std::io::{Seek as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

const DAYS: i64 = 365;
const DAY: i64 = 86_400_000_000;
/// Events of one system on one day without a release.
const DAILY: usize = 13;
/// Days between two releases of a system.
const RELEASES: usize = 14;
/// 2026-01-01, UTC.
const BEGIN: i64 = 1_767_225_600_000_000;

/// A clock that stands where it was put, a microsecond on with every look.
#[derive(Debug)]
struct YearClock(AtomicI64);

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
}

macro_rules! id {
    ($ids:expr, $kind:ident) => {{
        let (now, random) = $ids.next();
        $kind::new(now, random)
    }};
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let testing = std::env::args().all(|argument| argument != "--bench");
    let asked = std::env::args().find_map(|argument| argument.parse().ok());
    let events: usize = asked.unwrap_or(if testing { 6_000 } else { 1_000_000 });
    let folder = tempfile::tempdir()?;
    let clock = Arc::new(YearClock(AtomicI64::new(BEGIN - DAY)));
    let store = Store::open(&fill::config(folder.path())?, clock.clone()).await?;
    let app = App::new(store.clone())?;
    let (officer, auditor) = people(&app).await?;
    let mut out = std::io::stdout().lock();
    let start = Instant::now();
    for control in shipped()?.iter() {
        let command = AdoptControl { control: control.id.parse()?, definition: None };
        app.adopt_control(&Call::new(officer.clone()), command).await?;
    }
    let systems = (events / (DAYS as usize * DAILY)).max(1);
    year(&store, &clock, systems).await?;
    let size = store.publish().await?.context("a log")?.size;
    writeln!(out, "{size} events of {systems} systems written in {:.1?}", start.elapsed())?;

    let (from, to) = (Timestamp::from_micros(BEGIN), Timestamp::from_micros(BEGIN + DAYS * DAY));
    let asked = TestControls { from, to, framework: Some("soc2".into()), control: None };
    let before = peak();
    let start = Instant::now();
    let command = ExportPack { include_personal_data: false, controls: Some(asked.clone()) };
    let mut pack = app.export_pack(&auditor, command).await?;
    writeln!(
        out,
        "evidence pack: {:.1?}, {} MB; peak of the process {before} before, {} after",
        start.elapsed(),
        pack.bytes >> 20,
        peak()
    )?;
    let vkey = app.log().await?.vkeys.remove(0);
    let start = Instant::now();
    let verified = verify_pack(&mut pack.file, &Trust::of_keys([vkey.parse()?]))?;
    let taken = start.elapsed();
    let rate = u128::from(verified.log.size) * 1_000 / taken.as_millis().max(1);
    writeln!(out, "verified: {taken:.1?}, {rate} entries/s; {}", peak())?;
    pack.file.rewind()?;
    let start = Instant::now();
    let test = test_pack(&PackReader::open(&mut pack.file)?, asked)?;
    let expected: u64 = test.result.controls.iter().map(|control| control.period.expected).sum();
    let exceptions: usize = test.result.controls.iter().map(|control| control.exceptions.len()).sum();
    writeln!(
        out,
        "tested again offline: {:.1?}, {} controls, {expected} occurrences, {exceptions} exceptions; {}",
        start.elapsed(),
        test.result.controls.len(),
        peak()
    )?;
    Ok(())
}

/// The most memory that the process ever held, as the system says it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or_else(
        || "unknown".to_owned(),
        |line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "),
    )
}

/// A risk officer and an auditor.
async fn people(app: &App) -> anyhow::Result<(Caller, Caller)> {
    let token = app.bootstrap().await?.context("a new store")?;
    let owner = Call::new(app.authenticate(&token).await?);
    let mut people = Vec::new();
    for (name, role) in [("officer", Role::RiskOfficer), ("auditor", Role::Auditor)] {
        let person = AddPerson { name: name.to_owned(), email: format!("{name}@example.org") };
        let person = app.add_person(&owner, person).await?.id;
        app.grant_role(&owner, ChangeRole { principal: person.clone(), role, system: None }).await?;
        let invited = app.invite(&owner, InvitePerson { person, days: 1 }).await?;
        let caller = app.authenticate_invitation(&invited.secret.context("a secret")?).await?;
        let terms = IssueOwnToken { environment: None, label: "bench".parse()?, days: 1 };
        let token = app.accept_invitation(&Call::new(caller), terms).await?;
        people.push(app.authenticate(&token.secret.context("a secret")?).await?);
    }
    let auditor = people.pop().context("two people")?;
    Ok((people.pop().context("two people")?, auditor))
}

async fn year(store: &Store, clock: &YearClock, systems: usize) -> anyhow::Result<()> {
    let mut ids = Ids { now: clock.now(), next: 0 };
    let team = id!(ids, TeamId);
    fill::write(store, vec![Draft::new("system", Event::TeamCreated { team, slug: "owners".parse()? })])
        .await?;
    let mut running = Vec::new();
    for number in 0..systems {
        let one = Running {
            system: id!(ids, SystemId),
            model: id!(ids, ModelId),
            version: id!(ids, VersionId),
            artifacts: ids.digest(),
            baseline: id!(ids, BaselineId),
        };
        let registered = Event::SystemRegistered {
            system: one.system,
            slug: format!("system-{number}").parse()?,
            kind: SystemKind::Own,
            status: SystemStatus::Development,
            owner_team: team,
            vendor: None,
        };
        let (system, model) = (one.system, one.model);
        let classified =
            Event::SystemClassified { system, tier: RiskTier::High, previous: None, basis: None };
        let model = Event::ModelRegistered { model, system, slug: format!("model-{number}").parse()? };
        let drafts =
            [registered, classified, model].map(|event| Draft::new("system", event).of_system(system));
        fill::write(store, drafts.into()).await?;
        running.push(one);
    }
    for day in 0..DAYS {
        clock.0.store(BEGIN + day * DAY, Ordering::SeqCst);
        ids.now = clock.now();
        let mut drafts = Vec::new();
        for (number, one) in running.iter_mut().enumerate() {
            if (day as usize + number).is_multiple_of(RELEASES) || day == 0 {
                drafts.extend(release(one, &mut ids, day)?);
            }
            drafts.extend(daily(one, &mut ids, (BEGIN / DAY + day) as u32)?);
        }
        fill::write(store, drafts).await?;
    }
    clock.0.store(BEGIN + (DAYS + 1) * DAY, Ordering::SeqCst);
    Ok(())
}

/// A version from its registration to production.
fn release(one: &mut Running, ids: &mut Ids, day: i64) -> anyhow::Result<Vec<Draft>> {
    let now = ids.now;
    let files = vec![ArtifactUse { name: "model.txt".parse()?, digest: ids.digest(), bytes: 10 }];
    one.artifacts = comptroller_app::models::artifacts_digest(&files);
    one.version = id!(ids, VersionId);
    let builder = PrincipalId::new(now, [1; 10]);
    let facts = VersionFacts {
        model: one.model,
        label: format!("{}", day + 1).parse()?,
        builders: vec![builder],
        artifacts: files,
        training_started: now,
        training_ended: now,
        code_commit: "0123456789abcdef0123456789abcdef01234567".parse()?,
        datasets: vec![DatasetUsed {
            dataset_version: DatasetVersionId::new(now, [2; 10]),
            purpose: DatasetUse::Training,
        }],
        metrics: BTreeMap::from([("auc".parse()?, 0.9)]),
        record_digest: ids.digest(),
        seed: None,
    };
    let tested = |ids: &mut Ids, kind| Event::EvidenceRecorded {
        evidence: id!(ids, EvidenceId),
        kind,
        system: one.system,
        version: Some(one.version),
        subject: Some(one.artifacts.clone()),
        document: None,
        observed_at: now,
        passed: true,
        measures: BTreeMap::new(),
    };
    let (evaluated, fair) = (tested(ids, EvidenceKind::Evaluation), tested(ids, EvidenceKind::BiasTest));
    let approval = id!(ids, ApprovalId);
    let requested = Event::ApprovalRequested {
        approval,
        version: one.version,
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
    let voted = |ids: &mut Ids, who: u8| Event::ApprovalVoted {
        approval,
        voter: PrincipalId::new(now, [who; 10]),
        vote: Vote::Approve,
        decision: id!(ids, DecisionId),
        in_stead_of: None,
        delegation: None,
    };
    let votes = [voted(ids, 4), voted(ids, 5)];
    let decision = id!(ids, DecisionId);
    let allowed = Event::DecisionRecorded {
        decision,
        action: "deploy".parse()?,
        resource: format!("version/{}", one.version),
        environment: Some(Environment::Production),
        outcome: Outcome::Allow,
        bundle: Digest::from_bytes([3; 32]),
        facts: BTreeMap::from([("risk_tier".to_owned(), serde_json::json!("high"))]),
        rules: Vec::new(),
        sources: BTreeMap::new(),
        shadow: None,
    };
    let deployed = Event::DeploymentCreated {
        deployment: id!(ids, DeploymentId),
        system: one.system,
        model: one.model,
        version: one.version,
        environment: Environment::Production,
        kind: DeploymentKind::Deploy,
        artifacts: one.artifacts.clone(),
        approval: Some(approval),
        decision,
        replaces: None,
        drill: None,
    };
    let events = [Event::VersionRegistered { version: one.version, facts }, evaluated, fair, requested]
        .into_iter()
        .chain(votes)
        .chain([allowed, deployed]);
    Ok(events.map(|event| Draft::new("system", event).of_system(one.system)).collect())
}

/// What happens every day while a system runs.
fn daily(one: &Running, ids: &mut Ids, day: u32) -> anyhow::Result<Vec<Draft>> {
    let (system, version, environment) = (one.system, one.version, Environment::Production);
    let mut events = vec![
        Event::WindowJudged {
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
        },
        Event::DecisionRecorded {
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
        },
    ];
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
