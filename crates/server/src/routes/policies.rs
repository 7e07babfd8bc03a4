//! Policies in force, and the way of a change.

use super::{Answer, IdempotencyKey, ListQuery};
use crate::auth::{Authenticated, Keyed};
use crate::extract::{Body, Params, Segment};
use crate::state::ServerState;
use axum::Json;
use axum::extract::State;
use comptroller_app::policies::VoteOnPolicies;
use comptroller_app::policies::change::{PoliciesInForce, ProposalView, ProposePolicies};
use comptroller_app::policies::replay::{ReplayedDecision, ReplayedHistory};
use comptroller_app::policies::shadow::ShadowView;
use comptroller_app::{App, Page, Receipt, RuleInfo};
use comptroller_core::ids::{DecisionId, ProposalId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new()
        .routes(routes!(show_policies))
        .routes(routes!(list_policy_rules))
        .routes(routes!(propose_policies, list_proposals))
        .routes(routes!(show_proposal))
        .routes(routes!(analyse_proposal))
        .routes(routes!(vote_on_proposal))
        .routes(routes!(activate_proposal))
        .routes(routes!(start_shadow))
        .routes(routes!(stop_shadow))
        .routes(routes!(show_shadow))
        .routes(routes!(replay_history))
        .routes(routes!(replay_decision))
}

/// How much of the history is decided again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// The last so many decisions: 1 to 10,000, 1,000 if not given.
    #[param(minimum = 1, maximum = 10_000)]
    last: Option<i64>,
}

/// Which time in shadow, and how much of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ShadowQuery {
    /// The proposal; without it, whatever is in shadow, or was last.
    proposal: Option<ProposalId>,
    /// The newest so many differences: 0 to 200, 20 if not given.
    #[param(minimum = 0, maximum = 200)]
    last: Option<i64>,
}

/// Show the policies in force
///
/// With their files, to go on from.
#[utoipa::path(
    get, path = "/policy", tag = "Policies",
    responses((status = 200, description = "What is in force, and since when", body = PoliciesInForce))
)]
async fn show_policies(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Answer<PoliciesInForce> {
    Ok(Json(app.policies_in_force(&caller).await?))
}

/// List the rules of the policies in force
#[utoipa::path(
    get, path = "/policy/rules", tag = "Policies",
    responses((status = 200, description = "Every rule", body = Vec<RuleInfo>))
)]
async fn list_policy_rules(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Answer<Vec<RuleInfo>> {
    Ok(Json(app.policy_rules(&caller).await?))
}

/// Propose policies
///
/// The files of a bundle, or the digest of a known one to go back to it. Its tests are run at once.
#[utoipa::path(
    post, path = "/policy/proposals", tag = "Policies", params(IdempotencyKey), request_body = ProposePolicies,
    responses((status = 200, description = "The proposal is recorded", body = Receipt))
)]
async fn propose_policies(
    State(app): State<App>,
    Keyed(call): Keyed,
    Body(command): Body<ProposePolicies>,
) -> Answer<Receipt> {
    Ok(Json(app.propose_policies(&call, command).await?))
}

/// List proposals
#[utoipa::path(
    get, path = "/policy/proposals", tag = "Policies", params(ListQuery),
    responses((status = 200, description = "One page, oldest first, without reports", body = Page<ProposalView>))
)]
async fn list_proposals(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ListQuery>,
) -> Answer<Page<ProposalView>> {
    Ok(Json(app.proposals(&caller, query.slice()).await?))
}

/// Show a proposal with its report
#[utoipa::path(
    get, path = "/policy/proposals/{proposal}", tag = "Policies",
    params(("proposal" = ProposalId, Path, description = "Its id")),
    responses((status = 200, description = "The proposal", body = ProposalView))
)]
async fn show_proposal(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(proposal): Segment<ProposalId>,
) -> Answer<ProposalView> {
    Ok(Json(app.proposal(&caller, proposal).await?))
}

/// Compare a proposal with what is in force, by proof
///
/// What it lets in and keeps out, whether the standing invariants hold, and whether a rule can err. Takes seconds.
/// Without a solver on the server everything comes out as unproven.
#[utoipa::path(
    post, path = "/policy/proposals/{proposal}/analysis", tag = "Policies",
    params(("proposal" = ProposalId, Path, description = "Its id"), IdempotencyKey),
    responses((status = 200, description = "The proposal with its report", body = ProposalView))
)]
async fn analyse_proposal(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(proposal): Segment<ProposalId>,
) -> Answer<ProposalView> {
    Ok(Json(app.analyse_policies(&call, proposal).await?))
}

