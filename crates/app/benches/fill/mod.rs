//! A store with many running systems and many rules, written past the gate: that is not what is measured.

mod store;

use store::registered;
pub(crate) use store::{config, write};

use anyhow::Context as _;
use comptroller_core::event::{ArtifactUse, DatasetUsed, VersionFacts};
use comptroller_core::ids::{
    DatasetVersionId, DecisionId, DeploymentId, EvidenceId, ModelId, PrincipalId, ProposalId, SystemId,
    TeamId, VersionId,
};
use comptroller_core::time::SystemClock;
use comptroller_core::vocab::{BundleVerdict, DatasetUse, DeploymentKind, EvidenceKind, Measure};
use comptroller_core::{Clock as _, Digest, Environment, Event, Timestamp};
use comptroller_policy::Package;
use comptroller_store::{Draft, Store, StoreError, keys};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Systems that are written in one transaction.
const BATCH: usize = 250;

/// Registers systems, puts a version of each into production, and rules in force.
pub(crate) async fn fill(store: &Store, systems: usize, rules: usize) -> anyhow::Result<()> {
    let team = TeamId::new(SystemClock.now(), keys::random()?);
    write(store, vec![Draft::new("system", Event::TeamCreated { team, slug: "owners".parse()? })]).await?;
    for first in (0..systems).step_by(BATCH) {
        let mut drafts = Vec::new();
        for number in first..systems.min(first + BATCH) {
            drafts.extend(system(number, team)?);
        }
        write(store, drafts).await?;
    }
    activate(store, rules, 0).await
}

fn digest(number: usize) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Digest::from_bytes(bytes)
}

/// Everything that is on record about one system.
fn system(number: usize, team: TeamId) -> anyhow::Result<Vec<Draft>> {
    let now = SystemClock.now();
    let (system, model) = (SystemId::new(now, keys::random()?), ModelId::new(now, keys::random()?));
    let (version, builder) = (VersionId::new(now, keys::random()?), PrincipalId::new(now, [1; 10]));
    let facts = VersionFacts {
        model,
        label: "1".parse()?,
        builders: vec![builder],
        artifacts: vec![ArtifactUse { name: "model.txt".parse()?, digest: digest(number), bytes: 10 }],
        training_started: now,
        training_ended: now,
        code_commit: "0123456789abcdef0123456789abcdef01234567".parse()?,
        datasets: vec![DatasetUsed {
            dataset_version: DatasetVersionId::new(now, [2; 10]),
            purpose: DatasetUse::Training,
        }],
        metrics: BTreeMap::from([("auc".parse()?, 0.9)]),
        record_digest: digest(number),
        seed: None,
    };
    let artifacts = comptroller_app::models::artifacts_digest(&facts.artifacts);
    let evidence = |kind: EvidenceKind, measures| -> Result<Event, StoreError> {
        Ok(Event::EvidenceRecorded {
            evidence: EvidenceId::new(now, keys::random()?),
            kind,
            system,
            version: Some(version),
            subject: Some(artifacts.clone()),
            document: None,
            observed_at: now,
            passed: true,
            measures,
        })
    };
    let deployed = Event::DeploymentCreated {
        deployment: DeploymentId::new(now, keys::random()?),
        system,
        model,
        version,
        environment: Environment::Production,
        kind: DeploymentKind::Deploy,
        artifacts: artifacts.clone(),
        approval: None,
        decision: DecisionId::new(now, keys::random()?),
        replaces: None,
        drill: None,
    };
    let mut events = registered(system, model, number, team)?;
    events.extend([
        Event::VersionRegistered { version, facts },
        evidence(EvidenceKind::Evaluation, BTreeMap::from([(Measure::Auc, 900_000)]))?,
        evidence(EvidenceKind::BiasTest, BTreeMap::from([(Measure::ImpactRatio, 850_000)]))?,
        deployed,
        Event::RuntimeReported {
            system,
            environment: Environment::Production,
            instance: "pod-1".parse()?,
            loaded: digest(number),
            expected: Some(digest(number)),
            matches: true,
        },
    ]);
    Ok(events.into_iter().map(|event| Draft::new("system", event).of_system(system)).collect())
}

/// Puts policies with many rules in force: thresholds of what was measured, and ages of what was tested.
pub(crate) async fn activate(store: &Store, rules: usize, edition: usize) -> anyhow::Result<()> {
    let mut cards = format!("title = \"Many\"\nsource = \"a bench, edition {edition}\"\n");
    for rule in 0..rules {
        let requires = match rule % 3 {
            0 => format!("{{ measure = \"auc\", at_least = \"0.8{rule:03}\" }}"),
            1 => format!("{{ measure = \"impact-ratio\", at_least = \"0.7{rule:03}\" }}"),
            _ => format!("{{ evidence = \"evaluation\", max_age_days = {} }}", rule + 1),
        };
        writeln!(
            cards,
            "[rule.many-{rule}]\nset = \"review\"\non = [\"operation\"]\nenvironment = [\"production\"]\n\
             reason = \"a threshold\"\nremedy = \"a better version\"\ncontrol = [\"CTL-EVALUATION-01\"]\n\
             does_not_prove = \"anything\"\nlapse = \"alert\"\nrequire = [{requires}]\n\
             [rule.many-{rule}.test]\npasses = [{{}}]\nfails = [{{}}]"
        )?;
    }
    let mut files = Package::builtin()?.files().clone();
    files.insert("cards/many.toml".to_owned(), cards);
    let package = Package::new(files)?;
    let bundle = package.digest();
    let proposal = ProposalId::new(SystemClock.now(), keys::random()?);
    let text = String::from_utf8(package.to_json()).context("a package is text")?;
    let proposed = Event::PolicyProposed { proposal, bundle: bundle.clone(), tests_passed: true, new: true };
    let activated = Event::PolicyActivated {
        proposal,
        bundle,
        previous: digest(0),
        verdict: BundleVerdict::Unproven,
        decision: DecisionId::new(Timestamp::from_micros(0), [0; 10]),
    };
    let proposed = Draft::new("system", proposed)
        .private("proposal", &serde_json::json!({"package": text, "reason": "a bench"}))?;
    write(store, vec![proposed, Draft::new("system", activated)]).await?;
    Ok(())
}
