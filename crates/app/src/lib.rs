//! The use cases: one function per governance act, and the followers that run beside them.
//!
//! Every write has the same shape ([`act`]): who may do this on what evidence (policy), then the state change and
//! its event in one transaction (store), then the answer. Handlers, the CLI and the demo call these functions and
//! decide nothing themselves.

pub mod access;
mod act;
pub mod approvals;
pub mod artifacts;
pub mod assess;
pub mod assessments;
pub mod audit;
pub mod audits;
pub mod authzen;
pub mod bias_tests;
pub mod caller;
pub mod classify;
pub mod controls;
pub mod datasets;
pub mod decisions;
pub mod delegations;
pub mod deploy;
pub mod documents;
pub mod drift;
pub mod emergencies;
mod error;
pub mod evidence;
pub mod factors;
mod facts;
pub mod fairness;
pub mod followers;
pub mod gaps;
pub mod gate;
pub mod holds;
pub mod incidents;
pub mod invitations;
pub mod law_changes;
pub mod ledger;
pub mod models;
pub mod monitors;
pub mod notify;
mod oidc;
pub mod operate;
pub mod outbound;
pub mod people;
pub mod policies;
pub mod population;
pub mod predictions;
pub mod remediations;
pub mod reminders;
pub mod retention;
pub mod risks;
pub mod runtime;
pub mod sign_in;
pub mod stale;
pub mod statement;
pub mod subject_requests;
pub mod subjects;
mod switch;
pub mod systems;
pub mod tiers;
pub mod timestamp;
pub mod view;
pub mod votes;
pub mod waivers;
pub mod what_if;
pub mod witness;
pub mod workloads;

/// Texts from data, cut to size and in markup, for whoever writes a report.
pub use comptroller_report::escape;
/// The store, for the binary that opens one at start-up.
pub use comptroller_store as store;

pub use act::Call;
pub use caller::Caller;
pub use comptroller_policy::RuleInfo;
pub use error::AppError;
pub use view::{Page, Receipt};

use comptroller_store::Store;
use std::sync::Arc;

/// The organisation as a resource: there is one in a database (ADR 0003).
pub(crate) const ORG: &str = "org/own";

/// The application: the store, the policies, the log's witnesses and time-stamp authority, and the
/// identity provider. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    store: Store,
    policies: Arc<policies::Policies>,
    witnesses: Option<Arc<witness::Witnesses>>,
    sign_in: Option<Arc<sign_in::SignIn>>,
    stamper: Option<Arc<timestamp::Stamper>>,
    issuers: Arc<workloads::Issuers>,
    solver: Option<Arc<std::path::PathBuf>>,
    channels: Vec<Arc<notify::Channel>>,
    reminders: reminders::ReminderSettings,
    ingest: Option<Arc<predictions::Ingest>>,
}

impl App {
    /// Over an open store, with the base policies of this version of the product.
    pub fn new(store: Store) -> Result<Self, AppError> {
        Ok(Self {
            store,
            policies: Arc::new(policies::Policies::new()?),
            witnesses: None,
            sign_in: None,
            stamper: None,
            issuers: Arc::default(),
            solver: None,
            channels: Vec::new(),
            reminders: reminders::ReminderSettings::default(),
            ingest: None,
        })
    }

    /// The store, for start-up, maintenance and tests.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Names the program that proves policies; without it, cvc5 is looked for on `PATH`.
    #[must_use]
    pub fn with_solver(mut self, solver: Option<std::path::PathBuf>) -> Self {
        self.solver = solver.map(Arc::new);
        self
    }
}
