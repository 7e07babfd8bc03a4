//! A store in which every table of the journal and of the state has rows: one event of every kind.

use crate::authority::{Authority, GOOD, openssl};
use crate::support::{Bed, add_account};
use crate::world_outside;
use anyhow::Context as _;
use bytes::Bytes;
use comptroller_core::event::{
    ArtifactUse, AssessedRisk, DatasetFile, DatasetUsed, PointRange, PurgedArtifact, RiskRating,
    ShadowDecision, TierBasis, VersionFacts,
};
use comptroller_core::ids::{
    AlarmId, ApprovalId, BaselineId, BlockId, DatasetId, DatasetVersionId, DecisionId, DelegationId,
    DeploymentId, DrillId, EmergencyId, EvidenceId, FactorId, FairnessMonitorId, HoldId, IncidentId,
    InvitationId, ModelId, PrincipalId, ProposalId, RemediationId, RiskId, SessionId, SubjectId, SystemId,
    TeamId, TokenId, TrustId, UploadId, VendorId, VersionId, WaiverId,
};
use comptroller_core::vocab::{
    AlarmTopic, BaselineSource, BundleVerdict, CollectionMethod, CredentialOrigin, DatasetUse,
    DeploymentKind, DriftBand, DriftPillar, ErasureBasis, EvidenceKind, ExceptionStep, FactorKind,
    FairnessState, IncidentCause, LegalBasis, Measure, Outcome, PiiCategory, ReadKind, RecordKind, Relation,
    RemediationCause, RemediationEnd, ReminderKind, RetentionClass, RiskTier, RiskTreatment, ShadowEnd,
    SystemKind, SystemStatus, Vote,
};
use comptroller_core::{Clock, Digest, Environment, Event, Role, Timestamp};
use comptroller_ledger::cosignature::cosign as cosign_text;
use comptroller_ledger::{Anchors, Query, SignedCheckpoint, SigningKey};
use comptroller_store::areas::predictions::{self, BatchRow};
use comptroller_store::areas::{access, deliveries, factors, labels, uploads};
use comptroller_store::artifacts::{encrypt_part, store_part};
use comptroller_store::{
    CheckpointRow, CosignatureRow, Draft, Store, StoreError, TimestampRow, cosignatures, keys, timestamps,
};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Events before padding.
pub(crate) const SECRET_NAME: &str = "Ada Lovelace-Example";
pub(crate) const SECRET_REFERENCE: &str = "customer number 8812-X";

/// Ids that tests refer to.
pub(crate) struct World {
    pub(crate) person: PrincipalId,
    pub(crate) subject: SubjectId,
    pub(crate) artifact: Digest,
    pub(crate) upload: UploadId,
    token: TokenId,
    factor: FactorId,
}

fn basis(now: Timestamp) -> anyhow::Result<TierBasis> {
    Ok(TierBasis {
        framework: "eu-ai-act".parse()?,
        data: digest("framework"),
        answers: digest("answers"),
        as_of: now,
        known: now,
        provisions: vec!["III.5.b".parse()?],
    })
}

fn assessed(evidence: EvidenceId) -> anyhow::Result<AssessedRisk> {
    let total = PointRange { least: 30, most: 45 };
    Ok(AssessedRisk {
        scale: digest("scale"),
        answers: digest("answers"),
        total,
        lowest: "medium".parse()?,
        highest: "medium".parse()?,
        dimensions: BTreeMap::from([("autonomy".parse()?, total)]),
        evidence,
    })
}

fn digest(text: &str) -> Digest {
    Digest::from_bytes(Sha256::digest(text.as_bytes()).into())
}

fn random() -> [u8; 10] {
    keys::random().expect("randomness")
}

