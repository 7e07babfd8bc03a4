//! Evidence, approvals that invalidate themselves, waivers, and the way of a change of policies.

use crate::promotion::{ask, vote};
use crate::world::World;
use comptroller_app::approvals::{CastVote, RequestApproval};
use comptroller_app::assess::{Because, RecordEvidence};
use comptroller_app::audit::EntryQuery;
use comptroller_app::caller::Caller;
use comptroller_app::classify::ClassifySystem;
use comptroller_app::deploy::Deploy;
use comptroller_app::gate::{CheckGate, GateAnswer};
use comptroller_app::operate::Watch;
use comptroller_app::people::ChangeRole;
use comptroller_app::policies::VoteOnPolicies;
use comptroller_app::policies::change::ProposePolicies;
use comptroller_app::runtime::ReportRuntime;
use comptroller_app::view::Slice;
use comptroller_app::waivers::{DecideWaiver, RequestWaiver};
use comptroller_app::what_if::WhatIf;
use comptroller_app::{AppError, Call};
use comptroller_core::ids::{EvidenceId, ProposalId, WaiverId};
use comptroller_core::vocab::{BundleVerdict, EvidenceKind, Measure, Outcome, RiskTier, Vote};
use comptroller_core::{Environment, Role, Slug, Timestamp};
use comptroller_policy::Package;
use serde_json::json;
use std::collections::BTreeMap;

const DAY: i64 = 86_400;

/// People of every role that a change needs, and a version that served in staging.
pub(crate) struct Team {
    pub(crate) world: World,
    pub(crate) developer: Caller,
    pub(crate) deployer: Caller,
    pub(crate) approver: Caller,
    pub(crate) risk: Caller,
    pub(crate) risk2: Caller,
    pub(crate) risk3: Caller,
}

