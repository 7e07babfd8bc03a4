//! The commands: one file per noun, and the dispatch to them.

pub(crate) mod approval;
pub(crate) mod artifact;
pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod control;
mod control_timeline;
pub(crate) mod dataset;
pub(crate) mod decision;
pub(crate) mod delegation;
pub(crate) mod deploy;
pub(crate) mod docs;
pub(crate) mod doctor;
pub(crate) mod document;
pub(crate) mod drift;
pub(crate) mod emergency;
pub(crate) mod evidence;
pub(crate) mod factor;
pub(crate) mod fairness;
pub(crate) mod framework;
pub(crate) mod gap;
pub(crate) mod gate;
pub(crate) mod hold;
pub(crate) mod invitation;
pub(crate) mod ledger;
pub(crate) mod model;
pub(crate) mod monitor;
mod monitor_fairness;
mod monitor_report;
mod outside;
pub(crate) mod person;
pub(crate) mod playbook;
pub(crate) mod policy;
pub(crate) mod prediction;
pub(crate) mod profile;
pub(crate) mod remediation;
pub(crate) mod retention;
pub(crate) mod risk;
pub(crate) mod role;
pub(crate) mod runtime;
pub(crate) mod serve;
pub(crate) mod service_account;
pub(crate) mod serving;
mod stale;
pub(crate) mod store;
pub(crate) mod subject;
mod subject_request;
pub(crate) mod system;
pub(crate) mod team;
pub(crate) mod token;
mod upload;
pub(crate) mod vendor;
pub(crate) mod verifier;
pub(crate) mod verify;
pub(crate) mod verify_prediction;
pub(crate) mod verify_statement;
pub(crate) mod version;
pub(crate) mod waiver;
pub(crate) mod workload;

use crate::args::{Act, ApiArgs, Cli, Command, Noun};
use crate::client::Client;
use crate::exit::Exit;
use crate::output::Screen;
use clap::{Args, Subcommand};

/// What a command that talks to a server works with.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) screen: Screen,
}

impl Context {
    fn new(api: &ApiArgs, screen: Screen) -> anyhow::Result<Self> {
        Ok(Self { client: Client::new(api)?, screen })
    }
}

/// Runs the command; answers the exit code.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Exit> {
    let screen = Screen::new(cli.format);
    match cli.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Person(noun) => verb(screen, noun, person::run),
        Command::ServiceAccount(noun) => verb(screen, noun, service_account::run),
        Command::Role(noun) => verb(screen, noun, role::run),
        Command::Team(noun) => verb(screen, noun, team::run),
        Command::Invitation(noun) => verb(screen, noun, invitation::run),
        Command::Token(noun) => verb(screen, noun, token::run),
        Command::Factor(noun) => verb(screen, noun, factor::run),
        Command::Workload(noun) => verb(screen, noun, workload::run),
        Command::Whoami(api) => person::whoami(&Context::new(&api, screen)?).map(|()| Exit::OK),
        Command::Vendor(noun) => verb(screen, noun, vendor::run),
        Command::System(noun) => verb(screen, noun, system::run),
        Command::Dataset(noun) => verb(screen, noun, dataset::run),
        Command::Artifact(noun) => verb(screen, noun, artifact::run),
        Command::Model(noun) => verb(screen, noun, model::run),
        Command::Version(noun) => verb(screen, noun, version::run),
        Command::Gate(act) => gate::run(&Context::new(&act.api, screen)?, &act.arguments),
        Command::Decision(noun) => verb(screen, noun, decision::run),
        Command::Approval(noun) => verb(screen, noun, approval::run),
        Command::Monitor(noun) => verb(screen, noun, monitor::run),
        Command::Playbook(what) => playbook::run(screen, &what),
        Command::Prediction(noun) => verb(screen, noun, prediction::run),
        Command::Delegation(noun) => verb(screen, noun, delegation::run),
        Command::Waiver(noun) => verb(screen, noun, waiver::run),
        Command::Emergency(noun) => verb(screen, noun, emergency::run),
        Command::Remediation(noun) => verb(screen, noun, remediation::run),
        Command::Incident(noun) => verb(screen, noun, emergency::incidents),
        Command::Deploy(act) => single(screen, act, deploy::deploy),
        Command::Rollback(act) => single(screen, act, deploy::rollback),
        Command::Drill(act) => single(screen, act, deploy::drill),
        Command::Deployments(noun) => verb(screen, noun, deploy::run),
        Command::Serving(act) => single(screen, act, serving::run),
        Command::Runtime(noun) => verb(screen, noun, runtime::run),
        Command::Subject(noun) => verb(screen, noun, subject::run),
        Command::Retention(noun) => verb(screen, noun, retention::run),
        Command::Hold(noun) => verb(screen, noun, hold::run),
        Command::Control(noun) => control::run(screen, noun),
        Command::Gap(noun) => verb(screen, noun, gap::run),
        Command::Audit(noun) => verb(screen, noun, audit::run),
        Command::Ledger(noun) => verb(screen, noun, ledger::run),
        Command::Evidence(noun) => verb(screen, noun, evidence::run),
        Command::Verify(arguments) => verify::run(screen, &arguments),
        Command::VerifyPrediction(arguments) => verify_prediction::run(screen, &arguments),
        Command::VerifyStatement(arguments) => verify_statement::run(screen, &arguments),
        Command::Verifier(arguments) => verifier::run(screen, &arguments),
        Command::Drift(arguments) => drift::run(screen, &arguments),
        Command::Profile(arguments) => profile::run(screen, &arguments),
        Command::Fairness(arguments) => fairness::run(screen, &arguments),
        Command::Framework(noun) => framework::run(screen, &noun),
        Command::Risk(noun) => risk::run(screen, noun),
        Command::Doctor(arguments) => doctor::run(screen, &arguments),
        Command::Store(what) => store::run(screen, &what),
        Command::Policy(noun) => policy::run(screen, &noun),
        Command::Config(what) => config::run(screen, &what),
        Command::Docs(noun) => docs::run(screen, noun),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

fn verb<V: Subcommand>(
    screen: Screen,
    noun: Noun<V>,
    run: fn(&Context, V) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    run(&Context::new(&noun.api, screen)?, noun.verb).map(|()| Exit::OK)
}

fn single<A: Args>(
    screen: Screen,
    act: Act<A>,
    run: fn(&Context, A) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    run(&Context::new(&act.api, screen)?, act.arguments).map(|()| Exit::OK)
}