/// Records one event of every kind, then accounts until the log has `size` entries, and publishes.
pub(crate) async fn build(bed: &Bed, store: &Store, size: u64) -> anyhow::Result<World> {
    let now = bed.clock.now();
    let world = World {
        person: PrincipalId::new(now, random()),
        subject: SubjectId::new(now, random()),
        artifact: digest("model bytes"),
        upload: UploadId::new(now, random()),
        token: TokenId::new(now, random()),
        factor: FactorId::new(now, random()),
    };
    store_artifact(store, world.upload, b"model bytes").await?;
    let drafts = drafts(&world, now)?;
    for draft in &drafts {
        store_block(store, &draft.event).await?;
    }
    let (person, token, factor) = (world.person, world.token, world.factor);
    let erased = SubjectId::new(now, random());
    let gone = Draft::new("system", Event::SubjectRegistered { subject: erased, datasets: Vec::new() })
        .private_of("text", Some(format!("subject/{erased}")), &serde_json::json!({ "reference": "gone" }))?;
    store
        .write(move |tx| {
            Box::pin(async move {
                for draft in drafts {
                    tx.record(draft).await?;
                }
                tx.record(gone).await?;
                let now = tx.now();
                let batch = BatchRow {
                    version: VersionId::new(now, random()),
                    environment: Environment::Staging,
                    records: RecordKind::Prediction,
                    batch: "batch-1",
                    digest: "ab",
                    rows: 2,
                };
                predictions::put_batch(tx.conn(), &batch, now).await?;
                labels::put_unread(tx.conn(), BlockId::new(now, random())).await?;
                access::put_identity(tx, &"ab".repeat(32), person, Some("https://id.example.org")).await?;
                access::put_hash(tx, token, &"cd".repeat(32)).await?;
                let sealed = factors::seal(tx, person, factor, b"a secret of an app").await?;
                factors::put_secret(tx, factor, &sealed, 7).await?;
                let subject = format!("subject/{erased}");
                let payloads = tx.erase_subject(&subject).await?.payloads;
                let event = Event::SubjectErased {
                    subject,
                    basis: ErasureBasis::SubjectRequest,
                    payloads,
                    versions: Vec::new(),
                    key_backups_expire_at: None,
                };
                tx.record(Draft::new("system", event)).await?;
                let now = tx.now();
                // A copy goes on telling people where its original stopped.
                deliveries::begin(tx.conn(), "webhook", 5).await?;
                uploads::remember(tx.conn(), person, "key-1", &"00".repeat(32), "{}", now).await?;
                Ok::<(), StoreError>(())
            })
        })
        .await?;
    purge(bed, store).await?;
    // Two heads, so that the older one is checked as well.
    let first = store.publish().await?.context("the log is signed")?;
    if let Some(openssl) = openssl() {
        stamp(store, &first, &Authority::new(openssl, GOOD)).await?;
    }
    let mut next = 0;
    while next + 1 < size {
        next = add_account(store, &format!("padding-{next}")).await?;
    }
    let newest = store.publish().await?.context("the log is signed")?;
    cosign(store, &newest).await?;
    Ok(world)
}

async fn stamp(store: &Store, head: &CheckpointRow, authority: &Authority) -> anyhow::Result<()> {
    let signed = SignedCheckpoint::parse(head.note.as_bytes())?;
    let query = Query::new(signed.note().text().as_bytes(), [5; 8]);
    let anchors = Anchors::from_pem(&authority.ca())?;
    let (token, stamp) = query.accept(&authority.answer(&query.to_der()), &anchors)?;
    let row = TimestampRow::new(head.size, &stamp.authority, &token, stamp.time);
    let record = async |row: TimestampRow| {
        store.write(move |tx| Box::pin(async move { timestamps::record(tx, &row).await })).await
    };
    anyhow::ensure!(record(row.clone()).await?.is_some());
    // A second token of the same head does not take the place of the first, and is no event.
    anyhow::ensure!(record(TimestampRow { token: "AAAA".into(), ..row.clone() }).await?.is_none());
    let mut conn = store.read().await?;
    anyhow::ensure!(timestamps::newest(&mut conn).await? == Some(row));
    anyhow::ensure!(timestamps::sizes(&mut conn, head.size).await? == [head.size]);
    // Its event is no reason for another one; an account is.
    anyhow::ensure!(!timestamps::has_news(&mut conn, head.size, i64::MAX).await?);
    anyhow::ensure!(timestamps::has_news(&mut conn, 0, head.size).await?);
    Ok(())
}

async fn cosign(store: &Store, head: &CheckpointRow) -> anyhow::Result<()> {
    const SECONDS: i64 = 1_800_000_000;
    let witness = SigningKey::new_cosignature("witness.example/w1", &[3; 32])?;
    let signed = SignedCheckpoint::parse(head.note.as_bytes())?;
    let line = cosign_text(signed.note().text(), &witness, SECONDS.unsigned_abs())?.to_string();
    let vkey = witness.verifier_key().to_string();
    let row = CosignatureRow { size: head.size, witness: vkey, line, cosigned_at: SECONDS * 1_000_000 };
    store.add_cosignature(&row).await?;
    // A second line for the same size does not take the place of the first.
    store.add_cosignature(&CosignatureRow { line: "later".into(), ..row.clone() }).await?;
    let kept = cosignatures::of_size(&mut store.read().await?, head.size).await?;
    anyhow::ensure!(kept == [row], "{kept:?}");
    Ok(())
}