impl Team {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let developer = world.person("developer", &[Role::Developer], None).await;
        let deployer = world.person("deployer", &[Role::Deployer], None).await;
        let approver = world.person("approver", &[Role::Approver], None).await;
        let risk = world.person("risk", &[Role::RiskOfficer], None).await;
        let risk2 = world.person("risk2", &[Role::RiskOfficer], None).await;
        let risk3 = world.person("risk3", &[Role::RiskOfficer], None).await;
        world.system(&developer).await;
        world.version(&developer, "1", 0.9).await;
        let team = Self { world, developer, deployer, approver, risk, risk2, risk3 };
        team.deploy(Environment::Staging).await.unwrap();
        team
    }

    pub(crate) async fn deploy(&self, environment: Environment) -> Result<(), AppError> {
        let command = Deploy { version: "scorer@1".into(), environment, reason: "test".into() };
        self.world.app.deploy(&Call::new(self.deployer.clone()), command).await.map(|_| ())
    }

    pub(crate) async fn gate(&self) -> GateAnswer {
        self.gate_of("scorer@1", Environment::Production).await
    }

    pub(crate) async fn gate_of(&self, version: &str, environment: Environment) -> GateAnswer {
        let check = CheckGate { version: version.into(), environment, certify: false };
        self.world.app.check_gate(&Call::new(self.deployer.clone()), check).await.unwrap()
    }

    pub(crate) async fn fired(&self) -> Vec<String> {
        self.gate().await.rules.iter().map(|rule| rule.id.to_string()).collect()
    }

    pub(crate) async fn evidence(&self, kind: EvidenceKind, measures: &[(Measure, &str)]) -> EvidenceId {
        self.evidence_at(kind, measures, self.world.app.store().clock().now()).await.unwrap()
    }

    async fn evidence_at(
        &self,
        kind: EvidenceKind,
        measures: &[(Measure, &str)],
        observed_at: Timestamp,
    ) -> Result<EvidenceId, AppError> {
        let command = command(kind, measures, observed_at);
        let receipt = self.world.app.record_evidence(&Call::new(self.developer.clone()), command).await?;
        Ok(receipt.id.parse().unwrap())
    }

    async fn record(&self, kind: EvidenceKind, measures: &[(Measure, &str)], passed: bool) -> EvidenceId {
        let now = self.world.app.store().clock().now();
        let command = RecordEvidence { passed, ..command(kind, measures, now) };
        let call = Call::new(self.developer.clone());
        self.world.app.record_evidence(&call, command).await.unwrap().id.parse().unwrap()
    }

    pub(crate) async fn propose(
        &self,
        packs: &[&str],
        edit: impl Fn(&mut BTreeMap<String, String>),
    ) -> ProposalId {
        let mut files = Package::with_packs(packs).unwrap().files().clone();
        edit(&mut files);
        let command = ProposePolicies { files, bundle: None, reason: "more evidence".into() };
        let receipt = self.world.app.propose_policies(&Call::new(self.risk.clone()), command).await.unwrap();
        receipt.id.parse().unwrap()
    }

    pub(crate) async fn approve_policies(&self, who: &Caller, id: ProposalId) -> Result<(), AppError> {
        let command = VoteOnPolicies { vote: Vote::Approve, comment: "seen".into() };
        self.world.app.vote_on_policies(&Call::new(who.clone()), id, command).await.map(|_| ())
    }

    pub(crate) async fn activate(&self, id: ProposalId) -> Result<(), AppError> {
        self.world.app.activate_policies(&self.world.owner(), id).await.map(|_| ())
    }

    /// Puts the pack `baseline` in force, the whole way.
    pub(crate) async fn baseline(&self) {
        let id = self.propose(&["baseline"], |_| ()).await;
        let analysed = self.world.app.analyse_policies(&Call::new(self.risk.clone()), id).await.unwrap();
        assert_eq!(analysed.verdict, Some(BundleVerdict::Stricter));
        self.approve_policies(&self.risk2, id).await.unwrap();
        self.activate(id).await.unwrap();
    }

    async fn classify(&self, who: &Caller, tier: RiskTier) -> Result<(), AppError> {
        let command = ClassifySystem { tier, reason: "Annex III 5(b)".into() };
        self.world.app.classify_system(&Call::new(who.clone()), "scoring".into(), command).await.map(|_| ())
    }
}

/// Evidence that came out well, about the version or its system.
pub(crate) fn command(
    kind: EvidenceKind,
    measures: &[(Measure, &str)],
    observed_at: Timestamp,
) -> RecordEvidence {
    let of_version = kind.of_version();
    RecordEvidence {
        kind,
        version: of_version.then(|| "scorer@1".to_owned()),
        system: (!of_version).then(|| "scoring".to_owned()),
        observed_at,
        passed: true,
        measures: measures.iter().map(|(measure, text)| (*measure, (*text).to_owned())).collect(),
        document: None,
        subject: None,
        note: String::new(),
    }
}

