//! The command line as a whole: nouns, and the arguments that several of them share.
//!
//! Each noun's verbs stand in its own file under `commands`.

use crate::commands::{
    approval, artifact, audit, completions, config, control, dataset, decision, delegation, deploy, docs,
    doctor, drift, emergency, evidence, factor, fairness, framework, gap, gate, hold, invitation, ledger,
    model, monitor, person, playbook, policy, prediction, profile, remediation, retention, risk, role,
    runtime, serve, service_account, serving, store, subject, system, team, token, vendor, verifier, verify,
    verify_prediction, verify_statement, version, waiver, workload,
};
use crate::input::one_of;
use crate::output::Format;
use clap::{Args, Parser, Subcommand};
use comptroller_app::access::{IssueOwnToken, IssueToken};
use comptroller_core::{Environment, Slug};
use std::path::PathBuf;

/// System of record and control plane for an organisation's AI.
///
/// Most commands talk to a running server (`comptroller serve`). `drift`, `profile`, `fairness`, `framework`, `risk`, `verify`, `verify-prediction`, `verify-statement`, `verifier`,
/// `control list`, `control show`, `control test PACK`, `policy`, `playbook`, `docs`, `config` and `completions` need none and open no data folder; `doctor` and `store` work on the data folder of a stopped server.
#[derive(Debug, Parser)]
#[command(name = "comptroller", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What stdout gets: text for people, or the API's JSON answer as it came.
    #[arg(long, global = true, value_parser = Format::common(), default_value = "text", value_name = "FORMAT")]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(serve::ServeArgs),
    /// People.
    Person(Noun<person::Verb>),
    /// Service accounts: programs that act.
    ServiceAccount(Noun<service_account::Verb>),
    /// Roles of people and service accounts.
    Role(Noun<role::Verb>),
    /// Teams that own systems and datasets.
    Team(Noun<team::Verb>),
    /// Invitations, by which people come to the first token of their own.
    Invitation(Noun<invitation::Verb>),
    /// API tokens.
    Token(Noun<token::Verb>),
    /// Second factors: what you show when you vote on production.
    Factor(Noun<factor::Verb>),
    /// Pipelines that get tokens for what their platform says about them.
    Workload(Noun<workload::Verb>),
    /// Show whom the token belongs to, and its roles.
    Whoami(ApiArgs),
    /// Vendors.
    Vendor(Noun<vendor::Verb>),
    /// AI systems: the inventory.
    System(Noun<system::Verb>),
    /// Datasets, their immutable versions and lineage.
    Dataset(Noun<dataset::Verb>),
    /// Files of models and datasets, by digest.
    Artifact(Noun<artifact::Verb>),
    /// Models.
    Model(Noun<model::Verb>),
    /// Immutable versions of models.
    Version(Noun<version::Verb>),
    /// Ask whether a version may go to an environment. Ends with 0 allow, 2 deny, 3 needs review, 4 unknown.
    Gate(Act<gate::GateArgs>),
    /// Recorded decisions, and signed statements about them.
    Decision(Noun<decision::Verb>),
    /// Requests for approval, and votes.
    Approval(Noun<approval::Verb>),
    /// Delegations: who votes in whose stead, for a time.
    Delegation(Noun<delegation::Verb>),
    /// Waivers: exceptions from rules, for a time.
    Waiver(Noun<waiver::Verb>),
    /// Emergencies: past the gate, by two people, for a few hours, with a review afterwards.
    Emergency(Noun<emergency::Verb>),
    /// Incidents.
    Incident(Noun<emergency::IncidentVerb>),
    /// Remediations: who does what about a finding, until when, and how it ended.
    Remediation(Noun<remediation::Verb>),
    /// Put a version into an environment.
    Deploy(Act<deploy::DeployArgs>),
    /// What versions are watched against, and what each day of their records came to.
    Monitor(Noun<monitor::Verb>),
    /// Playbooks: what to do about an alarm, by cause.
    #[command(subcommand)]
    Playbook(playbook::Verb),
    /// Prediction records and labels: send, find, prove.
    Prediction(Noun<prediction::Verb>),
    /// Return an environment to an earlier version.
    Rollback(Act<deploy::RollbackArgs>),
    /// Rehearse a rollback and the return from it; the evidence is recorded.
    Drill(Act<deploy::DrillArgs>),
    /// What was deployed when.
    Deployments(Noun<deploy::Verb>),
    /// Show which version served a system at a moment.
    Serving(Act<serving::ServingArgs>),
    /// What running processes have loaded.
    Runtime(Noun<runtime::Verb>),
    /// Data subjects, what they ask for, and erasure.
    Subject(Noun<subject::Verb>),
    /// What is kept how long, and what goes when.
    Retention(Noun<retention::Verb>),
    /// Legal holds: what one covers is not purged.
    Hold(Noun<hold::Verb>),
    /// Compare two data sets: how far they drifted apart, which columns carry it, and whose fault it is.
    Drift(drift::DriftArgs),
    /// Make a profile of a data set that can stand for it in `drift`, or merge profiles.
    Profile(profile::ProfileArgs),
    /// Audit decisions for fairness: rates by group, gaps with their uncertainty, and whether what was demanded holds.
    Fairness(fairness::FairnessArgs),
    /// What frameworks and laws ask, from when, and what changed. Needs no server, but for --systems.
    Framework(Noun<framework::Verb>),
    /// The risk of AI systems: the tier of the EU AI Act, and five dimensions, from stated facts. Needs no server, but to
    /// record a tier.
    Risk(Noun<risk::Verb>),
    /// Controls: what is done all the time, whether it was done, and every time that it was not.
    Control(Noun<control::Verb>),
    /// What of a framework the record shows, what it does not, and what to do next.
    Gap(Noun<gap::Verb>),
    /// Auditors from outside: access for a time, what they see first, and what they ask for.
    Audit(Noun<audit::Verb>),
    /// The log of everything that happened, and its keys.
    Ledger(Noun<ledger::Verb>),
    /// Evidence about versions and systems, and packs for auditors.
    Evidence(Noun<evidence::Verb>),
    /// Verify an evidence pack or a log folder offline, with keys that you bring along.
    Verify(verify::VerifyArgs),
    /// Verify the proof of a prediction offline, with nothing but a key that you trust.
    VerifyPrediction(verify_prediction::VerifyPredictionArgs),
    /// Verify a signed statement about a decision offline, with keys that you bring along.
    VerifyStatement(verify_statement::VerifyStatementArgs),
    /// Write the page that verifies evidence packs in a browser, from disk, without a network.
    Verifier(verifier::VerifierArgs),
    /// Policies: lint, test, prove and compare them without a server, and change those of a server.
    Policy(Noun<policy::Verb>),
    /// Check everything that is stored. Works on the data folder of a stopped server.
    Doctor(doctor::DoctorArgs),
    /// Move everything to another database and object store.
    #[command(subcommand)]
    Store(store::Verb),
    /// The server's configuration.
    #[command(subcommand)]
    Config(config::Verb),
    /// Documents made of facts on record, and the references that are generated from this program.
    Docs(Noun<docs::Verb>),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
}