/// Vote on a proposal
#[utoipa::path(
    post, path = "/policy/proposals/{proposal}/votes", tag = "Policies",
    params(("proposal" = ProposalId, Path, description = "Its id"), IdempotencyKey), request_body = VoteOnPolicies,
    responses((status = 200, description = "The vote is recorded", body = Receipt))
)]
async fn vote_on_proposal(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(proposal): Segment<ProposalId>,
    Body(command): Body<VoteOnPolicies>,
) -> Answer<Receipt> {
    Ok(Json(app.vote_on_policies(&call, proposal, command).await?))
}

/// Put a proposal in force
///
/// The policies that are in force now decide whether it may be: tested, compared with them, approved by somebody else,
/// and by two if it lets something new happen or nobody has proven that it does not.
#[utoipa::path(
    post, path = "/policy/proposals/{proposal}/activation", tag = "Policies",
    params(("proposal" = ProposalId, Path, description = "Its id"), IdempotencyKey),
    responses((status = 200, description = "It is in force from this entry on", body = Receipt))
)]
async fn activate_proposal(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(proposal): Segment<ProposalId>,
) -> Answer<Receipt> {
    Ok(Json(app.activate_policies(&call, proposal).await?))
}

/// Put a proposal in shadow
///
/// From now on it answers every live question too, on the facts that the policies in force are asked with. Nothing
/// comes of its answers. One proposal at a time; it ends when the proposal comes in force or is refused.
#[utoipa::path(
    post, path = "/policy/proposals/{proposal}/shadow", tag = "Policies",
    params(("proposal" = ProposalId, Path, description = "Its id"), IdempotencyKey),
    responses((status = 200, description = "It is in shadow from this entry on", body = Receipt))
)]
async fn start_shadow(
    State(app): State<App>,
    Keyed(call): Keyed,
    Segment(proposal): Segment<ProposalId>,
) -> Answer<Receipt> {
    Ok(Json(app.start_shadow(&call, proposal).await?))
}

/// End what is in shadow
#[utoipa::path(
    post, path = "/policy/shadow/end", tag = "Policies", params(IdempotencyKey),
    responses((status = 200, description = "Nothing is in shadow any more", body = Receipt))
)]
async fn stop_shadow(State(app): State<App>, Keyed(call): Keyed) -> Answer<Receipt> {
    Ok(Json(app.stop_shadow(&call).await?))
}

/// Show how the answers in shadow compare
///
/// How many decisions on record would have come out the same, stricter or looser, and the newest differences.
#[utoipa::path(
    get, path = "/policy/shadow", tag = "Policies", params(ShadowQuery),
    responses((status = 200, description = "What is in shadow, or was last", body = ShadowView))
)]
async fn show_shadow(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Params(query): Params<ShadowQuery>,
) -> Answer<ShadowView> {
    Ok(Json(app.shadow(&caller, query.proposal, query.last.unwrap_or(20)).await?))
}

/// Decide the recorded decisions again by a proposal
#[utoipa::path(
    get, path = "/policy/proposals/{proposal}/history", tag = "Policies",
    params(("proposal" = ProposalId, Path, description = "Its id"), HistoryQuery),
    responses((status = 200, description = "Those that come out otherwise", body = ReplayedHistory))
)]
async fn replay_history(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(proposal): Segment<ProposalId>,
    Params(query): Params<HistoryQuery>,
) -> Answer<ReplayedHistory> {
    Ok(Json(app.replay_history(&caller, proposal, query.last.unwrap_or(1_000)).await?))
}

/// Decide a recorded decision again by the policies that made it
#[utoipa::path(
    get, path = "/decisions/{id}/replay", tag = "Policies",
    params(("id" = DecisionId, Path, description = "Its id")),
    responses((status = 200, description = "What is on record beside what comes out now", body = ReplayedDecision))
)]
async fn replay_decision(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Segment(decision): Segment<DecisionId>,
) -> Answer<ReplayedDecision> {
    Ok(Json(app.replay_decision(&caller, decision).await?))
}