/// The bytes of the one sealed block, and of its filter.
const BLOCK: &str = "the records of a day";
const FILTER: &str = "which ids it holds";

/// Stores the block that an event speaks of.
async fn store_block(store: &Store, event: &Event) -> anyhow::Result<()> {
    let (block, version, environment, day) = match event {
        Event::PredictionsSealed { block, version, environment, day, .. } => {
            (block, version, environment, day)
        }
        // Its one block has two records, as the one before.
        Event::PredictionsCompacted { file, version, environment, day, .. } => {
            (file, version, environment, day)
        }
        _ => return Ok(()),
    };
    let subject = format!("predictions/{version}/{environment}/{day}");
    let key = store.write(move |tx| Box::pin(async move { tx.data_key(&subject).await })).await?;
    let place: UploadId = block.to_string().parse()?;
    let index = [0; 8 + 8 * 2];
    for (number, bytes) in [(1, BLOCK.as_bytes()), (2, FILTER.as_bytes()), (3, index.as_slice())] {
        let sealed = encrypt_part(&key, place, number, Bytes::copy_from_slice(bytes)).await?;
        store_part(store.objects(), &key, place, sealed).await?;
    }
    Ok(())
}

/// Stores a file and a note, and purges both.
async fn purge(bed: &Bed, store: &Store) -> anyhow::Result<()> {
    let upload = UploadId::new(bed.clock.now(), random());
    store_artifact(store, upload, b"old bytes").await?;
    let artifact = PurgedArtifact { digest: digest("old bytes"), upload, bytes: 9 };
    let note = Draft::new("system", Event::WaiverEnded { waiver: WaiverId::new(bed.clock.now(), random()) })
        .private("reason", &serde_json::json!({ "text": "in words" }))?;
    let stored = Draft::new(
        "system",
        Event::ArtifactStored {
            upload,
            digest: artifact.digest.clone(),
            bytes: artifact.bytes,
            media_type: "text/plain".parse()?,
            parts: 1,
        },
    );
    store.record(stored).await?;
    let note = store.record(note).await?;
    let event = Event::DataPurged {
        class: RetentionClass::UnusedFile,
        artifact: Some(artifact),
        entries: vec![note],
        day: None,
        age_days: 400,
        rules: vec!["ours-unused".parse()?],
    };
    let draft = Draft::new("system", event);
    store.write(move |tx| Box::pin(async move { tx.purge(draft).await })).await?;
    anyhow::ensure!(store.sweep().await? == 1);
    Ok(())
}

async fn store_artifact(store: &Store, upload: UploadId, bytes: &'static [u8]) -> anyhow::Result<()> {
    let subject = format!("artifact/{upload}");
    let key = store.write(move |tx| Box::pin(async move { tx.data_key(&subject).await })).await?;
    let sealed = encrypt_part(&key, upload, 1, Bytes::from_static(bytes)).await?;
    store_part(store.objects(), &key, upload, sealed).await?;
    Ok(())
}