/// A noun whose verbs talk to a server.
#[derive(Debug, Args)]
pub(crate) struct Noun<V: Subcommand> {
    #[command(flatten)]
    pub(crate) api: ApiArgs,
    #[command(subcommand)]
    pub(crate) verb: V,
}

/// A command without verbs that talks to a server.
#[derive(Debug, Args)]
pub(crate) struct Act<A: Args> {
    // First, so that the heading of the options below does not stand over them.
    #[command(flatten)]
    pub(crate) arguments: A,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Which server, and as whom.
///
/// The token is never an argument: other users of the machine can read arguments, and shells keep them in their
/// history.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ApiArgs {
    /// Address of the server.
    #[arg(
        long,
        global = true,
        env = "COMPTROLLER_URL",
        default_value = "http://127.0.0.1:8440",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) url: String,
    /// File that holds the token (`-` for stdin), else the environment variable COMPTROLLER_TOKEN.
    ///
    /// There is no option for the token itself: other users of the machine can read arguments, and shells keep
    /// them in their history.
    #[arg(long, global = true, env = "COMPTROLLER_TOKEN_FILE", value_name = "FILE", hide_env_values = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// PEM file with the certificates of the authority that signed the server's, instead of the public ones.
    #[arg(long, global = true, env = "COMPTROLLER_CA_FILE", value_name = "FILE", hide_env_values = true)]
    pub(crate) ca_file: Option<PathBuf>,
    /// Key under which the server does this act only once; a fresh random one if not given.
    ///
    /// The same key with the same request gives the first answer again. A lost connection is retried under the
    /// same key by itself.
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

/// What a new token is good for.
#[derive(Clone, Debug, Args)]
pub(crate) struct NewToken {
    /// What its owner calls it.
    #[arg(long)]
    label: Slug,
    /// The one environment it is good for; without it, acts that touch no environment, and any by role.
    #[arg(long, value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Option<Environment>,
    /// Days until it ends, 1 to 90.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=90))]
    days: u32,
}

impl NewToken {
    /// The act that makes it for the caller.
    pub(crate) fn own(self) -> IssueOwnToken {
        IssueOwnToken { environment: self.environment, label: self.label, days: self.days }
    }

    /// The act that makes it for a service account.
    pub(crate) fn of(self, principal: String) -> IssueToken {
        IssueToken { principal, environment: self.environment, label: self.label, days: self.days }
    }
}

/// Which part of a list.
#[derive(Clone, Debug, Args)]
pub(crate) struct Paging {
    /// Go on after this key: the `next` of the page before.
    #[arg(long, value_name = "KEY", conflicts_with = "all")]
    pub(crate) after: Option<String>,
    /// Items per page, 1 to 200.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) limit: Option<u16>,
    /// Every page, as one list.
    #[arg(long)]
    pub(crate) all: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
