//! Policies in shadow: they answer every live question, and nothing comes of it.

use crate::governance::Team;
use comptroller_app::policies::VoteOnPolicies;
use comptroller_app::policies::shadow::ShadowView;
use comptroller_app::systems::SetTag;
use comptroller_app::{AppError, Call};
use comptroller_core::ids::ProposalId;
use comptroller_core::vocab::{Outcome, ShadowEffect, ShadowEnd, Vote};
use std::collections::BTreeMap;

/// Refuses two acts that are allowed now, and the gate.
const STRICTER: &str = r#"
@id("ours-closed") @reason("r") @remedy("m") @control("CTL-POLICY-01")
forbid (
  principal,
  action in [Action::"gate.check", Action::"tag.set", Action::"system.read"],
  resource
);
"#;
/// Overflows while there is no approval.
const ERRING: &str = r#"
@id("ours-overflow") @reason("r") @remedy("m") @control("CTL-POLICY-01")
forbid (principal, action == Action::"gate.check", resource)
when {
  context.approvals_valid - 2 - 9223372036854775807 > 0
};
"#;

impl Team {
    async fn start_shadow(&self, id: ProposalId) -> Result<(), AppError> {
        self.world.app.start_shadow(&Call::new(self.risk.clone()), id).await.map(|_| ())
    }

    async fn stop_shadow(&self) {
        self.world.app.stop_shadow(&Call::new(self.risk.clone())).await.unwrap();
    }

    async fn shadow(&self) -> ShadowView {
        self.world.app.shadow(&self.risk, None, 20).await.unwrap()
    }

    async fn tag(&self, value: &str) {
        let command = SetTag { key: "tier".parse().unwrap(), value: Some(value.parse().unwrap()) };
        let call = Call::new(self.developer.clone());
        self.world.app.tag_system(&call, "scoring".into(), command).await.unwrap();
    }
}

fn with_hard(rule: &'static str) -> impl Fn(&mut BTreeMap<String, String>) {
    move |files| files.get_mut("hard.cedar").unwrap().push_str(rule)
}

fn counts(view: &ShadowView) -> [i64; 5] {
    [view.decided, view.same, view.stricter, view.looser, view.errors]
}

/// INVARIANT (rebuildable): counts and differences are made again from the journal.
async fn is_rebuildable(team: &Team) {
    let findings = team.world.app.store().rebuild_check().await.unwrap();
    assert!(findings.found.is_empty(), "{:?}", findings.found);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_answers_too_and_changes_nothing() {
    let team = Team::new().await;
    let before = team.gate().await;
    assert_eq!(before.outcome, Outcome::NeedsReview);
    let stricter = team.propose(&[], with_hard(STRICTER)).await;
    let looser = team.propose(&[], |files| {
        files.insert("review.cedar".into(), String::new());
    });
    let looser = looser.await;
    let erring = team.propose(&[], with_hard(ERRING)).await;
    assert!(team.world.app.shadow(&team.risk, None, 20).await.is_err(), "nothing was in shadow yet");

    for (proposal, outcome, effect, expected) in [
        (stricter, Outcome::Deny, ShadowEffect::Stricter, [2, 0, 2, 0, 0]),
        (looser, Outcome::Allow, ShadowEffect::Looser, [2, 0, 0, 2, 0]),
        (erring, Outcome::Unknown, ShadowEffect::Error, [2, 0, 0, 0, 2]),
    ] {
        team.start_shadow(proposal).await.unwrap();
        assert!(matches!(team.start_shadow(proposal).await, Err(AppError::Conflict(_))));
        for _ in 0..2 {
            let gate = team.gate().await;
            assert_eq!((gate.outcome, &gate.bundle), (before.outcome, &before.bundle));
            let shown = team.shadow().await.differences.remove(0);
            assert_eq!((shown.decision, shown.ledger_index), (Some(gate.decision), gate.ledger_index));
            assert_eq!((shown.outcome, shown.shadow_outcome), (before.outcome, outcome));
            assert_eq!(shown.effect, effect);
            assert_eq!(shown.rules[0].as_str(), "approvals-missing");
        }
        let view = team.shadow().await;
        assert_eq!(counts(&view), expected);
        assert_eq!((view.state.as_str(), view.proposal), ("running", proposal));
        team.stop_shadow().await;
        assert_eq!(team.shadow().await.ended_because, Some(ShadowEnd::Stopped));
    }
    // After its end nothing is asked any more.
    team.gate().await;
    assert_eq!(team.shadow().await.decided, 2);
    is_rebuildable(&team).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_no_decision_on_record_is_noted_once_for_each_kind() {
    let team = Team::new().await;
    let app = &team.world.app;
    let id = team.propose(&[], with_hard(STRICTER)).await;
    team.start_shadow(id).await.unwrap();
    team.tag("one").await;
    team.tag("two").await;
    for _ in 0..3 {
        app.system(&team.developer, "scoring").await.unwrap();
    }
    let view = team.shadow().await;
    assert_eq!((view.decided, view.unrecorded), (0, 2), "{view:?}");
    let acts: Vec<&str> = view.differences.iter().map(|shown| shown.action.as_str()).collect();
    assert_eq!(acts, ["system.read", "tag.set"]);
    for shown in &view.differences {
        assert_eq!((shown.decision, shown.outcome), (None, Outcome::Allow));
        assert_eq!(shown.shadow_outcome, Outcome::Deny);
        assert_eq!(shown.shadow_rules[0].as_str(), "ours-closed");
    }
    // What both refuse is no difference.
    assert!(app.stop_shadow(&Call::new(team.developer.clone())).await.is_err());
    assert_eq!(team.shadow().await.unrecorded, 2);
    is_rebuildable(&team).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_ends_when_its_proposal_is_refused_or_comes_in_force() {
    let team = Team::new().await;
    let app = &team.world.app;
    let refused = team.propose(&["baseline", "soc2"], |_| ()).await;
    team.start_shadow(refused).await.unwrap();
    let deny = VoteOnPolicies { vote: Vote::Deny, comment: "no".into() };
    app.vote_on_policies(&Call::new(team.risk2.clone()), refused, deny).await.unwrap();
    assert_eq!(team.shadow().await.ended_because, Some(ShadowEnd::Refused));
    assert!(matches!(team.start_shadow(refused).await, Err(AppError::Conflict(_))));

    let id = team.propose(&["baseline"], |_| ()).await;
    team.start_shadow(id).await.unwrap();
    let gate = team.gate().await;
    app.analyse_policies(&Call::new(team.risk.clone()), id).await.unwrap();
    team.approve_policies(&team.risk2, id).await.unwrap();
    team.approve_policies(&team.risk3, id).await.unwrap();
    team.activate(id).await.unwrap();
    let view = team.shadow().await;
    assert_eq!((view.proposal, view.ended_because), (id, Some(ShadowEnd::Activated)));
    // The gate, two votes and the activation itself, which the policies in force before it decided about.
    assert_eq!(counts(&view)[0], 4);
    let after = team.gate().await;
    assert_ne!(after.bundle, gate.bundle);
    assert_eq!(team.shadow().await.decided, 4);
    is_rebuildable(&team).await;
}