fn refused_by(error: &AppError) -> Vec<String> {
    match error {
        AppError::Denied { decision, .. } => decision.rules.iter().map(|rule| rule.id.to_string()).collect(),
        other => panic!("not a refusal: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_policies_is_proven_approved_and_decides_about_what_comes_after_it() {
    let team = Team::new().await;
    let app = &team.world.app;
    let before = team.gate().await;
    assert_eq!(before.outcome, Outcome::NeedsReview);

    // Tested at once; not comparable before it was compared; not by the proposer; and one approval is enough for what
    // is proven stricter.
    let id = team.propose(&["baseline"], |_| ()).await;
    let refused = team.activate(id).await.unwrap_err();
    assert_eq!(
        refused_by(&refused),
        ["policy-looser-or-unproven", "policy-not-approved", "policy-not-compared"]
    );
    let analysed = app.analyse_policies(&Call::new(team.risk.clone()), id).await.unwrap();
    assert!(analysed.tests_passed && analysed.analysis_is_current);
    assert_eq!(analysed.verdict, Some(BundleVerdict::Stricter));
    assert_eq!((analysed.invariants_violated, analysed.invariants_unproven), (0, 0));
    assert_eq!((analysed.rules_may_err, analysed.rules_unproven), (0, 0));
    assert!(team.approve_policies(&team.risk, id).await.is_err(), "the proposer");
    assert!(team.approve_policies(&team.approver, id).await.is_err(), "no owner of policies");
    team.approve_policies(&team.risk2, id).await.unwrap();
    // What would it have decided? The gate's question of before comes out otherwise only by more rules.
    let history = app.replay_history(&team.risk, id, 100).await.unwrap();
    assert!(history.replayed >= 2 && history.unfit == 0, "{history:?}");
    team.activate(id).await.unwrap();

    let after = team.gate().await;
    let fired: Vec<&str> = after.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert!(fired.contains(&"baseline-evaluated") && fired.contains(&"baseline-bias-tested"), "{fired:?}");
    assert!(after.paths.shortest[0].iter().any(|step| step.id == "evidence/bias-test"), "{:?}", after.paths);
    // INVARIANT (as-of): a decision of before is made again by the bundle of before.
    for answer in [&before, &after] {
        let replayed = app.replay_decision(&team.risk, answer.decision).await.unwrap();
        assert!(replayed.same && replayed.bundle == answer.bundle, "{replayed:?}");
    }

    // Back again is looser: it names the request that is let in, and takes a second approval.
    let back = ProposePolicies {
        files: BTreeMap::new(),
        bundle: Some(before.bundle.clone()),
        reason: "back".into(),
    };
    let id: ProposalId =
        app.propose_policies(&Call::new(team.risk.clone()), back).await.unwrap().id.parse().unwrap();
    let analysed = app.analyse_policies(&Call::new(team.risk.clone()), id).await.unwrap();
    assert_eq!(analysed.verdict, Some(BundleVerdict::Looser));
    team.approve_policies(&team.risk2, id).await.unwrap();
    assert_eq!(refused_by(&team.activate(id).await.unwrap_err()), ["policy-looser-or-unproven"]);
    team.approve_policies(&team.risk3, id).await.unwrap();
    team.activate(id).await.unwrap();
    assert_eq!(team.gate().await.bundle, before.bundle);
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_break_an_invariant_or_fail_their_tests_never_come_in_force() {
    let team = Team::new().await;
    let app = &team.world.app;
    let weak = |files: &mut BTreeMap<String, String>| {
        let hard = files.get_mut("hard.cedar").unwrap();
        *hard = hard.replace("context.voter_is_builder", "context.voter_is_builder && context.already_voted");
        // Who proposes it says that nothing needs to hold: the invariants that ship hold all the same.
        files.insert("invariants.cedar".into(), String::new());
    };
    let id = team.propose(&[], weak).await;
    let analysed = app.analyse_policies(&Call::new(team.risk.clone()), id).await.unwrap();
    assert_eq!(analysed.invariants_violated, 1);
    assert!(!analysed.tests_passed);
    team.approve_policies(&team.risk2, id).await.unwrap();
    team.approve_policies(&team.risk3, id).await.unwrap();
    assert_eq!(
        refused_by(&team.activate(id).await.unwrap_err()),
        ["policy-breaks-invariant", "policy-not-tested"]
    );
    // A typo in the name of a fact is refused at the door, with the name.
    let mut files = Package::builtin().unwrap().files().clone();
    let hard = files.get_mut("hard.cedar").unwrap();
    *hard = hard.replace("context.served_in_staging", "context.serves_in_staging");
    let command = ProposePolicies { files, bundle: None, reason: "typo".into() };
    let error = app.propose_policies(&Call::new(team.risk.clone()), command).await.unwrap_err();
    assert!(error.to_string().contains("serves_in_staging"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_nobody_could_change_again_do_not_come_in_force() {
    let team = Team::new().await;
    let app = &team.world.app;
    let auditors_only = |files: &mut BTreeMap<String, String>| {
        let hard = files.get_mut("hard.cedar").unwrap();
        let (before, rule) = hard.split_once("@id(\"activate-policies\")").unwrap();
        let names = "Role::\"owner\", Role::\"admin\", Role::\"risk-officer\"";
        *hard = format!("{before}@id(\"activate-policies\"){}", rule.replacen(names, "Role::\"auditor\"", 1));
        let tests = files.get_mut("tests.toml").unwrap();
        let baseline = "[act.\"policy.activate\"]\nroles = [\"admin\"]";
        *tests = tests.replace(baseline, "[act.\"policy.activate\"]\nroles = [\"auditor\"]");
    };
    let id = team.propose(&[], auditors_only).await;
    let analysed = app.analyse_policies(&Call::new(team.risk.clone()), id).await.unwrap();
    assert!(analysed.tests_passed);
    team.approve_policies(&team.risk2, id).await.unwrap();
    team.approve_policies(&team.risk3, id).await.unwrap();
    let error = team.activate(id).await.unwrap_err();
    assert!(error.to_string().contains("so they would stay for ever"), "{error}");
    assert_eq!(app.proposal(&team.risk, id).await.unwrap().state, "proposed");
    // Once there is somebody, they may.
    let role =
        ChangeRole { principal: team.developer.principal.to_string(), role: Role::Auditor, system: None };
    app.grant_role(&team.world.owner(), role).await.unwrap();
    team.activate(id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_counts_for_what_it_is_about_and_never_rounds_up_to_a_threshold() {
    let team = Team::new().await;
    team.baseline().await;
    let fired = team.fired().await;
    for rule in ["baseline-bias-tested", "baseline-evaluated", "baseline-model-card", "baseline-monitored"] {
        assert!(fired.iter().any(|fired| fired == rule), "{rule}: {fired:?}");
    }
    // A tier below high takes the rules for high away; nobody who built lowers it.
    team.classify(&team.risk, RiskTier::Limited).await.unwrap();
    assert!(!team.fired().await.contains(&"baseline-bias-tested".to_owned()));
    team.classify(&team.risk, RiskTier::High).await.unwrap();
    assert!(team.classify(&team.developer, RiskTier::Minimal).await.is_err());

    team.evidence(EvidenceKind::Evaluation, &[(Measure::Auc, "0.9")]).await;
    team.evidence(EvidenceKind::ModelCard, &[]).await;
    team.evidence(EvidenceKind::MonitoringPlan, &[]).await;
    let near = team.evidence(EvidenceKind::BiasTest, &[(Measure::ImpactRatio, "0.79996")]).await;
    let gate = team.gate().await;
    let rule = gate.rules.iter().find(|rule| rule.id.as_str() == "baseline-bias-tested").unwrap();
    assert_eq!(rule.clauses.len(), 1);
    assert_eq!(rule.clauses[0].required, ">= 800000");
    assert_eq!(rule.clauses[0].actual, Some(799_960.into()));
    assert_eq!(gate.sources["impact_ratio_ppm"].evidence, [near]);
    team.evidence(EvidenceKind::BiasTest, &[(Measure::ImpactRatio, "0.8")]).await;
    assert_eq!(team.fired().await, ["approvals-missing"]);

    let app = &team.world.app;
    let tomorrow = app.store().clock().now().plus_seconds(DAY);
    let error = team.evidence_at(EvidenceKind::BiasTest, &[], tomorrow).await.unwrap_err();
    assert!(error.to_string().contains("in the future"), "{error}");
    let error = team
        .evidence_at(EvidenceKind::Evaluation, &[(Measure::ImpactRatio, "0.9")], app.store().clock().now())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("stated by evidence of kind bias-test"), "{error}");
    // Nobody did anything: half a year later the test is too old. The callers' tokens have ended by then, the use case
    // asks for none.
    team.world.clock.pass(181 * DAY);
    assert!(team.fired().await.contains(&"baseline-bias-tested".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_stop_to_count_when_what_they_rest_on_changes_and_say_why() {
    let team = Team::new().await;
    let app = &team.world.app;
    team.baseline().await;
    team.classify(&team.risk, RiskTier::High).await.unwrap();
    team.evidence(EvidenceKind::Evaluation, &[]).await;
    team.evidence(EvidenceKind::ModelCard, &[]).await;
    team.evidence(EvidenceKind::MonitoringPlan, &[]).await;
    team.evidence(EvidenceKind::BiasTest, &[(Measure::ImpactRatio, "0.85")]).await;
    let id = ask(app, &team.deployer, "scorer@1").await;
    vote(app, &team.approver, id).await.unwrap();
    vote(app, &team.risk, id).await.unwrap();
    assert_eq!(team.gate().await.outcome, Outcome::Allow);

    // What if it were worse? The gate says so, and nothing is recorded.
    let suppose = WhatIf {
        version: "scorer@1".into(),
        environment: Environment::Production,
        facts: BTreeMap::from([("impact_ratio_ppm".to_owned(), 799_999.into())]),
        proposal: None,
    };
    let supposed = app.what_if(&team.risk, suppose.clone()).await.unwrap();
    assert_eq!((supposed.outcome_now, supposed.outcome), (Outcome::Allow, Outcome::NeedsReview));
    assert_eq!(supposed.rules[0].id.as_str(), "baseline-bias-tested");
    let wrong = WhatIf { facts: BTreeMap::from([("impact_ratio_ppm".to_owned(), 0.8.into())]), ..suppose };
    let error = app.what_if(&team.risk, wrong).await.unwrap_err();
    assert!(error.to_string().contains("impact_ratio_ppm is not a 64-bit integer"), "{error}");

    // A better test keeps the votes; a worse one, and a withdrawn one, do not.
    team.evidence(EvidenceKind::BiasTest, &[(Measure::ImpactRatio, "0.9")]).await;
    assert_eq!(team.gate().await.outcome, Outcome::Allow);
    let worse = team.evidence(EvidenceKind::BiasTest, &[(Measure::ImpactRatio, "0.82")]).await;
    let gate = team.gate().await;
    assert_eq!(gate.outcome, Outcome::NeedsReview);
    let causes: Vec<&str> = gate.votes.iter().filter_map(|vote| vote.cause.as_deref()).collect();
    assert_eq!(causes.len(), 2);
    assert!(causes[0].contains("the impact-ratio of a newer bias-test is worse"), "{causes:?}");
    // No rule asks for another test, so what is left is to vote anew.
    let path: Vec<&str> = gate.paths.shortest[0].iter().map(|step| step.id.as_str()).collect();
    assert_eq!(path, ["approvals"], "{:?}", gate.paths);
    let withdraw = Because { reason: "wrong data".into() };
    app.withdraw_evidence(&Call::new(team.developer.clone()), worse, withdraw.clone()).await.unwrap();
    assert_eq!(team.gate().await.outcome, Outcome::Allow);

    // A failed test is not made undone by whoever built the version, nor any evidence by a bystander.
    let failed = team.record(EvidenceKind::BiasTest, &[(Measure::ImpactRatio, "0.5")], false).await;
    for (who, rule) in
        [(&team.developer, "failure-withdrawn-by-builder"), (&team.approver, "withdrawal-by-another")]
    {
        let refused = app.withdraw_evidence(&Call::new(who.clone()), failed, withdraw.clone()).await;
        assert_eq!(refused_by(&refused.unwrap_err()), [rule]);
    }
    assert_eq!(team.gate().await.outcome, Outcome::NeedsReview);
    app.withdraw_evidence(&Call::new(team.risk.clone()), failed, withdraw).await.unwrap();
    // What it found stands until somebody without a part in it says otherwise; who approved never saw that rule fire.
    assert_eq!(team.fired().await, ["approvals-missing", "baseline-findings-worked-on"]);
    team.accept_findings().await;
    assert_eq!(team.gate().await.outcome, Outcome::Allow);

    // Somebody who voted comes to administer, and stops to count that moment.
    let role = ChangeRole { principal: team.approver.principal.to_string(), role: Role::Admin, system: None };
    app.grant_role(&team.world.owner(), role.clone()).await.unwrap();
    let gate = team.gate().await;
    assert_eq!(gate.outcome, Outcome::NeedsReview);
    assert!(gate.votes.iter().any(|vote| vote.cause.as_deref() == Some("the voter administers")));
    app.revoke_role(&team.world.owner(), role).await.unwrap();
    assert_eq!(team.gate().await.outcome, Outcome::Allow);

    // Somebody who voted joins the builders: the same file, registered again.
    let role =
        ChangeRole { principal: team.approver.principal.to_string(), role: Role::Developer, system: None };
    app.grant_role(&team.world.owner(), role).await.unwrap();
    let mut copy = crate::world::version("1-copy", &crate::world::digest(b"model 1"), 0.8);
    copy.artifacts[0].name = "renamed.txt".parse().unwrap();
    app.register_version(&Call::new(team.approver.clone()), "scorer".into(), copy).await.unwrap();
    let gate = team.gate().await;
    assert_eq!(gate.outcome, Outcome::NeedsReview);
    let cause = Some("the voter is among the builders");
    assert!(gate.votes.iter().any(|vote| vote.cause.as_deref() == cause), "{:?}", gate.votes);
    // INVARIANT (deny-on-error): a higher tier asks again.
    team.classify(&team.risk, RiskTier::Prohibited).await.unwrap();
    let fired = team.fired().await;
    assert!(fired.contains(&"prohibited-system".to_owned()), "{fired:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_takes_the_place_of_a_rule_for_its_time_and_no_longer() {
    let team = Team::new().await;
    let app = &team.world.app;
    team.baseline().await;
    team.classify(&team.risk, RiskTier::Minimal).await.unwrap();
    team.evidence(EvidenceKind::Evaluation, &[]).await;
    let request = |rule: &str, days| RequestWaiver {
        rule: rule.parse().unwrap(),
        version: "scorer@1".into(),
        environment: Environment::Production,
        owner: team.developer.principal.to_string(),
        ticket: "RISK-7".parse().unwrap(),
        days,
        reason: "the card is being written".into(),
    };
    let call = Call::new(team.deployer.clone());
    for (rule, days, expected) in [
        ("approvals-missing", 7, "cannot be waived"),
        ("artifacts-missing", 7, "cannot be waived"),
        ("no-such-rule", 7, "no-such-rule"),
        ("baseline-model-card", 91, "1 to 90"),
    ] {
        let error = app.request_waiver(&call, request(rule, days)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{rule}: {error}");
    }
    let id: WaiverId =
        app.request_waiver(&call, request("baseline-model-card", 20)).await.unwrap().id.parse().unwrap();
    assert!(team.fired().await.contains(&"baseline-model-card".to_owned()), "asked for is not granted");
    let grant = DecideWaiver { vote: Vote::Approve, comment: "for three weeks".into() };
    for refused in [&team.deployer, &team.approver] {
        assert!(app.decide_waiver(&Call::new(refused.clone()), id, grant.clone()).await.is_err());
    }
    app.decide_waiver(&Call::new(team.risk.clone()), id, grant.clone()).await.unwrap();
    assert!(app.decide_waiver(&Call::new(team.risk2.clone()), id, grant).await.is_err(), "decided already");
    let gate = team.gate().await;
    assert!(!gate.rules.iter().any(|rule| rule.id.as_str() == "baseline-model-card"));
    assert_eq!(gate.waivers, [id]);
    let page = app.waivers(&team.risk, None, comptroller_app::view::Slice::default()).await.unwrap();
    assert_eq!(page.items[0].warning.as_deref(), Some("ends in less than 30 days"));

    let end = Because { reason: "the card is there".into() };
    app.end_waiver(&call, id, end.clone()).await.unwrap();
    assert!(team.fired().await.contains(&"baseline-model-card".to_owned()), "an ended waiver waives nothing");
    assert!(app.end_waiver(&call, id, end).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_deployment_is_decided_about_again_when_something_changes_and_when_time_passes() {
    let team = Team::new().await;
    let app = &team.world.app;
    let id = ask(app, &team.deployer, "scorer@1").await;
    vote(app, &team.approver, id).await.unwrap();
    vote(app, &team.risk, id).await.unwrap();
    team.deploy(Environment::Production).await.unwrap();
    let mut watch = Watch::default();
    let running = async || app.operations(&team.risk, None, Slice::default()).await.unwrap().items.remove(0);
    assert_eq!(app.watch_operations(&mut watch).await.unwrap(), 1, "the first decision");
    assert_eq!(running().await.outcome, Outcome::Allow);
    let size = app.store().clone();
    let entries = async || {
        let mut conn = size.read().await.unwrap();
        comptroller_store::journal::head(&mut conn).await.unwrap().unwrap().size
    };
    let before = entries().await;
    assert_eq!(app.watch_operations(&mut watch).await.unwrap(), 0);
    assert_eq!(entries().await, before, "nothing changed, nothing is recorded");

    // New policies: what was enough yesterday is not today.
    team.baseline().await;
    team.classify(&team.risk, RiskTier::High).await.unwrap();
    assert_eq!(app.watch_operations(&mut watch).await.unwrap(), 1);
    let now = running().await;
    assert_eq!((now.outcome, now.asks_for.as_deref()), (Outcome::NeedsReview, Some("alert")));
    assert!(now.rules.iter().any(|rule| rule.as_str() == "baseline-bias-tested"), "{:?}", now.rules);
    // The approvals rest on less than the new rules ask for.
    assert!(now.rules.iter().any(|rule| rule.as_str() == "baseline-approvals-hold"), "{:?}", now.rules);

    // Evidence alone puts it right: the votes count again once the new rules are quiet, so no path asks for others.
    let gate = team.gate().await;
    assert!(gate.rules.iter().any(|rule| rule.id.as_str() == "approvals-missing"), "{:?}", gate.rules);
    let path: Vec<&str> = gate.paths.shortest[0].iter().map(|step| step.id.as_str()).collect();
    let evidence =
        ["evidence/bias-test", "evidence/evaluation", "evidence/model-card", "evidence/monitoring-plan"];
    assert_eq!(path, evidence, "{:?}", gate.paths);

    // So it does, and says until when.
    team.evidence(EvidenceKind::Evaluation, &[]).await;
    team.evidence(EvidenceKind::ModelCard, &[]).await;
    team.evidence(EvidenceKind::MonitoringPlan, &[]).await;
    team.evidence(EvidenceKind::BiasTest, &[(Measure::ImpactRatio, "0.85")]).await;
    assert_eq!(team.gate().await.outcome, Outcome::Allow, "the path was followed, and leads there");
    let runtime = team.world.runtime().await;
    let report = ReportRuntime {
        system: "scoring".into(),
        environment: Environment::Production,
        instance: "host-1".parse().unwrap(),
        loaded: crate::world::digest(b"model 1"),
    };
    app.report_runtime(&Call::new(runtime), report).await.unwrap();
    assert_eq!(app.watch_operations(&mut watch).await.unwrap(), 1);
    let now = running().await;
    assert_eq!(now.outcome, Outcome::Allow, "{:?}", now.rules);
    assert_eq!(now.lapsing.iter().map(Slug::as_str).collect::<Vec<_>>(), ["baseline-heartbeat"]);
    let lapses = now.lapses_at.unwrap().micros() - app.store().clock().now().micros();
    assert!((47 * 3_600..=48 * 3_600 + 2).contains(&(lapses / 1_000_000)), "{lapses}");

    // Nobody does anything, and two days later it lapses.
    team.world.clock.pass(2 * DAY + 5);
    assert_eq!(app.watch_operations(&mut watch).await.unwrap(), 1);
    let now = running().await;
    assert_eq!(now.rules.iter().map(Slug::as_str).collect::<Vec<_>>(), ["baseline-heartbeat"]);
    // The recorded decision is made again like any other.
    let replayed = app.replay_decision(&team.risk, now.decision.unwrap()).await.unwrap();
    assert!(replayed.same, "{replayed:?}");
    // A day later there is a decision again, though nothing changed: somebody looks.
    let before = entries().await;
    team.world.clock.pass(DAY + 5);
    assert_eq!(app.watch_operations(&mut watch).await.unwrap(), 0);
    assert_eq!(entries().await, before + 2);

    // More that stands against it is recorded while its outcome stays the same: here an approval that holds no longer.
    let role =
        ChangeRole { principal: team.approver.principal.to_string(), role: Role::Approver, system: None };
    app.revoke_role(&team.world.owner(), role).await.unwrap();
    let before = entries().await;
    assert_eq!(app.watch_operations(&mut watch).await.unwrap(), 0);
    assert_eq!(entries().await, before + 2);
    let query = EntryQuery { kind: Some("operation.decided".into()), ..EntryQuery::default() };
    let page = app.entries(&team.risk, query, Slice::default()).await.unwrap();
    let last = &page.items[0].entry["data"];
    assert_eq!((&last["trigger"], &last["began"]), (&json!("people"), &json!(["baseline-approvals-hold"])));
    assert_eq!(last["rules"], json!(["baseline-approvals-hold", "baseline-heartbeat"]));
    assert_eq!((&last["previous"], &last["outcome"]), (&json!("needs-review"), &json!("needs-review")));
}

/// INVARIANT (deny-is-terminal).
#[tokio::test]
async fn a_vote_against_a_version_stands_whatever_is_asked_for_afterwards() {
    let team = Team::new().await;
    let app = &team.world.app;
    team.evidence(EvidenceKind::Evaluation, &[(Measure::Auc, "0.9")]).await;
    let first = ask(app, &team.developer, "scorer@1").await;
    // Evidence got worse, so it is asked for anew; the first request is heard on no longer, but for objections.
    team.evidence(EvidenceKind::Evaluation, &[(Measure::Auc, "0.8")]).await;
    let second = ask(app, &team.developer, "scorer@1").await;
    let shown = app.approvals(&team.risk, Some("scorer@1"), Slice::default()).await.unwrap().items;
    let states: Vec<&str> = shown.iter().map(|request| request.state.as_str()).collect();
    assert_eq!(states, ["superseded", "open"]);
    let late = vote(app, &team.approver, first).await.unwrap_err();
    assert!(format!("{late:?}").contains("vote-on-closed-request"), "{late:?}");
    let against = CastVote::new(Vote::Deny, "it hurts people");
    app.vote(&Call::new(team.risk.clone()), first, against).await.unwrap();
    assert!(team.fired().await.contains(&"approval-denied".to_owned()), "{:?}", team.fired().await);
    vote(app, &team.approver, second).await.unwrap();
    vote(app, &team.risk2, second).await.unwrap();
    assert!(team.deploy(Environment::Production).await.is_err());

    let again = RequestApproval {
        version: "scorer@1".into(),
        environment: Environment::Production,
        reason: "please".into(),
    };
    let refused = app.request_approval(&Call::new(team.developer.clone()), again).await.unwrap_err();
    assert!(refused.to_string().contains("somebody voted against these artifacts"), "{refused}");
}