fn drafts(world: &World, now: Timestamp) -> anyhow::Result<Vec<Draft>> {
    let (block, moved) = (BlockId::new(now, random()), BlockId::new(now, random()));
    let text = serde_json::json!({ "note": "in words" });
    let (team, vendor) = (TeamId::new(now, random()), VendorId::new(now, random()));
    let (system, other) = (SystemId::new(now, random()), SystemId::new(now, random()));
    let (dataset, model) = (DatasetId::new(now, random()), ModelId::new(now, random()));
    let (raw, clean) = (DatasetVersionId::new(now, random()), DatasetVersionId::new(now, random()));
    let (version, approval) = (VersionId::new(now, random()), ApprovalId::new(now, random()));
    let (decision, drill) = (DecisionId::new(now, random()), DrillId::new(now, random()));
    let (first, second) = (DeploymentId::new(now, random()), DeploymentId::new(now, random()));
    let (token, session) = (world.token, SessionId::new(now, random()));
    let (invitation, trust) = (InvitationId::new(now, random()), TrustId::new(now, random()));
    let (account, leaver) = (PrincipalId::new(now, random()), PrincipalId::new(now, random()));
    let later = now.plus_seconds(3_600);
    let risk = RiskId::new(now, random());
    let rating = RiskRating {
        likelihood: 4,
        severity: 3,
        treatment: RiskTreatment::Reduce,
        residual_likelihood: 2,
        residual_severity: 3,
        owner: world.person,
        review_at: later,
        controls: vec!["CTL-X-01".parse()?],
    };
    let (baseline, alarm) = (BaselineId::new(now, random()), AlarmId::new(now, random()));
    let judged = |band: Option<DriftBand>| Event::WindowJudged {
        system,
        version,
        environment: Environment::Staging,
        day: 20_000,
        baseline,
        rows: 2,
        labelled: 1,
        coefficient_ppm: band.map(|_| 612_345),
        band,
        pillar: band.map(|_| DriftPillar::Concept),
        through: 7,
        labels_through: 0,
        operation: band,
        access: None,
        season: band.and_then(|_| "monday".parse().ok()),
    };
    let monitor = FairnessMonitorId::new(now, random());
    let watched = |state| Event::FairnessJudged {
        system,
        version,
        environment: Environment::Staging,
        day: 20_000,
        monitor,
        rows: 2,
        labelled: 1,
        state,
        p_ppm: 12_345,
        through: 7,
        labels_through: 0,
        alarms: state == FairnessState::Finding,
    };
    let draft = |event: Event| Draft::new("system", event);
    let registered = |id, slug: &str, vendor| -> anyhow::Result<Event> {
        Ok(Event::SystemRegistered {
            system: id,
            slug: slug.parse()?,
            kind: SystemKind::Own,
            status: SystemStatus::Development,
            owner_team: team,
            vendor,
        })
    };
    let dataset_version = |id, label: &str, derived_from: Vec<DatasetVersionId>| -> anyhow::Result<Event> {
        Ok(Event::DatasetVersionRegistered {
            dataset_version: id,
            dataset,
            label: label.parse()?,
            files: vec![DatasetFile { name: "a.parquet".parse()?, digest: digest("file"), bytes: 4 }],
            rows: 1_000,
            licence: "CC0".parse()?,
            collection: CollectionMethod::Survey,
            legal_basis: LegalBasis::Consent,
            personal_data: vec![PiiCategory::Employment],
            retention_days: Some(365),
            derived_from,
            record_digest: digest("record"),
        })
    };
    let deployment = |id, replaces| Event::DeploymentCreated {
        deployment: id,
        system,
        model,
        version,
        environment: Environment::Staging,
        kind: DeploymentKind::Deploy,
        artifacts: digest("set"),
        approval: Some(approval),
        decision,
        replaces,
        drill: None,
    };
    let (evidence, proposal) = (EvidenceId::new(now, random()), ProposalId::new(now, random()));
    let (granted, refused) = (WaiverId::new(now, random()), WaiverId::new(now, random()));
    let waiver = |id| -> anyhow::Result<Event> {
        Ok(Event::WaiverRequested {
            waiver: id,
            rule: "rule-1".parse()?,
            version,
            environment: Environment::Staging,
            owner: world.person,
            ticket: "RISK-12".parse()?,
            expires_at: later,
        })
    };
    let shadowed = |outcome, shadow| -> anyhow::Result<Event> {
        Ok(Event::DecisionRecorded {
            decision: DecisionId::new(now, random()),
            action: "gate.check".parse()?,
            resource: format!("version/{version}"),
            environment: Some(Environment::Staging),
            outcome,
            bundle: digest("base"),
            facts: BTreeMap::new(),
            rules: vec!["rule-1".parse()?],
            sources: BTreeMap::new(),
            shadow: Some(ShadowDecision { proposal, outcome: shadow, rules: vec!["rule-2".parse()?] }),
        })
    };
    let operated = |outcome, previous| -> anyhow::Result<Event> {
        Ok(Event::OperationDecided {
            deployment: second,
            system,
            decision,
            outcome,
            previous,
            trigger: "daily".parse()?,
            asks_for: Some("alert".parse()?),
            lapses_at: Some(later),
            rules: vec!["watched".parse()?],
            began: Vec::new(),
        })
    };
    let lost = FactorId::new(now, random());
    let enrolled = |factor, principal| -> anyhow::Result<Event> {
        Ok(Event::FactorEnrolled {
            factor,
            principal,
            kind: FactorKind::Totp,
            label: "phone".parse()?,
            credential: Some(digest("credential")),
        })
    };
    let (lasting, short) = (DelegationId::new(now, random()), DelegationId::new(now, random()));
    let delegation = |id, system| Event::DelegationCreated {
        delegation: id,
        delegator: world.person,
        delegate: leaver,
        system,
        starts_at: now,
        ends_at: later,
    };
    let (used, unused) = (EmergencyId::new(now, random()), EmergencyId::new(now, random()));
    let incident = IncidentId::new(now, random());
    let remediation = RemediationId::new(now, random());
    let (kept, over) = (HoldId::new(now, random()), HoldId::new(now, random()));
    let emergency = |id| -> anyhow::Result<Event> {
        Ok(Event::EmergencyOpened {
            emergency: id,
            system,
            version,
            environment: Environment::Staging,
            ticket: "INC-3".parse()?,
            decision,
            expires_at: later,
        })
    };
    let facts = VersionFacts {
        model,
        label: "1.0".parse()?,
        builders: vec![world.person],
        artifacts: vec![ArtifactUse {
            name: "model.txt".parse()?,
            digest: world.artifact.clone(),
            bytes: 11,
        }],
        training_started: now,
        training_ended: later,
        code_commit: "0123abc".parse()?,
        datasets: vec![DatasetUsed { dataset_version: clean, purpose: DatasetUse::Training }],
        metrics: BTreeMap::from([("auc".parse()?, 0.8125)]),
        record_digest: digest("version record"),
        seed: Some(7),
    };
    let mut drafts = vec![
        draft(Event::PersonAdded { principal: world.person })
            .about("principal", &world.person)
            .private_of_person("text", world.person, &serde_json::json!({ "name": SECRET_NAME }))?,
        draft(Event::ServiceAccountAdded { principal: account, slug: "robot".parse()? }),
        draft(Event::PersonAdded { principal: leaver }),
        draft(Event::PrincipalDisabled { principal: leaver }),
        draft(Event::IdentityLinked { principal: world.person, issuer: "https://id.example.org".parse()? }),
        draft(Event::IdentityUnlinked { principal: world.person }),
        draft(Event::RoleGranted { principal: world.person, role: Role::Approver, system: None }),
        draft(Event::RoleGranted { principal: leaver, role: Role::Ci, system: None }),
        draft(Event::RoleRevoked { principal: leaver, role: Role::Ci, system: None }),
        draft(Event::TeamCreated { team, slug: "risk".parse()? }),
        draft(Event::TeamMemberAdded { team, principal: world.person }),
        draft(Event::TeamMemberAdded { team, principal: leaver }),
        draft(Event::TeamMemberRemoved { team, principal: leaver }),
        draft(Event::TokenIssued {
            token,
            principal: account,
            environment: Some(Environment::Dev),
            expires_at: later,
            label: "training".parse()?,
            origin: CredentialOrigin::Issued,
        }),
        draft(Event::TokenRevoked { token }),
        draft(Event::InvitationIssued { invitation, principal: world.person, expires_at: later }),
        draft(Event::InvitationAccepted { invitation }),
        draft(Event::WorkloadTrusted {
            trust,
            principal: account,
            issuer: "https://id.example.org".parse()?,
            environment: Some(Environment::Dev),
        })
        .private("claims", &text)?,
        draft(Event::WorkloadExchanged { trust, token }),
        draft(Event::WorkloadDistrusted { trust }),
        draft(Event::SessionOpened {
            session,
            principal: world.person,
            method: "oidc".parse()?,
            expires_at: later,
        }),
        draft(Event::SessionClosed { session }),
        draft(enrolled(world.factor, world.person)?),
        draft(enrolled(lost, leaver)?),
        draft(Event::FactorUsed {
            factor: world.factor,
            kind: FactorKind::Totp,
            subject: format!("approval/{approval}"),
        }),
        draft(Event::FactorRemoved { factor: lost }),
        draft(Event::VendorRegistered { vendor, slug: "acme".parse()? }).private("text", &text)?,
        draft(registered(system, "credit", Some(vendor))?).private("text", &text)?,
        draft(registered(other, "hiring", None)?),
        draft(Event::SystemUpdated {
            system,
            status: Some(SystemStatus::InUse),
            owner_team: None,
            text_changed: false,
        }),
        draft(Event::SystemLinked {
            system,
            relation: Relation::DependsOn,
            to_system: Some(other),
            to_vendor: None,
        }),
        draft(Event::TagSet {
            subject: format!("system/{system}"),
            key: "tier".parse()?,
            value: Some("1".parse()?),
        }),
        draft(Event::DatasetRegistered { dataset, slug: "acs".parse()?, owner_team: team })
            .private("text", &text)?,
        draft(dataset_version(raw, "2014", Vec::new())?),
        draft(dataset_version(clean, "2015", vec![raw])?).private("text", &text)?,
        draft(Event::ArtifactStored {
            upload: world.upload,
            digest: world.artifact.clone(),
            bytes: 11,
            media_type: "text/plain".parse()?,
            parts: 1,
        }),
        draft(Event::ModelRegistered { model, system, slug: "scorer".parse()? }),
        draft(Event::VersionRegistered { version, facts }).of_system(system).private("text", &text)?,
        draft(Event::VersionAnnotated { version }).private("text", &text)?,
        draft(Event::DecisionRecorded {
            decision,
            action: "deploy".parse()?,
            resource: format!("version/{version}"),
            environment: Some(Environment::Staging),
            outcome: Outcome::Allow,
            bundle: digest("bundle"),
            facts: BTreeMap::new(),
            rules: vec!["rule-1".parse()?],
            sources: BTreeMap::new(),
            shadow: None,
        }),
        draft(Event::SystemClassified {
            system,
            tier: RiskTier::High,
            previous: None,
            basis: Some(basis(now)?),
        })
        .private("basis", &text)?,
        draft(Event::EvidenceRecorded {
            evidence,
            kind: EvidenceKind::BiasTest,
            system,
            version: Some(version),
            subject: Some(digest("set")),
            document: Some(world.artifact.clone()),
            observed_at: now,
            passed: true,
            measures: BTreeMap::from([(Measure::ImpactRatio, 812_500)]),
        })
        .private("note", &text)?,
        draft(Event::EvidenceRecorded {
            evidence: EvidenceId::new(now, random()),
            kind: EvidenceKind::OversightPlan,
            system,
            version: None,
            subject: None,
            document: None,
            observed_at: now,
            passed: true,
            measures: BTreeMap::new(),
        }),
        draft(Event::EvidenceWithdrawn { evidence }).private("reason", &text)?,
        draft(Event::PolicyShipped { bundle: digest("base"), product: "0.1.0".parse()? })
            .private("package", &text)?,
        draft(Event::PolicyProposed { proposal, bundle: digest("bundle"), tests_passed: true, new: true })
            .private("proposal", &text)?,
        draft(Event::PolicyAnalysed {
            proposal,
            bundle: digest("bundle"),
            against: digest("base"),
            verdict: BundleVerdict::Stricter,
            invariants_violated: 0,
            invariants_unproven: 1,
            rules_may_err: 0,
            rules_unproven: 2,
            report: digest("report"),
            solver: Some("cvc5 1.0.3".parse()?),
        })
        .private("report", &text)?,
        draft(Event::PolicyVoted { proposal, voter: world.person, vote: Vote::Approve, decision })
            .private("comment", &text)?,
        draft(Event::PolicyShadowStarted { proposal, bundle: digest("bundle") }),
        draft(shadowed(Outcome::Allow, Outcome::Allow)?),
        draft(shadowed(Outcome::Allow, Outcome::Deny)?),
        draft(shadowed(Outcome::Deny, Outcome::NeedsReview)?),
        draft(shadowed(Outcome::Deny, Outcome::Unknown)?),
        draft(Event::PolicyShadowDiffered {
            action: "tag.set".parse()?,
            resource: format!("system/{system}"),
            outcome: Outcome::Allow,
            rules: Vec::new(),
            shadow: ShadowDecision { proposal, outcome: Outcome::Deny, rules: vec!["rule-2".parse()?] },
        }),
        draft(Event::PolicyShadowEnded { proposal, because: ShadowEnd::Stopped }),
        draft(Event::PolicyActivated {
            proposal,
            bundle: digest("bundle"),
            previous: digest("base"),
            verdict: BundleVerdict::Stricter,
            decision,
        }),
        draft(waiver(granted)?).private("reason", &text)?,
        draft(waiver(refused)?),
        draft(Event::WaiverDecided {
            waiver: granted,
            approver: world.person,
            vote: Vote::Approve,
            decision,
        })
        .private("comment", &text)?,
        draft(Event::WaiverDecided { waiver: refused, approver: world.person, vote: Vote::Deny, decision }),
        draft(Event::WaiverEnded { waiver: granted }).private("reason", &text)?,
        draft(emergency(used)?).private("reason", &text)?,
        draft(emergency(unused)?),
        draft(Event::EmergencyConfirmed {
            emergency: used,
            confirmed_by: world.person,
            decision,
            review_due_at: later,
        })
        .private("comment", &text)?,
        draft(Event::IncidentOpened {
            incident,
            system,
            cause: IncidentCause::Emergency,
            subject: format!("emergency/{used}"),
        }),
        draft(Event::EmergencyUsed {
            emergency: used,
            deployment: second,
            bypassed: vec!["rule-1".parse()?],
        }),
        draft(Event::EmergencyReviewed {
            emergency: used,
            reviewer: world.person,
            justified: false,
            decision,
        })
        .private("findings", &text)?,
        draft(Event::IncidentClosed { incident, system }),
        draft(Event::RemediationOpened {
            remediation,
            system,
            version,
            cause: RemediationCause::BiasTest,
            evidence: Some(evidence),
        })
        .private("finding", &text)?,
        draft(Event::RemediationPlanned {
            remediation,
            system,
            owner: world.person,
            due_at: later,
            decision,
        })
        .private("plan", &text)?,
        draft(Event::RemediationClosed {
            remediation,
            system,
            end: RemediationEnd::Retested,
            evidence: Some(evidence),
            decision,
        })
        .private("reason", &text)?,
        draft(Event::ReminderRaised {
            kind: ReminderKind::ReviewDue,
            subject: format!("emergency/{used}"),
            system: Some(system),
        }),
        draft(Event::NotificationAbandoned { channel: "webhook".parse()?, index: 3 }),
        draft(Event::ApprovalRequested {
            approval,
            version,
            environment: Environment::Staging,
            artifacts: digest("set"),
            bundle: digest("bundle"),
            plan: BTreeMap::from([("approvals-missing".parse()?, 2)]),
            evidence: vec![evidence],
            tier: Some(RiskTier::High),
            fired: vec!["rule-1".parse()?],
            nonce: "abc".parse()?,
            expires_at: later,
        })
        .private("text", &text)?,
        draft(delegation(lasting, Some(system))).private("reason", &text)?,
        draft(delegation(short, None)),
        draft(Event::DelegationEnded { delegation: short }).private("reason", &text)?,
        draft(Event::ApprovalVoted {
            approval,
            voter: world.person,
            vote: Vote::Approve,
            decision,
            in_stead_of: None,
            delegation: None,
        })
        .private("text", &text)?,
        draft(Event::ApprovalVoted {
            approval,
            voter: leaver,
            vote: Vote::Approve,
            decision,
            in_stead_of: Some(world.person),
            delegation: Some(lasting),
        }),
        draft(deployment(first, None)),
        draft(deployment(second, Some(first))).private("text", &text)?,
        draft(operated(Outcome::Allow, None)?),
        draft(operated(Outcome::Deny, Some(Outcome::Allow))?),
        draft(operated(Outcome::Deny, Some(Outcome::Deny))?),
        draft(Event::RollbackDrilled {
            drill,
            system,
            environment: Environment::Staging,
            from: second,
            to: first,
            restored: second,
            verified_artifacts: 1,
            millis: 12,
        }),
        draft(Event::RuntimeReported {
            system,
            environment: Environment::Staging,
            instance: "pod-1".parse()?,
            loaded: digest("set"),
            expected: Some(digest("set")),
            matches: true,
        }),
        draft(Event::BaselineSet {
            baseline,
            system,
            version,
            profile: digest("profile"),
            rows: 1_000,
            columns: 3,
            watch_ppm: 100_000,
            investigate_ppm: 300_000,
            rollback_ppm: 500_000,
            source: Some(BaselineSource::Production),
            blocks: vec![BlockId::new(now, random())],
            seasons: [("monday".parse()?, digest("monday"))].into(),
        }),
        draft(Event::MonitorSet {
            system,
            version,
            environment: Environment::Staging,
            rules: vec!["baseline-watch".parse()?],
            watch_ppm: 100_000,
            investigate_ppm: 300_000,
            rollback_ppm: 500_000,
            breaches: 2,
            windows: 3,
            clear_ppm: 200_000,
        }),
        draft(judged(None)),
        draft(judged(Some(DriftBand::Rollback))).private("report", &text)?,
        draft(Event::AlarmRaised {
            alarm,
            system,
            version,
            environment: Environment::Staging,
            topic: AlarmTopic::Drift,
            day: 20_000,
            since: 19_990,
            band: DriftBand::Rollback,
            pillar: Some(DriftPillar::Concept),
            coefficient_ppm: Some(612_345),
            playbook: "concept-drift".parse()?,
            breaches: 2,
            windows: 3,
            again: false,
        }),
        draft(Event::RollbackProposed {
            alarm,
            system,
            version,
            environment: Environment::Staging,
            deployment: second,
            to: Some(version),
        }),
        draft(Event::AlarmAcknowledged { alarm, system }),
        draft(Event::AlarmSnoozed { alarm, system, until: later }).private("reason", &text)?,
        draft(Event::AlarmCleared { alarm, system, day: 20_001 }),
        draft(Event::FairnessWatchSet {
            monitor,
            system,
            version,
            criteria: BTreeMap::from([("impact_ratio".parse()?, 800_000)]),
            alpha_ppm: 50_000,
            decision,
        })
        .private("plan", &text)?,
        draft(watched(FairnessState::InsufficientEvidence)),
        draft(watched(FairnessState::Finding)).private("judgement", &text)?,
        draft(Event::PredictionsSealed {
            block,
            records: RecordKind::Prediction,
            system,
            version,
            environment: Environment::Staging,
            day: 20_000,
            rows: 2,
            root: digest("root"),
            digest: digest(BLOCK),
            bytes: BLOCK.len() as u64,
            filter_bytes: FILTER.len() as u64,
            first_at: now,
            last_at: now,
        }),
        draft(Event::PredictionsCompacted {
            file: moved,
            records: RecordKind::Prediction,
            system,
            version,
            environment: Environment::Staging,
            day: 20_000,
            blocks: vec![block],
            digest: digest(BLOCK),
            bytes: BLOCK.len() as u64,
        }),
        draft(Event::SubjectRegistered { subject: world.subject, datasets: vec![clean] }).private_of(
            "text",
            Some(format!("subject/{}", world.subject)),
            &serde_json::json!({ "reference": SECRET_REFERENCE }),
        )?,
        draft(Event::HoldPlaced {
            hold: kept,
            system: Some(system),
            version: Some(version),
            owner: world.person,
        })
        .private("reason", &text)?,
        draft(Event::HoldPlaced { hold: over, system: None, version: None, owner: world.person }),
        draft(Event::HoldReleased { hold: over, system: None }).private("reason", &text)?,
        draft(Event::ControlAdopted { control: "CTL-X-01".parse()?, definition: digest("one") })
            .private("definition", &text)?,
        draft(Event::ControlChanged {
            control: "CTL-X-01".parse()?,
            definition: digest("two"),
            previous: digest("one"),
        })
        .private("definition", &text)?,
        draft(Event::ControlRetired { control: "CTL-X-01".parse()?, definition: digest("two") })
            .private("reason", &text)?,
        draft(Event::ExceptionNoted {
            exception: digest("exception"),
            control: "CTL-X-01".parse()?,
            step: ExceptionStep::Remediation,
            due_at: Some(Timestamp::from_micros(9_000_000)),
        })
        .private("note", &text)?,
        draft(Event::RiskRecorded { risk, system, review: false, rating }).private("risk", &text)?,
        draft(Event::RiskClosed { risk, system }).private("reason", &text)?,
        draft(Event::RiskAssessed { system, assessed: assessed(evidence)? }).private("assessment", &text)?,
        draft(Event::DocumentAnswered {
            kind: "fria".parse()?,
            subject: "org".parse()?,
            system: None,
            key: "harms".parse()?,
        })
        .private("answer", &text)?,
        draft(Event::DocumentIssued {
            kind: "fria".parse()?,
            subject: "org".parse()?,
            system: None,
            template: digest("template"),
            content: digest("document"),
        }),
        draft(Event::CriterionScoped {
            framework: "soc2".parse()?,
            criterion: "P1.1".parse()?,
            applicable: false,
        })
        .private("reason", &text)?,
        draft(Event::AccessDenied {
            action: "deploy".parse()?,
            resource: "org".into(),
            reason: "role".parse()?,
        }),
        draft(Event::RecordRead { kind: ReadKind::AuditLog, resource: "org".into(), count: 3 }),
    ];
    let about =
        world_outside::About { person: world.person, subject: world.subject, system, version, evidence };
    drafts.extend(world_outside::drafts(&about, now, &digest("outside"))?);
    Ok(drafts)
}
